//! `octro compact`: facts that were kept long enough are removed.

use octro_engine::Stage;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Table};
use crate::progress;

pub async fn run(global: &Global) -> anyhow::Result<Exit> {
    let config = database::config(global)?;
    let spinner = progress::spinner("Compacting", global.quiet);
    let done = octro_server::compact(&config, |stage| {
        spinner.set_message(match stage {
            Stage::Replaying(inputs) => format!("Making the results anew, to compare: {inputs} inputs"),
            Stage::Removing(observations) => format!("Removing: {observations} observations"),
        });
    })
    .await?;
    spinner.finish_and_clear();
    let Some(done) = done else {
        if !global.quiet {
            output::say("Nothing is old enough to be removed.");
        }
        return Ok(Exit::Done);
    };
    let mut table = Table::new(&["what", "removed"]);
    table.row(["observations".to_owned(), done.observations.to_string()]);
    table.row(["inputs".to_owned(), done.inputs.to_string()]);
    table.row(["records of enumerations".to_owned(), done.coverage.to_string()]);
    table.print(global.format, &done)?;
    if !global.quiet {
        output::say(&format!(
            "All results up to {} were made anew and agree; replays begin there from now on. \
             What is about a moment before {} is refused.",
            done.baseline.minute(),
            done.horizon.minute()
        ));
    }
    Ok(Exit::Done)
}
