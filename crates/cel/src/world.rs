//! What an expression is evaluated over: a subject, and the other resources that it can name.

use octro_model::Id;

use crate::record::Record;

/// The resource that is judged.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What is known of it.
    pub record: &'a Record,
    /// Its key.
    pub key: &'a str,
}

/// What there is under a key.
#[derive(Clone, Copy, Debug)]
pub enum Lookup<'a> {
    /// This resource.
    Found(&'a Record),
    /// A complete enumeration says: nothing.
    Absent,
    /// It is not known whether there is one.
    Unknown,
}

/// The resources that name another one.
#[derive(Clone, Debug)]
pub struct Referring<'a> {
    /// Those that are known.
    pub records: Vec<&'a Record>,
    /// Whether these are all of them.
    pub complete: bool,
}

/// The other resources.
pub trait World {
    /// The resource of a kind with a key.
    fn by_key(&self, kind: &Id, key: &str) -> Lookup<'_>;
    /// The resources of `kind` whose `attribute` names the resource with `key`.
    fn referring(&self, kind: &Id, attribute: &str, key: &str) -> Referring<'_>;
}

/// A world of which nothing is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWorld;

impl World for NoWorld {
    fn by_key(&self, _kind: &Id, _key: &str) -> Lookup<'_> {
        Lookup::Unknown
    }

    fn referring(&self, _kind: &Id, _attribute: &str, _key: &str) -> Referring<'_> {
        Referring { records: Vec::new(), complete: false }
    }
}
