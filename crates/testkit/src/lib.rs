//! For tests only: databases of both sorts that are made for one test and removed after it, small programs, and
//! repeatable chance.

mod chance;
mod databases;
mod programs;

pub use chance::Chance;
pub use databases::TestDb;
pub use octro_model::ManualClock;
pub use programs::{ProgramBuilder, observation};
