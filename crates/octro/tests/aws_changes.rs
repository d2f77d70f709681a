//! Changes between two looks at AWS: something changes in moto, an event says so in a queue of moto, and the status of the
//! one resource changes within seconds, without a look at the rest. Nothing that stands in the queue is believed.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test says what it expects")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::Duration;

use octro_testkit::{Gatekeeper, Moto};
use serde_json::{Value, json};

mod support;

use support::{Place, Up, until};

const ACCOUNT: &str = "123456789012";
const TEST: &str = "aws.s3.bucket.public_access_blocked";

/// Runs a few lines of Python with moto's clients at hand.
fn python(moto: &Moto, lines: &str) -> String {
    let script = format!(
        "import boto3, json, os\nclient = lambda name: boto3.client(name, region_name='us-east-1')\n\
         s3, sqs = client('s3'), client('sqs')\n\
         block = dict.fromkeys(('BlockPublicAcls','IgnorePublicAcls','BlockPublicPolicy','RestrictPublicBuckets'), True)\n\
         def say(text): sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName='octro')['QueueUrl'], MessageBody=text)\n{lines}"
    );
    let ran = environment(
        Command::new(Moto::python().unwrap()).args(["-c", &script]),
        &format!("http://127.0.0.1:{}", moto.port),
    )
    .output()
    .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8_lossy(&ran.stdout).trim().to_owned()
}

fn environment<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
}

/// An event as EventBridge sends it.
fn event(id: &str, account: &str, name: &str, bucket: &str) -> Value {
    json!({"version": "0", "id": id, "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "account": account,
    "region": "us-east-1", "detail": {
        "eventVersion": "1.09", "eventID": id, "eventSource": "s3.amazonaws.com", "eventName": name,
        "awsRegion": "us-east-1", "recipientAccountId": account, "readOnly": false, "managementEvent": true,
        "requestParameters": {"bucketName": bucket},
    }})
}

struct Running {
    moto: Moto,
    keeper: Gatekeeper,
    up: Up,
}

impl Running {
    fn say(&self, body: &Value) {
        python(&self.moto, &format!("say({:?})", body.to_string()));
    }

    fn status(&self, bucket: &str) -> String {
        let answer = self.up.api(&format!("/results?test={TEST}&per=100"));
        let rows = answer.as_ref().and_then(|answer| answer["rows"].as_array());
        let row = rows.and_then(|rows| {
            rows.iter()
                .find(|row| row["key"].as_str().is_some_and(|key| key.ends_with(&format!(":::{bucket}"))))
        });
        row.map_or_else(|| "none".to_owned(), |row| row["status"].as_str().unwrap().to_owned())
    }

    /// What was asked of S3 since `before`.
    fn asked(&self, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
        let now = self.keeper.seen();
        now.into_iter()
            .filter(|(name, _)| name.starts_with("s3:"))
            .map(|(name, count)| (name.clone(), count - before.get(&name).copied().unwrap_or(0)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// Waits until the queue is empty, and nothing is being read.
    fn quiet(&self) {
        until("the queue is empty", || {
            let script = "u = sqs.get_queue_url(QueueName='octro')['QueueUrl']\n\
                a = sqs.get_queue_attributes(QueueUrl=u, AttributeNames=['All'])['Attributes']\n\
                print(int(a['ApproximateNumberOfMessages']) + int(a['ApproximateNumberOfMessagesNotVisible']))";
            python(&self.moto, script) == "0"
        });
    }
}

#[test]
fn a_change_is_judged_within_seconds_and_nothing_that_an_event_says_is_believed() {
    let moto = Moto::start().unwrap();
    let prepare = "sqs.create_queue(QueueName='octro')\n\
        for n in range(6):\n  s3.create_bucket(Bucket=f'acme-{n}'); s3.put_public_access_block(Bucket=f'acme-{n}', PublicAccessBlockConfiguration=block)";
    python(&moto, prepare);
    let keeper = Gatekeeper::start(moto.port, Some(allowed())).unwrap();
    let place = Place::new();
    let settings = format!(
        "[[source]]\nid = 'aws'\ntype = 'aws'\nevery = '1d'\nregions = ['us-east-1']\nother_regions = 'unused'\n\
         kinds = ['aws.s3.bucket']\nchanges = 'http://127.0.0.1:{}/{ACCOUNT}/octro'\n",
        moto.port
    );
    std::fs::write(place.path().join("octro.toml"), settings).unwrap();
    let mut command = place.command(&["up", "--listen", "127.0.0.1:0"]);
    environment(&mut command, &keeper.url);
    let it = Running { moto, keeper, up: Up::start(command) };
    until("all is read", || it.status("acme-5") == "pass");

    // One of them changes.
    let before = it.keeper.seen();
    python(&it.moto, "s3.delete_public_access_block(Bucket='acme-3')");
    let first = event("e1", ACCOUNT, "DeleteBucketPublicAccessBlock", "acme-3");
    it.say(&first);
    let took = until("the change is judged", || it.status("acme-3") == "fail");
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert_eq!(it.status("acme-2"), "pass");
    it.quiet();
    let asked = it.asked(&before);
    assert!(asked.values().all(|count| *count == 1) && asked.len() <= 11, "{asked:?}");
    assert!(!asked.contains_key("s3:ListAllMyBuckets"), "{asked:?}");

    // The same again, and one that only read, was refused, or was about an object: nothing is asked.
    let before = it.keeper.seen();
    let mut reads = event("e2", ACCOUNT, "GetBucketAcl", "acme-1");
    reads["detail"]["readOnly"] = json!(true);
    let mut refused = event("e3", ACCOUNT, "PutBucketAcl", "acme-1");
    refused["detail"]["errorCode"] = json!("AccessDenied");
    let mut object = event("e4", ACCOUNT, "PutObject", "acme-1");
    object["detail"]["requestParameters"]["key"] = json!("a/b");
    // Nor for what is no event, or of an account that is not looked at.
    let foreign = event("e5", "999988887777", "DeleteBucket", "acme-1");
    let forged = event("e6", ACCOUNT, "PutBucketAcl", "../acme-1?policy");
    for body in [first, reads, refused, object, foreign, forged, json!({"a": [1, {"b": null}]}), json!("x")] {
        it.say(&body);
    }
    python(
        &it.moto,
        "say('{')\nsay('[' * 100000)\nsay(json.dumps({'Message': json.dumps({'Message': '{}'})}))",
    );
    it.quiet();
    assert_eq!(it.asked(&before), BTreeMap::new());

    // An event that lies: the bucket is there, and no other becomes one of ours. One arrives late: what is so now counts.
    let before = it.keeper.seen();
    it.say(&event("e7", ACCOUNT, "DeleteBucket", "acme-4"));
    it.say(&event("e8", ACCOUNT, "CreateBucket", "somebody-elses"));
    it.say(&event("e9", ACCOUNT, "PutBucketPublicAccessBlock", "acme-3"));
    until("the made-up bucket is looked for", || it.asked(&before).contains_key("s3:ListAllMyBuckets"));
    it.quiet();
    assert_eq!(
        [it.status("acme-4"), it.status("somebody-elses"), it.status("acme-3")],
        ["pass", "none", "fail"]
    );

    // One comes, and one goes; as a notification of SNS, and as records in one message.
    python(&it.moto, "s3.create_bucket(Bucket='acme-new')\ns3.delete_bucket(Bucket='acme-0')");
    it.say(&json!({"Type": "Notification", "Message": event("e10", ACCOUNT, "CreateBucket", "acme-new").to_string()}));
    it.say(&json!({"Records": [event("e11", ACCOUNT, "DeleteBucket", "acme-0")["detail"]]}));
    until("the new one is judged", || it.status("acme-new") == "fail");
    until("the old one is gone", || it.status("acme-0") == "none");

    // The queue is gone: that is told, and what is known stays.
    python(&it.moto, "sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName='octro')['QueueUrl'])");
    let told = || {
        let runs = it.up.api("/sources/aws").map(|source| source["runs"].to_string());
        runs.is_some_and(|runs| {
            runs.contains("sqs:ReceiveMessage") && runs.contains("source aws policy --changes")
        })
    };
    until("it is told that the queue is gone", told);
    assert_eq!(it.status("acme-5"), "pass");
    it.up.stop();
    place.replay();
}

/// What the printed policy allows.
fn allowed() -> BTreeSet<String> {
    let queue = format!("arn:aws:sqs:us-east-1:{ACCOUNT}:octro");
    let ran = Command::new(env!("CARGO_BIN_EXE_octro"))
        .args(["source", "aws", "policy", "aws.s3.bucket", "--changes", &queue])
        .output()
        .unwrap();
    let policy: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let actions = policy["Statement"].as_array().unwrap().iter().flat_map(|one| {
        let action = &one["Action"];
        action.as_array().cloned().unwrap_or_else(|| vec![action.clone()])
    });
    // A list of several is allowed by the permission of one.
    let more = ["sqs:DeleteMessageBatch".to_owned()];
    actions.map(|action| action.as_str().unwrap().to_owned()).chain(more).collect()
}
