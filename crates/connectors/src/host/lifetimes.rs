//! Until when distributions get free security updates: a small table of facts with its date. What is not listed is
//! unknown. Debian counts to the end of its LTS; the others to the end of what everybody gets without a contract, and
//! RHEL to the end of its maintenance support.

use octro_model::{Timestamp, UnknownReason, Why};

/// As of when these are the dates that the distributions announce.
const AS_OF: &str = "2025-10-01";

/// Distribution, version (as far as it decides), last day.
const TABLE: [(&str, &str, &str); 61] = [
    ("debian", "8", "2020-06-30"),
    ("debian", "9", "2022-06-30"),
    ("debian", "10", "2024-06-30"),
    ("debian", "11", "2026-08-31"),
    ("debian", "12", "2028-06-30"),
    ("debian", "13", "2030-06-30"),
    ("ubuntu", "14.04", "2019-04-25"),
    ("ubuntu", "16.04", "2021-04-30"),
    ("ubuntu", "18.04", "2023-05-31"),
    ("ubuntu", "20.04", "2025-05-29"),
    ("ubuntu", "20.10", "2021-07-22"),
    ("ubuntu", "21.04", "2022-01-20"),
    ("ubuntu", "21.10", "2022-07-14"),
    ("ubuntu", "22.04", "2027-06-01"),
    ("ubuntu", "22.10", "2023-07-20"),
    ("ubuntu", "23.04", "2024-01-25"),
    ("ubuntu", "23.10", "2024-07-11"),
    ("ubuntu", "24.04", "2029-05-31"),
    ("ubuntu", "24.10", "2025-07-10"),
    ("ubuntu", "25.04", "2026-01-15"),
    ("ubuntu", "25.10", "2026-07-09"),
    ("ubuntu", "26.04", "2031-05-29"),
    ("rhel", "6", "2020-11-30"),
    ("rhel", "7", "2024-06-30"),
    ("rhel", "8", "2029-05-31"),
    ("rhel", "9", "2032-05-31"),
    ("rhel", "10", "2035-05-31"),
    ("almalinux", "8", "2029-05-31"),
    ("almalinux", "9", "2032-05-31"),
    ("almalinux", "10", "2035-05-31"),
    ("rocky", "8", "2029-05-31"),
    ("rocky", "9", "2032-05-31"),
    ("rocky", "10", "2035-05-31"),
    ("centos", "6", "2020-11-30"),
    ("centos", "7", "2024-06-30"),
    ("fedora", "36", "2023-05-16"),
    ("fedora", "37", "2023-12-05"),
    ("fedora", "38", "2024-05-21"),
    ("fedora", "39", "2024-11-26"),
    ("fedora", "40", "2025-05-13"),
    ("alpine", "3.12", "2022-05-01"),
    ("alpine", "3.13", "2022-11-01"),
    ("alpine", "3.14", "2023-05-01"),
    ("alpine", "3.15", "2023-11-01"),
    ("alpine", "3.16", "2024-05-23"),
    ("alpine", "3.17", "2024-11-22"),
    ("alpine", "3.18", "2025-05-09"),
    ("alpine", "3.19", "2025-11-01"),
    ("alpine", "3.20", "2026-04-01"),
    ("alpine", "3.21", "2026-11-01"),
    ("alpine", "3.22", "2027-05-01"),
    ("sles", "12.5", "2024-10-31"),
    ("sles", "15.2", "2021-12-31"),
    ("sles", "15.3", "2022-12-31"),
    ("sles", "15.4", "2023-12-31"),
    ("sles", "15.5", "2024-12-31"),
    ("sles", "15.6", "2025-12-31"),
    ("opensuse-leap", "15.3", "2022-12-31"),
    ("opensuse-leap", "15.4", "2023-12-07"),
    ("opensuse-leap", "15.5", "2024-12-31"),
    ("opensuse-leap", "15.6", "2026-04-30"),
];

/// The date of the table.
pub(crate) fn as_of() -> Result<Timestamp, UnknownReason> {
    date(AS_OF)
}

/// The end of the last day on which this version of a distribution gets free security updates.
pub(crate) fn supported_until(os: &str, version: &str) -> Result<Timestamp, UnknownReason> {
    let found = TABLE.iter().find(|(name, decides, _)| {
        *name == os
            && version.strip_prefix(decides).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    match found {
        Some((_, _, day)) => Ok(date(day)?.plus(octro_model::Span::DAY)),
        None => {
            let what = format!("Octro's table of {AS_OF} does not list version `{version}` of `{os}`");
            Err(UnknownReason::new(Why::Unsupported, what))
        }
    }
}

fn date(text: &str) -> Result<Timestamp, UnknownReason> {
    text.parse().map_err(|_| UnknownReason::new(Why::Failed, format!("the table holds `{text}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_holds_a_date_and_only_whole_versions_match() {
        for (os, version, day) in TABLE {
            let until = supported_until(os, version).unwrap();
            assert_eq!(until.minus(octro_model::Span::DAY).date(), day, "{os} {version}");
        }
        assert!(as_of().is_ok());
        assert_eq!(supported_until("rhel", "9.4").unwrap().date(), "2032-06-01");
        assert_eq!(supported_until("alpine", "3.20.3").unwrap().date(), "2026-04-02");
        for (os, version) in [("rhel", "95"), ("debian", "1"), ("debian", ""), ("plan9", "4")] {
            assert_eq!(supported_until(os, version).unwrap_err().why, Why::Unsupported, "{os} {version}");
        }
    }
}
