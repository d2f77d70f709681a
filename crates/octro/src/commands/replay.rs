//! `octro replay`: everything made anew from the facts, and compared.

use octro_engine::Window;

use crate::cli::{Global, Replay};
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Table};
use crate::progress;

pub async fn run(global: &Global, replay: Replay) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let spinner = progress::spinner("Replaying", global.quiet);
    let window =
        Window { from: replay.from.unwrap_or(Window::ALL.from), to: replay.to.unwrap_or(Window::ALL.to) };
    let progress = |inputs| spinner.set_message(format!("Replaying: {inputs} inputs"));
    let report = octro_engine::replay(query.db(), window, progress).await?;
    spinner.finish_and_clear();
    let mut table = Table::new(&["what", "stored", "replayed"]);
    for mismatch in &report.mismatches {
        table.row([mismatch.what.clone(), mismatch.stored.clone(), mismatch.replayed.clone()]);
    }
    if report.differences > 0 || global.format != crate::output::Format::Table {
        table.print(global.format, &report)?;
    }
    if !global.quiet {
        output::say(&format!(
            "{} inputs, {} changed and {} unchanged observations; {} results, {} counts and {} statuses compared: {}",
            report.inputs,
            report.changed,
            report.unchanged,
            report.results,
            report.tallies,
            report.verdicts,
            if report.differences == 0 {
                "all agree".to_owned()
            } else {
                format!("{} differ", report.differences)
            },
        ));
    }
    Ok(if report.differences == 0 { Exit::Done } else { Exit::Failing })
}
