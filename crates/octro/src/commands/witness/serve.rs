//! `octro witness serve`: answers logs that submit their checkpoints.

use anyhow::Context as _;
use tokio::net::TcpListener;

use crate::cli::{Global, WitnessServe};
use crate::commands::up::StopSignals;
use crate::commands::verify::keys;
use crate::exit::Exit;
use crate::output;

pub async fn run(global: &Global, serve: WitnessServe) -> anyhow::Result<Exit> {
    let logs = keys(&serve.log, "--log")?;
    let witness = super::open(&serve.witness, &serve.dir, &logs)?;
    let mut stop = StopSignals::listen()?;
    let listener = TcpListener::bind(serve.listen)
        .await
        .with_context(|| format!("{}: choose another address with --listen", serve.listen))?;
    output::text(&format!("http://{}\n{}\n", listener.local_addr()?, witness.key()))?;
    if !global.quiet {
        output::say(
            "The witness answers. Above are its address and its key, for the log's settings and for whoever verifies; Ctrl-C stops it.",
        );
    }
    witness.serve(listener, stop.told()).await;
    Ok(Exit::Done)
}
