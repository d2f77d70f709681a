//! The ten rules of the bucket benchmark over generated buckets: every verdict is counted, and so is what a source with
//! one permission less can still tell.

use serde_json::{Value, json};

use crate::sample::{compile_on, now, record};
use crate::{Expression, NoWorld, Record, Subject, Truth};

const ENCRYPTED: &str = "has(resource.encryption) && resource.encryption.rules.exists(x, x.sse in ['AES256','aws:kms','aws:kms:dsse'])";

fn rules() -> Vec<Expression> {
    let block = "has(resource.public_access_block) && resource.public_access_block.block_public_acls \
        && resource.public_access_block.ignore_public_acls && resource.public_access_block.block_public_policy \
        && resource.public_access_block.restrict_public_buckets";
    let versioned = "resource.versioning.status == 'Enabled'";
    let composite = format!("{ENCRYPTED} && !resource.public && {versioned}");
    let customer = "!(has(resource.tags.data_class) && resource.tags.data_class == 'customer') \
        || (has(resource.encryption) && resource.encryption.rules.exists(x, x.sse.startsWith('aws:kms') && has(x.kms_key_id)))";
    let tls = "has(resource.policy) && resource.policy.Statement.exists(s, s.Effect == 'Deny' && has(s.Condition) \
        && has(s.Condition.Bool) && 'aws:SecureTransport' in s.Condition.Bool && s.Condition.Bool['aws:SecureTransport'] == 'false')";
    let all = [
        ENCRYPTED,
        block,
        versioned,
        &composite,
        "has(resource.logging) && resource.logging.target_bucket != ''",
        customer,
        tls,
        "resource.name.startsWith('prod-') || resource.name.startsWith('dev-') || resource.name.startsWith('stg-')",
        "resource.region in ['eu-west-1','eu-central-1','us-east-1']",
        "has(resource.lifecycle) && resource.lifecycle.rules.all(x, x.enabled && x.days <= 365)",
    ];
    all.iter()
        .map(|text| compile_on("bucket", text).unwrap_or_else(|faults| panic!("{text}: {faults:?}")))
        .collect()
}

/// Bucket `n`: each feature cycles with its own period, so that every combination comes up and counts are exact.
fn bucket(n: usize) -> Value {
    let of = |choices: &[&str], by: usize| choices[n / by % choices.len()].to_owned();
    let sse = of(&["AES256", "aws:kms", "aws:kms:dsse"], 1);
    let key = if sse == "AES256" { Value::Null } else { json!(format!("key/{n}")) };
    let yes = |value: Value, holds: bool| if holds { value } else { Value::Null };
    let complete = n % 5 != 1;
    let statement = if n.is_multiple_of(2) {
        json!({"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}})
    } else {
        json!({"Effect": "Allow", "Action": "s3:GetObject"})
    };
    let days = [30, 90, 365, 3_650][n % 4];
    let tags = if n % 10 < 3 {
        json!({"data_class": of(&["customer", "internal"], 1), "team": "a"})
    } else {
        json!({})
    };
    json!({
        "name": format!("{}-{n}", of(&["prod", "dev", "stg", "tmp"], 1)),
        "account": format!("{:012}", n % 40),
        "region": of(&["eu-west-1", "eu-central-1", "us-east-1", "sa-east-1", "ap-south-1"], 1),
        "public": n.is_multiple_of(10),
        "encryption": yes(json!({"rules": [{"sse": sse, "kms_key_id": key}]}), n % 10 != 9),
        "public_access_block": yes(json!({"block_public_acls": true, "ignore_public_acls": true,
            "block_public_policy": complete, "restrict_public_buckets": complete}), n % 20 < 17),
        "versioning": {"status": of(&["Enabled", "Suspended"], 1)},
        "logging": yes(json!({"target_bucket": "logs", "prefix": "s3/"}), n % 10 < 6),
        "tags": tags,
        "policy": yes(json!({"Statement": [statement]}), n % 4 < 2),
        "lifecycle": yes(json!({"rules": [{"enabled": true, "days": days}]}), n % 10 < 7),
    })
}

fn count(rules: &[Expression], records: &[Record]) -> Vec<[usize; 3]> {
    rules
        .iter()
        .map(|rule| {
            let mut counts = [0; 3];
            for record in records {
                let answer = rule.truth(&Subject { record, key: "k" }, now(), &NoWorld);
                counts[match answer.truth {
                    Truth::True => 0,
                    Truth::False => 1,
                    Truth::Unknown => 2,
                }] += 1;
            }
            counts
        })
        .collect()
}

#[test]
fn the_ten_rules_count_as_a_reckoning_by_hand() {
    const COUNT: usize = 1_200;
    let records: Vec<Record> = (0..COUNT).map(|n| record("bucket", bucket(n))).collect();
    let all = |holds: fn(usize) -> bool| (0..COUNT).filter(|n| holds(*n)).count();
    let expected = [
        all(|n| n % 10 != 9),
        all(|n| n % 20 < 17 && n % 5 != 1),
        all(|n| n % 2 == 0),
        all(|n| n % 10 != 9 && n % 10 != 0 && n % 2 == 0),
        all(|n| n % 10 < 6),
        all(|n| !(n % 10 < 3 && n % 2 == 0) || (n % 10 != 9 && n % 3 != 0)),
        all(|n| n % 4 < 2 && n % 2 == 0),
        all(|n| n % 4 != 3),
        all(|n| n % 5 < 3),
        all(|n| n % 10 < 7 && n % 4 != 3),
    ];
    let rules = rules();
    for (number, (counts, expected)) in count(&rules, &records).iter().zip(expected).enumerate() {
        assert_eq!(*counts, [expected, COUNT - expected, 0], "rule {number}");
    }
    let mean = records.iter().map(Record::size).sum::<usize>() / COUNT;
    assert!(mean < 400, "{mean} bytes a record");
    // Without leave to read the encryption nothing passes for it, and nothing fails for it either.
    let denied: Vec<Record> = (0..COUNT)
        .map(|n| {
            let mut bucket = bucket(n);
            bucket["encryption"] = json!("?");
            record("bucket", bucket)
        })
        .collect();
    let counts = count(&rules, &denied);
    assert_eq!(counts[0], [0, 0, COUNT]);
    assert_eq!(counts[3][0], 0);
    assert_eq!(counts[3][1], all(|n| n % 10 == 0 || n % 2 != 0));
    assert_eq!(counts[5], [all(|n| !(n % 10 < 3 && n % 2 == 0)), 0, all(|n| n % 10 < 3 && n % 2 == 0)]);
}

#[test]
fn what_is_compiled_may_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Expression>();
    shared::<crate::Template>();
    shared::<crate::Kinds>();
    shared::<Record>();
}
