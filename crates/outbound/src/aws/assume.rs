//! Keys of a role: other keys ask for them, and get some that end.

use std::sync::Arc;

use octro_model::Timestamp;
use serde_json::Value;

use super::api::{Call, Caller, Fault, Place, STS};
use super::{Credentials, Provider};
use crate::OutboundError;

/// How a role's sessions are named, so that its account's trail says who it was.
pub(super) const SESSION: &str = "octro";

/// A role to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its ARN.
    pub arn: String,
    /// What its trust policy wants to hear, so that nobody else's role can be taken by mistake.
    pub external_id: Option<String>,
    /// The region whose service is asked.
    pub region: String,
}

/// How a role's keys are had anew.
#[derive(Debug)]
pub(super) struct Assumed {
    base: Provider,
    caller: Caller,
    role: Role,
}

impl Provider {
    /// Keys of a role, asked for with keys of one's own.
    ///
    /// # Errors
    /// If the role is not given.
    pub async fn assuming(base: Self, caller: Caller, role: Role) -> Result<Self, Fault> {
        let assumed = Assumed { base, caller, role };
        let keys = assumed.keys().await?;
        Ok(Self::fixed(keys).renewed_by(Arc::new(assumed)))
    }
}

impl Role {
    /// Takes the role once.
    pub(super) async fn take(&self, base: &Provider, caller: &Caller) -> Result<Credentials, Fault> {
        let mut call = Call::action(&STS, "AssumeRole")
            .with("RoleArn", self.arn.as_str())
            .with("RoleSessionName", SESSION)
            .with("DurationSeconds", 3_600);
        if let Some(id) = &self.external_id {
            call = call.with("ExternalId", id.as_str());
        }
        let answer = caller.call(base, &Place::new("", self.region.as_str()), &call).await?;
        // Nothing of the answer is shown: it holds secrets.
        given(&answer, format!("the role {}", self.arn))
            .ok_or_else(|| Fault::failed("the answer to AssumeRole has no keys"))
    }
}

impl Assumed {
    async fn keys(&self) -> Result<Credentials, Fault> {
        self.role.take(&self.base, &self.caller).await
    }

    pub(super) async fn renew(&self) -> Result<Credentials, OutboundError> {
        self.keys().await.map_err(|fault| OutboundError { who: self.role.arn.clone(), what: fault.what })
    }
}

/// The keys in an answer of the service that gives them.
pub(super) fn given(answer: &Value, from: String) -> Option<Credentials> {
    let of = |name: &str| answer.pointer(&format!("/Credentials/{name}")).and_then(Value::as_str);
    let (access, secret, token) = (of("AccessKeyId")?, of("SecretAccessKey")?, of("SessionToken")?);
    let ends: Option<Timestamp> = of("Expiration").and_then(|text| text.parse().ok());
    Some(Credentials { expires: ends, from, ..Credentials::of(access, secret, Some(token)) })
}
