//! `octro status`: the controls at a moment.

use octro_engine::{AsOf, ControlView};
use serde::Serialize;

use crate::cli::{Global, StatusOf};
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Table};

#[derive(Serialize)]
struct Whole<'a> {
    as_of: AsOf,
    controls: &'a [ControlView],
}

pub async fn run(global: &Global, of: StatusOf) -> anyhow::Result<Exit> {
    let query = database::query(global).await?;
    let as_of = of.moment.as_of(&query).await?;
    let mut controls = match &of.control {
        Some(id) => vec![query.control(id, as_of).await?],
        None => query.controls(as_of).await?,
    };
    controls.retain(|control| of.status.is_empty() || of.status.contains(&control.status));
    let whole = Whole { as_of, controls: &controls };
    if of.control.is_some() {
        let mut table = Table::new(&["status", "test", "severity", "population", "why"]);
        for test in controls.iter().flat_map(|control| &control.tests) {
            table.row([
                output::status(test.status),
                test.id.to_string(),
                test.severity.to_string(),
                counts(&test.tally),
                test.reason.clone(),
            ]);
        }
        table.print(global.format, &whole)?;
    } else {
        let mut table = Table::new(&["status", "control", "title", "part", "owner", "results", "why"]);
        for control in &controls {
            table.row([
                output::status(control.status),
                control.id.to_string(),
                control.title.clone(),
                control.part.clone(),
                control.owner.clone(),
                counts(&control.tally),
                control.reason.clone(),
            ]);
        }
        table.print(global.format, &whole)?;
    }
    if !global.quiet {
        output::say(&format!("As of {}, as known at {}.", as_of.at.minute(), as_of.known_at.minute()));
    }
    Ok(Exit::Done)
}

/// `3 pass, 1 fail`, or `-`.
pub fn counts(tally: &octro_model::Tally) -> String {
    let said: Vec<String> = tally
        .parts()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status.label()))
        .collect();
    if said.is_empty() { "-".to_owned() } else { said.join(", ") }
}
