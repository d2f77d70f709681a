//! One run of a source: what it delivers and how it went.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use octro_model::{
    Clock, Collection, CollectionError, DataClasses, Id, Observation, ScopeReport, Timestamp, UnknownReason,
    Why,
};

/// How many errors a run keeps; the rest are counted in the last one.
const ERRORS_MAX: usize = 200;

/// Takes observations away in batches; an error means that the run has to stop.
pub type Deliver<'a> = dyn FnMut(Vec<Observation>) -> Result<(), Stopped> + Send + 'a;

/// The run is over: its time is up, or nobody listens any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was stopped")]
pub struct Stopped;

/// One run of a source.
pub struct Run<'a> {
    source: Id,
    kinds: Vec<Id>,
    clock: &'a dyn Clock,
    deliver: &'a mut Deliver<'a>,
    pending: Vec<Observation>,
    batch_max: usize,
    started_at: Timestamp,
    deadline: Timestamp,
    scopes: Vec<ScopeReport>,
    errors: Vec<CollectionError>,
    errors_dropped: u64,
    stopped: bool,
    stop: Arc<AtomicBool>,
    classes: Arc<DataClasses>,
}

impl<'a> Run<'a> {
    /// A run of `source`, which yields `kinds`, until `deadline`.
    pub fn new(
        source: Id,
        kinds: Vec<Id>,
        clock: &'a dyn Clock,
        deadline: Timestamp,
        deliver: &'a mut Deliver<'a>,
    ) -> Self {
        Self {
            source,
            kinds,
            clock,
            deliver,
            pending: Vec::new(),
            batch_max: 512,
            started_at: clock.now(),
            deadline,
            scopes: Vec::new(),
            errors: Vec::new(),
            errors_dropped: 0,
            stopped: false,
            stop: Arc::default(),
            classes: Arc::default(),
        }
    }

    /// The same run, in which stores hold what the program declares.
    #[must_use]
    pub fn classed_by(mut self, classes: Arc<DataClasses>) -> Self {
        self.classes = classes;
        self
    }

    /// What stores hold by the program; whoever reads tags asks it for their names.
    pub fn classes(&self) -> Arc<DataClasses> {
        self.classes.clone()
    }

    /// The same run, which is over as soon as somebody sets `stop`.
    #[must_use]
    pub fn stopped_by(mut self, stop: Arc<AtomicBool>) -> Self {
        self.stop = stop;
        self
    }

    /// What is set when the run is over: for threads of a source that do not have the run at hand.
    pub fn stop(&self) -> Arc<AtomicBool> {
        self.stop.clone()
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When the run must be over.
    pub const fn deadline(&self) -> Timestamp {
        self.deadline
    }

    /// Whether the source has to return.
    pub fn is_stopped(&mut self) -> bool {
        self.stopped = self.stopped || self.stop.load(Ordering::Relaxed) || self.clock.now() >= self.deadline;
        self.stopped
    }

    /// Delivers one observation.
    ///
    /// # Errors
    /// [`Stopped`] if the source has to return.
    pub fn observe(&mut self, mut observation: Observation) -> Result<(), Stopped> {
        if self.is_stopped() {
            return Err(Stopped);
        }
        self.classify(&mut observation);
        self.pending.push(observation);
        if self.pending.len() >= self.batch_max { self.flush() } else { Ok(()) }
    }

    /// A store that says nothing of what it holds, holds what it is declared to hold. If what it says could not be read,
    /// that may be something else.
    fn classify(&self, observation: &mut Observation) {
        const CLASS: &str = "data_class";
        let is_said = observation.attributes.get(CLASS).is_some_and(|class| !class.is_null());
        if is_said
            || observation.gone
            || observation.unknown.contains_key(CLASS)
            || !self.classes.kinds.contains(&observation.kind)
        {
            return;
        }
        let account = observation.attributes.get("account").and_then(serde_json::Value::as_str);
        let declared = self.classes.declared(observation.kind.as_str(), &observation.key, account);
        if let Some(class) = declared.map(str::to_owned) {
            observation.attributes.insert(CLASS.to_owned(), class.into());
        }
    }

    /// Delivers what waits to be delivered. When it answers, what was observed so far is kept.
    ///
    /// # Errors
    /// [`Stopped`] if it could not be kept, or the source has to return.
    pub fn deliver(&mut self) -> Result<(), Stopped> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Stopped> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let sent = (self.deliver)(std::mem::take(&mut self.pending));
        self.stopped = self.stopped || sent.is_err();
        sent
    }

    /// Says how the enumeration of one scope of one kind went.
    pub fn scope(&mut self, report: ScopeReport) {
        self.scopes.push(report);
    }

    /// Whether the source was not stopped, and everything of which it said how it went was enumerated whole.
    pub fn is_complete(&mut self) -> bool {
        !self.is_stopped() && self.scopes.iter().all(|scope| scope.complete)
    }

    /// Says that `kind` was enumerated whole, in one scope without a name.
    pub fn complete(&mut self, kind: Id, resources: u64) {
        self.scope(ScopeReport {
            kind,
            scope: String::new(),
            complete: true,
            resources,
            pages: 1,
            reason: None,
        });
    }

    /// Says that `kind` could not be enumerated, and why.
    pub fn incomplete(&mut self, kind: Id, resources: u64, reason: UnknownReason) {
        self.scope(ScopeReport {
            kind,
            scope: String::new(),
            complete: false,
            resources,
            pages: 1,
            reason: Some(reason),
        });
    }

    /// Tells people what went wrong and how to mend it (`mend` may be empty).
    pub fn error(&mut self, what: impl Into<String>, message: impl Into<String>, mend: impl Into<String>) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(CollectionError {
                what: what.into(),
                message: message.into(),
                mend: mend.into(),
            });
        } else {
            self.errors_dropped += 1;
        }
    }

    /// Ends the run: delivers what is pending, and answers what was covered. Kinds that the source yields and said
    /// nothing of were not enumerated; a run that was stopped completed nothing.
    pub fn finish(mut self) -> Collection {
        let delivered = self.flush().is_ok() && !self.stopped;
        if !delivered {
            for scope in &mut self.scopes {
                scope.complete = false;
                scope.reason.get_or_insert_with(|| UnknownReason::new(Why::TimedOut, "the run was stopped"));
            }
        }
        for kind in &self.kinds {
            if !self.scopes.iter().any(|scope| scope.kind == *kind) {
                self.scopes.push(ScopeReport {
                    kind: kind.clone(),
                    scope: String::new(),
                    complete: false,
                    resources: 0,
                    pages: 0,
                    reason: Some(UnknownReason::new(
                        if delivered { Why::NotCollected } else { Why::TimedOut },
                        "the source did not say that it enumerated this kind",
                    )),
                });
            }
        }
        if self.errors_dropped > 0 {
            self.errors.push(CollectionError {
                what: "errors".to_owned(),
                message: format!("{} more were not kept", self.errors_dropped),
                mend: String::new(),
            });
        }
        Collection {
            source: self.source,
            started_at: self.started_at,
            finished_at: self.clock.now(),
            scopes: self.scopes,
            errors: self.errors,
            refused: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use octro_model::{DeclaredStores, Glob, Span, SystemClock};
    use serde_json::{Value, json};

    use super::*;

    /// What a store is told to hold, of which the source says this.
    fn class(kind: &str, attributes: Value, unknown: bool) -> Value {
        let classes = DataClasses {
            stores: vec![DeclaredStores {
                class: "internal".parse().unwrap(),
                kinds: Vec::new(),
                keys: vec![Glob::new("db*")],
                accounts: Vec::new(),
                why: String::new(),
            }],
            kinds: ["mysql.server".parse().unwrap()].into(),
            ..DataClasses::default()
        };
        let mut seen = Vec::new();
        let mut deliver = |batch: Vec<Observation>| {
            seen.extend(batch);
            Ok(())
        };
        let clock = SystemClock;
        let deadline = clock.now().plus(Span::HOUR);
        let mut run = Run::new("test".parse().unwrap(), Vec::new(), &clock, deadline, &mut deliver)
            .classed_by(Arc::new(classes));
        let mut observation: Observation =
            serde_json::from_value(json!({"kind": kind, "key": "db1:3306", "attributes": attributes}))
                .unwrap();
        if unknown {
            let reason = UnknownReason::new(Why::Denied, "tags");
            observation.unknown.insert("data_class".to_owned(), reason);
        }
        run.observe(observation).unwrap();
        run.finish();
        seen.remove(0).attributes.remove("data_class").unwrap_or_default()
    }

    #[test]
    fn what_is_declared_counts_where_the_store_says_nothing() {
        assert_eq!(class("mysql.server", json!({}), false), "internal");
        assert_eq!(class("mysql.server", json!({"data_class": null}), false), "internal");
        assert_eq!(class("mysql.server", json!({"data_class": "customer"}), false), "customer");
        assert_eq!(class("mysql.server", json!({}), true), Value::Null, "a tag might say something else");
        assert_eq!(class("host.swap", json!({}), false), Value::Null, "it holds no data of a class");
    }
}
