//! Policy documents, evaluated: whether they let anyone in, and whether they turn away requests without TLS. What cannot
//! be read is an error, so that it becomes unknown and never good.

use octro_model::Glob;
use serde_json::Value;

use super::facts::many;

/// The longest document that is read.
const LENGTH_MAX: usize = 128 * 1_024;
/// Conditions that limit who may come, or from where.
const LIMITS: [&str; 21] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpcsourceip",
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "elasticfilesystem:accesspointarn",
    "sns:endpoint",
    "aws:principaltag/",
];
/// Requests that a bucket must refuse without TLS, each with whether it is of an object. None is odd: a policy that
/// refuses these refuses all.
const REQUESTS: [(&str, bool); 14] = [
    ("s3:GetObject", true),
    ("s3:GetObjectVersion", true),
    ("s3:GetObjectTagging", true),
    ("s3:PutObject", true),
    ("s3:PutObjectAcl", true),
    ("s3:DeleteObject", true),
    ("s3:DeleteObjectVersion", true),
    ("s3:AbortMultipartUpload", true),
    ("s3:RestoreObject", true),
    ("s3:ListBucket", false),
    ("s3:ListBucketVersions", false),
    ("s3:GetBucketAcl", false),
    ("s3:PutBucketPolicy", false),
    ("s3:GetBucketLocation", false),
];

/// A policy.
#[derive(Debug)]
pub(crate) struct Document {
    statements: Vec<Value>,
}

impl Document {
    /// Reads a document: JSON, or JSON inside of a JSON text, or percent-encoded as IAM has it.
    ///
    /// # Errors
    /// In words, what is wrong.
    pub(crate) fn read(value: &Value) -> Result<Self, String> {
        let parsed;
        let document = match value {
            Value::String(text) if text.len() > LENGTH_MAX => {
                return Err(format!("the policy has more than {LENGTH_MAX} bytes"));
            }
            Value::String(text) => {
                let text = if text.starts_with('%') { decode(text) } else { text.clone() };
                parsed = serde_json::from_str::<Value>(&text)
                    .map_err(|error| format!("the policy is no JSON ({error})"))?;
                &parsed
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value,
        };
        let statements = document.get("Statement").ok_or("the policy has no `Statement`")?;
        let statements: Vec<Value> = many(statements).cloned().collect();
        for statement in &statements {
            let effect = statement.get("Effect").and_then(Value::as_str);
            if !matches!(effect, Some("Allow" | "Deny")) {
                return Err("a statement of the policy has no `Effect`".to_owned());
            }
        }
        Ok(Self { statements })
    }

    fn with(&self, effect: &str) -> impl Iterator<Item = &Value> {
        self.statements
            .iter()
            .filter(move |statement| statement.get("Effect").and_then(Value::as_str) == Some(effect))
    }

    /// Whether a statement lets anyone in, without a condition that limits who or from where.
    pub(crate) fn is_open(&self) -> bool {
        self.with("Allow").any(|statement| is_anyone(statement) && !is_limited(statement))
    }

    /// Whether every request to a bucket that does not come over TLS is denied, whoever makes it.
    pub(crate) fn is_tls_only(&self, bucket: &str) -> bool {
        let denies: Vec<&Value> =
            self.with("Deny").filter(|one| is_everyone(one) && is_without_tls(one)).collect();
        REQUESTS.iter().all(|(action, of_object)| {
            // A name that no rule about a folder or an ending happens to cover.
            let resource = if *of_object { format!("{bucket}/\u{1}any/\u{2}") } else { bucket.to_owned() };
            denies.iter().any(|statement| {
                covers(statement, "Action", "NotAction", action, true)
                    && covers(statement, "Resource", "NotResource", &resource, false)
            })
        })
    }

    /// Whether a statement lets its holder do anything, without a condition.
    pub(crate) fn is_administrator(&self) -> bool {
        self.with("Allow").any(|statement| {
            let of = |name| statement.get(name);
            let any = |value: &Value| many(value).any(|one| matches!(one.as_str(), Some("*" | "*:*")));
            of("Condition").is_none()
                && of("Action").is_some_and(any)
                && of("Resource").is_some_and(|value| many(value).any(|one| one.as_str() == Some("*")))
        })
    }

    /// Who may take a role: accounts, services and providers, as the document names them; `*` for anyone.
    pub(crate) fn principals(&self) -> Vec<String> {
        let mut found = Vec::new();
        for statement in self.with("Allow") {
            match statement.get("Principal") {
                Some(Value::Object(of)) => {
                    let names = of.values().flat_map(many).filter_map(Value::as_str);
                    found.extend(names.map(str::to_owned));
                }
                Some(Value::String(name)) => found.push(name.clone()),
                Some(_) => {}
                // Everyone but those who are named.
                None if statement.get("NotPrincipal").is_some() => found.push("*".to_owned()),
                None => {}
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// The principals of a statement hold anyone.
fn is_anyone(statement: &Value) -> bool {
    is_everyone(statement) || statement.get("NotPrincipal").is_some()
}

/// The principals of a statement are everyone.
fn is_everyone(statement: &Value) -> bool {
    match statement.get("Principal") {
        Some(Value::String(name)) => name == "*",
        Some(Value::Object(of)) => {
            of.get("AWS").is_some_and(|names| many(names).any(|name| name.as_str() == Some("*")))
        }
        Some(_) | None => false,
    }
}

/// A condition limits who may come: it compares one of the keys that say who or from where with fixed values.
fn is_limited(statement: &Value) -> bool {
    let Some(Value::Object(conditions)) = statement.get("Condition") else { return false };
    conditions.iter().any(|(operator, tests)| {
        let operator = operator.to_lowercase();
        // These are true when the key is missing, or true for everything but some.
        if operator.ends_with("ifexists")
            || operator.starts_with("forallvalues:")
            || operator.contains("not")
            || operator == "null"
        {
            return false;
        }
        let Some(tests) = tests.as_object() else { return false };
        tests.iter().any(|(key, values)| {
            let key = key.to_lowercase();
            let known =
                LIMITS.iter().any(|limit| key == *limit || (limit.ends_with('/') && key.starts_with(limit)));
            known && many(values).all(|value| is_narrow(&key, value)) && many(values).next().is_some()
        })
    })
}

/// A value does not stand for everybody.
fn is_narrow(key: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return false };
    if key == "aws:sourceip" || key == "aws:vpcsourceip" {
        let (_, length) = text.split_once('/').unwrap_or((text, "32"));
        let least = if text.contains(':') { 32 } else { 8 };
        return length.parse::<u8>().is_ok_and(|length| length >= least);
    }
    // `arn:aws:iam::*:role/x` is a role of anybody; `arn:aws:s3:::mine` has no account, and is of its owner alone.
    if let Some(rest) = text.strip_prefix("arn:") {
        let parts: Vec<&str> = rest.splitn(5, ':').collect();
        let account = parts.get(3).copied().unwrap_or("*");
        let resource = parts.get(4).copied().unwrap_or("*");
        return if account.is_empty() {
            !resource.starts_with(['*', '?'])
        } else {
            !account.contains(['*', '?'])
        };
    }
    !text.contains(['*', '?'])
}

/// The only condition is that the request did not come over TLS.
fn is_without_tls(statement: &Value) -> bool {
    let Some(Value::Object(conditions)) = statement.get("Condition") else { return false };
    let mut seen = false;
    for (operator, tests) in conditions {
        let operator = operator.to_lowercase();
        let Some(tests) = tests.as_object() else { return false };
        for (key, values) in tests {
            let is_false = |value: &Value| {
                value.as_bool() == Some(false)
                    || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("false"))
            };
            let fits = matches!(
                operator.as_str(),
                "bool" | "boolifexists" | "stringequals" | "stringequalsignorecase"
            ) && key.eq_ignore_ascii_case("aws:SecureTransport")
                && many(values).any(is_false);
            if !fits {
                return false;
            }
            seen = true;
        }
    }
    seen
}

fn covers(statement: &Value, field: &str, other: &str, what: &str, any_case: bool) -> bool {
    let fits = |value: &Value| {
        value.as_str().is_some_and(|pattern| {
            if any_case {
                Glob::new(pattern.to_lowercase()).matches(&what.to_lowercase())
            } else {
                Glob::new(pattern).matches(what)
            }
        })
    };
    match (statement.get(field), statement.get(other)) {
        (Some(patterns), None) => many(patterns).any(fits),
        (None, Some(patterns)) => !many(patterns).any(fits),
        _ => false,
    }
}

/// Percent-encoding taken away.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        match (first, code.and_then(|code| u8::from_str_radix(code, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn open(statement: Value) -> bool {
        Document::read(&json!({"Statement": statement})).unwrap().is_open()
    }

    #[test]
    fn what_lets_anyone_in_is_open() {
        for (statement, expected) in [
            (json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*"}), true),
            (
                json!([{"Effect": "Allow", "Principal": {"AWS": ["111122223333", "*"]}, "Action": "s3:*"}]),
                true,
            ),
            (
                json!({"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "s3:*"}),
                true,
            ),
            (json!({"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "s3:*"}), false),
            (
                json!({"Effect": "Allow", "Principal": {"Service": "logs.amazonaws.com"}, "Action": "s3:*"}),
                false,
            ),
            (json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*"}), false),
        ] {
            assert_eq!(open(statement.clone()), expected, "{statement}");
        }
        let with = |condition: Value| {
            open(json!({"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Condition": condition}))
        };
        for (condition, expected) in [
            (json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}), false),
            (json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}), false),
            (json!({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}), false),
            (json!({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "0.0.0.0/0"]}}), true),
            (json!({"IpAddress": {"aws:SourceIp": "::/0"}}), true),
            (json!({"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}), true),
            (json!({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}), true),
            (json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}), true),
            (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:mine"}}), true),
            (json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:::mine*"}}), false),
            (json!({"Bool": {"aws:SecureTransport": "true"}}), true),
            (json!({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}), true),
            (json!({"StringEquals": {"aws:SourceVpc": []}}), true),
        ] {
            assert_eq!(with(condition.clone()), expected, "{condition}");
        }
    }

    #[test]
    fn tls_only_is_every_request_of_everyone() {
        let bucket = "arn:aws:s3:::b";
        let tls =
            |statement: Value| Document::read(&json!({"Statement": statement})).unwrap().is_tls_only(bucket);
        let deny = |more: Value| {
            let mut statement = json!({
                "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            });
            for (name, value) in more.as_object().unwrap() {
                statement[name.as_str()] = value.clone();
            }
            statement
        };
        assert!(tls(deny(json!({}))));
        assert!(tls(deny(json!({"Principal": {"AWS": "*"}, "Resource": "*", "Action": "*"}))));
        assert!(tls(json!([
            deny(json!({"Resource": "arn:aws:s3:::b"})),
            deny(
                json!({"Resource": "arn:aws:s3:::b/*", "Action": ["S3:Get*", "s3:P*", "s3:Delete*", "s3:A*", "s3:R*"]})
            )
        ])));
        for not in [
            json!({"Effect": "Allow"}),
            json!({"Resource": "arn:aws:s3:::b/*"}),
            json!({"Resource": "arn:aws:s3:::b"}),
            json!({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/public/*"]}),
            json!({"Action": ["s3:GetObject", "s3:PutObject"]}),
            json!({"Principal": {"AWS": "arn:aws:iam::1:root"}}),
            json!({"Condition": {"Bool": {"aws:SecureTransport": "true"}}}),
            json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o"}}}),
            json!({"Condition": {"Bool": {"aws:SecureTransport": "false", "aws:ViaAWSService": "false"}}}),
        ] {
            assert!(!tls(deny(not.clone())), "{not}");
        }
        let mut statement = deny(json!({}));
        let object = statement.as_object_mut().unwrap();
        object.remove("Principal");
        object.insert("NotPrincipal".to_owned(), json!({"AWS": "arn:aws:iam::1:root"}));
        assert!(!tls(statement), "somebody is spared");
    }

    #[test]
    fn a_large_document_with_not_principal_is_judged_and_a_broken_one_is_not() {
        let names: Vec<String> = (0..500).map(|number| format!("arn:aws:iam::{number:012}:role/x")).collect();
        let text = json!({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": names}, "Action": "*"}})
            .to_string();
        assert!(text.len() > 15_000);
        assert!(Document::read(&json!(text)).unwrap().is_open());
        for broken in [
            json!("{\"Statement\": ["),
            json!({"Version": "2012-10-17"}),
            json!({"Statement": {"Principal": "*"}}),
            json!(null),
            json!("x".repeat(LENGTH_MAX + 1)),
        ] {
            assert!(Document::read(&broken).is_err());
        }
    }

    #[test]
    fn roles_and_administrators() {
        let encoded = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22AWS%22%3A%22444455556666%22%2C%22Service%22%3A%5B%22ec2.amazonaws.com%22%5D%7D%7D%5D%7D";
        let document = Document::read(&json!(encoded)).unwrap();
        assert_eq!(document.principals(), ["444455556666", "ec2.amazonaws.com"]);
        let admin =
            |statement: Value| Document::read(&json!({"Statement": statement})).unwrap().is_administrator();
        assert!(admin(json!({"Effect": "Allow", "Action": "*", "Resource": "*"})));
        assert!(!admin(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})));
        assert!(!admin(json!({"Effect": "Deny", "Action": "*", "Resource": "*"})));
    }
}
