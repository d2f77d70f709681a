//! Keys of a session of single sign-on: `aws sso login` leaves a token in a file, which is exchanged for keys of an account
//! and a role. A token that ends is made anew with the client that was registered with it, as AWS's own tools do, and
//! written back, so that they go on with it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use octro_model::{Span, Timestamp};
use serde_json::{Map, Value, json};

use super::api::is_region;
use super::profile::{Files, Profile};
use super::{Credentials, Provider};
use crate::{Answer, Limits, OutboundError, Question, Url};

/// The limits of an answer, and of what is read from the folder of tokens.
const LIMITS: Limits = Limits { time: Duration::from_secs(20), size: 64 * 1_024 };
const FILE_MAX: u64 = 64 * 1_024;
const FILES_MAX: usize = 500;
/// A token is made anew so long before it ends.
const EARLY: Span = Span::from_secs(120);

/// Who signs on, where.
struct Session<'a> {
    start_url: &'a str,
    region: &'a str,
}

/// A token in its file.
struct Token {
    path: PathBuf,
    fields: Map<String, Value>,
}

impl Token {
    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn moment(&self, name: &str) -> Option<Timestamp> {
        // Older tools wrote `UTC` for `Z`.
        self.text(name)?.replace("UTC", "Z").parse().ok()
    }
}

impl Provider {
    /// Keys of the account and role that the profile names.
    pub(super) async fn of_single_sign_on(
        &self,
        files: &Files,
        profile: &Profile<'_>,
        now: Timestamp,
    ) -> Result<Credentials, OutboundError> {
        let shared = match profile.get("sso_session") {
            None => None,
            Some(name) => Some(files.session(name).ok_or_else(|| {
                profile.wrong(format!("there is no section [sso-session {name}], which it names"))
            })?),
        };
        let session = session(profile, shared)?;
        let need = |name: &str| profile.get(name).ok_or_else(|| profile.wrong(format!("it has no `{name}`")));
        let (account, role) = (need("sso_account_id")?, need("sso_role_name")?);
        let again = format!("run `aws sso login --profile {}`", profile.name);
        let folder =
            self.folder().ok_or_else(|| profile.wrong("HOME is not set, so that no token can be found"))?;
        let mut token = newest(&folder.join("sso/cache"), session.start_url).ok_or_else(|| {
            profile.wrong(format!("nobody has signed on to {}: {again}", session.start_url))
        })?;
        if token.moment("expiresAt").is_none_or(|end| end.minus(EARLY) <= now) {
            self.renew(&mut token, &session, now)
                .await
                .map_err(|what| profile.wrong(format!("the session has ended, and {what}: {again}")))?;
        }
        let url = self
            .address("SSO", &format!("portal.sso.{}", session.region))
            .map_err(|what| profile.wrong(what))?;
        let url = url.join("federation/credentials").asking(&[("role_name", role), ("account_id", account)]);
        let mut bearer = HeaderValue::from_str(token.text("accessToken").unwrap_or_default())
            .map_err(|_| profile.wrong("its token is no text"))?;
        bearer.set_sensitive(true);
        let question = Question::get(url).with(HeaderName::from_static("x-amz-sso_bearer_token"), bearer);
        let answer = self.client().ask(question, LIMITS).await?;
        keys(&answer, account, role, &again).map_err(|what| profile.wrong(what))
    }

    /// Makes a token anew.
    async fn renew(&self, token: &mut Token, session: &Session<'_>, now: Timestamp) -> Result<(), String> {
        let (Some(id), Some(secret), Some(refresh)) =
            (token.text("clientId"), token.text("clientSecret"), token.text("refreshToken"))
        else {
            return Err("it was not one that can be renewed".to_owned());
        };
        if token.moment("registrationExpiresAt").is_some_and(|end| end <= now) {
            return Err("the registration of the client, too".to_owned());
        }
        let asked = json!({
            "clientId": id, "clientSecret": secret, "grantType": "refresh_token", "refreshToken": refresh,
        });
        let url = self.address("SSO_OIDC", &format!("oidc.{}", session.region))?.join("token");
        let question = Question::post(url, "application/json", asked.to_string());
        let answer = self.client().ask(question, LIMITS).await.map_err(|error| error.to_string())?;
        let given: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let (200, Some(access), Some(secs)) = (
            answer.status,
            given.get("accessToken").and_then(Value::as_str),
            given.get("expiresIn").and_then(Value::as_i64).filter(|secs| (1..=10_000_000).contains(secs)),
        ) else {
            return Err(format!("it is not renewed ({})", code(&answer)));
        };
        let end = Timestamp::from_secs(now.secs()).plus(Span::from_secs(secs));
        token.fields.insert("accessToken".to_owned(), json!(access));
        token.fields.insert("expiresAt".to_owned(), json!(end.to_string()));
        if let Some(next) = given.get("refreshToken").filter(|next| next.is_string()) {
            token.fields.insert("refreshToken".to_owned(), next.clone());
        }
        if let Err(error) = write(&token.path, &token.fields) {
            tracing::warn!(path = %token.path.display(), %error, "the renewed token of single sign-on cannot be written back");
        }
        Ok(())
    }

    fn address(&self, service: &str, host: &str) -> Result<Url, String> {
        match self.endpoint(service)? {
            Some(url) => Ok(url),
            None => {
                let end = if host.contains(".cn-") { ".cn" } else { "" };
                Url::parse(&format!("https://{host}.amazonaws.com{end}"))
            }
        }
    }
}

fn session<'a>(
    profile: &Profile<'a>,
    shared: Option<&'a BTreeMap<String, String>>,
) -> Result<Session<'a>, OutboundError> {
    let of = |name: &str| match shared {
        Some(values) => values.get(name).map(String::as_str).filter(|value| !value.is_empty()),
        None => profile.get(name),
    };
    let start_url = of("sso_start_url").ok_or_else(|| profile.wrong("its session has no `sso_start_url`"))?;
    let region = of("sso_region")
        .filter(|region| is_region(region))
        .ok_or_else(|| profile.wrong("its session has no `sso_region` such as `eu-central-1`"))?;
    Ok(Session { start_url, region })
}

/// The token of a start page that ends last. The folder's files are looked through: their names are hashes.
fn newest(folder: &Path, start_url: &str) -> Option<Token> {
    let plain = |url: &str| url.trim_end_matches(['#', '/']).to_owned();
    let mut found: Option<Token> = None;
    for entry in std::fs::read_dir(folder).ok()?.flatten().take(FILES_MAX) {
        let path = entry.path();
        let is_small = entry.metadata().is_ok_and(|meta| meta.is_file() && meta.len() <= FILE_MAX);
        if !is_small || path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Ok(Value::Object(fields)) = serde_json::from_str(&text) else { continue };
        let token = Token { path, fields };
        let fits = token.text("accessToken").is_some()
            && token.text("startUrl").is_some_and(|url| plain(url) == plain(start_url));
        let ends = token.moment("expiresAt");
        if fits && found.as_ref().is_none_or(|known| known.moment("expiresAt") < ends) {
            found = Some(token);
        }
    }
    found
}

/// Writes a token, whole or not at all, for its owner's eyes only.
fn write(path: &Path, fields: &Map<String, Value>) -> std::io::Result<()> {
    let mut suffix = [0_u8; 8];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut suffix)
        .map_err(|_| std::io::Error::other("the system gives no random bytes for the name of a new file"))?;
    let next = path.with_extension(format!("json.{:016x}", u64::from_ne_bytes(suffix)));
    // Never through what lies there already, such as a link that somebody laid.
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    let written =
        serde_json::to_vec(fields).map_err(std::io::Error::other).and_then(|text| file.write_all(&text));
    written.and_then(|()| std::fs::rename(&next, path)).inspect_err(|_| {
        // It holds a secret; what cannot be removed is at least not read by others.
        let _ = std::fs::remove_file(&next);
    })
}

/// The service's own word for a refusal.
fn code(answer: &Answer) -> String {
    let kind = answer.header("x-amzn-errortype").split(':').next().unwrap_or_default();
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = value.get("error").or_else(|| value.get("__type")).and_then(Value::as_str).unwrap_or_default();
    let word = if kind.is_empty() { said } else { kind };
    let word: String =
        word.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_').take(60).collect();
    if word.is_empty() { format!("the status {}", answer.status) } else { word }
}

/// The keys in an answer. Nothing of it is shown: it holds secrets.
fn keys(answer: &Answer, account: &str, role: &str, again: &str) -> Result<Credentials, String> {
    match answer.status {
        200 => {}
        401 => return Err(format!("the session is not accepted ({}): {again}", code(answer))),
        403 | 404 => {
            return Err(format!(
                "the role `{role}` of the account {account} is not given ({}): assign it to whoever signed on",
                code(answer)
            ));
        }
        _ => return Err(format!("single sign-on answers {}", code(answer))),
    }
    let value: Value =
        serde_json::from_slice(&answer.body).map_err(|_| "the answer has no keys".to_owned())?;
    let of = |name: &str| value.pointer(&format!("/roleCredentials/{name}"));
    let text = |name: &str| of(name).and_then(Value::as_str);
    let (Some(access), Some(secret), Some(session)) =
        (text("accessKeyId"), text("secretAccessKey"), text("sessionToken"))
    else {
        return Err("the answer has no keys".to_owned());
    };
    let ends = of("expiration").and_then(Value::as_i64).and_then(|millis| millis.checked_mul(1_000));
    let from = format!("single sign-on as `{role}` in the account {account}");
    Ok(Credentials {
        expires: ends.map(Timestamp::from_micros),
        from,
        ..Credentials::of(access, secret, Some(session))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_token_is_written_beside_whatever_was_laid_there() {
        let folder = tempfile::tempdir().unwrap();
        let (path, prey) = (folder.path().join("a.json"), folder.path().join("prey"));
        std::fs::write(&prey, "mine").unwrap();
        // The name that would be foreseen.
        let foreseen = path.with_extension(format!("json.{}", std::process::id()));
        std::os::unix::fs::symlink(&prey, &foreseen).unwrap();
        let fields = Map::from_iter([("accessToken".to_owned(), json!("fresh"))]);
        write(&path, &fields).unwrap();
        assert_eq!(std::fs::read_to_string(&prey).unwrap(), "mine");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"accessToken\":\"fresh\"}");
        let meta = std::fs::symlink_metadata(&path).unwrap();
        assert!(meta.is_file() && meta.permissions().mode() & 0o777 == 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
