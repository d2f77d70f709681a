//! The other resources that a test looks at, read ahead for explaining a result.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use octro_cel::{Link, Lookup, Reading, Record, Referring, World};
use octro_model::Id;
use octro_program::{Program, Test};

use super::asof::Attempts;
use super::facts::{Known, Sources};
use super::{AsOf, Query};
use crate::EngineError;

const NAMED_BY: &str = "SELECT l.resource, r.kind, r.key FROM links l JOIN resources r ON r.ord = l.resource \
     WHERE l.kind = $1 AND l.key = $2 AND ($3 = '' OR r.kind = $3) ORDER BY l.resource LIMIT 2000";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[NAMED_BY];

/// How far references are followed.
const DEPTH_MAX: usize = 3;
/// How many resources are read at most for one explanation.
const READ_MAX: usize = 5_000;

/// See the module.
#[derive(Default)]
pub(super) struct Snapshot {
    pub(super) known: BTreeMap<(Id, String), Known>,
    looked: BTreeSet<(Id, String)>,
    enumerated: HashMap<Id, bool>,
    pub(super) sources: Sources,
    /// (kind that is named, key, kind that names) -> the keys of those that ever named it.
    naming: HashMap<(Id, String, Id), Vec<String>>,
}

/// The keys that an attribute of a record names.
pub(super) fn keys(known: &Known, attribute: &str) -> Vec<String> {
    match known.record().map(|record| record.reading(&known.layout, attribute)) {
        Some(Reading::Value(serde_json::Value::String(key))) => vec![key],
        Some(Reading::Value(serde_json::Value::Array(all))) => {
            all.into_iter().filter_map(|key| key.as_str().map(str::to_owned)).collect()
        }
        Some(Reading::Value(_) | Reading::Absent | Reading::Unknown(_)) | None => Vec::new(),
    }
}

impl Snapshot {
    /// Remembers which kinds were enumerated completely.
    pub(super) fn new(attempts: &Attempts) -> Self {
        let complete = |sources: &BTreeMap<String, BTreeMap<String, crate::state::Attempt>>| {
            !sources.is_empty()
                && sources
                    .values()
                    .all(|scopes| !scopes.is_empty() && scopes.values().all(|attempt| attempt.complete))
        };
        let enumerated = attempts.iter().map(|(kind, sources)| (kind.clone(), complete(sources))).collect();
        Self { enumerated, ..Self::default() }
    }

    fn complete(&self, kind: &Id) -> bool {
        self.enumerated.get(kind).copied().unwrap_or(false)
    }
}

impl World for Snapshot {
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_> {
        let known = self.known.get(&(kind.clone(), key.to_owned()));
        match known.and_then(Known::record) {
            Some(record) => Lookup::Found(record),
            None if self.complete(kind) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }

    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_> {
        let mut records: Vec<&Record> = Vec::new();
        let naming = self.naming.iter().filter(|((_, named, by), _)| named == key && by == kind);
        for other in naming.flat_map(|(_, keys)| keys) {
            if let Some(known) = self.known.get(&(kind.clone(), other.clone()))
                && keys(known, attribute).iter().any(|named| named == key)
            {
                records.extend(known.record());
            }
        }
        Referring { records, complete: self.complete(kind) }
    }
}

impl Query {
    /// The resources that ever named this one in a referring attribute: number, kind, key. `by` restricts the kind.
    pub(super) async fn named_by(
        &self,
        kind: &str,
        key: &str,
        by: &str,
    ) -> Result<Vec<(i64, Id, String)>, EngineError> {
        let mut all = Vec::new();
        for row in self.db.fetch(NAMED_BY, &[kind.into(), key.into(), by.into()]).await? {
            all.push((row.get(0)?, row.get(1)?, row.get(2)?));
        }
        Ok(all)
    }

    /// Reads what `test` may look at when it judges `subject`.
    pub(super) async fn look_ahead(
        &self,
        snapshot: &mut Snapshot,
        program: &Program,
        test: &Test,
        subject: &Known,
        as_of: AsOf,
    ) -> Result<(), EngineError> {
        let links: Vec<&Link> = crate::rule::links(test).collect();
        let mut edge: Vec<(Id, String)> = Vec::new();
        for depth in 0..DEPTH_MAX {
            let mut next: BTreeSet<(Id, String)> = BTreeSet::new();
            for link in &links {
                match link {
                    Link::Key { from_kind, attribute, to } => {
                        let from = edge.iter().filter_map(|at| snapshot.known.get(at));
                        for known in
                            from.chain((depth == 0).then_some(subject)).filter(|one| one.kind == *from_kind)
                        {
                            next.extend(keys(known, attribute).into_iter().map(|key| (to.clone(), key)));
                        }
                    }
                    Link::Back { kind, attribute } => {
                        let layout = program.kinds.get(kind);
                        let named = layout
                            .and_then(|layout| layout.kind().attributes.get(attribute.as_str()))
                            .and_then(|attribute| attribute.references.clone());
                        let Some(named) = named else { continue };
                        let mut of: Vec<String> = edge
                            .iter()
                            .filter(|(kind, _)| *kind == named)
                            .map(|(_, key)| key.clone())
                            .collect();
                        if depth == 0 && subject.kind == named {
                            of.push(subject.key.clone());
                        }
                        for key in of {
                            let at = (named.clone(), key.clone(), kind.clone());
                            if !snapshot.naming.contains_key(&at) {
                                let by = self.named_by(&named, &key, kind).await?;
                                snapshot
                                    .naming
                                    .insert(at.clone(), by.into_iter().map(|(.., key)| key).collect());
                            }
                            let keys = snapshot.naming.get(&at).into_iter().flatten();
                            next.extend(keys.map(|key| (kind.clone(), key.clone())));
                        }
                    }
                }
            }
            for at in &next {
                if snapshot.known.len() >= READ_MAX || !snapshot.looked.insert(at.clone()) {
                    continue;
                }
                let Some((ord, _)) = self.resource_ord(&at.0, &at.1).await? else { continue };
                let known = self.known(program, (ord, &at.0, &at.1), as_of, &mut snapshot.sources).await?;
                snapshot.known.extend(known.map(|known| (at.clone(), known)));
            }
            edge = next.into_iter().collect();
            if edge.is_empty() {
                break;
            }
        }
        Ok(())
    }
}
