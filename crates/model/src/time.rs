//! Times are whole microseconds since the Unix epoch, UTC: what both databases keep exactly and what compares as an
//! integer. The clock is an argument everywhere, so that every test and every replay decides what time it is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The start of time: before every observation.
    pub const MIN: Self = Self(i64::MIN);
    /// The open end of an interval that still lasts.
    pub const MAX: Self = Self(i64::MAX);

    /// A moment from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// A moment from whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// This moment moved by `span`; an open end stays open.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        if self.0 == i64::MAX { self } else { Self(self.0.saturating_add(span.0)) }
    }

    /// This moment moved back by `span`; an open end stays open.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        if self.0 == i64::MAX { self } else { Self(self.0.saturating_sub(span.0)) }
    }

    /// How long after `earlier` this moment is; negative if it is before.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// `YYYY-MM-DD` in UTC.
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }

    /// `YYYY-MM-DD HH:MM UTC`, for people.
    pub fn minute(self) -> String {
        let text = self.to_string();
        match (text.get(..10), text.get(11..16)) {
            (Some(date), Some(minute)) => format!("{date} {minute} UTC"),
            _ => text,
        }
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with as many sub-second digits as needed; the two ends of time are `-infinity` and `infinity`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::MAX => f.write_str("infinity"),
            Self::MIN => f.write_str("-infinity"),
            Self(micros) => match jiff::Timestamp::from_microsecond(micros) {
                Ok(at) => write!(f, "{at}"),
                Err(_) => write!(f, "{micros}us"),
            },
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{text}` is no {expected}")]
pub struct ParseTimeError {
    text: String,
    expected: &'static str,
}

impl FromStr for Timestamp {
    type Err = ParseTimeError;

    /// Reads RFC 3339 (`2026-03-03T09:00:00Z`, any offset) or a date alone (its start in UTC).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        let at: jiff::Timestamp = whole.parse().map_err(|_| ParseTimeError {
            text: text.to_owned(),
            expected: "time: write 2026-03-03 or 2026-03-03T09:00:00Z",
        })?;
        Ok(Self(at.as_microsecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A length of time in microseconds; it may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One day of 24 hours.
    pub const DAY: Self = Self::from_secs(86_400);
    /// One hour.
    pub const HOUR: Self = Self::from_secs(3_600);

    /// From microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// In microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// In whole seconds, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// As a standard duration; a negative span is zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// For people: the two largest units, `3 d 4 h`, `12 min`, `40 s`, `250 ms`.
    pub fn human(self) -> String {
        let micros = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        if micros < 1_000_000 {
            return format!("{sign}{} ms", micros / 1_000);
        }
        let secs = micros / 1_000_000;
        let parts =
            [(secs / 86_400, "d"), (secs / 3_600 % 24, "h"), (secs / 60 % 60, "min"), (secs % 60, "s")];
        let shown: Vec<String> = parts
            .iter()
            .skip_while(|(n, _)| *n == 0)
            .take(2)
            .filter(|(n, _)| *n != 0)
            .map(|(n, unit)| format!("{n} {unit}"))
            .collect();
        format!("{sign}{}", shown.join(" "))
    }
}

impl fmt::Display for Span {
    /// The form that program files use: the largest unit that divides it evenly, `90d`, `24h`, `15m`, `30s`, `5ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units =
            [(86_400_000_000, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1_000, "ms")];
        for (size, unit) in units {
            if self.0 != 0 && self.0 % size == 0 {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { write!(f, "{}us", self.0) }
    }
}

impl FromStr for Span {
    type Err = ParseTimeError;

    /// Reads one whole number and a unit: `90d`, `24h`, `15m`, `30s`, `250ms`, `10us`, or several of them: `1h30m`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseTimeError {
            text: text.to_owned(),
            expected: "length of time: write 90d, 24h, 15m, 30s or 1h30m",
        };
        let mut rest = text.trim();
        let mut total: i64 = 0;
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(bad)?;
            let (number, tail) = rest.split_at(digits);
            let unit_end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_end);
            let size: i64 = match unit {
                "d" => 86_400_000_000,
                "h" => 3_600_000_000,
                "m" => 60_000_000,
                "s" => 1_000_000,
                "ms" => 1_000,
                "us" => 1,
                _ => return Err(bad()),
            };
            let number: i64 = number.parse().map_err(|_| bad())?;
            total = number.checked_mul(size).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What tells the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
    }
}

/// A clock that stands still until it is set: for tests, replays and simulations. Clones share their time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn at(at: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(at.micros())))
    }

    /// Shows `at` from now on; it may be earlier than before.
    pub fn set(&self, at: Timestamp) {
        self.0.store(at.micros(), Ordering::SeqCst);
    }

    /// Moves by `span`.
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.micros(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_and_print() {
        let at: Timestamp = "2026-03-03T10:00:00.25+01:00".parse().unwrap();
        assert_eq!(at.to_string(), "2026-03-03T09:00:00.25Z");
        assert_eq!("2026-03-03".parse::<Timestamp>().unwrap().minute(), "2026-03-03 00:00 UTC");
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert_eq!(Timestamp::MAX.plus(Span::DAY), Timestamp::MAX);
    }

    #[test]
    fn spans_read_and_print() {
        for text in ["90d", "24h", "1d", "15m", "30s", "250ms"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span, span.to_string().parse().unwrap());
        }
        assert_eq!("1h30m".parse::<Span>().unwrap(), Span::from_secs(5_400));
        assert_eq!(Span::from_secs(100_000).human(), "1 d 3 h");
        for text in ["", "d", "3", "3 d", "-3d", "99999999999999d", "1y"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
