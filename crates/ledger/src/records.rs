//! What the ledger commits to without saying it: what people decided, and to whom lists were handed out. The texts stay in
//! the database, with the random bytes that open the commitments, until somebody who is named in them is erased.

use octro_model::Timestamp;
use octro_store::{Db, Param, Row, Tx};
use octro_verify::{Hash, Leaf, Value, What, hmac, leaf_hash, read_json};

use crate::LedgerError;
use crate::outbox;
use crate::read::hash_of;
use crate::sequencer::micros;

const KEEP: &str = "INSERT INTO ledger_records (hash, name, what, written, secret, subject, decided_by, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
const BY_NAME: &str = "SELECT hash, name, what, written, secret, subject, decided_by, body FROM ledger_records \
     WHERE name = $1 ORDER BY written DESC, hash LIMIT 100";
const BY_HASH: &str = "SELECT hash, name, what, written, secret, subject, decided_by, body FROM ledger_records \
     WHERE hash = $1";
const NAMES: &str = "SELECT DISTINCT name FROM ledger_records WHERE name <> '' ORDER BY name LIMIT 1000";
/// Some records; which of them mean somebody is judged here, since a database sees neither through JSON nor, everywhere,
/// through capitals.
const AFTER: &str = "SELECT hash, name, what, written, secret, subject, decided_by, body FROM ledger_records \
     WHERE hash > $1 ORDER BY hash LIMIT 200";
const SHRED: &str = "DELETE FROM ledger_records WHERE hash = $1";

#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[KEEP, BY_NAME, BY_HASH, NAMES, AFTER, SHRED];

/// The longest text of a record, in bytes: what an exception may say at most, in canonical JSON, is shorter.
const TEXT_MAX: usize = 64 * 1024;

/// What stands before the account in `by`, if something was done on the command line.
pub const CONSOLE: &str = "console user ";
/// What stands before the account's number, if it has no name.
pub const CONSOLE_UID: &str = "console user with the uid ";
/// The whole `by` of what pages hand out: they are served on loopback only, and nobody has to sign in.
pub const PAGE: &str = "page on loopback";

/// What people decided, before it is committed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it is asked for by, such as the id of an exception.
    pub name: String,
    /// What sort of decision, such as `exception.approved`.
    pub what: String,
    /// About what.
    pub subject: String,
    /// Who decided.
    pub by: String,
    /// The decision itself.
    pub body: String,
}

/// A text that a leaf commits to, of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// About what.
    Subject,
    /// Who.
    By,
    /// The decision itself.
    Body,
}

impl Part {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::By => "by",
            Self::Body => "body",
        }
    }
}

/// A record that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The hash of its leaf.
    pub hash: Hash,
    /// When the leaf was put.
    pub written: Timestamp,
    /// The texts. Of what is no decision, all but `what` and `by` are empty.
    pub texts: Decision,
    secret: Hash,
}

impl Record {
    /// A part's text, and the salt that opens the leaf's commitment to it and to nothing else.
    pub fn opening(&self, part: Part) -> (&str, Hash) {
        let text = match part {
            Part::Subject => &self.texts.subject,
            Part::By => &self.texts.by,
            Part::Body => &self.texts.body,
        };
        (text, salt(&self.secret, part))
    }
}

/// The salt of one part: whoever is given it cannot guess at the others.
fn salt(secret: &Hash, part: Part) -> Hash {
    hmac(secret, &[b"record/v1\n", part.name().as_bytes()])
}

fn commitment(secret: &Hash, part: Part, text: &str) -> Hash {
    hmac(&salt(secret, part), &[text.as_bytes()])
}

/// The leaf of a decision.
fn leaf(decision: &Decision, written: u64, secret: &Hash) -> Leaf {
    let what = What::Decision {
        what: decision.what.clone(),
        subject: commitment(secret, Part::Subject, &decision.subject),
        by: commitment(secret, Part::By, &decision.by),
        body: commitment(secret, Part::Body, &decision.body),
    };
    Leaf { written, what }
}

/// Puts a decision into the outbox, and keeps what opens it. `secret` is random, and new for each.
///
/// # Errors
/// If a text is too long or the decision is no leaf, or the database fails.
pub async fn decide(
    tx: &mut Tx,
    written: Timestamp,
    decision: &Decision,
    secret: &Hash,
) -> Result<Hash, LedgerError> {
    let hash = outbox::put(tx, written, &leaf(decision, micros(written), secret)).await?;
    keep(tx, &hash, written, decision, secret).await?;
    Ok(hash)
}

/// The bytes of a decision's leaf, dated `written`, that is appended at once, `at` this moment; what opens it is kept.
pub(crate) async fn decide_now(
    tx: &mut Tx,
    at: Timestamp,
    written: u64,
    decision: &Decision,
    secret: &Hash,
) -> Result<Vec<u8>, LedgerError> {
    let bytes = outbox::checked(&leaf(decision, written, secret))?;
    keep(tx, &leaf_hash(&bytes), at, decision, secret).await?;
    Ok(bytes)
}

/// Puts an export into the outbox: a list `what` whose bytes have the SHA-256 `digest`, and who got it, as far as that is
/// known; and keeps what opens that.
///
/// # Errors
/// If a text is too long or `what` is no id, or the database fails.
pub async fn export(
    tx: &mut Tx,
    written: Timestamp,
    (what, digest): (&str, Hash),
    by: &str,
    secret: &Hash,
) -> Result<Hash, LedgerError> {
    let leaf = Leaf {
        written: micros(written),
        what: What::Export { what: what.to_owned(), digest, by: Some(commitment(secret, Part::By, by)) },
    };
    let hash = outbox::put(tx, written, &leaf).await?;
    let (name, subject, body) = (String::new(), String::new(), String::new());
    let texts = Decision { name, what: what.to_owned(), subject, by: by.to_owned(), body };
    keep(tx, &hash, written, &texts, secret).await?;
    Ok(hash)
}

async fn keep(
    tx: &mut Tx,
    hash: &Hash,
    written: Timestamp,
    of: &Decision,
    secret: &Hash,
) -> Result<(), LedgerError> {
    let texts = [&of.name, &of.subject, &of.by, &of.body];
    if let Some(long) = texts.iter().find(|text| text.len() > TEXT_MAX) {
        return Err(LedgerError::Leaf(format!(
            "a text of a `{}` has {} bytes; expected at most {TEXT_MAX}",
            of.what,
            long.len()
        )));
    }
    let values: [Param<'_>; 8] = [
        hash.as_slice().into(),
        (&of.name).into(),
        (&of.what).into(),
        written.into(),
        secret.as_slice().into(),
        (&of.subject).into(),
        (&of.by).into(),
        (&of.body).into(),
    ];
    Ok(tx.execute(KEEP, &values).await.map(drop)?)
}

/// How many columns a record has, in the order of [`read`].
pub(crate) const COLUMNS: usize = 8;

pub(crate) fn read(row: &Row) -> Result<Record, LedgerError> {
    let texts = Decision {
        name: row.get(1)?,
        what: row.get(2)?,
        subject: row.get(5)?,
        by: row.get(6)?,
        body: row.get(7)?,
    };
    Ok(Record {
        hash: hash_of(row, 0, "a record")?,
        written: row.get(3)?,
        texts,
        secret: hash_of(row, 4, "a record")?,
    })
}

/// The decisions of this name, the newest first; at most 100.
///
/// # Errors
/// If the database fails.
pub async fn decisions(db: &Db, name: &str) -> Result<Vec<Record>, LedgerError> {
    db.fetch(BY_NAME, &[name.into()]).await?.iter().map(read).collect()
}

/// The names of decisions; at most 1,000.
///
/// # Errors
/// If the database fails.
pub async fn names(db: &Db) -> Result<Vec<String>, LedgerError> {
    db.fetch(NAMES, &[]).await?.iter().map(|row| Ok(row.get(0)?)).collect()
}

/// What opens the leaf with this hash; `None` if it is no record, or was erased.
///
/// # Errors
/// If the database fails.
pub async fn record(db: &Db, hash: &Hash) -> Result<Option<Record>, LedgerError> {
    db.fetch_one(BY_HASH, &[hash.as_slice().into()]).await?.as_ref().map(read).transpose()
}

/// Deletes what opens every record that names a person, `key` as a whole word, in capitals or not; answers of each the
/// commitment to whoever decided or got it, and how many commitments can no longer be opened.
///
/// # Errors
/// If the database fails.
pub async fn shred(tx: &mut Tx, key: &str) -> Result<Vec<(Hash, u64)>, LedgerError> {
    let key = key.to_lowercase();
    let (mut shredded, mut last) = (Vec::new(), Vec::new());
    loop {
        let rows = tx.fetch(AFTER, &[last.as_slice().into()]).await?;
        for row in &rows {
            let Record { hash, texts, secret, .. } = read(row)?;
            last = hash.to_vec();
            if said(&texts).iter().any(|text| names_whole(&text.to_lowercase(), &key)) {
                tx.execute(SHRED, &[hash.as_slice().into()]).await?;
                let commitments = if texts.name.is_empty() { 1 } else { 3 };
                shredded.push((commitment(&secret, Part::By, &texts.by), commitments));
            }
        }
        if rows.is_empty() {
            return Ok(shredded);
        }
    }
}

/// What a record's texts say of their own: without the names of members, and without what `by` says of everybody.
fn said(of: &Decision) -> Vec<String> {
    let mut all = Vec::new();
    for text in [&of.subject, &of.body] {
        match read_json(text) {
            Ok(value) => values(&value, &mut all),
            Err(_) => all.push(text.clone()),
        }
    }
    let by = of.by.strip_prefix(CONSOLE_UID).or_else(|| of.by.strip_prefix(CONSOLE)).unwrap_or(&of.by);
    all.extend((by != PAGE).then(|| by.to_owned()));
    all
}

/// The texts and numbers in a value.
fn values(of: &Value, all: &mut Vec<String>) {
    match of {
        Value::Bool(_) => {}
        Value::Int(number) => all.push(number.to_string()),
        Value::Text(text) => all.push(text.clone()),
        Value::List(list) => list.iter().for_each(|one| values(one, all)),
        Value::Object(members) => members.values().for_each(|one| values(one, all)),
    }
}

/// Whether a text has `key` in it, and not as a part of a longer word or address.
fn names_whole(text: &str, key: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || matches!(c, '@' | '_' | '-' | '+');
    !key.is_empty()
        && text.match_indices(key).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let mut after = text.get(at + key.len()..).unwrap_or_default().chars();
            let next = after.next();
            // A dot goes on only before a letter: at the end of a sentence it does not.
            let goes_on = next == Some('.') && after.next().is_some_and(char::is_alphanumeric);
            !before.is_some_and(|c| joins(c) || c == '.') && !next.is_some_and(joins) && !goes_on
        })
}

#[cfg(test)]
mod tests {
    use octro_testkit::TestDb;

    use super::*;

    fn decision(name: &str, by: &str) -> Decision {
        Decision {
            name: name.to_owned(),
            what: "exception.approved".to_owned(),
            subject: "device laptop-3".to_owned(),
            by: by.to_owned(),
            body: format!("accepted until June, asked for by bo@example.com, approved by {by}"),
        }
    }

    #[tokio::test]
    async fn a_record_opens_its_leaf_part_by_part_until_a_person_in_it_is_erased() {
        for of in TestDb::all().await.unwrap() {
            let db = of.db();
            let at = Timestamp::from_micros(60);
            let mut tx = db.begin().await.unwrap();
            let hash = decide(&mut tx, at, &decision("ex-1", "ann@example.com"), &[1; 32]).await.unwrap();
            decide(&mut tx, at, &decision("ex-2", "joann@example.com"), &[2; 32]).await.unwrap();
            let handed =
                export(&mut tx, at, ("controls", [7; 32]), "page on loopback", &[3; 32]).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(names(&db).await.unwrap(), ["ex-1", "ex-2"]);
            let found = decisions(&db, "ex-1").await.unwrap();
            assert_eq!((found.len(), found[0].hash), (1, hash));
            let Leaf { what: What::Decision { subject, by, body, .. }, .. } =
                leaf(&found[0].texts, 60, &[1; 32])
            else {
                panic!("a decision")
            };
            let mut salts = Vec::new();
            for (part, commitment) in [(Part::Subject, subject), (Part::By, by), (Part::Body, body)] {
                let (text, salt) = found[0].opening(part);
                assert_eq!(hmac(&salt, &[text.as_bytes()]), commitment);
                salts.push(salt);
            }
            salts.dedup();
            assert_eq!(salts.len(), 3, "each part opens by itself");
            assert_eq!(record(&db, &handed).await.unwrap().unwrap().opening(Part::By).0, "page on loopback");

            let mut tx = db.begin().await.unwrap();
            let wrong = Decision { body: "x".repeat(TEXT_MAX + 1), ..decision("ex-3", "x") };
            assert!(decide(&mut tx, at, &wrong, &[4; 32]).await.is_err());
            drop(tx);
            let mut tx = db.begin().await.unwrap();
            assert_eq!(shred(&mut tx, "ann@example.com").await.unwrap(), [(by, 3)]);
            tx.commit().await.unwrap();
            assert_eq!(record(&db, &hash).await.unwrap(), None);
            assert_eq!(names(&db).await.unwrap(), ["ex-2"]);
            let mut tx = db.begin().await.unwrap();
            assert_eq!(shred(&mut tx, "bo@example.com").await.unwrap().len(), 1, "in the body too");
            drop(tx);
            of.remove().await.unwrap();
        }
    }

    #[tokio::test]
    async fn only_what_a_record_says_of_its_own_names_a_person() {
        for of in TestDb::all().await.unwrap() {
            let db = of.db();
            let at = Timestamp::from_micros(60);
            let mut tx = db.begin().await.unwrap();
            let body = r#"{"owner":"bo\\smith \"b\"","page":7,"reason":"asked by Ann@Example.com"}"#;
            let decision = Decision { body: body.to_owned(), ..decision("ex-1", "joe") };
            decide(&mut tx, at, &decision, &[1; 32]).await.unwrap();
            // More than are read at once.
            for n in 0..201 {
                export(&mut tx, at, ("controls", [n; 32]), PAGE, &[n; 32]).await.unwrap();
            }
            for (n, by) in [(210, "console user root"), (211, "console user with the uid 1000")] {
                export(&mut tx, at, ("controls", [n; 32]), by, &[n; 32]).await.unwrap();
            }
            tx.commit().await.unwrap();
            for (key, count) in [
                ("owner", 0),
                ("page", 0),
                ("loopback", 0),
                ("user", 0),
                ("console", 0),
                ("uid", 0),
                ("reason", 0),
                ("root", 1),
                ("1000", 1),
                ("ann@example.com", 1),
                ("ANN@example.COM", 1),
                ("bo\\smith \"b\"", 1),
            ] {
                let mut tx = db.begin().await.unwrap();
                assert_eq!(shred(&mut tx, key).await.unwrap().len(), count, "{key}");
                drop(tx);
            }
            of.remove().await.unwrap();
        }
    }

    #[test]
    fn a_person_is_named_as_a_whole() {
        for text in ["ann@x.org", "by ann@x.org, with", "{\"by\":\"ann@x.org\"}", "It was ann@x.org."] {
            assert!(names_whole(text, "ann@x.org"), "{text}");
        }
        for text in ["joann@x.org", "jo.ann@x.org", "ann@x.org.uk", "ann@x.organic", "ann", ""] {
            assert!(!names_whole(text, "ann@x.org"), "{text}");
        }
        assert!(!names_whole("anything", ""));
    }
}
