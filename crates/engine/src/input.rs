//! Inputs: everything that Octro is told, in one order. The state is a function of them and of nothing else.

use octro_model::{CollectionError, Id, Observation, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A source as it is known to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// Its id.
    pub id: Id,
    /// The connector's name.
    pub connector: String,
    /// How often it runs.
    pub every: Span,
    /// The kinds that it yields.
    pub kinds: Vec<Id>,
}

/// The numbers under which inputs are stored; never reuse one.
pub(crate) mod form {
    pub(crate) const PROGRAM: i64 = 1;
    pub(crate) const SOURCE: i64 = 2;
    pub(crate) const RETIRE: i64 = 3;
    pub(crate) const BATCH: i64 = 4;
    pub(crate) const FINISHED: i64 = 5;
}

/// An observation, ready for the engine: its body is canonical, its hash is taken.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Id,
    pub(crate) key: String,
    pub(crate) scope: String,
    pub(crate) effective_at: Option<Timestamp>,
    pub(crate) gone: bool,
    pub(crate) hash: [u8; 16],
    pub(crate) body: Vec<u8>,
}

/// The stored form of what was seen.
#[derive(Serialize)]
struct Body<'a> {
    attributes: &'a serde_json::Map<String, serde_json::Value>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    unknown: &'a std::collections::BTreeMap<String, octro_model::UnknownReason>,
}

/// The longest key and scope, in bytes.
const NAME_MAX: usize = 1_000;
/// The largest body, in bytes.
const BODY_MAX: usize = 1 << 20;
/// How much of a reason's detail is kept, in characters.
const DETAIL_MAX: usize = 500;

impl Item {
    /// Prepares an observation, or says why it is refused.
    pub(crate) fn new(mut observation: Observation) -> Result<Self, CollectionError> {
        use sha2::Digest as _;
        let what =
            || format!("{} {}", observation.kind, observation.key.chars().take(120).collect::<String>());
        let refuse = |message: String| {
            Err(CollectionError { what: what(), message, mend: "correct what the source yields".to_owned() })
        };
        if observation.key.is_empty() || observation.key.len() > NAME_MAX || observation.key.contains('\0') {
            return refuse(format!(
                "the key is empty, longer than {NAME_MAX} bytes, or holds a NUL; expected a name"
            ));
        }
        if observation.scope.len() > NAME_MAX || observation.scope.contains('\0') {
            return refuse(format!(
                "the scope is longer than {NAME_MAX} bytes or holds a NUL; expected a name"
            ));
        }
        for reason in observation.unknown.values_mut() {
            if reason.detail.chars().nth(DETAIL_MAX).is_some() {
                reason.detail = reason.detail.chars().take(DETAIL_MAX).collect();
            }
        }
        let body = Body { attributes: &observation.attributes, unknown: &observation.unknown };
        let body = match serde_json::to_vec(&body) {
            Ok(body) if body.len() <= BODY_MAX => body,
            Ok(body) => return refuse(format!("{} bytes; expected at most {BODY_MAX}", body.len())),
            Err(error) => return refuse(error.to_string()),
        };
        let mut digest = sha2::Sha256::new();
        digest.update([u8::from(observation.gone)]);
        digest.update((observation.scope.len() as u64).to_le_bytes());
        digest.update(observation.scope.as_bytes());
        digest.update(&body);
        let mut hash = [0; 16];
        for (to, from) in hash.iter_mut().zip(digest.finalize()) {
            *to = from;
        }
        Ok(Self {
            kind: observation.kind,
            key: observation.key,
            scope: observation.scope,
            effective_at: observation.effective_at,
            gone: observation.gone,
            hash,
            body,
        })
    }
}
