//! A superuser gets around the triggers, changes something and puts the triggers back: the audit finds it and names the
//! place. The same of somebody who changes the published files.

#![expect(clippy::unwrap_used, reason = "a test says what it expects")]

mod support;

use octro_ledger::rebuild;
use octro_store::dialect::Dialect;
use support::{Bench, force};

/// What a superuser does, on either database; and what the audit says first.
const DEEDS: &[(&str, &str, &str)] = &[
    (
        "ledger_entries",
        "UPDATE ledger_entries SET leaf = (SELECT leaf FROM ledger_entries WHERE seq = 400) WHERE seq = 301",
        "entry 301: its bytes do not have the hash",
    ),
    (
        // Together with its hash.
        "ledger_entries",
        "UPDATE ledger_entries SET hash = o.hash, leaf = o.leaf FROM ledger_entries o \
         WHERE ledger_entries.seq = 300 AND o.seq = 400",
        "tile 1 of level 0 does not hold",
    ),
    (
        // Two entries change places.
        "ledger_entries",
        "UPDATE ledger_entries SET hash = o.hash, leaf = o.leaf FROM ledger_entries o \
         WHERE (ledger_entries.seq = 10 AND o.seq = 11) OR (ledger_entries.seq = 11 AND o.seq = 10)",
        "tile 0 of level 0 does not hold",
    ),
    ("ledger_entries", "DELETE FROM ledger_entries WHERE seq = 690", "entry 690 is missing"),
    (
        // At the right edge, where no tile is full yet.
        "ledger_entries",
        "UPDATE ledger_entries SET hash = o.hash, leaf = o.leaf FROM ledger_entries o \
         WHERE ledger_entries.seq = 699 AND o.seq = 3",
        "checkpoint 700: its entries do not have the root",
    ),
    (
        "ledger_entries",
        "INSERT INTO ledger_entries (seq, at, hash, leaf) SELECT 700, at, hash, leaf FROM ledger_entries WHERE seq = 5",
        "1 entries lie beyond the end",
    ),
    (
        "ledger_tiles",
        "UPDATE ledger_tiles SET hashes = o.hashes FROM ledger_tiles o WHERE ledger_tiles.place = 0 AND o.place = 1",
        "tile 0 of level 0 does not hold",
    ),
    (
        "ledger_tiles",
        "UPDATE ledger_tiles SET root = o.root FROM ledger_tiles o WHERE ledger_tiles.place = 0 AND o.place = 1",
        "tile 0 of level 0 is stored with another root",
    ),
    ("ledger_tiles", "DELETE FROM ledger_tiles WHERE place = 1", "tile 1 of level 0 is missing"),
    (
        "ledger_tiles",
        "INSERT INTO ledger_tiles SELECT log, level, 2, root, hashes FROM ledger_tiles WHERE place = 1",
        "1 tiles of level 0 lie beyond the end",
    ),
    (
        "ledger_checkpoints",
        "UPDATE ledger_checkpoints SET root = o.root FROM ledger_checkpoints o \
         WHERE ledger_checkpoints.size = 350 AND o.size = 700",
        "checkpoint 350: its entries do not have the root",
    ),
    (
        "ledger_checkpoints",
        "UPDATE ledger_checkpoints SET note = o.note FROM ledger_checkpoints o \
         WHERE ledger_checkpoints.size = 350 AND o.size = 700",
        "checkpoint 350: its note says something else",
    ),
    (
        // A letter of the signature.
        "ledger_checkpoints",
        "UPDATE ledger_checkpoints SET note = SUBSTR(note, 1, LENGTH(note) - 40) || 'AAAA' \
         || SUBSTR(note, LENGTH(note) - 35) WHERE size = 350",
        "checkpoint 350: the signature by",
    ),
    (
        "ledger_checkpoints",
        "DELETE FROM ledger_checkpoints WHERE size = 700",
        "the newest checkpoint is of 350",
    ),
    ("ledger_log", "UPDATE ledger_log SET size = 350", "350 entries lie beyond the end"),
    ("ledger_log", "UPDATE ledger_log SET origin = 'octro.test/other'", "it opens the log `octro.test/log`"),
];

/// Runs `sql` without the triggers of a table.
async fn past_the_guards(bench: &Bench, table: &str, sql: &str) {
    match bench.db().dialect() {
        Dialect::Sqlite => {
            let find = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = $1";
            let mut triggers = Vec::new();
            for row in bench.db().fetch(find, &[table.into()]).await.unwrap() {
                triggers.push((row.get::<String>(0).unwrap(), row.get::<String>(1).unwrap()));
            }
            assert_eq!(triggers.len(), if table == "ledger_log" { 0 } else { 3 });
            for (name, _) in &triggers {
                force(&bench.of, &format!("DROP TRIGGER {name}")).await;
            }
            force(&bench.of, sql).await;
            for (_, text) in &triggers {
                force(&bench.of, text).await;
            }
        }
        Dialect::Postgres => {
            force(
                &bench.of,
                &format!(
                    "ALTER TABLE {table} DISABLE TRIGGER ALL; {sql}; ALTER TABLE {table} ENABLE TRIGGER ALL"
                ),
            )
            .await;
        }
    }
}

async fn grown(bench: &Bench) {
    bench.put(1..350).await;
    bench.put(350..700).await;
    bench.ledger.publish().await.unwrap();
    bench.clean().await;
}

#[tokio::test]
async fn what_a_superuser_does_is_found() {
    for (table, sql, expected) in DEEDS {
        for bench in Bench::all().await {
            grown(&bench).await;
            past_the_guards(&bench, table, sql).await;
            let audit = bench.audit().await;
            let name = bench.of.name();
            let says: Vec<&str> = audit.findings.iter().map(|finding| finding.says.as_str()).collect();
            assert!(!audit.is_clean(), "{name}: {sql}");
            assert!(says.iter().any(|one| one.contains(expected)), "{name}: {sql}: {says:?}");
            bench.done().await;
        }
    }
}

#[tokio::test]
async fn nothing_is_signed_upon_what_was_changed() {
    // Near the edge, so that the change lies in what the next checkpoint is computed from.
    for (table, sql) in [
        ("ledger_entries", "UPDATE ledger_entries SET hash = leaf WHERE seq = 699"),
        ("ledger_entries", "DELETE FROM ledger_entries WHERE seq = 698"),
        ("ledger_tiles", "UPDATE ledger_tiles SET root = hashes WHERE place = 1"),
        ("ledger_log", "UPDATE ledger_log SET size = 690"),
        ("ledger_checkpoints", "DELETE FROM ledger_checkpoints WHERE size = 700"),
    ] {
        for bench in Bench::all().await {
            grown(&bench).await;
            past_the_guards(&bench, table, sql).await;
            let error = bench.again(false).await.err().unwrap().to_string();
            assert!(
                error.contains("Nothing is signed") || error.contains("nothing is signed"),
                "{sql}: {error}"
            );
            bench.done().await;
        }
    }
}

#[tokio::test]
async fn what_is_changed_in_the_folder_is_found_and_mended() {
    let bench = Bench::on(octro_testkit::TestDb::sqlite().await.unwrap()).await;
    grown(&bench).await;
    let at = |path: &str| bench.published().join("1").join(path);
    for (path, expected) in [
        ("tile/0/001", "published file tile/0/001 differs"),
        ("tile/entries/000", "published file tile/entries/000 differs"),
        ("tile/entries/002.p/188", "published file tile/entries/002.p/188 differs"),
        ("tile/1/000.p/2", "published file tile/1/000.p/2 differs"),
        ("tile/0/009", "published file tile/0/009 does not belong there"),
        ("checkpoint", "the published checkpoint: "),
    ] {
        let mut bytes = std::fs::read(at(path)).unwrap_or_default();
        bytes.push(7);
        let last = bytes.len() / 2;
        bytes[last] ^= 1;
        std::fs::write(at(path), bytes).unwrap();
        let findings = bench.audit().await.findings;
        assert!(findings[0].says.contains(expected), "{findings:?}");
        rebuild(&bench.db(), &bench.published()).await.unwrap();
        bench.clean().await;
    }
    std::fs::remove_file(at("tile/0/000")).unwrap();
    let findings = bench.audit().await.findings;
    assert!(findings[0].says.contains("published file tile/0/000: No such file"), "{findings:?}");
    bench.done().await;
}
