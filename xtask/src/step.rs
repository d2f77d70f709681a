//! Steps: commands that are run, shown, and counted.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use anyhow::Context as _;

/// How much passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

impl Count {
    /// One thing that passed or failed.
    pub fn one(ok: bool) -> Self {
        Self { passed: u64::from(ok), failed: u64::from(!ok) }
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// Says something on stdout, where CI reads it.
pub fn say(text: &str) {
    // Without a stdout there is nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Runs a command and shows what it prints; whether it succeeded counts as one.
pub fn run(title: &str, command: &mut Command) -> anyhow::Result<Count> {
    say(&format!("\n== {title}"));
    let status = command.status().with_context(|| format!("{title}: {command:?} cannot be run"))?;
    let count = Count::one(status.success());
    say(&format!("== {title}: {}", if status.success() { "passed" } else { "FAILED" }));
    Ok(count)
}

/// Runs a test runner, shows what it prints, and counts what it says: `test result: ok. 3 passed; 0 failed; ...` of
/// cargo, or `3 passed, 0 failed` of ours. A runner that fails without saying so counts as one failure.
pub fn tests(title: &str, command: &mut Command) -> anyhow::Result<Count> {
    say(&format!("\n== {title}"));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{title}: {command:?} cannot be run"))?;
    let mut count = Count::default();
    if let Some(out) = child.stdout.take() {
        for line in BufReader::new(out).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            count += counted(&line);
            // Tests that pass are counted, not listed.
            if !(line.starts_with("test ") && line.trim_end().ends_with("... ok")) {
                say(&line);
            }
        }
    }
    let status = child.wait()?;
    if !status.success() && count.failed == 0 {
        count.failed = 1;
    }
    if status.success() && count == Count::default() {
        say(&format!("== {title}: it ran no test"));
        count.failed = 1;
    }
    say(&format!("== {title}: {} passed, {} failed", count.passed, count.failed));
    Ok(count)
}

fn counted(line: &str) -> Count {
    let line = line.trim();
    let of = |word: &str| -> Option<u64> {
        let before = line.split(word).next()?.trim_end();
        before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    if !(line.starts_with("test result: ") || line.chars().next().is_some_and(|c| c.is_ascii_digit())) {
        return Count::default();
    }
    match (of(" passed"), of(" failed")) {
        (Some(passed), Some(failed)) if line.contains(" passed") && line.contains(" failed") => {
            Count { passed, failed }
        }
        _ => Count::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_are_counted() {
        let of = |passed, failed| Count { passed, failed };
        assert_eq!(counted("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured"), of(12, 0));
        assert_eq!(counted("test result: FAILED. 1 passed; 2 failed; 0 ignored"), of(1, 2));
        assert_eq!(counted("31 passed, 1 failed"), of(31, 1));
        assert_eq!(counted("running 3 tests"), of(0, 0));
        assert_eq!(counted("a line with 3 passed, 1 failed in it"), of(0, 0));
    }
}
