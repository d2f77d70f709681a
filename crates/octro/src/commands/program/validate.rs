//! `octro program validate`: all problems at once.

use std::path::Path;

use octro_program::Problem;
use serde::Serialize;

use crate::cli::Global;
use crate::exit::Exit;
use crate::output::{self, Format, Table};

#[derive(Serialize)]
struct Validated {
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

pub fn run(global: &Global, dir: Option<&Path>) -> anyhow::Result<Exit> {
    let files = super::files(global, dir)?;
    let (validated, counts) = match octro_program::load(&files) {
        Ok(loaded) => {
            let program = &loaded.program;
            let counts = format!(
                "{}: {} kinds, {} tests, {} controls, {} policies, {} frameworks, {} claims",
                program.name,
                program.kinds.iter().count(),
                program.tests.len(),
                program.controls.len(),
                program.policies.len(),
                program.frameworks.len(),
                program.claims.len(),
            );
            (Validated { problems: Vec::new(), warnings: loaded.warnings }, counts)
        }
        Err(problems) => {
            let counts = format!("{} problems", problems.len());
            (Validated { problems, warnings: Vec::new() }, counts)
        }
    };
    let all = || {
        let problems = validated.problems.iter().map(|problem| ("problem", problem));
        problems.chain(validated.warnings.iter().map(|warning| ("warning", warning)))
    };
    if global.format == Format::Table {
        // The form that editors read: file:line:column: text.
        let lines: Vec<String> =
            all()
                .map(|(weight, problem)| {
                    if weight == "warning" {
                        format!("{problem} (warning)\n")
                    } else {
                        format!("{problem}\n")
                    }
                })
                .collect();
        output::text(&lines.concat())?;
    } else {
        let mut table = Table::new(&["weight", "file", "line", "column", "what", "expected"]);
        for (weight, problem) in all() {
            table.row([
                weight.to_owned(),
                problem.file.clone(),
                problem.line.to_string(),
                problem.column.to_string(),
                problem.what.clone(),
                problem.expected.clone(),
            ]);
        }
        table.print(global.format, &validated)?;
    }
    if !global.quiet {
        output::say(&counts);
    }
    Ok(if validated.problems.is_empty() { Exit::Done } else { Exit::Failing })
}
