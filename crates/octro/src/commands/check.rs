//! `octro check`: look once, judge, and say it; no server, no database.

use std::sync::Arc;

use anyhow::Context as _;
use octro_connectors::Run;
use octro_engine::{Once, OnceResult};
use octro_model::{Clock, CollectionError, ScopeReport, Status, SystemClock, Tally};
use octro_program::Program;
use octro_server::OpenSource;
use serde::Serialize;

use super::program;
use crate::cli::{Check, Global};
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output::{self, Format, Table};
use crate::progress;

/// What a check found, as JSON.
#[derive(Serialize)]
struct Found {
    at: octro_model::Timestamp,
    tally: Tally,
    results: Vec<OnceResult>,
    scopes: Vec<ScopeReport>,
    errors: Vec<CollectionError>,
}

pub fn run(global: &Global, check: &Check) -> anyhow::Result<Exit> {
    let config = database::config(global)?;
    let program = Arc::new(program::load(&octro_server::Rules::new(config.program.clone()).files()?)?);
    let wanted = Wanted::new(&check.only, &config.sources, &program)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut once = Once::new(program, clock.clone());
    let mut found = Found {
        at: clock.now(),
        tally: Tally::default(),
        results: Vec::new(),
        scopes: Vec::new(),
        errors: Vec::new(),
    };
    for source in &wanted.sources {
        once.declare(source.info.clone());
    }
    for source in &wanted.sources {
        let spinner = progress::spinner(&format!("Looking at {}", source.info.id), global.quiet);
        let report = look(source, clock.as_ref(), &mut once)?;
        found.scopes.extend(report.scopes.iter().cloned());
        found.errors.extend(report.errors.iter().cloned());
        once.finish(report)?;
        spinner.finish_and_clear();
    }
    found.errors.extend(once.refused().cloned());
    found.results = once.results().into_iter().filter(|result| wanted.test(&result.test)).collect();
    for result in found.results.iter().filter(|result| result.resource.is_some()) {
        found.tally[result.status] += 1;
    }
    let exit = exit(&found.results);
    print(global, check.all, &found)?;
    Ok(exit)
}

/// Which sources run and which tests count.
struct Wanted {
    sources: Vec<OpenSource>,
    tests: Vec<String>,
}

impl Wanted {
    fn new(only: &[String], sources: &[OpenSource], program: &Program) -> Result<Self, UsageError> {
        let mut wanted = Self { sources: Vec::new(), tests: Vec::new() };
        let mut words = only.iter().peekable();
        while let Some(word) = words.next() {
            let takes_file =
                || octro_connectors::ALL.iter().any(|one| one.name() == word && one.file_setting().is_some());
            let file = words.next_if(|next| takes_file() && !names_something(next, sources, program));
            let mut of = sources
                .iter()
                .filter(|one| one.info.id.as_str() == word || one.info.connector == *word)
                .peekable();
            if file.is_none() && of.peek().is_some() {
                for source in of {
                    // It may be named twice: by its id and by its connector.
                    if wanted.sources.iter().all(|known| known.info.id != source.info.id) {
                        wanted.sources.push(source.clone());
                    }
                }
            } else if file.is_none() && of_tests(word, sources, program) {
                wanted.tests.push(word.clone());
            } else if octro_connectors::ALL.iter().any(|connector| connector.name() == word) {
                let source = OpenSource::without_settings(word, file.map(String::as_str)).map_err(|(what, expected)| {
                    UsageError(format!(
                        "no source of type `{word}` is declared, and without settings it cannot be: {what}; expected {expected}. \
                         Declare one as [[source]] in octro.toml; docs/reference/settings.md lists what it takes"
                    ))
                })?;
                wanted.sources.push(source);
            } else if program.tests.keys().any(|test| test.as_str().starts_with(word.as_str())) {
                wanted.tests.push(word.clone());
            } else {
                let names: Vec<&str> = sources.iter().map(|source| source.info.id.as_str()).collect();
                return Err(UsageError(format!(
                    "`{word}` is neither a source nor a test; the sources are {}, and `octro program test` lists the tests",
                    names.join(", ")
                )));
            }
        }
        if wanted.sources.is_empty() {
            wanted.sources = sources.to_vec();
        }
        Ok(wanted)
    }

    fn test(&self, id: &octro_model::Id) -> bool {
        self.tests.is_empty() || self.tests.iter().any(|begin| id.as_str().starts_with(begin.as_str()))
    }
}

/// Whether a word is a source, a connector, or the beginning of a test's name.
fn names_something(word: &str, sources: &[OpenSource], program: &Program) -> bool {
    sources.iter().any(|one| one.info.id.as_str() == word || one.info.connector == word)
        || octro_connectors::ALL.iter().any(|connector| connector.name() == word)
        || program.tests.keys().any(|test| test.as_str().starts_with(word))
}

/// Whether a word begins the names of tests of which a declared source yields the kind.
fn of_tests(word: &str, sources: &[OpenSource], program: &Program) -> bool {
    let yields = |kind| sources.iter().any(|source| source.info.kinds.contains(kind));
    program.tests.values().any(|test| test.id.as_str().starts_with(word) && yields(&test.on))
}

fn look(source: &OpenSource, clock: &dyn Clock, once: &mut Once) -> anyhow::Result<octro_model::Collection> {
    let mut failed = None;
    let classes = once.program().classes.clone();
    let mut deliver = |batch| {
        once.observe(&source.info.id, batch).map_err(|error| {
            failed = Some(error);
            octro_connectors::Stopped
        })
    };
    let deadline = clock.now().plus(source.timeout);
    let mut run = Run::new(source.info.id.clone(), source.info.kinds.clone(), clock, deadline, &mut deliver)
        .classed_by(classes);
    source.source.collect(&mut run);
    let report = run.finish();
    match failed {
        Some(error) => Err(error).with_context(|| format!("source `{}`", source.info.id)),
        None => Ok(report),
    }
}

fn exit(results: &[OnceResult]) -> Exit {
    let of = |statuses: &[Status]| results.iter().any(|result| statuses.contains(&result.status));
    if of(&[Status::Fail]) {
        Exit::Failing
    } else if results.is_empty() || of(&[Status::Unknown, Status::Stale]) {
        // That nothing was judged is no good news.
        Exit::Unknown
    } else {
        Exit::Done
    }
}

fn print(global: &Global, all: bool, found: &Found) -> anyhow::Result<()> {
    let mut table = Table::new(&["status", "test", "resource", "why"]);
    let quiet = |status| matches!(status, Status::Pass | Status::NotApplicable);
    for result in &found.results {
        // The line of a whole test says something new only if none of its resources does.
        let whole = result.resource.is_none();
        let told = found.results.iter().any(|other| {
            whole && other.test == result.test && other.resource.is_some() && other.status == result.status
        });
        if told || (!all && quiet(result.status)) {
            continue;
        }
        let resource = result.resource.clone().unwrap_or_else(|| format!("all {}", result.kind));
        table.row([output::status(result.status), result.test.to_string(), resource, result.reason.clone()]);
    }
    table.print(global.format, found)?;
    if global.format == Format::Table && !global.quiet {
        for error in &found.errors {
            let mend = if error.mend.is_empty() { String::new() } else { format!("; {}", error.mend) };
            output::say(&format!("{}: {}{mend}", error.what, error.message));
        }
        let counts: Vec<String> = found
            .tally
            .parts()
            .filter(|(_, count)| *count > 0)
            .map(|(status, count)| format!("{count} {}", status.label()))
            .collect();
        if found.results.is_empty() {
            output::say("Nothing was judged: no source that ran yields what these tests are about.");
        }
        output::say(&format!("\n{}", counts.join(", ")));
    }
    Ok(())
}
