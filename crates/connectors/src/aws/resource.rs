//! The resources of one account: each item of a row's list, with its details, becomes an observation.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use octro_model::{Id, Observation, ScopeReport, Timestamp, UnknownReason, Why};
use octro_outbound::aws::api::Place;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::facts::{ALONE, Beside, Facts, Item, Known};
use super::key;
use super::look::{Account, Listing, Message, Read, Tell};
use super::row::{List, Row};
use super::rows::{ALIASES, GRAPH, KEY, ROWS};

/// How many resources of one row are looked at at once. How many calls at once, the caller limits.
const AT_ONCE: usize = 32;
/// The longest text of an attribute.
const TEXT_MAX: usize = 4_096;

impl Account {
    /// Looks at everything that a row enumerates at a place, page by page: what is looked at is told, not kept.
    pub(crate) async fn row(self: Arc<Self>, row: &'static Row, kind: Id, place: Place, tell: Tell) {
        let mut items = if is_shared(row.list) {
            Items::Kept(self.shared(row.list, &place).await, 0)
        } else {
            Items::Coming(Box::new(self.listing(row.list, &place, &[])), Vec::new().into_iter())
        };
        let mut fault = None;
        let mut beside: Option<Arc<Beside>> = None;
        let scope = scope(row, &place);
        let mut looks = JoinSet::new();
        let (mut resources, mut more) = (0, true);
        loop {
            while more && looks.len() < AT_ONCE {
                let Some(item) = items.next().await else {
                    more = false;
                    break;
                };
                let beside = match &beside {
                    Some(beside) => beside.clone(),
                    None => beside.insert(self.all_beside(row, &place).await).clone(),
                };
                let (account, place) = (self.clone(), place.clone());
                let (kind, scope) = (kind.clone(), scope.clone());
                looks.spawn(async move { account.resource(row, kind, scope, &place, item, &beside).await });
            }
            match looks.join_next().await {
                None => break,
                Some(Ok(Looked::There(observation, began))) => {
                    resources += 1;
                    if tell.send(Message::Resource(observation, began)).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Looked::Gone)) => {}
                Some(Ok(Looked::Odd(what))) => {
                    fault.get_or_insert_with(|| UnknownReason::new(Why::Failed, what));
                }
                Some(Err(_)) => {
                    fault.get_or_insert_with(|| UnknownReason::new(Why::Failed, "a look broke off"));
                }
            }
        }
        let (pages, broken) = items.end();
        let reason = broken.or(fault);
        let report = ScopeReport { kind, scope, complete: reason.is_none(), resources, pages, reason };
        let _ = tell.send(Message::Scope(report)).await;
    }

    /// Looks at one resource.
    pub(super) async fn resource(
        &self,
        row: &'static Row,
        kind: Id,
        scope: String,
        place: &Place,
        item: Item,
        beside: &Beside,
    ) -> Looked {
        let began = self.caller.now();
        let Item { value: mut item, details: known } = item;
        let mut at = place.clone();
        let none = BTreeMap::new();
        let facts = Facts {
            place: &at,
            key: "",
            item: &item,
            details: &none,
            beside: &ALONE,
            classes: &self.classes,
        };
        let Some(key) = facts.fill(row.key) else {
            return Looked::Odd(format!(
                "an item of {} lacks what its key is made of: {}",
                row.kind, row.key
            ));
        };
        if let Some(region) = facts.text(row.region).filter(|_| !row.region.is_empty()) {
            at.region = region.to_owned();
        }
        let Some(mut details) = self.details(row.details, &at, &key, &mut item, beside).await else {
            return Looked::Gone;
        };
        details.extend(known);
        let mut region = Known::text(at.region.clone());
        if !row.region.is_empty() {
            let facts = Facts {
                place: &at,
                key: &key,
                item: &item,
                details: &details,
                beside,
                classes: &self.classes,
            };
            // Neither the list nor the detail told it.
            region = match (facts.text(row.region), details.get("location")) {
                (Some(region), _) => Known::text(region),
                (None, Some(Err(reason))) => Known::Unknown(reason.clone()),
                (None, _) => Known::odd("the region is not told"),
            };
            if let Known::Value(Value::String(region)) = &region {
                region.clone_into(&mut at.region);
            }
        }
        let facts =
            Facts { place: &at, key: &key, item: &item, details: &details, beside, classes: &self.classes };
        let mut observation = Observation {
            kind,
            key: key.clone(),
            scope,
            effective_at: None,
            attributes: Map::new(),
            unknown: BTreeMap::new(),
            gone: false,
        };
        let owner = key::owner(&key).unwrap_or(&self.place.account).to_owned();
        put(&mut observation, "account", Known::text(owner));
        if !row.global || !row.region.is_empty() {
            put(&mut observation, "region", region.clone());
        }
        for attribute in row.attributes {
            let known = match facts.read(attribute) {
                // An alias or an id is a key of the resource's region, whichever that is.
                Known::Key(name) if !name.starts_with("arn:") && matches!(region, Known::Unknown(_)) => {
                    region.clone()
                }
                Known::Key(name) => self.key(&name, &at).await,
                known @ (Known::Value(_) | Known::Absent | Known::Unknown(_)) => known,
            };
            put(&mut observation, attribute.name, known);
        }
        // Of what says neither its region nor its account by its key, it is kept that it was seen here.
        let is_kept = !row.region.is_empty() || key::owner(&key).is_none();
        if let (true, Known::Value(Value::String(region))) = (is_kept, &region) {
            self.homes.lock().unwrap_or_else(PoisonError::into_inner).put(&observation.key, region);
        }
        if row.kind == KEY.kind {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        }
        Looked::There(Box::new(observation), began)
    }

    /// The ARN of a key that is named somehow.
    async fn key(&self, name: &str, place: &Place) -> Known {
        let known = match key::resolve(name, place) {
            key::Named::Arn(arn) => Known::text(arn),
            key::Named::Odd(what) => Known::odd(what),
            key::Named::Alias(alias) => match self.beside(&ALIASES, place).await {
                Ok(aliases) => key::of_alias(&alias, &aliases, place),
                Err(reason) => Known::Unknown(reason),
            },
        };
        if let Known::Value(Value::String(arn)) = &known {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.clone());
        }
        known
    }

    /// Looks at the keys that are used and were in no list: those of other accounts, and those that were made meanwhile.
    pub(crate) async fn other_keys(&self, kind: Id, tell: &Tell) {
        let abroad = format!("{}/other accounts", self.place.account);
        let used = std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner));
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        let mut resources = 0;
        for arn in used.difference(&seen) {
            let (Some(owner), Some(region)) = (key::owner(arn), key::region(arn)) else { continue };
            let place = Place::new(self.place.account.as_str(), region);
            let is_foreign = owner != self.place.account;
            let scope = if is_foreign { abroad.clone() } else { scope(&KEY, &place) };
            let item = Item { value: json!({ "KeyArn": arn }), details: BTreeMap::new() };
            let looked = self.resource(&KEY, kind.clone(), scope, &place, item, &ALONE).await;
            if let Looked::There(observation, began) = looked {
                resources += u64::from(is_foreign);
                if tell.send(Message::Resource(observation, began)).await.is_err() {
                    return;
                }
            }
        }
        let report = ScopeReport { kind, scope: abroad, complete: true, resources, pages: 0, reason: None };
        let _ = tell.send(Message::Scope(report)).await;
    }
}

/// The items of a row's list: kept for several rows, or coming page by page.
enum Items<'a> {
    Kept(Read, usize),
    Coming(Box<Listing<'a>>, std::vec::IntoIter<Item>),
}

impl Items<'_> {
    async fn next(&mut self) -> Option<Item> {
        match self {
            Self::Kept(read, place) => {
                let item = read.items.get(*place).cloned();
                *place += 1;
                item
            }
            Self::Coming(listing, page) => loop {
                if let Some(item) = page.next() {
                    return Some(item);
                }
                *page = listing.next().await?.into_iter();
            },
        }
    }

    /// How many pages came, and why the list broke off.
    fn end(self) -> (u64, Option<UnknownReason>) {
        match self {
            Self::Kept(read, _) => (read.pages, read.fault),
            Self::Coming(listing, _) => (listing.pages(), listing.fault),
        }
    }
}

/// What a look at one resource gave.
pub(super) enum Looked {
    /// It is there; and when it was begun to be read.
    There(Box<Observation>, Timestamp),
    /// It is gone.
    Gone,
    /// It could not be told what it is.
    Odd(String),
}

/// The name of the part of a kind that a row enumerates at a place.
pub(crate) fn scope(row: &Row, place: &Place) -> String {
    let within = if row.global { "global" } else { place.region.as_str() };
    format!("{}/{within}{}", place.account, row.part)
}

/// Whether another row reads this list too.
fn is_shared(list: &'static List) -> bool {
    !list.details.is_empty()
        || list.fold.is_some()
        || list.within.is_some()
        || GRAPH.iter().any(|other| std::ptr::eq(*other, list))
        || ROWS.iter().any(|row| row.list.within.is_some_and(|outer| std::ptr::eq(outer, list)))
        || ROWS.iter().any(|row| row.beside.iter().any(|beside| std::ptr::eq(*beside, list)))
}

fn put(observation: &mut Observation, name: &str, known: Known) {
    match known {
        Known::Value(Value::String(text)) if text.len() > TEXT_MAX => {
            let what = format!("it has more than {TEXT_MAX} bytes");
            observation.unknown.insert(name.to_owned(), UnknownReason::new(Why::Failed, what));
        }
        Known::Value(value) => {
            observation.attributes.insert(name.to_owned(), value);
        }
        Known::Absent | Known::Key(_) => {
            observation.attributes.insert(name.to_owned(), Value::Null);
        }
        Known::Unknown(reason) => {
            observation.unknown.insert(name.to_owned(), reason);
        }
    }
}
