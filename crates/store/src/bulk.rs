//! Many rows in few statements. A row costs a microsecond or two this way, and a round trip of its own otherwise.

use sqlx::AssertSqlSafe;

use crate::dialect::{Dialect, repeated};
use crate::{Db, Param, StoreError, Tx};

/// Rows a statement, largest first: only so many different statements have to be prepared.
const STEPS: [usize; 3] = [240, 24, 1];

/// A statement over many rows: `INSERT INTO t (a, b) VALUES` ... `ON CONFLICT ...`, or
/// `UPDATE t SET b = v.column2 FROM (VALUES` ... `) AS v WHERE t.a = v.column1` (numbers only).
#[derive(Debug)]
pub struct Bulk {
    /// What stands before the rows.
    pub head: &'static str,
    /// Values a row.
    pub columns: usize,
    /// What stands behind the rows.
    pub tail: &'static str,
    /// Whether the values need their type said, as in an `UPDATE ... FROM (VALUES ...)`; they are then whole numbers.
    pub casts: bool,
}

impl Bulk {
    fn statement(&self, dialect: Dialect, rows: usize) -> AssertSqlSafe<String> {
        repeated(dialect, (self.head, self.tail), self.columns, self.casts, rows)
    }

    /// Prepares the statement for every number of rows without running it: tests do so on both databases.
    ///
    /// # Errors
    /// What the database says of the statement.
    pub async fn prepare(&self, db: &Db) -> Result<(), StoreError> {
        for step in STEPS {
            db.prepare_repeated(self.statement(db.dialect(), step)).await?;
        }
        Ok(())
    }

    /// Runs the statement over `values`, which holds the rows one behind another.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run(&self, tx: &mut Tx, values: &[Param<'_>]) -> Result<(), StoreError> {
        let mut rest = values;
        for step in STEPS {
            let width = step * self.columns;
            while rest.len() >= width && width > 0 {
                let (now, later) = rest.split_at(width);
                tx.execute_repeated(self.statement(tx.dialect(), step), now).await?;
                rest = later;
            }
        }
        Ok(())
    }
}
