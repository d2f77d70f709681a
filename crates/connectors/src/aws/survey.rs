//! One run over all accounts: starts the looks, takes what they tell, and says at the end what was not reached and which
//! permissions were missing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use octro_model::{Id, ScopeReport, Span, Timestamp, UnknownReason, Why, permission};
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::Caller;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::changes::{Heard, Kept};
use super::estate::{self, Plan};
use super::look::Message;
use crate::{Run, Stopped};

/// How many messages may wait.
const WAITING_MAX: usize = 256;
/// How long before its end a run stops looking, to tell what it did not reach.
const LAST_WORDS: Span = Span::from_secs(2);
/// For how long changes are taken before the run that brings them is ended, and the next begun.
const FOLLOWED: Span = Span::from_secs(60);
/// How many missing permissions are told one by one.
const PERMISSIONS_MAX: usize = 60;

/// A gap of the same sort at several resources.
struct Gap {
    count: u64,
    first: String,
    reason: UnknownReason,
}

/// Looks at everything, and tells the run.
pub(crate) async fn survey(
    run: &mut Run<'_>,
    plan: Plan,
    caller: Caller,
    keys: Provider,
    mut heard: Option<&mut mpsc::Receiver<Heard>>,
) {
    let plan = Arc::new(plan);
    let began = caller.now();
    // What changed while everything was read, and when it was read anew.
    let mut newer: HashMap<(Id, String), Timestamp> = HashMap::new();
    let mut taken = 0;
    let kinds: Vec<Id> = {
        let all: BTreeSet<&Id> = plan.rows.iter().map(|(_, kind)| kind).collect();
        all.into_iter().cloned().collect()
    };
    let (roles, unlisted) = estate::roles(&plan, &caller, &keys).await;
    if let Some(reason) = unlisted {
        run.error(
            "the organization",
            reason.to_string(),
            "allow organizations:ListAccounts, or name `roles`",
        );
        for kind in &kinds {
            run.scope(incomplete(kind, "the organization", reason.clone()));
        }
    }
    let (tell, mut told) = mpsc::channel(WAITING_MAX);
    let mut accounts = JoinSet::new();
    let mut waiting: BTreeSet<String> = roles.iter().cloned().collect();
    for role in roles {
        accounts.spawn(estate::account(plan.clone(), caller.clone(), keys.clone(), role, tell.clone()));
    }
    drop(tell);
    let end = run
        .deadline()
        .minus(LAST_WORDS.min(Span::from_micros(run.deadline().since(run.now()).micros() / 10)));
    let mut open: BTreeSet<(Id, String)> = BTreeSet::new();
    let mut gaps: BTreeMap<(String, Id), Gap> = BTreeMap::new();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        let message = tokio::select! {
            message = told.recv() => message,
            change = next(&mut heard) => {
                if let Some(Heard::Resource(observation, began)) = &change {
                    newer.insert((observation.kind.clone(), observation.key.clone()), *began);
                }
                if take(run, change, &mut heard, &mut taken).is_err() { return }
                continue;
            }
            _ = tick.tick() => {
                if run.now() >= end || run.is_stopped() { break }
                continue;
            }
        };
        match message {
            None => break,
            Some(Message::Begin(Some(kind), scope)) => {
                open.insert((kind, scope));
            }
            Some(Message::Begin(None, _)) => {}
            Some(Message::Done(role)) => {
                waiting.remove(&role);
            }
            Some(Message::Scope(report)) => {
                open.remove(&(report.kind.clone(), report.scope.clone()));
                if let Some(reason) = report.reason.as_ref().filter(|reason| reason.why != Why::NotCollected)
                {
                    let place = format!("{} in {}", report.kind, report.scope);
                    note(&mut gaps, report.kind.clone(), place, reason);
                }
                run.scope(report);
            }
            Some(Message::Gap(report)) => run.scope(report),
            Some(Message::Error(what, message, mend)) => run.error(what, message, mend),
            Some(Message::Resource(observation, began)) => {
                // It changed since.
                if !newer.is_empty()
                    && newer
                        .get(&(observation.kind.clone(), observation.key.clone()))
                        .is_some_and(|at| *at > began)
                {
                    continue;
                }
                for reason in observation.unknown.values().filter(|reason| reason.why != Why::Unsupported) {
                    note(&mut gaps, observation.kind.clone(), observation.key.clone(), reason);
                }
                if run.observe(*observation).is_err() {
                    return;
                }
            }
        }
    }
    accounts.abort_all();
    let late = UnknownReason::new(Why::TimedOut, "the run's time was up before this was read to its end");
    for (kind, scope) in open {
        run.scope(incomplete(&kind, &scope, late.clone()));
    }
    // Whether an account's look broke off or its time was up: it is not known what else it has.
    for role in waiting {
        for kind in &kinds {
            run.scope(incomplete(kind, &format!("{role}/all"), late.clone()));
        }
    }
    tell_gaps(run, gaps);
    if let Some(kept) = &plan.kept {
        kept.looked(began, run.is_complete());
        tell_queue(run, kept);
    }
}

/// The next change; never, if nobody listens.
async fn next(heard: &mut Option<&mut mpsc::Receiver<Heard>>) -> Option<Heard> {
    match heard {
        Some(heard) => heard.recv().await,
        None => std::future::pending().await,
    }
}

/// Takes a change; `taken`: how many resources this run took since messages were last told.
fn take(
    run: &mut Run<'_>,
    change: Option<Heard>,
    heard: &mut Option<&mut mpsc::Receiver<Heard>>,
    taken: &mut u64,
) -> Result<(), Stopped> {
    match change {
        // Nobody listens any more.
        None => *heard = None,
        Some(Heard::Resource(observation, _)) => {
            run.observe(*observation)?;
            *taken += 1;
        }
        Some(Heard::Told(told, kept)) => {
            let is_all = std::mem::take(taken) == told;
            run.deliver()?;
            // Of what an earlier run took it is not known here whether it was kept: unanswered, the messages come again.
            if is_all {
                // Whoever listens may have been stopped meanwhile.
                let _ = kept.send(());
            }
        }
        Some(Heard::Trouble(reason)) => tracing::warn!(%reason, "the queue of changes cannot be read"),
    }
    Ok(())
}

/// Takes changes until there were some for a while, there is trouble, or the run is stopped.
pub(crate) async fn follow(run: &mut Run<'_>, heard: &mut mpsc::Receiver<Heard>, kept: &Kept) {
    let end = run.deadline().minus(LAST_WORDS);
    let mut until: Option<Timestamp> = None;
    let mut taken = 0;
    let mut heard = Some(heard);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    while heard.is_some() && !run.is_stopped() && run.now() < until.unwrap_or(end).min(end) {
        tokio::select! {
            change = next(&mut heard) => {
                let is_trouble = matches!(change, Some(Heard::Trouble(_)));
                if is_trouble {
                    tell_queue(run, kept);
                }
                until.get_or_insert_with(|| run.now().plus(FOLLOWED));
                if take(run, change, &mut heard, &mut taken).is_err() || is_trouble { return }
            }
            _ = tick.tick() => {}
        }
    }
}

/// Says if changes are not heard of at present, and what came that could not be used.
fn tell_queue(run: &mut Run<'_>, kept: &Kept) {
    let (trouble, notes) = kept.told();
    if let Some(reason) = trouble {
        run.error(
            "the queue of changes",
            format!("{reason}; until it can be read, changes are seen only by the whole looks"),
            "see that the queue of `changes` exists, and allow what `octro source aws policy --changes ARN` prints",
        );
    }
    for note in notes {
        run.error("the queue of changes", note, "let only EventBridge write into the queue");
    }
}

fn incomplete(kind: &Id, scope: &str, reason: UnknownReason) -> ScopeReport {
    ScopeReport {
        kind: kind.clone(),
        scope: scope.to_owned(),
        complete: false,
        resources: 0,
        pages: 0,
        reason: Some(reason),
    }
}

fn note(gaps: &mut BTreeMap<(String, Id), Gap>, kind: Id, place: String, reason: &UnknownReason) {
    let what = permission(&reason.detail).unwrap_or(&reason.detail).to_owned();
    let gap = Gap { count: 0, first: place, reason: reason.clone() };
    gaps.entry((what, kind)).or_insert(gap).count += 1;
}

fn tell_gaps(run: &mut Run<'_>, gaps: BTreeMap<(String, Id), Gap>) {
    let more = gaps.len().saturating_sub(PERMISSIONS_MAX);
    for ((what, kind), gap) in gaps.into_iter().take(PERMISSIONS_MAX) {
        let times = if gap.count > 1 { format!(" ({} times)", gap.count) } else { String::new() };
        let mend = match gap.reason.why {
            Why::Denied if what.contains(':') => {
                format!("allow {what}; `octro source aws policy` prints all that is needed")
            }
            Why::Throttled => "lower `connections`, or look at another time of day".to_owned(),
            Why::TimedOut => "give the source more `timeout`".to_owned(),
            Why::Denied | Why::Failed | Why::NotCollected | Why::Unsupported | Why::Unset => String::new(),
        };
        run.error(format!("{kind}: {}{times}", gap.first), gap.reason.to_string(), mend);
    }
    if more > 0 {
        run.error("gaps", format!("{more} more are not told one by one"), "");
    }
}

#[cfg(test)]
mod tests;
