//! Until when versions get fixes.

use octro_model::{UnknownReason, Why};

/// The last day of each series of MariaDB's community server (mariadb.org, maintenance policy, as of 2026-06).
const MARIADB: [(&str, &str); 22] = [
    ("5.5", "2020-04-11"),
    ("10.0", "2019-03-31"),
    ("10.1", "2020-10-17"),
    ("10.2", "2022-05-23"),
    ("10.3", "2023-05-25"),
    ("10.4", "2024-06-18"),
    ("10.5", "2025-06-24"),
    ("10.6", "2026-07-06"),
    ("10.7", "2023-02-09"),
    ("10.8", "2023-05-20"),
    ("10.9", "2023-08-22"),
    ("10.10", "2023-11-17"),
    ("10.11", "2028-02-16"),
    ("11.0", "2024-06-06"),
    ("11.1", "2024-08-21"),
    ("11.2", "2024-11-21"),
    ("11.3", "2024-05-29"),
    ("11.4", "2029-05-29"),
    ("11.5", "2024-11-21"),
    ("11.6", "2025-02-13"),
    ("11.7", "2025-05-12"),
    ("11.8", "2028-06-04"),
];
/// The same of MySQL (Oracle's lifetime support policy, as of 2026-06).
const MYSQL: [(&str, &str); 5] = [
    ("5.5", "2018-12-31"),
    ("5.6", "2021-02-28"),
    ("5.7", "2023-10-31"),
    ("8.0", "2026-04-30"),
    ("8.4", "2032-04-30"),
];

/// When the series of a version gets no more fixes.
pub(super) fn end_of_life(is_mariadb: bool, version: &str) -> Result<String, UnknownReason> {
    let table: &[(&str, &str)] = if is_mariadb { &MARIADB } else { &MYSQL };
    let mut parts = version.split('.');
    let series = match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("{major}.{minor}"),
        _ => version.to_owned(),
    };
    let found = table.iter().find(|(known, _)| *known == series);
    found.map(|(_, until)| format!("{until}T00:00:00Z")).ok_or_else(|| {
        UnknownReason::new(Why::Unsupported, format!("version {version} is not in the table of 2026-06"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_counts() {
        assert_eq!(end_of_life(true, "10.11.14").unwrap(), "2028-02-16T00:00:00Z");
        assert_eq!(end_of_life(false, "8.0.36").unwrap(), "2026-04-30T00:00:00Z");
        assert_eq!(end_of_life(true, "99.1").unwrap_err().why, Why::Unsupported);
    }
}
