//! Terraform plans, before they are carried out: what will be there, as the same kinds that the connector `aws` reads from
//! what is there, so that the same tests judge both. What is known only after the plan was carried out is unknown, and
//! says so.

mod address;
mod buckets;
mod fill;
mod joins;
mod keys;
mod plan;
mod refer;
mod table;
mod types;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use octro_model::{Id, Observation, ScopeReport, UnknownReason, Why};
use octro_outbound::aws::api::Place;
use serde_json::{Map, Value};

use crate::aws::class::Classes;
use crate::aws::facts::Known;
use crate::plain::plain;
use crate::settings::Settings;
use crate::{Connector, Run, Setting, SettingError, Source, Stopped};
use fill::answers;
use joins::Joins;
use keys::Keys;
use plan::Plan;
use table::{BESIDE, TYPES};
use types::Type;

/// The largest plan, in bytes.
const PLAN_MAX: u64 = 256 << 20;
/// How many types are told that are not judged.
const TYPES_TOLD_MAX: usize = 20;

/// The settings that it takes.
const SETTINGS: &[Setting] = &[
    Setting {
        name: "plan",
        form: "string",
        required: true,
        doc: "The file that `terraform show -json PLAN` printed.",
    },
    Setting {
        name: "workspace",
        form: "string",
        required: false,
        doc: "What stands before every address, as `prod`; needed where several plans are looked at.",
    },
    Setting {
        name: "account",
        form: "string",
        required: false,
        doc: "The number of the AWS account; plans seldom tell it.",
    },
];

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Terraform;

impl Connector for Terraform {
    fn name(&self) -> &'static str {
        "terraform"
    }

    fn summary(&self) -> &'static str {
        "Reads a Terraform plan: the AWS datastores and keys that will be there once it is carried out."
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn file_setting(&self) -> Option<&'static str> {
        Some("plan")
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let plan = PathBuf::from(settings.need("plan", "the file that `terraform show -json PLAN` printed")?);
        let account = settings.text("account")?.unwrap_or_default().to_owned();
        if !account.is_empty() && (account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Err(settings.refuse("account", format!("`{account}`"), "twelve digits"));
        }
        let workspace = settings.text("workspace")?.map(|name| format!("{name}/")).unwrap_or_default();
        let mut rows: Vec<(&'static Type, Id)> = Vec::with_capacity(TYPES.len());
        for of in TYPES {
            let kind = of
                .row
                .kind
                .parse()
                .map_err(|_| settings.refuse("plan", of.row.kind, "the name of a kind"))?;
            rows.push((of, kind));
        }
        Ok(Box::new(TerraformSource { plan, workspace, account, rows }))
    }
}

struct TerraformSource {
    plan: PathBuf,
    workspace: String,
    account: String,
    rows: Vec<(&'static Type, Id)>,
}

impl Source for TerraformSource {
    fn kinds(&self) -> Vec<Id> {
        let mut kinds: Vec<Id> = Vec::new();
        for (_, kind) in &self.rows {
            if !kinds.contains(kind) {
                kinds.push(kind.clone());
            }
        }
        kinds
    }

    fn collect(&self, run: &mut Run<'_>) {
        let read = self.read().and_then(|bytes| Plan::read(&bytes));
        match read {
            Ok(plan) => {
                // An error says that the run was stopped: whoever stopped it knows.
                let _ = self.tell(run, &plan);
            }
            Err(what) => {
                run.error(self.plan.display().to_string(), what.clone(), "");
                for kind in self.kinds() {
                    run.incomplete(kind, 0, UnknownReason::new(Why::Failed, what.clone()));
                }
            }
        }
    }
}

impl TerraformSource {
    fn read(&self) -> Result<Vec<u8>, String> {
        let file = File::open(&self.plan).map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        file.take(PLAN_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
        if bytes.len() as u64 > PLAN_MAX {
            return Err(format!("it is longer than {PLAN_MAX} bytes"));
        }
        Ok(bytes)
    }

    fn tell(&self, run: &mut Run<'_>, plan: &Plan) -> Result<(), Stopped> {
        let (joins, keys, classes) = (Joins::of(plan), Keys::of(plan), Classes(run.classes()));
        let mut told: BTreeMap<&Id, u64> = self.rows.iter().map(|(_, kind)| (kind, 0)).collect();
        let mut managed: BTreeMap<String, String> = BTreeMap::new();
        let mut others: BTreeMap<&str, u64> = BTreeMap::new();
        for resource in &plan.resources {
            let Some((of, kind)) = self.rows.iter().find(|(of, _)| of.name == resource.kind) else {
                if resource.kind.starts_with("aws_") && !BESIDE.contains(&resource.kind.as_str()) {
                    *others.entry(resource.kind.as_str()).or_default() += 1;
                }
                continue;
            };
            let answers = answers(plan, of, resource, &joins);
            let account = fill::account(plan, resource).unwrap_or(&self.account);
            let region = fill::region(plan, resource);
            let place = Place::new(account, region.unwrap_or_default());
            let mut seen = self.observation(kind, &resource.address);
            put(
                &mut seen,
                "account",
                said(account, "the plan does not tell the account; say it with `account`"),
            );
            if !of.row.global || !of.row.region.is_empty() {
                put(
                    &mut seen,
                    "region",
                    said(region.unwrap_or_default(), "the plan does not tell the region"),
                );
            }
            for (name, known) in fill::read(of, &answers, &place, &classes) {
                let known = match known {
                    Known::Key(key) => {
                        if fill::is_managed(&key) {
                            managed.insert(key.clone(), place.region.clone());
                        }
                        keys.resolve(&key, &self.workspace)
                    }
                    known @ (Known::Value(_) | Known::Absent | Known::Unknown(_)) => known,
                };
                put(&mut seen, name, known);
            }
            *told.entry(kind).or_default() += 1;
            run.observe(seen)?;
        }
        self.tell_managed(run, &mut told, managed)?;
        let reason = plan.gap.as_ref().map(|gap| UnknownReason::new(Why::NotCollected, gap.clone()));
        for (kind, resources) in told {
            run.scope(ScopeReport {
                kind: kind.clone(),
                scope: self.workspace.clone(),
                complete: reason.is_none(),
                resources,
                pages: 1,
                reason: reason.clone(),
            });
        }
        if let Some(gap) = &plan.gap {
            run.error(self.plan.display().to_string(), gap.clone(), "make a plan of everything");
        }
        for why in joins.lost.values() {
            run.error(self.plan.display().to_string(), why.clone(), "name what it belongs to directly");
        }
        tell_others(run, &self.plan, &others);
        Ok(())
    }

    /// The keys that AWS manages and that something will use. Of these nothing more is known than whose they are.
    fn tell_managed<'s>(
        &'s self,
        run: &mut Run<'_>,
        told: &mut BTreeMap<&'s Id, u64>,
        managed: BTreeMap<String, String>,
    ) -> Result<(), Stopped> {
        let Some((_, kind)) = self.rows.iter().find(|(of, _)| of.name == "aws_kms_key") else {
            return Ok(());
        };
        for (alias, region) in managed {
            let mut seen = self.observation(kind, &alias);
            put(&mut seen, "manager", Known::text("aws"));
            put(&mut seen, "aliases", Known::Value(Value::Array(vec![alias.into()])));
            put(&mut seen, "region", said(&region, "the plan does not tell the region"));
            *told.entry(kind).or_default() += 1;
            run.observe(seen)?;
        }
        Ok(())
    }

    fn observation(&self, kind: &Id, address: &str) -> Observation {
        Observation {
            kind: kind.clone(),
            key: format!("{}{address}", self.workspace),
            scope: self.workspace.clone(),
            effective_at: None,
            attributes: Map::new(),
            unknown: BTreeMap::new(),
            gone: false,
        }
    }
}

fn said(text: &str, otherwise: &str) -> Known {
    if text.is_empty() { Known::Unknown(fill::untold(otherwise)) } else { Known::text(text) }
}

fn put(seen: &mut Observation, name: &str, known: Known) {
    match known {
        Known::Value(value) => {
            seen.attributes.insert(name.to_owned(), value);
        }
        Known::Absent | Known::Key(_) => {
            seen.attributes.insert(name.to_owned(), Value::Null);
        }
        Known::Unknown(reason) => {
            seen.unknown.insert(name.to_owned(), reason);
        }
    }
}

/// What nothing here judges is said, so that nobody takes silence for consent.
fn tell_others(run: &mut Run<'_>, plan: &std::path::Path, others: &BTreeMap<&str, u64>) {
    if others.is_empty() {
        return;
    }
    let named =
        others.iter().take(TYPES_TOLD_MAX).map(|(name, count)| format!("{} ({count})", plain(name, 60)));
    let more = others.len().saturating_sub(TYPES_TOLD_MAX);
    let end = if more > 0 { format!(", and {more} more types") } else { String::new() };
    let what = format!("not judged: {}{end}", named.collect::<Vec<_>>().join(", "));
    run.error(plan.display().to_string(), what, "");
}
