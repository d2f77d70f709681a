//! A way from the internet to something, as people read it and as attributes have it.

use std::cmp::Reverse;

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use super::addresses::Addresses;
use super::filters::LAST;
use super::reach::Flow;
use crate::aws::facts::Known;

/// The most paths that are told of one resource.
const PATHS_MAX: usize = 50;
/// The most ranges of sources that a path tells.
const RANGES_MAX: usize = 5;

/// What stands between the internet and the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Via {
    /// Nothing.
    Direct,
    /// A machine that the internet reaches by itself.
    Machine,
    /// A load balancer, and perhaps a machine behind it.
    Balancer,
}

impl Via {
    const fn word(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Machine => "machine",
            Self::Balancer => "balancer",
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// The names of what it leads over, from `internet` to the resource.
    pub hops: Vec<String>,
    /// What stands between.
    pub via: Via,
    /// What gets through to the end, and from where it begins.
    pub flow: Flow,
}

/// A hop with the ports that are reached there.
pub(crate) fn hop(label: &str, flow: &Flow) -> String {
    let (first, last) = flow.ports;
    let ports = match (first, last) {
        (0, LAST) => String::new(),
        (first, last) if first == last => format!(":{first}"),
        (first, last) => format!(":{first}-{last}"),
    };
    let protocol = if flow.protocol.name() == "tcp" { "" } else { "/udp" };
    format!("{label}{ports}{protocol}")
}

impl Path {
    /// The path with one more hop: what `flow` gets through to there, from where the path began.
    pub(crate) fn and(&self, label: &str, via: Via, flow: Flow) -> Self {
        let mut hops = self.hops.clone();
        hops.push(hop(label, &flow));
        Self { hops, via, flow: Flow { sources: self.flow.sources.clone(), ..flow } }
    }

    /// The worst first: open to the world, with little between, to other ports than everybody's, and to many.
    fn weight(&self) -> (bool, Via, bool, Reverse<u16>, &[String]) {
        let (first, last) = self.flow.ports;
        let is_usual = first == last && FOR_EVERYBODY.contains(&first);
        let width = last.saturating_sub(first);
        (!self.flow.sources.are_world(), self.via, is_usual, Reverse(width), &self.hops)
    }

    fn value(&self) -> Value {
        json!({
            "path": self.hops.join(" -> "),
            "via": self.via.word(),
            "protocol": self.flow.protocol.name(),
            "from_port": self.flow.ports.0,
            "to_port": self.flow.ports.1,
            "sources": self.flow.sources.told(RANGES_MAX),
            "world": self.flow.sources.are_world(),
        })
    }
}

/// Ports that are there for everybody: a path to others comes before one to them.
const FOR_EVERYBODY: [u16; 2] = [80, 443];

/// The paths to something, and why there may be others than these.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    /// Those that are known.
    pub known: Vec<Path>,
    /// Why these may not be all. Knowing one path takes no doubt away.
    pub doubt: Option<UnknownReason>,
}

impl From<UnknownReason> for Paths {
    fn from(reason: UnknownReason) -> Self {
        Self { known: Vec::new(), doubt: Some(reason) }
    }
}

impl Paths {
    /// There may be others; the first reason stays.
    pub(crate) fn doubt(&mut self, reason: &UnknownReason) {
        self.doubt.get_or_insert_with(|| reason.clone());
    }

    /// It is known that there are none.
    pub(crate) fn are_none(&self) -> bool {
        self.known.is_empty() && self.doubt.is_none()
    }

    /// The attributes `exposure`, with the worst paths first, and `exposure_complete`.
    pub(crate) fn told(mut self) -> (Known, Known) {
        self.known.sort_by(|a, b| a.weight().cmp(&b.weight()));
        self.known.dedup();
        if self.known.len() > PATHS_MAX {
            self.known.truncate(PATHS_MAX);
            let what = format!("there are more than {PATHS_MAX} paths");
            self.doubt(&UnknownReason::new(Why::NotCollected, what));
        }
        let told = || Known::Value(self.known.iter().map(Path::value).collect());
        match &self.doubt {
            None => (told(), Known::flag(true)),
            Some(reason) if self.known.is_empty() => (reason.clone().into(), reason.clone().into()),
            Some(reason) => (told(), reason.clone().into()),
        }
    }
}

/// The sources of several paths together.
pub(crate) fn sources(paths: &[Path]) -> Addresses {
    paths.iter().fold(Addresses::default(), |all, path| all.and(&path.flow.sources))
}
