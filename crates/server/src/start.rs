//! From settings to a running Octro, and back: what is started in which order, and how it stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use octro_engine::{EngineError, Query};
use octro_ledger::LedgerError;
use octro_model::Clock;
use octro_posture::PostureState;
use octro_store::{Db, StoreError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Config;
use crate::folder::{Folder, FolderError};
use crate::rules::Rules;
use crate::runs::Runs;
use crate::seat::{LOOK_EVERY, Looked, Seat};

/// The setting that says whether a database holds a simulated company.
const SIMULATED: &str = "simulated";
/// How long the program's folder is left alone before it is looked at again.
const FOLDER_EVERY: Duration = Duration::from_secs(3);
/// The longest sleep between two looks at what is due.
const TICK_MAX: Duration = Duration::from_millis(1_000);
/// How long what runs may take to stop.
const STOP_MAX: Duration = Duration::from_secs(5);
/// How long the last seal may take. With a million resources it took 7 s on a busy machine with two cores. A seal that is
/// cut off does no harm, but what happened since the one before cannot be proved until the next.
const SEAL_MAX: Duration = Duration::from_secs(20);
/// How long the database may take for each of the last two things that it is told.
const LEAVE_MAX: Duration = Duration::from_secs(1);

/// Why Octro does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The address is taken or cannot be had.
    #[error("{address}: {source}; choose another address with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: std::io::Error,
    },
    /// A server is at work on the database.
    #[error(
        "another Octro process evaluates on this database; it removes old facts by itself, or stop it first"
    )]
    Evaluates,
    /// A simulated and a real company in one database.
    #[error("{0}")]
    Mixed(&'static str),
}

/// What kind of company the database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// A real one.
    Real,
    /// A simulated one.
    Simulated,
}

/// A running Octro.
pub struct Started {
    /// Where the pages are.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    breaks: watch::Receiver<Option<StoreError>>,
    tasks: JoinSet<()>,
    /// The ledger at work, and what ends it.
    appending: Option<(tokio::task::JoinHandle<()>, tokio::sync::oneshot::Sender<()>)>,
    seat: Arc<Seat>,
    db: Db,
    _folder: Option<Folder>,
}

impl Started {
    /// Waits until the database turns out to be damaged: nothing more is written to it then. Otherwise, for ever.
    pub async fn broken(&mut self) -> StoreError {
        loop {
            if let Some(StoreError::Corrupt(what)) = &*self.breaks.borrow_and_update() {
                return StoreError::Corrupt(what.clone());
            }
            if self.breaks.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Seals what was told, so that it can be proved while nothing runs, and lets the ledger finish.
    async fn seal(&mut self) {
        let Some((work, end)) = self.appending.take() else { return };
        let sealed = async {
            if let Some(engine) = self.seat.engine() {
                match engine.seal().await {
                    Ok(()) | Err(EngineError::NotLeader) => {}
                    Err(error) => tracing::warn!(%error, "the last seal could not be written"),
                }
            }
            // A receiver that is gone has ended already.
            let _ = end.send(());
            let _ = work.await;
        };
        if tokio::time::timeout(SEAL_MAX, sealed).await.is_err() {
            tracing::warn!("the ledger did not finish; it goes on at the next start");
        }
    }

    /// Stops everything and gives back what others wait for.
    pub async fn stop(mut self) {
        // Tasks that are gone need not be told.
        let _ = self.stop.send(true);
        let stopped = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_MAX, stopped).await.is_err() {
            tracing::warn!("something still ran after {} s and was cut off", STOP_MAX.as_secs());
            self.tasks.abort_all();
        }
        self.seal().await;
        match tokio::time::timeout(LEAVE_MAX, self.seat.leave()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the seat could not be given back; another process takes it when the lease runs out");
            }
            Err(_) => {
                tracing::warn!(
                    "the database does not answer; another process takes the seat when the lease runs out"
                );
            }
        }
        if tokio::time::timeout(LEAVE_MAX, self.db.close()).await.is_err() {
            tracing::warn!(
                "the database could not be closed in {} s; it is sound all the same",
                LEAVE_MAX.as_secs()
            );
        }
    }
}

/// Opens the database of `config`, locked if it is the embedded one, and makes sure that it holds that kind of company.
///
/// # Errors
/// If it cannot be had or holds another kind.
pub async fn open(config: &Config, company: Company) -> Result<(Db, Option<Folder>), StartError> {
    let (db, folder) = match &config.database {
        Some(address) => (Db::open(address).await?, None),
        None => {
            let folder = Folder::open(&config.data)?;
            (Db::open(&Folder::database(folder.path())).await?, Some(folder))
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(octro_model::SystemClock);
    let query = Query::new(db.clone(), clock);
    let wanted = if company == Company::Simulated { "yes" } else { "no" };
    match query.setting(SIMULATED).await?.as_deref() {
        None => query.set(SIMULATED, wanted).await?,
        Some(known) if known == wanted => {}
        Some("yes") => {
            return Err(StartError::Mixed(
                "this database holds a simulated company; open it with `octro up --demo`, or name another folder with --data",
            ));
        }
        Some(_) => {
            return Err(StartError::Mixed(
                "this database holds a real company and the simulation stays out of it; name another folder with --data",
            ));
        }
    }
    Ok((db, folder))
}

/// Starts everything on a database that [`open`] opened. The pages are served at once; what is judged follows.
///
/// # Errors
/// If the address cannot be had.
pub async fn start(
    config: Config,
    company: Company,
    clock: Arc<dyn Clock>,
    (db, folder): (Db, Option<Folder>),
) -> Result<Started, StartError> {
    let process = config.database.is_some().then(|| process_name(clock.as_ref()));
    let (ledger, damage) = match crate::ledger::open_ledger(&config, &db, clock.clone()).await {
        Ok(ledger) => (Some(ledger), None),
        // The pages still show what can be read. Nobody evaluates: nothing may be written to a damaged database, and
        // nothing that the ledger is not told.
        Err(LedgerError::Store(error)) if error.is_corrupt() => (None, Some(error)),
        Err(error) => return Err(error.into()),
    };
    let seat = Arc::new(Seat::new(db.clone(), clock.clone(), process.clone(), ledger.clone()));
    let query = Query::new(db.clone(), clock.clone());
    let rules = Rules::new(config.program);
    let runs = Arc::new(Runs::new(seat.clone(), query.clone(), clock.clone(), process, config.sources));
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| StartError::Listen { address: config.listen, source })?;
    let address =
        listener.local_addr().map_err(|source| StartError::Listen { address: config.listen, source })?;
    let (stop, stopped) = watch::channel(false);
    let (broken, breaks) = watch::channel(None);
    let mut tasks = JoinSet::new();
    let app = octro_posture::app(PostureState {
        query: query.clone(),
        changes: seat.changes().clone(),
        run: Arc::new(crate::ask::Ask::new(runs.clone())),
        seal: Arc::new(crate::ask::Sealer::new(seat.clone(), ledger.clone())),
        ledger: ledger.clone(),
        problems: rules.problems(),
        simulated: company == Company::Simulated,
        stop: stopped.clone(),
    });
    let appending = ledger.clone().map(|ledger| {
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let run = async move {
            ledger.run(async move { drop(ended.await) }).await;
        };
        (tokio::spawn(run), end)
    });
    tasks.spawn(serve(listener, app, stopped.clone()));
    match damage {
        Some(damage) => drop(broken.send_replace(Some(damage))),
        None => {
            let sitting = sit(seat.clone(), runs.clone(), rules, company, query, broken, stopped.clone());
            tasks.spawn(sitting);
        }
    }
    tasks.spawn(tick(seat.clone(), clock, stopped.clone()));
    if company == Company::Real {
        tasks.spawn(crate::retention::keep(seat.clone(), stopped.clone()));
    }
    for place in 0..runs.sources().len() {
        tasks.spawn(after_first_look(seat.clone(), runs.clone(), place, stopped.clone()));
    }
    Ok(Started { address, stop, breaks, tasks, appending, seat, db, _folder: folder })
}

/// Serves `app` until `stop` turns true.
pub async fn serve(listener: TcpListener, app: axum::Router, mut stop: watch::Receiver<bool>) {
    let stopped = async move {
        // An error means that the sender is gone, which is a stop, too.
        let _ = stop.wait_for(|stopped| *stopped).await;
    };
    if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(stopped).await {
        tracing::error!(%error, "the pages are no longer served");
    }
}

/// Looks at the seat; whoever takes it puts the program in force and declares the sources. Nobody sits on a damaged
/// database: what is read from it may be wrong, and what is written to it makes it worse.
async fn sit(
    seat: Arc<Seat>,
    runs: Arc<Runs>,
    rules: Rules,
    company: Company,
    query: Query,
    broken: watch::Sender<Option<StoreError>>,
    mut stop: watch::Receiver<bool>,
) {
    match query.db().check().await {
        Ok(()) => {}
        Err(error) if error.is_corrupt() => {
            broken.send_replace(Some(error));
            return;
        }
        Err(error) => tracing::error!(%error, "whether the database is sound could not be asked"),
    }
    let mut ready = false;
    let mut since_folder = Duration::ZERO;
    loop {
        if let Err(error) = query.present().await {
            tracing::debug!(%error, "when something was told last could not be read");
        }
        match seat.look().await {
            Ok(Looked::Taken) => ready = prepare(&seat, &runs, &rules, company).await,
            Ok(Looked::Held) => {
                since_folder += LOOK_EVERY;
                let look = since_folder >= FOLDER_EVERY;
                if look {
                    since_folder = Duration::ZERO;
                }
                if !ready || (look && changed(&rules).await) {
                    ready = prepare(&seat, &runs, &rules, company).await;
                }
            }
            Ok(Looked::Elsewhere) => {
                ready = false;
                seat.announce_elsewhere();
            }
            Err(EngineError::Store(StoreError::Corrupt(what))) => {
                broken.send_replace(Some(StoreError::Corrupt(what)));
                return;
            }
            Err(error) => {
                ready = false;
                tracing::error!(%error, "the database does not answer; trying again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn changed(rules: &Rules) -> bool {
    let rules = rules.clone();
    tokio::task::spawn_blocking(move || rules.is_changed()).await.unwrap_or(false)
}

/// Puts the program in force and declares the sources; answers whether that is done.
async fn prepare(seat: &Seat, runs: &Runs, rules: &Rules, company: Company) -> bool {
    let Some(engine) = seat.engine() else { return false };
    if company == Company::Simulated {
        return true; // its program and sources came with it
    }
    match rules.install(&engine).await {
        Ok(true) => tracing::info!("a new version of the program is in force"),
        Ok(false) => {}
        Err(EngineError::Program(problems)) => {
            for problem in &problems {
                tracing::error!("{problem}");
            }
            tracing::error!("the program has {} problems and was not put in force", problems.len());
        }
        Err(error) => {
            tracing::error!(%error, "the program could not be put in force; trying again");
            return false;
        }
    }
    let declared = async {
        for source in runs.sources() {
            engine.declare(source.info.clone()).await?;
        }
        for known in engine.sources().await? {
            if runs.sources().iter().all(|source| source.info.id != known.id) {
                engine.retire(&known.id).await?;
            }
        }
        Ok::<(), EngineError>(())
    };
    match declared.await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "the sources could not be declared; trying again");
            false
        }
    }
}

/// Lets time pass for the engine, and takes what other processes handed in.
async fn tick(seat: Arc<Seat>, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    loop {
        let mut sleep = TICK_MAX;
        if let Some(engine) = seat.engine() {
            match engine.tick().await {
                Ok(next) => {
                    let left = next.map_or(TICK_MAX, |next| next.since(clock.now()).to_std());
                    sleep = left.clamp(Duration::from_millis(1), TICK_MAX);
                }
                Err(EngineError::NotLeader) => seat.lose(),
                Err(error) => tracing::error!(%error, "what is due could not be judged; trying again"),
            }
            match seat.inbox().drain(&engine).await {
                Ok(0) => {}
                Ok(_) => sleep = Duration::from_millis(1),
                Err(EngineError::NotLeader) => seat.lose(),
                Err(error) => tracing::error!(%error, "what was handed in could not be taken; trying again"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            _ = stop.changed() => return,
        }
    }
}

/// Runs a source once it is known to the engine.
async fn after_first_look(seat: Arc<Seat>, runs: Arc<Runs>, place: usize, mut stop: watch::Receiver<bool>) {
    let Some(id) = runs.sources().get(place).map(|source| source.info.id.clone()) else { return };
    loop {
        let known = match seat.engine() {
            Some(engine) => {
                engine.sources().await.is_ok_and(|sources| sources.iter().any(|source| source.id == id))
            }
            None => seat.is_elsewhere(),
        };
        if known {
            return runs.keep(place, stop).await;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(50)) => {}
            _ = stop.changed() => return,
        }
    }
}

/// A name for this process that no other has, on this machine or another.
pub(crate) fn process_name(clock: &dyn Clock) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}:{}", host.trim(), std::process::id(), clock.now().micros())
}
