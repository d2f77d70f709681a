//! "Open to the world", effectively: a rule that lets the internet in opens nothing by itself. A packet needs a public
//! address, a gateway, a route, a network ACL that lets it in and its answer out, and a security group; and from what it
//! reaches, it may go on.

mod addresses;
mod balancers;
mod filters;
mod graph;
mod network;
mod path;
#[cfg(test)]
mod properties;
mod reach;
#[cfg(test)]
mod tests;

pub(crate) use graph::{Graph, Node};
pub(crate) use network::{Told, all, text};
pub(crate) use path::Paths;
pub(crate) use reach::{Face, Place};
