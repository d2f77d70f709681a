//! Where the keys of AWS come from: the environment, a profile, a token of a cluster, the container's service, or
//! the instance's metadata (version 2). Asked in this order; the first that has keys is used.

use std::fmt;
use std::io::Read as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Method;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue};
use hyper::http::uri::Authority;
use octro_model::{Span, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::assume::Assumed;
use crate::{Answer, Client, Limits, OutboundError, Question, Url};

/// Where an instance's metadata answers, and how long it may take: elsewhere nobody answers at all.
const INSTANCE: &str = "http://169.254.169.254";
const INSTANCE_LIMITS: Limits = Limits { time: Duration::from_secs(2), size: 16 * 1_024 };
/// Where the container's service answers.
const CONTAINER: &str = "http://169.254.170.2";
/// The largest shared file that is read.
const FILE_MAX: u64 = 1 << 20;
/// Keys are fetched anew so long before they end.
const EARLY: Span = Span::from_secs(300);

/// Something that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Keys with which questions are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub(super) access_key: String,
    pub(super) secret_key: Secret,
    pub(super) session_token: Option<Secret>,
    /// When they end; `None` if they do not.
    pub expires: Option<Timestamp>,
    /// In words, where they came from.
    pub from: String,
}

impl Credentials {
    /// Keys that are known.
    #[must_use]
    pub fn of(access_key: &str, secret_key: &str, session_token: Option<&str>) -> Self {
        Self {
            access_key: access_key.to_owned(),
            secret_key: Secret(secret_key.to_owned()),
            session_token: session_token.map(|token| Secret(token.to_owned())),
            expires: None,
            from: "given keys".to_owned(),
        }
    }
}

/// The keys' document as the container's and the instance's services give it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Given {
    access_key_id: String,
    secret_access_key: String,
    #[serde(alias = "SessionToken")]
    token: Option<String>,
    expiration: Option<Timestamp>,
}

/// Gives keys, and fetches them anew before they end. Clones share them.
#[derive(Clone, Debug)]
pub struct Provider {
    client: Client,
    /// What the environment says; settable for tests.
    environment: fn(&str) -> Option<String>,
    instance: Option<Url>,
    /// Where the keys of a role come from; `None` for keys of one's own.
    renewed_by: Option<Arc<Assumed>>,
    kept: Arc<Mutex<Option<Credentials>>>,
}

impl Provider {
    /// Keys from where this process finds them.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self {
            client,
            environment: |name| std::env::var(name).ok(),
            instance: Url::parse(INSTANCE).ok(),
            renewed_by: None,
            kept: Arc::default(),
        }
    }

    /// Keys from another environment, on a machine without an instance's metadata.
    #[cfg(test)]
    pub(super) fn elsewhere(environment: fn(&str) -> Option<String>) -> Self {
        Self { environment, instance: None, ..Self::new(Client::default()) }
    }

    pub(super) fn renewed_by(self, by: Arc<Assumed>) -> Self {
        Self { renewed_by: Some(by), ..self }
    }

    /// Keys that are known and do not end.
    #[must_use]
    pub fn fixed(credentials: Credentials) -> Self {
        Self { kept: Arc::new(Mutex::new(Some(credentials))), ..Self::new(Client::default()) }
    }

    /// The keys to sign with now.
    ///
    /// # Errors
    /// If there are none, with what was tried; or if what should have them fails.
    pub async fn credentials(&self, now: Timestamp) -> Result<Credentials, OutboundError> {
        let mut kept = self.kept.lock().await;
        if let Some(keys) = kept.as_ref()
            && keys.expires.is_none_or(|end| now < end.minus(EARLY))
        {
            return Ok(keys.clone());
        }
        let found = match &self.renewed_by {
            Some(role) => role.renew().await?,
            None => self.own(now).await?,
        };
        *kept = Some(found.clone());
        Ok(found)
    }

    async fn own(&self, now: Timestamp) -> Result<Credentials, OutboundError> {
        if let Some(keys) = self.in_environment() {
            return Ok(keys);
        }
        if let Some(keys) = self.of_profile(now).await? {
            return Ok(keys);
        }
        if let Some(keys) = self.of_web_identity().await? {
            return Ok(keys);
        }
        match self.of_container().await? {
            Some(keys) => Ok(keys),
            None => self.of_instance().await,
        }
    }

    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn setting(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn in_environment(&self) -> Option<Credentials> {
        let (access, secret) = (self.setting("AWS_ACCESS_KEY_ID")?, self.setting("AWS_SECRET_ACCESS_KEY")?);
        let keys = Credentials::of(&access, &secret, self.setting("AWS_SESSION_TOKEN").as_deref());
        Some(Credentials {
            from: "the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
            ..keys
        })
    }

    pub(super) async fn of_container(&self) -> Result<Option<Credentials>, OutboundError> {
        let address = match (
            self.setting("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
            self.setting("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        ) {
            (Some(path), _) => format!("{CONTAINER}{path}"),
            (None, Some(address)) => address,
            (None, None) => return Ok(None),
        };
        let wrong = |what: String| OutboundError { who: address.clone(), what };
        let url = Url::parse(&address).map_err(wrong)?;
        if !url.is_tls() && !is_beside(url.authority()) {
            return Err(wrong(
                "is asked with a secret, in the clear; expected https://, or an address of this machine"
                    .to_owned(),
            ));
        }
        let mut question = Question::get(url);
        let token = match self.setting("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            Some(path) => {
                let mut text = String::new();
                let read =
                    std::fs::File::open(&path).and_then(|file| file.take(FILE_MAX).read_to_string(&mut text));
                read.map_err(|error| wrong(format!("{path}: {error}")))?;
                Some(text)
            }
            None => self.setting("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        };
        if let Some(token) = token {
            let mut value =
                HeaderValue::from_str(token.trim()).map_err(|_| wrong("its token is no text".to_owned()))?;
            value.set_sensitive(true);
            question = question.with(AUTHORIZATION, value);
        }
        let answer = self.client.ask(question, INSTANCE_LIMITS).await?;
        answered(&answer, &address, "the container's service").map(Some)
    }

    pub(super) async fn of_instance(&self) -> Result<Credentials, OutboundError> {
        let none = |what: String| OutboundError {
            who: "AWS".to_owned(),
            what: format!(
                "there are no keys: none in the environment (AWS_ACCESS_KEY_ID), in a profile of ~/.aws, for a token \
                 (AWS_WEB_IDENTITY_TOKEN_FILE), from a container's \
                 service or from an instance's metadata ({what})"
            ),
        };
        let disabled =
            self.setting("AWS_EC2_METADATA_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let Some(base) = self.instance.as_ref().filter(|_| !disabled) else {
            return Err(none("which AWS_EC2_METADATA_DISABLED turns off".to_owned()));
        };
        let ttl = (
            HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds"),
            HeaderValue::from_static("21600"),
        );
        let question = Question { method: Method::PUT, ..Question::get(base.join("latest/api/token")) }
            .with(ttl.0, ttl.1);
        let token = self.client.ask(question, INSTANCE_LIMITS).await.map_err(|error| none(error.what))?;
        let mut token =
            HeaderValue::from_bytes(&token.body).map_err(|_| none("its token is no text".to_owned()))?;
        token.set_sensitive(true);
        let ask = async |path: &str| {
            let question = Question::get(base.join(path))
                .with(HeaderName::from_static("x-aws-ec2-metadata-token"), token.clone());
            self.client.ask(question, INSTANCE_LIMITS).await
        };
        let roles = "latest/meta-data/iam/security-credentials";
        let role = ask(&format!("{roles}/")).await?;
        if role.status != 200 {
            return Err(none("the instance has no role".to_owned()));
        }
        let role = role.words();
        let answer = ask(&format!("{roles}/{role}")).await?;
        answered(&answer, &base.to_string(), &format!("the instance's role `{role}`"))
    }
}

fn answered(answer: &Answer, who: &str, from: &str) -> Result<Credentials, OutboundError> {
    if answer.status != 200 {
        let what = format!("answers with the status {}; expected keys", answer.status);
        return Err(OutboundError { who: who.to_owned(), what });
    }
    given(&answer.body, who, from)
}

/// Reads a document of keys. Nothing of it is shown: it holds secrets.
pub(super) fn given(document: &[u8], who: &str, from: &str) -> Result<Credentials, OutboundError> {
    let wrong = |what: String| OutboundError { who: who.to_owned(), what };
    let given: Given = serde_json::from_slice(document).map_err(|_| {
        wrong("answers something else than keys (AccessKeyId, SecretAccessKey, Token, Expiration)".to_owned())
    })?;
    let keys = Credentials::of(&given.access_key_id, &given.secret_access_key, given.token.as_deref());
    Ok(Credentials { expires: given.expiration, from: from.to_owned(), ..keys })
}

/// Whether an authority is this machine, or one of the addresses at which a container's services answer.
pub(super) fn is_beside(authority: &str) -> bool {
    let host =
        authority.parse::<Authority>().map(|authority| authority.host().to_owned()).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
            // The service of a cluster's nodes answers at fd00:ec2::23.
            IpAddr::V6(address) => address.is_loopback() || address.segments().starts_with(&[0xfd00, 0x0ec2]),
        })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn provider(environment: fn(&str) -> Option<String>) -> Provider {
        Provider::elsewhere(environment)
    }

    #[tokio::test]
    async fn the_environment_is_first() {
        let of = provider(|name| match name {
            "AWS_ACCESS_KEY_ID" => Some("AKID".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("hush".to_owned()),
            _ => None,
        });
        let keys = of.credentials(NOW).await.unwrap();
        assert_eq!((keys.access_key.as_str(), keys.secret_key.reveal()), ("AKID", "hush"));
        assert!(!format!("{keys:?}").contains("hush"));
        let error = provider(|_| None).credentials(NOW).await.unwrap_err().to_string();
        assert!(error.contains("no keys"), "{error}");
    }

    #[tokio::test]
    async fn a_containers_token_is_not_sent_in_the_clear_to_another_machine() {
        let of = provider(|name| match name {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI" => Some("http://keys.example/".to_owned()),
            "AWS_CONTAINER_AUTHORIZATION_TOKEN" => Some("hush".to_owned()),
            _ => None,
        });
        let error = of.credentials(NOW).await.unwrap_err().to_string();
        assert!(error.contains("in the clear") && !error.contains("hush"), "{error}");
        for (authority, beside) in [
            ("localhost:80", true),
            ("127.0.0.1", true),
            ("169.254.170.23:80", true),
            ("[::1]:80", true),
            ("[fd00:ec2::23]", true),
            ("127.0.0.1.example", false),
            ("10.0.0.1:80", false),
            ("[fd00::1]:80", false),
        ] {
            assert_eq!(is_beside(authority), beside, "{authority}");
        }
    }

    #[tokio::test]
    async fn a_token_is_exchanged_for_keys() {
        let of = provider(|name| match name {
            "AWS_WEB_IDENTITY_TOKEN_FILE" => Some("/nowhere/token".to_owned()),
            "AWS_ROLE_ARN" => Some("arn:aws:iam::111122223333:role/octro".to_owned()),
            _ => None,
        });
        let error = of.credentials(NOW).await.unwrap_err().to_string();
        assert!(error.contains("its token cannot be read: /nowhere/token"), "{error}");

        let answer = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A</AccessKeyId>\
                      <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                      <Expiration>2026-09-21T15:13:20Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        let (_, value) = crate::aws::api::read_xml(answer).unwrap();
        let keys =
            crate::aws::assume::given(&value["AssumeRoleWithWebIdentityResult"], "x".to_owned()).unwrap();
        assert_eq!((keys.access_key.as_str(), keys.secret_key.reveal()), ("A", "s"));
        assert!(keys.expires.is_some());
    }

    /// An instance's metadata, version 2: a token first, and everything else only with it.
    #[tokio::test]
    async fn an_instances_role_is_asked_with_a_token_and_again_before_its_keys_end() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let mut times = 0;
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = vec![0; 4_096];
                let length = stream.read(&mut buffer).await.unwrap();
                let asked = String::from_utf8_lossy(&buffer[..length]).to_lowercase();
                let with_token = asked.contains("x-aws-ec2-metadata-token: tok");
                let body = if asked.starts_with("put /latest/api/token") {
                    "tok".to_owned()
                } else if asked.starts_with("get /latest/meta-data/iam/security-credentials/ ") && with_token
                {
                    "octro".to_owned()
                } else if asked.starts_with("get /latest/meta-data/iam/security-credentials/octro ")
                    && with_token
                {
                    times += 1;
                    format!(
                        "{{\"AccessKeyId\":\"A{times}\",\"SecretAccessKey\":\"s\",\"Token\":\"t\",\"Expiration\":\"2026-09-21T15:13:20Z\"}}"
                    )
                } else {
                    String::new()
                };
                let status = if body.is_empty() { "401 Unauthorized" } else { "200 OK" };
                let text = format!(
                    "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        let of = Provider { instance: Some(Url::parse(&address).unwrap()), ..provider(|_| None) };
        let keys = of.credentials(NOW).await.unwrap();
        assert_eq!((keys.access_key.as_str(), keys.from.as_str()), ("A1", "the instance's role `octro`"));
        assert_eq!(of.credentials(NOW).await.unwrap().access_key, "A1");
        let end = keys.expires.unwrap();
        assert_eq!(of.credentials(end.minus(Span::from_secs(60))).await.unwrap().access_key, "A2");
    }
}
