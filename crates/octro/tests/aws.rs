//! `octro check aws` on a prepared estate (`tests/labs/aws/estate.py`, in moto): the default program finds what was
//! prepared and nothing else; with the permissions of `octro source aws policy` everything works; and with each of them
//! taken away, nothing that needed it stays good.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects")]

#[path = "aws/terraform.rs"]
mod terraform;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;
use std::sync::Mutex;

use octro_testkit::{Gatekeeper, Moto};
use serde_json::Value;

const ROLE: &str = "arn:aws:iam::222233334444:role/OctroReads";

/// What is wrong in the estate: the test without `aws.`, and the names of what fails it.
const FAILS: &[(&str, &[&str])] = &[
    ("dax.cluster.encrypted", &["dax-clear"]),
    ("dynamodb.table.customer_key", &["table-default"]),
    ("dynamodb.table.recoverable", &["table-default"]),
    (
        "ebs.defaults.encrypted",
        &["123456789012/eu-west-1", "222233334444/us-east-1", "222233334444/eu-west-1"],
    ),
    ("ebs.snapshot.customer_key", &["snap-of-volume-clear"]),
    ("ebs.snapshot.encrypted", &["snap-of-volume-clear"]),
    ("ebs.snapshot.not_public", &["snap-of-volume-shared"]),
    ("ebs.volume.customer_key", &["volume-clear"]),
    ("ebs.volume.encrypted", &["volume-clear"]),
    ("ebs.volume.snapshots", &["volume-clear", "volume-shared"]),
    ("ecr.repository.customer_key", &["images/default"]),
    ("efs.filesystem.customer_key", &["share-clear"]),
    ("efs.filesystem.encrypted", &["share-clear"]),
    ("elasticache.group.customer_key", &["cache-clear"]),
    ("elasticache.group.encrypted", &["cache-clear"]),
    ("firehose.stream.encrypted", &["delivery-clear"]),
    ("iam.role.trust_closed", &["role/anyone"]),
    ("iam.user.phishing_resistant", &["123456789012:root", "222233334444:root", "user/ann", "user/bob"]),
    ("kinesis.stream.customer_key", &["stream-clear"]),
    ("kinesis.stream.encrypted", &["stream-clear"]),
    ("kms.key.not_ending", &["key-ending"]),
    ("kms.key.policy_closed", &["key-open"]),
    ("kms.key.rotated", &["key-still"]),
    ("kms.key.usable", &["key-disabled", "key-ending"]),
    ("logs.group.customer_key", &["/logs/default"]),
    ("memorydb.cluster.customer_key", &["memory-default"]),
    ("opensearch.domain.customer_key", &["search-clear"]),
    ("opensearch.domain.encrypted", &["search-clear"]),
    ("opensearch.domain.not_public", &["search-clear"]),
    ("rds.instance.backups", &["db-brief"]),
    ("rds.instance.classified", &["db-unclassified"]),
    ("rds.instance.customer_key", &["db-clear"]),
    ("rds.instance.encrypted", &["cluster-clear", "db-clear"]),
    ("rds.instance.not_public", &["db-open"]),
    ("rds.instance.snapshots", &["cluster-clear", "db-brief", "db-clear"]),
    ("rds.instance.tls_required", &["db-clear"]),
    ("rds.snapshot.customer_key", &["rds:db-clear-", "snap-of-clear"]),
    ("rds.snapshot.encrypted", &["rds:cluster-clear-", "rds:db-clear-", "snap-of-clear"]),
    ("rds.snapshot.not_public", &["snap-shared"]),
    ("redshift.cluster.customer_key", &["house-clear"]),
    ("redshift.cluster.encrypted", &["house-clear"]),
    ("redshift.cluster.not_public", &["house-open"]),
    ("s3.bucket.access_logged", &["acme-unlogged"]),
    ("s3.bucket.classified", &["acme-unclassified"]),
    ("s3.bucket.customer_key", &["acme-aes", "acme-disabled-key", "acme-ending-key"]),
    ("s3.bucket.not_public", &["acme-open-acl", "acme-open-policy"]),
    ("s3.bucket.public_access_blocked", &["acme-open-acl", "acme-open-policy", "acme-unblocked"]),
    ("s3.bucket.tls_only", &["acme-no-policy", "acme-tls-objects", "acme-tls-some"]),
    ("s3.bucket.versioned", &["acme-unversioned"]),
    ("secretsmanager.secret.customer_key", &["secret-default"]),
    (
        "security_group.admin_ports_closed",
        &["group-all", "group-halves", "group-prefixes", "group-ssh", "group-ssh-6"],
    ),
    ("security_group.default_empty", &["group-default"]),
    ("security_group.no_open_all", &["group-all"]),
    ("sns.topic.customer_key", &["topic-default"]),
    ("sns.topic.not_public", &["topic-open"]),
    ("sqs.queue.customer_key", &["queue-own"]),
    ("sqs.queue.encrypted", &["queue-abroad", "queue-clear", "queue-elsewhere"]),
    ("sqs.queue.not_public", &["queue-open"]),
    ("ssm.parameter.encrypted", &["parameter-clear"]),
];

/// What cannot be known of it: nobody classified it, the key is in another account, or moto does not tell.
const UNKNOWNS: &[(&str, &[&str])] = &[
    ("dynamodb.table.customer_key", &["table-unclassified"]),
    ("dynamodb.table.recoverable", &["table-unclassified"]),
    ("ebs.snapshot.customer_key", &["snap-of-volume-good"]),
    ("rds.instance.backups", &["db-unclassified"]),
    ("rds.instance.customer_key", &["db-unclassified"]),
    (
        "rds.instance.supported",
        &["cluster-good", "cluster-clear", "db-good", "db-clear", "db-open", "db-unclassified", "db-brief"],
    ),
    (
        "rds.instance.tls_required",
        &["cluster-clear", "cluster-good", "db-brief", "db-open", "db-unclassified"],
    ),
    ("rds.snapshot.customer_key", &["rds:db-unclassified-"]),
    ("s3.bucket.access_logged", &["acme-unclassified"]),
    ("s3.bucket.customer_key", &["acme-foreign-key", "acme-unclassified"]),
    ("s3.bucket.versioned", &["acme-unclassified"]),
    ("ssm.parameter.customer_key", &["parameter/parameter/default"]),
];

/// Permissions that change no verdict on this estate when they are missing, and why.
const WITHOUT_VERDICT: &[(&str, &str)] = &[
    ("dax:ListTags", "no test of DAX asks what it holds"),
    ("ec2:DescribeRegions", "the settings name the regions, and say that the others are unused"),
    ("ec2:DescribeRouteTables", "no test asks whether a group can be reached from the internet"),
    ("ec2:GetEbsDefaultKmsKeyId", "no test asks for the key; moto does not know the call"),
    ("elasticache:DescribeCacheClusters", "the test fails as a whole in any case; the gap is told"),
    ("iam:ListVirtualMFADevices", "the root user has no factor at all"),
    ("rds:DescribeDBClusterParameters", "moto has no parameters of clusters: they are unknown in any case"),
    (
        "rds:DescribeDBMajorEngineVersions",
        "moto does not know the call: its attribute is unknown in any case",
    ),
    ("s3:GetBucketObjectLockConfiguration", "no test asks for it"),
];

type Verdicts = BTreeMap<(String, String), (String, String)>;

struct Estate {
    moto: Moto,
    /// What the service numbered, and its name in the estate.
    names: BTreeMap<String, String>,
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
        let names = made.into_iter().map(|(name, id)| (id, name)).collect();
        Self { moto, names }
    }

    /// Looks and judges, with these permissions.
    fn check(&self, kinds: &[&str], allowed: BTreeSet<String>) -> (Verdicts, String, Gatekeeper) {
        let keeper = Gatekeeper::start(self.moto.port, Some(allowed)).unwrap();
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
    let actions = policy["Statement"][0]["Action"].as_array().unwrap().iter();
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
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
