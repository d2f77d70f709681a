//! The leaves of the log: what each type says.

use crate::hash::Hash;
use crate::note::VerifierKey;
use crate::state::Status;

/// The largest leaf, in bytes.
pub const LEAF_MAX: usize = 4096;

/// A leaf of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// When it was written, in microseconds since 1970.
    pub written: u64,
    /// What it says.
    pub what: What,
}

/// What a leaf says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A log begins.
    Open {
        /// Its origin.
        origin: String,
        /// The log that it follows after a restored backup.
        after: Option<After>,
    },
    /// A control's status changes.
    Transition(Transition),
    /// What is known of a kind's resources.
    Population(Population),
    /// The states of all controls.
    Seal(Seal),
    /// A program version comes into force.
    Program {
        /// The program's hash.
        hash: Hash,
        /// The program's name.
        name: String,
        /// The version's number.
        ord: u64,
    },
    /// A source's collection ended.
    Collection(Collection),
    /// People decided; all but `what` are commitments.
    Decision {
        /// What sort of decision, such as `exception.approved`.
        what: String,
        /// About whom or what.
        subject: Hash,
        /// Who decided.
        by: Hash,
        /// The decision itself.
        body: Hash,
    },
    /// The log's key changes.
    Key(Box<KeyChange>),
    /// A person was erased.
    Erasure {
        /// The last value of the commitment to the person.
        subject: Hash,
        /// How many commitments can no longer be opened.
        records: u64,
        /// On what ground.
        basis: String,
    },
    /// A list was handed out.
    Export {
        /// What sort of file.
        what: String,
        /// SHA-256 of the file.
        digest: Hash,
        /// The commitment to who got it, as far as that is known.
        by: Option<Hash>,
    },
}

/// The last checkpoint of the log that this one follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct After {
    /// Its origin.
    pub origin: String,
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
}

/// A change of a control's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The control.
    pub control: String,
    /// The transition's number: 1, 2, 3 ... without gaps.
    pub n: u64,
    /// The transition before: its leaf hash and the status that it led to; `None` if `n` is 1.
    pub before: Option<(Hash, Status)>,
    /// The new status.
    pub to: Status,
    /// Since when it holds; never after the leaf was written.
    pub at: u64,
    /// The hash of the program in force.
    pub program: Hash,
}

/// A kind's population, as known at a seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    /// The kind.
    pub kind: String,
    /// How many resources are seen.
    pub count: u64,
    /// Whether a complete, fresh enumeration says so.
    pub complete: bool,
    /// When it was enumerated; `None` if never.
    pub enumerated: Option<u64>,
    /// The root of the members' tree.
    pub root: Hash,
    /// SHA-256 of the population's key.
    pub key: Hash,
    /// Where the members' salts come from.
    pub salts: Salts,
}

/// Where the salts of a population's members come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Salts {
    /// From the population's key.
    Key,
    /// From random bytes of each resource: the kind has personal data.
    Own,
}

/// The seal of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The seal's number: 1, 2, 3 ... without gaps.
    pub n: u64,
    /// Leaf hash of the seal before; `None` if `n` is 1.
    pub prev: Option<Hash>,
    /// How many states the tree has.
    pub controls: u64,
    /// The root of the states' tree.
    pub root: Hash,
    /// The hash of the program in force.
    pub program: Hash,
    /// Key id of the log's key in force, in 8 hexadecimal digits.
    pub signer: String,
}

/// A source's collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// The source.
    pub source: String,
    /// The collection's number.
    pub ord: u64,
    /// When it began.
    pub started: u64,
    /// When it ended.
    pub finished: u64,
    /// Whether it covered everything.
    pub complete: bool,
    /// Resources that changed.
    pub changed: u64,
    /// Resources that did not.
    pub unchanged: u64,
    /// Resources that are no longer there.
    pub gone: u64,
    /// Records that were refused.
    pub refused: u64,
    /// The last link of the chain over what it stored.
    pub facts: Hash,
}

/// A change of the log's key, signed with both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The key until now.
    pub old: VerifierKey,
    /// The key from now on.
    pub new: VerifierKey,
    /// The old key's signature of [`rotation_message`](crate::rotation_message).
    pub by_old: [u8; 64],
    /// The new key's.
    pub by_new: [u8; 64],
}
