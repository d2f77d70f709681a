//! One account, looked at: makes the calls that the table's rows name, and tells what they say of each resource. A detail
//! that is refused makes its attributes unknown, a list that breaks off makes its kind's enumeration incomplete.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use octro_model::{Id, Observation, ScopeReport, UnknownReason};
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::{Call, Caller, Fault, Place};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc};

use super::class::Classes;
use super::facts::{Facts, Item, Listed, Told};
use super::offered::Offered;
use super::row::{Ask, Detail, List, Said};

/// What is told of an account while it is looked at.
#[derive(Debug)]
pub(crate) enum Message {
    /// A part of a kind is begun, or the account itself (without a kind).
    Begin(Option<Id>, String),
    /// A resource.
    Resource(Box<Observation>),
    /// A part of a kind is done.
    Scope(ScopeReport),
    /// A part of a kind cannot be enumerated, for a reason that people are told once for all kinds.
    Gap(ScopeReport),
    /// The account is done.
    Done(String),
    /// Something for people.
    Error(String, String, String),
}

/// Where messages go.
pub(crate) type Tell = mpsc::Sender<Message>;

/// A list, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// Its items.
    pub items: Arc<Vec<Item>>,
    /// How many pages came.
    pub pages: u64,
    /// Why it broke off.
    pub fault: Option<UnknownReason>,
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
    offered: Offered,
    lists: Mutex<HashMap<(String, &'static str, &'static str), Shared>>,
    /// The keys that something uses.
    pub(super) used: Mutex<BTreeSet<String>>,
    /// The keys that were looked at.
    pub(super) seen: Mutex<BTreeSet<String>>,
}

impl Account {
    /// An account that nothing is known of.
    pub(crate) fn new(caller: Caller, keys: Provider, place: Place, classes: Arc<Classes>) -> Self {
        Self {
            caller,
            keys,
            place,
            classes,
            offered: Offered::default(),
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
    pub(super) async fn shared(&self, list: &'static List, place: &Place) -> Read {
        let key = (place.region.clone(), list.ask.permission, list.items);
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

    pub(super) async fn read(&self, list: &'static List, place: &Place) -> Read {
        let none = BTreeMap::new();
        let facts =
            Facts { place, key: "", item: &Value::Null, details: &none, beside: &[], classes: &self.classes };
        let Some((path, input)) = said(&list.ask, &facts) else {
            return Read { items: Arc::default(), pages: 0, fault: None };
        };
        let call = call(&list.ask, &path, input);
        let pages = self.caller.pages(&self.keys, place, &call, list.items, list.paging).await;
        let mut fault = pages.fault.filter(|fault| !list.absent.contains(&fault.code.as_str()));
        if let Some(silent) = &fault {
            let what = (list.ask.service, place.region.as_str(), silent);
            if self.offered.is_absent(&self.caller, &self.keys, &self.place, what).await {
                fault = None;
            }
        }
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
    pub(super) async fn details(
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
