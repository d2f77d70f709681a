//! What a test's expressions reach: its own attributes, and other resources.

use octro_cel::{Expression, Link};
use octro_model::Id;
use octro_program::Test;

fn expressions(test: &Test) -> impl Iterator<Item = &Expression> {
    test.scope.iter().chain(std::iter::once(&test.pass))
}

/// The references that a test follows.
pub(crate) fn links(test: &Test) -> impl Iterator<Item = &Link> {
    expressions(test).flat_map(|expression| expression.links())
}

/// The other kinds that a test looks at.
pub(crate) fn reaches(test: &Test) -> impl Iterator<Item = &Id> {
    links(test).map(|link| match link {
        Link::Key { to, .. } => to,
        Link::Back { kind, .. } => kind,
    })
}

/// The attributes of the resource itself that a test reads, by their outermost name.
pub(crate) fn own_reads(test: &Test) -> Vec<String> {
    reads(test, &test.on)
}

/// The attributes that a test reads of the resources that it looks at, by kind.
pub(crate) fn other_reads(test: &Test) -> Vec<(Id, Vec<String>)> {
    let mut kinds: Vec<&Id> = reaches(test).collect();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().map(|kind| (kind.clone(), reads(test, kind))).collect()
}

fn reads(test: &Test, kind: &Id) -> Vec<String> {
    let mut names: Vec<String> = expressions(test)
        .flat_map(|expression| expression.reads())
        .filter(|read| read.kind == *kind)
        .filter_map(|read| read.path.split(['.', '[']).next().map(str::to_owned))
        .collect();
    names.sort();
    names.dedup();
    names
}
