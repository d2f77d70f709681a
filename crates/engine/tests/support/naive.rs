//! The same question answered the slow way: from the list of everything that was told, and from nothing else.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use octro_cel::{Layout, Lookup, Reading, Record, Referring, Subject, World};
use octro_model::{Id, Status, Timestamp, UnknownReason, Why};
use octro_program::{Program, Test};
use serde_json::{Map, Value};

use super::id;

/// Something that was told, with the moment at which it was received.
#[derive(Clone, Debug)]
pub enum Told {
    Program(usize),
    Declare {
        source: String,
        kinds: Vec<String>,
    },
    Retire {
        source: String,
    },
    /// `content`: attributes and reasons; `None`: it is gone.
    Seen {
        source: String,
        kind: String,
        key: String,
        at: Timestamp,
        content: Option<Content>,
    },
    Finished {
        source: String,
        scopes: Vec<(String, bool)>,
    },
}

pub type Content = (Map<String, Value>, BTreeMap<String, UnknownReason>);

#[derive(Default)]
pub struct Naive {
    pub programs: Vec<Program>,
    pub told: Vec<(Timestamp, Told)>,
}

/// What a source said, at the moment for which it said it.
#[derive(Clone)]
struct Entry {
    at: Timestamp,
    since: Timestamp,
    content: Option<Content>,
}

type Entries = BTreeMap<(String, String), BTreeMap<usize, Vec<Entry>>>;

/// Everything as it was at `at` according to what was received by `known`.
struct Then<'a> {
    program: &'a Program,
    at: Timestamp,
    resources: BTreeMap<(String, String), Resource>,
    /// The kinds that are completely enumerated, with the moment of the oldest enumeration.
    complete: BTreeMap<String, Timestamp>,
    /// What the test reads of other resources: kind and attribute.
    reads: RefCell<BTreeSet<(String, String)>>,
    oldest: Cell<Timestamp>,
}

struct Resource {
    views: Vec<(Record, Timestamp)>,
    record: Record,
}

impl Naive {
    fn entries(&self, known: Timestamp) -> Entries {
        let mut sources: Vec<String> = Vec::new();
        let mut all: Entries = BTreeMap::new();
        // What each source's last run mentioned.
        let mut mentioned: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        let mut yields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (received, told) in self.told.iter().filter(|(received, _)| *received <= known) {
            match told {
                Told::Program(_) => {}
                Told::Retire { source } => {
                    yields.remove(source);
                }
                Told::Declare { source, kinds } => {
                    if !sources.contains(source) {
                        sources.push(source.clone());
                    }
                    yields.insert(source.clone(), kinds.clone());
                }
                Told::Seen { source, kind, key, at, content } => {
                    let number = sources.iter().position(|one| one == source).unwrap();
                    let of = (kind.clone(), key.clone());
                    mentioned.entry(source.clone()).or_default().insert(of.clone());
                    say(
                        all.entry(of).or_default().entry(number).or_default(),
                        (*at).min(*received),
                        content.clone(),
                    );
                }
                Told::Finished { source, scopes } => {
                    let number = sources.iter().position(|one| one == source).unwrap();
                    let seen = mentioned.remove(source).unwrap_or_default();
                    for (kind, complete) in scopes {
                        let declared = yields.get(source).is_some_and(|kinds| kinds.contains(kind));
                        if !complete
                            || !declared
                            || scopes.iter().any(|(other, whole)| other == kind && !whole)
                        {
                            continue;
                        }
                        let unseen: Vec<(String, String)> =
                            all.keys().filter(|of| of.0 == *kind && !seen.contains(*of)).cloned().collect();
                        for of in unseen {
                            if let Some(entries) =
                                all.get_mut(&of).and_then(|sources| sources.get_mut(&number))
                                && standing(entries).is_some_and(|entry| entry.content.is_some())
                            {
                                say(entries, *received, None);
                            }
                        }
                    }
                }
            }
        }
        all
    }

    fn complete(&self, at: Timestamp) -> BTreeMap<String, Timestamp> {
        // kind -> source -> what its last run said of it
        let mut yields: BTreeMap<String, BTreeMap<String, Option<(Timestamp, bool)>>> = BTreeMap::new();
        for (received, told) in self.told.iter().filter(|(received, _)| *received <= at) {
            match told {
                Told::Program(_) | Told::Seen { .. } => {}
                Told::Declare { source, kinds } => {
                    for (kind, sources) in &mut yields {
                        if !kinds.contains(kind) {
                            sources.remove(source);
                        }
                    }
                    for kind in kinds {
                        yields.entry(kind.clone()).or_default().entry(source.clone()).or_default();
                    }
                }
                Told::Retire { source } => {
                    for sources in yields.values_mut() {
                        sources.remove(source);
                    }
                }
                Told::Finished { source, scopes } => {
                    for (kind, _) in scopes {
                        let whole =
                            scopes.iter().filter(|(other, _)| other == kind).all(|(_, complete)| *complete);
                        if let Some(said) = yields.get_mut(kind).and_then(|sources| sources.get_mut(source)) {
                            *said = Some((*received, whole));
                        }
                    }
                }
            }
        }
        let whole = |sources: &BTreeMap<String, Option<(Timestamp, bool)>>| {
            let all = sources.values().map(|said| said.filter(|(_, whole)| *whole).map(|(at, _)| at));
            all.collect::<Option<Vec<_>>>()?.into_iter().min()
        };
        yields.into_iter().filter_map(|(kind, sources)| Some((kind, whole(&sources)?))).collect()
    }

    fn then(&self, at: Timestamp, known: Timestamp) -> Option<Then<'_>> {
        let mut programs = self.told.iter().filter_map(|(received, told)| match told {
            Told::Program(program) => Some((*received, *program)),
            Told::Declare { .. } | Told::Retire { .. } | Told::Seen { .. } | Told::Finished { .. } => None,
        });
        let first = programs.next()?;
        let place = programs.rfind(|(received, _)| *received <= at && *received <= known).unwrap_or(first).1;
        let program = &self.programs[place];
        let mut resources = BTreeMap::new();
        for (of, sources) in self.entries(known) {
            let Some(layout) = program.kinds.get(of.0.as_str()) else { continue };
            let mut said: Vec<(usize, &Entry)> = sources
                .iter()
                .filter_map(|(source, entries)| {
                    Some((*source, entries.iter().rfind(|entry| entry.at <= at)?))
                })
                .filter(|(_, entry)| entry.content.is_some())
                .collect();
            said.sort_by_key(|(source, entry)| (std::cmp::Reverse(entry.since), *source));
            let views: Vec<(Record, Timestamp)> = said
                .iter()
                .map(|(_, entry)| (encode(layout, entry.content.as_ref().unwrap()), entry.at))
                .collect();
            if views.is_empty() {
                continue;
            }
            let record = Record::merge(layout, &views.iter().map(|(record, _)| record).collect::<Vec<_>>());
            resources.insert(of, Resource { views, record });
        }
        let complete = self.complete(at.min(known));
        Some(Then {
            program,
            at,
            resources,
            complete,
            reads: RefCell::default(),
            oldest: Cell::new(Timestamp::MAX),
        })
    }

    /// All results at `at`, as known at `known`.
    pub fn results(&self, at: Timestamp, known: Timestamp) -> BTreeMap<(String, String), Status> {
        let mut all = BTreeMap::new();
        let Some(then) = self.then(at, known) else { return all };
        for test in then.program.tests.values() {
            for (of, resource) in then.resources.iter().filter(|(of, _)| test.on == of.0.as_str()) {
                let status = then.status(test, resource, &of.1);
                all.insert((test.id.to_string(), format!("{} {}", of.0, of.1)), status);
            }
        }
        all
    }
}

impl Then<'_> {
    fn status(&self, test: &Test, resource: &Resource, key: &str) -> Status {
        self.oldest.set(Timestamp::MAX);
        *self.reads.borrow_mut() = test
            .reads()
            .iter()
            .map(|read| (read.kind.to_string(), read.path.split(['.', '[']).next().unwrap().to_owned()))
            .collect();
        let subject = Subject { record: &resource.record, key };
        let status = octro_program::judge(test, &subject, self.at, self).status;
        let seen = self.seen(test.on.as_str(), resource).min(self.oldest.get());
        if seen.plus(test.max_age) <= self.at {
            return Status::Stale;
        }
        let excepted = self
            .program
            .exceptions_for(&test.id, key)
            .any(|exception| exception.approved <= self.at && self.at < exception.expires);
        if status == Status::Fail && excepted { Status::Excepted } else { status }
    }

    /// How old what is read of a resource is: each attribute is as old as the view that it comes from.
    fn seen(&self, kind: &str, resource: &Resource) -> Timestamp {
        let newest = resource.views.iter().map(|(_, seen)| *seen).max().unwrap();
        let layout = self.program.kinds.get(kind).unwrap();
        let from = |name: &str| {
            let view = resource
                .views
                .iter()
                .find(|(record, _)| !matches!(record.reading(layout, name), Reading::Unknown(_)));
            view.map_or(newest, |(_, seen)| *seen)
        };
        let reads = self.reads.borrow();
        reads.iter().filter(|(of, _)| of == kind).map(|(_, name)| from(name)).min().unwrap_or(newest)
    }

    fn used(&self, kind: &Id, resource: &Resource) {
        self.rests_on(self.seen(kind.as_str(), resource));
    }

    fn rests_on(&self, seen: Timestamp) {
        self.oldest.set(self.oldest.get().min(seen));
    }
}

impl World for Then<'_> {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        match self.resources.get(&(kind.to_string(), key.to_owned())) {
            Some(resource) => {
                self.used(kind, resource);
                Lookup::Found(&resource.record)
            }
            None => match self.complete.get(kind.as_str()) {
                Some(at) => {
                    self.rests_on(*at);
                    Lookup::Absent
                }
                None => Lookup::Unknown,
            },
        }
    }

    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_> {
        let layout = self.program.kinds.get(kind).unwrap();
        let mut records = Vec::new();
        for (_, resource) in self.resources.iter().filter(|(of, _)| *kind == of.0.as_str()) {
            if resource.record.reading(layout, attribute) == Reading::Value(Value::String(key.to_owned())) {
                self.used(kind, resource);
                records.push(&resource.record);
            }
        }
        let complete = self.complete.get(kind.as_str());
        complete.iter().for_each(|at| self.rests_on(**at));
        Referring { records, complete: complete.is_some() }
    }
}

/// What a source stands by: the entry of the latest moment.
fn standing(entries: &[Entry]) -> Option<&Entry> {
    entries.last()
}

/// A source says `content` for the moment `at`. What it said for later moments stays.
fn say(entries: &mut Vec<Entry>, at: Timestamp, content: Option<Content>) {
    let view = standing(entries).cloned();
    let entry = match &view {
        // The same again: it was so all the time.
        Some(view) if content.is_some() && view.content == content && at >= view.since => {
            Entry { at, ..view.clone() }
        }
        // Gone is what it is already.
        Some(view) if content.is_none() && view.content.is_none() && at >= view.at => return,
        None if content.is_none() => return,
        _ => Entry { at, since: at, content },
    };
    let place = entries.partition_point(|other| other.at <= at);
    entries.insert(place, entry);
}

/// Encodes what fits the shape; an attribute that does not is unknown.
fn encode(layout: &Layout, (attributes, unknown): &Content) -> Record {
    let declared = &layout.kind().attributes;
    let mut attributes = attributes.clone();
    let mut unknown = unknown.clone();
    attributes.retain(|name, _| declared.contains_key(name));
    unknown.retain(|name, _| declared.contains_key(name));
    let misfit: Vec<String> = attributes
        .iter()
        .filter(|(name, value)| {
            let one = Map::from_iter([((*name).clone(), (*value).clone())]);
            Record::encode(layout, &one, &BTreeMap::new()).is_err()
        })
        .map(|(name, _)| name.clone())
        .collect();
    for name in misfit {
        attributes.remove(&name);
        unknown.insert(name, UnknownReason::new(Why::Failed, "does not fit"));
    }
    Record::encode(layout, &attributes, &unknown).unwrap()
}

/// The kinds of a program that is installed.
pub fn kinds(program: &Program) -> BTreeSet<Id> {
    program.kinds.iter().map(|layout| layout.kind().id.clone()).collect()
}

/// For messages.
pub fn source(name: &str) -> Id {
    id(name)
}
