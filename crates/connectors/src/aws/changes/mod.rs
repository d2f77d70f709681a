//! Changes between two whole looks: events of CloudTrail come through a queue, and what they are about is read anew.
//!
//! An event says where to look and nothing else: whatever it claims, the resource itself is asked. So an event that comes
//! twice, late or out of order does no harm, and one that somebody made up costs a few calls that only read.

mod event;
mod kept;
mod listen;
mod queue;
mod reread;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use kept::{Homes, Kept};
pub(crate) use listen::{Heard, Listener};
pub(crate) use queue::{Address, Queue};
