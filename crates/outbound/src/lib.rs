//! Questions to systems outside of this process, over HTTP and HTTPS: every one has a limit of time and a limit of size,
//! and every failure says who did not answer and what to do.

mod client;
mod error;
mod url;

pub mod aws;

pub use client::{Answer, Client, Limits, Question};
pub use error::OutboundError;
pub use url::Url;
