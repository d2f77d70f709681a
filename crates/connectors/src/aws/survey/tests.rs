//! Messages are done with only if the run that says so took all that they led to.

use std::collections::BTreeMap;

use octro_model::{Clock as _, Observation, SystemClock};
use tokio::sync::oneshot;

use super::*;

fn resource() -> Heard {
    let observation = Observation {
        kind: "aws.s3.bucket".parse().unwrap(),
        key: "arn:aws:s3:::b".to_owned(),
        scope: String::new(),
        effective_at: None,
        attributes: serde_json::Map::new(),
        unknown: BTreeMap::new(),
        gone: false,
    };
    Heard::Resource(Box::new(observation), SystemClock.now())
}

/// One run hears this: so many resources, and then that messages led to so many; whether it says that all is kept.
fn is_answered(resources: u64, told: u64, is_stored: bool) -> bool {
    let mut deliver = |_| if is_stored { Ok(()) } else { Err(Stopped) };
    let end = SystemClock.now().plus(Span::from_secs(60));
    let mut run = Run::new("aws".parse().unwrap(), Vec::new(), &SystemClock, end, &mut deliver);
    let (mut heard, mut taken) = (None, 0);
    for _ in 0..resources {
        take(&mut run, Some(resource()), &mut heard, &mut taken).unwrap();
    }
    let (kept, mut answer) = oneshot::channel();
    let _ = take(&mut run, Some(Heard::Told(told, kept)), &mut heard, &mut taken);
    answer.try_recv().is_ok()
}

#[test]
fn only_what_this_run_took_and_kept_is_done_with() {
    assert!(is_answered(2, 2, true) && is_answered(0, 0, true));
    assert!(!is_answered(2, 2, false));
    // An earlier run took them, or one of them.
    assert!(!is_answered(0, 2, true) && !is_answered(1, 2, true));
}

#[test]
fn a_look_that_broke_off_did_not_see_everything() {
    let mut deliver = |_| Ok(());
    let kind: Id = "aws.s3.bucket".parse().unwrap();
    let end = SystemClock.now().plus(Span::from_secs(60));
    let mut run = Run::new("aws".parse().unwrap(), Vec::new(), &SystemClock, end, &mut deliver);
    run.complete(kind.clone(), 1);
    assert!(run.is_complete());
    run.scope(incomplete(&kind, "1/eu-west-1", UnknownReason::new(Why::TimedOut, "late")));
    assert!(!run.is_complete());
    let mut late =
        Run::new("aws".parse().unwrap(), Vec::new(), &SystemClock, SystemClock.now(), &mut deliver);
    assert!(!late.is_complete());
}
