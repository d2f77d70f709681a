//! Many rows of PostgreSQL at once, in its binary form of COPY: what it does for a row that it hands over costs least so.
//! SQLite has no such thing, and needs none.

use sqlx::postgres::PgPoolCopyExt as _;
use tokio_stream::StreamExt as _;

use crate::dialect::copy;
use crate::{Db, StoreError};

/// How the binary form begins; flags, and the length of what else stands before the rows, follow.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// See the module.
pub struct Copied(Vec<u8>);

impl Db {
    /// The rows of a query whose `$1` and `$2` are these numbers; `None` on SQLite, or if they have more than `bytes_max`
    /// bytes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn copied(
        &self,
        sql: &'static str,
        numbers: [i64; 2],
        bytes_max: usize,
    ) -> Result<Option<Copied>, StoreError> {
        let Self::Postgres(pool) = self else { return Ok(None) };
        let statement = copy(sql, numbers);
        let mut stream = pool.copy_out_raw(&statement).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            if bytes.len() + piece.len() > bytes_max {
                return Ok(None);
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Some(Copied(bytes)))
    }
}

impl Copied {
    /// The rows, each of `N` columns with a value; `None` if they are not of that form.
    pub fn rows<const N: usize>(&self) -> Option<Vec<[&[u8]; N]>> {
        let mut rest = Rest(self.0.strip_prefix(SIGNATURE)?);
        let _flags = rest.number()?;
        let extension = rest.number()?;
        rest.bytes(extension)?;
        let mut rows = Vec::new();
        loop {
            let columns = i16::from_be_bytes(*rest.some()?);
            if columns == -1 {
                return rest.0.is_empty().then_some(rows);
            }
            if usize::try_from(columns) != Ok(N) {
                return None;
            }
            let mut row = [[].as_slice(); N];
            for column in &mut row {
                let length = rest.number()?;
                *column = rest.bytes(length)?;
            }
            rows.push(row);
        }
    }
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn some<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (some, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(some)
    }

    fn number(&mut self) -> Option<i32> {
        self.some().map(|bytes| i32::from_be_bytes(*bytes))
    }

    /// So many bytes; `None` if there are fewer, or for the length of no value.
    fn bytes(&mut self, length: i32) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(rows: &[&[Option<&[u8]>]]) -> Copied {
        let mut bytes = [SIGNATURE, &[0; 8]].concat();
        for row in rows {
            bytes.extend(i16::try_from(row.len()).unwrap().to_be_bytes());
            for column in *row {
                bytes.extend(column.map_or(-1, |value| i32::try_from(value.len()).unwrap()).to_be_bytes());
                bytes.extend(column.unwrap_or_default());
            }
        }
        bytes.extend((-1_i16).to_be_bytes());
        Copied(bytes)
    }

    #[test]
    fn rows_are_read_or_refused_as_a_whole() {
        let of = copied(&[&[Some(b"a"), Some(b"")], &[Some(b"bc"), Some(b"d")]]);
        assert_eq!(of.rows().unwrap(), [[b"a".as_slice(), b""], [b"bc", b"d"]]);
        assert!(of.rows::<3>().is_none(), "another number of columns");
        assert_eq!(copied(&[]).rows::<2>().unwrap().len(), 0);
        assert!(copied(&[&[Some(b"a"), None]]).rows::<2>().is_none(), "no value");
        for cut in 0..of.0.len() {
            assert!(Copied(of.0.get(..cut).unwrap().to_vec()).rows::<2>().is_none(), "cut at {cut}");
        }
        let more = [of.0.as_slice(), b"x"].concat();
        assert!(Copied(more).rows::<2>().is_none());
    }
}
