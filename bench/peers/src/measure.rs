//! Measuring as `octro bench` does: CPU time of the thread, the median of several runs, memory of the process.

use std::time::Duration;

use serde_json::{Value, json};

/// How often a compiled engine is measured.
pub const TIMES: usize = 5;

/// CPU time of this thread.
pub fn cpu() -> Duration {
    let at = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
}

/// Ten rules over so many resources, in millions of evaluations a second.
pub fn per_second(resources: u32, took: Duration) -> f64 {
    f64::from(resources) * 10.0 / took.as_secs_f64() / 1e6
}

/// The median.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A line of `/proc/self/status` in bytes: `VmRSS:` now, `VmHWM:` at most so far.
pub fn memory(line: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = text
        .lines()
        .find_map(|one| one.strip_prefix(line))
        .and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) * 1_024.0
}

/// One figure, in the form that `cargo xtask bench` reads.
pub fn figure(resources: u32, what: &str, figure: f64, unit: &str, peak: f64) -> Value {
    json!({
        "bench": "peers",
        "resources": resources,
        "what": what,
        "figure": figure,
        "unit": unit,
        "peak_mb": peak / 1e6,
    })
}
