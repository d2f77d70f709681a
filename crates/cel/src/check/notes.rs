//! What the checker writes down on its way: what an expression reads, which resources it reaches, and the loops that
//! hold of an empty list.

use super::{Checker, Typed};
use crate::expression::{Link, Read};
use crate::fault::Fault;
use crate::syntax::Syntax;

/// The notes.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) links: Vec<Link>,
    pub(super) reads: Vec<Read>,
    pub(super) reads_now: bool,
    /// The lists that `all` goes over, and where.
    alls: Vec<(String, u32)>,
    /// The lists whose size is asked, or of which some element must exist.
    sized: Vec<String>,
}

impl Notes {
    /// Notes that a part's value is read.
    pub(super) fn read(&mut self, typed: &Typed) {
        if let Some((kind, path)) = &typed.place {
            let read = Read { kind: kind.clone(), path: path.clone() };
            if !path.is_empty() && !self.reads.contains(&read) {
                self.reads.push(read);
            }
        }
    }

    /// Notes a way to other resources.
    pub(super) fn link(&mut self, link: Link) {
        if !self.links.contains(&link) {
            self.links.push(link);
        }
    }
}

/// The reads without those of which only something inside is read.
pub(super) fn innermost(reads: Vec<Read>) -> Vec<Read> {
    let all = reads.clone();
    let mut reads = reads;
    reads.retain(|outer| {
        !all.iter().any(|inner| {
            inner.kind == outer.kind
                && inner
                    .path
                    .strip_prefix(outer.path.as_str())
                    .is_some_and(|rest| rest.starts_with(['.', '[']))
        })
    });
    reads.sort();
    reads
}

impl Checker<'_> {
    fn canonical(&self, part: &Syntax) -> String {
        self.source(part).split_whitespace().collect()
    }

    /// Notes an `all`.
    pub(super) fn note_all(&mut self, over: &Syntax, at: u32) {
        let list = self.canonical(over);
        self.notes.alls.push((list, at));
    }

    /// Notes that it is asked whether a list has elements.
    pub(super) fn note_sized(&mut self, list: &Syntax) {
        let list = self.canonical(list);
        self.notes.sized.push(list);
    }

    /// A warning for each `all` over a list that may be empty.
    pub(super) fn unguarded(&self) -> Vec<Fault> {
        let mut warnings: Vec<Fault> = Vec::new();
        for (list, at) in self.notes.alls.iter().filter(|(list, _)| !self.notes.sized.contains(list)) {
            let what =
                format!("`all` is true of an empty list, and nothing asks whether `{list}` has elements");
            let expected = format!("`size({list}) > 0 &&` before it, if an empty list must not pass");
            warnings.push(Fault::at(self.whole, self.from + *at as usize, what, expected));
        }
        warnings
    }
}
