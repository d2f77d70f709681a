//! `octro up`: everything, until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;

use octro_model::{Clock, SystemClock};
use octro_server::{Company, Config};

use crate::cli::{Global, Up};
use crate::database;
use crate::exit::{Exit, UsageError};
use crate::output;

pub async fn run(global: &Global, up: Up) -> anyhow::Result<Exit> {
    let mut config = database::config(global)?;
    if let Some(listen) = &up.listen {
        config.listen = octro_server::config::listen_address(listen)
            .map_err(|(what, expected)| UsageError(format!("--listen: {what}; expected {expected}")))?;
    }
    config.ledger.follow = up.follow;
    config.ledger.operator = Some(crate::operator::operator());
    let quiet = global.quiet;
    let (company, clock, opened) = if up.demo {
        let (clock, opened) = demo(global, &mut config, up.seed).await?;
        (Company::Simulated, clock, opened)
    } else {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let opened = octro_server::open(&config, Company::Real).await?;
        (Company::Real, clock, opened)
    };
    let mut stop = StopSignals::listen()?;
    let mut started = octro_server::start(config, company, clock, opened).await?;
    output::text(&format!("http://{}/\n", shown(started.address)))?;
    if !quiet {
        output::say("Octro is up. Open the address above in a browser; Ctrl-C stops it.");
    }
    let broken = tokio::select! {
        () = stop.told() => None,
        broken = started.broken() => Some(broken),
    };
    if !quiet {
        output::say("Stopping ...");
    }
    tokio::select! {
        () = started.stop() => {}
        () = stop.told() => {
            output::say("Told twice: stopped without waiting.");
            return Ok(Exit::Broken);
        }
    }
    match broken {
        Some(broken) => Err(broken.into()),
        None => Ok(Exit::Done),
    }
}

/// The address as a browser likes it: passkeys will want a name.
fn shown(address: std::net::SocketAddr) -> String {
    if address.ip() == std::net::IpAddr::from([127, 0, 0, 1]) {
        format!("localhost:{}", address.port())
    } else {
        address.to_string()
    }
}

/// What tells Octro to stop; listened to before anybody knows that it is up.
pub(super) struct StopSignals {
    interrupted: tokio::signal::unix::Signal,
    terminated: tokio::signal::unix::Signal,
}

impl StopSignals {
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupted: signal(SignalKind::interrupt())?,
            terminated: signal(SignalKind::terminate())?,
        })
    }

    pub(super) async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }
}

/// Opens the simulated company, made first if it is not there.
async fn demo(
    global: &Global,
    config: &mut Config,
    seed: Option<u64>,
) -> anyhow::Result<(Arc<dyn Clock>, (octro_store::Db, Option<octro_server::Folder>))> {
    if config.database.is_some() {
        let what = "--demo keeps its company in a folder of its own; leave --database away";
        return Err(UsageError(what.to_owned()).into());
    }
    if global.data.is_none() {
        config.data = PathBuf::from("octro-demo");
    }
    config.sources.clear();
    config.program = None;
    let (db, folder) = octro_server::open(config, Company::Simulated).await?;
    let bar = crate::progress::bar("Simulating a company", 1, global.quiet);
    // While the year passes, the ledger lives in it, too.
    let clock = octro_model::ManualClock::at(octro_demo::BEGIN);
    let ledger = octro_server::open_ledger(config, &db, Arc::new(clock.clone())).await?;
    let journal = octro_server::journal(&ledger);
    let clock = octro_demo::prepare(&db, &clock, journal, seed.unwrap_or(1), &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })
    .await?;
    ledger.flush().await?;
    bar.finish_and_clear();
    Ok((clock, (db, folder)))
}
