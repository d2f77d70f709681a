//! Any command that prints JSON Lines of our form. The command is run without a shell, with an environment of its own,
//! limits on everything, and in a process group that is ended with it.

mod last_words;
mod process;
mod strays;

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use octro_model::{Id, Span, UnknownReason, Why};
use serde_json::{Map, Value};

use self::process::{End, Ended, Limits, Listener};
use crate::coverage::Coverage;
use crate::lines::Lines;
use crate::settings::Settings;
use crate::{Connector, Run, Setting, SettingError, Source, Stopped, json_lines};

/// The longest line, in bytes.
const LINE_MAX: usize = 1 << 20;
/// The longest that a command may take.
const TIMEOUT_MAX: Span = Span::HOUR;
/// How much it may print by default, and at most, in bytes.
const OUTPUT_MAX: (u64, u64) = (64_000_000, 4_000_000_000);
/// The address space of each of its processes by default, and at most, in bytes.
const MEMORY_MAX: (u64, u64) = (16 << 30, 1 << 46);
/// What is taken over from Octro's own environment.
const ENVIRONMENT: [&str; 3] = ["PATH", "LANG", "HOME"];

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Exec;

impl Connector for Exec {
    fn name(&self) -> &'static str {
        "exec"
    }

    fn summary(&self) -> &'static str {
        "Runs any command that prints one JSON object a line: an observation, a scope that was enumerated, or an error."
    }

    fn settings(&self) -> &'static [Setting] {
        const fn setting(
            name: &'static str,
            form: &'static str,
            required: bool,
            doc: &'static str,
        ) -> Setting {
            Setting { name, form, required, doc }
        }
        &const {
            [
                setting(
                    "command",
                    "list of strings",
                    true,
                    "The program and its arguments. There is no shell in between.",
                ),
                setting(
                    "kinds",
                    "list of strings",
                    true,
                    "The kinds of resources that it prints; others are refused.",
                ),
                setting(
                    "command_timeout",
                    "duration",
                    false,
                    "How long it may take; by default as long as the source's `timeout`, at most 1h.",
                ),
                setting(
                    "output_max",
                    "bytes",
                    false,
                    "How much it may print; 64 MB by default, at most 4 GB.",
                ),
                setting(
                    "memory_max",
                    "bytes",
                    false,
                    "The address space of each of its processes; 16 GiB by default.",
                ),
                setting(
                    "env",
                    "table of strings",
                    false,
                    "Its environment, besides Octro's own PATH, LANG and HOME.",
                ),
                setting(
                    "dir",
                    "string",
                    false,
                    "The folder that it runs in, as an absolute path; `/` by default.",
                ),
            ]
        }
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = self.settings().iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let expected = "a program and its arguments, as [\"/usr/local/bin/list-buckets\", \"--all\"]";
        if settings.is_text("command") {
            return Err(settings.refuse("command", "it is one text", expected));
        }
        let mut command = settings.need_texts("command", expected)?.into_iter();
        let Some(program) = command.next().filter(|program| !program.trim().is_empty()) else {
            return Err(settings.refuse("command", "its first entry is empty", expected));
        };
        let dir = PathBuf::from(settings.text("dir")?.unwrap_or("/"));
        if !dir.is_absolute() {
            return Err(settings.refuse("dir", format!("`{}`", dir.display()), "an absolute path"));
        }
        let mut environment = Vec::new();
        if let Some(table) = settings.free_table("env")? {
            for name in settings.names("env")? {
                if name.is_empty() || name.contains(['=', '\0']) || name == strays::NAME {
                    return Err(settings.refuse(
                        "env",
                        format!("`{name}` cannot be a name"),
                        "names as AWS_PROFILE",
                    ));
                }
                environment.push((name.to_owned(), table.text(name)?.unwrap_or_default().to_owned()));
            }
        }
        Ok(Box::new(ExecSource {
            program,
            arguments: command.collect(),
            kinds: settings.kinds("kinds")?,
            timeout: settings.span("command_timeout", TIMEOUT_MAX)?.unwrap_or(TIMEOUT_MAX),
            output_max: settings.bytes("output_max", OUTPUT_MAX.1)?.unwrap_or(OUTPUT_MAX.0),
            memory_max: settings.bytes("memory_max", MEMORY_MAX.1)?.unwrap_or(MEMORY_MAX.0),
            environment,
            dir,
        }))
    }
}

/// One command.
struct ExecSource {
    program: String,
    arguments: Vec<String>,
    kinds: Vec<Id>,
    timeout: Span,
    output_max: u64,
    memory_max: u64,
    environment: Vec<(String, String)>,
    dir: PathBuf,
}

impl Source for ExecSource {
    fn kinds(&self) -> Vec<Id> {
        self.kinds.clone()
    }

    fn collect(&self, run: &mut Run<'_>) {
        let left = run.deadline().since(run.now());
        let timeout = self.timeout.min(left).to_std().max(Duration::from_millis(1));
        let limits = Limits { timeout, output_max: self.output_max, memory_max: self.memory_max };
        let mut reader =
            Reader { run, coverage: Coverage::new(self.kinds.clone()), lines: Lines::new(LINE_MAX) };
        match process::run(self.command(), limits, &mut reader) {
            Ok(ended) => self.judge(ended, limits, &mut reader),
            Err(error) => {
                let why = if error.kind() == std::io::ErrorKind::PermissionDenied {
                    Why::Denied
                } else {
                    Why::Failed
                };
                let reason = UnknownReason::new(why, format!("it could not be run: {error}"));
                let mend = "see that the program and `dir` exist and that Octro's user may use them";
                reader.coverage.broken(reader.run, &self.program, reason, mend);
            }
        }
        let Reader { run, coverage, lines: _ } = reader;
        coverage.finish(run);
    }
}

impl ExecSource {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.dir).env_clear();
        for name in ENVIRONMENT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Only an exit code of 0 leaves the collection complete.
    fn judge(&self, ended: Ended, limits: Limits, reader: &mut Reader<'_, '_>) {
        if let Some(what) = &ended.unlimited {
            let mend = "do not run programs that change their user; give Octro's user the right instead";
            reader.run.error(&self.program, format!("its limits could not be set: {what}"), mend);
        }
        if ended.left > 0 {
            let what = format!("{} of its processes could not be ended", ended.left);
            reader.run.error(&self.program, what, "end them by hand; Octro's user may not");
        }
        let (why, what, mend) = match ended.end {
            End::Exited(0) => {
                // The last line may lack its end. A stopped run is seen by whoever runs it.
                let _ = reader.last_line();
                return;
            }
            End::Exited(code) => {
                let mend = "run the command by hand as Octro's user, and mend what it complains of";
                (Why::Failed, format!("it ended with code {code}"), mend)
            }
            End::Signalled(signal) => {
                let mend = "24 is the limit on processor time; 6, 9 and 11 may come from `memory_max`";
                (Why::Failed, format!("signal {signal} ended it"), mend)
            }
            End::TimedOut => {
                let span = Span::from_micros(i64::try_from(limits.timeout.as_micros()).unwrap_or(i64::MAX));
                let mend = "raise `timeout` and `command_timeout`, or see what keeps it waiting";
                (Why::TimedOut, format!("it did not end in {} and was stopped", span.human()), mend)
            }
            End::Flooded => {
                let what = format!("it printed more than {} bytes and was stopped", limits.output_max);
                (Why::Failed, what, "raise `output_max`, or print less")
            }
            End::Stopped => {
                (Why::TimedOut, "the run was stopped, and the command with it".to_owned(), "raise `timeout`")
            }
        };
        let said = &ended.last_words;
        let what = if said.is_empty() { what } else { format!("{what}; it last said: {said}") };
        reader.coverage.broken(reader.run, &self.program, UnknownReason::new(why, what), mend);
    }
}

/// Reads a command's output into a run.
struct Reader<'r, 'a> {
    run: &'r mut Run<'a>,
    coverage: Coverage,
    lines: Lines,
}

impl Reader<'_, '_> {
    fn last_line(&mut self) -> Result<(), Stopped> {
        let Self { run, coverage, lines } = self;
        lines.end(&mut |number, line| json_lines::take(&format!("line {number}"), &line, None, coverage, run))
    }
}

impl Listener for Reader<'_, '_> {
    fn hear(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let Self { run, coverage, lines } = self;
        lines.feed(bytes, &mut |number, line| {
            json_lines::take(&format!("line {number}"), &line, None, coverage, run)
        })
    }

    fn is_stopped(&mut self) -> bool {
        self.run.is_stopped()
    }
}
