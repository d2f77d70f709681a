//! `cargo xtask`: everything that is done with this repository besides building it.

mod advisories;
mod bench;
mod docs;
mod independent;
mod lint;
mod postgres;
mod step;
mod test;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask COMMAND
  test    install what the tests need, run everything, end with `N passed, N failed`
  judges  only the ledger, judged by software that is not ours
  lint    dependency direction, file sizes, SQL portability
  bench   run all benchmarks and print one table [--write: into docs/benchmarks.md] [--quick]
  docs    write the generated reference [--check: compare only]";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| words.iter().any(|word| word == flag);
    let outcome = match words.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("judges") => independent::alone(),
        Some("lint") => lint::run(),
        Some("bench") => bench::run(has("--write"), has("--quick")),
        Some("docs") => docs::run(has("--check")),
        _ => {
            step::say(USAGE);
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            step::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The repository's folder.
fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.clone(), PathBuf::from)
}
