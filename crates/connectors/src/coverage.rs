//! What one run of lines or records covered. A kind is complete only if somebody said so, nothing contradicts it, and
//! nothing was skipped: whatever goes wrong is told here and takes completeness away.

use std::collections::BTreeMap;

use octro_model::{Id, ScopeReport, UnknownReason, Why};

use crate::Run;
use crate::plain::plain;

/// How many faults are explained one by one.
const FAULTS_SHOWN: u64 = 20;
/// How many scopes one run may have.
const SCOPES_MAX: usize = 10_000;

/// What a run covered so far.
pub(crate) struct Coverage {
    kinds: Vec<Id>,
    scopes: BTreeMap<(Id, String), Scope>,
    /// The first fault of a kind, or of all kinds (`None`).
    faults: BTreeMap<Option<Id>, UnknownReason>,
    skipped: u64,
    remarks: u64,
}

#[derive(Default)]
struct Scope {
    seen: u64,
    told: Option<ScopeReport>,
}

impl Coverage {
    /// Nothing of these kinds is covered yet.
    pub(crate) fn new(kinds: Vec<Id>) -> Self {
        Self { kinds, scopes: BTreeMap::new(), faults: BTreeMap::new(), skipped: 0, remarks: 0 }
    }

    /// Whether the source yields this kind.
    pub(crate) fn yields(&self, kind: &Id) -> bool {
        self.kinds.contains(kind)
    }

    /// The kinds that the source yields, for people.
    pub(crate) fn kinds(&self) -> String {
        self.kinds.iter().map(Id::as_str).collect::<Vec<_>>().join(", ")
    }

    fn scope(&mut self, kind: &Id, scope: &str) -> Option<&mut Scope> {
        let key = (kind.clone(), scope.to_owned());
        if self.scopes.len() >= SCOPES_MAX && !self.scopes.contains_key(&key) {
            let what = format!("there are more than {SCOPES_MAX} scopes");
            self.faults.entry(Some(kind.clone())).or_insert_with(|| UnknownReason::new(Why::Failed, what));
            return None;
        }
        Some(self.scopes.entry(key).or_default())
    }

    /// One resource was seen.
    pub(crate) fn saw(&mut self, kind: &Id, scope: &str) {
        if let Some(scope) = self.scope(kind, scope) {
            scope.seen += 1;
        }
    }

    /// Somebody says how a scope's enumeration went. Of two that disagree, the worse counts.
    pub(crate) fn told(&mut self, report: ScopeReport) {
        let Some(scope) = self.scope(&report.kind.clone(), &report.scope.clone()) else { return };
        match &mut scope.told {
            None => scope.told = Some(report),
            Some(before) => {
                before.resources = before.resources.max(report.resources);
                before.pages = before.pages.saturating_add(report.pages);
                if before.complete && !report.complete {
                    before.complete = false;
                    before.reason = report.reason;
                }
            }
        }
    }

    /// Something was skipped; it was of `kind`, or of any kind. The first few are explained.
    pub(crate) fn skip(&mut self, run: &mut Run<'_>, kind: Option<Id>, place: &str, what: &str, mend: &str) {
        self.skipped += 1;
        let (place, what) = (plain(place, 300), plain(what, 400));
        if self.skipped <= FAULTS_SHOWN {
            run.error(place.clone(), what.clone(), mend);
        }
        self.faults
            .entry(kind)
            .or_insert_with(|| UnknownReason::new(Why::Failed, format!("{place}: {what}")));
    }

    /// Something is unknown that should not be, though nothing was skipped. The first few are explained.
    pub(crate) fn remark(&mut self, run: &mut Run<'_>, place: &str, what: &str, mend: &str) {
        self.remarks += 1;
        if self.remarks <= FAULTS_SHOWN {
            run.error(plain(place, 300), plain(what, 400), mend);
        }
    }

    /// The whole run cannot be complete any more.
    pub(crate) fn broken(&mut self, run: &mut Run<'_>, what: &str, reason: UnknownReason, mend: &str) {
        run.error(plain(what, 300), plain(&reason.to_string(), 1_500), mend);
        // That the run broke off says more than a line that was skipped on the way.
        let reason = UnknownReason::new(reason.why, plain(&reason.detail, 500));
        self.faults.insert(None, reason);
    }

    /// Tells the run how each kind and scope went.
    pub(crate) fn finish(self, run: &mut Run<'_>) {
        if self.skipped > FAULTS_SHOWN {
            let shown = format!("{} were skipped; the first {FAULTS_SHOWN} are explained", self.skipped);
            run.error("lines or records", shown, "");
        }
        if self.remarks > FAULTS_SHOWN {
            let shown = format!("{} could not be read; the first {FAULTS_SHOWN} are explained", self.remarks);
            run.error("values", shown, "");
        }
        for kind in &self.kinds {
            let fault = self.faults.get(&None).or_else(|| self.faults.get(&Some(kind.clone())));
            let mut is_reported = false;
            for ((_, name), scope) in self.scopes.iter().filter(|((of, _), _)| of == kind) {
                is_reported = true;
                run.scope(report(kind, name, scope, fault));
            }
            if !is_reported {
                let reason = fault.cloned().unwrap_or_else(|| {
                    UnknownReason::new(Why::NotCollected, "nothing says that this kind was enumerated")
                });
                run.incomplete(kind.clone(), 0, reason);
            }
        }
    }
}

fn report(kind: &Id, name: &str, scope: &Scope, fault: Option<&UnknownReason>) -> ScopeReport {
    let mut report = match &scope.told {
        Some(told) => told.clone(),
        None => ScopeReport {
            kind: kind.clone(),
            scope: name.to_owned(),
            complete: false,
            resources: 0,
            pages: 0,
            reason: Some(UnknownReason::new(
                Why::NotCollected,
                "nothing says that this scope was enumerated to its end",
            )),
        },
    };
    if report.complete && report.resources != 0 && report.resources != scope.seen {
        let what = format!("it is said to have {} resources; {} were read", report.resources, scope.seen);
        report.complete = false;
        report.reason = Some(UnknownReason::new(Why::Failed, what));
    }
    report.resources = scope.seen;
    if let Some(fault) = fault.filter(|_| report.complete) {
        report.complete = false;
        report.reason = Some(fault.clone());
    }
    if !report.complete && report.reason.is_none() {
        report.reason = Some(UnknownReason::new(Why::NotCollected, "the source did not say why"));
    }
    report
}
