//! What comes of checking a proof: what it proves and what it does not, as data and in sentences, or what is wrong.

use std::fmt;

use crate::claim::Claim;
use crate::hash::Hash;
use crate::leaf::After;
use crate::note::{Cosigned, VerifierKey};
use crate::proof::Opened;
use crate::state::Status;

/// What comes of checking a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The claim is proved.
    Proved(Box<Report>),
    /// The file does not prove it.
    Refuted(Reason),
    /// There is nothing to judge: this is no proof file, or no key was given.
    Unusable(String),
}

/// Why a proof is refuted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Where in the file, such as `entries[3]`.
    pub place: String,
    /// What is wrong there: what was found and what was expected.
    pub wrong: String,
}

impl Reason {
    pub(crate) fn new(place: impl Into<String>, wrong: impl fmt::Display) -> Self {
        Self { place: place.into(), wrong: wrong.to_string() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.wrong)
    }
}

/// What a proof proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it claims.
    pub claim: Claim,
    /// The log's origin.
    pub origin: String,
    /// How many leaves the checkpoint covers.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The log's key that signed it.
    pub signer: VerifierKey,
    /// The witnesses that cosigned it, of those that the caller named.
    pub witnesses: Vec<Cosigned>,
    /// What is shown of the claim.
    pub shown: Shown,
    /// What is proved, in sentences.
    pub proved: Vec<String>,
    /// What is not, in sentences.
    pub not_proved: Vec<String>,
}

/// What a proof shows of its claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A control's statuses.
    Interval(Box<Interval>),
    /// A resource in a population.
    Member {
        /// The seal.
        seal: SealSeen,
        /// The population.
        population: PopulationSeen,
        /// What was opened.
        opened: Opened,
    },
    /// A resource that is not in a population.
    Absent {
        /// The seal.
        seal: SealSeen,
        /// The population.
        population: PopulationSeen,
    },
    /// A leaf.
    Entry {
        /// Its type.
        kind: &'static str,
        /// When it was written.
        written: u64,
        /// Which of its commitments was opened.
        opened: Option<&'static str>,
    },
}

/// What is shown of a control over an interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The statuses, from the interval's beginning to its end.
    pub segments: Vec<Segment>,
    /// How much of the interval had which status, most first.
    pub shares: Vec<Share>,
    /// The seal that the proof begins with; `None` if it begins with the control itself.
    pub first: Option<SealSeen>,
    /// The seal that it ends with.
    pub last: SealSeen,
    /// Numbers of the first and last transition between the seals that are in the proof; `None` if there was none.
    pub transitions: Option<(u64, u64)>,
    /// How many of them are linked: shown by the hash that the one after cites, the last of which is in the log.
    pub linked: u64,
    /// How often the control was evaluated between the seals.
    pub evaluations: u64,
    /// For how long, between the seals, nothing was evaluated beyond what was promised: unknown time.
    pub silent: u64,
    /// The largest span without an evaluation in what the seals of the proof say.
    pub gap: u64,
    /// Whether every seal in between is in the proof, so that `gap` is the largest of the whole time.
    pub every_seal: bool,
    /// The longest time between a change and its record; `None` if nothing changed.
    pub lag: Option<u64>,
    /// The populations at the first seal.
    pub populations_first: Vec<PopulationSeen>,
    /// The populations at the last seal.
    pub populations_last: Vec<PopulationSeen>,
    /// The program versions that were in force, as far as seals and transitions name them, in their order.
    pub programs: Vec<ProgramSeen>,
    /// When the log began, if the proof shows it.
    pub opened: Option<Beginning>,
}

/// How a log began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// When.
    pub at: u64,
    /// The log that it follows.
    pub after: Option<After>,
}

/// A stretch of time with one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The status; `None` while the control did not exist.
    pub status: Option<Status>,
    /// When it begins.
    pub from: u64,
    /// When it ends; the same moment if the status was replaced at once.
    pub to: u64,
    /// When the change to it was written into the log, if that is in the proof.
    pub recorded: Option<u64>,
}

/// How much of an interval had a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The status; `None` while the control did not exist.
    pub status: Option<Status>,
    /// For how long it stood.
    pub micros: u64,
    /// For how long at least, if all silent time fell into it.
    pub at_least: u64,
}

/// A seal in a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealSeen {
    /// Its entry's index.
    pub index: u64,
    /// Its number.
    pub n: u64,
    /// When it was written.
    pub at: u64,
}

/// A population in a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PopulationSeen {
    /// The kind.
    pub kind: String,
    /// How many resources were seen.
    pub count: u64,
    /// Whether a complete, fresh enumeration says so.
    pub complete: bool,
    /// When it was enumerated.
    pub enumerated: Option<u64>,
}

/// A program version in a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramSeen {
    /// Its hash.
    pub hash: Hash,
    /// Its name, if its entry is in the proof.
    pub name: Option<String>,
}
