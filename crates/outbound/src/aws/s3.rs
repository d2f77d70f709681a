//! Objects in a bucket of S3, or of anything that speaks like it.

use std::time::Duration;

use hyper::Method;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use octro_model::Timestamp;

use super::{Provider, Scope, sign};
use crate::{Answer, Client, Limits, OutboundError, Question, Url};

const TIME: Duration = Duration::from_secs(20);
/// The largest page of a listing: 1,000 keys of at most 1,024 bytes, with what stands around them.
const PAGE_MAX: usize = 4 << 20;
/// The most pages of one listing.
const PAGES_MAX: usize = 10_000;

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketAt {
    /// The address below which its objects lie: `https://BUCKET.s3.REGION.amazonaws.com`, or for a store of one's own
    /// `https://HOST/BUCKET`.
    pub url: Url,
    /// What stands before each key; empty, or with a slash at its end.
    pub prefix: String,
    /// The region that signatures name.
    pub region: String,
}

impl BucketAt {
    /// A bucket of AWS, or of the store that answers at `endpoint`.
    ///
    /// # Errors
    /// In words, what is wrong and what was expected.
    pub fn parse(bucket: &str, prefix: &str, region: &str, endpoint: Option<&str>) -> Result<Self, String> {
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.'))
        };
        if !(3..=63).contains(&bucket.len()) || !plain(bucket) {
            return Err(format!(
                "`{bucket}` is no name of a bucket; expected 3 to 63 of a-z, 0-9, `-` and `.`"
            ));
        }
        if region.is_empty() || !plain(region) {
            return Err(format!("`{region}` is no region; expected one such as `eu-central-1`"));
        }
        let url = match endpoint {
            Some(endpoint) => Url::parse(endpoint)?.join(bucket),
            None => Url::parse(&format!("https://{bucket}.s3.{region}.amazonaws.com"))?,
        };
        let prefix = prefix.trim_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { url, prefix, region: region.to_owned() })
    }
}

/// An object's bytes, and the tag that says which version of it they are.
#[derive(Clone, Debug)]
pub struct Found {
    /// The bytes.
    pub body: Vec<u8>,
    /// The entity tag, as the store wrote it.
    pub tag: String,
}

/// Whether an object was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was.
    Written,
    /// Somebody else has written it meanwhile.
    Changed,
}

/// A bucket, with keys to it. Clones share connections and keys.
#[derive(Clone, Debug)]
pub struct Bucket {
    at: BucketAt,
    client: Client,
    keys: Provider,
}

impl Bucket {
    /// A bucket that is asked with these keys.
    #[must_use]
    pub fn new(at: BucketAt, client: Client, keys: Provider) -> Self {
        Self { at, client, keys }
    }

    /// Where it is.
    #[must_use]
    pub const fn at(&self) -> &BucketAt {
        &self.at
    }

    async fn ask(&self, question: Question, size: usize, now: Timestamp) -> Result<Answer, OutboundError> {
        let keys = self.keys.credentials(now).await?;
        let scope = Scope { region: &self.at.region, service: "s3" };
        self.client.ask(sign(question, &keys, scope, now)?, Limits { time: TIME, size }).await
    }

    fn url(&self, key: &str) -> Url {
        self.at.url.join(&format!("{}{key}", self.at.prefix))
    }

    /// An object of at most `size` bytes; `None` if there is none.
    ///
    /// # Errors
    /// If the store does not answer, or refuses.
    pub async fn get(&self, key: &str, size: usize, now: Timestamp) -> Result<Option<Found>, OutboundError> {
        let url = self.url(key);
        let answer = self.ask(Question::get(url.clone()), size, now).await?;
        match answer.status {
            200 => Ok(Some(Found { tag: answer.header("etag").to_owned(), body: answer.body.to_vec() })),
            404 => Ok(None),
            _ => Err(refused(&url, &answer, "s3:GetObject and s3:ListBucket")),
        }
    }

    /// Writes an object that never changes.
    ///
    /// # Errors
    /// If the store does not answer, or refuses.
    pub async fn put(&self, key: &str, body: Vec<u8>, now: Timestamp) -> Result<(), OutboundError> {
        let url = self.url(key);
        let question = Question { method: Method::PUT, ..Question::get(url.clone()) }
            .with(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .with(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"))
            .sending(body);
        let answer = self.ask(question, PAGE_MAX, now).await?;
        if answer.status == 200 { Ok(()) } else { Err(refused(&url, &answer, "s3:PutObject")) }
    }

    /// Writes a text that changes, if it is still the version with that tag, or if there is none yet.
    ///
    /// # Errors
    /// If the store does not answer, or refuses.
    pub async fn replace(
        &self,
        key: &str,
        text: &str,
        was: Option<&str>,
        now: Timestamp,
    ) -> Result<Put, OutboundError> {
        let url = self.url(key);
        let wrong = |_| OutboundError { who: url.to_string(), what: "its entity tag is no text".to_owned() };
        let question = Question { method: Method::PUT, ..Question::get(url.clone()) }
            .with(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))
            .with(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
            .sending(text.to_owned());
        let question = match was {
            Some(tag) => question.with(IF_MATCH, HeaderValue::from_str(tag).map_err(wrong)?),
            None => question.with(IF_NONE_MATCH, HeaderValue::from_static("*")),
        };
        let answer = self.ask(question, PAGE_MAX, now).await?;
        match answer.status {
            200 => Ok(Put::Written),
            // 409: two wrote at the same time.
            409 | 412 => Ok(Put::Changed),
            _ => Err(refused(&url, &answer, "s3:PutObject")),
        }
    }

    /// Removes an object; one that is not there is no error.
    ///
    /// # Errors
    /// If the store does not answer, or refuses.
    pub async fn remove(&self, key: &str, now: Timestamp) -> Result<(), OutboundError> {
        let url = self.url(key);
        let question = Question { method: Method::DELETE, ..Question::get(url.clone()) };
        let answer = self.ask(question, PAGE_MAX, now).await?;
        match answer.status {
            200 | 204 | 404 => Ok(()),
            _ => Err(refused(&url, &answer, "s3:DeleteObject")),
        }
    }

    /// The keys that begin so, without the bucket's own prefix.
    ///
    /// # Errors
    /// If the store does not answer, refuses, or its pages have no end.
    pub async fn list(&self, begin: &str, now: Timestamp) -> Result<Vec<String>, OutboundError> {
        let prefix = format!("{}{begin}", self.at.prefix);
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES_MAX {
            // In the order of the names, as they are signed.
            let mut asked = vec![("list-type", "2"), ("prefix", prefix.as_str())];
            if let Some(token) = &token {
                asked.insert(0, ("continuation-token", token.as_str()));
            }
            let url = self.at.url.asking(&asked);
            let answer = self.ask(Question::get(url.clone()), PAGE_MAX, now).await?;
            if answer.status != 200 {
                return Err(refused(&url, &answer, "s3:ListBucket"));
            }
            let text = String::from_utf8_lossy(&answer.body);
            keys.extend(
                elements(&text, "Key").filter_map(|key| key.strip_prefix(&self.at.prefix).map(str::to_owned)),
            );
            let next = elements(&text, "NextContinuationToken").next();
            if next.is_none() {
                return Ok(keys);
            }
            token = next;
        }
        Err(OutboundError {
            who: self.at.url.to_string(),
            what: format!("its listing has more than {PAGES_MAX} pages"),
        })
    }
}

/// The texts of all elements of a name, with the five entities of XML replaced.
fn elements<'a>(xml: &'a str, name: &str) -> impl Iterator<Item = String> + 'a {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        let text =
            text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
        Some(text.replace("&amp;", "&"))
    })
}

fn refused(url: &Url, answer: &Answer, needs: &str) -> OutboundError {
    let text = String::from_utf8_lossy(&answer.body);
    let of = |name: &str| elements(&text, name).next().unwrap_or_default();
    let (code, message) = (of("Code"), of("Message"));
    let says: String = if code.is_empty() { answer.words() } else { format!("{code}: {message}") };
    let says: String = says.chars().filter(|letter| !letter.is_control()).take(300).collect();
    let advice = match answer.status {
        401 | 403 => format!("; the keys need {needs} on it"),
        301 | 307 => "; the bucket lies in another region: name that one".to_owned(),
        501 => "; the store cannot write conditionally (If-Match), which Octro needs so that two processes do not \
                overwrite each other"
            .to_owned(),
        _ => String::new(),
    };
    OutboundError {
        who: url.to_string(),
        what: format!("answers with the status {}: {says}{advice}", answer.status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_addresses() {
        let at = BucketAt::parse("proofs", "/a/b/", "eu-central-1", None).unwrap();
        assert_eq!(
            (at.url.to_string().as_str(), at.prefix.as_str()),
            ("https://proofs.s3.eu-central-1.amazonaws.com", "a/b/")
        );
        let at = BucketAt::parse("proofs", "", "eu", Some("http://127.0.0.1:9000")).unwrap();
        assert_eq!((at.url.to_string().as_str(), at.prefix.as_str()), ("http://127.0.0.1:9000/proofs", ""));
        for (bucket, region) in [("A", "eu"), ("a b c", "eu"), ("proofs", ""), ("proofs", "eu/1")] {
            assert!(BucketAt::parse(bucket, "", region, None).is_err(), "{bucket} {region}");
        }
    }

    #[test]
    fn elements_are_read() {
        let xml = "<L><Key>a&amp;lt;b</Key><X/><Key>c</Key><Key>open";
        assert_eq!(elements(xml, "Key").collect::<Vec<_>>(), ["a&lt;b", "c"]);
        assert_eq!(elements(xml, "None").next(), None);
    }
}
