//! Who outside of this house vouches for the log: witnesses that cosign its checkpoints, and an authority that stamps
//! them. Whoever does not answer keeps nothing waiting; that it is missing is recorded and shown.

mod der;
pub(crate) mod fresh;
mod stamp;
mod stamped;
mod submit;
pub(crate) mod work;

use std::fmt;

use octro_model::Timestamp;
use octro_store::Db;
use octro_verify::{Algorithm, VerifierKey};

use crate::{LedgerError, Url};

const KEPT: &str = "SELECT name, value FROM settings WHERE name LIKE 'ledger.conflict.%' ORDER BY name";
const POLICY: &str = "SELECT value FROM settings WHERE name = 'ledger.policy'";
const KEEP: &str = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const FORGET: &str = "DELETE FROM settings WHERE name = $1";

#[cfg(test)]
pub(crate) fn statements() -> Vec<&'static str> {
    [&[KEPT, POLICY, KEEP, FORGET], submit::STATEMENTS, fresh::STATEMENTS, stamped::STATEMENTS].concat()
}

/// A witness that is asked to cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAt {
    /// Its verifier key.
    pub key: VerifierKey,
    /// Where it answers: `add-checkpoint` lies below.
    pub url: Url,
}

impl WitnessAt {
    /// Reads a witness's verifier key and address.
    ///
    /// # Errors
    /// What is wrong and what was expected.
    pub fn parse(key: &str, url: &str) -> Result<Self, (String, &'static str)> {
        const KEY: &str = "a witness's key as `octro witness key` prints it: name+hexid+base64";
        let key = VerifierKey::parse(key).map_err(|fault| (format!("the key {fault}"), KEY))?;
        if key.algorithm != Algorithm::Cosignature {
            return Err((format!("`{key}` is a log's key"), KEY));
        }
        let url = Url::parse(url).map_err(|what| (what, "the address that `octro witness serve` prints"))?;
        Ok(Self { key, url })
    }
}

/// Who is asked to vouch for the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outsiders {
    /// Witnesses.
    pub witnesses: Vec<WitnessAt>,
    /// How many of them must have cosigned.
    pub required: usize,
    /// An authority that stamps (RFC 3161).
    pub stamps: Option<Url>,
}

/// How the log is witnessed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnessed {
    /// How many entries the checkpoint has that was submitted last.
    pub size: u64,
    /// How many witnesses cosigned it.
    pub by: usize,
    /// How many there are.
    pub of: usize,
    /// How many must have cosigned.
    pub wanted: usize,
    /// What the witnesses say that did not cosign: name and words.
    pub trouble: Vec<(String, String)>,
    /// Witnesses that saw another history of this log than ours: name and words. This is an alarm.
    pub conflicts: Vec<(String, String)>,
}

impl Witnessed {
    /// Whether as many cosigned as must, and none saw another history.
    pub const fn is_well(&self) -> bool {
        self.by >= self.wanted && self.conflicts.is_empty()
    }
}

impl fmt::Display for Witnessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "witnessed by {} of {}, wanted {}", self.by, self.of, self.wanted)
    }
}

/// That a witness saw another history of this log, as the database keeps it until that witness cosigns again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The witness's verifier key.
    pub witness: String,
    /// Since when it is known.
    pub since: Timestamp,
    /// What was found.
    pub says: String,
}

impl Conflict {
    fn name_of(witness: &VerifierKey) -> String {
        format!("ledger.conflict.{}", octro_verify::hex(&witness.id()))
    }

    /// The conflicts that are known.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn all(db: &Db) -> Result<Vec<Self>, LedgerError> {
        let mut all = Vec::new();
        for row in db.fetch(KEPT, &[]).await? {
            let value: String = row.get(1)?;
            let mut lines = value.splitn(3, '\n');
            let since = lines.next().and_then(|micros| micros.parse().ok()).unwrap_or_default();
            let witness = lines.next().unwrap_or_default().to_owned();
            let says = lines.next().unwrap_or_default().to_owned();
            all.push(Self { witness, since: Timestamp::from_micros(since), says });
        }
        Ok(all)
    }

    /// Writes it down, unless it is known.
    async fn keep(db: &Db, witness: &VerifierKey, since: Timestamp, says: &str) -> Result<(), LedgerError> {
        let known = Self::all(db).await?;
        if known.iter().any(|one| one.witness == witness.to_string()) {
            return Ok(());
        }
        set(db, &Self::name_of(witness), &format!("{}\n{witness}\n{says}", since.micros())).await
    }

    /// Forgets it: the witness cosigns again.
    async fn forget(db: &Db, witness: &VerifierKey) -> Result<(), LedgerError> {
        let name = Self::name_of(witness);
        let mut tx = db.begin().await?;
        tx.execute(FORGET, &[(&name).into()]).await?;
        Ok(tx.commit().await?)
    }
}

async fn set(db: &Db, name: &str, value: &str) -> Result<(), LedgerError> {
    let mut tx = db.begin().await?;
    tx.execute(KEEP, &[name.into(), value.into()]).await?;
    Ok(tx.commit().await?)
}

/// How many witnesses must have cosigned, as the process says that keeps the log; 0 if it has none.
///
/// # Errors
/// If the database fails.
pub(crate) async fn required(db: &Db) -> Result<usize, LedgerError> {
    let row = db.fetch_one(POLICY, &[]).await?;
    Ok(row.map(|row| row.get::<String>(0)).transpose()?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Writes down how many must have cosigned, for whoever makes proofs.
pub(crate) async fn set_required(db: &Db, required: usize) -> Result<(), LedgerError> {
    if self::required(db).await? == required {
        return Ok(());
    }
    set(db, "ledger.policy", &required.to_string()).await
}
