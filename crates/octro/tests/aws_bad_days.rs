//! `octro check aws` on bad days, against a server that answers what a test wrote down: nothing hangs, nothing panics,
//! and what could not be read is unknown, with the reason.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it expects"
)]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

const WHO: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
const REGIONS: &str = "<DescribeRegionsResponse><regionInfo><item><regionName>eu-central-1</regionName></item><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>";

/// Answers each request by its text: a status and a body. With status 0 it says nothing for a long time; with 1 it
/// hangs up.
type Answer = fn(&str) -> (u16, String);

fn serve(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || respond(stream, answer));
        }
    });
    url
}

fn respond(mut stream: TcpStream, answer: Answer) {
    stream.set_read_timeout(Some(Duration::from_millis(60))).unwrap();
    let mut text = String::new();
    let mut buffer = [0; 8_192];
    while let Ok(read) = stream.read(&mut buffer) {
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
        let body = text.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
        let wanted = text
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
        if read == 0 || text.contains("\r\n\r\n") && body >= wanted.unwrap_or(0_usize) {
            break;
        }
    }
    let (status, body) = answer(&text);
    if status == 1 {
        return;
    }
    if status == 0 {
        std::thread::sleep(Duration::from_secs(60));
    }
    let head = format!("HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body.as_bytes());
}

/// What a check finds, with these settings.
fn check(answer: Answer, settings: &str) -> Value {
    let url = serve(answer);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("octro.toml");
    let text = format!(
        "[[source]]\nid = 'aws'\ntype = 'aws'\nevery = '1h'\ntimeout = '8s'\nregion = 'eu-central-1'\nattempts = 2\nendpoint = '{url}'\n{settings}\n"
    );
    std::fs::write(&config, text).unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .current_dir(folder.path())
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .args(["check", "aws", "--format", "json", "--config"])
        .arg(&config)
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(3), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).unwrap()
}

fn scope<'a>(found: &'a Value, kind: &str, name: &str) -> &'a Value {
    let scopes = found["scopes"].as_array().unwrap();
    scopes
        .iter()
        .find(|scope| scope["kind"] == kind && scope["scope"] == name)
        .unwrap_or_else(|| panic!("{name}: {scopes:#?}"))
}

/// No test of the kind is better than unknown.
fn nothing_is_good(found: &Value, kind: &str) {
    let results = found["results"].as_array().unwrap();
    let of_kind: Vec<&Value> = results.iter().filter(|result| result["kind"] == kind).collect();
    assert!(!of_kind.is_empty());
    assert!(of_kind.iter().all(|result| result["status"] == "unknown"), "{of_kind:#?}");
}

#[test]
fn expired_keys_and_roles_that_are_not_given_are_told() {
    let answer: Answer = |_| {
        let body = "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>it has expired</Message></Error></ErrorResponse>";
        (403, body.to_owned())
    };
    let settings = "kinds = ['aws.sqs.queue']\nroles = ['own', 'arn:aws:iam::444455556666:role/OctroReads']";
    let found = check(answer, settings);
    nothing_is_good(&found, "aws.sqs.queue");
    let reason = &scope(&found, "aws.sqs.queue", "own/all")["reason"];
    assert_eq!(reason["why"], "denied");
    assert!(reason["detail"].as_str().unwrap().contains("give new ones"), "{reason}");
    let reason = &scope(&found, "aws.sqs.queue", "444455556666/all")["reason"];
    assert!(reason["detail"].as_str().unwrap().starts_with("sts:AssumeRole"), "{reason}");
    assert_eq!(found["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn pages_without_end_and_regions_that_do_not_answer_are_gaps() {
    let answer: Answer = |asked| {
        let body = if asked.contains("GetCallerIdentity") {
            WHO
        } else if asked.contains("DescribeRegions") {
            REGIONS
        } else if asked.contains("/eu-west-1/") {
            return (503, "<html>busy".to_owned());
        } else if asked.contains("ListQueues") {
            "{\"QueueUrls\":[\"https://q/1/orders\"],\"NextToken\":\"again\"}"
        } else if asked.contains("GetQueueAttributes") {
            "{\"Attributes\":{\"SqsManagedSseEnabled\":\"true\"}}"
        } else {
            "{}"
        };
        (200, body.to_owned())
    };
    let found = check(answer, "kinds = ['aws.sqs.queue']");
    let home = scope(&found, "aws.sqs.queue", "111122223333/eu-central-1");
    assert!(home["reason"]["detail"].as_str().unwrap().contains("no end"), "{home}");
    let abroad = scope(&found, "aws.sqs.queue", "111122223333/eu-west-1");
    assert!(!abroad["complete"].as_bool().unwrap_or(false));
    // The queue that was seen is judged; that there are no others is not known.
    let results = found["results"].as_array().unwrap();
    let of = |resource: Option<&str>| {
        let is =
            |one: &&Value| one["test"] == "aws.sqs.queue.encrypted" && one["resource"].as_str() == resource;
        results.iter().find(is).unwrap()["status"].clone()
    };
    assert_eq!(of(Some("arn:aws:sqs:eu-central-1:111122223333:orders")), "pass");
    assert_eq!(of(None), "unknown");

    let found = check(answer, "kinds = ['aws.sqs.queue']\nregions = ['eu-central-1']");
    let gap = scope(&found, "aws.sqs.queue", "111122223333/other regions");
    assert!(gap["reason"]["detail"].as_str().unwrap().contains("eu-west-1"), "{gap}");
}

#[test]
fn buckets_that_vanish_are_gone_and_bombs_do_not_go_off() {
    let answer: Answer = |asked| {
        let first = asked.lines().next().unwrap_or_default();
        if asked.contains("GetCallerIdentity") {
            return (200, WHO.to_owned());
        }
        if first.starts_with("GET /?") {
            let names = ["gone", "bomb", "deep", "large"].map(|name| {
                format!("<Bucket><Name>{name}</Name><BucketRegion>eu-central-1</BucketRegion></Bucket>")
            });
            return (
                200,
                format!(
                    "<ListAllMyBucketsResult><Buckets>{}</Buckets></ListAllMyBucketsResult>",
                    names.concat()
                ),
            );
        }
        if first.starts_with("GET /gone") {
            return (404, "<Error><Code>NoSuchBucket</Code></Error>".to_owned());
        }
        if first.starts_with("GET /bomb") {
            let body = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><x>&b;</x>";
            return (200, body.to_owned());
        }
        if first.starts_with("GET /deep") {
            return (
                200,
                if first.contains("policy=") { "[".repeat(200_000) } else { "<a>".repeat(200_000) },
            );
        }
        if first.starts_with("GET /large") {
            return (200, "x".repeat(17 << 20));
        }
        (500, "<!doctype html><title>500</title>".to_owned())
    };
    let found = check(answer, "kinds = ['aws.s3.bucket']");
    nothing_is_good(&found, "aws.s3.bucket");
    let buckets = scope(&found, "aws.s3.bucket", "111122223333/global");
    assert_eq!(
        (&buckets["complete"], &buckets["resources"]),
        (&Value::Bool(true), &Value::from(3)),
        "{buckets}"
    );
}

#[test]
fn silence_ends_with_the_time_of_the_run() {
    let answer: Answer = |asked| {
        if asked.contains("GetCallerIdentity") { (200, WHO.to_owned()) } else { (0, String::new()) }
    };
    let found = check(answer, "kinds = ['aws.iam.role', 'aws.s3.bucket']");
    nothing_is_good(&found, "aws.iam.role");
    let roles = scope(&found, "aws.iam.role", "111122223333/global");
    assert_eq!(roles["reason"]["why"], "timed_out", "{roles}");
}

#[test]
fn a_service_that_is_not_offered_in_a_region_is_no_gap_there() {
    let answer: Answer = |asked| {
        let body = if asked.contains("GetCallerIdentity") {
            WHO
        } else if asked.contains("DescribeRegions") {
            REGIONS
        } else if asked.contains("/eu-west-1/dax/") || asked.contains("/eu-west-1/memorydb/") {
            // The connection ends without an answer, as if there were nobody.
            return (1, String::new());
        } else if asked.contains("services/dax/regions") {
            "{\"Parameters\":[{\"Value\":\"eu-central-1\"},{\"Value\":\"us-east-1\"}]}"
        } else if asked.contains("services/memorydb/regions") {
            // Nothing of that name: that says nothing.
            "{\"Parameters\":[]}"
        } else {
            "{\"Clusters\":[]}"
        };
        (200, body.to_owned())
    };
    let found = check(answer, "kinds = ['aws.dax.cluster', 'aws.memorydb.cluster']");
    let of = |kind: &str| scope(&found, kind, "111122223333/eu-west-1")["complete"].clone();
    assert_eq!(
        (of("aws.dax.cluster"), of("aws.memorydb.cluster")),
        (Value::Bool(true), Value::Bool(false)),
        "{found:#}"
    );
}
