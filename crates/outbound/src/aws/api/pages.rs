//! Answers that come in pages.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::{Call, Caller, Fault, Place};
use crate::aws::Provider;

/// The most pages, and the most items, of one listing.
const PAGES_MAX: u64 = 20_000;
const ITEMS_MAX: usize = 2_000_000;

/// How the next page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// The answer is whole.
    Whole,
    /// A token of the answer goes into the next question.
    Token {
        /// Where the answer has it.
        from: &'static str,
        /// The name under which the question has it.
        into: &'static str,
    },
    /// The answer says that there is more; the last item's name goes into the next question.
    Last {
        /// The flag.
        more: &'static str,
        /// The name under which the question has it.
        into: &'static str,
    },
}

/// What a listing gave.
#[derive(Debug, Default)]
pub struct Pages {
    /// The items of all pages that came.
    pub items: Vec<Value>,
    /// How many pages came.
    pub pages: u64,
    /// Why the listing broke off; `None` if it came to its end.
    pub fault: Option<Fault>,
}

/// A listing that is read page by page: what one page holds can be dealt with before the next is asked for.
#[derive(Debug)]
pub struct Pager<'a> {
    caller: &'a Caller,
    keys: &'a Provider,
    place: &'a Place,
    call: Call<'a>,
    at: &'static str,
    paging: Paging,
    token: Option<Value>,
    /// The tokens that came, as hashes: a second time means that the pages have no end.
    seen: HashSet<u64>,
    items: usize,
    /// Why there will be no further page, told after the items of the last one.
    fault: Option<Fault>,
    done: bool,
    /// How many pages came so far.
    pub pages: u64,
}

impl Pager<'_> {
    /// The items of the next page; `None` after the last, and after a fault.
    ///
    /// # Errors
    /// Why the listing broke off.
    pub async fn next(&mut self) -> Option<Result<Vec<Value>, Fault>> {
        if self.done {
            return None;
        }
        let page = match self.fault.take() {
            Some(fault) => Err(fault),
            None => self.page().await,
        };
        self.done = page.is_err() || self.token.is_none() && self.fault.is_none();
        Some(page)
    }

    async fn page(&mut self) -> Result<Vec<Value>, Fault> {
        let mut call = self.call.clone();
        if let (Some(token), Paging::Token { into, .. } | Paging::Last { into, .. }) =
            (self.token.take(), self.paging)
        {
            // A query is signed in the order of its names; a form and JSON do not care.
            call = call.with(into, token);
        }
        let mut answer = self.caller.call(self.keys, self.place, &call).await?;
        self.pages += 1;
        let (token, more) = match self.paging {
            Paging::Whole => (None, false),
            Paging::Token { from, .. } => (at(&answer, from).cloned(), false),
            Paging::Last { more, .. } => (None, at(&answer, more).and_then(Value::as_bool) == Some(true)),
        };
        let items = items(&mut answer, self.at).map_err(Fault::failed)?;
        let next = if more { items.last().cloned() } else { token };
        let Some(next) = next.filter(|token| !token.is_null() && token.as_str() != Some("")) else {
            return Ok(items);
        };
        let mut hash = DefaultHasher::new();
        next.to_string().hash(&mut hash);
        if !self.seen.insert(hash.finish()) {
            let what = "the token of a page came a second time: the pages have no end";
            self.fault = Some(Fault::failed(what));
            return Ok(items);
        }
        self.items += items.len();
        if self.pages >= PAGES_MAX || self.items >= ITEMS_MAX {
            let what = format!("there are more than {PAGES_MAX} pages or {ITEMS_MAX} items");
            self.fault = Some(Fault::failed(what));
            return Ok(items);
        }
        self.token = Some(next);
        Ok(items)
    }
}

impl Caller {
    /// Makes a call page by page, and takes the items that lie at a path of each answer.
    pub fn pager<'a>(
        &'a self,
        keys: &'a Provider,
        place: &'a Place,
        call: Call<'a>,
        at: &'static str,
        paging: Paging,
    ) -> Pager<'a> {
        Pager {
            caller: self,
            keys,
            place,
            call,
            at,
            paging,
            token: None,
            seen: HashSet::new(),
            items: 0,
            fault: None,
            done: false,
            pages: 0,
        }
    }

    /// The items of all pages of a call together.
    pub async fn pages(
        &self,
        keys: &Provider,
        place: &Place,
        call: &Call<'_>,
        at: &'static str,
        paging: Paging,
    ) -> Pages {
        let mut found = Pages::default();
        let mut pager = self.pager(keys, place, call.clone(), at, paging);
        while let Some(page) = pager.next().await {
            match page {
                Ok(items) => found.items.extend(items),
                Err(fault) => found.fault = Some(fault),
            }
        }
        found.pages = pager.pages;
        found
    }
}

/// What lies at a path of names, with dots between them.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

/// Takes the items that lie at a path of names, with dots between them. An answer in which not even the first name is
/// found is not the answer that was expected; `?` before the path says that an empty list is left out.
///
/// # Errors
/// In words, what is missing.
pub fn items(answer: &mut Value, path: &str) -> Result<Vec<Value>, String> {
    let (may_lack, path) = path.strip_prefix('?').map_or((false, path), |path| (true, path));
    if path.is_empty() {
        return Ok(vec![answer.take()]);
    }
    let first = path.split('.').next().unwrap_or_default();
    if answer.get(first).is_none() {
        return if may_lack { Ok(Vec::new()) } else { Err(format!("the answer has no `{first}`")) };
    }
    let mut found = Vec::new();
    gather(answer, path, &mut found);
    Ok(found)
}

/// Lists inside of lists are followed, each in turn.
fn gather(value: &mut Value, path: &str, found: &mut Vec<Value>) {
    if let Value::Array(many) = value {
        many.iter_mut().for_each(|one| gather(one, path, found));
        return;
    }
    if path.is_empty() {
        match value {
            // An empty element of XML, or a list that is not there.
            Value::Null => {}
            Value::String(text) if text.is_empty() => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                found.push(value.take());
            }
        }
        return;
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    if let Some(inner) = value.get_mut(name) {
        gather(inner, rest, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_are_found_one_or_many() {
        let found = |value: Value, path| items(&mut value.clone(), path);
        assert_eq!(found(json!({"L": {"i": {"a": "1"}}}), "L.i"), Ok(vec![json!({"a": "1"})]));
        assert_eq!(found(json!({"L": {"i": ["1", "2"]}}), "L.i"), Ok(vec![json!("1"), json!("2")]));
        assert_eq!(found(json!({"L": ""}), "L.i"), Ok(vec![]));
        assert_eq!(found(json!({"L": []}), "L"), Ok(vec![]));
        assert_eq!(found(json!({}), "?L"), Ok(vec![]));
        assert_eq!(found(json!({"x": 1}), "L"), Err("the answer has no `L`".to_owned()));
        let nested = json!({"R": {"item": [{"I": {"item": {"a": "1"}}}, {"I": {"item": [{"a": "2"}]}}]}});
        assert_eq!(found(nested, "R.item.I.item"), Ok(vec![json!({"a": "1"}), json!({"a": "2"})]));
    }
}
