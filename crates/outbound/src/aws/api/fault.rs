//! What a call was refused with. Services say it in four shapes; here it becomes one, with the class of its reason.

use octro_model::{Timestamp, UnknownReason, Why};
use serde_json::Value;

use super::xml;
use crate::Answer;

/// A call that got no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// The class of the reason.
    pub why: Why,
    /// The service's own word for it (`AccessDenied`, `NoSuchBucket`); empty if it said none.
    pub code: String,
    /// The status; 0 if nobody answered.
    pub status: u16,
    /// What is wrong, and what to do where that is known.
    pub what: String,
}

impl Fault {
    pub(in crate::aws) fn failed(what: impl Into<String>) -> Self {
        Self { why: Why::Failed, code: String::new(), status: 0, what: what.into() }
    }

    pub(super) fn silent(what: impl Into<String>) -> Self {
        Self { why: Why::TimedOut, ..Self::failed(what) }
    }

    /// Why what was asked for is unknown; a refusal names the permission.
    #[must_use]
    pub fn reason(&self, permission: &str) -> UnknownReason {
        let detail = match self.why {
            Why::Denied => format!("{permission} ({})", self.what),
            Why::Throttled
            | Why::TimedOut
            | Why::Failed
            | Why::NotCollected
            | Why::Unsupported
            | Why::Unset => {
                format!("{permission}: {}", self.what)
            }
        };
        UnknownReason::new(self.why, detail.chars().take(480).collect::<String>())
    }

    /// Whether asking again may help.
    pub(super) fn passes(&self) -> bool {
        self.why == Why::Throttled || self.why == Why::TimedOut || self.status == 0 || self.status >= 500
    }

    /// Reads a refusal.
    pub(super) fn of(answer: &Answer, now: Timestamp) -> Self {
        let (code, message) = words(answer);
        let status = answer.status;
        let why = class(status, &code);
        let mut what = match (code.as_str(), message.as_str()) {
            ("", "") => format!("answers with the status {status}: {}", answer.words()),
            (code, "") => format!("answers {code}"),
            (code, message) => format!("answers {code}: {message}"),
        };
        if let Some(advice) = advice(&code, &message, answer, now) {
            what = format!("{what}; {advice}");
        }
        Self { why, code, status, what }
    }
}

/// The code and the message of a refusal.
fn words(answer: &Answer) -> (String, String) {
    let text = String::from_utf8_lossy(&answer.body);
    let mut code = answer.header("x-amzn-errortype").to_owned();
    let mut message = String::new();
    let said = if text.trim_start().starts_with('<') {
        xml::read(&text).map(|(_, value)| value).unwrap_or_default()
    } else {
        serde_json::from_str::<Value>(&text).unwrap_or_default()
    };
    // S3 has them at the root, query services in `Error`, EC2 in `Errors.Error`.
    let places = ["", "/Error", "/Errors/Error", "/error"];
    for inner in places.iter().filter_map(|place| said.pointer(place)) {
        for (names, into) in
            [(["__type", "Code", "code"], &mut code), (["message", "Message", "errorMessage"], &mut message)]
        {
            if into.is_empty()
                && let Some(found) = names.iter().find_map(|name| inner.get(*name).and_then(Value::as_str))
            {
                found.clone_into(into);
            }
        }
    }
    // `com.amazonaws.kms#NotFoundException`, `ValidationException:http://internal/`.
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let plain = |text: &str, most| -> String {
        text.chars().filter(|letter| !letter.is_control()).take(most).collect()
    };
    (plain(code, 80), plain(&message, 300))
}

fn class(status: u16, code: &str) -> Why {
    const THROTTLED: [&str; 8] = [
        "RequestLimitExceeded",
        "ProvisionedThroughputExceededException",
        "TooManyRequestsException",
        "SlowDown",
        "RequestThrottled",
        "RequestThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
    ];
    const DENIED: [&str; 13] = [
        "UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
        "AuthFailure",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "NotAuthorized",
        "MissingAuthenticationToken",
    ];
    const ABROAD: [&str; 3] = ["OptInRequired", "SubscriptionRequiredException", "UnsupportedOperation"];
    if status == 429 || code.starts_with("Throttl") || THROTTLED.contains(&code) {
        Why::Throttled
    } else if ABROAD.contains(&code) {
        Why::Unsupported
    } else if status == 401 || status == 403 || code.starts_with("AccessDenied") || DENIED.contains(&code) {
        Why::Denied
    } else {
        Why::Failed
    }
}

fn advice(code: &str, message: &str, answer: &Answer, now: Timestamp) -> Option<String> {
    let is_skewed = matches!(code, "RequestTimeTooSkewed" | "RequestExpired")
        || message.contains("Signature expired")
        || message.contains("Signature not yet current");
    if is_skewed {
        let theirs = answer.header("date");
        let theirs = if theirs.is_empty() { String::new() } else { format!(" and AWS's says {theirs}") };
        return Some(format!("the clock of this machine is wrong: it says {now}{theirs}; set it by NTP"));
    }
    match code {
        "ExpiredToken" | "ExpiredTokenException" => Some("the keys have ended: give new ones".to_owned()),
        "InvalidClientTokenId" | "UnrecognizedClientException" => {
            Some("AWS does not know these keys, or the region is not enabled for them".to_owned())
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => {
            Some("the secret key is not the one that belongs to this access key".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hyper::body::Bytes;
    use hyper::header::{HeaderMap, HeaderValue};

    use super::*;

    fn fault(status: u16, body: &str, headers: &[(&'static str, &'static str)]) -> Fault {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        let answer = Answer { status, headers: map, body: Bytes::from(body.to_owned()) };
        Fault::of(&answer, Timestamp::from_secs(1_790_000_000))
    }

    #[test]
    fn every_shape_of_a_refusal_is_read() {
        for (status, body, why, code) in [
            (
                403,
                "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
                Why::Denied,
                "AccessDenied",
            ),
            (
                400,
                "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>slow</Message></Error></ErrorResponse>",
                Why::Throttled,
                "Throttling",
            ),
            (
                403,
                "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>x</Message></Error></Errors></Response>",
                Why::Denied,
                "UnauthorizedOperation",
            ),
            (
                400,
                "{\"__type\":\"com.amazonaws.kms#AccessDeniedException\",\"Message\":\"x\"}",
                Why::Denied,
                "AccessDeniedException",
            ),
            (400, "{\"__type\":\"NotFoundException\"}", Why::Failed, "NotFoundException"),
            (500, "<html><title>500</title><br></html>", Why::Failed, ""),
            (429, "", Why::Throttled, ""),
            (404, "<Error><Code>NoSuchBucketPolicy</Code></Error>", Why::Failed, "NoSuchBucketPolicy"),
            (401, "\u{0}\u{1}", Why::Denied, ""),
            (
                400,
                "{\"__type\":\"OptInRequired\",\"message\":\"subscribe\"}",
                Why::Unsupported,
                "OptInRequired",
            ),
        ] {
            let fault = fault(status, body, &[]);
            assert_eq!((fault.why, fault.code.as_str()), (why, code), "{body}");
        }
        let named =
            fault(403, "{\"message\":\"no\"}", &[("x-amzn-errortype", "AccessDeniedException:http://x/")]);
        assert_eq!(named.code, "AccessDeniedException");
        assert_eq!(
            named.reason("backup:ListBackupVaults").to_string(),
            "denied: backup:ListBackupVaults (answers AccessDeniedException: no)"
        );
    }

    #[test]
    fn a_wrong_clock_is_named() {
        let body = "<Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message></Error>";
        let fault = fault(403, body, &[("date", "Mon, 21 Sep 2026 15:00:00 GMT")]);
        assert!(fault.what.contains("the clock of this machine") && fault.what.contains("15:00"), "{fault}");
    }
}
