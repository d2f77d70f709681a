//! Calls to AWS: signed, in the protocol of the service, asked again with growing pauses when the service is busy, and
//! read into one shape. Nothing here knows what a call is for.

mod discovery;
mod fault;
mod pages;
mod retry;
mod service;
mod xml;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use octro_model::{Span, Timestamp};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{Provider, Scope, sign};
use crate::{Answer, Client, Limits, Question, Url};

pub use fault::Fault;
pub use pages::{Pager, Pages, Paging, items};
pub use retry::Retry;
pub use service::{Protocol, STS, Service};
pub use xml::read as read_xml;

/// How long one answer may take, and the largest that is read.
const TIME: Duration = Duration::from_secs(30);
const SIZE_MAX: usize = 16 << 20;

/// Where a call goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The account's number; empty before it is known.
    pub account: String,
    /// The region, such as `eu-central-1`.
    pub region: String,
}

impl Place {
    /// A region of an account.
    #[must_use]
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        Self { account: account.into(), region: region.into() }
    }

    /// The partition as ARNs name it.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Whom.
    pub service: &'a Service,
    /// What, by the interface's own name.
    pub action: &'a str,
    /// The path, for services that are spoken to by paths.
    pub path: Cow<'a, str>,
    /// The root that an XML answer of such a service must have, alternatives with `|`; empty if the answer is JSON.
    pub root: &'a str,
    /// What is said with it: fields of the form, of the JSON, or of the query.
    pub input: Vec<(&'a str, Value)>,
}

impl<'a> Call<'a> {
    /// A call of a service that is spoken to by actions.
    #[must_use]
    pub const fn action(service: &'a Service, action: &'a str) -> Self {
        Self { service, action, path: Cow::Borrowed(""), root: "", input: Vec::new() }
    }

    /// The same, saying this with it.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: impl Into<Value>) -> Self {
        self.input.push((name, value.into()));
        self
    }
}

/// Makes calls. Clones share connections, the limit of calls at once, and the clock.
#[derive(Clone, Debug)]
pub struct Caller {
    client: Client,
    endpoint: Option<Url>,
    retry: Retry,
    gate: Arc<Semaphore>,
    began: (Timestamp, Instant),
    time: Duration,
    discovered: discovery::Known,
}

impl Caller {
    /// A caller that makes at most `at_once` calls at the same time, to AWS or to whatever answers at `endpoint`. The
    /// moment is `now`; it goes on from there.
    ///
    /// # Errors
    /// In words, if calls to `endpoint` could be read on the way.
    pub fn new(
        client: Client,
        endpoint: Option<Url>,
        at_once: usize,
        now: Timestamp,
    ) -> Result<Self, String> {
        if let Some(endpoint) =
            endpoint.as_ref().filter(|url| !url.is_tls() && !super::is_beside(url.authority()))
        {
            return Err(format!(
                "`{endpoint}` is asked in the clear; expected https://, or an address of this machine"
            ));
        }
        Ok(Self {
            client,
            endpoint,
            retry: Retry::default(),
            gate: Arc::new(Semaphore::new(at_once.max(1))),
            began: (now, Instant::now()),
            time: TIME,
            discovered: discovery::Known::default(),
        })
    }

    /// The same with other patience.
    #[must_use]
    pub const fn patient(mut self, retry: Retry, time: Duration) -> Self {
        self.retry = retry;
        self.time = time;
        self
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let micros = i64::try_from(self.began.1.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.began.0.plus(Span::from_micros(micros))
    }

    /// Makes a call, again if the service is busy.
    ///
    /// # Errors
    /// With what it was refused in the end.
    pub async fn call(&self, keys: &Provider, place: &Place, call: &Call<'_>) -> Result<Value, Fault> {
        let host = self.discover(keys, place, call).await?;
        let mut times = 0;
        let mut place = place.clone();
        let mut was_led = false;
        loop {
            times += 1;
            let fault = match self.once(keys, &place, call, host.as_deref()).await {
                Ok(Said::Value(value)) => return Ok(value),
                Ok(Said::Elsewhere(region, fault)) => {
                    if was_led || region == place.region {
                        return Err(fault);
                    }
                    was_led = true;
                    place.region = region;
                    continue;
                }
                Err(fault) => fault,
            };
            if times >= self.retry.times || !fault.passes() {
                return Err(fault);
            }
            tokio::time::sleep(self.retry.pause(times)).await;
        }
    }

    async fn once(
        &self,
        keys: &Provider,
        place: &Place,
        call: &Call<'_>,
        host: Option<&str>,
    ) -> Result<Said, Fault> {
        let held = self.gate.acquire().await.map_err(|error| Fault::failed(error.to_string()))?;
        let now = self.now();
        // Boxed: keys of a role are had by such a call.
        let credentials = Box::pin(keys.credentials(now)).await;
        // That there are no keys does not change by asking again.
        let credentials =
            credentials.map_err(|error| Fault { status: 400, ..Fault::failed(error.to_string()) })?;
        let (question, region) = self.question(place, call, host)?;
        let scope = Scope { region: &region, service: call.service.name };
        let question =
            sign(question, &credentials, scope, now).map_err(|error| Fault::failed(error.to_string()))?;
        let limits = Limits { time: self.time.saturating_add(Duration::from_secs(1)), size: SIZE_MAX };
        let answer = match tokio::time::timeout(self.time, self.client.ask(question, limits)).await {
            Ok(answer) => answer.map_err(|error| Fault::failed(error.to_string()))?,
            Err(_) => return Err(Fault::silent(format!("no answer within {:?}", self.time))),
        };
        drop(held);
        if call.service.name == "s3" && matches!(answer.status, 301 | 307 | 400) {
            let region = answer.header("x-amz-bucket-region");
            if is_region(region) {
                return Ok(Said::Elsewhere(region.to_owned(), Fault::of(&answer, now)));
            }
        }
        if !(200..300).contains(&answer.status) {
            return Err(Fault::of(&answer, now));
        }
        read(call, &answer).map(Said::Value).map_err(|what| {
            // The same answer would come again.
            Fault { status: answer.status, ..Fault::failed(format!("the answer cannot be read: {what}")) }
        })
    }

    /// The question, without its signature, and the region that signs.
    fn question(
        &self,
        place: &Place,
        call: &Call<'_>,
        discovered: Option<&str>,
    ) -> Result<(Question, String), Fault> {
        let wrong = |what: String| Fault { status: 400, ..Fault::failed(what) };
        let (host, region) = call.service.host_at(place);
        let host = discovered.map_or(host, str::to_owned);
        let base = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse(&format!("https://{host}")).map_err(wrong)?,
        };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let question = match call.service.protocol {
            Protocol::Query { version } => {
                let mut form = vec![("Action", call.action.to_owned()), ("Version", version.to_owned())];
                form.extend(call.input.iter().map(|(name, value)| (*name, text(value))));
                let form: Vec<(&str, &str)> =
                    form.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let body = base.asking(&form).query().to_owned();
                Question::post(base, "application/x-www-form-urlencoded; charset=utf-8", body)
            }
            Protocol::Json { version, target } => {
                let kind = match version {
                    "1.0" => "application/x-amz-json-1.0",
                    _ => "application/x-amz-json-1.1",
                };
                let input: Map<String, Value> =
                    call.input.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
                let target = HeaderValue::from_str(&format!("{target}.{}", call.action));
                Question::post(base, kind, Value::Object(input).to_string()).with(
                    HeaderName::from_static("x-amz-target"),
                    target.map_err(|error| wrong(error.to_string()))?,
                )
            }
            Protocol::RestXml | Protocol::RestJson => {
                let query: Vec<(&str, String)> =
                    call.input.iter().map(|(name, value)| (*name, text(value))).collect();
                let query: Vec<(&str, &str)> =
                    query.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let path = call.path.trim_start_matches('/');
                let at = if path.is_empty() { base } else { base.join(path) };
                let question = Question::get(at.asking(&query));
                if call.service.host.contains("{account}") {
                    let account = HeaderValue::from_str(&place.account);
                    question.with(
                        HeaderName::from_static("x-amz-account-id"),
                        account.map_err(|error| wrong(error.to_string()))?,
                    )
                } else if call.service.name == "s3" && !place.account.is_empty() && !path.is_empty() {
                    // A bucket that somebody else has by now is not taken for the one that was listed.
                    let account = HeaderValue::from_str(&place.account);
                    question.with(
                        HeaderName::from_static("x-amz-expected-bucket-owner"),
                        account.map_err(|error| wrong(error.to_string()))?,
                    )
                } else if call.service.protocol == Protocol::RestJson {
                    question.with(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                } else {
                    question
                }
            }
        };
        Ok((question, region))
    }
}

/// What one attempt gave.
enum Said {
    Value(Value),
    /// The bucket is in another region.
    Elsewhere(String, Fault),
}

/// Whether a text can be the name of a region.
#[must_use]
pub fn is_region(text: &str) -> bool {
    (4..=32).contains(&text.len())
        && text.contains('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The inside of a good answer.
fn read(call: &Call<'_>, answer: &Answer) -> Result<Value, String> {
    let text = std::str::from_utf8(&answer.body).map_err(|_| "it is no UTF-8".to_owned())?;
    let is_json = match call.service.protocol {
        Protocol::Json { .. } | Protocol::RestJson => true,
        Protocol::RestXml => call.root.is_empty(),
        Protocol::Query { .. } => false,
    };
    if is_json {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON ({error})"))?;
        return if value.is_object() { Ok(value) } else { Err("it is no JSON object".to_owned()) };
    }
    let (root, mut value) = xml::read(text)?;
    if call.service.protocol == Protocol::RestXml {
        return if call.root.split('|').any(|known| known == root) {
            Ok(value)
        } else {
            Err(format!("it is <{root}>, not <{}>", call.root))
        };
    }
    if root.strip_suffix("Response") != Some(call.action) {
        return Err(format!("it is <{root}>, not <{}Response>", call.action));
    }
    // EC2 has no element for the result.
    let result = value.as_object_mut().and_then(|object| object.remove(&format!("{}Result", call.action)));
    Ok(result.unwrap_or(value))
}

#[cfg(test)]
mod tests;
