//! A simulated company: 300 people, 400 laptops, 2,000 cloud resources, and a year with real trouble in it. It is made
//! from a seed through the ordinary intake, so that everything that can be asked of a real company can be asked of it.

mod clock;
mod cloud;
mod code;
mod devices;
mod estate;
mod people;
mod random;
#[cfg(test)]
mod tests;
mod thing;
mod ways;
mod year;

use std::sync::Arc;

use octro_engine::{Engine, EngineError, Journal, Lease, Query};
use octro_model::{Clock, IdError, ManualClock, Timestamp};
use octro_program::Files;
use octro_store::Db;

pub use clock::Resumed;
pub use random::Random;
pub use thing::{BEGIN, DAYS, day};
pub use year::Seen;

/// The setting that says from which seed the company was made, once it is whole.
const MADE: &str = "simulation";
/// The setting that holds the moment up to which the engine is settled.
const NOW: &str = "now";

/// What can go wrong in the making.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The engine or the database.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A name.
    #[error(transparent)]
    Name(#[from] IdError),
    /// The making was cut off, or another seed was asked for.
    #[error("{0}")]
    Other(String),
}

/// How large the company is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// People.
    pub people: u32,
    /// Laptops and phones.
    pub devices: u32,
    /// Cloud resources, about.
    pub cloud: u32,
    /// Only these sources; all if empty.
    pub only: &'static [&'static str],
}

impl Default for Size {
    fn default() -> Self {
        Self { people: 300, devices: 400, cloud: 2_000, only: &[] }
    }
}

/// Makes the company of `seed` in an empty database, or takes the one that is there; answers its clock.
///
/// # Errors
/// If the database fails, or holds a company of another seed.
pub async fn prepare(
    db: &Db,
    clock: &ManualClock,
    journal: Journal,
    seed: u64,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Arc<dyn Clock>, DemoError> {
    let query = Query::new(db.clone(), Arc::new(octro_model::SystemClock));
    match query.setting(MADE).await? {
        Some(made) if made == seed.to_string() => {}
        Some(made) => {
            let what = format!(
                "the folder holds the company of seed {made}; remove it, or name another folder with --data"
            );
            return Err(DemoError::Other(what));
        }
        None => {
            if query.setting(NOW).await?.is_some() {
                let what = "the simulation was cut off before it was done; remove its folder and start again";
                return Err(DemoError::Other(what.to_owned()));
            }
            make(db, clock, Some(journal), seed, Size::default(), progress).await?;
            query.set(MADE, &seed.to_string()).await?;
        }
    }
    let now = query
        .setting(NOW)
        .await?
        .and_then(|text| text.parse().ok())
        .map_or(day(DAYS), Timestamp::from_micros);
    Ok(Arc::new(Resumed::at(now)))
}

/// Makes a company in an empty database; `clock` is the one that the ledger of `journal` has.
///
/// # Errors
/// If the database fails.
pub async fn make(
    db: &Db,
    clock: &ManualClock,
    journal: Option<Journal>,
    seed: u64,
    size: Size,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), DemoError> {
    clock.set(BEGIN);
    let mut engine = Engine::open(db.clone(), Arc::new(clock.clone()), Lease::alone()).await?;
    if let Some(journal) = journal {
        engine = engine.with_journal(journal);
    }
    let sources = sources(seed, size)?;
    year::live(&engine, clock, &sources, programs(), progress).await?;
    Ok(())
}

/// The sources of the company and all that they see.
///
/// # Errors
/// If a name is none: a mistake in the simulation.
pub fn sources(seed: u64, size: Size) -> Result<Vec<Seen>, IdError> {
    let random = &mut Random::new(seed);
    let (directory, people) = people::people(random, size.people)?;
    let accounts = people::accounts(random, &people)?;
    let devices = devices::devices(random, &people, size.devices)?;
    let late = devices::late(&devices);
    let repositories = size.people * 2 / 5;
    let servers = devices::servers(random, size.people / 8)?;
    let mut sources = vec![
        Seen::new("directory", "simulated", 5, directory)?,
        Seen::new("applications", "simulated", 5, accounts)?,
        Seen::new("cloud-keys", "simulated", 5, cloud::keys(random)?)?,
        Seen::new("cloud", "simulated", 11, cloud::cloud(random, size.cloud)?)?.without(cloud::NONE_OF)?,
        Seen::new("device-management", "simulated", 11, devices)?,
        Seen::new("code-host", "simulated", 11, code::repositories(random, repositories)?)?,
        Seen::new("scanners", "simulated", 5, code::vulnerabilities(random, size.people * 2, repositories)?)?,
        Seen::new("tls-probe", "simulated", 23, estate::tls(random, size.people / 2)?)?,
        Seen::new("learning", "simulated", 23, people::learning(random, &people)?)?,
        Seen::new("secret-store", "simulated", 23, estate::secrets(random, size.people / 2, &people)?)?,
        Seen::new("servers", "simulated", 11, servers)?.without(devices::NONE_OF)?,
        Seen::new("pentests", "simulated", 11, estate::pentests(random)?)?,
    ];
    if let Some(management) = sources.iter_mut().find(|source| source.info.id.as_str() == "device-management")
    {
        management.late = late;
    }
    sources.retain(|source| size.only.is_empty() || size.only.contains(&source.info.id.as_str()));
    year::trouble(&mut sources);
    Ok(sources)
}

/// The program over the year: it began with longer screen locks, and was tightened in spring.
fn programs() -> Vec<(Timestamp, Files)> {
    vec![(BEGIN, screen_lock("29m", 1)), (day(170), screen_lock("15m", 2))]
}

/// The built-in program with another screen lock.
fn screen_lock(after: &str, rev: u32) -> Files {
    let mut files: std::collections::BTreeMap<String, Vec<u8>> =
        Files::embedded().iter().map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).collect();
    for (_, text) in files.iter_mut().filter(|(path, _)| path.ends_with("device.screen_locked.toml")) {
        let changed = String::from_utf8_lossy(text)
            .replacen("value = \"15m\"", &format!("value = \"{after}\""), 1)
            .replacen("rev      = 1", &format!("rev      = {rev}"), 1);
        *text = changed.into_bytes();
    }
    Files::new(files)
}
