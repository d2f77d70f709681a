//! Messages of the queue, read: events of CloudTrail, alone, in lists, or wrapped by EventBridge or SNS. A message is
//! written by whoever may write into the queue: nothing of it is believed but where to look.

use octro_model::Timestamp;
use serde_json::Value;

/// The largest message that is read, in bytes: the most that the queue takes.
const BODY_MAX: usize = 1 << 20;
/// The most events of one message.
const EVENTS_MAX: usize = 1_000;
/// How often one message may wrap another.
const WRAPPED_MAX: u32 = 3;

/// That somebody did something.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Its number.
    pub id: String,
    /// The service, without `.amazonaws.com`.
    pub service: String,
    /// What was done, by the interface's own name.
    pub name: String,
    /// In whose account, and where.
    pub account: String,
    pub region: String,
    /// When.
    pub at: Option<Timestamp>,
    /// All of it.
    pub record: Value,
}

/// The events of a message that may have changed something.
///
/// # Errors
/// In words, why the message is none of events.
pub(crate) fn events(body: &str) -> Result<Vec<Event>, String> {
    if body.len() > BODY_MAX {
        return Err(format!("a message has {} bytes; expected at most {BODY_MAX}", body.len()));
    }
    let value: Value =
        serde_json::from_str(body).map_err(|error| format!("a message is no JSON ({error})"))?;
    let mut found = Vec::new();
    unwrap(value, &Value::Null, WRAPPED_MAX, &mut found)?;
    Ok(found)
}

fn unwrap(value: Value, around: &Value, wrapped: u32, found: &mut Vec<Event>) -> Result<(), String> {
    let expected = "expected events of CloudTrail, as EventBridge sends them";
    if wrapped == 0 || found.len() >= EVENTS_MAX {
        return Err(format!("a message wraps too much, or more than {EVENTS_MAX} events; {expected}"));
    }
    if value.get("eventSource").is_some_and(Value::is_string) {
        found.extend(event(value, around));
        return Ok(());
    }
    if let Some(detail) = value.get("detail").filter(|detail| detail.is_object()) {
        // Other events of EventBridge are no fault; they say nothing of what changed.
        if detail.get("eventSource").is_some() {
            found.extend(event(detail.clone(), &value));
        }
        return Ok(());
    }
    if let Some(text) = value.get("Message").and_then(Value::as_str) {
        let inner =
            serde_json::from_str(text).map_err(|error| format!("a notification is no JSON ({error})"))?;
        return unwrap(inner, &Value::Null, wrapped - 1, found);
    }
    match value.get("Records") {
        Some(Value::Array(records)) => {
            for record in records {
                unwrap(record.clone(), &Value::Null, wrapped - 1, found)?;
            }
            Ok(())
        }
        Some(_) | None => Err(format!("a message is something else; {expected}")),
    }
}

/// An event that may have changed something: it wrote, it was not refused, and it was not about what is stored.
fn event(record: Value, around: &Value) -> Option<Event> {
    let text =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let either = |name: &str, outer: &str| {
        let own = text(&record, name);
        if own.is_empty() { text(around, outer) } else { own }
    };
    let is = |name: &str, wanted: bool| record.get(name).and_then(Value::as_bool) == Some(wanted);
    let of_data = is("managementEvent", false)
        || text(&record, "eventCategory") == "Data"
        || record.pointer("/requestParameters/key").is_some();
    let refused = record.get("errorCode").is_some_and(|code| !code.is_null());
    let service = text(&record, "eventSource").strip_suffix(".amazonaws.com")?.to_owned();
    let name = text(&record, "eventName");
    let reads = ["Get", "List", "Describe", "Head"].iter().any(|verb| name.starts_with(verb));
    if is("readOnly", true) || reads || of_data || refused || name.is_empty() || name.len() > 200 {
        return None;
    }
    let id = text(&record, "eventID");
    Some(Event {
        id: if id.is_empty() { text(around, "id") } else { id },
        service: if service == "memory-db" { "memorydb".to_owned() } else { service },
        account: either("recipientAccountId", "account"),
        region: either("awsRegion", "region"),
        at: either("eventTime", "time").parse().ok(),
        name,
        record,
    })
}
