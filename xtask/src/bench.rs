//! `cargo xtask bench`: every benchmark of the release build, beside the peers, as one table.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::step::say;

/// `octro bench` and the sizes at which growth is measured.
const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];
const BENCHES: [&str; 6] = ["evaluate", "ingest", "latency", "history", "start", "ledger"];

/// Runs all benchmarks; `write` puts the table into docs/benchmarks.md, `quick` leaves the largest size away.
pub fn run(write: bool, quick: bool) -> anyhow::Result<bool> {
    let root = crate::root();
    let cargo = |args: &[&str]| -> anyhow::Result<()> {
        let status = Command::new("cargo").current_dir(&root).args(args).status().context("cargo")?;
        if status.success() { Ok(()) } else { bail!("cargo {} failed", args.join(" ")) }
    };
    cargo(&["build", "--release", "--quiet", "--package", "octro"])?;
    let octro = root.join("target/release/octro");
    let mut table = String::from(
        "| benchmark | resources or entries | what | figure | unit | peak memory, MB |\n| --- | ---: | --- | ---: | --- | ---: |\n",
    );
    let sizes = if quick { SIZES.split_at(2).0 } else { &SIZES };
    for bench in BENCHES {
        for size in sizes {
            let of = if bench == "ledger" { "--entries" } else { "--resources" };
            say(&format!("octro bench {bench} {of} {size}"));
            let out = Command::new(&octro)
                .args(["bench", bench, of, &size.to_string(), "--format", "json", "--quiet"])
                .output()
                .context("octro bench")?;
            if !out.status.success() {
                bail!("octro bench {bench}: {}", String::from_utf8_lossy(&out.stderr));
            }
            rows(&mut table, &serde_json::from_slice(&out.stdout).context("octro bench")?);
        }
    }
    peers(&root, &mut table)?;
    say(&table);
    if write {
        write_into(&root.join("docs/benchmarks.md"), &table)?;
    }
    Ok(true)
}

/// The peers' engines on the same data, built apart: they weigh more than Octro itself.
fn peers(root: &std::path::Path, table: &mut String) -> anyhow::Result<()> {
    say("bench/peers");
    let out = Command::new("cargo")
        .current_dir(root.join("bench/peers"))
        .args(["run", "--release", "--quiet"])
        .output()
        .context("bench/peers")?;
    if !out.status.success() {
        bail!("bench/peers: {}", String::from_utf8_lossy(&out.stderr));
    }
    rows(table, &serde_json::from_slice(&out.stdout).context("bench/peers")?);
    Ok(())
}

fn rows(table: &mut String, figures: &Value) {
    for figure in figures.as_array().into_iter().flatten() {
        let text = |key: &str| figure[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| figure[key].as_f64().map_or_else(String::new, shown);
        // Writing to a string cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} |",
            text("bench"),
            figure["resources"],
            text("what"),
            number("figure"),
            text("unit"),
            number("peak_mb"),
        );
    }
}

fn shown(value: f64) -> String {
    match value.abs() {
        v if v >= 1_000.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Replaces what stands between the two marks of the page.
fn write_into(page: &std::path::Path, table: &str) -> anyhow::Result<()> {
    const BEGIN: &str = "<!-- figures: begin -->\n";
    const END: &str = "<!-- figures: end -->";
    let text = std::fs::read_to_string(page)?;
    let (head, rest) =
        text.split_once(BEGIN).context("docs/benchmarks.md has no mark where figures begin")?;
    let (_, tail) = rest.split_once(END).context("docs/benchmarks.md has no mark where figures end")?;
    std::fs::write(page, format!("{head}{BEGIN}{table}{END}{tail}"))?;
    Ok(())
}
