//! AWS Signature Version 4: a question carries an HMAC over itself, made with a key that is derived from the secret for
//! one day, region and service.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use hyper::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue};
use octro_model::{Timestamp, hex};
use sha2::{Digest as _, Sha256};

use super::Credentials;
use crate::url::encode;
use crate::{OutboundError, Question};

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
const BODY: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// For what a signature is good, besides its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// The region, such as `eu-central-1`.
    pub region: &'a str,
    /// The service's name in signatures, such as `s3`.
    pub service: &'a str,
}

/// Signs a question: adds its date, the session's token, for `s3` the hash of the body, and the signature.
///
/// # Errors
/// If something that is signed cannot stand in a head.
pub fn sign(
    question: Question,
    credentials: &Credentials,
    scope: Scope<'_>,
    now: Timestamp,
) -> Result<Question, OutboundError> {
    let who = question.url.to_string();
    signed(question, credentials, scope, now).map_err(|what| OutboundError { who, what })
}

fn signed(
    mut question: Question,
    credentials: &Credentials,
    scope: Scope<'_>,
    now: Timestamp,
) -> Result<Question, String> {
    let value = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| "what is signed holds control characters".to_owned())
    };
    let date = basic(now);
    let day = date.get(..8).unwrap_or_default();
    let hash = hex(&Sha256::digest(&question.body));
    let headers = &mut question.headers;
    headers.insert(HOST, value(question.url.authority())?);
    headers.insert(DATE, value(&date)?);
    if let Some(token) = &credentials.session_token {
        let mut token = value(token.reveal())?;
        token.set_sensitive(true);
        headers.insert(TOKEN, token);
    }
    if scope.service == "s3" {
        headers.insert(BODY, value(&hash)?);
    }

    let headers = &question.headers;
    let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    let mut canonical = format!("{}\n{}\n{}\n", question.method, path(&question, scope), query(&question));
    for name in &names {
        let text = headers
            .get(*name)
            .and_then(|value| value.to_str().ok())
            .ok_or("a head that is no text is signed")?;
        let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let _ = writeln!(canonical, "{name}:{text}");
    }
    let names = names.join(";");
    let _ = write!(canonical, "\n{names}\n{hash}");

    let of = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{of}\n{}", hex(&Sha256::digest(&canonical)));
    let mut key = mac(format!("AWS4{}", credentials.secret_key.reveal()).as_bytes(), day)?;
    for part in [scope.region, scope.service, "aws4_request"] {
        key = mac(&key, part)?;
    }
    let signature = hex(&mac(&key, &text)?);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{of}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key
    );
    let mut authorization = value(&authorization)?;
    authorization.set_sensitive(true);
    question.headers.insert(AUTHORIZATION, authorization);
    Ok(question)
}

/// `20150830T123600Z`.
fn basic(at: Timestamp) -> String {
    let text = Timestamp::from_secs(at.secs()).to_string();
    text.chars().filter(|letter| !matches!(letter, '-' | ':')).collect()
}

/// The path as it is signed: every service but S3 encodes what is already encoded once more.
fn path(question: &Question, scope: Scope<'_>) -> String {
    let path = question.url.path();
    if scope.service == "s3" {
        return path.to_owned();
    }
    let mut twice = String::with_capacity(path.len());
    for (place, part) in path.split('/').enumerate() {
        if place > 0 {
            twice.push('/');
        }
        encode(part, &mut twice);
    }
    twice
}

fn query(question: &Question) -> String {
    let mut parts: Vec<&str> = question.url.query().split('&').filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts.join("&")
}

fn mac(key: &[u8], text: &str) -> Result<Vec<u8>, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(text.as_bytes());
    Ok(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::Url;

    /// The published test suite of Signature Version 4 (`get-vanilla` and others), and the examples of S3's reference.
    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        let keys = Credentials::of("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", None);
        let now: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        let scope = Scope { region: "us-east-1", service: "service" };
        let url = Url::parse("https://example.amazonaws.com").unwrap();
        let signature = |question: Question, scope, keys: &Credentials, now| {
            let signed = sign(question, keys, scope, now).unwrap();
            let text = signed.headers.get(AUTHORIZATION).unwrap().to_str().unwrap().to_owned();
            text.split_once("Signature=").unwrap().1.to_owned()
        };
        assert_eq!(
            signature(Question::get(url.clone()), scope, &keys, now),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        // get-vanilla-query-order-key-case: sorted, however it was asked.
        assert_eq!(
            signature(
                Question::get(url.asking(&[("Param2", "value2"), ("Param1", "value1")])),
                scope,
                &keys,
                now
            ),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"
        );
        // post-vanilla.
        let post = Question { method: Method::POST, ..Question::get(url) };
        assert_eq!(
            signature(post, scope, &keys, now),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );

        let keys = Credentials::of("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
        let now: Timestamp = "2013-05-24T00:00:00Z".parse().unwrap();
        let scope = Scope { region: "us-east-1", service: "s3" };
        let url = Url::parse("https://examplebucket.s3.amazonaws.com").unwrap();
        let range = Question::get(url.join("test.txt"))
            .with(hyper::header::RANGE, HeaderValue::from_static("bytes=0-9"));
        assert_eq!(
            signature(range, scope, &keys, now),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        assert_eq!(
            signature(Question::get(url.asking(&[("max-keys", "2"), ("prefix", "J")])), scope, &keys, now),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }
}
