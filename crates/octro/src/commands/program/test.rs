//! `octro program test`: the examples of all tests.

use std::path::Path;

use serde::Serialize;

use crate::cli::Global;
use crate::exit::Exit;
use crate::output::{self, Table};

#[derive(Serialize)]
struct Example {
    test: String,
    example: String,
    expected: String,
    got: String,
    ok: bool,
    /// The message of a failure, or what was unknown.
    why: String,
}

pub fn run(global: &Global, dir: Option<&Path>, only: Option<&str>) -> anyhow::Result<Exit> {
    let program = super::load(&super::files(global, dir)?)?;
    let mut examples = Vec::new();
    for test in
        program.tests.values().filter(|test| only.is_none_or(|begin| test.id.as_str().starts_with(begin)))
    {
        for run in octro_program::run_examples(test, &program.kinds) {
            examples.push(Example {
                test: test.id.to_string(),
                example: run.name,
                expected: run.expected.to_string(),
                got: run.got.to_string(),
                ok: run.expected == run.got,
                why: run.why,
            });
        }
    }
    let mut table = Table::new(&["", "test", "example", "expected", "got", "why"]);
    for one in &examples {
        let shape = if one.ok { "✓" } else { "✗" }.to_owned();
        table.row([
            shape,
            one.test.clone(),
            one.example.clone(),
            one.expected.clone(),
            one.got.clone(),
            one.why.clone(),
        ]);
    }
    table.print(global.format, &examples)?;
    let bad = examples.iter().filter(|one| !one.ok).count();
    if !global.quiet {
        output::say(&format!("{} examples, {bad} give something else than they expect", examples.len()));
    }
    Ok(if bad == 0 { Exit::Done } else { Exit::Failing })
}
