//! Values on their way into and out of the database.

use sqlx::Row as _;

use crate::StoreError;

/// A value to bind.
#[derive(Clone, Copy, Debug)]
pub enum Param<'a> {
    /// A whole number.
    Int(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl From<i64> for Param<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Param<'_> {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Param<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Param<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<octro_model::Timestamp> for Param<'_> {
    fn from(value: octro_model::Timestamp) -> Self {
        Self::Int(value.micros())
    }
}

/// One row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// From PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

impl Row {
    /// The value of column `column`, counted from 0.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    pub fn get<T: Field>(&self, column: usize) -> Result<T, StoreError> {
        T::read(self, column)
    }
}

/// What a column can be read as.
pub trait Field: Sized {
    /// Reads column `column` of `row`.
    ///
    /// # Errors
    /// If there is no such column, or it holds something else.
    fn read(row: &Row, column: usize) -> Result<Self, StoreError>;
}

macro_rules! field {
    ($($of:ty),+) => {$(
        impl Field for $of {
            fn read(row: &Row, column: usize) -> Result<Self, StoreError> {
                Ok(match row {
                    Row::Sqlite(row) => row.try_get(column)?,
                    Row::Postgres(row) => row.try_get(column)?,
                })
            }
        }
    )+};
}

field!(i64, String, Vec<u8>, Option<i64>, Option<String>);

impl Field for bool {
    fn read(row: &Row, column: usize) -> Result<Self, StoreError> {
        Ok(row.get::<i64>(column)? != 0)
    }
}

impl Field for octro_model::Timestamp {
    fn read(row: &Row, column: usize) -> Result<Self, StoreError> {
        Ok(Self::from_micros(row.get(column)?))
    }
}

impl Field for u64 {
    fn read(row: &Row, column: usize) -> Result<Self, StoreError> {
        let value: i64 = row.get(column)?;
        Self::try_from(value).map_err(|_| StoreError::Column {
            column,
            what: format!("{value} is negative; expected a count"),
        })
    }
}

impl Field for octro_model::Id {
    fn read(row: &Row, column: usize) -> Result<Self, StoreError> {
        let text: String = row.get(column)?;
        text.parse()
            .map_err(|error: octro_model::IdError| StoreError::Column { column, what: error.to_string() })
    }
}
