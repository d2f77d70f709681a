//! A small company under test: three disks, one of them clear, one that could not be read.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, RwLock};

use axum::Router;
use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, Request, StatusCode};
use octro_engine::{Change, Engine, EngineError, Journal, Lease, Query, SourceInfo};
use octro_ledger::{Ledger, Settings, random_bytes};
use octro_model::{
    Collection, CollectionError, Id, ManualClock, Observation, ScopeReport, Span, Timestamp, UnknownReason,
    Why,
};
use octro_posture::{PostureState, RunSource, SealNow};
use octro_program::{Files, Problem};
use octro_store::Db;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tower::ServiceExt as _;

/// The application and what stands behind it.
pub struct Lab {
    pub app: Router,
    pub engine: Arc<Engine>,
    pub ledger: Option<Ledger>,
    pub query: Query,
    pub clock: ManualClock,
    pub asked: Arc<Mutex<Vec<String>>>,
    pub problems: Arc<RwLock<Vec<Problem>>>,
    pub stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

/// An answer, read whole.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

struct Runs(Arc<Mutex<Vec<String>>>);

impl RunSource for Runs {
    fn run(&self, source: String) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        let asked = self.0.clone();
        Box::pin(async move {
            if source != "lab" {
                return Err(EngineError::NotFound { what: "source", name: source });
            }
            asked.lock().unwrap().push(source);
            Ok(())
        })
    }
}

/// Seals, and lets the ledger take it.
struct Sealer(Arc<Engine>, Option<Ledger>);

impl SealNow for Sealer {
    fn seal(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        let (engine, ledger) = (self.0.clone(), self.1.clone());
        Box::pin(async move {
            let Some(ledger) = ledger else { return Err(EngineError::NotLeader) };
            engine.seal().await?;
            Ok(ledger.flush().await?)
        })
    }
}

pub fn id(text: &str) -> Id {
    text.parse().unwrap()
}

pub fn start() -> Timestamp {
    "2026-03-03T09:00:00Z".parse().unwrap()
}

impl Lab {
    /// Without a program.
    pub async fn bare() -> Self {
        Self::made(true).await
    }

    /// Without a program, and without a ledger.
    pub async fn without_ledger() -> Self {
        Self::made(false).await
    }

    async fn made(with_ledger: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite:{}", folder.path().join("octro.db").display())).await.unwrap();
        let clock = ManualClock::at(start());
        let (changes, _) = broadcast::channel::<Change>(64);
        let engine = Engine::open(db.clone(), Arc::new(clock.clone()), Lease::alone()).await.unwrap();
        let engine = engine.with_changes(changes.clone());
        let (engine, ledger) = if with_ledger {
            let key = folder.path().join("ledger.key");
            let settings = Settings {
                origin: Some("octro/lab".to_owned()),
                folder: Some(folder.path().join("published")),
                ..Settings::at(&key)
            };
            let ledger = Ledger::open(db.clone(), Arc::new(clock.clone()), settings).await.unwrap();
            (engine.with_journal(Journal::new(Arc::new(random_bytes), Arc::new(|| ()))), Some(ledger))
        } else {
            (engine, None)
        };
        let engine = Arc::new(engine);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let problems = Arc::new(RwLock::new(Vec::new()));
        let (stop, stopped) = watch::channel(false);
        let query = Query::new(db, Arc::new(clock.clone()));
        let app = octro_posture::app(PostureState {
            query: query.clone(),
            changes,
            run: Arc::new(Runs(asked.clone())),
            seal: Arc::new(Sealer(engine.clone(), ledger.clone())),
            ledger: ledger.clone(),
            problems: problems.clone(),
            simulated: false,
            stop: stopped,
        });
        Self { app, engine, ledger, query, clock, asked, problems, stop, _folder: folder }
    }

    /// With the program, and two looks at the disks: an hour after the first one was repaired.
    pub async fn new() -> Self {
        let lab = Self::bare().await;
        lab.engine.install(&program()).await.unwrap();
        let info = SourceInfo {
            id: id("lab"),
            connector: "exec".to_owned(),
            every: Span::HOUR,
            kinds: vec![id("disk"), id("owner")],
        };
        lab.engine.declare(info).await.unwrap();
        lab.clock.advance(Span::from_secs(60));
        lab.look(false).await;
        lab.clock.advance(Span::HOUR);
        lab.look(true).await;
        lab.clock.advance(Span::from_secs(60));
        lab.flush().await;
        lab
    }

    /// Lets the ledger take what was told.
    pub async fn flush(&self) {
        if let Some(ledger) = &self.ledger {
            ledger.flush().await.unwrap();
        }
    }

    /// A minute later, a seal.
    pub async fn seal(&self) {
        self.clock.advance(Span::from_secs(60));
        self.engine.seal().await.unwrap();
        self.flush().await;
    }

    /// One run of the source.
    pub async fn look(&self, repaired: bool) {
        let collecting = self.engine.begin(&id("lab")).await.unwrap();
        let owner = observation("owner", "ann <b>&", json!({ "team": "it" }));
        let first =
            observation("disk", "a/sda", json!({ "encrypted": repaired, "owner": "ann <b>&", "size": 10 }));
        let clear = observation(
            "disk",
            "=cmd|'x'!A1",
            json!({ "encrypted": false, "owner": "ann <b>&", "size": 20 }),
        );
        let mut denied = observation("disk", "c//../d", json!({ "owner": null }));
        denied.unknown.insert("encrypted".to_owned(), UnknownReason::new(Why::Denied, "needs <root>"));
        self.engine.observe(&collecting, vec![owner, first, clear, denied]).await.unwrap();
        let now = octro_model::Clock::now(&self.clock);
        let scope = |kind: &str, resources| ScopeReport {
            kind: id(kind),
            scope: String::new(),
            complete: true,
            resources,
            pages: 1,
            reason: None,
        };
        let report = Collection {
            source: id("lab"),
            started_at: now,
            finished_at: now,
            scopes: vec![scope("disk", 3), scope("owner", 1)],
            errors: vec![CollectionError {
                what: "c//../d".to_owned(),
                message: "permission denied".to_owned(),
                mend: "run as root".to_owned(),
            }],
            refused: 0,
        };
        self.engine.finish(&collecting, report).await.unwrap();
    }

    pub async fn ask(&self, method: &str, uri: &str) -> Answer {
        self.send(method, uri, "").await
    }

    pub async fn send(&self, method: &str, uri: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(uri).header("host", "localhost:8080");
        self.answer(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// What a browser gets whose user is on a page of this site, as `Sec-Fetch-Site` says.
    pub async fn asked_from(&self, site: &str, uri: &str) -> Answer {
        let request = Request::builder().uri(uri).header("host", "localhost:8080");
        self.answer(request.header("sec-fetch-site", site).body(Body::empty()).unwrap()).await
    }

    /// The body of an answer, piece by piece as it comes.
    pub async fn stream(&self, uri: &str) -> BodyDataStream {
        let request = Request::builder().uri(uri).header("host", "localhost:8080");
        let response = self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200, "{uri}");
        response.into_body().into_data_stream()
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 16 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn get(&self, uri: &str) -> Answer {
        self.ask("GET", uri).await
    }

    /// The body of a page that has to be there.
    pub async fn page(&self, uri: &str) -> String {
        let answer = self.get(uri).await;
        assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
        answer.body
    }
}

fn observation(kind: &str, key: &str, attributes: Value) -> Observation {
    let Value::Object(attributes) = attributes else { panic!("attributes are an object") };
    Observation {
        kind: id(kind),
        key: key.to_owned(),
        scope: String::new(),
        effective_at: None,
        attributes,
        unknown: BTreeMap::new(),
        gone: false,
    }
}

pub fn program() -> Files {
    let files = [
        ("program.toml", PROGRAM),
        ("roles.toml", "[it]\ntitle = \"IT\"\ndoc = \"Runs machines.\"\n"),
        ("kinds/disk.toml", DISK),
        ("kinds/owner.toml", OWNER),
        ("tests/disk.encrypted.toml", ENCRYPTED),
        ("controls/endpoints/EP-01.toml", CONTROL),
        ("policies/endpoints.md", POLICY),
        ("claims/disks.md", CLAIM),
        ("frameworks/std/framework.toml", FRAMEWORK),
        ("frameworks/std/requirements.toml", REQUIREMENTS),
    ];
    Files::new(files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect())
}

const PROGRAM: &str = r#"
name = "Lab"
[assets]
device = "Devices"
[parts]
endpoints = "Endpoints"
"#;
const DISK: &str = r#"
rev = 1
title = "Disks"
doc = "A disk. Key: its path."
part = "endpoints"
asset = "device"
[attributes.encrypted]
type = "bool"
doc = "Whether it is encrypted."
[attributes.owner]
type = "string"
ref = "owner"
doc = "Who uses it."
[attributes.size]
type = "int"
unit = "bytes"
doc = "Its size."
"#;
const OWNER: &str = r#"
rev = 1
title = "Owners"
doc = "A person. Key: the name."
part = "endpoints"
[attributes.team]
type = "string"
doc = "The team."
"#;
const ENCRYPTED: &str = r#"
rev = 1
title = "Disks are encrypted"
why = "A stolen disk must not speak."
severity = "high"
on = "disk"
pass = "resource.encrypted"
message = "the disk of {resource.owner} is clear"
max_age = "24h"
[fix]
text = "Encrypt it."
command = "cryptsetup reencrypt"
[[examples]]
name = "encrypted"
given = { encrypted = true }
expect = "pass"
[[examples]]
name = "clear"
given = { encrypted = false }
expect = "fail"
[[examples]]
name = "nobody knows"
given = { size = 1 }
expect = "unknown"
"#;
const CONTROL: &str = r#"
title = "Disks are encrypted"
statement = "Every disk is encrypted."
why = "Disks are stolen."
owner = "it"
layer = "protect"
policy = "endpoints#disks"
protects = ["device"]
tests = ["disk.encrypted"]
[[maps]]
framework = "std"
requirement = "A.1"
coverage = "partial"
"#;
const POLICY: &str = "+++\ntitle = \"Endpoints\"\nowner = \"it\"\nreview = \"365d\"\naudience = [\"it\"]\n+++\n# Endpoints\n\n## Disks\n\nEncrypt <script>alert(1)</script> them.\n";
const CLAIM: &str = "+++\ntitle = \"Disks are encrypted\"\ncontrols = [\"EP-01\"]\n+++\nAll of them.\n";
const FRAMEWORK: &str = r#"
title = "Standard"
version = "1"
publisher = "Nobody"
url = "https://standard.example"
licence = "CC0"
text = "ids"
"#;
const REQUIREMENTS: &str = r#"
[[requirement]]
id = "A"
title = "Machines"
[[requirement]]
id = "A.1"
title = "Disks"
parent = "A"
[[requirement]]
id = "A.2"
title = "Screens"
parent = "A"
"#;
