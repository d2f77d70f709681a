//! The ledger: leaves appended durably, published as tiles each second, waited for one by one, proved and audited. The
//! leaves are status changes of 60 controls, in their chains.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use octro_ledger::{Ledger, Parts, Settings, audit, outbox, rebuild};
use octro_model::{ManualClock, Timestamp};
use octro_store::Db;
use octro_verify::{Hash, Leaf, Status, Transition, What, leaf_hash, node_hash};

use super::measure::{Figures, TIMES, cpu_of_all, instant, median, percentile};
use super::random::Random;
use super::stored::BEGIN;

/// Leaves that one transaction puts.
const BATCH: usize = 1_000;
const CONTROLS: usize = 60;
/// How long the paced measurements go on.
const SECONDS: u64 = 10;
/// Leaves a second that are published meanwhile.
const PUBLISHED: usize = 10_000;
/// Callers a second who wait for their leaf.
const WAITING: u64 = 1_000;
/// Entries of a proof, about those of a control's year.
const PROVED: usize = 50;

pub async fn run(entries: u32, database: Option<&str>) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("ledger", entries);
    let path = std::env::temp_dir().join(format!("octro-bench-ledger-{}", std::process::id()));
    std::fs::create_dir_all(&path)?;
    let stored = Stored { path: path.clone(), chains: Chains::new() };
    let measured = match database {
        None => {
            let db = Db::open(&format!("sqlite:{}", path.join("octro.db").display())).await?;
            stored.measure(&db, entries, &mut figures).await
        }
        Some(address) => {
            let db = Db::open(address).await?;
            stored.measure(&db, entries, &mut figures).await
        }
    };
    std::fs::remove_dir_all(path)?;
    measured.map(|()| figures)
}

/// Status changes without end: the controls take turns.
struct Chains {
    next: usize,
    last: Vec<Option<(u64, Hash, Status)>>,
}

impl Chains {
    fn new() -> Self {
        Self { next: 0, last: vec![None; CONTROLS] }
    }

    fn leaf(&mut self) -> Leaf {
        let written = u64::try_from(BEGIN.micros()).unwrap_or(0) + self.next as u64;
        let control = self.next % CONTROLS;
        self.next += 1;
        let before = self.last.get(control).copied().flatten();
        let n = before.map_or(1, |(n, ..)| n + 1);
        let to = if n.is_multiple_of(2) { Status::Fail } else { Status::Pass };
        let leaf = Leaf {
            written,
            what: What::Transition(Transition {
                control: format!("BE-{control:02}"),
                n,
                before: before.map(|(_, hash, from)| (hash, from)),
                to,
                at: written,
                program: [7; 32],
            }),
        };
        if let Some(last) = self.last.get_mut(control) {
            *last = Some((n, leaf_hash(&leaf.to_bytes()), to));
        }
        leaf
    }

    fn leaves(&mut self, count: usize) -> Vec<Leaf> {
        (0..count).map(|_| self.leaf()).collect()
    }
}

struct Stored {
    path: PathBuf,
    chains: Chains,
}

impl Stored {
    async fn measure(mut self, db: &Db, entries: u32, figures: &mut Figures) -> anyhow::Result<()> {
        let key = self.path.join("ledger.key");
        let settings = Settings {
            origin: Some("octro/bench".to_owned()),
            folder: Some(self.path.join("published")),
            ..Settings::at(&key)
        };
        let ledger = Ledger::open(db.clone(), Arc::new(ManualClock::at(BEGIN)), settings).await?;
        self.append(db, &ledger, entries, figures).await?;
        let begun = instant();
        ledger.publish().await?;
        let rate = f64::from(entries) / begun.elapsed().as_secs_f64();
        figures.add("published at once, durably", rate, "entries/s");
        prove(&ledger, figures).await?;
        self.audit(db, figures).await?;
        self.sizes(&ledger, figures).await?;
        self.paced(db, &ledger, figures).await?;
        self.waited_for(&ledger, figures).await?;
        db.close().await;
        Ok(())
    }

    /// What the transactions of changes put, and what the sequencer then appends, one batch after another.
    async fn append(
        &mut self,
        db: &Db,
        ledger: &Ledger,
        entries: u32,
        figures: &mut Figures,
    ) -> anyhow::Result<()> {
        let (mut put, mut appended, mut batches) = (Duration::ZERO, Duration::ZERO, Vec::new());
        let mut busy = Duration::ZERO;
        let mut left = entries as usize;
        let mut limit = Duration::ZERO;
        while left > 0 {
            let leaves = self.chains.leaves(left.min(BATCH));
            left -= leaves.len();
            let bytes: Vec<Vec<u8>> = leaves.iter().map(Leaf::to_bytes).collect();
            let begun = instant();
            let root = bytes.iter().fold([0; 32], |root, bytes| node_hash(&root, &leaf_hash(bytes)));
            limit += begun.elapsed();
            anyhow::ensure!(root != [0; 32], "nothing was hashed");
            let begun = instant();
            let mut tx = db.begin().await?;
            outbox::put_all(&mut tx, Timestamp::from_micros(0), &leaves).await?;
            tx.commit().await?;
            put += begun.elapsed();
            let (begun, cpu) = (instant(), cpu_of_all());
            ledger.flush().await?;
            appended += begun.elapsed();
            busy += cpu_of_all().saturating_sub(cpu);
            batches.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        let rate = |took: Duration| f64::from(entries) / took.as_secs_f64();
        figures.add("appended durably, batches of 1,000", rate(appended), "entries/s");
        figures.add("appended durably, CPU", busy.as_secs_f64() * 1e6 / f64::from(entries), "us/entry");
        figures.add("put into the outbox and appended, both durably", rate(put + appended), "entries/s");
        figures.add("a batch of 1,000 appended, median", median(batches.clone()), "ms");
        figures.add("a batch of 1,000 appended, p99", percentile(batches, 0.99), "ms");
        figures.add("SHA-256 of leaves and nodes alone, one core", rate(limit), "entries/s");
        Ok(())
    }

    async fn audit(&self, db: &Db, figures: &mut Figures) -> anyhow::Result<()> {
        let folder = self.path.join("published");
        let hashes = Parts { leaves: false, signatures: false };
        for (what, folder, parts) in [
            ("audit of hashes, tiles and roots", None, hashes),
            ("audit with leaves, chains and signatures", None, Parts::ALL),
            ("audit of everything and the published folder", Some(folder.as_path()), Parts::ALL),
        ] {
            let (begun, cpu) = (instant(), cpu_of_all());
            let audit = audit(db, folder, parts, |_| ()).await?;
            let (took, cpu) = (begun.elapsed().as_secs_f64(), cpu_of_all().saturating_sub(cpu));
            anyhow::ensure!(audit.is_clean(), "the audit found {:?}", audit.findings.first());
            figures.add(what, audit.entries as f64 / took, "entries/s");
            let each = cpu.as_secs_f64() * 1e6 / audit.entries.max(1) as f64;
            figures.add(format!("{what}, CPU"), each, "us/entry");
        }
        let anew = self.path.join("anew");
        let (db, at) = (db.clone(), anew.clone());
        let begun = instant();
        let files = rebuild(&db, &at).await?;
        figures.add("files written anew", files as f64 / begun.elapsed().as_secs_f64(), "files/s");
        std::fs::remove_dir_all(anew)?;
        Ok(())
    }

    async fn sizes(&self, ledger: &Ledger, figures: &mut Figures) -> anyhow::Result<()> {
        let size = ledger.reader().await?.size() as f64;
        // On PostgreSQL there is no file.
        if let Ok(meta) = std::fs::metadata(self.path.join("octro.db")) {
            let log = std::fs::metadata(self.path.join("octro.db-wal")).map_or(0, |meta| meta.len());
            figures.add("database", (meta.len() + log) as f64 / size, "bytes/entry");
        }
        let mut published = 0;
        let mut open = vec![self.path.join("published")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    open.push(entry.path());
                } else {
                    published += entry.metadata()?.len();
                }
            }
        }
        figures.add("published folder", published as f64 / size, "bytes/entry");
        Ok(())
    }

    /// 10,000 leaves a second, while tiles are published each second.
    async fn paced(&mut self, db: &Db, ledger: &Ledger, figures: &mut Figures) -> anyhow::Result<()> {
        let before = ledger.reader().await?.size();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = ledger.clone();
        let worker = tokio::spawn(async move {
            running
                .run(async {
                    let _ = stopped.await;
                })
                .await;
        });
        let pause = Duration::from_secs(1) / u32::try_from(PUBLISHED / BATCH)?;
        let mut every = tokio::time::interval(pause);
        let health = ledger.health();
        let (mut put, mut unpublished) = (0_u64, Vec::new());
        let begun = instant();
        while begun.elapsed() < Duration::from_secs(SECONDS) {
            every.tick().await;
            let leaves = self.chains.leaves(BATCH);
            let mut tx = db.begin().await?;
            outbox::put_all(&mut tx, Timestamp::from_micros(0), &leaves).await?;
            tx.commit().await?;
            ledger.wake();
            put += leaves.len() as u64;
            let published = health.borrow().published.unwrap_or(before);
            unpublished.push((before + put).saturating_sub(published) as f64);
        }
        let took = begun.elapsed().as_secs_f64();
        figures.add("put, appended and published each second", put as f64 / took, "entries/s");
        // At a given rate, how many are not published yet says how old the oldest of them is.
        let age = |entries: f64| entries / (put as f64 / took) * 1e3;
        figures.add("from the change to the published tile, median", age(median(unpublished.clone())), "ms");
        figures.add(
            "from the change to the published tile, longest",
            age(percentile(unpublished, 1.0)),
            "ms",
        );
        let begun = instant();
        while health.borrow().published != Some(before + put) {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(30), "the end is not published");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let _ = stop.send(());
        worker.await?;
        Ok(())
    }

    /// 1,000 callers a second, each of whom waits until its one leaf is durable.
    async fn waited_for(&mut self, ledger: &Ledger, figures: &mut Figures) -> anyhow::Result<()> {
        let mut every = tokio::time::interval(Duration::from_millis(1));
        let mut callers = Vec::new();
        for _ in 0..SECONDS * WAITING {
            every.tick().await;
            let (ledger, leaf) = (ledger.clone(), self.chains.leaf());
            callers.push(tokio::spawn(async move {
                let begun = instant();
                ledger.append(Timestamp::from_micros(0), &[leaf]).await?;
                anyhow::Ok(begun.elapsed().as_secs_f64() * 1e3)
            }));
        }
        let mut all = Vec::with_capacity(callers.len());
        for caller in callers {
            all.push(caller.await??);
        }
        figures.add("appended durably, 1,000 callers a second, median", median(all.clone()), "ms");
        figures.add("appended durably, 1,000 callers a second, p99", percentile(all, 0.99), "ms");
        Ok(())
    }
}

/// The hashes of proofs.
async fn prove(ledger: &Ledger, figures: &mut Figures) -> anyhow::Result<()> {
    let reader = ledger.reader().await?;
    let mut random = Random::new(11);
    let (mut many, mut one, mut growth, mut hashes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TIMES * 4 {
        let mut picks: Vec<u64> = (0..PROVED).map(|_| random.below(reader.size())).collect();
        picks.sort_unstable();
        picks.dedup();
        let begun = instant();
        let entries = reader.entries_at(&picks).await?;
        let given = reader.hashes_for(reader.size(), &picks).await?;
        many.push(begun.elapsed().as_secs_f64() * 1e3);
        let leaves: Vec<(u64, Hash)> = entries.iter().map(|entry| (entry.index, entry.hash)).collect();
        let root = octro_verify::root_of_entries(reader.size(), &leaves, &given);
        anyhow::ensure!(root.ok() == Some(reader.root(reader.size()).await?), "a proof does not hold");
        hashes.push(given.len() as f64);
        let begun = instant();
        reader.tlog_proof(random.below(reader.size())).await?;
        one.push(begun.elapsed().as_secs_f64() * 1e3);
        let begun = instant();
        reader.consistency(1 + random.below(reader.size()), reader.size()).await?;
        growth.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    figures.add("50 entries and the hashes of their proof", median(many), "ms");
    figures.add("hashes of a proof of 50 entries", median(hashes), "hashes");
    figures.add("tlog-proof of one entry", median(one), "ms");
    figures.add("consistency proof", median(growth), "ms");
    Ok(())
}
