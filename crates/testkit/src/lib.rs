//! For tests only: databases of both sorts that are made for one test and removed after it, small programs, repeatable
//! chance, and something that speaks like AWS with somebody at its gate.

mod chance;
mod databases;
mod gatekeeper;
mod moto;
mod programs;

pub use chance::Chance;
pub use databases::TestDb;
pub use gatekeeper::{Gatekeeper, Recorded};
pub use moto::Moto;
pub use octro_model::ManualClock;
pub use programs::{ProgramBuilder, observation};
