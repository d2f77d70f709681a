//! What is gone is gone for the account in which it was seen, and for no other.

use std::sync::Arc;

use octro_model::{Clock as _, SystemClock};
use octro_outbound::aws::api::Caller;
use octro_outbound::aws::{Credentials, Provider};
use octro_outbound::{Client, Url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::watch::WATCHES;
use super::*;
use crate::aws::class::Classes;
use crate::aws::rows::ROWS;

const NO_BUCKET: &str = "<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>";

/// A server in which there is nothing.
async fn nothing() -> Url {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 16_384];
            let length = stream.read(&mut asked).await.unwrap();
            let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
            let (status, body) = if asked.starts_with("GET /?") {
                ("200 OK", "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
            } else if asked.starts_with("GET ") {
                ("404 Not Found", NO_BUCKET)
            } else {
                ("200 OK", "<DescribeSnapshotsResponse><snapshotSet/></DescribeSnapshotsResponse>")
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Url::parse(&url).unwrap()
}

#[tokio::test]
async fn an_event_of_one_account_takes_nothing_from_another() {
    let caller = Caller::new(Client::default(), Some(nothing().await), 2, SystemClock.now()).unwrap();
    let account = |number: &str| {
        let keys = Provider::fixed(Credentials::of("k", "s", None));
        Account::new(
            caller.clone(),
            keys,
            Place::new(number, "eu-west-1"),
            Arc::new(Classes(Arc::default())),
            &[],
        )
    };
    let (other, owner) = (account("111111111111"), account("222222222222"));
    for (kind, name, key) in [
        ("aws.s3.bucket", "ledgers", "arn:aws:s3:::ledgers"),
        ("aws.ebs.snapshot", "snap-1", "arn:aws:ec2:eu-west-1::snapshot/snap-1"),
    ] {
        owner.homes.lock().unwrap().put(key, "eu-west-1");
        let row = ROWS.iter().find(|row| row.kind == kind).unwrap();
        let watch = WATCHES.iter().find(|watch| watch.kind == kind && watch.find != Find::Whole).unwrap();
        let of = async |account: &Account| {
            account.reread(row, &kind.parse().unwrap(), watch, name, &account.place).await.seen
        };
        assert!(of(&other).await.is_none(), "{kind}");
        let (seen, _) = of(&owner).await.unwrap();
        assert!(seen.gone && seen.key == key, "{kind}");
    }
}
