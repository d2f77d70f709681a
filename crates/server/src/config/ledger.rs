//! `[ledger]`: where the log and its key are, and who outside vouches for it.

use std::path::{Path, PathBuf};

use octro_ledger::{BucketAt, Device, Outsiders, Url, WitnessAt};
use serde::Deserialize;

use crate::ledger::LedgerConfig;

/// The most witnesses that are asked.
const WITNESSES_MAX: usize = 16;

/// Where something is wrong, what, and what was expected.
type Fault = (usize, String, &'static str);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLedger {
    key: Option<PathBuf>,
    publish: Option<PathBuf>,
    origin: Option<String>,
    #[serde(default)]
    witness: Vec<toml::Spanned<RawWitness>>,
    policy: Option<toml::Spanned<usize>>,
    stamps: Option<toml::Spanned<String>>,
    pkcs11: Option<RawDevice>,
    s3: Option<toml::Spanned<RawBucket>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBucket {
    bucket: String,
    region: String,
    #[serde(default)]
    prefix: String,
    endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevice {
    module: PathBuf,
    token: String,
    label: String,
    pin_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWitness {
    key: String,
    url: String,
}

impl RawLedger {
    /// Reads the table; paths in it are relative to `folder`.
    pub(super) fn read(self, folder: &Path) -> Result<LedgerConfig, Fault> {
        let outsiders = outsiders(&self)?;
        let bucket = self.s3.map(|s3| {
            let RawBucket { bucket, region, prefix, endpoint } = s3.get_ref();
            let at = BucketAt::parse(bucket, prefix, region, endpoint.as_deref());
            at.map_err(|what| (s3.span().start, what, "{ bucket, region, prefix, endpoint }"))
        });
        Ok(LedgerConfig {
            key: self.key.map(|key| folder.join(key)),
            publish: self.publish.map(|publish| folder.join(publish)),
            bucket: bucket.transpose()?,
            origin: self.origin,
            outsiders,
            device: self.pkcs11.map(|device| Device {
                module: folder.join(device.module),
                token: device.token,
                label: device.label,
                pin_file: folder.join(device.pin_file),
            }),
            ..LedgerConfig::default()
        })
    }
}

/// Who outside vouches for the ledger; the error says where, what, and what was expected.
fn outsiders(ledger: &RawLedger) -> Result<Outsiders, Fault> {
    let mut found = Outsiders::default();
    for one in &ledger.witness {
        let at = one.span().start;
        let witness = WitnessAt::parse(&one.get_ref().key, &one.get_ref().url)
            .map_err(|(what, expected)| (at, what, expected))?;
        if found.witnesses.iter().any(|other| other.key.key == witness.key.key) {
            return Err((at, format!("the witness `{}` stands twice", witness.key), "each key once"));
        }
        if found.witnesses.len() == WITNESSES_MAX {
            return Err((at, "there are more than 16 witnesses".to_owned(), "at most 16"));
        }
        found.witnesses.push(witness);
    }
    found.required = found.witnesses.len();
    if let Some(policy) = &ledger.policy {
        found.required = *policy.get_ref();
        if found.required > found.witnesses.len() {
            let what = format!("{} of {} witnesses", found.required, found.witnesses.len());
            return Err((policy.span().start, what, "at most as many as there are `[[ledger.witness]]`"));
        }
    }
    if let Some(stamps) = &ledger.stamps {
        let url = Url::parse(stamps.get_ref());
        found.stamps =
            Some(url.map_err(|what| (stamps.span().start, what, "the address of a time-stamp authority"))?);
    }
    Ok(found)
}
