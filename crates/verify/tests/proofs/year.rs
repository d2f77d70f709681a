//! Twelve months of one control among sixty: how large its proof is.

use std::time::Instant;

use octro_verify::{Outcome, Salts, Status, verify};

use crate::log::{HOUR, Log, SECOND, START, day, policy, resource};

#[test]
#[expect(clippy::disallowed_methods, reason = "a measurement of how long a verification takes")]
fn a_year_is_small_and_soon_verified() {
    let mut log = Log::new(START);
    let devices =
        (0..40).map(|i| resource(&format!("d-{i}"), &[("device.encrypted", Status::Pass)])).collect();
    log.kinds.insert("device".to_owned(), (devices, true, Salts::Key));
    let controls: Vec<String> = (0..60).map(|i| format!("C-{i:02}")).collect();
    for control in &controls {
        log.transition(control, Status::Pass, START, START + SECOND);
    }
    for n in 1..367 {
        // Each control fails for some hours on some days of the year.
        for (i, control) in controls.iter().enumerate() {
            if (n + i as u64 * 7).is_multiple_of(60) {
                let noon = day(n - 1) + 12 * HOUR;
                log.transition(control, Status::Fail, noon, noon + SECOND);
            }
        }
        for (i, control) in controls.iter().enumerate() {
            if (n + i as u64 * 7).is_multiple_of(60) {
                let evening = day(n - 1) + 18 * HOUR;
                log.transition(control, Status::Pass, evening, evening + SECOND);
            }
        }
        log.evaluate(4, 6 * HOUR, day(n) - HOUR);
        log.seal(day(n));
    }
    let text = log.interval("C-17", day(1), day(366)).to_text();
    assert!(text.len() < 20_000, "{} bytes", text.len());
    let began = Instant::now();
    let outcome = verify(text.as_bytes(), &policy());
    let took = began.elapsed();
    let Outcome::Proved(report) = outcome else { panic!("{outcome:?}") };
    assert!(
        report.proved.iter().any(|said| said.contains("It was evaluated 1460 times")),
        "{:#?}",
        report.proved
    );
    println!("{} leaves, a proof of {} bytes, verified in {took:?}", log.leaves.len(), text.len());
    // Generous, for an unoptimized build on a busy machine; in a release build it is below a millisecond.
    assert!(took.as_millis() < 250, "{took:?}");
}
