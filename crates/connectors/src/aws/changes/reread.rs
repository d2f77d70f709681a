//! One resource, read anew: found again, asked for its details, and told as it is now, or as gone.

use std::collections::BTreeMap;

use octro_model::{Id, Observation, Timestamp, Why};
use octro_outbound::aws::api::Place;
use serde_json::{Value, json};

use super::watch::{Find, Watch, fill};
use crate::aws::facts::{ALONE, Facts, Item};
use crate::aws::key;
use crate::aws::look::Account;
use crate::aws::resource::{Looked, scope};
use crate::aws::row::Row;

/// Services whose names are in small letters, however they are written.
const SMALL: [&str; 2] = ["rds", "redshift"];
const NAME_MAX: usize = 1_000;

/// What reading anew gave.
#[derive(Debug, Default)]
pub(super) struct Reread {
    /// The resource as it is now.
    pub seen: Option<(Box<Observation>, Timestamp)>,
    /// Something did not answer that may answer later.
    pub again: bool,
}

impl Account {
    /// Reads anew what an event names.
    pub(super) async fn reread(
        &self,
        row: &'static Row,
        kind: &Id,
        watch: &'static Watch,
        name: &str,
        place: &Place,
    ) -> Reread {
        let name = if SMALL.contains(&watch.service) { name.to_lowercase() } else { name.to_owned() };
        if !is_name(&name, row) {
            return Reread::default();
        }
        for permission in watch.forgets.iter().chain([&row.list.ask.permission]) {
            self.forget(&place.region, permission);
        }
        let key = watch.key(&name, place);
        // A key without an owner may be that of another account's: it is gone only for the account in which it was seen.
        let is_ours = key::owner(&key).is_some() || self.home(&key).is_some();
        let gone = |again| Reread {
            seen: is_ours.then(|| (Box::new(gone(kind, &key, row, place)), self.caller.now())),
            again,
        };
        let item = match watch.find {
            Find::Whole => return Reread::default(),
            Find::Item(field, template) => {
                let mut item = serde_json::Map::new();
                item.insert(field.to_owned(), json!(fill(template, &name, &key, place)));
                Some(Item { value: item.into(), details: BTreeMap::new() })
            }
            Find::Bucket => match self.home(&key) {
                Some(region) => {
                    let value = json!({ "Name": name, "BucketRegion": region });
                    Some(Item { value, details: BTreeMap::new() })
                }
                None => None,
            },
            Find::By(_) | Find::Among(_) => None,
        };
        let item = match item {
            Some(item) => item,
            None => {
                let narrowed: Vec<(&'static str, String)> = match watch.find {
                    Find::By(inputs) => inputs
                        .iter()
                        .map(|(input, value)| (*input, fill(value, &name, &key, place)))
                        .collect(),
                    Find::Bucket => vec![("prefix", name.clone())],
                    Find::Whole | Find::Item(..) | Find::Among(_) => Vec::new(),
                };
                let is_it = |item: &Item| match watch.find {
                    Find::Among(field) => item.value.get(field).and_then(Value::as_str) == Some(&name),
                    Find::Whole | Find::Item(..) | Find::By(_) | Find::Bucket => {
                        self.key_of(row, place, &item.value).is_some_and(|of| of == key)
                    }
                };
                let mut listing = self.listing(row.list, place, &narrowed);
                let mut found = None;
                while found.is_none()
                    && let Some(page) = listing.next().await
                {
                    found = page.into_iter().find(|item| is_it(item));
                }
                match (found, &listing.fault) {
                    (Some(item), _) => item,
                    (None, None) if key.is_empty() => return Reread::default(),
                    (None, None) => return gone(false),
                    (None, Some(_)) if is_gone(&listing.code) && !key.is_empty() => return gone(false),
                    // What was known of it stays; it grows old, and the next whole look says why.
                    (None, Some(reason)) => {
                        return Reread { seen: None, again: is_passing(reason.why) };
                    }
                }
            }
        };
        let beside = self.all_beside(row, place).await;
        match self.resource(row, kind.clone(), scope(row, place), place, item, &beside).await {
            Looked::There(mut observation, began) => {
                observation.effective_at = Some(began);
                let again = observation.unknown.values().any(|reason| is_passing(reason.why));
                Reread { seen: Some((observation, began)), again }
            }
            Looked::Gone if key.is_empty() => Reread::default(),
            Looked::Gone => gone(false),
            Looked::Odd(_) => Reread::default(),
        }
    }

    fn key_of(&self, row: &'static Row, place: &Place, item: &Value) -> Option<String> {
        let none = BTreeMap::new();
        let facts = Facts { place, key: "", item, details: &none, beside: &ALONE, classes: &self.classes };
        facts.fill(row.key)
    }
}

fn gone(kind: &Id, key: &str, row: &'static Row, place: &Place) -> Observation {
    Observation {
        kind: kind.clone(),
        key: key.to_owned(),
        scope: scope(row, place),
        effective_at: None,
        attributes: serde_json::Map::new(),
        unknown: BTreeMap::new(),
        gone: true,
    }
}

/// Whether a refusal of a list that was narrowed to one resource says that there is none.
fn is_gone(code: &str) -> bool {
    ["NotFound", "NonExistent", "DoesNotExist"].iter().any(|word| code.contains(word))
}

/// Whether asking later may help.
const fn is_passing(why: Why) -> bool {
    matches!(why, Why::Throttled | Why::TimedOut)
}

/// Whether a name that somebody sent can be one: what goes into a path must not lead elsewhere.
fn is_name(name: &str, row: &Row) -> bool {
    let in_path = row.details.iter().any(|detail| detail.ask.path.contains('{'));
    let fits = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"._-".contains(&byte) || (!in_path && byte.is_ascii_graphic())
    };
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(fits) && !name.contains("..")
}

#[cfg(test)]
mod tests;
