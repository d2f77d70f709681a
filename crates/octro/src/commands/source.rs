//! `octro source aws policy`: what a source has to be allowed.

use octro_connectors::aws;

use crate::cli::{Source, SourceAws};
use crate::exit::{Exit, UsageError};
use crate::output;

pub fn run(command: Source) -> anyhow::Result<Exit> {
    let Source::Aws(SourceAws::Policy { kinds, organization, changes }) = command;
    let policy = aws::policy(&kinds, organization, changes.as_deref()).map_err(UsageError)?;
    let text = serde_json::to_string_pretty(&policy)?;
    output::text(&format!("{text}\n"))?;
    Ok(Exit::Done)
}
