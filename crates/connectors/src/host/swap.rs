//! `host.swap`: where memory can end up on a disk: every active swap area, and the device that hibernation writes to.

use octro_model::{Id, UnknownReason, Why};
use serde_json::Value;

use super::Machine;
use super::block::{Blocks, Number, Verdict, base_name, number};
use super::mounts::{self, holding, unescape};
use super::resource::Resource;
use crate::{Run, Stopped};

/// Lists the swap areas.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let swaps = machine.roots.text("/proc/swaps").and_then(|text| {
        text.ok_or_else(|| {
            UnknownReason::new(Why::Unsupported, "/proc/swaps does not exist; has the kernel no swap?")
        })
    });
    let (swaps, mounts) = match (swaps, mounts::read(machine.roots)) {
        (Ok(swaps), Ok(mounts)) => (swaps, mounts),
        (Err(reason), _) | (_, Err(reason)) => {
            machine.enumerated(run, kind, 0, Some(reason));
            return Ok(());
        }
    };
    let blocks = Blocks::read(machine.roots, machine.commands, &mounts);
    let (resume, unclear) = match resume(machine) {
        Ok(resume) => (resume, None),
        Err(reason) => (None, Some(reason)),
    };
    let mut resumed = false;
    let mut count = 0;
    for line in swaps.lines().skip(1) {
        let mut words = line.split_whitespace();
        let (Some(path), Some(form)) = (words.next().map(unescape), words.next()) else { continue };
        let size = words.next().and_then(|kib| kib.parse::<i64>().ok()).map(|kib| kib.saturating_mul(1024));
        let mut seen = Resource::new(kind, format!("{}:{path}", machine.host), machine.now);
        seen.value("host", machine.host.clone())
            .value("path", path.clone())
            .value("form", form)
            .value("active", true);
        seen.fact("size", Ok(size));
        let place = place(&blocks, &mounts, &path, form);
        let hibernates = place.as_ref().is_ok_and(|place| resume == Some(*place));
        resumed |= hibernates;
        match &unclear {
            None => seen.value("hibernation", hibernates),
            Some(reason) => seen.unknown("hibernation", reason.clone()),
        };
        judge(machine, &blocks, place, &mut seen);
        run.observe(seen.into_observation())?;
        count += 1;
    }
    if let Some(target) = resume.filter(|_| !resumed) {
        let path = format!("resume {}:{}", target.0, target.1);
        let mut seen = Resource::new(kind, format!("{}:{path}", machine.host), machine.now);
        seen.value("host", machine.host.clone()).value("path", path).value("form", "partition");
        seen.value("active", false).value("hibernation", true).value("size", Value::Null);
        judge(machine, &blocks, Ok(target), &mut seen);
        run.observe(seen.into_observation())?;
        count += 1;
    }
    machine.enumerated(run, kind, count, unclear);
    Ok(())
}

/// The device that an area lies on.
fn place(
    blocks: &Blocks<'_>,
    mounts: &[mounts::Mount],
    path: &str,
    form: &str,
) -> Result<Number, UnknownReason> {
    if form == "file" {
        return match holding(mounts, path) {
            Some(mount) if mount.device.0 != 0 => Ok(mount.device),
            // A file on btrfs: the mount's device has no number, but the source names one.
            Some(mount) if mount.fstype == "btrfs" => blocks.number_of(&mount.source)?.ok_or_else(|| {
                UnknownReason::new(
                    Why::Unsupported,
                    format!("{} is no block device that can be seen", mount.source),
                )
            }),
            _ => Err(UnknownReason::new(
                Why::Unsupported,
                format!("{path} lies on no block device that can be seen"),
            )),
        };
    }
    blocks.number_of(path)?.ok_or_else(|| {
        UnknownReason::new(
            Why::Failed,
            format!("{path} is in /proc/swaps but is no block device that can be seen"),
        )
    })
}

/// Where hibernation writes to; `None` if nowhere.
fn resume(machine: &Machine<'_>) -> Result<Option<Number>, UnknownReason> {
    let Some(line) = machine.roots.line("/sys/power/resume")? else { return Ok(None) };
    match number(&line) {
        Some((0, 0)) => Ok(None),
        Some(number) => Ok(Some(number)),
        None => Err(UnknownReason::new(
            Why::Failed,
            format!("/sys/power/resume holds `{line}`; expected MAJOR:MINOR"),
        )),
    }
}

fn judge(
    machine: &Machine<'_>,
    blocks: &Blocks<'_>,
    place: Result<Number, UnknownReason>,
    seen: &mut Resource,
) {
    let mut legs = Vec::new();
    let folder = place.as_ref().ok().and_then(|number| blocks.folder(*number)).unwrap_or_default();
    let in_memory = base_name(folder).starts_with("zram");
    // Compressed memory is lost with the power, unless it is written back to a disk.
    let written_back = if in_memory {
        machine
            .roots
            .line(&format!("{folder}/backing_dev"))
            .map(|line| line.is_some_and(|line| line != "none"))
    } else {
        Ok(false)
    };
    match (in_memory, written_back) {
        (true, Ok(false)) => {
            seen.value("persistent", false).value("encrypted", Value::Null);
        }
        (true, Ok(true)) => {
            let reason = "compressed memory is written back to a disk; which one is not followed";
            seen.value("persistent", true).unknown("encrypted", UnknownReason::new(Why::Unsupported, reason));
        }
        (true, Err(reason)) => {
            seen.unknown("persistent", reason.clone()).unknown("encrypted", reason);
        }
        (false, _) => {
            let verdict = place.map_or_else(Verdict::Unknown, |number| blocks.judge(number, &mut legs));
            seen.value("persistent", true).known("encrypted", verdict.known());
        }
    }
    seen.value("lineage", Value::Array(legs));
}
