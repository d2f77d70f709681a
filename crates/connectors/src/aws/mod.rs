//! Amazon Web Services: how datastores are encrypted and with whose keys, who can reach them, and who may sign in. All
//! calls only read. What was refused, throttled or not reached is unknown, and names the permission.

mod changes;
pub(crate) mod class;
mod document;
mod estate;
mod exposure;
pub(crate) mod facts;
mod key;
mod look;
mod offered;
mod policy;
mod ranges;
mod resource;
pub(crate) mod row;
pub(crate) mod rows;
mod services;
mod survey;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use octro_model::{Id, Timestamp, UnknownReason, Why};
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::{Caller, Place, Retry, is_region};
use octro_outbound::{Client, Url};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::settings::Settings;
use crate::{Connector, Run, Setting, SettingError, Source};
use changes::{Address, Heard, Kept, Listener, Queue};
use class::Classes;
use estate::{OWN, Plan};
pub use policy::{permissions, policy};
use rows::ROWS;

/// Where the region is looked for in the environment.
const REGION_NAMES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
/// Where another endpoint is looked for.
const ENDPOINT_NAME: &str = "AWS_ENDPOINT_URL";

/// How many changes may wait to be taken.
const WAITING_MAX: usize = 256;

/// The settings that it takes.
const SETTINGS: &[Setting] = &[
    setting(
        "roles",
        "list of strings",
        "The accounts: ARNs of roles to take, and `own` for the account of the keys themselves; `own` alone by default.",
    ),
    setting("external_id", "string", "What the roles' trust policies want to hear."),
    setting(
        "organization_role",
        "string",
        "The name of a role to take in every active account of the organization, besides `roles`.",
    ),
    setting(
        "region",
        "string",
        "From where global services are asked; by default AWS_REGION, AWS_DEFAULT_REGION, the first of `regions`, or \
         `us-east-1`.",
    ),
    setting(
        "regions",
        "list of strings",
        "The regions to look at; by default all that are on in the account.",
    ),
    setting(
        "other_regions",
        "string",
        "What regions that are on and that `regions` leaves out mean: `gap` (the default), or `unused`.",
    ),
    setting("kinds", "list of strings", "The kinds to read; all by default."),
    setting(
        "changes",
        "string",
        "The address of an SQS queue with the events of CloudTrail, as \
         `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`: what they are about is read again within seconds.",
    ),
    setting("connections", "number", "Calls at once; 16 by default, at most 200."),
    setting(
        "attempts",
        "number",
        "How often a call is made when the service is busy; 6 by default, at most 12.",
    ),
    setting(
        "endpoint",
        "string",
        "Asks this address instead of AWS; AWS_ENDPOINT_URL by default. https, or an address of this machine.",
    ),
];

const fn setting(name: &'static str, form: &'static str, doc: &'static str) -> Setting {
    Setting { name, form, required: false, doc }
}

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Aws;

impl Connector for Aws {
    fn name(&self) -> &'static str {
        "aws"
    }

    fn summary(&self) -> &'static str {
        "Reads from AWS how datastores are encrypted and reached, KMS keys, and who may sign in; only reads."
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let mut roles = settings.texts("roles")?;
        if let Some(odd) = roles.iter().find(|role| *role != OWN && !is_role(role)) {
            return Err(settings.refuse(
                "roles",
                format!("`{odd}`"),
                "`own`, or arn:aws:iam::ACCOUNT:role/NAME",
            ));
        }
        let organization_role = settings.text("organization_role")?.map(str::to_owned);
        if roles.is_empty() && organization_role.is_none() {
            roles.push(OWN.to_owned());
        }
        let regions = settings.texts("regions")?;
        if let Some(odd) = regions.iter().find(|region| !is_region(region)) {
            return Err(settings.refuse("regions", format!("`{odd}`"), "regions such as `eu-central-1`"));
        }
        let region = settings.text("region")?;
        if let Some(odd) = region.filter(|region| !is_region(region)) {
            return Err(settings.refuse("region", format!("`{odd}`"), "a region such as `eu-central-1`"));
        }
        let others_are_unused = match settings.text("other_regions")? {
            None | Some("gap") => false,
            Some("unused") => true,
            Some(other) => {
                return Err(settings.refuse("other_regions", format!("`{other}`"), "`gap` or `unused`"));
            }
        };
        let chosen = settings.texts("kinds")?;
        permissions(&chosen).map_err(|what| settings.refuse("kinds", what, "kinds of this connector"))?;
        let mut rows = Vec::new();
        for row in ROWS.iter().filter(|row| chosen.is_empty() || chosen.iter().any(|kind| kind == row.kind)) {
            let kind: Id =
                row.kind.parse().map_err(|_| settings.refuse("kinds", row.kind, "the name of a kind"))?;
            rows.push((*row, kind));
        }
        let endpoint = match settings.text("endpoint")? {
            None => None,
            Some(text) => Some(
                Url::parse(text)
                    .map_err(|what| settings.refuse("endpoint", what, "https://HOST, or this machine"))?,
            ),
        };
        let changes = match settings.text("changes")? {
            None => None,
            Some(text) => Some(Address::parse(text).map_err(|what| {
                settings.refuse("changes", what, "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
            })?),
        };
        Ok(Box::new(AwsSource {
            changes,
            kept: Arc::default(),
            running: Mutex::default(),
            roles,
            organization_role,
            external_id: settings.text("external_id")?.map(str::to_owned),
            region: region.map(str::to_owned),
            regions,
            others_are_unused,
            rows,
            connections: settings.number("connections", 1, 200)?.unwrap_or(16) as usize,
            attempts: settings.number("attempts", 1, 12)?.unwrap_or(6) as u32,
            endpoint,
        }))
    }
}

fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    matches!(parts.as_slice(), ["arn", partition, "iam", "", account, role]
        if partition.starts_with("aws")
            && account.len() == 12
            && account.bytes().all(|byte| byte.is_ascii_digit())
            && role.starts_with("role/"))
}

struct AwsSource {
    /// Where events of changes come.
    changes: Option<Address>,
    kept: Arc<Kept>,
    running: Mutex<Running>,
    roles: Vec<String>,
    organization_role: Option<String>,
    external_id: Option<String>,
    region: Option<String>,
    regions: Vec<String>,
    others_are_unused: bool,
    rows: Vec<(&'static row::Row, Id)>,
    connections: usize,
    attempts: u32,
    endpoint: Option<Url>,
}

impl Source for AwsSource {
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
        if let Err(what) = self.look(run) {
            run.error("aws", what.clone(), "correct the setting or the environment variable");
            for kind in self.kinds() {
                run.incomplete(kind, 0, UnknownReason::new(Why::Failed, what.clone()));
            }
        }
    }

    fn follows(&self) -> bool {
        self.changes.is_some()
    }

    fn follow(&self, run: &mut Run<'_>) {
        if let Err(what) = self.listen(run) {
            run.error("the queue of changes", what, "correct the setting or the environment variable");
        }
    }
}

/// What goes on between looks: the network's threads, and whoever listens to the queue.
#[derive(Default)]
struct Running {
    runtime: Option<Runtime>,
    heard: Option<mpsc::Receiver<Heard>>,
}

impl Running {
    fn runtime(&mut self) -> Result<&Runtime, String> {
        if self.runtime.is_none() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            self.runtime = Some(runtime.map_err(|error| format!("the network cannot be used: {error}"))?);
        }
        self.runtime.as_ref().ok_or_else(|| "the network cannot be used".to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A name server that never answers must not hold whoever stops.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl AwsSource {
    fn look(&self, run: &mut Run<'_>) -> Result<(), String> {
        let (caller, keys, home) = self.caller(run.now())?;
        let plan = Plan {
            roles: self.roles.clone(),
            organization_role: self.organization_role.clone(),
            external_id: self.external_id.clone(),
            home,
            regions: self.regions.clone(),
            others_are_unused: self.others_are_unused,
            rows: self.rows.clone(),
            classes: Arc::new(Classes(run.classes())),
            kept: self.changes.is_some().then(|| self.kept.clone()),
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = running.heard.take();
        running.runtime()?.block_on(survey::survey(run, plan, caller, keys, heard.as_mut()));
        running.heard = heard.filter(|heard| !heard.is_closed());
        Ok(())
    }

    fn listen(&self, run: &mut Run<'_>) -> Result<(), String> {
        let Some(address) = &self.changes else { return Ok(()) };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let mut heard = match running.heard.take() {
            Some(heard) => heard,
            None => {
                let (caller, keys, home) = self.caller(run.now())?;
                let region = address.region.clone().unwrap_or(home);
                let place = Place::new("", region);
                let queue = Queue { caller, keys, address: address.clone(), place };
                let (tell, heard) = mpsc::channel(WAITING_MAX);
                let listener = Listener::new(queue, self.kept.clone(), self.rows.clone());
                running.runtime()?.spawn(listener.listen(tell));
                heard
            }
        };
        running.runtime()?.block_on(survey::follow(run, &mut heard, &self.kept));
        running.heard = Some(heard).filter(|heard| !heard.is_closed());
        Ok(())
    }

    /// Who makes the calls, with which keys, and the region from which global services are asked.
    fn caller(&self, now: Timestamp) -> Result<(Caller, Provider, String), String> {
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint = match (&self.endpoint, set(ENDPOINT_NAME)) {
            (Some(endpoint), _) => Some(endpoint.clone()),
            (None, Some(text)) => Some(Url::parse(&text).map_err(|what| format!("{ENDPOINT_NAME}: {what}"))?),
            (None, None) => None,
        };
        let home = self.region.clone().or_else(|| REGION_NAMES.iter().find_map(|name| set(name)));
        let home = home.or_else(|| self.regions.first().cloned()).unwrap_or_else(|| "us-east-1".to_owned());
        if !is_region(&home) {
            return Err(format!("`{home}` is no region; expected one such as `eu-central-1`"));
        }
        let client = Client::default();
        let retry = Retry { times: self.attempts, ..Retry::default() };
        let caller = Caller::new(client.clone(), endpoint, self.connections, now)?
            .patient(retry, Duration::from_secs(30));
        Ok((caller, Provider::new(client), home))
    }
}
