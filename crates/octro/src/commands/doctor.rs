//! `octro doctor`: is everything in order that Octro needs? Each line is one check, with what to do about it.

use octro_server::Config;
use octro_store::Db;
use serde::Serialize;

use crate::cli::Global;
use crate::database;
use crate::exit::Exit;
use crate::output::{self, Table};

#[derive(Serialize)]
struct Line {
    ok: bool,
    what: String,
    said: String,
    mend: String,
}

pub async fn run(global: &Global) -> anyhow::Result<Exit> {
    let mut lines = Vec::new();
    let mut usable = true;
    match database::config(global) {
        Ok(config) => {
            let said = format!("{} sources, pages at {}", config.sources.len(), config.listen);
            lines.push(good("settings", said));
            program(&config, &mut lines);
            folder(&config, &mut lines);
            usable = store(&config, &mut lines).await;
            clock(global, &mut lines).await;
            sources(global, &mut lines).await;
        }
        Err(error) => {
            lines.push(bad("settings", format!("{error:#}"), "correct the file or the option that is named"))
        }
    }
    lines.push(root());
    let mut table = Table::new(&["", "what", "found", "what to do"]);
    for line in &lines {
        let shape = if line.ok { "✓" } else { "✗" }.to_owned();
        table.row([shape, line.what.clone(), line.said.clone(), line.mend.clone()]);
    }
    table.print(global.format, &lines)?;
    let bad = lines.iter().filter(|line| !line.ok).count();
    if !global.quiet {
        output::say(&if bad == 0 {
            "Everything is in order.".to_owned()
        } else {
            format!("{bad} things are not in order.")
        });
    }
    Ok(match (usable, bad) {
        (false, _) => Exit::Broken,
        (true, 0) => Exit::Done,
        (true, _) => Exit::Failing,
    })
}

fn good(what: &str, said: String) -> Line {
    Line { ok: true, what: what.to_owned(), said, mend: String::new() }
}

fn bad(what: &str, said: String, mend: &str) -> Line {
    Line { ok: false, what: what.to_owned(), said, mend: mend.to_owned() }
}

fn program(config: &Config, lines: &mut Vec<Line>) {
    let files = match octro_server::Rules::new(config.program.clone()).files() {
        Ok(files) => files,
        Err(error) => {
            return lines.push(bad("program", error.to_string(), "name a folder as `octro init` writes it"));
        }
    };
    lines.push(match octro_program::load(&files) {
        Ok(loaded) => good(
            "program",
            format!(
                "{} tests, {} controls, {} warnings",
                loaded.program.tests.len(),
                loaded.program.controls.len(),
                loaded.warnings.len()
            ),
        ),
        Err(problems) => bad("program", format!("{} problems", problems.len()), "octro program validate"),
    });
}

fn folder(config: &Config, lines: &mut Vec<Line>) {
    if config.database.is_some() {
        return;
    }
    let place = config.data.ancestors().find(|path| path.exists()).unwrap_or(std::path::Path::new("."));
    lines.push(match rustix::fs::statvfs(place) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize) >> 20;
            if free < 500 {
                bad(
                    "room on disk",
                    format!("{free} MiB are free for {}", config.data.display()),
                    "make room, or move the data folder",
                )
            } else {
                good("room on disk", format!("{free} MiB are free for {}", config.data.display()))
            }
        }
        Err(error) => bad("room on disk", error.to_string(), "see that the data folder can be reached"),
    });
}

/// Answers whether the database can be used, or will be made.
async fn store(config: &Config, lines: &mut Vec<Line>) -> bool {
    const RESTORE: &str = "stop Octro, copy the file away, and restore a backup";
    let address = match &config.database {
        Some(address) => address.clone(),
        None if config.data.join("octro.db").exists() => octro_server::Folder::database(&config.data),
        None => {
            lines.push(good("database", "none yet; `octro up` makes it".to_owned()));
            return true;
        }
    };
    let db = match Db::open(&address).await {
        Ok(db) => db,
        Err(error) => {
            let mend = if error.is_corrupt() { RESTORE } else { "see the message" };
            lines.push(bad("database", error.to_string(), mend));
            return false;
        }
    };
    let line = match db.check().await {
        Ok(()) => good("database", format!("{} answers and is sound", db.dialect().name())),
        Err(error) => bad("database", error.to_string(), RESTORE),
    };
    let usable = line.ok;
    lines.push(line);
    db.close().await;
    usable
}

/// Whether what is stored is dated later than the clock is.
async fn clock(global: &Global, lines: &mut Vec<Line>) {
    let Ok(query) = database::query(global).await else { return };
    let Ok(ahead) = query.ahead().await else { return };
    lines.push(match ahead {
        None => good("clock", "not behind what is stored".to_owned()),
        Some(until) => bad(
            "clock",
            format!("what was told last is dated {until}, later than this machine's clock is"),
            "set the clock if it is behind; if it was ahead, nothing is lost: until then everything is dated just after \
             that moment, and proofs that rest on a seal of that time are refused",
        ),
    });
}

/// What the last runs of the sources could not do.
async fn sources(global: &Global, lines: &mut Vec<Line>) {
    let Ok(query) = database::query(global).await else { return };
    let Ok(sources) = query.sources(query.now()).await else { return };
    for source in sources.iter().filter(|source| source.retired_at.is_none()) {
        let what = format!("source {}", source.id);
        lines.push(match source.last() {
            None => bad(&what, "it has not run yet".to_owned(), "start `octro up`"),
            Some(_) if source.silent => {
                bad(&what, "it is silent".to_owned(), "start `octro up`, and see its log")
            }
            Some(run) if run.complete => good(&what, format!("complete at {}", run.finished_at.minute())),
            Some(run) => {
                let first = run.errors.first();
                let said =
                    first.map_or_else(|| "incomplete".to_owned(), |e| format!("{}: {}", e.what, e.message));
                let mend = first.map(|error| error.mend.clone()).unwrap_or_default();
                bad(&what, said, &mend)
            }
        });
    }
}

fn root() -> Line {
    if rustix::process::geteuid().is_root() {
        good("permissions", "root: the host source sees everything".to_owned())
    } else {
        let said = "not root: what only root may read of this machine is unknown";
        Line {
            ok: true,
            what: "permissions".to_owned(),
            said: said.to_owned(),
            mend: "run as root to see all".to_owned(),
        }
    }
}
