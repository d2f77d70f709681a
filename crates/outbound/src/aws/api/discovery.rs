//! Services that answer only at addresses which they name when they are asked, as Timestream does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::{Call, Caller, Fault, Place};
use crate::aws::Provider;

/// The call that names the addresses.
const ACTION: &str = "DescribeEndpoints";

/// The addresses that are known, by account, region and service. They hold for a day, and a caller lives shorter.
pub(super) type Known = Arc<Mutex<HashMap<(Place, &'static str), String>>>;

impl Caller {
    /// Where a service answers, if it wants to be asked that first.
    pub(super) async fn discover(
        &self,
        keys: &Provider,
        place: &Place,
        call: &Call<'_>,
    ) -> Result<Option<String>, Fault> {
        if !call.service.discovered || call.action == ACTION {
            return Ok(None);
        }
        let key = (place.clone(), call.service.name);
        let known = self.discovered.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if known.is_some() {
            return Ok(known);
        }
        // Boxed: it is a call like others.
        let answer = Box::pin(self.call(keys, place, &Call::action(call.service, ACTION))).await?;
        let first = answer.get("Endpoints").and_then(|all| all.get(0)).and_then(|one| one.get("Address"));
        let named = first.and_then(Value::as_str).unwrap_or_default();
        let suffix = format!(".{}.amazonaws.com", place.region);
        // Signed questions go to nobody else.
        if !is_beneath(named, &suffix) && !is_beneath(named, &format!("{suffix}.cn")) {
            let shown: String = named.chars().take(100).collect();
            return Err(Fault {
                status: 400,
                ..Fault::failed(format!("{ACTION} names `{shown}`; expected an address in {suffix}"))
            });
        }
        self.discovered.lock().unwrap_or_else(PoisonError::into_inner).insert(key, named.to_owned());
        Ok(Some(named.to_owned()))
    }
}

fn is_beneath(host: &str, suffix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    host.strip_suffix(suffix).is_some_and(|name| !name.is_empty() && name.bytes().all(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_lies_in_its_region() {
        let of = |host: &str| is_beneath(host, ".eu-central-1.amazonaws.com");
        assert!(of("ingest-cell1.timestream.eu-central-1.amazonaws.com"));
        for odd in [
            "",
            ".eu-central-1.amazonaws.com",
            "ingest.timestream.eu-west-1.amazonaws.com",
            "evil.example/.eu-central-1.amazonaws.com",
            "u@x.eu-central-1.amazonaws.com",
            "eu-central-1.amazonaws.com.example.com",
        ] {
            assert!(!of(odd), "{odd}");
        }
    }
}
