//! Who sits at the console: the account that the process runs under, for what the ledger says of who did something.

use octro_ledger::records::{CONSOLE, CONSOLE_UID};

/// Where accounts are listed.
const ACCOUNTS: &str = "/etc/passwd";

/// `console user NAME`, or the account's number where it has no name here.
pub fn operator() -> String {
    let uid = rustix::process::getuid().as_raw();
    let accounts = std::fs::read_to_string(ACCOUNTS).unwrap_or_default();
    match name_of(&accounts, uid) {
        Some(name) => format!("{CONSOLE}{name}"),
        None => format!("{CONSOLE_UID}{uid}"),
    }
}

fn name_of(accounts: &str, uid: u32) -> Option<&str> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        let plain = !name.is_empty() && name.len() <= 64 && !name.chars().any(char::is_control);
        (plain && id.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_have_names() {
        let accounts =
            "root:x:0:0:root:/root:/bin/sh\nbroken\nann:x:1000:1000::/home/ann:/bin/sh\n:x:7:7:::\n";
        assert_eq!(name_of(accounts, 0), Some("root"));
        assert_eq!(name_of(accounts, 1000), Some("ann"));
        assert_eq!(name_of(accounts, 7), None);
        assert_eq!(name_of(accounts, 2000), None);
        assert!(operator().starts_with("console user "));
    }
}
