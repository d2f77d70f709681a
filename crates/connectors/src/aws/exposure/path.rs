//! A way from the internet to something, as people read it and as attributes have it.

use serde_json::{Value, json};

use super::addresses::Addresses;
use super::filters::LAST;
use super::network::Told;
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

/// Paths as an attribute: those that are shortest first.
pub(crate) fn known(paths: Told<Vec<Path>>) -> Known {
    match paths {
        Err(reason) => Known::Unknown(reason),
        Ok(mut paths) => {
            paths.sort_by(|a, b| (a.via, &a.hops).cmp(&(b.via, &b.hops)));
            paths.dedup();
            Known::Value(paths.iter().take(PATHS_MAX).map(Path::value).collect())
        }
    }
}

/// The sources of several paths together.
pub(crate) fn sources(paths: &[Path]) -> Addresses {
    paths.iter().fold(Addresses::default(), |all, path| all.and(&path.flow.sources))
}
