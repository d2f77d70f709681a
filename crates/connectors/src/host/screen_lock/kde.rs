//! KDE Plasma's screen lock: `kscreenlockerrc` of the person over that of the system. What is not set has a default.

use std::collections::BTreeMap;

use octro_model::{UnknownReason, Why};

use super::Lock;
use crate::host::roots::Roots;
use crate::host::user::Account;

/// One value of a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub value: String,
    /// Marked `[$i]`: files that come later cannot change it.
    pub fixed: bool,
}

/// Group and key in lower case to value; of a key that is there twice the last.
pub(super) type Ini = BTreeMap<(String, String), Entry>;

/// `[Group]`, `key=value`; `[$i]` behind a group or a key fixes it.
pub(super) fn ini(text: &str) -> Ini {
    let mut all = Ini::new();
    let (mut group, mut group_fixed) = (String::new(), false);
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            group_fixed = line.contains("[$i]");
            let bare = line.replace("[$i]", "");
            bare.trim_start_matches('[').trim_end_matches(']').clone_into(&mut group);
        } else if let Some((key, value)) = line.split_once('=') {
            let fixed = group_fixed || key.contains("[$i]");
            let key = key.replace("[$i]", "").trim().to_ascii_lowercase();
            all.insert((group.clone(), key), Entry { value: value.trim().to_owned(), fixed });
        }
    }
    all
}

pub(super) fn look(roots: &Roots, person: &Account) -> Result<Lock, UnknownReason> {
    let files = [
        "/etc/xdg/kscreenlockerrc".to_owned(),
        format!("{}/.config/kscreenlockerrc", person.home.trim_end_matches('/')),
    ];
    let mut merged = Ini::new();
    let mut evidence = Vec::new();
    for path in files {
        let Some(text) = roots.text(&path)? else { continue };
        for (key, entry) in ini(&text) {
            if !merged.get(&key).is_some_and(|before| before.fixed) {
                merged.insert(key, entry);
            }
        }
        evidence.push(path);
    }
    if evidence.is_empty() {
        evidence.push("the defaults of kscreenlocker".to_owned());
    }
    let get = |key: &str| merged.get(&("Daemon".to_owned(), key.to_owned()));
    let on = match get("autolock").map(|entry| entry.value.to_ascii_lowercase()).as_deref() {
        None | Some("true" | "1" | "yes" | "on") => true,
        Some("false" | "0" | "no" | "off") => false,
        Some(other) => return Err(odd("Autolock", other)),
    };
    let number = |key: &str, default: i64| {
        get(key).map_or(Ok(default), |entry| entry.value.parse().map_err(|_| odd(key, &entry.value)))
    };
    let (minutes, grace) = (number("timeout", 5)?, number("lockgrace", 5)?);
    let fixed = |key: &str| get(key).is_some_and(|entry| entry.fixed);
    Ok(Lock {
        after: (on && minutes > 0).then(|| minutes.saturating_mul(60).saturating_add(grace.max(0))),
        enforced: Ok(fixed("autolock") && fixed("timeout") && fixed("lockgrace")),
        evidence,
    })
}

fn odd(key: &str, value: &str) -> UnknownReason {
    let shown: String = value.chars().take(60).collect();
    UnknownReason::new(
        Why::Failed,
        format!("kscreenlockerrc sets {key} to `{shown}`, which is not understood"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::fixture::{Fixture, mangled};
    use super::super::super::user::accounts;
    use super::*;

    const SYSTEM: &str = "[Daemon][$i]\nAutolock=true\nTimeout=10\nLockGrace=0\n";

    fn after(system: Option<&str>, own: Option<&str>) -> Result<(Option<i64>, bool), UnknownReason> {
        let fixture = Fixture::new(&[("/etc/passwd", "ann:x:1000:1000::/home/ann:/bin/bash\n")]);
        for (path, text) in [("/etc/xdg/kscreenlockerrc", system), ("/home/ann/.config/kscreenlockerrc", own)]
        {
            if let Some(text) = text {
                fixture.write(path, text.as_bytes());
            }
        }
        let (accounts, _) = accounts(&fixture.roots()).unwrap();
        look(&fixture.roots(), &accounts[0]).map(|lock| (lock.after, lock.enforced.unwrap()))
    }

    #[test]
    fn defaults_own_settings_and_fixed_ones() {
        let own = "[Daemon]\nAutolock=false\n";
        assert_eq!(after(None, None), Ok((Some(305), false)));
        assert_eq!(after(None, Some(own)), Ok((None, false)));
        assert_eq!(after(Some(SYSTEM), Some(own)), Ok((Some(600), true)));
        assert_eq!(after(None, Some("[Daemon]\nTimeout=0\n")), Ok((None, false)));
        assert_eq!(after(None, Some("[Daemon]\nTimeout=soon\n")).unwrap_err().why, Why::Failed);
        for text in mangled(SYSTEM) {
            let _ = after(Some(&text), Some(own));
        }
    }
}
