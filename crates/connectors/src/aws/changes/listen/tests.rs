//! What messages lead to, and when they are remembered.

use octro_model::{Clock as _, SystemClock};
use octro_outbound::Client;
use octro_outbound::aws::api::Caller;
use octro_outbound::aws::{Credentials, Provider};
use serde_json::{Value, json};

use super::super::queue::Address;
use super::*;
use crate::aws::class::Classes;
use crate::aws::rows::ROWS;

const ACCOUNT: &str = "111122223333";

fn listener() -> Listener {
    let caller = Caller::new(Client::default(), None, 1, SystemClock.now()).unwrap();
    let keys = Provider::fixed(Credentials::of("k", "s", None));
    let place = Place::new(ACCOUNT, "eu-west-1");
    let account =
        Account::new(caller.clone(), keys.clone(), place.clone(), Arc::new(Classes(Arc::default())), &[]);
    account.look_at(vec!["eu-west-1".to_owned()]);
    let kept = Arc::new(Kept::default());
    kept.put(Arc::new(account));
    let address = Address::parse("https://sqs.eu-west-1.amazonaws.com/111122223333/octro").unwrap();
    let rows = ROWS.iter().map(|row| (*row, row.kind.parse().unwrap())).collect();
    Listener::new(Queue { caller, keys, address, place }, kept, rows)
}

fn event(id: &str, names: &[String]) -> Event {
    let items: Vec<Value> = names.iter().map(|name| json!({ "resourceId": name })).collect();
    let record = json!({
        "eventID": id, "eventSource": "ec2.amazonaws.com", "eventName": "CreateTags", "awsRegion": "eu-west-1",
        "recipientAccountId": ACCOUNT, "requestParameters": { "resourcesSet": { "items": items } },
    });
    events(&record.to_string()).unwrap().remove(0)
}

fn volumes(from: usize, count: usize) -> Vec<String> {
    (from..from + count).map(|number| format!("vol-{number}")).collect()
}

#[test]
fn many_names_are_read_as_a_whole() {
    let listener = listener();
    let of = |events: &[Event]| {
        let (mut heard, mut targets) = (HashSet::new(), BTreeMap::new());
        events.iter().for_each(|event| listener.about(event, &mut heard, &mut targets));
        let named = targets.keys().filter(|target| !target.name.is_empty()).count();
        (named, targets.len() - named)
    };
    assert_eq!(of(&[event("1", &volumes(0, NAMED_MAX))]), (NAMED_MAX, 0));
    assert_eq!(of(&[event("1", &volumes(0, NAMED_MAX + 1))]), (0, 1));
    let many: Vec<Event> =
        (0..60).map(|part| event(&part.to_string(), &volumes(part * NAMED_MAX, NAMED_MAX))).collect();
    assert_eq!(of(&many), (TARGETS_MAX, 1));
}

#[test]
fn an_event_is_remembered_only_once_it_is_kept() {
    let mut listener = listener();
    let one = event("1", &volumes(0, 1));
    let about = |listener: &Listener| {
        let (mut heard, mut targets) = (HashSet::new(), BTreeMap::new());
        // Twice in the same messages: once.
        listener.about(&one, &mut heard, &mut targets);
        listener.about(&one, &mut heard, &mut targets);
        (heard, targets)
    };
    let (heard, targets) = about(&listener);
    assert_eq!(targets.len(), 1);
    listener.settle(false, heard, targets.clone());
    // What had been put off is put off again, and the message is read when it comes again.
    assert_eq!(listener.later.len(), 1);
    let (heard, again) = about(&listener);
    assert_eq!(again, targets);
    listener.settle(true, heard, BTreeMap::new());
    assert!(about(&listener).1.is_empty());
}
