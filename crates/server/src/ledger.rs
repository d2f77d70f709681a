//! The ledger of a running Octro: opened with the database, fed by the engine's journal, published beside the data.

use std::path::PathBuf;
use std::sync::Arc;

use octro_engine::Journal;
use octro_ledger::{
    BucketAt, Device, DeviceKeys, Highest, Ledger, LedgerError, Mirror, Outsiders, Settings, open_bucket,
    random_bytes,
};
use octro_model::Clock;
use octro_store::Db;

use crate::config::Config;

/// How the ledger is kept. Whatever is not said lies in the data folder.
#[derive(Clone, Debug, Default)]
pub struct LedgerConfig {
    /// The file of the log's key; made if there is none.
    pub key: Option<PathBuf>,
    /// The folder in which the log is published.
    pub publish: Option<PathBuf>,
    /// The bucket in which the log is published too.
    pub bucket: Option<BucketAt>,
    /// The origin of a new log.
    pub origin: Option<String>,
    /// Whether a restored backup goes on with a new log.
    pub follow: bool,
    /// Who decides that, as far as it is known.
    pub operator: Option<String>,
    /// Who outside vouches for the log.
    pub outsiders: Outsiders,
    /// The device with the log's key, if it is not in a file.
    pub device: Option<Device>,
}

impl Config {
    /// The file of the log's key.
    pub fn ledger_key(&self) -> PathBuf {
        self.ledger.key.clone().unwrap_or_else(|| self.data.join("ledger.key"))
    }

    /// The folder in which the log is published.
    pub fn ledger_folder(&self) -> PathBuf {
        self.ledger.publish.clone().unwrap_or_else(|| self.data.join("ledger"))
    }
}

/// The ledger's mirror in its bucket, if the settings name one.
pub fn ledger_mirror(config: &Config, db: &Db, clock: Arc<dyn Clock>) -> Option<Mirror> {
    let bucket = config.ledger.bucket.clone()?;
    Some(Mirror::new(db.clone(), clock, Highest::beside(&config.ledger_key()), open_bucket(bucket)))
}

/// Opens the ledger of a database; a log is begun if there is none.
///
/// # Errors
/// If the database is not the one that was signed last, the key cannot be used, or the database or a file fails.
pub async fn open_ledger(config: &Config, db: &Db, clock: Arc<dyn Clock>) -> Result<Ledger, LedgerError> {
    let key = config.ledger_key();
    if let Some(folder) = key.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|source| LedgerError::File { path: folder.to_owned(), source })?;
    }
    let mut settings = Settings {
        origin: config.ledger.origin.clone(),
        folder: Some(config.ledger_folder()),
        bucket: config.ledger.bucket.clone().map(open_bucket),
        follow: config.ledger.follow,
        outsiders: config.ledger.outsiders.clone(),
        ..Settings::at(&key)
    };
    if let Some(operator) = &config.ledger.operator {
        settings.operator.clone_from(operator);
    }
    if let Some(device) = &config.ledger.device {
        settings.keys = Arc::new(DeviceKeys::at(device.clone()));
    }
    Ledger::open(db.clone(), clock, settings).await
}

/// A journal that goes into this ledger.
pub fn journal(ledger: &Ledger) -> Journal {
    let ledger = ledger.clone();
    Journal::new(Arc::new(random_bytes), Arc::new(move || ledger.wake()))
}
