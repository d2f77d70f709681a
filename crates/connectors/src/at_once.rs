//! Asking many servers, some of them at once: one that never answers does not hold the others up.

use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// How many are asked at once.
const AT_ONCE: usize = 16;

/// Asks all of `servers`, and gives each with its answer to `take`, in the order of the answers, until that says no.
/// Whoever asked and broke is not given.
///
/// # Errors
/// If the machine has no network for programs.
pub(crate) fn ask<S, A, F>(
    servers: impl IntoIterator<Item = S>,
    question: impl Fn(S) -> F,
    mut take: impl FnMut(&S, A) -> bool,
) -> std::io::Result<()>
where
    S: Clone + Send + 'static,
    A: Send + 'static,
    F: Future<Output = A> + Send + 'static,
{
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut servers = servers.into_iter();
        let mut asked = JoinSet::new();
        loop {
            while asked.len() < AT_ONCE
                && let Some(server) = servers.next()
            {
                let answer = question(server.clone());
                asked.spawn(async move { (server, answer.await) });
            }
            match asked.join_next().await {
                Some(Ok((server, answer))) => {
                    if !take(&server, answer) {
                        break;
                    }
                }
                Some(Err(_)) => {}
                None => break,
            }
        }
    });
    // A name server that never answers must not hold the run.
    runtime.shutdown_background();
    Ok(())
}
