//! The command line: types only. What a command does is in `commands`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use octro_model::{Severity, Status, Timestamp};

use crate::output::Format;

mod witness;

pub use witness::{WitnessCommand, WitnessKey, WitnessRun, WitnessServe};

/// Runs a company's security program: judges real systems by it, and says why, since when and on what evidence.
#[derive(Debug, Parser)]
#[command(name = "octro", version, disable_help_subcommand = true, after_help = EXITS)]
pub struct Options {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXITS: &str = "\
Exit codes: 0 done, or all pass; 1 something fails; 2 the command line or settings make no sense;
3 nothing fails, but something is unknown or stale; 4 it could not be done; 5 it cannot be proved.
Data goes to stdout, everything else to stderr. OCTRO_LOG says what is logged (`octro_server=debug`).";

/// Options of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The settings; `octro.toml` here, if there is one
    #[arg(long, global = true, value_name = "FILE", env = "OCTRO_CONFIG", help_heading = "Global options")]
    pub config: Option<PathBuf>,
    /// The folder of the embedded database
    #[arg(long, global = true, value_name = "DIR", env = "OCTRO_DATA", help_heading = "Global options")]
    pub data: Option<PathBuf>,
    /// A PostgreSQL database instead: postgres://USER@HOST/NAME
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "OCTRO_DATABASE",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    pub database: Option<String>,
    /// The program's folder instead of the built-in program
    #[arg(long, global = true, value_name = "DIR", env = "OCTRO_PROGRAM", help_heading = "Global options")]
    pub program: Option<PathBuf>,
    /// The form of the data
    #[arg(long, short, global = true, value_enum, default_value_t, help_heading = "Global options")]
    pub format: Format,
    /// Say only what goes wrong
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Say more; twice, even more
    #[arg(long, short, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub verbose: u8,
}

/// A moment to ask about.
#[derive(Clone, Copy, Debug, Args)]
pub struct Moment {
    /// When it was so: 2026-03-03 or 2026-03-03T09:00:00Z; now by default
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<Timestamp>,
    /// What Octro had learned by then; now by default
    #[arg(long, value_name = "TIME")]
    pub known_at: Option<Timestamp>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start Octro: observe, judge, and serve the pages on this machine
    Up(Up),
    /// Look once, without a server or database, and judge what is seen
    Check(Check),
    /// The status of the program: its controls at a moment
    Status(StatusOf),
    /// Why a test gives what it gives for a resource
    Why(Why),
    /// The resources that are known
    Resources(Resources),
    /// The results of tests
    Results(Results),
    /// The sources, what they covered and what went wrong
    Sources(Sources),
    /// What a sort of source needs
    #[command(subcommand)]
    Source(Source),
    /// Work on a program's files
    #[command(subcommand)]
    Program(Program),
    /// Write the built-in program into a folder, to make it yours
    Init(Init),
    /// Make all results anew from the observations and compare
    Replay(Replay),
    /// Make a proof that anyone can check offline
    #[command(subcommand)]
    Prove(Prove),
    /// Check a proof, with nothing but the file and the log's key: 0 proved, 1 refuted, 2 unusable
    Verify(Verify),
    /// The ledger: the append-only log that proofs rest on
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Be a witness: cosign the checkpoints of logs, so that none shows different people different histories
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Make the ledger's commitments to a person unopenable
    Erase(Erase),
    /// Remove facts that were kept for as long as their kinds say; results stay
    Compact,
    /// Write data out as a whole
    Export(Export),
    /// See whether everything that Octro needs is in order
    Doctor,
    /// Measure this build on this machine
    #[command(subcommand)]
    Bench(Bench),
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the reference of commands, settings, kinds and the API into a folder
    #[command(hide = true)]
    Reference {
        /// The folder
        dir: PathBuf,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder; made if it is not there
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub struct Up {
    /// Where the pages are served; loopback only
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Open a simulated company instead of this machine, in a database of its own (`octro-demo`)
    #[arg(long)]
    pub demo: bool,
    /// After a restored backup: go on with a new log, whose first entry cites the last checkpoint that was signed
    #[arg(long)]
    pub follow: bool,
    /// Make the simulated company anew from this seed
    #[arg(long, requires = "demo", value_name = "N")]
    pub seed: Option<u64>,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Only these sources (by id or type) or tests (by id, or the beginning of one); a file behind `terraform` is its plan
    #[arg(value_name = "SOURCE|TEST")]
    pub only: Vec<String>,
    /// Show what passes, too
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct StatusOf {
    /// Only this control
    #[arg(value_name = "CONTROL")]
    pub control: Option<String>,
    #[command(flatten)]
    pub moment: Moment,
    /// Only controls in these statuses
    #[arg(long, value_delimiter = ',')]
    pub status: Vec<Status>,
}

#[derive(Debug, Args)]
pub struct Why {
    /// The resource: its kind and key with a slash between (`host.swap/web1:swap`), or the key alone if only one has it
    pub resource: String,
    /// The test
    pub test: String,
    #[command(flatten)]
    pub moment: Moment,
}

#[derive(Debug, Args)]
pub struct Resources {
    /// Only of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// Only those whose key holds this text
    #[arg(long)]
    pub text: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 1_000)]
    pub limit: u32,
    #[command(flatten)]
    pub moment: Moment,
}

#[derive(Debug, Args)]
pub struct Results {
    /// Only of this test
    #[arg(long)]
    pub test: Option<String>,
    /// Only of the tests of this control
    #[arg(long)]
    pub control: Option<String>,
    /// Only of resources of this kind
    #[arg(long)]
    pub kind: Option<String>,
    /// Only in these statuses
    #[arg(long, value_delimiter = ',')]
    pub status: Vec<Status>,
    /// Only of tests of at least this severity
    #[arg(long)]
    pub severity: Option<Severity>,
    /// Only of resources whose key holds this text
    #[arg(long)]
    pub text: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 1_000)]
    pub limit: u32,
    #[command(flatten)]
    pub moment: Moment,
}

#[derive(Debug, Args)]
pub struct Sources {
    /// Only this source, with its last runs
    pub source: Option<String>,
    #[command(flatten)]
    pub moment: Moment,
}

#[derive(Debug, Subcommand)]
pub enum Program {
    /// Load a program and tell all problems at once
    Validate {
        /// The folder; the built-in program by default
        dir: Option<PathBuf>,
    },
    /// Run the examples of all tests
    Test {
        /// The folder; the built-in program by default
        dir: Option<PathBuf>,
        /// Only tests whose id begins with this
        #[arg(long)]
        only: Option<String>,
    },
    /// What would change from A to B, with today's resources judged under both
    Diff {
        /// A folder, or `built-in`, or `in-force`
        a: String,
        /// Another
        b: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum Source {
    /// Amazon Web Services
    #[command(subcommand)]
    Aws(SourceAws),
}

#[derive(Debug, Subcommand)]
pub enum SourceAws {
    /// Print the least IAM policy that lets kinds be read
    Policy {
        /// Only what these kinds need (`aws.s3.bucket`); all kinds by default
        kinds: Vec<String>,
        /// Also what finds the accounts of the organization
        #[arg(long)]
        organization: bool,
        /// Also what takes events out of the queue that the setting `changes` names
        #[arg(long, value_name = "ARN")]
        changes: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub enum Prove {
    /// A control's statuses over an interval, with nothing left out
    Control {
        /// The control
        control: String,
        /// From when on; since the ledger began by default
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// Until when; the last seal by default
        #[arg(long, value_name = "TIME")]
        to: Option<Timestamp>,
        /// The file; standard output by default
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// That a resource was, or was not, in the population that was judged, and with which results
    Resource {
        /// Its kind
        kind: String,
        /// Its key
        key: String,
        /// At the last seal up to this; now by default
        #[arg(long, value_name = "TIME")]
        at: Option<Timestamp>,
        /// The file; standard output by default
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// That a decision was taken: an exception was approved, or a restored backup answered with a new log
    Decision {
        /// Its name: the exception's id, or `restore-` and the new log's number
        id: String,
        /// Which of its texts the proof discloses
        #[arg(long, value_enum, default_value_t)]
        open: Opened,
        /// The file; standard output by default
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// That an entry is in the log
    Entry {
        /// Its place, from 0
        index: u64,
        /// In the form of C2SP (tlog-proof@v1), for other verifiers
        #[arg(long)]
        tlog: bool,
        /// The file; standard output by default
        #[arg(short, long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// What of a decision is disclosed; the others stay commitments.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
pub enum Opened {
    /// The decision itself, with all that it says
    #[default]
    Body,
    /// Who decided
    By,
    /// About what
    Subject,
    /// Nothing
    Nothing,
}

#[derive(Debug, Args)]
pub struct Verify {
    /// The proof
    pub file: PathBuf,
    /// A key of the log, as `name+hexid+base64` or @FILE; may be repeated
    #[arg(long, value_name = "KEY", required = true)]
    pub key: Vec<String>,
    /// A witness's key, in the same form; may be repeated
    #[arg(long, value_name = "KEY")]
    pub witness: Vec<String>,
    /// How many of the witnesses must have cosigned; all by default
    #[arg(long, value_name = "N")]
    pub required: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    /// How the ledger is doing
    Status,
    /// The newest checkpoint, as a signed note
    Checkpoint {
        /// The first that covers so many entries
        #[arg(long, value_name = "N")]
        size: Option<u64>,
    },
    /// The newest entries
    Tail {
        /// How many
        #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
        count: u64,
    },
    /// Recompute everything from the database and the published tiles, and compare
    Audit,
    /// Write the published tiles anew
    Rebuild {
        /// The folder; that of the settings by default
        folder: Option<PathBuf>,
    },
    /// Change the log's key; no server may run
    Rotate,
}

#[derive(Debug, Args)]
pub struct Erase {
    /// The person's kind, `person` for example
    pub kind: String,
    /// Their key
    pub key: String,
    /// On what ground, for the ledger
    #[arg(long, default_value = "request of the person")]
    pub basis: String,
    /// Put the ground into the ledger even if it looks like a name or an address: it stays there for ever
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Init {
    /// The folder; it must be empty or not there
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct Replay {
    /// Show differences only of results that hold after this
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Show differences only of results that hold before this
    #[arg(long, value_name = "TIME")]
    pub to: Option<Timestamp>,
}

#[derive(Debug, Args)]
pub struct Export {
    /// What
    #[arg(value_enum)]
    pub what: Exported,
    #[command(flatten)]
    pub moment: Moment,
}

/// What can be exported as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Exported {
    /// The controls with their status
    Controls,
    /// The tests with their status
    Tests,
    /// The results of all tests
    Results,
    /// The resources
    Resources,
    /// The sources
    Sources,
    /// The program in force, as a folder's files in JSON
    Program,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Evaluations a second and memory, beside a hand-written predicate
    Evaluate {
        /// Resources
        #[arg(long, default_value_t = 1_000_000)]
        resources: u32,
    },
    /// Observations a second, unchanged and changed, durably
    Ingest {
        /// Resources
        #[arg(long, default_value_t = 1_000_000)]
        resources: u32,
    },
    /// From a changed observation to its new status
    Latency {
        /// Resources that are stored
        #[arg(long, default_value_t = 1_000_000)]
        resources: u32,
        /// Measure nothing, but serve the pages and change a resource for each line of input: tests/browser/latency.cjs
        /// measures to the pixels of an open page
        #[arg(long)]
        pages: bool,
    },
    /// A control as of a moment, over a year of history; and the replay of that year
    History {
        /// Resources
        #[arg(long, default_value_t = 1_000_000)]
        resources: u32,
    },
    /// The ledger: appended, published, proved and audited
    Ledger {
        /// Entries
        #[arg(long, default_value_t = 1_000_000)]
        entries: u32,
        /// An empty database of its own for it, `postgres://USER@HOST/NAME`; SQLite in a temporary folder by default
        #[arg(long, value_name = "ADDRESS")]
        database: Option<String>,
    },
    /// AWS looked at and judged, against what `tests/labs/aws/many.py` prepared, and against its answers from memory
    Aws {
        /// What speaks like AWS: moto
        #[arg(long, value_name = "ADDRESS")]
        upstream: String,
        /// Buckets; 0 for those that the upstream has. Beyond 1,000 they answer as those
        #[arg(long, default_value_t = 1_000)]
        resources: u32,
        /// Only these kinds
        #[arg(long, value_delimiter = ',')]
        kinds: Vec<String>,
        /// Also: one of the stored buckets changes, and an event says so
        #[arg(long)]
        change: bool,
    },
    /// Answers like AWS from memory, for `bench aws`
    #[command(hide = true)]
    AwsAnswers {
        /// What speaks like AWS
        #[arg(long, value_name = "ADDRESS")]
        upstream: String,
    },
    /// A list of TLS endpoints looked at, as `tests/labs/tls/lab.sh` makes one
    Tls {
        /// A file of endpoints, one a line, as the setting `endpoints` has them
        #[arg(long, value_name = "FILE")]
        endpoints: std::path::PathBuf,
        /// A PEM file with more roots; its path absolute
        #[arg(long, value_name = "FILE")]
        roots: Option<std::path::PathBuf>,
        /// How often
        #[arg(long, default_value_t = 11)]
        times: u32,
        /// Connections to one address at once
        #[arg(long, default_value_t = 4)]
        per_address: u32,
        /// Versions, certificates and pages only
        #[arg(long)]
        quick: bool,
        /// The round trip that a proxy adds before each endpoint (on 127.0.0.1), in milliseconds
        #[arg(long, default_value_t = 0)]
        delay_ms: u64,
    },
    /// From the start to the first page
    Start {
        /// Resources that are stored
        #[arg(long, default_value_t = 100_000)]
        resources: u32,
    },
}
