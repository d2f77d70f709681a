//! `octro check aws` on bad days, against a server that answers what a test wrote down: nothing hangs, nothing panics,
//! and what could not be read is unknown, with the reason.

use serde_json::Value;

mod support;

use support::answers::{Answer, REGIONS, WHO, check, nothing_is_good, scope};

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
