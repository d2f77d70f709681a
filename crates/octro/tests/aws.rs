//! `octro check aws` on a prepared estate (`tests/labs/aws/estate.py`, in moto): the default program finds what was
//! prepared and nothing else; with the permissions of `octro source aws policy` everything works; and with each of them
//! taken away, nothing that needed it stays good.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

#[path = "aws/expected.rs"]
mod expected;
#[path = "aws/terraform.rs"]
mod terraform;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Mutex;

use expected::{FAILS, UNKNOWNS, WITHOUT_VERDICT};
use octro_testkit::{Gatekeeper, Moto, Recorded};
use serde_json::Value;

const ROLE: &str = "arn:aws:iam::222233334444:role/OctroReads";

type Verdicts = BTreeMap<(String, String), (String, String)>;

struct Estate {
    moto: Moto,
    /// What the service numbered, and its name in the estate.
    names: BTreeMap<String, String>,
    /// What services answer that moto does not have.
    recorded: Vec<Recorded>,
}

impl Estate {
    fn prepare() -> Self {
        let moto = Moto::start().unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/labs/aws/estate.py");
        let ran = environment(
            Command::new(Moto::python().unwrap()).arg(script),
            &format!("http://127.0.0.1:{}", moto.port),
        )
        .output()
        .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let made: BTreeMap<String, String> = serde_json::from_slice(&ran.stdout).unwrap();
        let recorded = recorded(&made);
        let names = made.into_iter().map(|(name, id)| (id, name)).collect();
        Self { moto, names, recorded }
    }

    /// Looks and judges, with these permissions.
    fn check(&self, kinds: &[&str], allowed: BTreeSet<String>) -> (Verdicts, String, Gatekeeper) {
        let keeper = Gatekeeper::with(self.moto.port, Some(allowed), self.recorded.clone()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("octro.toml");
        let text = format!(
            "[[source]]\nid = 'aws'\ntype = 'aws'\nevery = '1h'\nregions = ['us-east-1', 'eu-west-1']\n\
             other_regions = 'unused'\nattempts = 1\nexternal_id = 'of us'\nroles = ['own', '{ROLE}']\nkinds = {kinds:?}\n"
        );
        std::fs::write(&config, text).unwrap();
        let ran =
            environment(Command::new(env!("CARGO_BIN_EXE_octro")).current_dir(folder.path()), &keeper.url)
                .args(["check", "aws", "--format", "json", "--config"])
                .arg(&config)
                .output()
                .unwrap();
        // Something fails, or is unknown.
        assert!(matches!(ran.status.code(), Some(1 | 3)), "{}", String::from_utf8_lossy(&ran.stderr));
        let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let mut verdicts = Verdicts::new();
        for result in found["results"].as_array().unwrap() {
            let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
            let kind = text("kind");
            if !kind.starts_with("aws.") || !(kinds.is_empty() || kinds.contains(&kind.as_str())) {
                continue;
            }
            let mut resource = text("resource");
            for (id, name) in &self.names {
                resource = resource.replace(id, name);
            }
            verdicts.insert((text("test"), resource), (text("status"), text("reason")));
        }
        let told = format!("{} {} {}", found["errors"], found["scopes"], found["results"]);
        (verdicts, told, keeper)
    }
}

/// The answers in `tests/labs/aws/recorded.json`, in which keys are named as the estate names them.
fn recorded(made: &BTreeMap<String, String>) -> Vec<Recorded> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/labs/aws/recorded.json");
    let mut text = std::fs::read_to_string(file).unwrap();
    for (name, id) in made {
        text = text.replace(&format!("{{{name}}}"), id);
    }
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of = |one: &Value| Recorded {
        permission: one["permission"].as_str().unwrap().to_owned(),
        when: one["when"].as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect(),
        body: one["body"].as_str().map_or_else(|| one["body"].to_string(), str::to_owned),
    };
    all.iter().map(of).collect()
}

fn environment<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

/// What the policy of these kinds allows; of all kinds if there are none.
fn policy(kinds: &[&str]) -> BTreeSet<String> {
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .args(["source", "aws", "policy"])
        .args(kinds)
        .output()
        .unwrap();
    let policy: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements
        .flat_map(|one| one["Action"].as_array().cloned().unwrap_or_else(|| vec![one["Action"].clone()]));
    // Where services are offered is asked only if one does not answer.
    let actions = actions.map(|action| action.as_str().unwrap().to_owned());
    actions.filter(|action| action != "ssm:GetParametersByPath").collect()
}

fn with_role(mut allowed: BTreeSet<String>) -> BTreeSet<String> {
    // Whom the role lets in is not of the policy that the role has.
    allowed.insert("sts:AssumeRole".to_owned());
    allowed
}

#[test]
fn the_estate_is_judged_as_it_is_and_never_better_than_it_could_be_seen() {
    let estate = Estate::prepare();
    let all = policy(&[]);
    let (verdicts, told, keeper) = estate.check(&[], with_role(all.clone()));
    expect(&verdicts, "fail", FAILS);
    expect(&verdicts, "unknown", UNKNOWNS);
    assert!(!told.contains("denied"), "the policy is too narrow: {told}");
    let asked: BTreeSet<String> = keeper.seen().into_keys().filter(|one| !one.starts_with("sts:")).collect();
    let idle: Vec<&String> = all.difference(&asked).collect();
    assert!(idle.is_empty(), "the policy is too wide: {idle:?}");

    the_paths_are_told(&estate, &verdicts);
    a_token_of_a_cluster_is_enough(&estate);
    terraform::the_plan_is_judged_like_the_estate(&verdicts);

    // Each permission that is taken away, and the kinds that need it; four at a time.
    let kinds: BTreeSet<&str> =
        verdicts.keys().filter_map(|(test, _)| test.rsplit_once('.')).map(|(kind, _)| kind).collect();
    let needs: BTreeMap<&str, BTreeSet<String>> = kinds.iter().map(|kind| (*kind, policy(&[kind]))).collect();
    let left = Mutex::new(all.iter().collect::<Vec<_>>());
    let wrong = Mutex::new(String::new());
    let next = || left.lock().unwrap().pop();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(permission) = next() {
                    let found = take_away(&estate, permission, &needs, &verdicts, &all);
                    wrong.lock().unwrap().push_str(&found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong}");
}

/// A verdict says by which path, and nothing that only looks open fails.
fn the_paths_are_told(estate: &Estate, verdicts: &Verdicts) {
    let reason = |test: &str, end: &str| {
        let found = verdicts.iter().find(|((of, resource), _)| of == test && resource.ends_with(end));
        let (_, (status, reason)) = found.unwrap_or_else(|| panic!("{test} {end}"));
        let mut reason = reason.clone();
        for (id, name) in &estate.names {
            reason = reason.replace(id, name);
        }
        (status.clone(), reason)
    };
    for (test, end, path) in [
        (
            "aws.ec2.instance.admin_unreachable",
            "machine-bastion",
            "internet -> net-gateway -> machine-bastion:22",
        ),
        (
            "aws.ec2.interface.admin_unreachable",
            "interface-open",
            "internet -> net-gateway -> interface-open:3389",
        ),
        ("aws.rds.instance.unreachable", "db-open", "internet -> net-gateway -> rds db-open:5432"),
        (
            "aws.rds.instance.not_behind_public_machine",
            "db-brief",
            "internet -> net-gateway -> machine-bastion -> rds db-brief:5432",
        ),
    ] {
        let (status, reason) = reason(test, end);
        assert!(status == "fail" && reason.contains(path), "{test} {end}: {status} {reason}");
    }
    for (test, end) in [
        // No route, a network ACL that lets no answer out, no public address.
        ("aws.ec2.instance.admin_unreachable", "machine-unrouted"),
        ("aws.ec2.instance.admin_unreachable", "machine-filtered"),
        ("aws.ec2.instance.admin_unreachable", "machine-app"),
        ("aws.rds.instance.unreachable", "db-unrouted"),
        // Behind a load balancer, as it should be.
        ("aws.rds.instance.not_behind_public_machine", "db-good"),
    ] {
        assert_eq!(reason(test, end).0, "pass", "{test} {end}");
    }
}

/// Without any keys: a token is exchanged for those of a role, in the other account.
fn a_token_of_a_cluster_is_enough(estate: &Estate) {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "a.b.c\n").unwrap();
    let config = folder.path().join("octro.toml");
    let text = "[[source]]\nid = 'aws'\ntype = 'aws'\nevery = '1h'\nkinds = ['aws.sqs.queue']\nregions = ['eu-west-1']\nother_regions = 'unused'\n";
    std::fs::write(&config, text).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", estate.moto.port))
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .env("AWS_ROLE_ARN", ROLE)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["check", "aws", "aws.sqs.queue.encrypted", "--format", "json", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{found:#}");
    let mut resources =
        found["results"].as_array().unwrap().iter().filter_map(|one| one["resource"].as_str());
    assert_eq!(resources.next(), Some("arn:aws:sqs:eu-west-1:222233334444:queue-elsewhere"), "{found:#}");
}

/// Takes one permission away, and compares.
fn take_away(
    estate: &Estate,
    permission: &str,
    needs: &BTreeMap<&str, BTreeSet<String>>,
    before: &Verdicts,
    all: &BTreeSet<String>,
) -> String {
    let mut kinds: Vec<&str> =
        needs.iter().filter(|(_, needs)| needs.contains(permission)).map(|(kind, _)| *kind).collect();
    // A source that reads less covers less: only the whole of it says which services nobody reads.
    kinds.retain(|kind| *kind != "aws.service" || permission == "tag:GetResources");
    // Keys and what they protect are judged together.
    if !kinds.contains(&"aws.kms.key") {
        kinds.push("aws.kms.key");
    }
    let mut allowed = with_role(all.clone());
    allowed.remove(permission);
    let (after, told, _) = estate.check(&kinds, allowed);
    let mut wrong = String::new();
    let mut changed = 0;
    for ((test, resource), (status, _)) in before {
        let kind = test.rsplit_once('.').unwrap().0;
        // Whether something uses a key is asked of kinds that are not read here.
        let asks_others = test.ends_with(".usable") || test.ends_with(".not_ending");
        if !kinds.contains(&kind) || asks_others && !permission.starts_with("kms:") {
            continue;
        }
        let (now, may) = match after.get(&(test.clone(), resource.clone())) {
            Some((now, _)) => (now.as_str(), now == "unknown"),
            // What was not enumerated has no verdict, and the whole test is not good.
            None => {
                let whole = after[&(test.clone(), String::new())].0.as_str();
                (whole, matches!(whole, "unknown" | "fail"))
            }
        };
        if now == status && !resource.is_empty() && after.contains_key(&(test.clone(), resource.clone())) {
            continue;
        }
        changed += u32::from(now != status || !resource.is_empty());
        if now != status && !may {
            writeln!(wrong, "without {permission}: {test} {resource}: {status} -> {now}").unwrap();
        }
    }
    let idle = WITHOUT_VERDICT.iter().any(|(known, _)| *known == permission);
    if (changed == 0) != idle {
        writeln!(wrong, "without {permission}, {changed} verdicts changed").unwrap();
    }
    if changed > 0 && !told.contains(permission) {
        writeln!(wrong, "nothing names {permission}").unwrap();
    }
    wrong
}

/// The verdicts of a status are these and no others.
fn expect(verdicts: &Verdicts, status: &str, expected: &[(&str, &[&str])]) {
    let mut wrong = String::new();
    let found = verdicts.iter().filter(|((_, resource), (now, _))| now == status && !resource.is_empty());
    let mut met = BTreeSet::new();
    for ((test, resource), (_, reason)) in found {
        let names = expected
            .iter()
            .find(|(of, _)| test.strip_prefix("aws.") == Some(of))
            .map_or(&[][..], |(_, names)| *names);
        match names
            .iter()
            .find(|name| resource.ends_with(*name) || name.ends_with('-') && resource.contains(*name))
            .or_else(|| names.iter().find(|name| resource.contains(*name)))
        {
            Some(name) => {
                met.insert((test.clone(), (*name).to_owned()));
            }
            None => writeln!(wrong, "{status} too much: {test} {resource}: {reason}").unwrap(),
        }
    }
    for (test, names) in expected {
        for name in *names {
            if !met.contains(&(format!("aws.{test}"), (*name).to_owned())) {
                writeln!(wrong, "{status} missing: {test} {name}").unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
