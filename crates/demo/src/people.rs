//! 300 people and a year of coming and going, their accounts in five applications, and what they learned.

use octro_model::{IdError, Span, Timestamp};
use serde_json::{Value, json};

use crate::random::Random;
use crate::thing::{DAYS, Thing, day, hour, moment};

const FIRST: [&str; 30] = [
    "Ada", "Ben", "Chiara", "David", "Elif", "Farid", "Grace", "Hana", "Ivan", "Jonas", "Keiko", "Lena",
    "Marco", "Nadia", "Omar", "Priya", "Quentin", "Rosa", "Sven", "Tariq", "Uma", "Viktor", "Wanda",
    "Ximena", "Yusuf", "Zoe", "Amir", "Bianca", "Carl", "Dilara",
];
const LAST: [&str; 20] = [
    "Almeida", "Berger", "Costa", "Dahl", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen",
    "Kowalski", "Lindt", "Moreau", "Novak", "Okafor", "Petrov", "Rossi", "Silva", "Tanaka", "Weber",
];
const DEPARTMENTS: [(&str, &str); 6] = [
    ("Engineering", "engineer"),
    ("Support", "support"),
    ("Finance", "finance"),
    ("Sales", "sales"),
    ("People", "people-ops"),
    ("Security", "engineer"),
];
/// The applications: id, title, critical, kind of sign-in, deprovisioning.
const APPS: [(&str, &str, bool, &str, &str); 5] = [
    ("code-host", "Code host", true, "sso", "automatic"),
    ("cloud-console", "Cloud console", true, "sso", "automatic"),
    ("chat", "Chat", false, "sso", "automatic"),
    ("crm", "Customer records", true, "sso", "manual"),
    ("design-board", "Design board", false, "password", "manual"),
];

/// When the last application moves to single sign-on.
const MOVED: Timestamp = day(250);

/// A person, as the other parts of the simulation need them.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: String,
    pub starts: Timestamp,
    pub ends: Option<Timestamp>,
    pub engineer: bool,
}

/// The people: how they look in the directory, and who they are.
pub fn people(random: &mut Random, count: u32) -> Result<(Vec<Thing>, Vec<Person>), IdError> {
    let mut things = Vec::new();
    let mut people = Vec::new();
    for number in 0..count {
        let id = format!("p{number:04}");
        let name = format!("{} {}", random.one(&FIRST), random.one(&LAST));
        let (department, role) = if random.percent(50) { DEPARTMENTS[0] } else { random.one(&DEPARTMENTS) };
        // One in five joins during the year, one in eight leaves.
        let joins = random.percent(20).then(|| random.between(5, DAYS - 10));
        let starts = hour(joins.unwrap_or_else(|| -random.between(30, 1_500)), 8);
        let earliest = joins.unwrap_or(0) + 30;
        let ends =
            (random.percent(12) && earliest < DAYS - 5).then(|| hour(random.between(earliest, DAYS - 3), 17));
        let administrator = number < 8;
        let kind = if random.percent(8) { "contractor" } else { "employee" };
        let first = json!({
            "name": name,
            "email": format!("{}.{number}@example.com", name.to_lowercase().replace(' ', ".")),
            "kind": kind,
            "employment": "active",
            "starts_at": moment(starts),
            "ends_at": Value::Null,
            "manager": if number == 0 { Value::Null } else { json!(format!("p{:04}", number / 12)) },
            "department": department,
            "roles": [role],
            "administrator": administrator,
            "factors": factors(random, number, administrator, starts),
        });
        let mut thing = Thing::new("person", id.clone(), first)?;
        if joins.is_some() {
            thing = thing.born(starts.minus(Span::from_secs(14 * 86_400)));
            thing.set(starts.minus(Span::from_secs(14 * 86_400)), "employment", "preboard");
            thing.set(starts, "employment", "active");
        }
        if let Some(ends) = ends {
            let told = ends.minus(Span::from_secs(20 * 86_400));
            thing.set(told, "ends_at", moment(ends)).set(ends, "employment", "ended");
        }
        // The old push factor is retired in two waves.
        if number % 9 == 4 {
            let wave = if number % 2 == 0 { 120 } else { 240 };
            let keys = json!([{"kind": "passkey", "synced": true, "enrolled_at": moment(day(wave))}]);
            thing.set(day(wave), "factors", keys);
        }
        things.push(thing);
        people.push(Person { id, starts, ends, engineer: role == "engineer" });
    }
    Ok((things, people))
}

fn factors(random: &mut Random, number: u32, administrator: bool, starts: Timestamp) -> Value {
    let enrolled = moment(starts.plus(Span::from_secs(3_600 * 4)));
    let key = |kind: &str, synced: bool| json!({"kind": kind, "synced": synced, "enrolled_at": enrolled});
    if administrator {
        // One administrator has only one key for most of the year: a finding that stays open.
        return if number == 5 {
            json!([key("security_key", false)])
        } else {
            json!([key("security_key", false), key("security_key", false)])
        };
    }
    if number % 9 == 4 {
        return json!([key("push", false)]);
    }
    if random.percent(60) { json!([key("passkey", true)]) } else { json!([key("platform", false)]) }
}

/// The applications and everybody's accounts in them.
pub fn accounts(random: &mut Random, people: &[Person]) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for (place, (app, title, critical, sign_in, deprovisioning)) in APPS.iter().enumerate() {
        let first = json!({
            "title": title,
            "owner": format!("p{place:04}"),
            "approver": format!("p{:04}", place + 1),
            "critical": critical,
            "sign_in": sign_in,
            "password_also": *app == "crm",
            "deprovisioning": deprovisioning,
            "enumerated_at": moment(day(0)),
            "review_every": Value::Null,
        });
        let mut thing = Thing::new("app", *app, first)?;
        for at in (0..DAYS).step_by(2) {
            thing.set(day(at), "enumerated_at", moment(day(at)));
        }
        if *app == "design-board" {
            thing.set(MOVED, "sign_in", "sso");
        }
        if *app == "crm" {
            thing.set(day(200), "password_also", false).set(day(260), "deprovisioning", "automatic");
        }
        things.push(thing);
        for person in people {
            if !matches!(*app, "code-host" | "cloud-console") || person.engineer {
                if *app != "chat" && !random.percent(55) {
                    continue;
                }
                things.push(account(random, app, *sign_in == "sso", *deprovisioning == "automatic", person)?);
            }
        }
    }
    Ok(things)
}

fn account(
    random: &mut Random,
    app: &str,
    sso: bool,
    automatic: bool,
    person: &Person,
) -> Result<Thing, IdError> {
    let first = json!({
        "app": app,
        "person": person.id,
        "user_name": person.id,
        "kind": "human",
        "state": "active",
        "administrator": false,
        "sso": sso,
        "factors": [],
        "created_at": moment(person.starts),
        "used_at": moment(person.starts),
        "disabled_at": Value::Null,
    });
    let mut thing = Thing::new("account", format!("{app}/{}", person.id), first)?.born(person.starts);
    let ends = person.ends.unwrap_or(Timestamp::MAX);
    if !sso {
        thing.set(MOVED, "sso", true);
    }
    let idle = random.percent(1);
    for at in (0..DAYS).step_by(20).map(day).filter(|at| *at > person.starts && *at < ends && !idle) {
        thing.set(at, "used_at", moment(at));
    }
    if person.ends.is_some() {
        // Where it is automatic, it takes minutes; by hand it takes days, and sometimes is forgotten for weeks.
        let after = match (automatic, random.percent(25)) {
            (true, _) => Span::from_secs(300),
            (false, false) => Span::from_secs(86_400 * random.between(1, 4)),
            (false, true) => Span::from_secs(86_400 * random.between(9, 40)),
        };
        let at = ends.plus(after);
        thing.set(at, "state", "disabled").set(at, "disabled_at", moment(at));
    }
    Ok(thing)
}

/// What people have to learn, and when they did.
pub fn learning(random: &mut Random, people: &[Person]) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for person in people {
        let joined = person.starts > day(0);
        let mut courses = vec![
            ("security-basics", "module", "awareness", true),
            ("live-security-hour", "live", "awareness", false),
        ];
        if person.engineer {
            courses.push(("secure-coding", "module", "secure_coding", true));
            courses.push(("live-secure-coding", "live", "secure_coding", false));
        }
        for (course, form, topic, onboarding) in courses {
            // The yearly cycle begins in January; those who join begin when they do.
            let assigned = if joined { person.starts } else { day(92) };
            let due = assigned.plus(Span::from_secs(30 * 86_400));
            let late = random.percent(12);
            let done = assigned.plus(Span::from_secs(
                86_400 * if late { random.between(31, 70) } else { random.between(1, 28) },
            ));
            let never = random.percent(2) || person.ends.is_some_and(|ends| ends < done);
            let first = json!({
                "person": person.id,
                "training": course,
                "form": form,
                "topic": topic,
                "onboarding": joined && onboarding,
                "assigned_at": moment(assigned),
                "due": moment(due),
                "completed_at": Value::Null,
                "score": Value::Null,
                "version": Value::Null,
            });
            let key = format!("{}/{course}/2026", person.id);
            let mut thing = Thing::new("training.assignment", key, first)?.born(assigned);
            if !never {
                thing.set(done, "completed_at", moment(done)).set(done, "version", "9f2c41");
                if form == "module" {
                    thing.set(done, "score", random.between(78, 100));
                }
            }
            things.push(thing);
            if !joined {
                // Last year's, so that the year does not begin with everybody untrained.
                let before = assigned.minus(Span::from_secs(350 * 86_400));
                let done = before.plus(Span::from_secs(86_400 * random.between(1, 28)));
                let first = json!({
                    "person": person.id, "training": course, "form": form, "topic": topic, "onboarding": false,
                    "assigned_at": moment(before), "due": moment(before.plus(Span::from_secs(30 * 86_400))),
                    "completed_at": moment(done), "score": if form == "module" { json!(90) } else { Value::Null },
                    "version": "77ab10",
                });
                if person.starts < assigned {
                    things.push(Thing::new(
                        "training.assignment",
                        format!("{}/{course}/2025", person.id),
                        first,
                    )?);
                }
            }
        }
        briefings(random, person, &mut things)?;
    }
    Ok(things)
}

/// A threat briefing every month.
fn briefings(random: &mut Random, person: &Person, things: &mut Vec<Thing>) -> Result<(), IdError> {
    for month in -1..13 {
        let assigned = day(month * 30 + 3).max(person.starts);
        if assigned > day(month * 30 + 33) || person.ends.is_some_and(|ends| ends < assigned) {
            continue;
        }
        let done = assigned.plus(Span::from_secs(86_400 * random.between(1, 11)));
        let first = json!({
            "person": person.id, "training": "threat-briefing", "form": "briefing", "topic": "threats", "onboarding": false,
            "assigned_at": moment(assigned), "due": moment(assigned.plus(Span::from_secs(30 * 86_400))),
            "completed_at": Value::Null, "score": Value::Null, "version": Value::Null,
        });
        let key = format!("{}/threat-briefing/{}", person.id, month + 2);
        let mut thing = Thing::new("training.assignment", key, first)?.born(assigned);
        thing.set(done, "completed_at", moment(done)).set(done, "version", "51d0be");
        things.push(thing);
    }
    Ok(())
}
