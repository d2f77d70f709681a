//! What is mounted where: `/proc/self/mountinfo`, parsed and looked up by path.

use octro_model::{UnknownReason, Why};

use super::roots::Roots;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// The device's number; major 0 for file systems without a device of their own.
    pub device: (u32, u32),
    /// Which folder of the file system is mounted; `/` is all of it.
    pub root: String,
    /// Where it is mounted.
    pub point: String,
    /// The options of this mount.
    pub options: Vec<String>,
    /// The file system's type.
    pub fstype: String,
    /// What was mounted: a device, a data set, a name.
    pub source: String,
    /// The options of the file system.
    pub super_options: Vec<String>,
}

impl Mount {
    /// Whether nothing can be written through it.
    pub(crate) fn read_only(&self) -> bool {
        self.options.iter().chain(&self.super_options).any(|option| option == "ro")
    }
}

/// All mounts that this process sees, in their order.
pub(crate) fn read(roots: &Roots) -> Result<Vec<Mount>, UnknownReason> {
    let path = "/proc/self/mountinfo";
    let text = roots.text(path)?.ok_or_else(|| {
        UnknownReason::new(Why::Unsupported, format!("{path} does not exist; is /proc mounted?"))
    })?;
    text.lines()
        .enumerate()
        .map(|(number, line)| {
            parse(line).ok_or_else(|| {
                let shown: String = line.chars().take(80).collect();
                UnknownReason::new(Why::Failed, format!("{path}:{}: `{shown}` is no mount", number + 1))
            })
        })
        .collect()
}

fn parse(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut before = before.split(' ').skip(2);
    let (major, minor) = before.next()?.split_once(':')?;
    let (root, point, options) = (before.next()?, before.next()?, before.next()?);
    let mut after = after.split(' ');
    let list = |text: &str| text.split(',').map(str::to_owned).collect();
    Some(Mount {
        device: (major.parse().ok()?, minor.parse().ok()?),
        root: unescape(root),
        point: unescape(point),
        options: list(options),
        fstype: after.next()?.to_owned(),
        source: unescape(after.next()?),
        super_options: list(after.next().unwrap_or("")),
    })
}

/// The kernel writes white space and backslashes as three octal digits.
pub(crate) fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) = (first, tail) {
            bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
            rest = after;
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The mount that holds `path`: the longest mount point above it, the last one where several are on top of each other.
pub(crate) fn holding<'m>(mounts: &'m [Mount], path: &str) -> Option<&'m Mount> {
    let above = |mount: &&Mount| {
        path.strip_prefix(mount.point.trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    mounts.iter().filter(above).max_by_key(|mount| mount.point.trim_end_matches('/').len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_path() {
        let lines = [
            "22 1 254:1 / / rw,relatime shared:1 master:2 - ext4 /dev/mapper/vg0-root rw,discard",
            r"23 22 254:2 / /mnt/a\040b rw - ext4 /dev/dm-2 rw",
            "24 22 0:40 /@home /home rw - btrfs /dev/mapper/c rw,subvol=/@home",
        ];
        let mounts: Vec<Mount> = lines.iter().map(|line| parse(line).unwrap()).collect();
        assert_eq!(mounts[1].point, "/mnt/a b");
        assert_eq!(mounts[2].super_options, ["rw", "subvol=/@home"]);
        assert_eq!(holding(&mounts, "/home/ann/x").unwrap().fstype, "btrfs");
        assert_eq!(holding(&mounts, "/homework").unwrap().point, "/");
        assert_eq!(holding(&mounts, "/mnt/a b").unwrap().device, (254, 2));
        assert!(parse("22 1 254 / / rw - ext4 /dev/sda rw").is_none());
    }
}
