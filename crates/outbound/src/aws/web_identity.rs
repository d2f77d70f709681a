//! Keys for a token of another identity provider: what a cluster gives to its pods, or a pipeline to its jobs. The token
//! is itself the proof; nothing is signed.

use std::io::Read as _;
use std::time::Duration;

use super::api::{Place, STS, read_xml};
use super::assume::{SESSION, given};
use super::{Credentials, Provider};
use crate::{Limits, OutboundError, Question, Url};

/// The largest token that is read, and the limits of the answer.
const TOKEN_MAX: u64 = 64 * 1_024;
const LIMITS: Limits = Limits { time: Duration::from_secs(20), size: 64 * 1_024 };

impl Provider {
    /// Keys for the token in the file that the environment names; `None` if it names none.
    pub(super) async fn of_web_identity(&self) -> Result<Option<Credentials>, OutboundError> {
        let (Some(path), Some(role)) =
            (self.setting("AWS_WEB_IDENTITY_TOKEN_FILE"), self.setting("AWS_ROLE_ARN"))
        else {
            return Ok(None);
        };
        let session = self.setting("AWS_ROLE_SESSION_NAME");
        self.for_token(&path, &role, session.as_deref()).await.map(Some)
    }

    /// Keys of a role for the token in a file.
    pub(super) async fn for_token(
        &self,
        path: &str,
        role: &str,
        session: Option<&str>,
    ) -> Result<Credentials, OutboundError> {
        let wrong = |what: String| OutboundError { who: role.to_owned(), what };
        let mut token = String::new();
        let read = std::fs::File::open(path).and_then(|file| file.take(TOKEN_MAX).read_to_string(&mut token));
        read.map_err(|error| wrong(format!("its token cannot be read: {path}: {error}")))?;
        let region = self.region().unwrap_or_else(|| "us-east-1".to_owned());
        let url = match self.endpoint("STS").map_err(wrong)? {
            Some(endpoint) => endpoint,
            None => {
                let host = STS.host_at(&Place::new("", region)).0;
                Url::parse(&format!("https://{host}")).map_err(wrong)?
            }
        };
        let form = url.asking(&[
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", role),
            ("RoleSessionName", session.unwrap_or(SESSION)),
            ("WebIdentityToken", token.trim()),
        ]);
        let question = Question::post(url, "application/x-www-form-urlencoded", form.query().to_owned());
        let answer = self.client().ask(question, LIMITS).await?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status != 200 {
            let code = read_xml(&text)
                .ok()
                .and_then(|(_, value)| value.pointer("/Error/Code")?.as_str().map(str::to_owned));
            let code = code.unwrap_or_else(|| format!("the status {}", answer.status));
            return Err(wrong(format!(
                "is not given for the token in {path}: {code}; let the role's trust policy name the token's issuer, \
                 subject and audience"
            )));
        }
        let (_, value) =
            read_xml(&text).map_err(|what| wrong(format!("the answer cannot be read: {what}")))?;
        let result = value.get("AssumeRoleWithWebIdentityResult").unwrap_or(&value);
        let keys = given(result, format!("the role {role}, for the token in {path}"));
        keys.ok_or_else(|| wrong("the answer has no keys".to_owned()))
    }
}
