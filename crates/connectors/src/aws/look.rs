//! One account, looked at: makes the calls that the table's rows name, and tells what they say of each resource. A detail
//! that is refused makes its attributes unknown, a list that breaks off makes its kind's enumeration incomplete.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use octro_model::{Id, Observation, ScopeReport, Timestamp, UnknownReason};
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::{Call, Caller, Fault, Pager, Place};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, mpsc};

use super::changes::Homes;
use super::class::Classes;
use super::exposure::Graph;
use super::facts::{ALONE, Beside, Facts, Item, Listed, Told};
use super::offered::Offered;
use super::row::{Ask, Detail, List, Row, Said};
use super::rows::GRAPH;

/// What is told of an account while it is looked at.
#[derive(Debug)]
pub(crate) enum Message {
    /// A part of a kind is begun, or the account itself (without a kind).
    Begin(Option<Id>, String),
    /// A resource, and when it was begun to be read.
    Resource(Box<Observation>, Timestamp),
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
    /// When it was begun to be read.
    pub at: Timestamp,
}

type Shared = Arc<OnceCell<Read>>;
/// What the internet reaches in a region, or why that is not known.
type Reached = Arc<OnceCell<Result<Arc<Graph>, UnknownReason>>>;

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
    /// The services that the source reads.
    services: Arc<BTreeSet<&'static str>>,
    offered: Offered,
    lists: Mutex<HashMap<(String, &'static str, &'static str), Shared>>,
    graphs: Mutex<HashMap<String, Reached>>,
    /// The regions that are looked at, once they are known.
    regions: OnceLock<Vec<String>>,
    /// Where resources of global kinds were seen.
    pub(super) homes: Mutex<Homes>,
    /// The keys that something uses.
    pub(super) used: Mutex<BTreeSet<String>>,
    /// The keys that were looked at.
    pub(super) seen: Mutex<BTreeSet<String>>,
}

impl Account {
    /// An account that nothing is known of.
    pub(crate) fn new(
        caller: Caller,
        keys: Provider,
        place: Place,
        classes: Arc<Classes>,
        rows: &[(&'static Row, Id)],
    ) -> Self {
        Self {
            services: Arc::new(rows.iter().map(|(row, _)| row.list.ask.service.name).collect()),
            caller,
            keys,
            place,
            classes,
            offered: Offered::default(),
            lists: Mutex::default(),
            graphs: Mutex::default(),
            regions: OnceLock::new(),
            homes: Mutex::default(),
            used: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// These regions are looked at.
    pub(crate) fn look_at(&self, regions: Vec<String>) {
        // It is said once.
        let _ = self.regions.set(regions);
    }

    /// Whether a region is looked at.
    pub(crate) fn looks_at(&self, region: &str) -> bool {
        self.regions.get().is_some_and(|regions| regions.iter().any(|known| known == region))
    }

    /// Where a resource of a global kind was seen.
    pub(crate) fn home(&self, key: &str) -> Option<String> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner).get(key).map(str::to_owned)
    }

    /// Lets go of lists that a permission gives, in a region: they are not true any more.
    pub(crate) fn forget(&self, region: &str, permission: &str) {
        self.keep_lists(|(at, of, _), _| *at != region || *of != permission);
    }

    /// Lets go of lists that were read before this.
    pub(crate) fn forget_lists_before(&self, at: Timestamp) {
        self.keep_lists(|_, read| read.is_none_or(|read| read.at >= at));
    }

    /// Lets go of lists with more items.
    pub(crate) fn forget_lists_above(&self, items: usize) {
        self.keep_lists(|_, read| read.is_none_or(|read| read.items.len() <= items));
    }

    fn keep_lists(&self, keep: impl Fn(&(String, &'static str, &'static str), Option<&Read>) -> bool) {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|name, cell| keep(name, cell.get()));
        // What was made of them is made anew, of those that are still known.
        self.graphs.lock().unwrap_or_else(PoisonError::into_inner).clear();
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

    /// What a row reads besides its own list.
    pub(super) async fn all_beside(&self, row: &'static Row, place: &Place) -> Arc<Beside> {
        let mut beside = Beside { services: Some(self.services.clone()), ..Beside::default() };
        for list in row.beside {
            beside.lists.push(self.beside(list, place).await);
        }
        if row.reached {
            beside.graph = Some(self.graph(place).await);
        }
        Arc::new(beside)
    }

    /// What the internet reaches in a region; made once.
    async fn graph(&self, place: &Place) -> Result<Arc<Graph>, UnknownReason> {
        let cell = {
            let mut graphs = self.graphs.lock().unwrap_or_else(PoisonError::into_inner);
            graphs.entry(place.region.clone()).or_default().clone()
        };
        let make = || async {
            let mut lists = Vec::with_capacity(GRAPH.len());
            for list in GRAPH {
                lists.push(self.beside(list, place).await);
            }
            Graph::read(&lists).map(Arc::new)
        };
        cell.get_or_init(make).await.clone()
    }

    /// A list, read whole.
    pub(super) async fn read(&self, list: &'static List, place: &Place) -> Read {
        let Some(outer) = list.within else { return self.read_within(list, place, &Value::Null).await };
        let at = self.caller.now();
        // Boxed: a list within a list within a list could be written.
        let outer = Box::pin(self.shared(outer, place)).await;
        let (mut items, mut pages, mut fault) = (Vec::new(), outer.pages, outer.fault);
        for around in outer.items.iter() {
            let inner = self.read_within(list, place, &around.value).await;
            items.extend(inner.items.iter().cloned());
            pages += inner.pages;
            fault = fault.or(inner.fault);
        }
        Read { items: Arc::new(items), pages, fault, at }
    }

    /// A list, or that part of it which lies within an item of another.
    async fn read_within(&self, list: &'static List, place: &Place, around: &Value) -> Read {
        let at = self.caller.now();
        let mut listing = self.listing_within(list, place, around, &[]);
        let mut items: Vec<Item> = Vec::new();
        while let Some(page) = listing.next().await {
            items.extend(page);
            if let Some(fold) = list.fold {
                items = fold(items);
            }
        }
        Read { items: Arc::new(items), pages: listing.pages(), fault: listing.fault.take(), at }
    }

    /// Begins to read a list; `narrowed`: what is said besides, so that the list is of few items.
    pub(super) fn listing<'a>(
        &'a self,
        list: &'static List,
        place: &'a Place,
        narrowed: &[(&'static str, String)],
    ) -> Listing<'a> {
        self.listing_within(list, place, &Value::Null, narrowed)
    }

    fn listing_within<'a>(
        &'a self,
        list: &'static List,
        place: &'a Place,
        around: &Value,
        narrowed: &[(&'static str, String)],
    ) -> Listing<'a> {
        let none = BTreeMap::new();
        let facts =
            Facts { place, key: "", item: around, details: &none, beside: &ALONE, classes: &self.classes };
        let pager = said(&list.ask, &facts).map(|(path, mut input)| {
            input.extend(narrowed.iter().map(|(name, value)| (*name, json!(value))));
            let call = call(&list.ask, path, input);
            self.caller.pager(&self.keys, place, call, list.items, list.paging)
        });
        Listing { account: self, list, place, pager, fault: None, code: String::new() }
    }

    /// Asks the details of one resource. `None`: it is gone.
    pub(super) async fn details(
        &self,
        wanted: &'static [Detail],
        place: &Place,
        key: &str,
        item: &mut Value,
        beside: &Beside,
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
                    match self.detail(detail, &place, &call(&detail.ask, path, input)).await {
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
            Said::List(one) => json!([facts.fill(one)?]),
            Said::Made(make) => json!(make(facts)?),
        };
        input.push((*name, value));
    }
    Some((path, input))
}

fn call(ask: &Ask, path: String, input: Vec<(&'static str, Value)>) -> Call<'static> {
    Call { service: ask.service, action: ask.action, path: path.into(), root: ask.root, input }
}

/// A list that is being read, page by page.
pub(super) struct Listing<'a> {
    account: &'a Account,
    list: &'static List,
    place: &'a Place,
    pager: Option<Pager<'a>>,
    /// Why it broke off; known after the last page.
    pub fault: Option<UnknownReason>,
    /// The service's own word for that.
    pub code: String,
}

impl Listing<'_> {
    /// How many pages came so far.
    pub(super) fn pages(&self) -> u64 {
        self.pager.as_ref().map_or(0, |pager| pager.pages)
    }

    /// The items of the next page that count; `None` after the last page.
    pub(super) async fn next(&mut self) -> Option<Vec<Item>> {
        let (account, list) = (self.account, self.list);
        let values = match self.pager.as_mut()?.next().await? {
            Ok(values) => values,
            Err(fault) => {
                self.broken(&fault).await;
                return None;
            }
        };
        let none = BTreeMap::new();
        let mut items: Vec<Item> = Vec::with_capacity(values.len());
        for value in values {
            // A list of names alone: an item with the name `@`.
            let mut value = if value.is_string() { json!({ "@": value }) } else { value };
            let facts = Facts {
                place: self.place,
                key: "",
                item: &value,
                details: &none,
                beside: &ALONE,
                classes: &account.classes,
            };
            if !list.keep.is_none_or(|keep| keep(&facts)) {
                continue;
            }
            // One that is gone is not an item any more.
            if let Some(details) = account.details(list.details, self.place, "", &mut value, &ALONE).await {
                items.push(Item { value, details });
            }
        }
        Some(items)
    }

    async fn broken(&mut self, fault: &Fault) {
        let (account, list) = (self.account, self.list);
        if list.absent.contains(&fault.code.as_str()) {
            return;
        }
        let what = (list.ask.service, self.place.region.as_str(), fault);
        if !account.offered.is_absent(&account.caller, &account.keys, &account.place, what).await {
            self.code.clone_from(&fault.code);
            self.fault = Some(fault.reason(list.ask.permission));
        }
    }
}
