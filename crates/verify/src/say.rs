//! Moments, spans and shares in words: what a report's sentences are put together from.

const SECOND: u64 = 1_000_000;
const DAY: u64 = 86_400 * SECOND;

/// A moment in microseconds since 1970, as RFC 3339 in UTC; the fraction only if there is one.
pub fn moment(at: u64) -> String {
    let (days, of_day) = (at / DAY, at % DAY);
    // Civil date of a day's number, with years that begin in March and eras of 400 years.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year_of_era + next;
    let (seconds, micros) = (of_day / SECOND, of_day % SECOND);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = if micros == 0 { String::new() } else { format!(".{micros:06}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// A span as people write it, rounded down: `3 d 4 h 5 min 6 s`, `6.512 s`, `6 ms`. What is shorter still is
/// `less than 1 ms`; moments say it exactly.
pub fn span(micros: u64) -> String {
    match micros {
        0 => return "0 s".to_owned(),
        1..1_000 => return "less than 1 ms".to_owned(),
        1_000..SECOND => return format!("{} ms", micros / 1_000),
        _ => {}
    }
    let mut parts = Vec::new();
    for (of, unit) in
        [(micros / DAY, "d"), (micros / (3_600 * SECOND) % 24, "h"), (micros / (60 * SECOND) % 60, "min")]
    {
        if of > 0 {
            parts.push(format!("{of} {unit}"));
        }
    }
    let (second, millis) = (micros / SECOND % 60, micros / 1_000 % 1_000);
    if parts.is_empty() && millis > 0 {
        let fraction = format!("{millis:03}");
        parts.push(format!("{second}.{} s", fraction.trim_end_matches('0')));
    } else if second > 0 {
        parts.push(format!("{second} s"));
    }
    parts.join(" ")
}

/// A part of a whole in per cent, rounded down: `100 %` is the whole, and what is not nothing is not `0 %`.
pub fn share(part: u64, whole: u64) -> String {
    if part >= whole {
        return "100 %".to_owned();
    }
    let hundredths = u128::from(part) * 10_000 / u128::from(whole);
    match hundredths {
        0 if part > 0 => "less than 0.01 %".to_owned(),
        0 => "0 %".to_owned(),
        _ => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
    }
}

/// A count with its noun: `1 resource`, `2 resources`.
pub fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (at, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400 * SECOND, "2000-02-29T00:00:00Z"),
            (951_868_800 * SECOND, "2000-03-01T00:00:00Z"),
            (1_767_225_599 * SECOND + 7, "2025-12-31T23:59:59.000007Z"),
            ((1 << 53) - 1, "2255-06-05T23:47:34.740991Z"),
        ] {
            assert_eq!(moment(at), text);
        }
    }

    #[test]
    fn spans_and_shares() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(DAY + 61 * SECOND), "1 d 1 min 1 s");
        assert_eq!(span(2 * DAY), "2 d");
        assert_eq!(span(1_500_000), "1.5 s");
        assert_eq!(span(59_999_999), "59.999 s");
        assert_eq!(span(320 * DAY + 1), "320 d");
        assert_eq!(span(61 * SECOND + 999_999), "1 min 1 s");
        assert_eq!((span(1), span(999)), ("less than 1 ms".to_owned(), "less than 1 ms".to_owned()));
        assert_eq!((span(1_000), span(20_999)), ("1 ms".to_owned(), "20 ms".to_owned()));
        assert_eq!(span(3 * SECOND), "3 s");
        assert_eq!(share(1, 3), "33.33 %");
        assert_eq!(share(0, 3), "0 %");
        assert_eq!(share(1, 1_000_000), "less than 0.01 %");
        assert_eq!(share(999_999, 1_000_000), "99.99 %");
        assert_eq!(share(3, 3), "100 %");
        assert_eq!(share(0, 0), "100 %");
        assert_eq!((count(1, "time"), count(0, "time")), ("1 time".to_owned(), "0 times".to_owned()));
    }
}
