//! 2,000 cloud resources in three accounts: keys, buckets, databases, volumes, tables, users, security groups.

use octro_model::{IdError, UnknownReason, Why};
use serde_json::{Value, json};

use crate::random::Random;
use crate::thing::{DAYS, Thing, day, hour, moment};
use crate::ways;

const ACCOUNTS: [&str; 3] = ["111111111111", "222222222222", "333333333333"];
const REGIONS: [&str; 2] = ["eu-central-1", "eu-west-1"];

/// What the company has none of.
pub const NONE_OF: &[&str] = &[
    "aws.apigateway.domain",
    "aws.backup.recovery_point",
    "aws.backup.vault",
    "aws.cloudfront.distribution",
    "aws.dax.cluster",
    "aws.ebs.defaults",
    "aws.ebs.snapshot",
    "aws.ec2.interface",
    "aws.ecr.repository",
    "aws.efs.filesystem",
    "aws.elasticache.group",
    "aws.elasticache.serverless",
    "aws.firehose.stream",
    "aws.fsx.filesystem",
    "aws.iam.role",
    "aws.keyspaces.table",
    "aws.kinesis.stream",
    "aws.logs.group",
    "aws.memorydb.cluster",
    "aws.msk.cluster",
    "aws.network_acl",
    "aws.opensearch.domain",
    "aws.opensearch_serverless.collection",
    "aws.rds.snapshot",
    "aws.redshift.cluster",
    "aws.redshift_serverless.namespace",
    "aws.secretsmanager.secret",
    "aws.service",
    "aws.sns.topic",
    "aws.sqs.queue",
    "aws.ssm.parameter",
    "aws.timestream.database",
];

struct Place {
    account: &'static str,
    region: &'static str,
}

impl Place {
    fn any(random: &mut Random) -> Self {
        Self { account: random.one(&ACCOUNTS), region: random.one(&REGIONS) }
    }

    fn scope(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    fn key_arn(&self, number: i64) -> String {
        format!("arn:aws:kms:{}:{}:key/{number:04}", self.region, self.account)
    }
}

/// The keys of every place.
const KEYS: i64 = 10;

/// All of it; `count` is about how many resources there are.
pub fn cloud(random: &mut Random, count: u32) -> Result<Vec<Thing>, IdError> {
    let share = |percent: u32| count * percent / 100;
    let mut things = Vec::new();
    for number in 0..share(20) {
        things.push(bucket(random, number)?);
    }
    for number in 0..share(8) {
        things.push(instance(random, number)?);
    }
    for number in 0..share(40) {
        things.push(volume(random, number)?);
    }
    for number in 0..share(5) {
        things.push(table(random, number)?);
    }
    for number in 0..share(15) {
        things.push(group(random, number)?);
    }
    for number in 0..share(9) {
        things.push(user(random, number)?);
    }
    things.extend(ways::ways()?);
    Ok(things)
}

/// The keys that protect the rest.
pub fn keys(random: &mut Random) -> Result<Vec<Thing>, IdError> {
    let mut things = Vec::new();
    for account in ACCOUNTS {
        for region in REGIONS {
            let place = Place { account, region };
            for number in 0..KEYS {
                let rotated = random.percent(85);
                let first = json!({
                    "account": account, "region": region, "aliases": [format!("alias/data-{number}")],
                    "manager": "customer", "enabled": true, "state": "enabled", "deletion_at": Value::Null,
                    "spec": "symmetric", "origin": "kms", "rotation": rotated,
                    "rotation_period": if rotated { json!("365d") } else { Value::Null },
                    "policy_open": false, "grants": [],
                });
                let mut thing =
                    Thing::new("aws.kms.key", place.key_arn(number), first)?.within(place.scope());
                if !rotated {
                    thing.set(day(210), "rotation", true).set(day(210), "rotation_period", "365d");
                }
                if account == ACCOUNTS[1] && region == REGIONS[0] && number == 3 {
                    // A key in use is scheduled for deletion one evening, and saved the next morning.
                    thing.spell(hour(133, 18), hour(134, 9), "deletion_at", moment(day(163)));
                    thing.spell(hour(133, 18), hour(134, 9), "state", "pending_deletion");
                    thing.spell(hour(133, 18), hour(134, 9), "enabled", false);
                }
                if account == ACCOUNTS[2] {
                    // The role lost a permission in a clean-up: for eleven days nobody could say.
                    let denied = || UnknownReason::new(Why::Denied, "kms:GetKeyPolicy");
                    thing.hide(hour(290, 14), hour(301, 10), "policy_open", denied());
                }
                things.push(thing);
            }
        }
    }
    Ok(things)
}

fn class(random: &mut Random) -> Value {
    match random.below(20) {
        0..=5 => json!("customer"),
        6..=7 => json!("personal"),
        8..=17 => json!("internal"),
        18 => json!("public"),
        _ => Value::Null,
    }
}

fn bucket(random: &mut Random, number: u32) -> Result<Thing, IdError> {
    let place = Place::any(random);
    let name = format!("{}-{number:04}", random.one(&["assets", "backup", "exports", "logs", "uploads"]));
    let class = class(random);
    let sensitive = class == "customer" || class == "personal";
    let kms = sensitive && random.percent(94) || random.percent(30);
    let key = if kms { json!(place.key_arn(random.between(0, KEYS - 1))) } else { Value::Null };
    let public = class == "public";
    let block =
        json!({"block_acls": !public, "ignore_acls": !public, "block_policy": !public, "restrict": !public});
    let first = json!({
        "name": name, "account": place.account, "region": place.region, "data_class": class,
        "encryption": if kms { "aws:kms" } else { "AES256" }, "kms_key_id": key, "bucket_key": kms,
        "versioning": if random.percent(90) { "enabled" } else { "suspended" }, "object_lock": false,
        "public_block": block, "policy_public": public, "acl_public": false,
        "tls_only": if random.percent(82) { json!(true) } else { json!(false) },
        "access_log": if random.percent(70) { json!(format!("access-logs-{}", place.account)) } else { Value::Null },
    });
    let mut thing = Thing::new("aws.s3.bucket", format!("arn:aws:s3:::{name}"), first)?.within(place.scope());
    if number % 97 == 12 && !public {
        // A policy that let everybody in, for some hours of an afternoon.
        let from = random.between(30, DAYS - 30);
        thing.spell(hour(from, 13), hour(from, 19), "policy_public", true);
    }
    if class.is_null() {
        // Somebody classifies it in the end.
        thing.set(day(random.between(60, 340)), "data_class", "internal");
    }
    if random.percent(99) {
        thing.mend(random, "tls_only", true).mend(random, "versioning", "enabled");
    }
    thing.mend(random, "access_log", format!("access-logs-{}", place.account));
    if sensitive {
        let key = place.key_arn(random.between(0, KEYS - 1));
        let at = day(random.between(60, 320));
        thing.set(at, "kms_key_id", key).set(at, "encryption", "aws:kms");
    }
    Ok(thing)
}

fn instance(random: &mut Random, number: u32) -> Result<Thing, IdError> {
    let place = Place::any(random);
    let class = class(random);
    let customer = class == "customer";
    let key = json!(place.key_arn(random.between(0, KEYS - 1)));
    let encrypted = random.percent(97);
    let first = json!({
        "name": format!("db-{number:03}"), "account": place.account, "region": place.region, "data_class": class,
        "engine": "postgres", "engine_version": "16.4",
        "engine_end_of_life_at": if random.percent(6) { moment(day(250)) } else { moment(day(1_100)) },
        "storage_encrypted": encrypted, "kms_key_id": if encrypted { key } else { Value::Null },
        "snapshots_clear": 0, "snapshots_public": 0, "public": false, "tls_required": random.percent(90),
        "backup_retention": "14d", "latest_restorable_at": moment(day(0)), "deletion_protection": true,
        "auto_minor_upgrade": true, "exposure": ways::to_database(number), "exposure_complete": true,
        "shield": ways::SHIELD,
    });
    let arn = format!("arn:aws:rds:{}:{}:db:db-{number:03}", place.region, place.account);
    let mut thing = Thing::new("aws.rds.instance", arn, first)?.within(place.scope());
    if customer {
        for at in (0..DAYS).flat_map(|at| [hour(at, 0), hour(at, 12)]) {
            thing.set(at, "latest_restorable_at", moment(at));
        }
    }
    if number == 17 {
        thing.spell(hour(222, 9), hour(223, 16), "public", true);
    }
    thing.mend(random, "tls_required", true).mend(random, "engine_end_of_life_at", moment(day(1_100)));
    if !encrypted {
        // Encryption is chosen when a database is made: it was made anew.
        let at = day(random.between(60, 320));
        let key = place.key_arn(random.between(0, KEYS - 1));
        thing.set(at, "storage_encrypted", true).set(at, "kms_key_id", key);
    }
    if class.is_null() {
        thing.mend(random, "data_class", "internal");
    }
    Ok(thing)
}

fn volume(random: &mut Random, number: u32) -> Result<Thing, IdError> {
    let place = Place::any(random);
    let encrypted = random.percent(98);
    let key = json!(place.key_arn(random.between(0, KEYS - 1)));
    let first = json!({
        "account": place.account, "region": place.region, "data_class": class(random), "encrypted": encrypted,
        "kms_key_id": if encrypted { key } else { Value::Null },
        "attached_to": if random.percent(90) { json!(format!("i-{number:05}")) } else { Value::Null },
        "size": random.between(1, 50) << 33, "snapshots_clear": if encrypted { 0 } else { 2 }, "snapshots_public": 0,
    });
    let arn = format!("arn:aws:ec2:{}:{}:volume/vol-{number:05}", place.region, place.account);
    let mut thing = Thing::new("aws.ebs.volume", arn, first)?.within(place.scope());
    // Volumes come and go; those without encryption are copied into new ones.
    if !encrypted {
        thing = thing.gone(day(random.between(40, 330)));
    } else if random.percent(20) {
        let from = random.between(1, DAYS - 20);
        thing = thing.born(day(from)).gone(day(from + random.between(5, 400)));
    }
    Ok(thing)
}

fn table(random: &mut Random, number: u32) -> Result<Thing, IdError> {
    let place = Place::any(random);
    let class = class(random);
    let owned = (class == "customer" || class == "personal") && random.percent(90);
    let first = json!({
        "name": format!("table-{number:03}"), "account": place.account, "region": place.region, "data_class": class,
        "kms_key_id": if owned { json!(place.key_arn(random.between(0, KEYS - 1))) } else { Value::Null },
        "point_in_time_recovery": random.percent(88), "deletion_protection": random.percent(92),
    });
    let arn = format!("arn:aws:dynamodb:{}:{}:table/table-{number:03}", place.region, place.account);
    let mut thing = Thing::new("aws.dynamodb.table", arn, first)?.within(place.scope());
    thing.mend(random, "point_in_time_recovery", true).mend(random, "deletion_protection", true);
    if class == "customer" || class == "personal" {
        let key = place.key_arn(random.between(0, KEYS - 1));
        thing.mend(random, "kms_key_id", key);
    }
    Ok(thing)
}

fn group(random: &mut Random, number: u32) -> Result<Thing, IdError> {
    let place = Place::any(random);
    let web = json!({"protocol": "tcp", "from_port": 443, "to_port": 443, "source": "0.0.0.0/0", "world": true, "note": "web"});
    let inner = json!({"protocol": "tcp", "from_port": 5432, "to_port": 5432, "source": "10.0.0.0/8", "world": false, "note": Value::Null});
    let public = random.percent(20);
    let default = number.is_multiple_of(25);
    let ingress = if default {
        json!([])
    } else if public {
        json!([web, inner])
    } else {
        json!([inner])
    };
    let first = json!({
        "name": if default { "default".to_owned() } else { format!("sg-{number:04}") }, "account": place.account,
        "region": place.region, "vpc": format!("vpc-{}", number % 6), "default": default, "attached": random.percent(85),
        "public": public, "ingress": ingress,
    });
    let arn = format!("arn:aws:ec2:{}:{}:security-group/sg-{number:04}", place.region, place.account);
    let mut thing = Thing::new("aws.security_group", arn, first)?.within(place.scope());
    if number % 83 == 7 {
        // "Only for a minute", said the note.
        let ssh = json!({"protocol": "tcp", "from_port": 22, "to_port": 22, "source": "0.0.0.0/0", "world": true, "note": "debugging, only for a minute"});
        let from = random.between(10, DAYS - 10);
        thing.spell(hour(from, 16), hour(from + random.between(0, 3), 22), "ingress", json!([ssh, inner]));
    }
    Ok(thing)
}

fn user(random: &mut Random, number: u32) -> Result<Thing, IdError> {
    let account = random.one(&ACCOUNTS);
    let root = number < 3;
    let account = if root { ACCOUNTS.get(number as usize).copied().unwrap_or(account) } else { account };
    let console = root || random.percent(10);
    let made = random.between(-400, 20);
    let keys = if root || random.percent(50) {
        json!([])
    } else {
        json!([{"id": format!("AKIA{number:08}"), "active": true, "created_at": moment(day(made)), "used_at": moment(day(made + 1))}])
    };
    let factor = if root || random.percent(70) { "security_key" } else { "totp" };
    let first = json!({
        "name": if root { "root".to_owned() } else { format!("machine-{number:03}") }, "account": account, "root": root,
        "person": Value::Null, "console": console, "mfa": console,
        "factors": if console { json!([factor]) } else { json!([]) }, "keys": keys, "administrator": root,
    });
    let name = if root { "root".to_owned() } else { format!("user/machine-{number:03}") };
    let mut thing = Thing::new("aws.iam.user", format!("arn:aws:iam::{account}:{name}"), first)?
        .within(format!("{account}/global"));
    if console {
        thing.mend(random, "factors", json!(["security_key"]));
    }
    // The clean-up of long-lived keys, in spring; one machine still has its own.
    if number != 42 {
        thing.set(day(random.between(170, 230)), "keys", json!([]));
    }
    Ok(thing)
}
