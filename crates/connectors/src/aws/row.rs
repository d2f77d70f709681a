//! The form of the table of calls: which call enumerates a kind, which calls tell more of each resource, where each
//! attribute stands in the answers, and which permission each call needs. Adding a call is adding a row.

use octro_outbound::aws::api::{Paging, Service};

use super::facts::{Facts, Item, Known};

/// A kind, and how it is read.
#[derive(Debug)]
pub(crate) struct Row {
    /// The kind.
    pub kind: &'static str,
    /// It is enumerated once for an account, and not in each region.
    pub global: bool,
    /// What stands at the end of its scopes, if several rows enumerate parts of one kind.
    pub part: &'static str,
    /// What enumerates it.
    pub list: &'static List,
    /// The key: a text with `{partition}`, `{region}`, `{account}` and paths into the item.
    pub key: &'static str,
    /// Where the item says in which region it is, if the kind is global.
    pub region: &'static str,
    /// What is asked of each resource.
    pub details: &'static [Detail],
    /// Other lists that an attribute is made of.
    pub beside: &'static [&'static List],
    /// An attribute is made of what the internet reaches in the region.
    pub reached: bool,
    /// The attributes, besides `account` and `region`.
    pub attributes: &'static [Attribute],
}

impl Row {
    /// A row without details.
    pub(crate) const fn of(kind: &'static str, list: &'static List, key: &'static str) -> Self {
        Self {
            kind,
            global: false,
            part: "",
            list,
            key,
            region: "",
            details: &[],
            beside: &[],
            reached: false,
            attributes: &[],
        }
    }

    /// The same, as a part of a kind.
    pub(crate) const fn part(mut self, part: &'static str) -> Self {
        self.part = part;
        self
    }

    /// The same, once for an account.
    pub(crate) const fn global(mut self) -> Self {
        self.global = true;
        self
    }

    /// The same with an attribute for each of these.
    pub(crate) const fn with(mut self, attributes: &'static [Attribute]) -> Self {
        self.attributes = attributes;
        self
    }

    /// The same, asking this of each resource.
    pub(crate) const fn asking(mut self, details: &'static [Detail]) -> Self {
        self.details = details;
        self
    }

    /// The same, reading these lists besides.
    pub(crate) const fn beside(mut self, lists: &'static [&'static List]) -> Self {
        self.beside = lists;
        self
    }

    /// The same, asking what the internet reaches in the region.
    pub(crate) const fn reached(mut self) -> Self {
        self.reached = true;
        self
    }

    /// Whether an attribute names a KMS key, so that aliases have to be resolved.
    pub(crate) fn names_keys(&self) -> bool {
        self.attributes
            .iter()
            .any(|attribute| matches!(attribute.form, Form::Key | Form::KeyIf(_) | Form::MadeKey(_)))
    }
}

/// A call, without what it is asked of.
#[derive(Debug)]
pub(crate) struct Ask {
    /// Whom.
    pub service: &'static Service,
    /// The interface's name of it.
    pub action: &'static str,
    /// The path, with placeholders, for services with paths.
    pub path: &'static str,
    /// The root of the XML answer of such a service.
    pub root: &'static str,
    /// What is said with it.
    pub input: &'static [(&'static str, Said)],
    /// What the caller must be allowed.
    pub permission: &'static str,
}

impl Ask {
    /// A call of a service that is spoken to by actions.
    pub(crate) const fn of(
        service: &'static Service,
        action: &'static str,
        permission: &'static str,
        input: &'static [(&'static str, Said)],
    ) -> Self {
        Self { service, action, path: "", root: "", input, permission }
    }

    /// A call of a service that is spoken to by paths.
    pub(crate) const fn get(
        service: &'static Service,
        path: &'static str,
        permission: &'static str,
        input: &'static [(&'static str, Said)],
    ) -> Self {
        Self { service, action: path, path, root: "", input, permission }
    }

    /// The same with the root of its XML answer.
    pub(crate) const fn root(mut self, root: &'static str) -> Self {
        self.root = root;
        self
    }
}

/// What is said with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    /// This text, with placeholders.
    Text(&'static str),
    /// This number.
    Number(u32),
    /// A list of this one text, with placeholders.
    List(&'static str),
    /// What is made of the other facts; without it the call is not made.
    Made(fn(&Facts<'_>) -> Option<String>),
}

/// A call that enumerates.
#[derive(Debug)]
pub(crate) struct List {
    /// The call.
    pub ask: Ask,
    /// Where the items lie in each answer; `?` before it if an empty list is left out.
    pub items: &'static str,
    /// How the next page is had.
    pub paging: Paging,
    /// Codes of refusals that say: there is none.
    pub absent: &'static [&'static str],
    /// Which items count.
    pub keep: Option<fn(&Facts<'_>) -> bool>,
    /// What is asked of each item. Such lists are read once for all rows that use them.
    pub details: &'static [Detail],
    /// The call is made for each item of this list, of which its input speaks.
    pub within: Option<&'static Self>,
    /// What makes fewer items of many, each time a page came: of those so far and those of the page.
    pub fold: Option<fn(Vec<Item>) -> Vec<Item>>,
}

impl List {
    /// A list whose answer is whole.
    pub(crate) const fn whole(ask: Ask, items: &'static str) -> Self {
        Self {
            ask,
            items,
            paging: Paging::Whole,
            absent: &[],
            keep: None,
            details: &[],
            within: None,
            fold: None,
        }
    }

    /// A list that comes in pages, with a token.
    pub(crate) const fn paged(ask: Ask, items: &'static str, from: &'static str, into: &'static str) -> Self {
        Self { paging: Paging::Token { from, into }, ..Self::whole(ask, items) }
    }

    /// A list that comes in pages, each beginning behind the last item.
    pub(crate) const fn behind(
        ask: Ask,
        items: &'static str,
        more: &'static str,
        into: &'static str,
    ) -> Self {
        Self { paging: Paging::Last { more, into }, ..Self::whole(ask, items) }
    }

    /// The same; these codes say that there is none.
    pub(crate) const fn absent(mut self, codes: &'static [&'static str]) -> Self {
        self.absent = codes;
        self
    }

    /// The same, asked for each item of another list.
    pub(crate) const fn within(mut self, list: &'static Self) -> Self {
        self.within = Some(list);
        self
    }

    /// The same, of which only these items count.
    pub(crate) const fn only(mut self, keep: fn(&Facts<'_>) -> bool) -> Self {
        self.keep = Some(keep);
        self
    }

    /// The same, asking this of each item.
    pub(crate) const fn asking(mut self, details: &'static [Detail]) -> Self {
        self.details = details;
        self
    }

    /// The same, whose items are made fewer by this.
    pub(crate) const fn folded(mut self, fold: fn(Vec<Item>) -> Vec<Item>) -> Self {
        self.fold = Some(fold);
        self
    }
}

/// A call that tells more of one resource.
#[derive(Debug)]
pub(crate) struct Detail {
    /// The name by which attributes refer to it.
    pub name: &'static str,
    /// The call.
    pub ask: Ask,
    /// Where what counts lies in the answer; empty if everything does.
    pub at: &'static str,
    /// The answer is a list that comes in pages.
    pub paging: Option<Paging>,
    /// Codes of refusals that say: it is not set.
    pub absent: &'static [&'static str],
    /// Codes of refusals that say: the resource is gone.
    pub gone: &'static [&'static str],
    /// Whether it is asked at all; if not, it counts as not set.
    pub when: Option<fn(&Facts<'_>) -> bool>,
}

impl Detail {
    /// A call whose whole answer counts.
    pub(crate) const fn of(name: &'static str, ask: Ask) -> Self {
        Self { name, ask, at: "", paging: None, absent: &[], gone: &[], when: None }
    }

    /// The same, of whose answer this part counts.
    pub(crate) const fn at(mut self, at: &'static str) -> Self {
        self.at = at;
        self
    }

    /// The same; these codes say that it is not set.
    pub(crate) const fn absent(mut self, codes: &'static [&'static str]) -> Self {
        self.absent = codes;
        self
    }

    /// The same; these codes say that the resource is gone.
    pub(crate) const fn gone(mut self, codes: &'static [&'static str]) -> Self {
        self.gone = codes;
        self
    }

    /// The same, asked only when this is so.
    pub(crate) const fn when(mut self, when: fn(&Facts<'_>) -> bool) -> Self {
        self.when = Some(when);
        self
    }

    /// The same, whose answer is a list in pages.
    pub(crate) const fn paged(mut self, paging: Paging) -> Self {
        self.paging = Some(paging);
        self
    }
}

/// An attribute of a kind.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// The detail that has it; empty for the item of the list itself.
    pub from: &'static str,
    /// Where it stands: names with dots between them, `#name` in a list of keys and values, alternatives with `|`.
    pub path: &'static str,
    /// How it is read.
    pub form: Form,
}

/// An attribute of the item of the list.
pub(crate) const fn item(name: &'static str, path: &'static str, form: Form) -> Attribute {
    Attribute { name, from: "", path, form }
}

/// An attribute of a detail.
pub(crate) const fn of(name: &'static str, from: &'static str, path: &'static str, form: Form) -> Attribute {
    Attribute { name, from, path, form }
}

/// An attribute that is made of several facts.
pub(crate) const fn made(name: &'static str, form: fn(&Facts<'_>) -> Known) -> Attribute {
    Attribute { name, from: "", path: "", form: Form::Made(form) }
}

/// How an attribute is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A text, as it is.
    Text,
    /// A text in small letters.
    Lower,
    /// Yes or no.
    Flag,
    /// Yes or no; not there is no.
    FlagOrNo,
    /// Whether it is this text; not there is no.
    Is(&'static str),
    /// A whole number.
    Number,
    /// A number of days; none is not set.
    Days,
    /// A moment.
    Moment,
    /// A KMS key, by whatever name; it becomes its ARN.
    Key,
    /// The same, which is told whenever this flag of the same answer is set.
    KeyIf(&'static str),
    /// The data class, among tags.
    Class,
    /// The text of `path`, with placeholders.
    Template,
    /// Made of several facts.
    Made(fn(&Facts<'_>) -> Known),
    /// A KMS key by whatever name, made of several facts.
    MadeKey(fn(&Facts<'_>) -> Known),
}
