//! Lists of servers: read from the settings, and asked some at once, so that one that never answers does not hold the
//! others up.

use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::SettingError;
use crate::settings::Settings;

/// How many servers one source may have.
const MOST: usize = 1_000;
/// How many are asked at once.
const AT_ONCE: usize = 16;

/// The servers of the setting `servers`: each is read by `read`, and has a key of its own. `expected`: the form of one.
pub(crate) fn read<S>(
    settings: &Settings<'_>,
    expected: &str,
    read: impl Fn(&str) -> Result<S, String>,
    key: impl Fn(&S) -> &str,
) -> Result<Vec<S>, SettingError> {
    let mut servers: Vec<S> = Vec::new();
    for address in settings.need_texts("servers", expected)? {
        let server = read(&address).map_err(|what| settings.refuse("servers", what, expected))?;
        if servers.iter().any(|other| key(other) == key(&server)) {
            let what = format!("`{}` stands there twice", key(&server));
            return Err(settings.refuse("servers", what, "each server once"));
        }
        servers.push(server);
    }
    if servers.len() > MOST {
        return Err(settings.refuse(
            "servers",
            format!("there are {}", servers.len()),
            format!("at most {MOST}"),
        ));
    }
    Ok(servers)
}

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
