//! In which regions a service is offered. Where it is not, nobody answers, and that is an empty list and no gap; but only
//! the provider's own list of regions can say so.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use octro_model::Why;
use octro_outbound::aws::Provider;
use octro_outbound::aws::api::{Call, Caller, Fault, Paging, Place, Service};
use serde_json::Value;
use tokio::sync::OnceCell;

use super::services::{EFS, SSM};

/// Where the provider publishes the list, among parameters that everybody may read.
const BEGIN: &str = "/aws/service/global-infrastructure/services/";
/// What reading the list needs, and on what.
pub(crate) const PERMISSION: (&str, &str) =
    ("ssm:GetParametersByPath", "arn:aws:ssm:*::parameter/aws/service/global-infrastructure/services/*");

/// The regions of a service, once they are known; `None` if they cannot be.
type Regions = Arc<OnceCell<Option<BTreeSet<String>>>>;

/// The regions of services, each asked for once.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    known: Mutex<HashMap<&'static str, Regions>>,
}

impl Offered {
    /// Nobody answered, and the provider's list says that the service is not offered there.
    pub(crate) async fn is_absent(
        &self,
        caller: &Caller,
        keys: &Provider,
        home: &Place,
        (service, region, fault): (&'static Service, &str, &Fault),
    ) -> bool {
        let nobody = fault.status == 0 && matches!(fault.why, Why::Failed | Why::TimedOut);
        if !nobody || service.global {
            return false;
        }
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(service.name).or_default().clone()
        };
        let regions = cell.get_or_init(|| regions(caller, keys, home, service)).await;
        regions.as_ref().is_some_and(|regions| !regions.contains(region))
    }
}

/// The regions of a service; `None` if the list cannot be read to its end, or has nothing of that name.
async fn regions(
    caller: &Caller,
    keys: &Provider,
    home: &Place,
    service: &'static Service,
) -> Option<BTreeSet<String>> {
    let name = if service.name == EFS.name { "efs" } else { service.name };
    let path = format!("{BEGIN}{name}/regions");
    let call = Call::action(&SSM, "GetParametersByPath").with("Path", path).with("MaxResults", 10);
    let paging = Paging::Token { from: "NextToken", into: "NextToken" };
    let found = caller.pages(keys, home, &call, "Parameters", paging).await;
    if found.fault.is_some() {
        return None;
    }
    let values = found.items.iter().filter_map(|one| one.get("Value").and_then(Value::as_str));
    // A service without any region is not the one that was meant.
    Some(values.map(str::to_owned).collect()).filter(|regions: &BTreeSet<String>| !regions.is_empty())
}
