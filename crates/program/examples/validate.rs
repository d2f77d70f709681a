//! Loads the program in a folder and prints everything that is wrong with it:
//! `cargo run -p octro-program --example validate -- DIR`.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use octro_program::{Files, load};

fn main() -> ExitCode {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "program".to_owned());
    let mut out = std::io::stdout().lock();
    let files = match Files::read(Path::new(&dir)) {
        Ok(files) => files,
        Err(error) => {
            let _ = writeln!(out, "{error}");
            return ExitCode::from(2);
        }
    };
    match load(&files) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                let _ = writeln!(out, "warning: {warning}");
            }
            let program = loaded.program;
            let _ = writeln!(
                out,
                "{}: {} kinds, {} tests, {} controls, {} policies, {} frameworks; {} warnings, no problem",
                program.name,
                program.kinds.iter().count(),
                program.tests.len(),
                program.controls.len(),
                program.policies.len(),
                program.frameworks.len(),
                loaded.warnings.len()
            );
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in &problems {
                let _ = writeln!(out, "{problem}");
            }
            let _ = writeln!(out, "{} problems", problems.len());
            ExitCode::FAILURE
        }
    }
}
