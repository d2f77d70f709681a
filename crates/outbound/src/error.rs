//! What goes wrong between us and another system.

use std::error::Error;

/// Another system does not answer, or not as expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{who}: {what}")]
pub struct OutboundError {
    /// The address that was asked. Secrets never stand in an address.
    pub who: String,
    /// What is wrong, what was expected, and what to do where that is known.
    pub what: String,
}

/// All that an error and its causes say, from the outermost on, each thing once.
pub(crate) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = inner.source();
    }
    text
}
