//! Events, and what the table makes of them.

use octro_outbound::aws::api::Place;
use serde_json::{Value, json};

use super::event::{Event, events};
use super::queue::Address;
use super::watch::{Find, WATCHES, Watch, watches};
use crate::aws::row::Row;
use crate::aws::rows::ROWS;

fn event(service: &str, name: &str, request: Value) -> Event {
    let detail = json!({
        "eventID": "1", "eventSource": format!("{service}.amazonaws.com"), "eventName": name, "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333", "eventTime": "2026-03-03T09:00:00Z", "requestParameters": request,
    });
    events(&json!({ "detail": detail }).to_string()).unwrap().remove(0)
}

/// The keys that an event is about; `whole KIND` for everything of a kind.
fn about(event: &Event) -> Option<Vec<String>> {
    let place = Place::new("111122223333", "eu-west-1");
    let of = watches(event)?;
    let keys = of.into_iter().flat_map(|(_, watch)| match (watch.find, watch.named(event)) {
        (Find::Whole, _) => vec![format!("whole {}", watch.kind)],
        (_, Some(names)) => names.iter().map(|name| watch.key(name, &place)).collect(),
        (_, None) => Vec::new(),
    });
    Some(keys.collect())
}

#[test]
fn every_line_of_the_table_is_of_a_row() {
    for watch in WATCHES.iter().filter(|watch| !watch.kind.is_empty()) {
        let is_row = ROWS.iter().any(|row| row.kind == watch.kind && row.part == watch.part);
        assert!(is_row, "{watch:?}");
        let is_whole = watch.find == Find::Whole;
        assert_eq!(is_whole, watch.names.is_empty(), "{watch:?}");
        let needs_key = !matches!(watch.find, Find::Whole | Find::Among(_));
        assert!(!needs_key || watch.key.contains("{name}"), "{watch:?}");
    }
}

#[test]
fn an_event_names_what_it_is_about() {
    let of = |service, name, request| about(&event(service, name, request));
    let end = |keys: Option<Vec<String>>| -> String {
        keys.map_or_else(|| "?".to_owned(), |keys| keys.join(" ").replace("111122223333", "A"))
    };
    let rds = "arn:aws:rds:eu-west-1:A";
    let ways = "whole aws.ec2.instance whole aws.ec2.interface whole aws.rds.instance whole aws.redshift.cluster \
        whole aws.elb.load_balancer whole aws.elb.load_balancer";
    for (service, name, request, expected) in [
        ("s3", "PutBucketAcl", json!({"bucketName": "b"}), "arn:aws:s3:::b".to_owned()),
        ("s3", "CreateJob", json!({}), String::new()),
        ("rds", "ModifyDBInstance", json!({"dBInstanceIdentifier": "One"}), format!("{rds}:db:One")),
        (
            "rds",
            "AddTagsToResource",
            json!({"resourceName": "arn:aws:rds:eu-west-1:111122223333:cluster:two"}),
            format!("{rds}:cluster:two"),
        ),
        (
            "rds",
            "CreateDBSnapshot",
            json!({"dBInstanceIdentifier": "one", "dBSnapshotIdentifier": "s"}),
            format!("{rds}:db:one {rds}:snapshot:s"),
        ),
        ("rds", "ModifyDBParameterGroup", json!({"dBParameterGroupName": "p"}), String::new()),
        (
            "ec2",
            "CreateTags",
            json!({"resourcesSet": {"items": [{"resourceId": "vol-1"}, {"resourceId": "sg-2"}, {"resourceId": "i-3"}]}}),
            "arn:aws:ec2:eu-west-1:A:volume/vol-1 arn:aws:ec2:eu-west-1:A:security-group/sg-2".to_owned(),
        ),
        ("ec2", "CreateKeyPair", json!({}), String::new()),
        ("ec2", "CreateRoute", json!({}), format!("whole aws.security_group {ways}")),
        (
            "ec2",
            "AuthorizeSecurityGroupIngress",
            json!({"groupId": "sg-2"}),
            format!("arn:aws:ec2:eu-west-1:A:security-group/sg-2 {ways}"),
        ),
        (
            "kms",
            "DisableKey",
            json!({"keyId": "arn:aws:kms:eu-west-1:111122223333:key/1-2"}),
            "arn:aws:kms:eu-west-1:A:key/1-2".to_owned(),
        ),
        ("kms", "CreateGrant", json!({"keyId": "1-2"}), "arn:aws:kms:eu-west-1:A:key/1-2".to_owned()),
        ("kms", "GenerateDataKey", json!({"keyId": "1-2"}), String::new()),
        (
            "sqs",
            "SetQueueAttributes",
            json!({"queueUrl": "https://sqs.eu-west-1.amazonaws.com/999988887777/orders"}),
            "arn:aws:sqs:eu-west-1:A:orders".to_owned(),
        ),
        ("iam", "AttachUserPolicy", json!({"userName": "ann"}), "arn:aws:iam::A:user/ann".to_owned()),
        ("logs", "CreateLogStream", json!({"logGroupName": "g"}), String::new()),
    ] {
        assert_eq!(end(of(service, name, request)), expected, "{service} {name}");
    }
    // The table says nothing of them: everything of the service is read anew, if it is one that is read.
    assert_eq!(of("elasticache", "ModifyReplicationGroup", json!({})), None);
    assert_eq!(of("glue", "CreateDatabase", json!({})), None);
    assert_eq!(of("backup", "BackupJobCompleted", json!({})), None);
}

/// Whether an event without any names leads to a row.
fn leads_to(service: &str, name: &str, row: &Row) -> bool {
    let event = event(service, name, json!({}));
    let of_service = row.list.ask.service.name == event.service;
    let Some(fitting) = watches(&event) else { return of_service };
    let is_whole = |(_, watch): &(usize, &Watch)| watch.find == Find::Whole;
    fitting.iter().any(|(_, watch)| watch.kind == row.kind && watch.part == row.part)
        || (of_service && !fitting.is_empty() && !fitting.iter().any(is_whole))
}

#[test]
fn every_row_is_reached_by_some_event() {
    for row in ROWS {
        let service = row.list.ask.service.name;
        let of_table = WATCHES.iter().flat_map(|watch| watch.events).map(|name| name.replace('*', "X"));
        let mut names = of_table.chain(["CreateSomething".to_owned()]);
        assert!(names.any(|name| leads_to(service, &name, row)), "{} {}", row.kind, row.part);
    }
    // As the service writes its name in events.
    let memory = ROWS.iter().find(|row| row.kind == "aws.memorydb.cluster").unwrap();
    assert!(leads_to("memorydb", "UpdateCluster", memory));
}

#[test]
fn what_opens_a_way_leads_to_all_that_has_ways() {
    for row in ROWS.iter().filter(|row| row.reached) {
        for name in [
            "AuthorizeSecurityGroupIngress",
            "CreateNetworkAclEntry",
            "ReplaceRoute",
            "AttachInternetGateway",
            "ModifyNetworkInterfaceAttribute",
            "AssociateAddress",
            "ModifySubnetAttribute",
            "RunInstances",
        ] {
            assert!(leads_to("ec2", name, row), "{} {}: {name}", row.kind, row.part);
        }
        assert!(leads_to("elasticloadbalancing", "RegisterTargets", row), "{} {}", row.kind, row.part);
    }
}

#[test]
fn messages_are_events_nothing_or_refused() {
    let detail = json!({
        "eventID": "1", "eventSource": "s3.amazonaws.com", "eventName": "PutBucketAcl", "recipientAccountId": "1",
        "awsRegion": "r", "requestParameters": {"bucketName": "b"},
    });
    let count = |body: &Value| events(&body.to_string()).map(|events| events.len());
    let inner = json!({ "detail": detail }).to_string();
    assert_eq!(count(&detail), Ok(1));
    assert_eq!(count(&json!({ "Message": inner })), Ok(1));
    assert_eq!(count(&json!({ "Records": [detail, detail] })), Ok(2));
    assert_eq!(
        count(&json!({ "detail-type": "EC2 Instance State-change Notification", "detail": {} })),
        Ok(0)
    );
    for (name, value) in [
        ("readOnly", json!(true)),
        ("errorCode", json!("AccessDenied")),
        ("managementEvent", json!(false)),
        ("eventCategory", json!("Data")),
        ("eventName", json!("")),
        ("eventSource", json!("s3.example")),
        ("requestParameters", json!({"bucketName": "b", "key": "k"})),
    ] {
        let mut other = detail.clone();
        other[name] = value;
        assert_eq!(count(&other), Ok(0), "{name}");
    }
    let deep = (0..10).fold("{}".to_owned(), |text, _| json!({ "Message": text }).to_string());
    let many = json!({ "Records": vec![detail; 1_200] }).to_string();
    let long = format!("{{\"Message\":\"{}\"}}", "x".repeat(1 << 20));
    for body in [
        "",
        "{",
        "[]",
        "1",
        "{\"Records\":1}",
        "{\"Message\":\"x\"}",
        &deep,
        &many,
        &long,
        &"[".repeat(5_000),
    ] {
        assert!(events(body).is_err(), "{:.40}", body);
    }
}

#[test]
fn an_address_names_an_account_and_a_queue() {
    let of = |text: &str| Address::parse(text).map(|address| address.region);
    assert_eq!(
        of("https://sqs.eu-central-1.amazonaws.com/111122223333/octro"),
        Ok(Some("eu-central-1".to_owned()))
    );
    assert_eq!(of("http://127.0.0.1:5000/111122223333/octro"), Ok(None));
    for odd in [
        "octro",
        "https://sqs.eu-central-1.amazonaws.com/octro",
        "https://h/1/2/3",
        "https://h/111122223333/",
    ] {
        assert!(of(odd).is_err(), "{odd}");
    }
}
