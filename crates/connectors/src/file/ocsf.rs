//! Findings in the Open Cybersecurity Schema Framework, as Prowler writes them: Detection Finding (2004) and Compliance
//! Finding (2003). A finding that its tool muted still says what it says: who accepts a failure is Octro's to record.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use octro_model::{Id, Observation, ScopeReport, Span, Timestamp, UnknownReason, Why};
use serde_json::{Map, Value};

use super::Reader;
use super::cell::TimeForm;
use super::place::Opened;
use super::records::{self, Broken};
use crate::coverage::Coverage;
use crate::plain::plain;
use crate::{Run, Stopped};

/// The kind that it yields.
pub(crate) const KIND: &str = "ocsf.finding";
/// The longest text that is kept, in characters.
const TEXT_MAX: usize = 2_000;
/// What an operator can do about a record.
const MEND: &str = "write the report anew; `prowler ... --output-formats json-ocsf` makes one";

/// One run through files of findings.
pub(crate) struct FindingReader {
    kind: Id,
    is_complete: bool,
    max_age: Span,
    /// The accounts, and the last time that something was found in each.
    accounts: BTreeMap<String, Timestamp>,
    hasher: RandomState,
}

impl FindingReader {
    /// Begins reading; `is_complete` says whether the files hold every finding of their accounts, unless they are
    /// older than `max_age`.
    pub(crate) fn new(kind: Id, is_complete: bool, max_age: Span) -> Self {
        Self { kind, is_complete, max_age, accounts: BTreeMap::new(), hasher: RandomState::new() }
    }
}

impl Reader for FindingReader {
    fn file(&mut self, file: &Opened, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        // One check may find something twice in things of the same name; neither may hide the other.
        let mut times: HashMap<u64, u32> = HashMap::new();
        let read = records::each(file, &mut |place, _, record| {
            let place = format!("{}: {place}", file.name);
            let found = record.and_then(|record| finding(&self.kind, &record, file.modified));
            let mut observation = match found {
                Ok(observation) => observation,
                Err(what) => {
                    coverage.skip(run, Some(self.kind.clone()), &place, &what, MEND);
                    return Ok(());
                }
            };
            let seen = times.entry(self.hasher.hash_one(&observation.key)).or_default();
            *seen += 1;
            if *seen > 1 {
                observation.key = format!("{}#{seen}", observation.key);
            }
            let at = observation.effective_at.unwrap_or(file.modified);
            match self.accounts.get_mut(&observation.scope) {
                Some(last) => *last = at.max(*last),
                None => {
                    self.accounts.insert(observation.scope.clone(), at);
                }
            }
            coverage.saw(&self.kind, &observation.scope);
            run.observe(observation)
        });
        match read {
            Ok(_) => Ok(()),
            Err(Broken::Stopped) => Err(Stopped),
            Err(Broken::Off(what)) => {
                coverage.broken(run, &file.name, UnknownReason::new(Why::Failed, what), MEND);
                Ok(())
            }
        }
    }

    fn end(&mut self, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        for (account, last) in &self.accounts {
            let age = run.now().since(*last);
            let doubt = if !self.is_complete {
                let what = "a report cannot tell whether every check could see everything; \
                            the setting `complete` does not vouch for it";
                Some(what.to_owned())
            } else if age > self.max_age {
                Some(format!("its last finding is {} old; `max_age` is {}", age.human(), self.max_age))
            } else {
                None
            };
            let reason = doubt.map(|what| UnknownReason::new(Why::NotCollected, what));
            coverage.told(ScopeReport {
                kind: self.kind.clone(),
                scope: account.clone(),
                complete: reason.is_none(),
                resources: 0,
                pages: 1,
                reason,
            });
        }
        Ok(())
    }
}

/// One finding as a resource; without a time of its own it is of `at`.
fn finding(kind: &Id, record: &Value, at: Timestamp) -> Result<Observation, String> {
    let Some(fields) = record.as_object() else {
        return Err("it is no JSON object; expected a finding".to_owned());
    };
    match fields.get("class_uid") {
        None => {}
        Some(class) if matches!(class.as_u64(), Some(2003 | 2004)) => {}
        Some(class) => {
            let class = plain(&class.to_string(), 40);
            return Err(format!(
                "`class_uid` is {class}; expected 2004 (detection) or 2003 (compliance finding)"
            ));
        }
    }
    let text =
        |pointer: &str| record.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let uid =
        text("/finding_info/uid").ok_or("`finding_info.uid` is missing; expected the finding's name")?;
    if uid.len() > 900 {
        return Err(format!("`finding_info.uid` is {} bytes long; expected at most 900", uid.len()));
    }
    let account = text("/cloud/account/uid");
    let mut attributes = Map::new();
    // What the report leaves out is not set; `status` alone decides, and is unknown when it does not say.
    for (name, pointers) in [
        ("product", ["/metadata/product/name", "/metadata/product/uid"]),
        ("product_version", ["/metadata/product/version", ""]),
        ("check", ["/metadata/event_code", "/compliance/control"]),
        ("title", ["/finding_info/title", "/message"]),
        ("description", ["/finding_info/desc", ""]),
        ("detail", ["/status_detail", "/message"]),
        ("provider", ["/cloud/provider", ""]),
        ("account", ["/cloud/account/uid", ""]),
        ("region", ["/resources/0/region", "/cloud/region"]),
        ("namespace", ["/resources/0/namespace", ""]),
        ("service", ["/resources/0/group/name", ""]),
        ("resource", ["/resources/0/uid", "/resources/0/name"]),
        ("resource_name", ["/resources/0/name", ""]),
        ("resource_type", ["/resources/0/type", ""]),
        ("remediation", ["/remediation/desc", ""]),
    ] {
        let found = pointers.iter().filter(|pointer| !pointer.is_empty()).find_map(|pointer| text(pointer));
        attributes.insert(name.to_owned(), found.map_or(Value::Null, |text| plain(text, TEXT_MAX).into()));
    }
    let resources = record.get("resources").and_then(Value::as_array).map_or(0, Vec::len);
    attributes.insert("resources".to_owned(), resources.into());
    attributes.insert("severity".to_owned(), severity(record).map_or(Value::Null, Value::from));
    attributes.insert("muted".to_owned(), is_muted(record).into());
    let found_at = found_at(record);
    attributes.insert("found_at".to_owned(), found_at.map_or(Value::Null, |at| at.to_string().into()));
    let mut unknown = BTreeMap::new();
    match status(record) {
        Ok(status) => {
            attributes.insert("status".to_owned(), status.into());
        }
        Err(reason) => {
            unknown.insert("status".to_owned(), reason);
        }
    }
    Ok(Observation {
        kind: kind.clone(),
        key: uid.to_owned(),
        scope: account.unwrap_or_default().chars().take(200).collect(),
        effective_at: Some(found_at.unwrap_or(at)),
        attributes,
        unknown,
        gone: false,
    })
}

/// `pass` or `fail`; unknown if the finding leaves it open, as `MANUAL` does.
fn status(record: &Value) -> Result<&'static str, UnknownReason> {
    let said = ["/status_code", "/compliance/status"]
        .iter()
        .find_map(|pointer| record.pointer(pointer).and_then(Value::as_str))
        .filter(|said| !said.is_empty());
    let Some(said) = said else {
        return match record.pointer("/compliance/status_id").and_then(Value::as_u64) {
            Some(1) => Ok("pass"),
            Some(3) => Ok("fail"),
            Some(_) | None => {
                Err(UnknownReason::new(Why::Unsupported, "the finding does not say whether it passes"))
            }
        };
    };
    match said.to_ascii_lowercase().as_str() {
        "pass" | "passed" => Ok("pass"),
        "fail" | "failed" | "muted" => Ok("fail"),
        "manual" => Err(UnknownReason::new(Why::NotCollected, "the check is left to a person (MANUAL)")),
        _ => {
            let what = format!("`status_code` is `{}`; expected PASS, FAIL or MANUAL", plain(said, 40));
            Err(UnknownReason::new(Why::Failed, what))
        }
    }
}

fn is_muted(record: &Value) -> bool {
    let says = |name: &str, word: &str| {
        record.get(name).and_then(Value::as_str).is_some_and(|said| said.eq_ignore_ascii_case(word))
    };
    record.get("status_id").and_then(Value::as_u64) == Some(3)
        || says("status", "suppressed")
        || says("status_code", "muted")
}

fn severity(record: &Value) -> Option<&'static str> {
    let by_number = match record.get("severity_id").and_then(Value::as_u64) {
        Some(1) => Some("info"),
        Some(2) => Some("low"),
        Some(3) => Some("medium"),
        Some(4) => Some("high"),
        Some(5 | 6) => Some("critical"),
        Some(_) | None => None,
    };
    by_number.or_else(|| match record.get("severity")?.as_str()?.to_ascii_lowercase().as_str() {
        "informational" | "info" => Some("info"),
        "low" => Some("low"),
        "medium" => Some("medium"),
        "high" => Some("high"),
        "critical" | "fatal" => Some("critical"),
        _ => None,
    })
}

/// OCSF counts milliseconds, Prowler writes seconds, and its texts have no time zone: the numbers come first.
fn found_at(record: &Value) -> Option<Timestamp> {
    let number = |pointer: &str| {
        let number = record.pointer(pointer)?.as_i64().filter(|number| *number > 0)?;
        let form = if number < 100_000_000_000 { TimeForm::Unix } else { TimeForm::UnixMs };
        form.read(&number.to_string())
    };
    let text = |pointer: &str| record.pointer(pointer)?.as_str()?.parse().ok();
    number("/time").or_else(|| text("/time_dt")).or_else(|| number("/finding_info/created_time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Observation, String> {
        finding(&KIND.parse().unwrap(), &serde_json::from_str(json).unwrap(), Timestamp::from_micros(0))
    }

    #[test]
    fn a_status_that_is_neither_is_unknown() {
        for (status, says) in [
            (r#""status_code": "PASS""#, Some("pass")),
            (r#""status_code": "FAIL", "status_id": 3"#, Some("fail")),
            (r#""status_code": "MUTED""#, Some("fail")),
            (r#""compliance": {"status": "Pass"}"#, Some("pass")),
            (r#""compliance": {"status_id": 3}"#, Some("fail")),
            (r#""status_code": "MANUAL""#, None),
            (r#""status_code": "WARNING""#, None),
            (r#""status_code": """#, None),
            (r#""status": "New""#, None),
        ] {
            let found = read(&format!(r#"{{"finding_info": {{"uid": "u"}}, {status}}}"#)).unwrap();
            assert_eq!(found.attributes.get("status").and_then(Value::as_str), says, "{status}");
            assert_eq!(found.unknown.contains_key("status"), says.is_none(), "{status}");
        }
    }

    #[test]
    fn times_are_read_in_seconds_and_milliseconds() {
        for time in
            [r#""time": 1772528400"#, r#""time": 1772528400000"#, r#""time_dt": "2026-03-03T10:00:00+01:00""#]
        {
            let found = read(&format!(r#"{{"finding_info": {{"uid": "u"}}, {time}}}"#)).unwrap();
            assert_eq!(found.effective_at.unwrap().to_string(), "2026-03-03T09:00:00Z", "{time}");
        }
        let found =
            read(r#"{"finding_info": {"uid": "u"}, "time_dt": "2026-03-03T10:00:00.000000"}"#).unwrap();
        assert_eq!(found.effective_at, Some(Timestamp::from_micros(0)), "a text without a zone is no moment");
    }

    #[test]
    fn other_records_are_refused() {
        for (json, words) in [
            (r#"{"class_uid": 2002, "finding_info": {"uid": "u"}}"#, "`class_uid` is 2002"),
            (r#"{"class_uid": 2004}"#, "`finding_info.uid` is missing"),
            ("3", "no JSON object"),
        ] {
            assert!(read(json).unwrap_err().contains(words), "{json}");
        }
    }
}
