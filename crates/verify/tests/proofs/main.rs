//! Proofs from a small log in memory: good ones say what they show, each way in which one can be wrong is refuted with its
//! reason, and golden vectors keep their outcome.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod began;
mod broken;
mod cases;
mod forged;
mod linked;
mod log;
mod outcomes;
mod random;
mod short;
mod vectors;
mod year;
