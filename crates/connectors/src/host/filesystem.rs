//! `host.filesystem`: one resource for each file system that keeps data when the machine is off, with the lineage of
//! devices below it and whether all of it is encrypted.

use std::path::Path;

use octro_model::{Id, UnknownReason, Why};
use serde_json::Value;

use super::Machine;
use super::block::{Blocks, Verdict, base_name};
use super::commands::output;
use super::mounts::{self, Mount};
use super::resource::Resource;
use super::roots::Roots;
use crate::{Run, Stopped};

/// File systems that hold nothing of their own on a disk.
const WITHOUT_DISK: [&str; 36] = [
    "proc",
    "sysfs",
    "tmpfs",
    "devtmpfs",
    "devpts",
    "ramfs",
    "rootfs",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "mqueue",
    "hugetlbfs",
    "pstore",
    "bpf",
    "configfs",
    "fusectl",
    "autofs",
    "binfmt_misc",
    "efivarfs",
    "rpc_pipefs",
    "nsfs",
    "selinuxfs",
    "smackfs",
    "nfsd",
    "pipefs",
    "sockfs",
    "bdev",
    "cpuset",
    "resctrl",
    "squashfs",
    "fuse.gvfsd-fuse",
    "fuse.portal",
    "fuse.lxcfs",
    "fuse.snapfuse",
];
/// Where container engines mount layers that lie on a file system which is listed anyway.
const LAYERS: [&str; 5] =
    ["/var/lib/docker/", "/var/lib/containers/", "/var/lib/containerd/", "/var/lib/kubelet/", "/run/"];

/// Lists the file systems.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let mounts = match mounts::read(machine.roots) {
        Ok(mounts) => mounts,
        Err(reason) => {
            machine.enumerated(run, kind, 0, Some(reason));
            return Ok(());
        }
    };
    let blocks = Blocks::read(machine.roots, machine.commands, &mounts);
    let persistent = persistent(&mounts);
    for mount in &persistent {
        let mut seen = Resource::new(kind, format!("{}:{}", machine.host, mount.point), machine.now);
        let (major, minor) = mount.device;
        seen.value("host", machine.host.clone())
            .value("mount_point", mount.point.clone())
            .value("device", mount.source.clone())
            .value("device_number", format!("{major}:{minor}"))
            .value("type", mount.fstype.clone())
            .value("read_only", mount.read_only());
        let exempt = exempt(machine, &blocks, mount);
        seen.known("persistent", exempt.clone().map(|reason| reason.is_none()));
        seen.fact("exempt", exempt.map(|reason| reason.map(str::to_owned)));
        let mut legs = Vec::new();
        seen.known("encrypted", judge(machine, &blocks, mount, &mut legs).known());
        seen.value("lineage", Value::Array(legs));
        run.observe(seen.into_observation())?;
    }
    machine.enumerated(run, kind, persistent.len() as u64, None);
    Ok(())
}

/// The key of the file system that holds `path` of the machine `host`.
pub(crate) fn file_system_of(roots: &Roots, host: &str, path: &str) -> Result<String, UnknownReason> {
    let mounts = mounts::read(roots)?;
    // Of several mounts on one point, the last is what is seen.
    let holds = |mount: &&Mount| Path::new(path).starts_with(&mount.point);
    let under =
        mounts.iter().filter(holds).max_by_key(|mount| mount.point.len()).ok_or_else(|| {
            UnknownReason::new(Why::Failed, format!("no mounted file system holds `{path}`"))
        })?;
    let persistent = persistent(&mounts);
    let same = persistent
        .iter()
        .find(|mount| mount.point == under.point && mount.device == under.device)
        .or_else(|| persistent.iter().find(|mount| mount.device == under.device));
    same.map(|mount| format!("{host}:{}", mount.point)).ok_or_else(|| {
        let what = format!("`{path}` lies on `{}`, which is no file system that is looked at", under.fstype);
        UnknownReason::new(Why::Unsupported, what)
    })
}

/// The mounts that stand for a file system of their own: not those without a disk, not the layers of containers, and
/// not folders of a file system that is mounted whole elsewhere.
fn persistent(mounts: &[Mount]) -> Vec<&Mount> {
    let mut kept: Vec<&Mount> = Vec::new();
    for mount in mounts {
        let layer = mount.fstype == "overlay" && LAYERS.iter().any(|folder| mount.point.starts_with(folder));
        if WITHOUT_DISK.contains(&mount.fstype.as_str()) || layer {
            continue;
        }
        let mut others =
            mounts.iter().filter(|other| other.device == mount.device && !std::ptr::eq(*other, mount));
        let shown_whole =
            mount.fstype != "btrfs" && mount.root != "/" && others.any(|other| other.root == "/");
        let same = |other: &&Mount| {
            // A later mount on the same point hides the earlier one, which comes back when it goes: both count.
            other.point == mount.point && other.device == mount.device
                || mount.root != "/" && other.root == mount.root && other.device == mount.device
        };
        if !shown_whole && !kept.iter().any(same) {
            kept.push(mount);
        }
    }
    // Two different devices on one mount point would share a key; the one on top is what is used.
    let mut unique: Vec<&Mount> = Vec::new();
    for mount in kept.into_iter().rev() {
        if !unique.iter().any(|other| other.point == mount.point) {
            unique.push(mount);
        }
    }
    unique.reverse();
    unique
}

/// Why a file system need not be encrypted; `None` if it has to be.
fn exempt(
    machine: &Machine<'_>,
    blocks: &Blocks<'_>,
    mount: &Mount,
) -> Result<Option<&'static str>, UnknownReason> {
    if matches!(mount.point.as_str(), "/boot" | "/boot/efi" | "/efi" | "/boot/firmware") {
        return Ok(Some("it holds what starts the machine"));
    }
    if mount.read_only()
        && (matches!(mount.fstype.as_str(), "iso9660" | "erofs" | "udf") || mount.device.0 == 7)
    {
        return Ok(Some("it is a read-only image"));
    }
    let Some(folder) = blocks.folder(mount.device) else { return Ok(None) };
    for folder in [folder, folder.rsplit_once('/').map_or("", |(disk, _)| disk)] {
        if machine.roots.line(&format!("{folder}/removable"))?.is_some_and(|line| line == "1") {
            return Ok(Some("its medium is removable"));
        }
    }
    Ok(None)
}

fn judge(machine: &Machine<'_>, blocks: &Blocks<'_>, mount: &Mount, legs: &mut Vec<Value>) -> Verdict {
    let unsupported = |detail: String| Verdict::Unknown(UnknownReason::new(Why::Unsupported, detail));
    match mount.fstype.as_str() {
        "btrfs" => btrfs(machine, blocks, mount, legs),
        "zfs" => zfs(machine, blocks, mount, legs),
        _ if mount.device.0 != 0 => blocks.judge(mount.device, legs),
        "overlay" => {
            unsupported("an overlay shows other file systems, which cannot be seen from here".to_owned())
        }
        "nfs" | "nfs4" | "cifs" | "smb3" | "ceph" | "9p" | "virtiofs" | "glusterfs" | "lustre" => {
            unsupported(format!("{} is kept by another machine", mount.fstype))
        }
        other => unsupported(format!("which devices a file system of type {other} lies on is not known")),
    }
}

/// A btrfs may lie on several devices: each of them counts.
fn btrfs(machine: &Machine<'_>, blocks: &Blocks<'_>, mount: &Mount, legs: &mut Vec<Value>) -> Verdict {
    let mut found = || -> Result<Verdict, UnknownReason> {
        let missing = |detail: String| UnknownReason::new(Why::Unsupported, detail);
        let number = blocks
            .number_of(&mount.source)?
            .ok_or_else(|| missing(format!("{} is no block device that can be seen", mount.source)))?;
        let name = blocks.folder(number).map(base_name).unwrap_or_default().to_owned();
        for uuid in machine.roots.list("/sys/fs/btrfs")?.unwrap_or_default() {
            let devices = machine.roots.list(&format!("/sys/fs/btrfs/{uuid}/devices"))?.unwrap_or_default();
            if !devices.contains(&name) {
                continue;
            }
            let mut all = Vec::new();
            for device in devices {
                let number = blocks.named(&device).ok_or_else(|| {
                    missing(format!("/sys/dev/block does not list {device}, a device of the btrfs"))
                })?;
                all.push(blocks.judge(number, legs));
            }
            return all
                .into_iter()
                .reduce(Verdict::and)
                .ok_or_else(|| missing("it has no devices".to_owned()));
        }
        Err(missing(format!("/sys/fs/btrfs has no file system with the device {name}")))
    };
    found().unwrap_or_else(Verdict::Unknown)
}

/// A ZFS data set is encrypted by itself, or by every device of its pool.
fn zfs(machine: &Machine<'_>, blocks: &Blocks<'_>, mount: &Mount, legs: &mut Vec<Value>) -> Verdict {
    let mut found = || -> Result<Verdict, UnknownReason> {
        let failed = |detail: String| UnknownReason::new(Why::Failed, detail);
        let arguments = ["get", "-Hp", "-o", "value", "encryption", mount.source.as_str()];
        let encryption = output(machine.commands, "zfs", &arguments)?;
        match encryption.trim() {
            "off" | "-" => {}
            cipher if cipher.starts_with("aes-") || cipher == "on" => return Ok(Verdict::Encrypted),
            other => return Err(failed(format!("zfs calls the encryption of {} `{other}`", mount.source))),
        }
        let pool = mount.source.split('/').next().unwrap_or_default();
        let status = output(machine.commands, "zpool", &["status", "-LP", pool])?;
        let devices = status
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|w| w.starts_with("/dev/"));
        let mut all = Vec::new();
        for device in devices {
            let number = blocks
                .number_of(device)?
                .ok_or_else(|| failed(format!("{device} of the pool {pool} is not there")))?;
            all.push(blocks.judge(number, legs));
        }
        all.into_iter()
            .reduce(Verdict::and)
            .ok_or_else(|| failed(format!("zpool names no devices of {pool}")))
    };
    found().unwrap_or_else(Verdict::Unknown)
}
