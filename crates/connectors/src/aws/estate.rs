//! Which accounts there are, with which keys they are asked, and which of their regions are on.

use std::sync::Arc;

use octro_model::{Id, ScopeReport, UnknownReason, Why};
use octro_outbound::aws::api::{Call, Caller, Fault, Paging, Place, STS, is_region};
use octro_outbound::aws::{Provider, Role};
use serde_json::Value;
use tokio::task::JoinSet;

use super::changes::Kept;
use super::class::Classes;
use super::key;
use super::look::{Account, Message, Tell};
use super::resource::scope;
use super::row::Row;
use super::rows::KEY;
use super::services::{EC2, ORGANIZATIONS};

/// The word that stands for the keys' own account among the roles.
pub(crate) const OWN: &str = "own";

/// What one run is to do.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// `own`, and ARNs of roles.
    pub roles: Vec<String>,
    /// The role that every account of the organization has.
    pub organization_role: Option<String>,
    /// What the roles' trust policies want to hear.
    pub external_id: Option<String>,
    /// The region from which global services are asked.
    pub home: String,
    /// The regions; empty for all that are on.
    pub regions: Vec<String>,
    /// Regions that `regions` leaves out hold nothing.
    pub others_are_unused: bool,
    /// The rows, each with its kind.
    pub rows: Vec<(&'static Row, Id)>,
    /// What is declared.
    pub classes: Arc<Classes>,
    /// What is kept for changes between two looks, if they are heard of.
    pub kept: Option<Arc<Kept>>,
}

/// The accounts' roles: those of the settings, and those of the organization. If the organization cannot be asked, why.
pub(crate) async fn roles(
    plan: &Plan,
    caller: &Caller,
    keys: &Provider,
) -> (Vec<String>, Option<UnknownReason>) {
    let mut roles = plan.roles.clone();
    let Some(name) = &plan.organization_role else { return (roles, None) };
    let call = Call::action(&ORGANIZATIONS, "ListAccounts");
    let place = Place::new("", plan.home.as_str());
    let paging = Paging::Token { from: "NextToken", into: "NextToken" };
    let found = caller.pages(keys, &place, &call, "Accounts", paging).await;
    for account in found.items {
        let text = |name: &str| account.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("Status") != "ACTIVE" || roles.iter().any(|role| key::owner(role) == Some(text("Id"))) {
            continue;
        }
        roles.push(format!("arn:{}:iam::{}:role/{name}", place.partition(), text("Id")));
    }
    (roles, found.fault.map(|fault| fault.reason("organizations:ListAccounts")))
}

/// Looks at one account: with a role, or with one's own keys.
pub(crate) async fn account(plan: Arc<Plan>, caller: Caller, keys: Provider, role: String, tell: Tell) {
    if tell.send(Message::Begin(None, role.clone())).await.is_err() {
        return;
    }
    match open(&plan, &caller, keys, &role).await {
        Ok(account) => {
            let account = Arc::new(account);
            if let Some(kept) = &plan.kept {
                kept.put(account.clone());
            }
            look(&plan, account, &tell).await;
        }
        Err((permission, fault)) => {
            let named = key::owner(&role).unwrap_or(OWN).to_owned();
            let reason = fault.reason(permission);
            let mend = if role == OWN {
                "give keys by the environment, ~/.aws/credentials, or the machine's role".to_owned()
            } else {
                format!(
                    "let the keys take the role {role}, and see that its trust policy and `external_id` agree"
                )
            };
            let what = format!("account {named}");
            let _ = tell.send(Message::Error(what, reason.to_string(), mend)).await;
            refuse(&plan.rows, &format!("{named}/all"), &reason, &tell).await;
        }
    }
    let _ = tell.send(Message::Done(role)).await;
}

async fn open(
    plan: &Plan,
    caller: &Caller,
    keys: Provider,
    role: &str,
) -> Result<Account, (&'static str, Fault)> {
    let keys = if role == OWN {
        keys
    } else {
        let role =
            Role { arn: role.to_owned(), external_id: plan.external_id.clone(), region: plan.home.clone() };
        Provider::assuming(keys, caller.clone(), role).await.map_err(|fault| ("sts:AssumeRole", fault))?
    };
    let call = Call::action(&STS, "GetCallerIdentity");
    let who = caller.call(&keys, &Place::new("", plan.home.as_str()), &call).await;
    let who = who.map_err(|fault| ("sts:GetCallerIdentity", fault))?;
    let number = who.get("Account").and_then(Value::as_str).unwrap_or_default();
    if number.len() != 12 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        let what = "the answer names no account".to_owned();
        return Err((
            "sts:GetCallerIdentity",
            Fault { why: Why::Failed, code: String::new(), status: 200, what },
        ));
    }
    let place = Place::new(number, plan.home.as_str());
    Ok(Account::new(caller.clone(), keys, place, plan.classes.clone(), &plan.rows))
}

async fn look(plan: &Plan, account: Arc<Account>, tell: &Tell) {
    let regional: Vec<(&'static Row, Id)> =
        plan.rows.iter().filter(|(row, _)| !row.global).map(|(row, kind)| (*row, kind.clone())).collect();
    let (regions, gap) = if regional.is_empty() { (Vec::new(), None) } else { regions(plan, &account).await };
    account.look_at(regions.clone());
    if let Some(reason) = gap {
        let place = format!("{}/other regions", account.place.account);
        if reason.why != Why::NotCollected {
            let mend = "allow ec2:DescribeRegions; `octro source aws policy` prints all that is needed";
            let _ = tell.send(Message::Error(place.clone(), reason.to_string(), mend.to_owned())).await;
        }
        refuse(&regional, &place, &reason, tell).await;
    }
    let mut cells: Vec<(&'static Row, Id, Place)> = Vec::new();
    for (row, kind) in &plan.rows {
        if row.global {
            cells.push((row, kind.clone(), account.place.clone()));
        } else {
            let places =
                regions.iter().map(|region| Place::new(account.place.account.as_str(), region.as_str()));
            cells.extend(places.map(|place| (*row, kind.clone(), place)));
        }
    }
    for (row, kind, place) in &cells {
        if tell.send(Message::Begin(Some(kind.clone()), scope(row, place))).await.is_err() {
            return;
        }
    }
    let mut rows = JoinSet::new();
    for (row, kind, place) in cells {
        rows.spawn(account.clone().row(row, kind, place, tell.clone()));
    }
    while rows.join_next().await.is_some() {}
    if let Some((_, kind)) = plan.rows.iter().find(|(row, _)| row.kind == KEY.kind) {
        account.other_keys(kind.clone(), tell).await;
    }
}

/// The regions to look at, and why there may be more.
async fn regions(plan: &Plan, account: &Account) -> (Vec<String>, Option<UnknownReason>) {
    let call = Call::action(&EC2, "DescribeRegions");
    let found =
        account.caller.pages(&account.keys, &account.place, &call, "regionInfo.item", Paging::Whole).await;
    let chosen = if plan.regions.is_empty() { vec![plan.home.clone()] } else { plan.regions.clone() };
    if let Some(fault) = found.fault {
        let reason = (!plan.others_are_unused).then(|| fault.reason("ec2:DescribeRegions"));
        return (chosen, reason);
    }
    let names = found.items.iter().filter_map(|item| item.get("regionName").and_then(Value::as_str));
    let mut on: Vec<String> = names.filter(|name| is_region(name)).map(str::to_owned).collect();
    on.sort();
    if plan.regions.is_empty() {
        return (on, None);
    }
    let left: Vec<&str> = on.iter().filter(|name| !plan.regions.contains(name)).map(String::as_str).collect();
    let gap = (!left.is_empty() && !plan.others_are_unused).then(|| {
        let what = format!("the setting `regions` leaves out regions that are on: {}", left.join(", "));
        UnknownReason::new(Why::NotCollected, what)
    });
    // One that is off holds nothing, and nobody answers there.
    (plan.regions.iter().filter(|name| on.contains(name)).cloned().collect(), gap)
}

/// Says of every kind that a part of it could not be enumerated.
async fn refuse(rows: &[(&'static Row, Id)], scope: &str, reason: &UnknownReason, tell: &Tell) {
    let mut kinds: Vec<&Id> = rows.iter().map(|(_, kind)| kind).collect();
    kinds.sort();
    kinds.dedup();
    for kind in kinds {
        let report = ScopeReport {
            kind: kind.clone(),
            scope: scope.to_owned(),
            complete: false,
            resources: 0,
            pages: 0,
            reason: Some(reason.clone()),
        };
        let _ = tell.send(Message::Gap(report)).await;
    }
}
