//! Many rows in few statements. A row costs a microsecond or two this way, and a round trip of its own otherwise.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use sqlx::AssertSqlSafe;

use crate::dialect::{Dialect, repeated, shared};
use crate::{Db, Param, Row, StoreError, Tx};

/// Rows a statement, largest first: only so many different statements have to be prepared, and whatever the number of
/// rows, few are run.
const STEPS: [usize; 6] = [512, 128, 32, 8, 2, 1];

/// What a text depends on: head and tail, the database, and the number of rows.
type Key = ((&'static str, &'static str), Dialect, usize);

/// The texts so far: making one costs as much as running it. There are no more than constants times steps.
static TEXTS: LazyLock<Mutex<HashMap<Key, Arc<str>>>> = LazyLock::new(Mutex::default);

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
    fn statement(&self, dialect: Dialect, rows: usize) -> AssertSqlSafe<Arc<str>> {
        let ends = (self.head, self.tail);
        let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts
            .entry((ends, dialect, rows))
            .or_insert_with(|| repeated(dialect, ends, self.columns, self.casts, rows).into());
        shared(text.clone())
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

    /// The rows of a query over `values`: `SELECT ... FROM (VALUES` ... `) AS v CROSS JOIN t WHERE t.a = v.column1`.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch(&self, db: &Db, values: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        for (rows, now) in self.parts(values) {
            found.extend(db.fetch_repeated(self.statement(db.dialect(), rows), now).await?);
        }
        Ok(found)
    }

    /// The same, as the transaction sees the rows.
    ///
    /// # Errors
    /// What the database says.
    pub async fn fetch_within(&self, tx: &mut Tx, values: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let mut found = Vec::new();
        for (rows, now) in self.parts(values) {
            found.extend(tx.fetch_repeated(self.statement(tx.dialect(), rows), now).await?);
        }
        Ok(found)
    }

    /// Runs the statement over `values`, which holds the rows one behind another.
    ///
    /// # Errors
    /// What the database says.
    pub async fn run(&self, tx: &mut Tx, values: &[Param<'_>]) -> Result<(), StoreError> {
        for (rows, now) in self.parts(values) {
            tx.execute_repeated(self.statement(tx.dialect(), rows), now).await?;
        }
        Ok(())
    }

    /// `values` in parts for which there are statements, and how many rows each holds.
    fn parts<'a, 'p>(&self, values: &'a [Param<'p>]) -> Vec<(usize, &'a [Param<'p>])> {
        let mut parts = Vec::new();
        let mut rest = values;
        for step in STEPS {
            let width = step * self.columns;
            while rest.len() >= width && width > 0 {
                let (now, later) = rest.split_at(width);
                parts.push((step, now));
                rest = later;
            }
        }
        parts
    }
}
