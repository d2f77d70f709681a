//! Calls against a server that says what a test wrote down.

use std::sync::Mutex;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::aws::{Credentials, Role};
use octro_model::Why;

const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);
const RDS: Service = Service::query("rds", "2014-10-31");
const DYNAMODB: Service = Service::json("dynamodb", "1.0", "DynamoDB_20120810");
const S3: Service = Service::rest_xml("s3");
const EFS: Service = Service::rest_json("elasticfilesystem");
const MARKER: Paging = Paging::Token { from: "Marker", into: "Marker" };

struct Fake {
    url: Url,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    /// Says these answers in turn, one a connection, and the last one for ever.
    async fn saying(answers: Vec<(u16, &'static str, String)>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            let mut answer = answers.next().unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 8_192];
                let mut length = stream.read(&mut buffer).await.unwrap();
                // The body may come in a packet of its own.
                if let Ok(Ok(more)) =
                    tokio::time::timeout(Duration::from_millis(15), stream.read(&mut buffer[length..])).await
                {
                    length += more;
                }
                kept.lock().unwrap().push(String::from_utf8_lossy(&buffer[..length]).into_owned());
                let (status, head, body) = &answer;
                let size = if head.contains("Content-Length") {
                    String::new()
                } else {
                    format!("Content-Length: {}\r\n", body.len())
                };
                let text = format!("HTTP/1.1 {status} x\r\nConnection: close\r\n{size}{head}\r\n{body}");
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.shutdown().await;
                if let Some(next) = answers.next() {
                    answer = next;
                }
            }
        });
        Self { url, asked }
    }

    fn caller(&self) -> Caller {
        let retry = Retry { times: 3, first: Duration::from_millis(2), most: Duration::from_millis(5) };
        let caller = Caller::new(Client::default(), Some(self.url.clone()), 4, NOW).unwrap();
        caller.patient(retry, Duration::from_millis(1_500))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn keys() -> Provider {
    Provider::fixed(Credentials::of("AKIDEXAMPLE", "secret", None))
}

fn place() -> Place {
    Place::new("111122223333", "eu-central-1")
}

fn ok(body: impl Into<String>) -> (u16, &'static str, String) {
    (200, "", body.into())
}

#[tokio::test]
async fn each_protocol_asks_and_reads_in_its_own_way() {
    let fake = Fake::saying(vec![
        ok("<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances/></DescribeDBInstancesResult></DescribeDBInstancesResponse>"),
        ok("{\"TableNames\":[\"a\"]}"),
        ok("<LoggingEnabled/>"),
        ok("{\"FileSystems\":[]}"),
    ])
    .await;
    let (caller, keys) = (fake.caller(), keys());
    let call = Call::action(&RDS, "DescribeDBInstances").with("MaxRecords", 100);
    assert_eq!(caller.call(&keys, &place(), &call).await, Ok(json!({"DBInstances": ""})));
    let call = Call::action(&DYNAMODB, "ListTables").with("Limit", 100);
    assert_eq!(caller.call(&keys, &place(), &call).await, Ok(json!({"TableNames": ["a"]})));
    let call =
        Call { path: "/a.bucket".into(), root: "LoggingEnabled", ..Call::action(&S3, "GetBucketLogging") };
    assert_eq!(caller.call(&keys, &place(), &call.with("logging", "")).await, Ok(json!("")));
    let call = Call { path: "/2015-02-01/file-systems".into(), ..Call::action(&EFS, "DescribeFileSystems") };
    assert_eq!(caller.call(&keys, &place(), &call).await, Ok(json!({"FileSystems": []})));
    let asked = fake.asked();
    assert!(
        asked[0].ends_with("Action=DescribeDBInstances&Version=2014-10-31&MaxRecords=100"),
        "{}",
        asked[0]
    );
    assert!(asked[1].to_lowercase().contains("x-amz-target: dynamodb_20120810.listtables"), "{}", asked[1]);
    assert!(asked[1].ends_with("{\"Limit\":100}"), "{}", asked[1]);
    assert!(asked[2].starts_with("GET /a.bucket?logging= HTTP/1.1"), "{}", asked[2]);
    assert!(asked[3].starts_with("GET /2015-02-01/file-systems HTTP/1.1"), "{}", asked[3]);
    for (asked, service) in asked.iter().zip(["rds", "dynamodb", "s3", "elasticfilesystem"]) {
        assert!(asked.contains(&format!("/eu-central-1/{service}/aws4_request")), "{asked}");
    }
}

#[tokio::test]
async fn pages_are_followed_to_their_end_and_a_loop_is_found() {
    let page = |names: &str, marker: &str| {
        let marker = if marker.is_empty() { String::new() } else { format!("<Marker>{marker}</Marker>") };
        ok(format!(
            "<DescribeXResponse><DescribeXResult>{marker}<L>{names}</L></DescribeXResult></DescribeXResponse>"
        ))
    };
    let call = Call::action(&RDS, "DescribeX");
    let fake =
        Fake::saying(vec![page("<i>1</i><i>2</i>", "m/1"), page("", "m2"), page("<i>3</i>", "")]).await;
    let found = fake.caller().pages(&keys(), &place(), &call, "L.i", MARKER).await;
    assert_eq!((found.items, found.pages, found.fault), (vec![json!("1"), json!("2"), json!("3")], 3, None));
    assert!(fake.asked()[1].ends_with("&Marker=m%2F1"));

    let fake = Fake::saying(vec![page("<i>1</i>", "m1")]).await;
    let found = fake.caller().pages(&keys(), &place(), &call, "L.i", MARKER).await;
    assert!(found.fault.unwrap().what.contains("no end"));
    assert_eq!(found.items.len(), 2, "what came is kept");

    let last = Paging::Last { more: "HasMore", into: "Start" };
    let call = Call::action(&DYNAMODB, "List");
    let fake = Fake::saying(vec![
        ok("{\"L\":[\"a\",\"b\"],\"HasMore\":true}"),
        ok("{\"L\":[\"c\"],\"HasMore\":false}"),
    ]);
    let fake = fake.await;
    let found = fake.caller().pages(&keys(), &place(), &call, "L", last).await;
    assert_eq!((found.items.len(), found.fault), (3, None));
    assert!(fake.asked()[1].ends_with("{\"Start\":\"b\"}"));
}

#[tokio::test]
async fn busy_services_are_asked_again_and_others_are_not() {
    let slow = || (400, "", "{\"__type\":\"ThrottlingException\",\"message\":\"Rate exceeded\"}".to_owned());
    let call = Call::action(&DYNAMODB, "ListTables");
    let fake = Fake::saying(vec![slow(), (503, "", "<html>".to_owned()), ok("{}")]).await;
    assert_eq!(fake.caller().call(&keys(), &place(), &call).await, Ok(json!({})));
    assert_eq!(fake.asked().len(), 3);
    let fake = Fake::saying(vec![slow()]).await;
    let fault = fake.caller().call(&keys(), &place(), &call).await.unwrap_err();
    assert_eq!((fault.why, fake.asked().len()), (Why::Throttled, 3));
    let fake = Fake::saying(vec![(500, "", "<!DOCTYPE html><title>500</title>".to_owned())]).await;
    let fault = fake.caller().call(&keys(), &place(), &call).await.unwrap_err();
    assert_eq!((fault.why, fake.asked().len()), (Why::Failed, 3));
    let denied = "{\"__type\":\"AccessDeniedException\"}".to_owned();
    let fake = Fake::saying(vec![(400, "", denied)]).await;
    let fault = fake.caller().call(&keys(), &place(), &call).await.unwrap_err();
    assert_eq!((fault.why, fake.asked().len()), (Why::Denied, 1));
}

#[tokio::test]
async fn answers_that_are_not_what_was_asked_for_are_faults() {
    let rds = Call::action(&RDS, "DescribeDBInstances");
    let table = Call::action(&DYNAMODB, "ListTables");
    let bucket = Call {
        path: "/b".into(),
        root: "VersioningConfiguration",
        ..Call::action(&S3, "GetBucketVersioning")
    };
    let bomb =
        "<!DOCTYPE l [<!ENTITY a \"aa\">]><DescribeDBInstancesResponse>&a;</DescribeDBInstancesResponse>";
    for (call, answer, words) in [
        (&rds, ok("<html><body>Welcome</body></html>"), "it is <html>"),
        (&rds, ok(bomb), "document type"),
        (&rds, ok(format!("<DescribeDBInstancesResponse>{}", "<a>".repeat(90_000))), "inside each other"),
        (&rds, ok("<DescribeDBInstancesResponse><DescribeDBIn"), "no end"),
        (&table, ok("<ListTables/>"), "no JSON"),
        (&table, ok("[1]"), "no JSON object"),
        (&table, ok("{\"a\":".repeat(5_000)), "no JSON"),
        (&table, ok("{\"TableNames\":[\"a\""), "no JSON"),
        (&bucket, ok("<Error><Code>InternalError</Code></Error>"), "it is <Error>"),
        (&table, (200, "Content-Length: 104857600\r\n", "{".to_owned()), "at most 16777216 bytes"),
        (&table, (200, "Content-Length: 500\r\n", "{}".to_owned()), "could not be read"),
    ] {
        let fake = Fake::saying(vec![answer]).await;
        let fault = fake.caller().call(&keys(), &place(), call).await.unwrap_err();
        assert!(fault.what.contains(words), "{words}: {fault}");
        assert_eq!(fault.why, Why::Failed);
    }
}

#[tokio::test]
async fn a_bucket_elsewhere_is_followed_once() {
    let call = Call {
        path: "/b".into(),
        root: "VersioningConfiguration",
        ..Call::action(&S3, "GetBucketVersioning")
    };
    let led = || {
        (
            301,
            "x-amz-bucket-region: us-west-2\r\n",
            "<Error><Code>PermanentRedirect</Code></Error>".to_owned(),
        )
    };
    let fake = Fake::saying(vec![led(), ok("<VersioningConfiguration/>")]).await;
    assert_eq!(fake.caller().call(&keys(), &place(), &call).await, Ok(json!("")));
    assert!(fake.asked()[1].contains("/us-west-2/s3/aws4_request"));
    let fake = Fake::saying(vec![led()]).await;
    assert_eq!(fake.caller().call(&keys(), &place(), &call).await.unwrap_err().code, "PermanentRedirect");
}

#[tokio::test]
async fn a_role_gives_keys_until_they_end() {
    let given = |number: u32, ends: &str| {
        ok(format!(
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>{ends}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ))
    };
    let fake = Fake::saying(vec![given(1, "2026-09-21T14:20:00Z"), given(2, "2026-09-21T20:00:00Z")]).await;
    let role = Role {
        arn: "arn:aws:iam::444455556666:role/octro".to_owned(),
        external_id: Some("of us".to_owned()),
        region: "eu-central-1".to_owned(),
    };
    let of = Provider::assuming(keys(), fake.caller(), role.clone()).await.unwrap();
    assert!(fake.asked()[0].contains("ExternalId=of%20us"));
    let first = of.credentials(NOW).await.unwrap();
    assert_eq!(first.from, "the role arn:aws:iam::444455556666:role/octro");
    let later: Timestamp = "2026-09-21T14:18:00Z".parse().unwrap();
    assert_ne!(of.credentials(later).await.unwrap(), first);
    assert_eq!(fake.asked().len(), 2);

    let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    let fake = Fake::saying(vec![(403, "", body.to_owned())]).await;
    let fault = Provider::assuming(keys(), fake.caller(), role).await.unwrap_err();
    assert_eq!(fault.why, Why::Denied);
}

#[test]
fn services_have_addresses_in_every_partition() {
    let host = |service: Service, region: &str| service.host_at(&Place::new("111122223333", region));
    let iam = Service::query("iam", "2010-05-08").everywhere();
    for (service, region, expected) in [
        (RDS, "eu-central-1", ("rds.eu-central-1.amazonaws.com", "eu-central-1")),
        (RDS, "cn-north-1", ("rds.cn-north-1.amazonaws.com.cn", "cn-north-1")),
        (iam, "eu-central-1", ("iam.amazonaws.com", "us-east-1")),
        (iam, "cn-northwest-1", ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1")),
        (iam, "us-gov-east-1", ("iam.us-gov.amazonaws.com", "us-gov-west-1")),
        (
            S3.at("{account}.s3-control"),
            "eu-central-1",
            ("111122223333.s3-control.eu-central-1.amazonaws.com", "eu-central-1"),
        ),
    ] {
        assert_eq!(host(service, region), (expected.0.to_owned(), expected.1.to_owned()));
    }
    let clear = Url::parse("http://aws.example").unwrap();
    assert!(Caller::new(Client::default(), Some(clear), 1, NOW).unwrap_err().contains("in the clear"));
}
