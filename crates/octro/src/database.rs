//! Opening what a command asks: settings with the command line's words over them, and the database for questions.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use octro_engine::{AsOf, Query};
use octro_model::{Clock, ManualClock, SystemClock, Timestamp};
use octro_server::{Config, Folder};
use octro_store::Db;

use crate::cli::{Global, Moment};
use crate::exit::UsageError;

/// The settings, as the file and then the command line say.
pub fn config(global: &Global) -> anyhow::Result<Config> {
    let mut config = Config::read(global.config.as_deref())?;
    if let Some(data) = &global.data {
        config.data.clone_from(data);
    }
    if let Some(database) = &global.database {
        config.database = Some(database.clone());
    }
    if let Some(program) = &global.program {
        config.program = Some(program.clone());
    }
    Ok(config)
}

/// Opens the database for questions; one that is not there is not made.
pub async fn query(global: &Global) -> anyhow::Result<Query> {
    let config = config(global)?;
    let address = match &config.database {
        Some(address) => address.clone(),
        None => embedded(&config.data)?,
    };
    let db = Db::open(&address).await.with_context(|| "the database cannot be opened")?;
    let query = Query::new(db.clone(), Arc::new(SystemClock));
    if query.setting("simulated").await?.as_deref() != Some("yes") {
        // The clock may have been set back since something was told.
        query.present().await?;
        return Ok(query);
    }
    // A simulated company lives in its own time: now is when it was last touched.
    let now = query.setting("now").await?.and_then(|text| text.parse().ok()).map(Timestamp::from_micros);
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(now.unwrap_or_default()));
    Ok(Query::new(db, clock))
}

fn embedded(data: &Path) -> anyhow::Result<String> {
    let file = data.join("octro.db");
    if file.exists() {
        return Ok(Folder::database(data));
    }
    let what = format!(
        "there is no database in {}; start `octro up` first, or name its folder with --data",
        data.display()
    );
    Err(UsageError(what).into())
}

impl Moment {
    /// The moment that is asked about.
    pub async fn as_of(self, query: &Query) -> anyhow::Result<AsOf> {
        let now = query.present().await?;
        Ok(AsOf { at: self.as_of.unwrap_or(now.at), known_at: self.known_at.unwrap_or(now.known_at) })
    }
}
