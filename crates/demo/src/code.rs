//! Repositories, their pipelines and scanners, and the weaknesses that these find.

use octro_model::{IdError, Span};
use serde_json::{Value, json};

use crate::random::Random;
use crate::thing::{DAYS, Thing, day, hour, moment};

const SCANNERS: [(&str, &str); 3] =
    [("dependencies", "build"), ("code", "pull_request"), ("secrets", "commit")];
const NAMES: [&str; 8] = ["api", "billing", "console", "exports", "gateway", "ledger", "mobile", "workers"];

/// The repositories' names, in their order.
fn name(number: u32) -> String {
    let base = NAMES.get(number as usize % NAMES.len()).copied().unwrap_or("api");
    format!("code-host/example/{base}-{number:03}")
}

/// Repositories, pipelines and scans.
pub fn repositories(random: &mut Random, count: u32) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for number in 0..count {
        let production = random.percent(60);
        let archived = random.percent(8);
        let protected = production && random.percent(93);
        let protection = json!({
            "pull_request": true, "approvals": 1, "stale_dismissed": true, "admins_bound": random.percent(90),
            "force_push": false, "checks": ["test"],
        });
        let first = json!({
            "name": name(number), "archived": archived, "public": false, "production": production,
            "default_branch": "main", "owner": if random.percent(95) { json!("team-core") } else { Value::Null },
            "pushed_at": moment(day(0)), "protection": if protected { protection.clone() } else { Value::Null },
            "secret_scanning": true, "push_protection": number % 5 != 0, "dependency_alerts": true,
        });
        let mut thing = Thing::new("repository", name(number), first)?;
        // Push protection is switched on for the whole organization in February.
        if number % 5 == 0 {
            thing.set(day(130), "push_protection", true);
        }
        if production {
            let whole = json!({
                "pull_request": true, "approvals": 1, "stale_dismissed": true, "admins_bound": true, "force_push": false,
                "checks": ["test"],
            });
            thing.mend(random, "protection", whole);
        }
        thing.mend(random, "owner", "team-core");
        things.push(thing);
        if archived {
            continue;
        }
        things.push(pipeline(random, number, production)?);
        for (scanner, stage) in SCANNERS {
            things.push(scan(random, number, scanner, stage)?);
        }
    }
    Ok(things)
}

fn pipeline(random: &mut Random, number: u32, production: bool) -> Result<Thing, IdError> {
    let modern = random.percent(70);
    let first = json!({
        "repository": name(number), "name": "release", "on_pull_request": true, "blocking": random.percent(90),
        "gates": ["secrets", "dependencies", "code"], "fails_open": false, "deploys": production,
        "steps_pinned": modern, "token_write": false, "static_cloud_keys": !modern,
    });
    let mut thing = Thing::new("pipeline", format!("{}:.ci/release.yml", name(number)), first)?;
    let gates = json!(["secrets", "dependencies", "code", "infrastructure", "image"]);
    thing.mend(random, "gates", gates).mend(random, "blocking", true);
    if !modern {
        let at = day(random.between(60, 360));
        thing.set(at, "steps_pinned", true).set(at, "static_cloud_keys", false);
    }
    Ok(thing)
}

fn scan(random: &mut Random, number: u32, scanner: &str, stage: &str) -> Result<Thing, IdError> {
    let data = if scanner == "dependencies" { moment(day(0)) } else { Value::Null };
    let first = json!({
        "repository": name(number), "stage": stage, "scanner": scanner, "tool": "scanner 4.2", "ran_at": moment(day(0)),
        "complete": true, "examined": random.between(40, 4_000), "data_at": data, "head": true,
    });
    let mut thing = Thing::new("scan", format!("{}|{stage}|{scanner}", name(number)), first)?;
    // Dependencies are scanned every day, the rest twice a week; sometimes a scanner is broken for weeks and nobody looks.
    let every = if scanner == "dependencies" { 1 } else { 4 };
    let broken = random.percent(6).then(|| random.between(20, DAYS - 20));
    for at in (0..DAYS).filter(|at| at % every == i64::from(number) % every) {
        if broken.is_none_or(|from| !(from..from + 14).contains(&at)) {
            let ran = hour(at, 3);
            thing.set(ran, "ran_at", moment(ran));
            if scanner == "dependencies" {
                thing.set(ran, "data_at", moment(ran.minus(Span::from_secs(7_200))));
            }
        }
    }
    Ok(thing)
}

/// What scanners found over the year.
pub fn vulnerabilities(random: &mut Random, count: u32, repositories: u32) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for number in 0..count {
        let found = hour(random.between(-20, DAYS - 2), random.between(0, 23));
        let (severity, days, score) = match random.below(20) {
            0 => ("critical", 7, 9.6),
            1..=5 => ("high", 30, 8.1),
            6..=14 => ("medium", 90, 5.9),
            _ => ("low", 180, 3.1),
        };
        let late = random.percent(14);
        let took = if late { random.between(days + 1, days * 2 + 6) } else { random.between(1, days) };
        let exploited = severity == "critical" && random.percent(40);
        let first = json!({
            "title": format!("{severity} weakness in package-{}", number % 90), "source": "dependencies",
            "repository": name(number % repositories.max(1)), "host": Value::Null, "package": format!("package-{}", number % 90),
            "aliases": [format!("CVE-2026-{:05}", 10_000 + number)], "severity": severity, "score": score,
            "exploited": exploited, "exploited_since": if exploited { moment(found) } else { Value::Null },
            "found_at": moment(found), "state": "open", "due": moment(found.plus(Span::from_secs(days * 86_400))),
            "fixed_version": "2.0.1", "owner": "team-core",
        });
        let fixed = found.plus(Span::from_secs(took * 86_400));
        let mut thing = Thing::new("vulnerability", format!("V-{number:05}"), first)?.born(found);
        thing.set(fixed, "state", "fixed");
        things.push(thing.gone(fixed.plus(Span::from_secs(60 * 86_400))));
    }
    Ok(things)
}
