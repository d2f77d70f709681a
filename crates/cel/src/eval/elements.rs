//! The elements of whatever a loop can go over.

use std::rc::Rc;

use super::value::{Items, Origin, Val};
use crate::record::{Entries, Items as StoredItems};
use crate::tree::{Constant, Range};

/// Goes over the elements of a list or the keys of a map.
pub(crate) struct Elements<'a> {
    source: Source<'a>,
    origin: Origin,
}

enum Source<'a> {
    Stored(StoredItems<'a>),
    Keys(Entries<'a>),
    Consts(std::slice::Iter<'a, Constant>),
    Items(Rc<Items<'a>>, usize),
}

impl<'a> Elements<'a> {
    /// Over a value; none if it is unknown or absent.
    #[inline]
    pub(crate) fn over(value: Val<'a>, range: Range) -> Option<Self> {
        let (source, origin) = match (value, range) {
            (Val::List(list, origin), Range::List(decode)) => {
                (Source::Stored(StoredItems::new(list, decode)), origin)
            }
            (Val::Map(map, origin), Range::Keys(decode)) => (Source::Keys(Entries::new(map, decode)), origin),
            (Val::Consts(items), _) => (Source::Consts(items.iter()), 0),
            (Val::Items(items), _) => (Source::Items(items, 0), 0),
            _ => return None,
        };
        Some(Self { source, origin })
    }

    /// Whether these are all elements that there are.
    #[inline]
    pub(crate) fn complete(&self) -> bool {
        match &self.source {
            Source::Items(items, _) => items.complete,
            Source::Stored(_) | Source::Keys(_) | Source::Consts(_) => true,
        }
    }

    /// How many there are (left).
    pub(crate) fn left(&self) -> u64 {
        match &self.source {
            Source::Stored(items) => items.len(),
            Source::Keys(entries) => entries.len(),
            Source::Consts(items) => items.len() as u64,
            Source::Items(items, next) => items.all.len().saturating_sub(*next) as u64,
        }
    }

    /// Where the list was read, if its elements were read just there.
    pub(crate) fn origin(&self) -> Option<Origin> {
        match &self.source {
            Source::Stored(_) => Some(self.origin),
            Source::Keys(_) | Source::Consts(_) | Source::Items(..) => None,
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Val<'a>;
    #[inline]
    fn next(&mut self) -> Option<Val<'a>> {
        match &mut self.source {
            Source::Stored(items) => items.next().map(|item| Val::stored(item, self.origin)),
            Source::Keys(entries) => entries.next().map(|(key, _)| Val::Text(key)),
            Source::Consts(items) => items.next().map(Val::constant),
            Source::Items(items, next) => {
                let item = items.all.get(*next).cloned();
                *next += 1;
                item
            }
        }
    }
}
