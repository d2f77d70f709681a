//! 400 laptops and phones: encrypted, mostly; and the times when they were not.

use octro_model::{IdError, Observation, Span, Timestamp};
use serde_json::{Value, json};

use crate::people::Person;
use crate::random::Random;
use crate::thing::{DAYS, Thing, day, hour, moment};

/// What its servers run none of.
pub const NONE_OF: &[&str] =
    &["mysql.account", "mysql.server", "postgresql.role", "postgresql.server", "redis.server"];

/// Laptops that nobody knew of until they were enrolled on 8 April; their own log then told of the weeks before.
const UNENROLLED: [u32; 3] = [40, 93, 151];
const ENROLLED: Timestamp = hour(189, 6);

/// The fleet.
pub fn devices(random: &mut Random, people: &[Person], count: u32) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for number in 0..count {
        let owner = people.get(number as usize % people.len().max(1));
        let platform = match random.below(10) {
            0..=4 => "macos",
            5..=6 => "linux",
            7..=8 => "windows",
            _ => "ios",
        };
        let starts = owner.map_or(day(0), |owner| owner.starts);
        let spare = number >= 380;
        let first = json!({
            "name": format!("nb-{number:04}"),
            "owner": if spare { Value::Null } else { json!(owner.map(|owner| owner.id.clone())) },
            "host": Value::Null,
            "platform": platform,
            "os_version": "2025.2",
            "os_end_of_life_at": moment(day(900)),
            "state": if spare { "spare" } else { "in_use" },
            "managed": true,
            "reported_at": moment(starts),
            "trust": "self_reported",
            "disk_encrypted": true,
            "encryption_problem": Value::Null,
            "recovery_key_escrowed": true,
            "screen_lock": true,
            "screen_lock_after": "10m",
            "updates_automatic": true,
            "updates_pending_since": Value::Null,
            "firewall": true,
            "edr": true,
            "edr_seen_at": moment(starts),
        });
        let enrolled = if UNENROLLED.contains(&number) { ENROLLED } else { starts };
        let mut thing = Thing::new("device", serial(number), first)?.born(enrolled);
        trouble(random, &mut thing, number, starts);
        reports(random, &mut thing, number, starts, owner.and_then(|owner| owner.ends));
        things.push(thing);
    }
    Ok(things)
}

/// A laptop's serial number.
pub fn serial(number: u32) -> String {
    format!("SN{:06}", 104_729 * (u64::from(number) + 1) % 1_000_000)
}

fn trouble(random: &mut Random, thing: &mut Thing, number: u32, starts: Timestamp) {
    // A new laptop encrypts in its first two days.
    if starts > day(0) {
        let done = starts.plus(Span::from_secs(3_600 * random.between(4, 50)));
        encryption(thing, starts, done, "in_progress");
    }
    // The batch of March: an image that had left encryption off, found and mended one after another.
    if number % 11 == 3 {
        encryption(thing, hour(random.between(148, 155), 10), hour(random.between(157, 175), 15), "off");
    }
    // Twenty minutes were enough until the rule was tightened; then it took two weeks.
    if number % 13 == 5 {
        thing.set(starts, "screen_lock_after", "20m");
        thing.set(day(random.between(172, 186)), "screen_lock_after", "10m");
    }
    // Somebody suspends encryption for a firmware update and forgets it.
    if random.percent(6) {
        let from = random.between(10, DAYS - 20);
        encryption(thing, hour(from, 11), hour(from + random.between(1, 9), 9), "suspended");
    }
    if random.percent(8) {
        let from = random.between(10, DAYS - 30);
        thing.spell(day(from), day(from + random.between(2, 25)), "screen_lock_after", "45m");
    }
    // Updates: every month one is published, and most install it in time.
    for month in 0..12 {
        let published = day(month * 30 + 9);
        let slow = random.percent(7);
        let after = if slow { random.between(16, 29) } else { random.between(1, 9) };
        thing.set(published, "updates_pending_since", moment(published));
        thing.set(published.plus(Span::from_secs(after * 86_400)), "updates_pending_since", Value::Null);
    }
}

fn encryption(thing: &mut Thing, from: Timestamp, to: Timestamp, problem: &str) {
    thing.set(from, "disk_encrypted", false).set(from, "encryption_problem", problem);
    thing.set(to, "disk_encrypted", true).set(to, "encryption_problem", Value::Null);
}

/// When it reported: on most days; some machines lie in a drawer for weeks.
fn reports(random: &mut Random, thing: &mut Thing, number: u32, starts: Timestamp, ends: Option<Timestamp>) {
    let drawer = random.percent(5).then(|| random.between(20, DAYS - 40));
    let length = random.between(9, 30);
    for at in (0..DAYS).filter(|at| at % 3 == i64::from(number) % 3) {
        let report = hour(at, 7);
        let asleep = drawer.is_some_and(|from| (from..from + length).contains(&at));
        if report > starts && !asleep && ends.is_none_or(|ends| report < ends) {
            thing.set(report, "reported_at", moment(report)).set(report, "edr_seen_at", moment(report));
        }
    }
    if let Some(ends) = ends {
        let back = ends.plus(Span::from_secs(86_400 * random.between(2, 12)));
        thing.set(back, "state", "spare").set(back, "owner", Value::Null);
    }
}

/// Servers, with their disks and swap. Encryption of the older ones is made up for, one rebuild after another.
pub fn servers(random: &mut Random, count: u32) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for number in 0..count {
        let name = format!("srv-{number:02}");
        let first = json!({
            "hostname": name, "os": "debian", "os_like": [], "os_version": "13", "os_name": "Debian GNU/Linux 13",
            "os_supported_until": moment(day(1_000)), "os_support_as_of": moment(day(0)), "kernel": "6.12.48",
            "architecture": "x86_64", "virtualization": "kvm", "container": Value::Null, "init": "systemd",
            "booted_at": moment(day(-3)),
        });
        things.push(Thing::new("host", name.clone(), first)?);
        let encrypted = number % 6 != 2;
        let lineage = json!([{"name": "vda2", "form": if encrypted { "luks2" } else { "ext4" }, "encrypted": encrypted}]);
        let rebuilt = day(random.between(30, 300));
        for (kind, key) in [("host.filesystem", format!("{name}:/")), ("host.swap", format!("{name}:swap"))] {
            let first = if kind == "host.swap" {
                json!({
                    "host": name, "path": "/dev/mapper/swap", "form": "partition", "active": true, "hibernation": false,
                    "size": 8_589_934_592_u64, "persistent": true, "encrypted": encrypted, "lineage": lineage,
                })
            } else {
                json!({
                    "host": name, "mount_point": "/", "device": "/dev/vda2", "device_number": "254:2", "type": "ext4",
                    "read_only": false, "persistent": true, "exempt": Value::Null, "encrypted": encrypted, "lineage": lineage,
                })
            };
            let mut thing = Thing::new(kind, key, first)?;
            if !encrypted {
                let luks = json!([{"name": "vda2", "form": "luks2", "encrypted": true}]);
                thing.set(rebuilt, "encrypted", true).set(rebuilt, "lineage", luks);
            }
            things.push(thing);
        }
    }
    Ok(things)
}

/// A report that a laptop kept until it was enrolled: it says on `received` what was so long before.
pub struct Late {
    pub received: Timestamp,
    pub observation: Observation,
}

/// Reports of early March that came in a month later: encryption had been off for five days, and nobody knew.
pub fn late(things: &[Thing]) -> Vec<Late> {
    let chosen = |number: u32| things.iter().find(|thing| thing.key == serial(number));
    UNENROLLED
        .into_iter()
        .filter_map(chosen)
        .flat_map(|thing| {
            // Their log has an entry every twelve hours.
            (0..12).map(|entry| {
                let at = hour(151, 8 + 12 * entry);
                let mended = at > hour(156, 18);
                let mut observation = thing.seen(at, at);
                observation.attributes.insert("disk_encrypted".to_owned(), Value::Bool(mended));
                let problem = if mended { Value::Null } else { Value::from("off") };
                observation.attributes.insert("encryption_problem".to_owned(), problem);
                Late { received: ENROLLED, observation }
            })
        })
        .collect()
}
