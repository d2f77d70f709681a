//! The pages: from what was asked to markup. They know nothing of HTTP.

pub(crate) mod certificates;
pub(crate) mod claims;
pub(crate) mod control;
pub(crate) mod controls;
pub(crate) mod coverage;
pub(crate) mod data;
pub(crate) mod exposure;
pub(crate) mod frameworks;
mod history;
pub(crate) mod overview;
pub(crate) mod period;
pub(crate) mod policies;
pub(crate) mod principles;
pub(crate) mod program;
pub(crate) mod resource;
pub(crate) mod resources;
pub(crate) mod results;
pub(crate) mod search;
pub(crate) mod sources;
pub(crate) mod test;
pub(crate) mod tests;
mod tls;
pub(crate) mod why;
