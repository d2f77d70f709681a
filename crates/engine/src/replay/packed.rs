//! Rows that the database packs into one text: numbers with commas between them, rows with semicolons. Handing a row
//! over costs the database's driver more than reading it does; a page of rows at once costs little.

use octro_model::{Id, Status, Tally, Timestamp};

use crate::EngineError;
use crate::delta::ResultRow;
use crate::persist::packed::Packed;

/// The results of a test after a row, at most so many. Writing digits is most of the work, so the moment at which one
/// became known is told as the time since it began, and ends are left out while none has come: most have not.
pub(super) const RESULTS: &str = "SELECT string_agg(packed, ';') FROM (SELECT concat_ws(',', resource, from_at, known_at - from_at, \
     version, observation, status, prev, \
     CASE WHEN to_at = 9223372036854775807 AND closed_at = 9223372036854775807 \
         AND superseded_at = 9223372036854775807 THEN NULL ELSE concat_ws(',', \
         CASE WHEN to_at = 9223372036854775807 THEN '' ELSE CAST(to_at AS TEXT) END, \
         CASE WHEN closed_at = 9223372036854775807 THEN '' ELSE CAST(closed_at AS TEXT) END, \
         CASE WHEN superseded_at = 9223372036854775807 THEN '' ELSE CAST(superseded_at AS TEXT) END) END) AS packed \
     FROM results WHERE test = $1 AND (resource, from_at, known_at) > ($2, $3, $4) \
     ORDER BY resource, from_at, known_at LIMIT $5) AS page";

/// Kind and key of the resources after a number, with their lengths, and the last of their numbers.
pub(super) const RESOURCES: &str = "SELECT string_agg(concat_ws(',', ord, octet_length(kind), octet_length(key), concat(kind, key, ';')), ''), MAX(ord) \
     FROM (SELECT ord, kind, key FROM resources WHERE ord > $1 ORDER BY ord LIMIT 2000) AS page";
/// The counts of a test after a moment, and the last of their moments.
pub(super) const TALLIES: &str = "SELECT string_agg(concat_ws(',', known_at, pass, fail, unknown, stale, excepted, not_applicable), ';'), MAX(known_at) \
     FROM (SELECT known_at, pass, fail, unknown, stale, excepted, not_applicable FROM tallies WHERE test = $1 AND known_at > $2 ORDER BY known_at LIMIT 2000) AS page";

/// Reads a page of resources: number, kind and key.
pub(super) fn resources(text: &str) -> Result<Vec<(i64, Id, String)>, EngineError> {
    let mut packed = Packed(text.as_bytes());
    let mut all = Vec::new();
    while !packed.0.is_empty() {
        let one = resource(&mut packed);
        all.push(one.ok_or_else(|| EngineError::Stored("the resources cannot be read".to_owned()))?);
    }
    Ok(all)
}

fn resource(packed: &mut Packed<'_>) -> Option<(i64, Id, String)> {
    let (ord, kind, key) = (packed.number()?, packed.number()?, packed.number()?);
    let kind = std::str::from_utf8(packed.bytes(kind)?).ok()?.parse().ok()?;
    let key = std::str::from_utf8(packed.bytes(key)?).ok()?.to_owned();
    packed.bytes(1).filter(|end| *end == b";")?;
    Some((ord, kind, key))
}

/// Reads a page of counts, with their moments.
pub(super) fn tallies(text: &str) -> Result<Vec<(Timestamp, Tally)>, EngineError> {
    let one = |packed: &str| {
        let mut rest = Packed(packed.as_bytes());
        let known_at = Timestamp::from_micros(rest.number()?);
        let mut tally = Tally::default();
        for status in Status::ALL {
            tally[*status] = u64::try_from(rest.number()?).ok()?;
        }
        rest.0.is_empty().then_some((known_at, tally))
    };
    let unreadable = |packed: &str| EngineError::Stored(format!("a count reads `{packed}`"));
    let all = text.split(';').filter(|packed| !packed.is_empty());
    all.map(|packed| one(packed).ok_or_else(|| unreadable(packed))).collect()
}

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
    let (resource, from_at, later) = (rest.number()?, rest.number()?, rest.number()?);
    let row = ResultRow {
        test,
        resource,
        from_at: Timestamp::from_micros(from_at),
        known_at: Timestamp::from_micros(from_at.checked_add(later)?),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_in_their_order() {
        let rows = results("7,50,1,3,9,0,7,60,61,;7,-40,91,3,8,1,300,,,70;8,50,0,3,8,1,0", 2).unwrap();
        let [first, second, open] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((first.test, first.resource, first.from_at.micros(), first.prev), (2, 7, -40, u8::MAX));
        assert_eq!((first.to_at, first.superseded_at), (Timestamp::MAX, Timestamp::from_micros(70)));
        assert_eq!((second.observation, second.status, second.prev), (9, 0, 7));
        assert_eq!((second.to_at.micros(), second.closed_at.micros()), (60, 61));
        assert_eq!((first.known_at.micros(), second.known_at.micros()), (51, 51));
        assert_eq!(
            (open.known_at.micros(), open.to_at, open.closed_at),
            (50, Timestamp::MAX, Timestamp::MAX)
        );
        assert!(results("", 2).unwrap().is_empty());
        let beyond = format!("7,50,{},3,9,0,7", i64::MAX);
        for wrong in
            ["7", "7,50,1,3,9,0,7,60,61,,1", "7,50,1,3,9,0,x,60,61,", "7,50,1,3,9,,7,60,61,", ";", &beyond]
        {
            assert!(results(wrong, 2).unwrap_err().to_string().contains("test 2"), "{wrong}");
        }
    }

    #[test]
    fn a_name_may_hold_anything() {
        let keys = ["plain", "a,b;c", ";", "é ✓", "3,1,1,x;"];
        let text: String =
            (1..).zip(keys).map(|(ord, key)| format!("{ord},4,{},disk{key};", key.len())).collect();
        let expected: Vec<(i64, Id, String)> =
            (1..).zip(keys).map(|(ord, key)| (ord, "disk".parse().unwrap(), key.to_owned())).collect();
        assert_eq!(resources(&text).unwrap(), expected);
        assert!(resources(&text[..text.len() - 1]).is_err());
        assert!(resources("1,4,2,diskd;").is_err());
    }

    #[test]
    fn counts_stand_in_the_order_of_the_statuses() {
        let read = tallies("-5,1,2,3,4,5,6;7,0,0,0,0,0,9").unwrap();
        let [(at, first), (_, second)] = read.as_slice() else { panic!("{read:?}") };
        assert_eq!((at.micros(), first.pass, first.fail, first.unknown), (-5, 1, 2, 3));
        assert_eq!((first.stale, first.excepted, first.not_applicable), (4, 5, 6));
        assert_eq!((second.pass, second.not_applicable), (0, 9));
        assert!(tallies("7,0,0,0,0,0,-1").is_err());
        assert!(tallies("").unwrap().is_empty());
    }
}
