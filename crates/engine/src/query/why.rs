//! Why a result is what it is: the rule, the facts that it read, the evidence, the exception, and its history.

use std::fmt::Write as _;

use octro_cel::{Fact, Reading, Subject};
use octro_model::{Id, Severity, Status, Timestamp};
use octro_program::{Explained, Program, Test};
use octro_store::Row;
use serde::Serialize;

use super::asof::LAG;
use super::facts::{Known, Said};
use super::snapshot::Snapshot;
use super::{AsOf, Query, ReadView};
use crate::EngineError;

const HISTORY: &str = "SELECT from_at, known_at, to_at, closed_at, superseded_at, version, observation, status FROM results \
     WHERE test = $1 AND resource = $2 AND known_at <= $3 ORDER BY from_at DESC, known_at DESC LIMIT 500";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[HISTORY];

/// A fact that a test read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FactView {
    /// The kind of the resource that it was read from.
    pub kind: Id,
    /// The key of that resource; empty for the judged resource itself.
    pub key: String,
    /// What was read: `encrypted`, `rules[].sse`.
    pub path: String,
    /// Whether the scope read it; otherwise the condition did.
    pub scope: bool,
    /// What it was.
    pub reading: ReadView,
    /// The source that says so; `None` if nobody does.
    pub source: Option<Id>,
    /// Since when it was described like this.
    pub effective_at: Option<Timestamp>,
    /// When it was last seen to be so.
    pub seen_at: Option<Timestamp>,
}

/// An observation that a result rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// Its number.
    pub observation: i64,
    /// The source.
    pub source: Id,
    /// When it was true.
    pub effective_at: Timestamp,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it was last seen to be so.
    pub seen_at: Timestamp,
    /// The collection that brought it.
    pub collection: i64,
    /// The part of the population that it was found in.
    pub scope: String,
    /// SHA-256 of its content, the first 16 bytes, in hexadecimal.
    pub hash: String,
    /// What was said, as it is stored.
    pub body: serde_json::Value,
}

/// An exception that covers a result, or once did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceptionView {
    /// Its id.
    pub id: Id,
    /// The resources that it covers.
    pub resource: String,
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub owner: String,
    /// Who approved it.
    pub approver: String,
    /// From when.
    pub approved: Timestamp,
    /// Until when.
    pub expires: Timestamp,
    /// What is done instead.
    pub compensating_control: Option<String>,
    /// Whether it is in force at the moment asked about.
    pub active: bool,
}

/// How to mend a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FixView {
    /// In words.
    pub text: String,
    /// A command.
    pub command: Option<String>,
    /// Terraform.
    pub terraform: Option<String>,
}

/// A stretch of a result's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// The status; `None` if it was not judged.
    pub status: Option<Status>,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` if it lasts.
    pub to: Option<Timestamp>,
    /// When it became known.
    pub known_at: Timestamp,
    /// When something else was learned instead; `None` if it still holds.
    pub superseded_at: Option<Timestamp>,
    /// The revision of the test.
    pub rev: u32,
    /// The observation that it rests on; 0 if none.
    pub observation: i64,
    /// Whether it was learned later than it was true by more than ten minutes.
    pub learned_later: bool,
}

/// See the module.
#[derive(Clone, Debug, Serialize)]
pub struct Why {
    /// The test.
    pub test: Id,
    /// Its title.
    pub title: String,
    /// Why the test exists.
    pub purpose: String,
    /// How much a failure matters.
    pub severity: Severity,
    /// The resource's kind.
    pub kind: Id,
    /// The resource's key.
    pub key: String,
    /// The status; `None` if the resource was not judged at that moment.
    pub status: Option<Status>,
    /// Why, in a sentence.
    pub sentence: String,
    /// Since when it is so.
    pub since: Option<Timestamp>,
    /// The revision of the test that judged.
    pub rev: u32,
    /// The hash of that revision's meaning.
    pub hash: String,
    /// Which resources the test is about, as an expression; empty for all.
    pub scope: String,
    /// What has to be true, as an expression.
    pub pass: String,
    /// What a failure says; empty unless it fails.
    pub message: String,
    /// The facts that were read.
    pub facts: Vec<FactView>,
    /// The observations that they come from, of the judged resource first.
    pub evidence: Vec<Evidence>,
    /// The exceptions of the program in force that speak of it.
    pub exceptions: Vec<ExceptionView>,
    /// How to mend it.
    pub fix: FixView,
    /// The controls that this test measures.
    pub controls: Vec<Id>,
    /// The history, newest first, with what was believed for a while and then corrected (500 entries at most).
    pub history: Vec<Interval>,
}

impl Query {
    /// Why `test` has the status that it has for a resource.
    ///
    /// # Errors
    /// If the test or resource was not known by then, or the database fails.
    pub async fn why(&self, test: &str, kind: &str, key: &str, as_of: AsOf) -> Result<Why, EngineError> {
        let program = self.program(as_of).await?.program;
        let rule = program
            .tests
            .get(test)
            .ok_or_else(|| EngineError::NotFound { what: "test", name: test.to_owned() })?;
        let missing = || EngineError::NotFound { what: "resource", name: format!("{kind} {key}") };
        let (ord, first_seen_at) = self.resource_ord(kind, key).await?.ok_or_else(missing)?;
        if first_seen_at > as_of.known_at || rule.on != kind {
            return Err(missing());
        }
        let history = self.history(test, ord, as_of).await?;
        let current = history.iter().find(|row| {
            row.superseded_at.is_none() && row.from <= as_of.at && row.to.is_none_or(|to| to > as_of.at)
        });
        let mut why = blank(&program, rule, key);
        why.status = current.and_then(|row| row.status);
        why.since = current.map(|row| row.from);
        if let Some(row) = current {
            why.rev = row.rev;
        }
        why.history = history;
        why.exceptions = exceptions(&program, rule, key, as_of.at);
        self.facts(&program, rule, ord, as_of, &mut why).await?;
        Ok(why)
    }

    /// Fills in what was read, from where, and what it comes to.
    async fn facts(
        &self,
        program: &Program,
        rule: &Test,
        ord: i64,
        as_of: AsOf,
        why: &mut Why,
    ) -> Result<(), EngineError> {
        "nothing is known of it".clone_into(&mut why.sentence);
        let mut snapshot = Snapshot::new(&self.attempts(as_of).await?);
        let at = (ord, &rule.on, why.key.as_str());
        let Some(mut known) = self.known(program, at, as_of, &mut snapshot.sources).await? else {
            return Ok(());
        };
        self.look_ahead(&mut snapshot, program, rule, &known, as_of).await?;
        let mut all: Vec<&mut Known> = snapshot.known.values_mut().collect();
        all.push(&mut known);
        self.last_seen(&mut all, as_of).await?;
        let Some(record) = known.record() else {
            why.sentence = known.missing().unwrap_or_else(|| "no source sees it any more".to_owned());
            return Ok(());
        };
        let subject = Subject { record, key: &why.key };
        let explained = octro_program::explain(rule, &subject, as_of.at, &snapshot);
        if let Some(status) = why.status {
            why.sentence = sentence(status, &explained);
            if status == Status::Stale
                && let Some(seen) = known.seen_at()
            {
                let _ = write!(
                    why.sentence,
                    "; last seen at {}, {} ago",
                    seen.minute(),
                    as_of.at.since(seen).human()
                );
            }
        }
        if matches!(why.status, Some(Status::Fail | Status::Excepted)) {
            why.message.clone_from(&explained.message);
        }
        let find = |fact: &Fact| {
            if fact.key.is_empty() {
                Some(&known)
            } else {
                snapshot.known.get(&(fact.kind.clone(), fact.key.clone()))
            }
        };
        let mut evidence: Vec<&Said> = Vec::new();
        for (scope, facts) in [(true, &explained.scope_facts), (false, &explained.facts)] {
            for fact in facts {
                let outer = fact.path.split(['.', '[']).next().unwrap_or_default();
                let from = find(fact);
                let said = from.and_then(|from| from.origin(outer).or_else(|| from.said.first()));
                evidence.extend(said);
                why.facts.push(FactView {
                    kind: fact.kind.clone(),
                    key: fact.key.clone(),
                    path: fact.path.clone(),
                    scope,
                    reading: ReadView::from(fact.reading.clone()),
                    source: said.map(|said| said.source_id.clone()),
                    effective_at: said.map(|said| said.effective_at),
                    seen_at: said.map(|said| said.seen_at),
                });
            }
        }
        let mut shown = std::collections::BTreeSet::new();
        for said in known.said.iter().chain(evidence) {
            if shown.insert(said.observation) {
                why.evidence.push(Evidence::of(said));
            }
        }
        Ok(())
    }

    /// The history of one result as known by then, newest first.
    async fn history(&self, test: &str, ord: i64, as_of: AsOf) -> Result<Vec<Interval>, EngineError> {
        let Some(number) = self.test_ord(test).await? else { return Ok(Vec::new()) };
        let revisions = self.revisions().await?;
        let known = as_of.known_at;
        let rows = self.db.fetch(HISTORY, &[number.into(), ord.into(), known.into()]).await?;
        let interval = |row: &Row| {
            let (from, learned): (Timestamp, Timestamp) = (row.get(0)?, row.get(1)?);
            let (to, closed_at, superseded_at): (Timestamp, Timestamp, Timestamp) =
                (row.get(2)?, row.get(3)?, row.get(4)?);
            let open = to == Timestamp::MAX || closed_at > known;
            Ok(Interval {
                status: u8::try_from(row.get::<i64>(7)?).ok().and_then(Status::from_code),
                from,
                to: (!open).then_some(to),
                known_at: learned,
                superseded_at: (superseded_at <= known).then_some(superseded_at),
                rev: revisions.get(&row.get::<i64>(5)?).map_or(0, |(rev, _)| *rev),
                observation: row.get(6)?,
                learned_later: learned.since(from) > LAG,
            })
        };
        let all: Vec<Interval> = rows.iter().map(interval).collect::<Result<_, EngineError>>()?;
        // What lasted no time at all was never visible to anyone.
        Ok(all.into_iter().filter(|row| row.to != Some(row.from)).collect())
    }
}

impl Evidence {
    fn of(said: &Said) -> Self {
        let mut hash = String::with_capacity(32);
        for byte in &said.hash {
            let _ = write!(hash, "{byte:02x}");
        }
        Self {
            observation: said.observation,
            source: said.source_id.clone(),
            effective_at: said.effective_at,
            received_at: said.received_at,
            seen_at: said.seen_at,
            collection: said.collection,
            scope: said.scope.clone(),
            hash,
            body: serde_json::from_slice(&said.body).unwrap_or_default(),
        }
    }
}

fn blank(program: &Program, rule: &Test, key: &str) -> Why {
    Why {
        test: rule.id.clone(),
        title: rule.title.clone(),
        purpose: rule.why.clone(),
        severity: rule.severity,
        kind: rule.on.clone(),
        key: key.to_owned(),
        status: None,
        sentence: String::new(),
        since: None,
        rev: rule.rev,
        hash: rule.hash.clone(),
        scope: rule.scope.as_ref().map(|scope| scope.text().to_owned()).unwrap_or_default(),
        pass: rule.pass.text().to_owned(),
        message: String::new(),
        facts: Vec::new(),
        evidence: Vec::new(),
        exceptions: Vec::new(),
        fix: FixView {
            text: rule.fix.text.clone(),
            command: rule.fix.command.clone(),
            terraform: rule.fix.terraform.clone(),
        },
        controls: program
            .controls
            .values()
            .filter(|control| control.tests.contains(&rule.id))
            .map(|control| control.id.clone())
            .collect(),
        history: Vec::new(),
    }
}

fn exceptions(program: &Program, rule: &Test, key: &str, at: Timestamp) -> Vec<ExceptionView> {
    program
        .exceptions_for(&rule.id, key)
        .map(|exception| ExceptionView {
            id: exception.id.clone(),
            resource: exception.resource.to_string(),
            reason: exception.reason.clone(),
            owner: exception.owner.to_string(),
            approver: exception.approver.clone(),
            approved: exception.approved,
            expires: exception.expires,
            compensating_control: exception.compensating_control.clone(),
            active: exception.approved <= at && at < exception.expires,
        })
        .collect()
}

/// How many facts a sentence names.
const FACTS_MAX: usize = 4;
/// How much of a value a sentence shows, in characters.
const VALUE_MAX: usize = 80;

/// Why a result has `status`, in a sentence.
pub fn sentence(status: Status, explained: &Explained) -> String {
    match status {
        Status::Pass => said(&explained.facts, "it holds"),
        Status::Fail if explained.message.is_empty() => said(&explained.facts, "it does not hold"),
        Status::Fail => explained.message.clone(),
        Status::Excepted => format!("excepted: {}", explained.message),
        Status::NotApplicable => {
            format!("out of scope: {}", said(&explained.scope_facts, "the scope is false"))
        }
        Status::Stale => format!("the evidence is too old; it said: {}", said(&explained.facts, "nothing")),
        Status::Unknown => {
            let mut all: Vec<String> = explained
                .unknown
                .iter()
                .map(|(path, reason)| format!("{path} is unknown: {reason}"))
                .collect();
            all.dedup();
            let more = all.len().saturating_sub(FACTS_MAX);
            all.truncate(FACTS_MAX);
            match (all.is_empty(), more) {
                (true, _) => said(&explained.facts, "it could not be determined"),
                (false, 0) => all.join("; "),
                (false, more) => format!("{}; and {more} more", all.join("; ")),
            }
        }
    }
}

/// The facts in words, or `nothing` if there are none.
fn said(facts: &[Fact], nothing: &str) -> String {
    let mut all: Vec<String> = Vec::new();
    for fact in facts {
        let of = if fact.key.is_empty() { String::new() } else { format!(" of {} {}", fact.kind, fact.key) };
        let text = match &fact.reading {
            Reading::Value(value) => format!("{}{of} is {}", fact.path, short(value)),
            Reading::Absent => format!("{}{of} is not set", fact.path),
            Reading::Unknown(reason) => format!("{}{of} is unknown: {reason}", fact.path),
        };
        if !all.contains(&text) {
            all.push(text);
        }
    }
    let more = all.len().saturating_sub(FACTS_MAX);
    all.truncate(FACTS_MAX);
    match (all.is_empty(), more) {
        (true, _) => nothing.to_owned(),
        (false, 0) => all.join(", "),
        (false, more) => format!("{}, and {more} more", all.join(", ")),
    }
}

fn short(value: &serde_json::Value) -> String {
    let text = match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null
        | serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => value.to_string(),
    };
    if text.chars().nth(VALUE_MAX).is_some() {
        format!("{}…", text.chars().take(VALUE_MAX).collect::<String>())
    } else {
        text
    }
}
