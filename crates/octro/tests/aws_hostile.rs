//! `octro check aws` when the service is overrun, the clock is wrong, a region is off, or answers are huge, twisted or
//! damaged: never a pass that was not seen, never a hang, never a panic.

use std::sync::atomic::{AtomicU64, Ordering};

use octro_testkit::Chance;
use serde_json::Value;

mod support;

use support::answers::{Answer, REGIONS, WHO, check, nothing_is_good, scope};

const BUCKETS: &str = "<ListAllMyBucketsResult><Buckets><Bucket><Name>one</Name><BucketRegion>eu-central-1</BucketRegion></Bucket></Buckets></ListAllMyBucketsResult>";

#[test]
fn a_wrong_clock_is_named() {
    let answer: Answer = |_| {
        (403, "<ErrorResponse><Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message></Error></ErrorResponse>".to_owned())
    };
    let found = check(answer, "kinds = ['aws.sqs.queue']");
    nothing_is_good(&found, "aws.sqs.queue");
    let reason = &scope(&found, "aws.sqs.queue", "own/all")["reason"];
    assert!(reason["detail"].as_str().unwrap().contains("the clock of this machine is wrong"), "{reason}");
}

#[test]
fn a_storm_of_throttling_ends_as_unknown() {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let answer: Answer = |asked| {
        let first = asked.lines().next().unwrap_or_default();
        if asked.contains("GetCallerIdentity") {
            (200, WHO.to_owned())
        } else if first.starts_with("GET /?") {
            let one = |n: u32| {
                format!("<Bucket><Name>bucket-{n}</Name><BucketRegion>eu-central-1</BucketRegion></Bucket>")
            };
            let all: String = (0..20).map(one).collect();
            (200, format!("<ListAllMyBucketsResult><Buckets>{all}</Buckets></ListAllMyBucketsResult>"))
        } else {
            ASKED.fetch_add(1, Ordering::Relaxed);
            (503, "<Error><Code>SlowDown</Code><Message>reduce your rate</Message></Error>".to_owned())
        }
    };
    let found = check(answer, "kinds = ['aws.s3.bucket']");
    nothing_is_good(&found, "aws.s3.bucket");
    let results = found["results"].as_array().unwrap();
    let of_one = results.iter().find(|one| one["resource"].is_string()).unwrap();
    assert!(of_one["reason"].as_str().unwrap().contains("throttled"), "{of_one}");
    assert!(found["errors"].to_string().contains("lower `connections`"), "{}", found["errors"]);
    // Each call is made twice, as the settings say, and not without end.
    let asked = ASKED.load(Ordering::Relaxed);
    assert!(asked <= 20 * 12 * 2 + 50, "{asked} calls");
}

#[test]
fn a_region_that_is_off_is_a_gap_and_the_others_are_judged() {
    let answer: Answer = |asked| {
        let body = if asked.contains("GetCallerIdentity") {
            WHO
        } else if asked.contains("DescribeRegions") {
            REGIONS
        } else if asked.contains("/eu-west-1/") {
            return (
                400,
                "{\"__type\":\"UnrecognizedClientException\",\"message\":\"The security token is invalid.\"}"
                    .to_owned(),
            );
        } else {
            "{\"QueueUrls\":[]}"
        };
        (200, body.to_owned())
    };
    let found = check(answer, "kinds = ['aws.sqs.queue']");
    assert_eq!(scope(&found, "aws.sqs.queue", "111122223333/eu-central-1")["complete"], true);
    let off = scope(&found, "aws.sqs.queue", "111122223333/eu-west-1");
    assert_eq!(
        (&off["complete"], &off["reason"]["why"]),
        (&Value::Bool(false), &Value::from("denied")),
        "{off}"
    );
    assert!(off["reason"]["detail"].as_str().unwrap().contains("the region is not enabled"), "{off}");
}

#[test]
fn an_answer_of_100_mb_is_not_read_to_its_end() {
    let answer: Answer = |asked| {
        let first = asked.lines().next().unwrap_or_default();
        if asked.contains("GetCallerIdentity") {
            (200, WHO.to_owned())
        } else if first.starts_with("GET /?") {
            (200, BUCKETS.to_owned())
        } else {
            (200, "<a>".to_owned() + &"x".repeat(100 << 20))
        }
    };
    let found = check(answer, "kinds = ['aws.s3.bucket']\nconnections = 1");
    nothing_is_good(&found, "aws.s3.bucket");
    // Each answer is left at its limit; on a slow machine the run's time is up before all of them are.
    let told = format!("{} {}", found["errors"], found["scopes"]);
    assert!(told.contains("at most 16777216 bytes") || told.contains("timed_out"), "{told}");
}

#[test]
fn a_long_policy_with_not_principal_lets_everyone_else_in() {
    let answer: Answer = |asked| {
        let first = asked.lines().next().unwrap_or_default();
        if asked.contains("GetCallerIdentity") {
            return (200, WHO.to_owned());
        }
        if first.starts_with("GET /?") {
            return (200, BUCKETS.to_owned());
        }
        if !first.contains("policy=") {
            return (404, "<Error><Code>NoSuchBucketPolicy</Code></Error>".to_owned());
        }
        let roles: Vec<String> =
            (0..400).map(|n| format!("\"arn:aws:iam::111122223333:role/of-a-long-name-{n:06}\"")).collect();
        let body = format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"NotPrincipal\":{{\"AWS\":[{0}]}},\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::one/*\"}},\
             {{\"Effect\":\"Deny\",\"NotPrincipal\":{{\"AWS\":[{0}]}},\"Action\":\"s3:*\",\"Resource\":[\"arn:aws:s3:::one\",\"arn:aws:s3:::one/*\"],\"Condition\":{{\"Bool\":{{\"aws:SecureTransport\":\"false\"}}}}}}]}}",
            roles.join(",")
        );
        assert!(body.len() > 20_000);
        (200, body)
    };
    let found = support::answers::check_of(answer, "kinds = ['aws.s3.bucket']", 1);
    let status = |test: &str| {
        let of = |one: &&Value| one["test"] == test && one["resource"] == "arn:aws:s3:::one";
        found["results"].as_array().unwrap().iter().find(of).map(|one| one["status"].clone())
    };
    // Those who are named are not refused without TLS.
    assert_eq!(status("aws.s3.bucket.tls_only"), Some(Value::from("fail")));
    // What lets everyone else in is public, whatever blocks it was not told.
    assert_ne!(status("aws.s3.bucket.not_public"), Some(Value::from("pass")));
}

/// Good answers of every protocol, damaged by chance: whatever comes of it, a run ends and says something.
#[test]
fn damaged_answers_of_every_protocol_end_as_something_told() {
    static SEED: AtomicU64 = AtomicU64::new(7);
    let answer: Answer = |asked| {
        let first = asked.lines().next().unwrap_or_default();
        if asked.contains("GetCallerIdentity") {
            return (200, WHO.to_owned());
        }
        let whole = if first.starts_with("GET /?") {
            BUCKETS
        } else if asked.contains("ListQueues") {
            "{\"QueueUrls\":[\"https://sqs.eu-central-1.amazonaws.com/111122223333/orders\"]}"
        } else if asked.contains("GetQueueAttributes") {
            "{\"Attributes\":{\"SqsManagedSseEnabled\":\"true\",\"Policy\":\"{\\\"Statement\\\":[]}\"}}"
        } else if asked.contains("DescribeDBInstances") {
            "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance><DBInstanceArn>arn:aws:rds:eu-central-1:111122223333:db:one</DBInstanceArn><DBInstanceIdentifier>one</DBInstanceIdentifier><Engine>postgres</Engine><StorageEncrypted>true</StorageEncrypted><KmsKeyId>arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab</KmsKeyId></DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>"
        } else if asked.contains("/2015-02-01/file-systems") {
            "{\"FileSystems\":[{\"FileSystemArn\":\"arn:aws:elasticfilesystem:eu-central-1:111122223333:file-system/fs-1\",\"FileSystemId\":\"fs-1\",\"Encrypted\":true,\"Tags\":[{\"Key\":\"data-class\",\"Value\":\"customer\"}]}]}"
        } else if first.contains("encryption=") {
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
        } else {
            "{}"
        };
        let mut chance = Chance::new(SEED.fetch_add(1, Ordering::Relaxed));
        let mut bytes = whole.as_bytes().to_vec();
        for _ in 0..chance.below(4) {
            let at = chance.below(bytes.len() as u64) as usize;
            match chance.below(4) {
                0 => bytes[at] = *chance.pick(b"<>&;/!?\"'[]{}:,-#\0 9a"),
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
            if bytes.is_empty() {
                bytes.push(b'<');
            }
        }
        (if chance.percent(90) { 200 } else { 500 }, String::from_utf8_lossy(&bytes).into_owned())
    };
    for _ in 0..6 {
        let found = support::answers::check_any(
            answer,
            "kinds = ['aws.s3.bucket', 'aws.sqs.queue', 'aws.rds.instance', 'aws.efs.filesystem']\n\
             regions = ['eu-central-1']\nother_regions = 'unused'",
        );
        assert!(!found["scopes"].as_array().unwrap().is_empty());
    }
}
