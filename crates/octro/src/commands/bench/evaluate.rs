//! Evaluations a second, beside a hand-written predicate; both must agree on every count.

use anyhow::{Context as _, bail};
use octro_cel::{NoWorld, Record, Subject};
use octro_model::{Status, Timestamp};

use super::buckets::Bucket;
use super::measure::{Figures, TIMES, cpu, median, memory};
use super::{predicates, program};

pub fn run(resources: u32) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("evaluate", resources);
    let program = super::super::program::load(&program::files())?;
    let layout = program.kinds.get("bench.bucket").context("the benchmark's kind")?.clone();
    let before = memory("VmRSS:");
    let mut records = Vec::with_capacity(resources as usize);
    let mut parsing = 0.0;
    for number in 0..resources {
        let body = Bucket::new(number, 0).body()?;
        let begun = cpu();
        match Record::parse(&layout, &body) {
            Ok(record) => records.push(record),
            Err(misfits) => bail!("a bucket does not fit: {misfits:?}"),
        }
        parsing += (cpu() - begun).as_secs_f64();
    }
    figures.add("record parsed from JSON, CPU", parsing / f64::from(resources) * 1e6, "us");
    figures.add("record in memory", (memory("VmRSS:") - before) / f64::from(resources), "bytes/resource");

    let now = Timestamp::from_secs(1_767_225_600);
    let mut counts: Vec<usize> = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..TIMES {
        let begun = cpu();
        // As the engine does it: all tests of one resource, then the next resource.
        counts = vec![0; program.tests.len()];
        for record in &records {
            let subject = Subject { record, key: "" };
            for (test, count) in program.tests.values().zip(&mut counts) {
                let status = octro_program::judge(test, &subject, now, &NoWorld).status;
                *count += usize::from(status == Status::Pass);
            }
        }
        rates.push(per_second(resources, cpu() - begun));
    }
    figures.add("octro, 10 rules, one core", median(rates), "M evaluations/s");
    drop(records);

    let buckets: Vec<Bucket> = (0..resources).map(|number| Bucket::new(number, 0)).collect();
    let mut by_hand: Vec<usize> = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..TIMES {
        let begun = cpu();
        by_hand = vec![0; predicates::ALL.len()];
        for bucket in &buckets {
            for (rule, count) in predicates::ALL.iter().zip(&mut by_hand) {
                *count += usize::from(rule(bucket));
            }
        }
        rates.push(per_second(resources, cpu() - begun));
    }
    figures.add("by hand in Rust, 10 rules, one core", median(rates), "M evaluations/s");
    if counts != by_hand {
        bail!("the engine counts {counts:?}, the hand-written rules {by_hand:?}");
    }
    Ok(figures)
}

fn per_second(resources: u32, took: std::time::Duration) -> f64 {
    f64::from(resources) * 10.0 / took.as_secs_f64() / 1e6
}
