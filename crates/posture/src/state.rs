//! What pages are given by the process that serves them.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use octro_engine::{Change, EngineError, Query};
use octro_ledger::Ledger;
use octro_model::{Clock, Timestamp};
use octro_program::Problem;
use octro_web::ui::Icon;
use octro_web::{Guard, Section, Site, Tab};
use tokio::sync::{broadcast, watch};

use crate::handed::Lately;
use crate::{api, handlers, ledger, live};

/// "Run now": asks for a run of a source.
pub trait RunSource: Send + Sync {
    /// Wants a run; it answers when the run is under way, not when it is over.
    fn run(&self, source: String) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>>;
}

/// "Seal now": asks for a seal of all controls.
pub trait SealNow: Send + Sync {
    /// Seals; it answers when the seal is in the ledger.
    fn seal(&self) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>>;
}

/// See the module.
pub struct PostureState {
    /// Where everything is asked.
    pub query: Query,
    /// What changes.
    pub changes: broadcast::Sender<Change>,
    /// Who runs sources.
    pub run: Arc<dyn RunSource>,
    /// Who seals.
    pub seal: Arc<dyn SealNow>,
    /// The ledger of this process, for its health; what is in it comes from the database.
    pub ledger: Option<Ledger>,
    /// The problems of a program folder that did not load; the program in force is another one then.
    pub problems: Arc<RwLock<Vec<Problem>>>,
    /// Whether everything is made up.
    pub simulated: bool,
    /// Turns true when the process stops: open streams end then.
    pub stop: watch::Receiver<bool>,
}

/// The state that handlers share.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) state: PostureState,
    pub(crate) site: Site,
    pub(crate) handed: Lately,
}

impl App {
    pub(crate) fn query(&self) -> &Query {
        &self.0.state.query
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        self.0.state.problems.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The pages' clock is the one that questions are answered by.
pub(crate) struct QueryClock(pub(crate) Query);

impl Clock for QueryClock {
    fn now(&self) -> Timestamp {
        self.0.now().at
    }
}

/// The whole application: pages, API, assets, and the guard in front of them.
pub fn app(state: PostureState) -> Router {
    let clock = Arc::new(QueryClock(state.query.clone()));
    let site = Site::new(env!("CARGO_PKG_VERSION"), state.simulated, nav(), clock);
    let app = App(Arc::new(Shared { state, site: site.clone(), handed: Lately::default() }));
    let routes = Router::new()
        .merge(handlers::routes())
        .merge(ledger::routes())
        .merge(api::routes())
        .route("/events", axum::routing::get(live::events))
        .with_state(app)
        .merge(octro_web::asset_routes());
    octro_web::protect(routes, Guard { site })
}

fn nav() -> Vec<Section> {
    let tab = |path, title, icon| Tab { path, title, icon };
    vec![
        Section {
            title: "Posture",
            tabs: vec![
                tab("/", "Overview", Icon::Home),
                tab("/controls", "Controls", Icon::Shield),
                tab("/tests", "Tests", Icon::Check),
                tab("/resources", "Resources", Icon::Box),
                tab("/results", "Results", Icon::Rows),
                tab("/data", "Data", Icon::Store),
                tab("/exposure", "Exposure", Icon::Globe),
                tab("/certificates", "Certificates", Icon::Certificate),
            ],
        },
        Section {
            title: "Evidence",
            tabs: vec![
                tab("/sources", "Sources", Icon::Plug),
                tab("/coverage", "Coverage", Icon::Eye),
                tab("/period", "Period", Icon::Calendar),
                tab("/ledger", "Ledger", Icon::Seal),
                tab("/principles", "Principles", Icon::Compass),
            ],
        },
        Section {
            title: "Program",
            tabs: vec![
                tab("/frameworks", "Frameworks", Icon::Book),
                tab("/policies", "Policies", Icon::File),
                tab("/claims", "Claims", Icon::Horn),
                tab("/program", "Program", Icon::Folder),
            ],
        },
    ]
}
