//! What could not be seen: of every source, which lists broke off and which attributes nobody could read, by account,
//! region and kind, with the reason and the permission that is missing.

use std::collections::BTreeMap;

use octro_model::{Id, Why, permission};
use serde::Serialize;

use super::{AsOf, Query};
use crate::EngineError;

/// Attributes that say where a resource is, the first that is known.
const PLACES: [&str; 2] = ["account", "host"];
/// How many resources are looked through, and how many gaps are answered at most.
const RESOURCES_MAX: usize = 50_000;
const GAPS_MAX: usize = 5_000;

/// Something that could not be seen, of the same sort at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CoverageGap {
    /// The source whose list broke off; empty for an attribute.
    pub source: String,
    /// The kind.
    pub kind: Id,
    /// Its title.
    pub kind_title: String,
    /// The account or machine; empty if it is not known.
    pub account: String,
    /// The region, or what else the list is a part of; empty if there is none.
    pub region: String,
    /// The attribute; empty if the list itself is not complete.
    pub attribute: String,
    /// In one word: `denied`, `throttled`, `timed out`, `failed`, `not collected`, `not supported`.
    pub why: String,
    /// What the system answered.
    pub detail: String,
    /// The permission that is missing; empty if it is not that, or if it is not known.
    pub permission: String,
    /// How many resources this concerns; 0 for a list.
    pub resources: u64,
    /// The key of one of them.
    pub example: String,
}

/// See the module.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// The gaps: lists before attributes.
    pub gaps: Vec<CoverageGap>,
    /// How many lists are complete.
    pub complete: u64,
    /// Whether there is more than was looked through.
    pub cut: bool,
}

/// What gaps of attributes have in common: kind, account, region, attribute, and why.
type Group = (Id, String, String, String, Why, String);

/// The permission that is missing, if something was refused.
fn missing(why: &str, detail: &str) -> String {
    permission(detail).filter(|_| why == Why::Denied.label()).unwrap_or_default().to_owned()
}

impl Query {
    /// What could not be seen at a moment.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn coverage(&self, as_of: AsOf) -> Result<Coverage, EngineError> {
        let program = self.program(as_of).await?.program;
        let title = |kind: &Id| {
            program.kinds.get(kind).map_or_else(|| kind.to_string(), |layout| layout.kind().title.clone())
        };
        let mut found = Coverage::default();
        for source in self.sources(as_of).await?.into_iter().filter(|source| source.retired_at.is_none()) {
            for scope in source.scopes {
                if scope.complete == Some(true) {
                    found.complete += 1;
                    continue;
                }
                let (account, region) = scope.scope.split_once('/').unwrap_or(("", &scope.scope));
                let (why, detail) = scope.reason.split_once(": ").unwrap_or((&scope.reason, ""));
                found.gaps.push(CoverageGap {
                    source: source.id.to_string(),
                    kind_title: title(&scope.kind),
                    kind: scope.kind,
                    account: account.to_owned(),
                    region: region.to_owned(),
                    attribute: String::new(),
                    why: why.to_owned(),
                    detail: detail.to_owned(),
                    permission: missing(why, detail),
                    resources: 0,
                    example: String::new(),
                });
            }
        }
        let mut groups: BTreeMap<Group, (u64, String)> = BTreeMap::new();
        let mut left = RESOURCES_MAX;
        for layout in program.kinds.iter() {
            let kind = layout.kind();
            let whole = self
                .each_present(&program, &kind.id, as_of, &mut |one| {
                    let account = PLACES.iter().find_map(|name| one.text(name)).unwrap_or_default();
                    let region = one.text("region").unwrap_or_default();
                    for name in kind.attributes.keys() {
                        // What a system has no means to tell is no gap that anybody can close.
                        let reason = one.unknown(name).filter(|reason| reason.why != Why::Unsupported);
                        let Some(reason) = reason else { continue };
                        let group = (
                            kind.id.clone(),
                            account.clone(),
                            region.clone(),
                            name.clone(),
                            reason.why,
                            reason.detail,
                        );
                        groups.entry(group).or_insert_with(|| (0, one.key.clone())).0 += 1;
                    }
                    left = left.saturating_sub(1);
                    left > 0 && groups.len() < GAPS_MAX
                })
                .await?;
            found.cut |= !whole;
            if left == 0 {
                break;
            }
        }
        found.gaps.extend(groups.into_iter().map(
            |((kind, account, region, attribute, why, detail), (resources, example))| CoverageGap {
                source: String::new(),
                kind_title: title(&kind),
                kind,
                account,
                region,
                attribute,
                why: why.label().to_owned(),
                permission: missing(why.label(), &detail),
                detail,
                resources,
                example,
            },
        ));
        Ok(found)
    }
}
