//! What the internet reaches, and by which paths: of every kind whose resources tell it, with what is not known of it.

use std::collections::HashMap;

use octro_cel::Reading;
use octro_model::{Id, Kind, Status, Type};
use octro_program::Program;
use serde::Serialize;
use serde_json::Value;

use super::whole::RESULTS;
use super::{AsOf, Query};
use crate::EngineError;

/// The attribute with the paths, and the one that says what stops the internet.
const PATHS: &str = "exposure";
/// The attribute that says whether these are all.
const COMPLETE: &str = "exposure_complete";
const SHIELD: &str = "shield";
/// What a shield says of a resource to which something would be open if nothing else stopped it.
const BUT: &str = ", but ";
/// How many paths, and how many resources without a path, are answered at most.
const MOST: usize = 10_000;

/// A path from the internet to a resource.
#[derive(Clone, Debug, Serialize)]
pub struct ExposurePath {
    /// The resource's kind.
    pub kind: Id,
    /// Its title.
    pub kind_title: String,
    /// The resource's key.
    pub key: String,
    /// The account that owns it; empty if it is not known.
    pub account: String,
    /// Where it is; empty if it is not known.
    pub region: String,
    /// The hops, from the internet to the resource.
    pub hops: Vec<String>,
    /// What stands between: `direct`, `machine`, `balancer`.
    pub via: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// The first port that is reached.
    pub from_port: i64,
    /// The last.
    pub to_port: i64,
    /// From which addresses.
    pub sources: String,
    /// They are the world.
    pub world: bool,
    /// The heaviest result of the tests that ask for paths; `None` if none does.
    pub status: Option<Status>,
}

/// A resource of which it is not known whether the internet reaches it, or by which other paths.
#[derive(Clone, Debug, Serialize)]
pub struct ExposureUnknown {
    /// Its kind.
    pub kind: Id,
    /// Its key.
    pub key: String,
    /// The account that owns it; empty if it is not known.
    pub account: String,
    /// Why.
    pub reason: String,
}

/// A resource with an open rule, which nothing reaches all the same.
#[derive(Clone, Debug, Serialize)]
pub struct Guarded {
    /// Its kind.
    pub kind: Id,
    /// Its key.
    pub key: String,
    /// What is open, and what stops the internet.
    pub shield: String,
}

/// A kind of which not every resource is known, so that there may be more paths.
#[derive(Clone, Debug, Serialize)]
pub struct KindGap {
    /// The kind.
    pub kind: Id,
    /// Its title.
    pub title: String,
    /// Why; `no source` if nobody looks.
    pub reason: String,
}

/// See the module.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exposure {
    /// The paths: those to which nothing stands between first.
    pub paths: Vec<ExposurePath>,
    /// Resources of which it is not known, or not all of it.
    pub unknown: Vec<ExposureUnknown>,
    /// Resources that only look open.
    pub guarded: Vec<Guarded>,
    /// Kinds that are not known as a whole.
    pub gaps: Vec<KindGap>,
    /// How many resources no path leads to.
    pub unreached: u64,
    /// Whether there is more than is answered.
    pub cut: bool,
}

/// Whether resources of a kind tell the paths to them.
fn tells_paths(kind: &Kind) -> bool {
    let of = kind.attributes.get(PATHS).map(|attribute| &attribute.of);
    matches!(of, Some(Type::List(inner)) if matches!(&**inner, Type::Object(fields) if fields.contains_key("path")))
}

impl Query {
    /// What the internet reached at a moment.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn exposure(&self, as_of: AsOf) -> Result<Exposure, EngineError> {
        let program = self.program(as_of).await?.program;
        let attempts = self.attempts(as_of).await?;
        let mut found = Exposure::default();
        let layouts = program.kinds.iter().filter(|layout| tells_paths(layout.kind()));
        for kind in layouts.map(|layout| layout.kind()) {
            let sources = attempts.get(&kind.id).into_iter().flatten();
            let mut reasons = sources.flat_map(|(_, scopes)| scopes).filter(|(_, one)| !one.complete);
            let reason = if attempts.get(&kind.id).is_none_or(std::collections::BTreeMap::is_empty) {
                Some("no source".to_owned())
            } else {
                reasons.next().map(|(scope, one)| format!("{scope}: {}", one.reason))
            };
            let title = kind.title.clone();
            found.gaps.extend(reason.map(|reason| KindGap { kind: kind.id.clone(), title, reason }));
            let statuses = self.statuses(&program, &kind.id, as_of).await?;
            self.paths(&program, &kind.id, as_of, &statuses, &mut found).await?;
        }
        let weight = |via: &str| ["direct", "machine", "balancer"].iter().position(|one| *one == via);
        found.paths.sort_by(|a, b| {
            (weight(&a.via), !a.world, &a.hops, &a.key).cmp(&(weight(&b.via), !b.world, &b.hops, &b.key))
        });
        Ok(found)
    }

    /// The heaviest result of each resource of a kind under tests that read its paths.
    async fn statuses(
        &self,
        program: &Program,
        kind: &Id,
        as_of: AsOf,
    ) -> Result<HashMap<i64, Status>, EngineError> {
        let ords = self.test_ords().await?;
        let mut statuses: HashMap<i64, Status> = HashMap::new();
        let asks = |test: &octro_program::Test| {
            test.on == *kind
                && test.reads().iter().any(|read| read.path.split(['.', '[']).next() == Some(PATHS))
        };
        for test in program.tests.values().filter(|test| asks(test)) {
            let Some(ord) = ords.get(&test.id) else { continue };
            let params = [(*ord).into(), as_of.at.into(), as_of.known_at.into()];
            for row in self.db.fetch(RESULTS, &params).await? {
                let status = u8::try_from(row.get::<i64>(1)?).ok().and_then(Status::from_code);
                if let Some(status) = status {
                    let heaviest = statuses.entry(row.get(0)?).or_insert(status);
                    *heaviest = heaviest.worst(status);
                }
            }
        }
        Ok(statuses)
    }

    async fn paths(
        &self,
        program: &Program,
        kind: &Id,
        as_of: AsOf,
        statuses: &HashMap<i64, Status>,
        found: &mut Exposure,
    ) -> Result<(), EngineError> {
        let title = program.kinds.get(kind).map(|layout| layout.kind().title.clone()).unwrap_or_default();
        self.each_present(program, kind, as_of, &mut |one| {
            let text = |name: &str| one.text(name).unwrap_or_default();
            if let Some(reason) = one.unknown(PATHS).or_else(|| one.unknown(COMPLETE)) {
                let (kind, reason) = (kind.clone(), reason.to_string());
                found.unknown.push(ExposureUnknown {
                    kind,
                    key: one.key.clone(),
                    account: text("account"),
                    reason,
                });
            }
            match one.reading(PATHS) {
                Some(Reading::Value(Value::Array(paths))) if !paths.is_empty() => {
                    let path = |path: &Value| {
                        let text_of = |name: &str| path.get(name).and_then(Value::as_str).unwrap_or_default();
                        let port = |name: &str| path.get(name).and_then(Value::as_i64).unwrap_or_default();
                        ExposurePath {
                            kind: kind.clone(),
                            kind_title: title.clone(),
                            key: one.key.clone(),
                            account: text("account"),
                            region: text("region"),
                            hops: text_of("path").split(" -> ").map(str::to_owned).collect(),
                            via: text_of("via").to_owned(),
                            protocol: text_of("protocol").to_owned(),
                            from_port: port("from_port"),
                            to_port: port("to_port"),
                            sources: text_of("sources").to_owned(),
                            world: path.get("world").and_then(Value::as_bool).unwrap_or(true),
                            status: statuses.get(&one.ord).copied(),
                        }
                    };
                    found.paths.extend(paths.iter().map(path));
                }
                Some(Reading::Value(_)) => found.unreached += 1,
                Some(Reading::Absent | Reading::Unknown(_)) | None => {}
            }
            if let Some(shield) = one.text(SHIELD).filter(|text| text.contains(BUT)) {
                found.guarded.push(Guarded { kind: kind.clone(), key: one.key.clone(), shield });
            }
            let there_is_room =
                found.paths.len() < MOST && found.unknown.len() < MOST && found.guarded.len() < MOST;
            found.cut |= !there_is_room;
            there_is_room
        })
        .await?;
        Ok(())
    }
}
