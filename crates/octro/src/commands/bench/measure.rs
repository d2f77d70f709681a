//! Measuring: time, CPU time, memory, and the figures that come of it.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::Global;
use crate::output::Table;

/// How often everything is measured; the median counts.
pub const TIMES: usize = 5;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// The benchmark.
    pub bench: &'static str,
    /// How many resources.
    pub resources: u32,
    /// What was measured.
    pub what: String,
    /// The figure.
    pub figure: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The most memory that the process had until then, in megabytes.
    pub peak_mb: f64,
}

/// Figures that were taken so far.
#[derive(Debug)]
pub struct Figures {
    bench: &'static str,
    resources: u32,
    all: Vec<Figure>,
}

impl Figures {
    /// None yet.
    pub const fn new(bench: &'static str, resources: u32) -> Self {
        Self { bench, resources, all: Vec::new() }
    }

    /// Adds one.
    pub fn add(&mut self, what: impl Into<String>, figure: f64, unit: &'static str) {
        self.all.push(Figure {
            bench: self.bench,
            resources: self.resources,
            what: what.into(),
            figure,
            unit,
            peak_mb: memory("VmHWM:") / 1e6,
        });
    }

    /// Prints them.
    pub fn print(&self, global: &Global) -> anyhow::Result<()> {
        let mut table = Table::new(&["bench", "resources", "what", "figure", "unit", "peak MB"]);
        for one in &self.all {
            table.row([
                one.bench.to_owned(),
                one.resources.to_string(),
                one.what.clone(),
                format!("{:.2}", one.figure),
                one.unit.to_owned(),
                format!("{:.0}", one.peak_mb),
            ]);
        }
        table.print(global.format, &self.all)
    }
}

/// The present instant.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
pub fn instant() -> Instant {
    Instant::now()
}

/// CPU time of this thread: what other processes do meanwhile does not count.
pub fn cpu() -> Duration {
    cpu_of(rustix::time::ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process.
pub fn cpu_of_all() -> Duration {
    cpu_of(rustix::time::ClockId::ProcessCPUTime)
}

fn cpu_of(clock: rustix::time::ClockId) -> Duration {
    let at = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(at.tv_sec).unwrap_or(0), u32::try_from(at.tv_nsec).unwrap_or(0))
}

/// The median.
pub fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The value below which `share` of all lie.
pub fn percentile(mut all: Vec<f64>, share: f64) -> f64 {
    all.sort_by(f64::total_cmp);
    let place = ((all.len() as f64 * share).ceil() as usize).saturating_sub(1);
    all.get(place).copied().unwrap_or(f64::NAN)
}

/// A line of `/proc/self/status` in bytes: `VmRSS:` now, `VmHWM:` at most so far.
pub fn memory(line: &str) -> f64 {
    memory_of("self", line)
}

/// The same of another process.
pub fn memory_of(process: &str, line: &str) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes = text
        .lines()
        .find_map(|one| one.strip_prefix(line))
        .and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok());
    kilobytes.unwrap_or(f64::NAN) * 1_024.0
}
