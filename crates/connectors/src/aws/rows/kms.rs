//! KMS keys: who manages them, their state, their rotation, and whether their policy lets anyone in.

use octro_outbound::aws::api::Paging;
use serde_json::{Value, json};

use crate::aws::document::Document;
use crate::aws::facts::{Facts, Known, Look, many};
use crate::aws::key::owner;
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, made, of};
use crate::aws::services::KMS;

static KEYS: List = List::paged(
    Ask::of(&KMS, "ListKeys", "kms:ListKeys", &[("Limit", Said::Number(1_000))]),
    "Keys",
    "NextMarker",
    "Marker",
);

/// The aliases of a region: also what makes an alias the ARN of its key.
pub(crate) static ALIASES: List = List::paged(
    Ask::of(&KMS, "ListAliases", "kms:ListAliases", &[("Limit", Said::Number(100))]),
    "Aliases",
    "NextMarker",
    "Marker",
);

const GONE: &[&str] = &["NotFoundException"];

pub(crate) static KEY: Row = Row::of("aws.kms.key", &KEYS, "{KeyArn}")
    .beside(&[&ALIASES])
    .asking(&[
        Detail::of(
            "key",
            Ask::of(&KMS, "DescribeKey", "kms:DescribeKey", &[("KeyId", Said::Text("{KeyArn}"))]),
        )
        .at("KeyMetadata")
        .gone(GONE),
        Detail::of(
            "rotation",
            Ask::of(
                &KMS,
                "GetKeyRotationStatus",
                "kms:GetKeyRotationStatus",
                &[("KeyId", Said::Text("{KeyArn}"))],
            ),
        )
        .absent(&["UnsupportedOperationException", "KMSInvalidStateException"])
        .gone(GONE)
        .when(is_ours),
        Detail::of(
            "policy",
            Ask::of(
                &KMS,
                "GetKeyPolicy",
                "kms:GetKeyPolicy",
                &[("KeyId", Said::Text("{KeyArn}")), ("PolicyName", Said::Text("default"))],
            ),
        )
        .at("Policy")
        .gone(GONE)
        .when(is_ours),
        Detail::of(
            "grants",
            Ask::of(
                &KMS,
                "ListGrants",
                "kms:ListGrants",
                &[("KeyId", Said::Text("{KeyArn}")), ("Limit", Said::Number(100))],
            ),
        )
        .at("Grants")
        .paged(Paging::Token { from: "NextMarker", into: "Marker" })
        .gone(GONE)
        .when(is_ours),
    ])
    .with(&[
        made("aliases", aliases),
        of("manager", "key", "KeyManager", Form::Lower),
        of("enabled", "key", "Enabled", Form::Flag),
        made("state", state),
        of("deletion_at", "key", "DeletionDate", Form::Moment),
        made("spec", spec),
        made("origin", origin),
        of("rotation", "rotation", "KeyRotationEnabled", Form::Flag),
        made("rotation_period", rotation_period),
        made("policy_open", policy_open),
        made("grants", grants),
    ]);

/// Only keys of the company have a policy and a rotation that it can choose. If it is not known whose the key is, it is
/// asked.
fn is_ours(facts: &Facts<'_>) -> bool {
    match facts.look("key", "KeyManager") {
        Look::There(manager) => manager.as_str() != Some("AWS"),
        Look::Absent | Look::Unknown(_) => true,
    }
}

fn aliases(facts: &Facts<'_>) -> Known {
    let id = facts.key.rsplit('/').next().unwrap_or_default();
    match facts.beside.first() {
        Some(Ok(items)) => {
            let of_key =
                items.iter().filter(|item| item.value.get("TargetKeyId").and_then(Value::as_str) == Some(id));
            let names: Vec<&str> =
                of_key.filter_map(|item| item.value.get("AliasName").and_then(Value::as_str)).collect();
            Known::Value(json!(names))
        }
        Some(Err(reason)) => Known::Unknown(reason.clone()),
        None => Known::Absent,
    }
}

/// What the service writes, as we write it.
fn word(facts: &Facts<'_>, path: &str, words: &[(&str, &str)]) -> Known {
    match facts.look("key", path) {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::Absent,
        Look::There(value) => {
            let text = value.as_str().unwrap_or_default();
            let found = words.iter().find(|(begin, _)| text.starts_with(begin));
            found.map_or_else(|| Known::odd(format!("`{path}` is {value}")), |(_, word)| Known::text(*word))
        }
    }
}

fn state(facts: &Facts<'_>) -> Known {
    word(
        facts,
        "KeyState",
        &[
            ("Enabled", "enabled"),
            ("Disabled", "disabled"),
            ("PendingDeletion", "pending_deletion"),
            ("PendingReplicaDeletion", "pending_deletion"),
            ("PendingImport", "pending_import"),
            ("Unavailable", "unavailable"),
            ("Creating", "unavailable"),
            ("Updating", "enabled"),
        ],
    )
}

fn spec(facts: &Facts<'_>) -> Known {
    word(
        facts,
        "KeySpec|CustomerMasterKeySpec",
        &[
            ("SYMMETRIC", "symmetric"),
            ("RSA", "rsa"),
            ("ECC", "ecc"),
            ("HMAC", "hmac"),
            ("ML_DSA", "ml-dsa"),
            ("SM2", "sm2"),
        ],
    )
}

fn origin(facts: &Facts<'_>) -> Known {
    word(
        facts,
        "Origin",
        &[
            ("AWS_KMS", "kms"),
            ("EXTERNAL_KEY_STORE", "external_store"),
            ("EXTERNAL", "external"),
            ("AWS_CLOUDHSM", "cloudhsm"),
        ],
    )
}

/// With rotation on and no period said, it is the year that the service promises.
fn rotation_period(facts: &Facts<'_>) -> Known {
    match facts.look("rotation", "KeyRotationEnabled") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::There(Value::Bool(true)) => match facts.look("rotation", "RotationPeriodInDays") {
            Look::There(days) => match days.as_i64() {
                Some(days) if days > 0 => Known::text(format!("{days}d")),
                Some(_) | None => Known::odd(format!("the period of rotation is {days}")),
            },
            Look::Absent => Known::text("365d"),
            Look::Unknown(reason) => Known::Unknown(reason),
        },
        Look::There(_) | Look::Absent => Known::Absent,
    }
}

/// Who may use the key besides those whom its policy names. Services get grants for what they encrypt.
fn grants(facts: &Facts<'_>) -> Known {
    let grants = match facts.look("grants", "") {
        Look::Unknown(reason) => return Known::Unknown(reason),
        Look::Absent => return Known::Value(json!([])),
        Look::There(grants) => grants,
    };
    let mut told = Vec::new();
    for grant in many(grants) {
        let grantee = grant.get("GranteePrincipal").and_then(Value::as_str).unwrap_or_default();
        if grantee.is_empty() {
            return Known::odd("a grant does not say to whom it is given");
        }
        let owner = owner(grantee);
        told.push(json!({
            "grantee": grantee,
            "operations": grant.get("Operations").cloned().unwrap_or_else(|| json!([])),
            "abroad": owner.is_some() && owner != self::owner(facts.key),
        }));
    }
    Known::Value(Value::Array(told))
}

fn policy_open(facts: &Facts<'_>) -> Known {
    match facts.look("policy", "") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::Absent,
        Look::There(value) => match Document::read(value) {
            Ok(document) => Known::flag(document.is_open()),
            Err(what) => Known::odd(what),
        },
    }
}
