//! `octro completions SHELL` and `octro man DIR`.

use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::Options;
use crate::exit::Exit;
use crate::output;

pub fn shell(shell: clap_complete::Shell) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), "octro", &mut script);
    output::text(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

pub fn man(dir: &Path) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(dir)?;
    clap_mangen::generate_to(Options::command(), dir)?;
    output::say(&format!(
        "The pages are in {}; read one with `man {}/octro.1`.",
        dir.display(),
        dir.display()
    ));
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }
}
