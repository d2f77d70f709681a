//! The state in the database: deltas are written, and the state is read back at start.

#[cfg(test)]
mod flapping;
pub(crate) mod load;
pub(crate) mod packed;
pub(crate) mod past;
pub(crate) mod write;
