//! Listens to the queue: takes messages, reads anew what they are about, and takes them out once that is kept.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use octro_model::{Id, Observation, Span, Timestamp, UnknownReason};
use octro_outbound::aws::api::Place;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::event::{Event, events};
use super::kept::{Kept, hash};
use super::queue::Queue;
use super::watch::{Find, Watch, watches};
use crate::aws::look::{Account, Message};
use crate::aws::row::Row;
use crate::aws::rows::GRAPH;

/// How many resources are read anew at once.
const AT_ONCE: usize = 8;
/// Kept lists are believed for so long; after that they are read again when they are needed.
const LISTS: Span = Span::from_secs(900);
/// How soon after the last time everything of a row is read anew again, at the least; and how many times as long as it took.
const WHOLE_EVERY: Span = Span::from_secs(60);
const WHOLE_SHARE: i64 = 4;
/// When what did not answer is asked again, and how often.
const AGAIN: Span = Span::from_secs(20);
const TRIES_MAX: u32 = 4;
/// How many events are remembered, and how many reads may wait.
const REMEMBERED_MAX: usize = 20_000;
const LATER_MAX: usize = 10_000;
/// How many resources are read anew by name: for one event, and before it is looked whether more is in the queue. Where there
/// are more, everything of their row is read instead.
const NAMED_MAX: usize = 50;
const TARGETS_MAX: usize = 2_000;
/// Pauses while the queue cannot be read.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What is heard.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A resource as it is now, and when it was begun to be read.
    Resource(Box<Observation>, Timestamp),
    /// That was all of some messages: so many resources since this was told last. The messages are taken out of the queue
    /// once it is answered that all of these are kept.
    Told(u64, oneshot::Sender<()>),
    /// The queue cannot be read any more.
    Trouble(UnknownReason),
}

/// What has to be read anew: a row's resource, or without a name everything of a row at a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Target {
    row: usize,
    place: Place,
    watch: Option<usize>,
    name: String,
}

/// See the module.
pub(crate) struct Listener {
    pub queue: Queue,
    pub kept: Arc<Kept>,
    /// The rows, each with its kind.
    pub rows: Vec<(&'static Row, Id)>,
    /// The events of which everything is kept.
    remembered: HashSet<u64>,
    /// How many resources were told since messages were last told.
    told: u64,
    /// When everything of a row was last read anew, and how long that took.
    whole: HashMap<Target, (Timestamp, Span)>,
    /// What is read anew later: when, and the how many-th time it will be.
    later: BTreeMap<Target, (Timestamp, u32)>,
}

impl Listener {
    pub(crate) fn new(queue: Queue, kept: Arc<Kept>, rows: Vec<(&'static Row, Id)>) -> Self {
        Self {
            queue,
            kept,
            rows,
            remembered: HashSet::new(),
            told: 0,
            whole: HashMap::new(),
            later: BTreeMap::new(),
        }
    }

    /// Listens until nobody wants to hear any more.
    pub(crate) async fn listen(mut self, tell: mpsc::Sender<Heard>) {
        let mut pause = PAUSE;
        while !tell.is_closed() {
            let received = self.queue.receive(self.patience()).await;
            let messages = match received {
                Ok(messages) => messages,
                Err(fault) => {
                    let reason = fault.reason("sqs:ReceiveMessage");
                    if self.kept.trouble(Some(reason.clone()))
                        && tell.send(Heard::Trouble(reason)).await.is_err()
                    {
                        return;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                    continue;
                }
            };
            pause = PAUSE;
            self.kept.trouble(None);
            let due = self.due();
            let mut targets = due.clone();
            let mut heard = HashSet::new();
            for message in &messages {
                match events(&message.body) {
                    Ok(events) => {
                        events.iter().for_each(|event| self.about(event, &mut heard, &mut targets));
                    }
                    Err(what) => self.kept.note("messages in the queue that are no events", &what),
                }
            }
            if targets.is_empty() && messages.is_empty() {
                continue;
            }
            if !self.read(targets, &tell).await {
                return;
            }
            let (told, kept) = oneshot::channel();
            if tell.send(Heard::Told(std::mem::take(&mut self.told), told)).await.is_err() {
                return;
            }
            let is_kept = kept.await.is_ok();
            self.settle(is_kept, heard, due);
            // If nobody kept it, the queue gives the messages out again.
            let receipts: Vec<String> = messages.into_iter().map(|message| message.receipt).collect();
            if is_kept && let Err(fault) = self.queue.delete(&receipts).await {
                let reason = fault.reason("sqs:DeleteMessage");
                self.kept.note("times messages could not be taken out of the queue", &reason.to_string());
            }
        }
    }

    /// Remembers events of which everything is kept. Of those of which it is not, nothing is remembered, and what had waited
    /// for its time waits again.
    fn settle(&mut self, is_kept: bool, heard: HashSet<u64>, due: BTreeMap<Target, u32>) {
        if !is_kept {
            let next = self.now().plus(AGAIN);
            for (target, times) in due {
                self.later.entry(target).or_insert((next, times));
            }
            return;
        }
        if self.remembered.len() >= REMEMBERED_MAX {
            self.remembered.clear();
        }
        self.remembered.extend(heard);
    }

    fn now(&self) -> Timestamp {
        self.queue.caller.now()
    }

    /// For how many seconds to wait for a message.
    fn patience(&self) -> u32 {
        let next = self.later.values().map(|(at, _)| at.since(self.now())).min();
        next.map_or(20, |left| u32::try_from(left.micros() / 1_000_000 + 1).unwrap_or(0).min(20))
    }

    /// What waited for its time.
    fn due(&mut self) -> BTreeMap<Target, u32> {
        let now = self.now();
        let due = self.later.extract_if(.., |_, (at, _)| *at <= now);
        due.map(|(target, (_, times))| (target, times)).collect()
    }

    /// Adds what an event is about; `heard`: the events of the same messages.
    fn about(&self, event: &Event, heard: &mut HashSet<u64>, targets: &mut BTreeMap<Target, u32>) {
        if !event.id.is_empty() {
            let id = hash(&event.id);
            if self.remembered.contains(&id) || !heard.insert(id) {
                return;
            }
        }
        if event.at.is_some_and(|at| self.kept.was_seen(at)) {
            return;
        }
        let Some(account) = self.kept.account(&event.account) else {
            self.kept.note("events of accounts that are not looked at", &event.account);
            return;
        };
        let rows = |of: &dyn Fn(&Row) -> bool| -> Vec<usize> {
            (0..).zip(&self.rows).filter(|(_, (row, _))| of(row)).map(|(place, _)| place).collect()
        };
        let place = |row: usize| -> Option<Place> {
            let (row, _) = self.rows.get(row)?;
            if row.global {
                return Some(account.place.clone());
            }
            let place = Place::new(event.account.as_str(), event.region.as_str());
            account.looks_at(&place.region).then_some(place)
        };
        let mut add = |row: usize, watch: Option<usize>, name: String| {
            let Some(place) = place(row) else { return };
            // Those without a name cannot be more than there are rows, watches and places.
            let name = if targets.len() < TARGETS_MAX { name } else { String::new() };
            targets.entry(Target { row, place, watch, name }).or_insert(0);
        };
        let Some(fitting) = watches(event) else {
            rows(&|row| row.list.ask.service.name == event.service)
                .into_iter()
                .for_each(|row| add(row, None, String::new()));
            return;
        };
        let mut is_named = fitting.is_empty();
        for (index, watch) in fitting {
            let of = rows(&|row| row.kind == watch.kind && row.part == watch.part);
            match (watch.find, watch.named(event)) {
                (Find::Whole, _) => {
                    is_named = true;
                    of.into_iter().for_each(|row| add(row, Some(index), String::new()));
                }
                (_, Some(names)) if names.len() > NAMED_MAX => {
                    is_named = true;
                    of.into_iter().for_each(|row| add(row, Some(index), String::new()));
                }
                (_, Some(names)) => {
                    is_named = true;
                    for name in names {
                        of.iter().for_each(|row| add(*row, Some(index), name.clone()));
                    }
                }
                (_, None) => {}
            }
        }
        if !is_named {
            rows(&|row| row.list.ask.service.name == event.service)
                .into_iter()
                .for_each(|row| add(row, None, String::new()));
        }
    }

    /// Reads anew and tells; `false` if nobody wants to hear any more.
    async fn read(&mut self, targets: BTreeMap<Target, u32>, tell: &mpsc::Sender<Heard>) -> bool {
        targets.keys().filter(|target| target.name.is_empty()).for_each(|target| self.forget(target));
        let mut looks = JoinSet::new();
        let mut targets = targets.into_iter();
        loop {
            while looks.len() < AT_ONCE
                && let Some((target, times)) = targets.next()
            {
                let Some((row, kind)) = self.rows.get(target.row).cloned() else { continue };
                let Some(account) = self.kept.account(&target.place.account) else { continue };
                account.forget_lists_before(self.now().minus(LISTS));
                if target.name.is_empty() {
                    if !self.whole(target, times, row, kind, account, tell).await {
                        return false;
                    }
                    continue;
                }
                let Some(watch) = target.watch.and_then(Watch::at) else { continue };
                looks.spawn(async move {
                    let found = account.reread(row, &kind, watch, &target.name, &target.place).await;
                    (target, times, found)
                });
            }
            match looks.join_next().await {
                None => return true,
                Some(Ok((target, times, found))) => {
                    if found.again && times < TRIES_MAX && self.later.len() < LATER_MAX {
                        self.later.insert(target, (self.now().plus(AGAIN), times + 1));
                    }
                    if let Some((observation, began)) = found.seen
                        && !self.tell(observation, began, tell).await
                    {
                        return false;
                    }
                }
                Some(Err(error)) => tracing::warn!(%error, "reading anew broke off"),
            }
        }
    }

    /// Tells of a resource; `false` if nobody wants to hear any more.
    async fn tell(
        &mut self,
        observation: Box<Observation>,
        began: Timestamp,
        tell: &mpsc::Sender<Heard>,
    ) -> bool {
        self.told += 1;
        tell.send(Heard::Resource(observation, began)).await.is_ok()
    }

    /// Lets go of the lists from which everything of a row at a place is made, before any of them is read again.
    fn forget(&self, target: &Target) {
        let Some((row, _)) = self.rows.get(target.row) else { return };
        let Some(account) = self.kept.account(&target.place.account) else { return };
        let graph = if row.reached { GRAPH } else { &[] };
        let forgets = target.watch.and_then(Watch::at).map_or(&[][..], |watch| watch.forgets);
        let lists = row.beside.iter().chain(graph).map(|list| list.ask.permission);
        for permission in forgets.iter().copied().chain(lists).chain([row.list.ask.permission]) {
            account.forget(&target.place.region, permission);
        }
    }

    /// Reads everything of a row at a place anew, unless that was done a moment ago: then later.
    async fn whole(
        &mut self,
        target: Target,
        times: u32,
        row: &'static Row,
        kind: Id,
        account: Arc<Account>,
        tell: &mpsc::Sender<Heard>,
    ) -> bool {
        let began = self.now();
        let same = Target { watch: None, ..target.clone() };
        if let Some((at, took)) = self.whole.get(&same) {
            let pause = Span::from_micros(took.micros().saturating_mul(WHOLE_SHARE)).max(WHOLE_EVERY);
            let next = at.plus(pause);
            if next > began {
                self.later.insert(same, (next, times));
                return true;
            }
        }
        let (tell_one, mut told) = mpsc::channel(32);
        let looking = tokio::spawn(account.row(row, kind, target.place, tell_one));
        while let Some(message) = told.recv().await {
            // Of its coverage nothing is told: that the whole was enumerated, only a whole look says.
            if let Message::Resource(observation, began) = message
                && !self.tell(observation, began, tell).await
            {
                looking.abort();
                return false;
            }
        }
        self.whole.insert(same, (began, self.now().since(began)));
        true
    }
}

#[cfg(test)]
mod tests;
