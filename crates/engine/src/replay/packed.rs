//! Rows that the database packs into one text: numbers with commas between them, rows with semicolons. Handing a row
//! over costs the database's driver more than reading it does; a page of rows at once costs little.

use octro_model::Timestamp;

use crate::EngineError;
use crate::delta::ResultRow;

/// The results of a test after a row, at most so many. An end that has not come is left out: most have not.
pub(super) const RESULTS: &str = "SELECT string_agg(packed, ';') FROM (SELECT concat_ws(',', resource, from_at, known_at, version, \
     observation, status, prev, \
     CASE WHEN to_at = 9223372036854775807 THEN '' ELSE CAST(to_at AS TEXT) END, \
     CASE WHEN closed_at = 9223372036854775807 THEN '' ELSE CAST(closed_at AS TEXT) END, \
     CASE WHEN superseded_at = 9223372036854775807 THEN '' ELSE CAST(superseded_at AS TEXT) END) AS packed \
     FROM results WHERE test = $1 AND (resource, from_at, known_at) > ($2, $3, $4) \
     ORDER BY resource, from_at, known_at LIMIT $5) AS page";

/// Reads a page of results, in the order of resources and moments. (The database promises none within the text.)
pub(super) fn results(text: &str, test: i64) -> Result<Vec<ResultRow>, EngineError> {
    let mut rows = Vec::with_capacity(text.len() / 48);
    if !text.is_empty() {
        for packed in text.split(';') {
            let row = result(packed, test)
                .ok_or_else(|| EngineError::Stored(format!("a result of test {test} reads `{packed}`")))?;
            rows.push(row);
        }
    }
    if !rows.is_sorted_by_key(key) {
        rows.sort_unstable_by_key(key);
    }
    Ok(rows)
}

/// What orders the results of one test.
pub(super) fn key(row: &ResultRow) -> (i64, Timestamp, Timestamp) {
    (row.resource, row.from_at, row.known_at)
}

fn result(packed: &str, test: i64) -> Option<ResultRow> {
    let mut rest = Packed(packed.as_bytes());
    let row = ResultRow {
        test,
        resource: rest.number()?,
        from_at: Timestamp::from_micros(rest.number()?),
        known_at: Timestamp::from_micros(rest.number()?),
        version: rest.number()?,
        observation: rest.number()?,
        status: u8::try_from(rest.number()?).unwrap_or(u8::MAX),
        prev: u8::try_from(rest.number()?).unwrap_or(u8::MAX),
        to_at: rest.end()?,
        closed_at: rest.end()?,
        superseded_at: rest.end()?,
    };
    rest.0.is_empty().then_some(row)
}

/// What is packed, read from the front: numbers with commas between them, and bytes of a known length.
pub(super) struct Packed<'a>(pub(super) &'a [u8]);

impl<'a> Packed<'a> {
    /// The digits up to the next comma.
    fn digits(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == b',').unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at_checked(end).unwrap_or((self.0, &[]));
        self.0 = rest.split_first().map_or(rest, |(_, rest)| rest);
        digits
    }

    /// The next number.
    pub(super) fn number(&mut self) -> Option<i64> {
        whole(self.digits())
    }

    /// As many bytes as are asked for.
    pub(super) fn bytes(&mut self, length: i64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next moment, which has not come if it is left out.
    fn end(&mut self) -> Option<Timestamp> {
        match self.digits() {
            [] => Some(Timestamp::MAX),
            digits => whole(digits).map(Timestamp::from_micros),
        }
    }
}

fn whole(text: &[u8]) -> Option<i64> {
    let (digits, negative) = match text {
        [b'-', digits @ ..] => (digits, true),
        digits => (digits, false),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value = 0_i64;
    for digit in digits {
        let digit = i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        // Downwards, because there is one negative number more than there are positive ones.
        value = value.checked_mul(10)?.checked_sub(digit)?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_in_their_order() {
        let rows = results("7,50,51,3,9,0,7,60,61,;7,-40,51,3,8,1,300,,,70", 2).unwrap();
        let [first, second] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((first.test, first.resource, first.from_at.micros(), first.prev), (2, 7, -40, u8::MAX));
        assert_eq!((first.to_at, first.superseded_at), (Timestamp::MAX, Timestamp::from_micros(70)));
        assert_eq!((second.observation, second.status, second.prev), (9, 0, 7));
        assert_eq!((second.to_at.micros(), second.closed_at.micros()), (60, 61));
        assert!(results("", 2).unwrap().is_empty());
        for wrong in ["7", "7,50,51,3,9,0,7,60,61,,1", "7,50,51,3,9,0,x,60,61,", "7,50,51,3,9,,7,60,61,", ";"]
        {
            assert!(results(wrong, 2).unwrap_err().to_string().contains("test 2"), "{wrong}");
        }
    }

    #[test]
    fn every_number_can_be_read() {
        for number in [0, 7, -7, i64::MAX, i64::MIN] {
            assert_eq!(Packed(number.to_string().as_bytes()).number(), Some(number));
        }
        for wrong in ["", "-", "9223372036854775808", "-9223372036854775809", "1e3", "1.5", "+1"] {
            assert_eq!(Packed(wrong.as_bytes()).number(), None, "{wrong}");
        }
    }
}
