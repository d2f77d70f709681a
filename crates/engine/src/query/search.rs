//! Search: over the program in force and over the resources.

use octro_model::Id;
use serde::Serialize;

use super::{AsOf, Query, contains};
use crate::EngineError;

const RESOURCES: &str = "SELECT kind, key FROM resources WHERE first_seen_at <= $1 AND LOWER(key) LIKE $2 ESCAPE '!' \
     ORDER BY kind, key LIMIT $3";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[RESOURCES];

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// `control`, `test`, `policy`, `kind`, `requirement`, `claim` or `resource`.
    pub what: &'static str,
    /// Its id: of a resource, its key; of a requirement, its id within its framework.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where it is found: a resource's kind, a requirement's framework; empty otherwise.
    pub within: String,
}

impl Query {
    /// What has `text` in its id or title: what begins with it first. At most `limit` hits (200 at most).
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn search(&self, text: &str, as_of: AsOf, limit: u32) -> Result<Vec<Hit>, EngineError> {
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() || wanted.len() > 200 {
            return Ok(Vec::new());
        }
        let limit = limit.clamp(1, 200) as usize;
        let program = self.program(as_of).await?.program;
        let mut hits = Vec::new();
        let mut look = |what: &'static str, id: &str, title: &str, within: &str| {
            if id.to_lowercase().contains(&wanted) || title.to_lowercase().contains(&wanted) {
                hits.push(Hit {
                    what,
                    id: id.to_owned(),
                    title: title.to_owned(),
                    within: within.to_owned(),
                });
            }
        };
        for control in program.controls.values() {
            look("control", &control.id, &control.title, "");
        }
        for test in program.tests.values() {
            look("test", &test.id, &test.title, "");
        }
        for policy in program.policies.values() {
            look("policy", &policy.id, &policy.title, "");
        }
        for claim in program.claims.values() {
            look("claim", &claim.id, &claim.title, "");
        }
        for layout in program.kinds.iter() {
            look("kind", &layout.kind().id, &layout.kind().title, "");
        }
        for framework in program.frameworks.values() {
            for requirement in &framework.requirements {
                look("requirement", &requirement.id, &requirement.title, &framework.id);
            }
        }
        let pattern = contains(&wanted);
        for row in self
            .db
            .fetch(RESOURCES, &[as_of.known_at.into(), (&pattern).into(), (limit as i64).into()])
            .await?
        {
            let (kind, key): (Id, String) = (row.get(0)?, row.get(1)?);
            let title =
                program.kinds.get(&kind).map(|layout| layout.kind().title.clone()).unwrap_or_default();
            hits.push(Hit { what: "resource", id: key, title, within: kind.to_string() });
        }
        // A stable sort: within the same closeness the order above holds.
        hits.sort_by_key(|hit| closeness(hit, &wanted));
        hits.truncate(limit);
        Ok(hits)
    }
}

/// 0: the id itself; 1: the id begins with it; 2: a word of the title does; 3: it is somewhere.
fn closeness(hit: &Hit, wanted: &str) -> u8 {
    let id = hit.id.to_lowercase();
    if id == wanted {
        0
    } else if id.starts_with(wanted) {
        1
    } else if hit.what != "resource"
        && hit.title.to_lowercase().split(' ').any(|word| word.starts_with(wanted))
    {
        2
    } else {
        3
    }
}
