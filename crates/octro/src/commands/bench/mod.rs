//! `octro bench`: this build on this machine. `cargo xtask bench` runs all of it at several sizes.

mod answers;
mod aws;
mod buckets;
mod evaluate;
mod history;
mod ingest;
mod latency;
mod ledger;
mod measure;
mod pages;
mod predicates;
mod program;
mod start;
mod stored;
mod tls;

// `buckets` is also compiled beside the peers, which have the same generator under this name.
use octro_demo as random;

use crate::cli::{Bench, Global};
use crate::exit::Exit;

pub fn run(global: &Global, bench: Bench) -> anyhow::Result<Exit> {
    let figures = match bench {
        Bench::Aws { upstream, resources, kinds, change } => {
            aws::run(&aws::Look { upstream, buckets: resources, kinds, change })?
        }
        Bench::AwsAnswers { upstream } => {
            answers::serve(&upstream)?;
            return Ok(Exit::Done);
        }
        Bench::Evaluate { resources } => evaluate::run(resources)?,
        Bench::Ingest { resources } => super::block_on(ingest::run(resources))?,
        Bench::Latency { resources, pages: true } => {
            super::block_on(pages::serve(resources))?;
            return Ok(Exit::Done);
        }
        Bench::Latency { resources, pages: false } => super::block_on(latency::run(resources))?,
        Bench::History { resources } => super::block_on(history::run(resources))?,
        Bench::Ledger { entries, database } => super::block_on(ledger::run(entries, database.as_deref()))?,
        Bench::Tls { endpoints, roots, times, per_address, quick, delay_ms } => tls::run(&tls::Look {
            endpoints: &endpoints,
            roots: roots.as_deref(),
            times,
            per_address,
            quick,
            delay: (delay_ms > 0).then(|| std::time::Duration::from_millis(delay_ms)),
        })?,
        Bench::Start { resources } => super::block_on(start::run(resources))?,
    };
    figures.print(global)?;
    Ok(Exit::Done)
}
