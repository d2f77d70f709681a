//! Client authentication rules (`pg_hba.conf`), as the server itself reads them.

use std::net::IpAddr;

use serde_json::{Value, json};

/// One rule, as `pg_hba_file_rules` gives it (PostgreSQL 15, section 54.9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) kind: String,
    pub(super) databases: Vec<String>,
    pub(super) users: Vec<String>,
    pub(super) address: Option<String>,
    pub(super) netmask: Option<String>,
    pub(super) method: String,
}

impl Rule {
    /// As an attribute.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "type": self.kind,
            "database": self.databases.join(","),
            "user": self.users.join(","),
            "address": self.range(),
            "method": self.method,
            "loopback": self.is_local(),
        })
    }

    /// The addresses, as `10.0.0.0/8`.
    fn range(&self) -> Option<String> {
        let address = self.address.as_deref()?;
        Some(self.prefix().map_or_else(|| address.to_owned(), |prefix| format!("{address}/{prefix}")))
    }

    fn prefix(&self) -> Option<u32> {
        match self.netmask.as_deref()?.parse().ok()? {
            IpAddr::V4(mask) => Some(u32::from(mask).leading_ones()),
            IpAddr::V6(mask) => Some(u128::from(mask).leading_ones()),
        }
    }

    /// Whether only this machine itself can match it. A name may stand for anybody.
    fn is_local(&self) -> bool {
        if self.kind == "local" {
            return true;
        }
        match self.address.as_deref() {
            Some("samehost") => true,
            Some(address) => match (address.parse(), self.prefix()) {
                (Ok(IpAddr::V4(address)), Some(prefix)) => address.is_loopback() && prefix >= 8,
                (Ok(IpAddr::V6(address)), Some(prefix)) => address.is_loopback() && prefix == 128,
                _ => false,
            },
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_come_from_elsewhere_is_local() {
        for (kind, address, netmask, range, local) in [
            ("local", None, None, None, true),
            ("host", Some("127.0.0.1"), Some("255.255.255.255"), Some("127.0.0.1/32"), true),
            ("host", Some("127.0.0.0"), Some("255.0.0.0"), Some("127.0.0.0/8"), true),
            ("host", Some("127.0.0.0"), Some("254.0.0.0"), Some("127.0.0.0/7"), false),
            ("host", Some("::1"), Some("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Some("::1/128"), true),
            ("host", Some("::"), Some("::"), Some("::/0"), false),
            ("host", Some("0.0.0.0"), Some("0.0.0.0"), Some("0.0.0.0/0"), false),
            ("host", Some("samehost"), None, Some("samehost"), true),
            ("host", Some("samenet"), None, Some("samenet"), false),
            ("host", Some("all"), None, Some("all"), false),
            ("host", Some("localhost"), None, Some("localhost"), false),
        ] {
            let rule = Rule {
                kind: kind.to_owned(),
                address: address.map(str::to_owned),
                netmask: netmask.map(str::to_owned),
                ..Rule::default()
            };
            assert_eq!(rule.is_local(), local, "{rule:?}");
            assert_eq!(rule.range().as_deref(), range, "{rule:?}");
        }
    }
}
