//! One account, looked at: makes the calls that the table's rows name, and tells what they say of each resource. A detail
//! that is refused makes its attributes unknown, a list that breaks off makes its kind's enumeration incomplete.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use octro_model::{Id, Observation, ScopeReport, UnknownReason, Why};
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::{Call, Caller, Fault, Place};
use serde_json::{Map, Value, json};
use tokio::sync::{OnceCell, mpsc};
use tokio::task::JoinSet;

use super::class::Classes;
use super::facts::{Facts, Item, Known, Listed, Told};
use super::key;
use super::row::{Ask, Detail, List, Row, Said};
use super::rows::{KEY, ROWS};

/// How many resources of one row are looked at at once. How many calls at once, the caller limits.
const AT_ONCE: usize = 32;
/// The longest text of an attribute.
const TEXT_MAX: usize = 4_096;

/// What is told of an account while it is looked at.
#[derive(Debug)]
pub(crate) enum Message {
    /// A part of a kind is begun, or the account itself (without a kind).
    Begin(Option<Id>, String),
    /// A resource.
    Resource(Box<Observation>),
    /// A part of a kind is done.
    Scope(ScopeReport),
    /// The account is done.
    Done(String),
    /// Something for people.
    Error(String, String, String),
}

/// Where messages go.
pub(crate) type Tell = mpsc::Sender<Message>;

/// A list, as far as it came.
#[derive(Clone, Debug)]
struct Read {
    items: Arc<Vec<Item>>,
    pages: u64,
    fault: Option<UnknownReason>,
}

type Shared = Arc<OnceCell<Read>>;

/// An account.
#[derive(Debug)]
pub(crate) struct Account {
    /// Makes the calls.
    pub caller: Caller,
    /// Its keys.
    pub keys: Provider,
    /// Its number, and the region from which global services are asked.
    pub place: Place,
    /// What is declared.
    pub classes: Arc<Classes>,
    lists: Mutex<HashMap<(String, &'static str, &'static str), Shared>>,
    used: Mutex<BTreeSet<String>>,
    seen: Mutex<BTreeSet<String>>,
}

impl Account {
    /// An account that nothing is known of.
    pub(crate) fn new(caller: Caller, keys: Provider, place: Place, classes: Arc<Classes>) -> Self {
        Self {
            caller,
            keys,
            place,
            classes,
            lists: Mutex::default(),
            used: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Makes one call.
    pub(crate) async fn call(&self, place: &Place, call: &Call<'_>) -> Result<Value, Fault> {
        self.caller.call(&self.keys, place, call).await
    }

    /// A list that several rows use, read once.
    async fn shared(&self, list: &'static List, place: &Place) -> Read {
        let key = (place.region.clone(), list.ask.action, list.items);
        let cell = {
            let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
            lists.entry(key).or_default().clone()
        };
        cell.get_or_init(|| self.read(list, place)).await.clone()
    }

    /// A list that is an ingredient: all of it, or why not.
    pub(crate) async fn beside(&self, list: &'static List, place: &Place) -> Listed {
        let read = self.shared(list, place).await;
        match read.fault {
            Some(reason) => Err(reason),
            None => Ok(read.items),
        }
    }

    async fn read(&self, list: &'static List, place: &Place) -> Read {
        let none = BTreeMap::new();
        let facts =
            Facts { place, key: "", item: &Value::Null, details: &none, beside: &[], classes: &self.classes };
        let Some((path, input)) = said(&list.ask, &facts) else {
            return Read { items: Arc::default(), pages: 0, fault: None };
        };
        let call = call(&list.ask, &path, input);
        let pages = self.caller.pages(&self.keys, place, &call, list.items, list.paging).await;
        let fault = pages.fault.filter(|fault| !list.absent.contains(&fault.code.as_str()));
        let mut items: Vec<Item> = Vec::with_capacity(pages.items.len());
        for value in pages.items {
            // A list of names alone: an item with the name `@`.
            let value = if value.is_string() { json!({ "@": value }) } else { value };
            let facts = Facts { item: &value, ..facts };
            if list.keep.is_none_or(|keep| keep(&facts)) {
                items.push(Item { value, details: BTreeMap::new() });
            }
        }
        if !list.details.is_empty() {
            let mut kept = Vec::with_capacity(items.len());
            for mut item in items {
                let place = place.clone();
                // One that is gone is not an item any more.
                if let Some(details) = self.details(list.details, &place, "", &mut item.value, &[]).await {
                    kept.push(Item { details, ..item });
                }
            }
            items = kept;
        }
        let fault = fault.map(|fault| fault.reason(list.ask.permission));
        Read { items: Arc::new(items), pages: pages.pages, fault }
    }

    /// Asks the details of one resource. `None`: it is gone.
    async fn details(
        &self,
        wanted: &'static [Detail],
        place: &Place,
        key: &str,
        item: &mut Value,
        beside: &[Listed],
    ) -> Option<BTreeMap<&'static str, Told>> {
        let mut details: BTreeMap<&'static str, Told> = BTreeMap::new();
        let mut place = place.clone();
        for detail in wanted {
            let facts = Facts { place: &place, key, item, details: &details, beside, classes: &self.classes };
            let ask =
                detail.when.is_none_or(|when| when(&facts)).then(|| said(&detail.ask, &facts)).flatten();
            let told = match ask {
                None => Ok(Value::Null),
                Some((path, input)) => {
                    match self.detail(detail, &place, &call(&detail.ask, &path, input)).await {
                        Ok(value) => Ok(value),
                        Err(fault) if detail.gone.contains(&fault.code.as_str()) => return None,
                        Err(fault) if detail.absent.contains(&fault.code.as_str()) => Ok(Value::Null),
                        Err(fault) => Err(fault.reason(detail.ask.permission)),
                    }
                }
            };
            if let (Ok(Value::String(region)), "location", Some(object)) =
                (&told, detail.name, item.as_object_mut())
            {
                let region = match region.as_str() {
                    "" => "us-east-1",
                    "EU" => "eu-west-1",
                    region => region,
                };
                region.clone_into(&mut place.region);
                object.insert("@region".to_owned(), json!(region));
            }
            details.insert(detail.name, told);
        }
        Some(details)
    }

    async fn detail(&self, detail: &Detail, place: &Place, call: &Call<'_>) -> Result<Value, Fault> {
        if let Some(paging) = detail.paging {
            let pages = self.caller.pages(&self.keys, place, call, detail.at, paging).await;
            return pages.fault.map_or(Ok(Value::Array(pages.items)), Err);
        }
        let mut answer = self.call(place, call).await?;
        if detail.at.is_empty() {
            return Ok(answer);
        }
        let part = detail.at.split('.').try_fold(&mut answer, |value, name| value.get_mut(name));
        Ok(part.map(Value::take).unwrap_or_default())
    }

    /// Looks at everything that a row enumerates at a place.
    pub(crate) async fn row(self: Arc<Self>, row: &'static Row, kind: Id, place: Place, tell: Tell) {
        let read = if is_shared(row.list) {
            self.shared(row.list, &place).await
        } else {
            self.read(row.list, &place).await
        };
        let mut fault = read.fault;
        let mut beside: Vec<Listed> = Vec::with_capacity(row.beside.len());
        if !read.items.is_empty() {
            for list in row.beside {
                beside.push(self.beside(list, &place).await);
            }
        }
        let beside: Arc<[Listed]> = beside.into();
        let scope = scope(row, &place);
        let mut looks = JoinSet::new();
        let mut resources = 0;
        let mut items = read.items.iter();
        loop {
            while looks.len() < AT_ONCE
                && let Some(item) = items.next()
            {
                let (account, beside, place) = (self.clone(), beside.clone(), place.clone());
                let (kind, scope, item) = (kind.clone(), scope.clone(), item.clone());
                looks.spawn(async move { account.resource(row, kind, scope, &place, item, &beside).await });
            }
            match looks.join_next().await {
                None => break,
                Some(Ok(Looked::There(observation))) => {
                    resources += 1;
                    if tell.send(Message::Resource(observation)).await.is_err() {
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
        let complete = fault.is_none();
        let report = ScopeReport { kind, scope, complete, resources, pages: read.pages, reason: fault };
        let _ = tell.send(Message::Scope(report)).await;
    }

    /// Looks at one resource.
    async fn resource(
        &self,
        row: &'static Row,
        kind: Id,
        scope: String,
        place: &Place,
        item: Item,
        beside: &[Listed],
    ) -> Looked {
        let Item { value: mut item, details: known } = item;
        let mut at = place.clone();
        let none = BTreeMap::new();
        let facts =
            Facts { place: &at, key: "", item: &item, details: &none, beside: &[], classes: &self.classes };
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
        if row.kind == KEY.kind {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        }
        Looked::There(Box::new(observation))
    }

    /// The ARN of a key that is named somehow.
    async fn key(&self, name: &str, place: &Place) -> Known {
        let known = match key::resolve(name, place) {
            key::Named::Arn(arn) => Known::text(arn),
            key::Named::Odd(what) => Known::odd(what),
            key::Named::Alias(alias) => match self.beside(&super::rows::ALIASES, place).await {
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
            let looked = self.resource(&KEY, kind.clone(), scope, &place, item, &[]).await;
            if let Looked::There(observation) = looked {
                resources += u64::from(is_foreign);
                if tell.send(Message::Resource(observation)).await.is_err() {
                    return;
                }
            }
        }
        let report = ScopeReport { kind, scope: abroad, complete: true, resources, pages: 0, reason: None };
        let _ = tell.send(Message::Scope(report)).await;
    }
}

enum Looked {
    There(Box<Observation>),
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

/// The path and the input of a call, filled; `None` if something that it needs is not there.
fn said(ask: &Ask, facts: &Facts<'_>) -> Option<(String, Vec<(&'static str, Value)>)> {
    let path = facts.fill(ask.path)?;
    let mut input = Vec::with_capacity(ask.input.len());
    for (name, said) in ask.input {
        let value = match said {
            Said::Text(text) => json!(facts.fill(text)?),
            Said::Number(number) => json!(number),
            Said::List(one) => json!([one]),
            Said::Made(make) => json!(make(facts)?),
        };
        input.push((*name, value));
    }
    Some((path, input))
}

fn call<'a>(ask: &Ask, path: &'a str, input: Vec<(&'static str, Value)>) -> Call<'a> {
    Call { service: ask.service, action: ask.action, path, root: ask.root, input }
}
