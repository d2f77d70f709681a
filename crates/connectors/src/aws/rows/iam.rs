//! IAM: users with their keys and factors, the root user, and roles with those whom they trust.

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use crate::aws::class::tag;
use crate::aws::document::Document;
use crate::aws::facts::{Facts, Known, Look, at, many, moment, number};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made};
use crate::aws::services::IAM;

const GONE: &[&str] = &["NoSuchEntity"];
const NAME: (&str, Said) = ("UserName", Said::Text("{UserName}"));
const DETAILS: &str = "iam:GetAccountAuthorizationDetails";
/// The policy of AWS that allows everything.
const ADMINISTRATOR: &str = ":policy/AdministratorAccess";

const fn details(filter: &'static [(&'static str, Said)], items: &'static str) -> List {
    List::paged(Ask::of(&IAM, "GetAccountAuthorizationDetails", DETAILS, filter), items, "Marker", "Marker")
}

static USERS: List = details(
    &[("Filter.member.1", Said::Text("User")), ("MaxItems", Said::Number(500))],
    "UserDetailList.member",
);
static ROLES: List = details(
    &[("Filter.member.1", Said::Text("Role")), ("MaxItems", Said::Number(500))],
    "RoleDetailList.member",
);
static GROUPS: List = details(
    &[("Filter.member.1", Said::Text("Group")), ("MaxItems", Said::Number(500))],
    "GroupDetailList.member",
);
static POLICIES: List = details(
    &[("Filter.member.1", Said::Text("LocalManagedPolicy")), ("MaxItems", Said::Number(500))],
    "Policies.member",
);
static SUMMARY: List =
    List::whole(Ask::of(&IAM, "GetAccountSummary", "iam:GetAccountSummary", &[]), "SummaryMap");
static VIRTUAL: List = List::paged(
    Ask::of(
        &IAM,
        "ListVirtualMFADevices",
        "iam:ListVirtualMFADevices",
        &[("AssignmentStatus", Said::Text("Assigned"))],
    ),
    "VirtualMFADevices.member",
    "Marker",
    "Marker",
);

pub(crate) static USER: Row = Row::of("aws.iam.user", &USERS, "{Arn}")
    .global()
    .beside(&[&GROUPS, &POLICIES])
    .asking(&[
        Detail::of("login", Ask::of(&IAM, "GetLoginProfile", "iam:GetLoginProfile", &[NAME])).absent(GONE),
        Detail::of("factors", Ask::of(&IAM, "ListMFADevices", "iam:ListMFADevices", &[NAME]))
            .at("MFADevices")
            .gone(GONE),
        Detail::of("keys", Ask::of(&IAM, "ListAccessKeys", "iam:ListAccessKeys", &[NAME]))
            .at("AccessKeyMetadata")
            .gone(GONE),
        Detail::of("used_0", Ask::of(&IAM, "GetAccessKeyLastUsed", "iam:GetAccessKeyLastUsed", FIRST))
            .at("AccessKeyLastUsed")
            .when(|facts| key_id(facts, 0).is_some()),
        Detail::of("used_1", Ask::of(&IAM, "GetAccessKeyLastUsed", "iam:GetAccessKeyLastUsed", SECOND))
            .at("AccessKeyLastUsed")
            .when(|facts| key_id(facts, 1).is_some()),
    ])
    .with(&[
        item("name", "UserName", Form::Text),
        made("root", |_| Known::flag(false)),
        made("person", person),
        made("console", |facts| match facts.look("login", "LoginProfile") {
            Look::There(_) => Known::flag(true),
            Look::Absent => Known::flag(false),
            Look::Unknown(reason) => Known::Unknown(reason),
        }),
        made("mfa", |facts| match factors(facts) {
            Known::Value(Value::Array(factors)) => Known::flag(!factors.is_empty()),
            known @ (Known::Value(_) | Known::Absent | Known::Key(_) | Known::Unknown(_)) => known,
        }),
        made("factors", factors),
        made("keys", keys),
        made("administrator", administrator),
    ]);

const FIRST: &[(&str, Said)] = &[("AccessKeyId", Said::Made(|facts| key_id(facts, 0)))];
const SECOND: &[(&str, Said)] = &[("AccessKeyId", Said::Made(|facts| key_id(facts, 1)))];

pub(crate) static ROOT: Row = Row::of("aws.iam.user", &SUMMARY, "arn:{partition}:iam::{account}:root")
    .global()
    .part("/root")
    .beside(&[&VIRTUAL])
    .with(&[
        made("name", |_| Known::text("root")),
        made("root", |_| Known::flag(true)),
        made("person", |_| Known::Absent),
        made("console", |_| Known::flag(true)),
        made("mfa", |facts| {
            summary(facts, "#AccountMFAEnabled").map_or_else(Known::from, |of| Known::flag(of > 0))
        }),
        made("factors", root_factors),
        made("keys", root_keys),
        made("administrator", |_| Known::flag(true)),
    ]);

pub(crate) static ROLE: Row =
    Row::of("aws.iam.role", &ROLES, "{Arn}").global().beside(&[&GROUPS, &POLICIES]).with(&[
        item("name", "RoleName", Form::Text),
        made("service_linked", |facts| {
            Known::flag(facts.text("Path").is_some_and(|path| path.starts_with("/aws-service-role/")))
        }),
        made("trusts", |facts| trust(facts, |document| Known::Value(json!(document.principals())))),
        made("trusts_anyone", |facts| trust(facts, |document| Known::flag(document.is_open()))),
        made("foreign_accounts", foreign),
        made("administrator", administrator),
        item("used_at", "RoleLastUsed.LastUsedDate", Form::Moment),
    ]);

/// Whose it is, by the tag `person` or `owner`.
fn person(facts: &Facts<'_>) -> Known {
    let tags = at(facts.item, "Tags.member");
    let owner = tags.and_then(|tags| tag(tags, "person").or_else(|| tag(tags, "owner")));
    owner.map_or(Known::Absent, Known::text)
}

/// Serial numbers tell what a factor is: an ARN with `mfa/` is an application, one with `u2f/` a key or passkey, and
/// anything else stands on a device that shows codes.
fn factors(facts: &Facts<'_>) -> Known {
    match facts.look("factors", "") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::Value(json!([])),
        Look::There(devices) => {
            let devices = at(devices, "member").into_iter().flat_map(many);
            let serials = devices.filter_map(|one| one.get("SerialNumber").and_then(Value::as_str));
            let mut factors: Vec<&str> = serials
                .map(|serial| match serial.split_once(":u2f/") {
                    Some(_) => "security_key",
                    None if serial.contains(":mfa/") => "totp",
                    None => "hardware_totp",
                })
                .collect();
            factors.sort_unstable();
            factors.dedup();
            Known::Value(json!(factors))
        }
    }
}

fn key_id(facts: &Facts<'_>, place: usize) -> Option<String> {
    let Look::There(keys) = facts.look("keys", "member") else { return None };
    many(keys).nth(place)?.get("AccessKeyId").and_then(Value::as_str).map(str::to_owned)
}

fn keys(facts: &Facts<'_>) -> Known {
    let keys = match facts.look("keys", "") {
        Look::Unknown(reason) => return Known::Unknown(reason),
        Look::Absent => return Known::Value(json!([])),
        Look::There(keys) => at(keys, "member").into_iter().flat_map(many),
    };
    let mut found = Vec::new();
    for (key, used) in keys.zip(["used_0", "used_1"]) {
        let used = match facts.look(used, "LastUsedDate") {
            // The whole list is unknown: a key without its last use would look as if it had none.
            Look::Unknown(reason) => return Known::Unknown(reason),
            Look::Absent => None,
            Look::There(at) => moment(at),
        };
        let (Some(id), Some(status), Some(created)) = (
            key.get("AccessKeyId").and_then(Value::as_str),
            key.get("Status").and_then(Value::as_str),
            key.get("CreateDate").and_then(moment),
        ) else {
            return Known::odd("an access key lacks its id, status or date");
        };
        let used = used.map(|used| used.to_string());
        found.push(json!({"id": id, "active": status == "Active", "created_at": created.to_string(), "used_at": used}));
    }
    Known::Value(Value::Array(found))
}

/// Whether it may do anything: by a policy of its own, one that is attached, or one of its groups.
fn administrator(facts: &Facts<'_>) -> Known {
    let (groups, policies) = (facts.beside.first(), facts.beside.get(1));
    let mut holders = vec![facts.item];
    let mut unknown: Option<UnknownReason> = None;
    let names: Vec<&str> =
        at(facts.item, "GroupList.member").into_iter().flat_map(many).filter_map(Value::as_str).collect();
    match groups {
        Some(Ok(groups)) => holders.extend(groups.iter().map(|item| &item.value).filter(|group| {
            group.get("GroupName").and_then(Value::as_str).is_some_and(|name| names.contains(&name))
        })),
        Some(Err(reason)) if !names.is_empty() => unknown = Some(reason.clone()),
        Some(Err(_)) | None => {}
    }
    let inline = ["UserPolicyList.member", "RolePolicyList.member", "GroupPolicyList.member"];
    for holder in holders {
        for policy in inline.iter().filter_map(|list| at(holder, list)).flat_map(many) {
            match policy.get("PolicyDocument").map(Document::read) {
                Some(Ok(document)) if document.is_administrator() => return Known::flag(true),
                Some(Ok(_)) => {}
                Some(Err(what)) => unknown = Some(UnknownReason::new(Why::Failed, what)),
                None => unknown = Some(UnknownReason::new(Why::Failed, "a policy has no document")),
            }
        }
        for attached in at(holder, "AttachedManagedPolicies.member").into_iter().flat_map(many) {
            let arn = attached.get("PolicyArn").and_then(Value::as_str).unwrap_or_default();
            if arn.ends_with(ADMINISTRATOR) {
                return Known::flag(true);
            }
            // Policies of AWS that allow everything have that one name.
            if arn.contains(":aws:policy/") {
                continue;
            }
            match policies {
                Some(Ok(policies)) => {
                    let of = policies
                        .iter()
                        .find(|item| item.value.get("Arn").and_then(Value::as_str) == Some(arn));
                    match of.and_then(|item| effective(&item.value)).map(Document::read) {
                        Some(Ok(document)) if document.is_administrator() => return Known::flag(true),
                        Some(Ok(_)) => {}
                        Some(Err(what)) => unknown = Some(UnknownReason::new(Why::Failed, what)),
                        None => {
                            unknown = Some(UnknownReason::new(Why::Failed, format!("{arn} was not told")))
                        }
                    }
                }
                Some(Err(reason)) => unknown = Some(reason.clone()),
                None => {}
            }
        }
    }
    unknown.map_or_else(|| Known::flag(false), Known::Unknown)
}

/// The version of a policy that is in force.
fn effective(policy: &Value) -> Option<&Value> {
    let version = policy.get("DefaultVersionId").and_then(Value::as_str);
    many(at(policy, "PolicyVersionList.member")?)
        .find(|one| one.get("VersionId").and_then(Value::as_str) == version)?
        .get("Document")
}

fn summary(facts: &Facts<'_>, path: &str) -> Result<i64, UnknownReason> {
    let unknown = || UnknownReason::new(Why::Failed, format!("the account's summary has no {path}"));
    at(facts.item, path).and_then(number).ok_or_else(unknown)
}

/// The service tells which factor the root user has only if it is an application.
fn root_factors(facts: &Facts<'_>) -> Known {
    match summary(facts, "#AccountMFAEnabled") {
        Err(reason) => return Known::Unknown(reason),
        Ok(0) => return Known::Value(json!([])),
        Ok(_) => {}
    }
    match facts.beside.first() {
        Some(Ok(devices)) => {
            let is_virtual = devices.iter().any(|item| {
                let serial = item.value.get("SerialNumber").and_then(Value::as_str).unwrap_or_default();
                serial.ends_with(":mfa/root-account-mfa-device")
                    || at(&item.value, "User.Arn")
                        .and_then(Value::as_str)
                        .is_some_and(|arn| arn.ends_with(":root"))
            });
            if is_virtual {
                Known::Value(json!(["totp"]))
            } else {
                let what = "the root user has a factor that is no application; AWS does not say which";
                Known::Unknown(UnknownReason::new(Why::Unsupported, what))
            }
        }
        Some(Err(reason)) => Known::Unknown(reason.clone()),
        None => Known::Absent,
    }
}

/// The summary counts the root user's keys, and tells nothing more of them.
fn root_keys(facts: &Facts<'_>) -> Known {
    match summary(facts, "#AccountAccessKeysPresent") {
        Err(reason) => Known::Unknown(reason),
        Ok(count) => {
            let keys: Vec<Value> = (0..count.clamp(0, 2)).map(|_| json!({"active": true})).collect();
            Known::Value(Value::Array(keys))
        }
    }
}

fn trust(facts: &Facts<'_>, of: fn(&Document) -> Known) -> Known {
    match facts.look("", "AssumeRolePolicyDocument") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::odd("the role has no trust policy"),
        Look::There(value) => Document::read(value).map_or_else(Known::odd, |document| of(&document)),
    }
}

/// The accounts besides its own that a role trusts.
fn foreign(facts: &Facts<'_>) -> Known {
    match facts.look("", "AssumeRolePolicyDocument") {
        Look::Unknown(reason) => Known::Unknown(reason),
        Look::Absent => Known::odd("the role has no trust policy"),
        Look::There(value) => match Document::read(value) {
            Err(what) => Known::odd(what),
            Ok(document) => {
                let account = |name: &String| -> Option<String> {
                    let number =
                        if name.starts_with("arn:") { name.split(':').nth(4)? } else { name.as_str() };
                    let is_account = number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit());
                    (is_account && number != facts.place.account).then(|| number.to_owned())
                };
                let mut accounts: Vec<String> = document.principals().iter().filter_map(account).collect();
                accounts.sort();
                accounts.dedup();
                Known::Value(json!(accounts))
            }
        },
    }
}
