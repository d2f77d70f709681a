//! Which event means that which resource has to be read anew: as data. What an event says of a resource is never
//! believed; it says only where to look.

use octro_model::Glob;
use octro_outbound::aws::api::Place;
use serde_json::Value;

use super::event::Event;
use crate::aws::facts::many;

mod table;

pub(crate) use table::WATCHES;

/// One sort of event, and whom it is about.
#[derive(Debug)]
pub(crate) struct Watch {
    /// The service as events name it, without `.amazonaws.com`.
    pub service: &'static str,
    /// The names of its events; `*` is any letters.
    pub events: &'static [&'static str],
    /// The kind of what has to be read anew, and the part of it; an empty kind for nothing.
    pub kind: &'static str,
    pub part: &'static str,
    /// Where the event names it: paths, alternatives with `|`; every name of the first path that has any counts.
    pub names: &'static str,
    /// What a name must hold, if it is an ARN.
    pub within: &'static str,
    /// Its key, with `{name}` for the name.
    pub key: &'static str,
    /// How it is found again.
    pub find: Find,
    /// The permissions of lists that are not true any more.
    pub forgets: &'static [&'static str],
}

/// How one resource is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Find {
    /// Everything that the row enumerates at the place is read anew.
    Whole,
    /// It is asked for its details by this field of an item; whether it is there shows then.
    Item(&'static str, &'static str),
    /// The list, narrowed by what is said besides.
    By(&'static [(&'static str, &'static str)]),
    /// A bucket: its name is one of the whole world, so that one that was never seen is looked for in the list.
    Bucket,
    /// In the whole list, by this field; details are asked of this one alone.
    Among(&'static str),
}

const fn on(
    service: &'static str,
    events: &'static [&'static str],
    kind: &'static str,
    names: &'static str,
    key: &'static str,
    find: Find,
) -> Watch {
    Watch { service, events, kind, part: "", names, within: "", key, find, forgets: &[] }
}

const fn whole(service: &'static str, events: &'static [&'static str], kind: &'static str) -> Watch {
    on(service, events, kind, "", "", Find::Whole)
}

/// Events that change nothing that is read, though they write.
const fn nothing(service: &'static str, events: &'static [&'static str]) -> Watch {
    on(service, events, "", "", "", Find::Whole)
}

impl Watch {
    const fn part(mut self, part: &'static str) -> Self {
        self.part = part;
        self
    }

    const fn within(mut self, within: &'static str) -> Self {
        self.within = within;
        self
    }

    const fn forgetting(mut self, permissions: &'static [&'static str]) -> Self {
        self.forgets = permissions;
        self
    }
}

/// What an event is about, as the table says; `None` if the table says nothing of it.
pub(crate) fn watches(event: &Event) -> Option<Vec<(usize, &'static Watch)>> {
    let fits = |(_, watch): &(usize, &Watch)| {
        watch.service == event.service
            && watch.events.iter().any(|name| Glob::new(*name).matches(&event.name))
    };
    let all: Vec<(usize, &Watch)> = (0..).zip(WATCHES).filter(fits).collect();
    if all.is_empty() {
        return None;
    }
    // That an event changes nothing counts only where nothing says more.
    let first_nothing = all.iter().position(|(_, watch)| watch.kind.is_empty()).unwrap_or(all.len());
    Some(all.into_iter().take(first_nothing).collect())
}

impl Watch {
    /// The row of the table with this number.
    pub(crate) fn at(number: usize) -> Option<&'static Self> {
        WATCHES.get(number)
    }

    /// The names of those that an event is about: of the first path that has any. `None`: no path has one.
    pub(crate) fn named(&self, event: &Event) -> Option<Vec<String>> {
        let mut any = false;
        for path in self.names.split('|').filter(|path| !path.is_empty()) {
            let mut found = Vec::new();
            gather(&event.record, path, &mut found);
            any |= !found.is_empty();
            let fits = |raw: &&&str| {
                let is_arn = raw.starts_with("arn:") || self.within.ends_with('-');
                self.within.is_empty() || !is_arn || raw.contains(self.within)
            };
            let names: Vec<String> = found.iter().filter(fits).map(|raw| short(raw)).collect();
            if !names.is_empty() {
                return Some(names);
            }
        }
        // It names something that is of another row.
        any.then(Vec::new)
    }

    /// The key of what is named so.
    pub(crate) fn key(&self, name: &str, place: &Place) -> String {
        fill(self.key, name, "", place)
    }
}

/// A template with what is known put in.
pub(crate) fn fill(template: &str, name: &str, key: &str, place: &Place) -> String {
    template
        .replace("{partition}", place.partition())
        .replace("{region}", &place.region)
        .replace("{account}", &place.account)
        .replace("{key}", key)
        .replace("{name}", name)
}

/// The texts that lie at a path, through lists.
fn gather<'a>(value: &'a Value, path: &str, into: &mut Vec<&'a str>) {
    if path.is_empty() {
        into.extend(many(value).filter_map(Value::as_str).filter(|text| !text.is_empty()));
        return;
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    for one in many(value) {
        if let Some(inner) = one.get(name) {
            gather(inner, rest, into);
        }
    }
}

/// The name in an ARN or an address; a name is itself.
fn short(raw: &str) -> String {
    if raw.starts_with("arn:") {
        let resource = raw.splitn(6, ':').nth(5).unwrap_or_default();
        return resource.split_once(['/', ':']).map_or(resource, |(_, name)| name).to_owned();
    }
    if raw.contains("://") {
        return raw.rsplit('/').next().unwrap_or_default().to_owned();
    }
    raw.to_owned()
}
