//! Whether checkpoints of one log, as several witnesses and publishers show them, are of one history. Two that are
//! signed and are not are a split view: the log's owner showed different people different things.

use octro_verify::{Checkpoint, Hash, Note, VerifierKey, consistent};

use super::Place;
use crate::LedgerError;

/// The most checkpoints that are compared at once.
const PLACES_MAX: usize = 16;

/// A checkpoint that the log signed, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Where.
    pub place: String,
    /// The whole note.
    pub note: String,
    /// What it says.
    pub checkpoint: Checkpoint,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Checkpoints that the log's key signed.
    pub shown: Vec<Shown>,
    /// Split views: two notes that contradict each other, and how.
    pub splits: Vec<(Shown, Shown, String)>,
    /// What could not be compared, and why.
    pub unknown: Vec<String>,
}

struct Found {
    place: Place,
    shown: Shown,
    /// The number of the history to which it was shown to belong.
    history: usize,
}

/// Compares what these places show of the log of one of these keys.
///
/// # Errors
/// If there are more than 16 places.
pub async fn compare(places: &[Place], keys: &[VerifierKey]) -> Result<Compared, LedgerError> {
    if places.len() > PLACES_MAX {
        return Err(LedgerError::Outside {
            who: format!("{} checkpoints", places.len()),
            what: format!("are too many at once; expected at most {PLACES_MAX}"),
        });
    }
    let mut compared = Compared::default();
    let mut found: Vec<Found> = Vec::new();
    for place in places {
        match signed(place, keys).await {
            Ok(shown) => {
                compared.shown.push(shown.clone());
                found.push(Found { place: place.clone(), shown, history: found.len() });
            }
            Err(error) => compared.unknown.push(error.to_string()),
        }
    }
    // By size, so that a later one is asked for tiles that lead to an earlier one.
    found.sort_by_key(|one| one.shown.checkpoint.size);
    let mut failed = Vec::new();
    for large in 0..found.len() {
        for small in 0..large {
            let (Some(a), Some(b)) = (found.get(small), found.get(large)) else { continue };
            if a.history == b.history {
                continue;
            }
            match pair(a, b).await {
                Ok(None) => join(&mut found, small, large),
                Ok(Some(how)) => compared.splits.push((a.shown.clone(), b.shown.clone(), how)),
                Err(error) => failed.push(error.to_string()),
            }
        }
    }
    let first = found.first().map(|one| one.history);
    if compared.splits.is_empty() && found.iter().any(|one| Some(one.history) != first) {
        failed.sort();
        failed.dedup();
        compared.unknown.extend(failed);
    }
    Ok(compared)
}

/// Two are shown to be of one history.
fn join(found: &mut [Found], small: usize, large: usize) {
    let (Some(to), Some(from)) =
        (found.get(small).map(|one| one.history), found.get(large).map(|one| one.history))
    else {
        return;
    };
    for one in found.iter_mut().filter(|one| one.history == from) {
        one.history = to;
    }
}

/// What a place shows, if the log signed it.
async fn signed(place: &Place, keys: &[VerifierKey]) -> Result<Shown, LedgerError> {
    let (checkpoint, note, text) = place.note().await?;
    let wrong = |what: String| LedgerError::Outside { who: place.to_string(), what };
    if !keys.iter().any(|key| key.name == checkpoint.origin) {
        return Err(wrong(format!("shows the log `{}`, of which no key was given", checkpoint.origin)));
    }
    if !is_signed(&note, keys).map_err(wrong)? {
        return Err(wrong("shows a checkpoint that is not signed with a key that was given".to_owned()));
    }
    Ok(Shown { place: place.to_string(), note: text, checkpoint })
}

fn is_signed(note: &Note, keys: &[VerifierKey]) -> Result<bool, String> {
    let mut signed = false;
    for key in keys {
        signed |= note.signed_by(key).map_err(|fault| fault.to_string())?;
    }
    Ok(signed)
}

/// Whether two are of one history; how they contradict each other, if they are not.
async fn pair(small: &Found, large: &Found) -> Result<Option<String>, LedgerError> {
    let (a, b) = (&small.shown.checkpoint, &large.shown.checkpoint);
    if a.origin != b.origin {
        return Err(LedgerError::Outside {
            who: format!("{} and {}", small.place, large.place),
            what: format!("show two logs, `{}` and `{}`", a.origin, b.origin),
        });
    }
    if a.size == b.size {
        return Ok((a.root != b.root).then(|| format!("two histories of {} entries are signed", a.size)));
    }
    let proof = large.place.consistency(b.size, a.size, b.size).await?;
    if consistent(a.size, &a.root, b.size, &b.root, &proof) {
        return Ok(None);
    }
    // The tiles may be damaged, which is no lie: only if they lead to the larger checkpoint do they speak for it.
    let begins: Hash = large.place.root(b.size, a.size).await?;
    if consistent(a.size, &begins, b.size, &b.root, &proof) {
        return Ok(Some(format!(
            "the {} entries at {} do not begin with the {} at {}: by the larger checkpoint, the first {} have the root {}",
            b.size,
            large.place,
            a.size,
            small.place,
            a.size,
            octro_verify::base64_encode(&begins)
        )));
    }
    Err(LedgerError::Outside {
        who: large.place.to_string(),
        what: "its tiles do not lead to its own checkpoint: it is damaged, and shows nothing".to_owned(),
    })
}
