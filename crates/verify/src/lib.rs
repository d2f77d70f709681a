//! The offline verifier: the formats of the ledger and its proofs (docs/proof-format.md), and what a proof shows. It
//! reads no files, knows no time and trusts only the keys that its caller names.

mod base64;
mod check;
mod claim;
mod claims;
mod fault;
mod flat;
mod hash;
mod json;
mod leaf;
mod leaf_text;
mod linked;
mod members;
mod merkle;
mod note;
mod policy;
mod population;
mod proof;
mod report;
mod say;
mod short;
mod state;

pub use base64::{decode as base64_decode, encode as base64_encode};
pub use check::verify;
pub use claim::Claim;
pub use fault::{Fault, quoted};
pub use hash::{EMPTY_ROOT, Hash, hex, hmac, leaf_hash, node_hash, sha256, unhex};
pub use json::{Value, read as read_json, read_canonical as read_canonical_json};
pub use leaf::{After, Collection, KeyChange, LEAF_MAX, Leaf, Population, Salts, Seal, Transition, What};
pub use members::{Members, is_id};
pub use merkle::{
    SIZE_MAX, WalkError, consistency_subtrees, consistent, included, path, path_subtrees, root,
    root_of_entries, root_of_path, subtrees,
};
pub use note::{
    Algorithm, Checkpoint, Cosigned, NOTE_MAX, Note, Signature, VerifierKey, cosigned_message,
    rotation_message, signature_line,
};
pub use policy::{CLOCK_SKEW, Policy};
pub use population::{commitment, member_leaf, own_salt, results_commitment, salt};
pub use proof::{Entry, Member, Opened, PROOF_MAX, Proof, SealedState};
pub use report::{
    Beginning, Interval, Outcome, PopulationSeen, ProgramSeen, Reason, Report, SealSeen, Segment, Share,
    Shown,
};
pub use say::{moment, share, span};
pub use state::{STATE_MAX, State, Status, Tally};
