//! The command line of witnesses: types only.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub enum WitnessCommand {
    /// Answer logs that submit their checkpoints (C2SP tlog-witness)
    Serve(WitnessServe),
    /// Look at published logs oneself, and write cosigned checkpoints into a folder
    Run(WitnessRun),
    /// Print the witness's verifier key, to give to logs and to whoever verifies
    Key(WitnessKey),
    /// Compare checkpoints of one log from several places: 0 one history, 1 a split view, 3 cannot be told
    Compare {
        /// Files with a checkpoint, folders of published logs, and addresses of either
        #[arg(required = true, num_args = 1..=16, value_name = "FILE_OR_URL")]
        places: Vec<String>,
        /// A key of the log, as `name+hexid+base64` or @FILE; may be repeated
        #[arg(long, value_name = "KEY", required = true)]
        key: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct WitnessKey {
    /// The witness's name, which says who vouches: a domain and a path, as witness.example.org/w1
    #[arg(long)]
    pub name: String,
    /// The file of its key; made if there is none
    #[arg(long, value_name = "FILE", default_value = "witness.key")]
    pub key: PathBuf,
}

#[derive(Debug, Args)]
pub struct WitnessServe {
    #[command(flatten)]
    pub witness: WitnessKey,
    /// The folder in which it remembers what it cosigned; without it, it vouches for nothing
    #[arg(long, value_name = "DIR", default_value = "witness")]
    pub dir: PathBuf,
    /// Where it answers; any address, since nobody has to sign in
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7469")]
    pub listen: std::net::SocketAddr,
    /// A key of a log that is cosigned, as `name+hexid+base64` or @FILE; may be repeated
    #[arg(long, value_name = "KEY", required = true)]
    pub log: Vec<String>,
}

#[derive(Debug, Args)]
pub struct WitnessRun {
    #[command(flatten)]
    pub witness: WitnessKey,
    /// The folder in which it remembers what it cosigned, and where the cosigned checkpoints are
    #[arg(long, value_name = "DIR", default_value = "witness")]
    pub dir: PathBuf,
    /// A log: its key, as `name+hexid+base64` or @FILE, and the folder or address where it is published; may be repeated
    #[arg(long, num_args = 2, value_names = ["KEY", "FOLDER_OR_URL"], required = true)]
    pub log: Vec<String>,
    /// How often it looks, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub every: u64,
    /// Look once: 0 all are cosigned, 1 one does not continue what was cosigned, 4 one could not be read
    #[arg(long)]
    pub once: bool,
}
