//! The test language: CEL's syntax, a static checker of our own against the declared kinds, and a three-valued
//! evaluator over flat records. It knows no company and does no I/O; time and other resources are arguments.

mod answer;
mod check;
mod eval;
mod expression;
mod fault;
mod layout;
mod near;
mod params;
#[cfg(test)]
mod peer;
#[cfg(test)]
mod properties;
mod record;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sample;
mod syntax;
mod template;
#[cfg(test)]
mod template_tests;
mod tree;
mod world;

pub use answer::{Answer, Fact, Truth};
pub use expression::{Environment, Expression, Link, Read};
pub use fault::Fault;
pub use layout::{Kinds, Layout};
pub use params::Params;
pub use record::{Misfit, Part, RECORD_MAX, Reading, Record};
pub use template::Template;
pub use world::{Lookup, NoWorld, Referring, Subject, World};
