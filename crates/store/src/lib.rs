//! The database: SQLite inside the process, or PostgreSQL when one machine is no longer enough. One SQL text serves
//! both; where they differ, [`dialect`] says so and nowhere else does.
//!
//! Columns are whole numbers (`i64`; times are microseconds, truths 0 and 1), texts and bytes. Ids and times are made
//! by the caller. Writers take a [`Tx`]; SQLite has one writer connection, so writers queue here and not in a lock.

mod bulk;
mod copied;
mod db;
pub mod dialect;
mod error;
mod migrate;
mod row;

pub use bulk::Bulk;
pub use copied::Copied;
pub use db::{Db, Tx};
pub use error::StoreError;
pub use row::{Field, Param, Row};
