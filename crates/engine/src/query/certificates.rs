//! Certificates by when they end.

use std::collections::HashMap;

use octro_cel::Reading;
use octro_model::{Id, Status, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::whole::RESULTS;
use super::{AsOf, Query};
use crate::EngineError;

/// The kind of certificates, and that of who shows them, with the attribute that names one.
const CERTIFICATE: &str = "tls.certificate";
const ENDPOINT: &str = "tls.endpoint";
const SHOWN: &str = "certificate";
/// How many certificates are answered at most.
const MOST: usize = 50_000;

/// A certificate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CertificateRow {
    /// Its key.
    pub key: String,
    /// Whom it names.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// When it ends; `None` if that is not known.
    pub not_after: Option<Timestamp>,
    /// Its key's type, and size in bits.
    pub key_type: String,
    /// See `key_type`.
    pub key_bits: Option<i64>,
    /// How many endpoints show it.
    pub endpoints: u64,
    /// The heaviest of its results; `None` if no test judges it.
    pub status: Option<Status>,
}

impl Query {
    /// The certificates that were in use at a moment, those that end first first.
    ///
    /// # Errors
    /// If there is no program yet, or the database fails.
    pub async fn certificates(&self, as_of: AsOf) -> Result<Vec<CertificateRow>, EngineError> {
        let program = self.program(as_of).await?.program;
        let (Ok(certificate), Ok(endpoint)) = (CERTIFICATE.parse::<Id>(), ENDPOINT.parse::<Id>()) else {
            return Ok(Vec::new());
        };
        let mut shown: HashMap<String, u64> = HashMap::new();
        self.each_present(&program, &endpoint, as_of, &mut |one| {
            if let Some(key) = one.text(SHOWN) {
                *shown.entry(key).or_default() += 1;
            }
            true
        })
        .await?;
        let mut statuses: HashMap<i64, Status> = HashMap::new();
        let ords = self.test_ords().await?;
        for ord in
            program.tests.values().filter(|test| test.on == certificate).filter_map(|test| ords.get(&test.id))
        {
            for row in
                self.db.fetch(RESULTS, &[(*ord).into(), as_of.at.into(), as_of.known_at.into()]).await?
            {
                let status = u8::try_from(row.get::<i64>(1)?).ok().and_then(Status::from_code);
                if let Some(status) = status {
                    let heaviest = statuses.entry(row.get(0)?).or_insert(status);
                    if status.weight() > heaviest.weight() {
                        *heaviest = status;
                    }
                }
            }
        }
        let mut rows = Vec::new();
        self.each_present(&program, &certificate, as_of, &mut |one| {
            let text = |name: &str| one.text(name).unwrap_or_default();
            rows.push(CertificateRow {
                subject: text("subject"),
                issuer: text("issuer"),
                not_after: one.text("not_after").and_then(|at| at.parse().ok()),
                key_type: text("key_type"),
                key_bits: match one.reading("key_bits") {
                    Some(Reading::Value(Value::Number(bits))) => bits.as_i64(),
                    Some(Reading::Value(_) | Reading::Absent | Reading::Unknown(_)) | None => None,
                },
                endpoints: shown.get(&one.key).copied().unwrap_or_default(),
                status: statuses.get(&one.ord).copied(),
                key: one.key,
            });
            rows.len() < MOST
        })
        .await?;
        // Nobody knows when they end, so they may have.
        rows.sort_by(|a, b| a.not_after.cmp(&b.not_after).then_with(|| a.key.cmp(&b.key)));
        Ok(rows)
    }
}
