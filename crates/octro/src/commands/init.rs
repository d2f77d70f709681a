//! `octro init DIR`: the built-in program as files of one's own.

use octro_program::Files;

use crate::cli::Init;
use crate::exit::{Exit, UsageError};
use crate::output;

pub fn run(init: &Init) -> anyhow::Result<Exit> {
    let taken = match std::fs::read_dir(&init.dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(error.into()),
    };
    if taken {
        return Err(UsageError(format!("{} is not empty; name a new folder", init.dir.display())).into());
    }
    let files = Files::embedded();
    files.write(&init.dir)?;
    output::say(&format!(
        "{} files are in {}. Put them under version control, say `program = \"{}\"` in octro.toml, and check changes with \
         `octro program validate {}`.",
        files.iter().count(),
        init.dir.display(),
        init.dir.display(),
        init.dir.display(),
    ));
    Ok(Exit::Done)
}
