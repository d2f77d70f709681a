//! "Run now": what a page asks of the runs.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use octro_engine::EngineError;
use octro_posture::RunSource;

use crate::runs::Runs;

/// See the module.
pub struct Ask(Arc<Runs>);

impl Ask {
    /// Asks these runs.
    pub fn new(runs: Arc<Runs>) -> Self {
        Self(runs)
    }
}

impl RunSource for Ask {
    fn run(&self, source: String) -> Pin<Box<dyn Future<Output = Result<(), EngineError>> + Send>> {
        let runs = self.0.clone();
        Box::pin(async move { runs.want(&source).await })
    }
}
