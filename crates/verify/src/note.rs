//! Signed notes, verifier keys and checkpoints as C2SP has them: `signed-note`, `tlog-checkpoint`, `tlog-cosignature`.

use std::fmt;

use ed25519_dalek::{Signature as Ed25519, VerifyingKey};

use crate::base64;
use crate::fault::{Fault, quoted};
use crate::hash::{Hash, hex, sha256};
use crate::merkle::SIZE_MAX;

/// The largest note, in bytes.
pub const NOTE_MAX: usize = 64 * 1024;

/// The most signatures that a note may have.
const SIGNATURES_MAX: usize = 64;

/// The longest name of a key, and the longest origin, in bytes.
const NAME_MAX: usize = 255;

/// What begins a signature line: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Ed25519 over the note's text (type 0x01): a log's key.
    Ed25519,
    /// An Ed25519 cosignature with a time (type 0x04): a witness's key.
    Cosignature,
}

impl Algorithm {
    fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A public key with its name: `name+hexid+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    /// The name; a log's is its origin.
    pub name: String,
    /// How it signs.
    pub algorithm: Algorithm,
    /// The public key.
    pub key: [u8; 32],
}

impl VerifierKey {
    /// A log's key.
    pub fn log(name: &str, key: [u8; 32]) -> Result<Self, Fault> {
        Self::new(name, Algorithm::Ed25519, key)
    }

    /// A witness's key.
    pub fn witness(name: &str, key: [u8; 32]) -> Result<Self, Fault> {
        Self::new(name, Algorithm::Cosignature, key)
    }

    fn new(name: &str, algorithm: Algorithm, key: [u8; 32]) -> Result<Self, Fault> {
        if !is_name(name) {
            return Err(Fault::new(format!(
                "has the name {}; expected 1 to 255 bytes without spaces and `+`",
                quoted(name)
            )));
        }
        let point = VerifyingKey::from_bytes(&key);
        if !below_p(&key) || point.is_err() || point.is_ok_and(|point| point.is_weak()) {
            return Err(Fault::new("is not an Ed25519 public key"));
        }
        Ok(Self { name: name.to_owned(), algorithm, key })
    }

    /// Reads `name+hexid+base64`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let shape = || Fault::new(format!("is {}; expected a key as `name+hexid+base64`", quoted(text)));
        let (name, rest) = text.split_once('+').ok_or_else(shape)?;
        let (id, key) = rest.split_once('+').ok_or_else(shape)?;
        let bytes = base64::decode(key).ok_or_else(shape)?;
        let (algorithm, key) = bytes.split_first().ok_or_else(shape)?;
        let algorithm = match algorithm {
            1 => Algorithm::Ed25519,
            4 => Algorithm::Cosignature,
            other => {
                return Err(Fault::new(format!(
                    "has the type {other}; expected 1 (Ed25519) or 4 (cosignature)"
                )));
            }
        };
        let key = Self::new(name, algorithm, key.try_into().map_err(|_| shape())?)?;
        if hex(&key.id()) == id {
            Ok(key)
        } else {
            Err(Fault::new(format!(
                "has the id {}; by its name and key it is `{}`",
                quoted(id),
                hex(&key.id())
            )))
        }
    }

    /// The key's id: the first four bytes of SHA-256 of `name LF type key`.
    pub fn id(&self) -> [u8; 4] {
        let mut bytes = self.name.clone().into_bytes();
        bytes.extend([b'\n', self.algorithm.byte()]);
        bytes.extend(self.key);
        let [a, b, c, d, ..] = sha256(&bytes);
        [a, b, c, d]
    }

    /// Whether this is the key's Ed25519 signature of a message. Keys and signatures of small order are refused, as
    /// WebCrypto does.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        VerifyingKey::from_bytes(&self.key)
            .is_ok_and(|key| key.verify_strict(message, &Ed25519::from_bytes(signature)).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.algorithm.byte()];
        key.extend(self.key);
        write!(f, "{}+{}+{}", self.name, hex(&self.id()), base64::encode(&key))
    }
}

fn is_name(name: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c == '+' || c.is_control();
    !name.is_empty() && name.len() <= NAME_MAX && !name.chars().any(odd)
}

/// Whether a point's y, without the sign of x, is below 2^255 - 19: each point has one form.
fn below_p(key: &[u8; 32]) -> bool {
    let mut digits = key.iter().rev().enumerate().map(|(i, byte)| if i == 0 { byte & 0x7f } else { *byte });
    let top = digits.next() == Some(0x7f);
    let mut middle = digits.by_ref().take(30).collect::<Vec<_>>().into_iter();
    !(top && middle.all(|byte| byte == 0xff) && digits.next().is_some_and(|last| last >= 0xed))
}

/// The message that a witness signs: its time in seconds since 1970, and the note's text.
pub fn cosigned_message(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// The message that both keys sign when a log's key changes.
pub fn rotation_message(old: &VerifierKey, new: &VerifierKey) -> String {
    format!("octro-key-rotation/v1\n{old}\n{new}\n")
}

/// A signature line of a note, with its line's end. For a witness, `signature` is its time (8 bytes, big-endian) and the
/// signature of [`cosigned_message`].
pub fn signature_line(key: &VerifierKey, signature: &[u8]) -> String {
    let mut blob = key.id().to_vec();
    blob.extend(signature);
    format!("{DASH}{} {}\n", key.name, base64::encode(&blob))
}

/// A signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The text that is signed, with its last line's end.
    pub text: String,
    /// The signatures, good or not.
    pub signatures: Vec<Signature>,
}

/// A signature of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// What the key signed with.
    pub blob: Vec<u8>,
}

/// A good cosignature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The witness.
    pub witness: VerifierKey,
    /// When, by the witness's clock, in seconds since 1970.
    pub time: u64,
}

impl Note {
    /// Reads a note; no signature is checked yet.
    pub fn parse(note: &str) -> Result<Self, Fault> {
        if note.len() > NOTE_MAX {
            return Err(Fault::new(format!("has {} bytes; expected at most {NOTE_MAX}", note.len())));
        }
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(Fault::new("holds a control character"));
        }
        let at = note.rfind("\n\n").ok_or_else(|| Fault::new("has no empty line before its signatures"))?;
        let (text, rest) = note.split_at_checked(at + 1).unwrap_or_default();
        let lines = rest
            .strip_prefix('\n')
            .and_then(|lines| lines.strip_suffix('\n'))
            .ok_or_else(|| Fault::new("does not end with a signature line"))?;
        let mut signatures = Vec::new();
        for (i, line) in lines.split('\n').enumerate() {
            if i >= SIGNATURES_MAX {
                return Err(Fault::new(format!("has more than {SIGNATURES_MAX} signatures")));
            }
            let signature = Signature::parse(line);
            signatures.push(signature.ok_or_else(|| {
                Fault::new(format!(
                    "has the signature line {}; expected `\u{2014} name base64`",
                    quoted(line)
                ))
            })?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    fn by<'a>(&'a self, key: &'a VerifierKey) -> impl Iterator<Item = &'a [u8]> {
        let id = key.id();
        self.signatures
            .iter()
            .filter(move |signature| signature.id == id && signature.name == key.name)
            .map(|signature| signature.blob.as_slice())
    }

    /// Whether a log's key signed the note. A bad signature under that key's name and id is an error.
    pub fn signed_by(&self, key: &VerifierKey) -> Result<bool, Fault> {
        let mut found = false;
        for blob in self.by(key) {
            let good = blob.try_into().is_ok_and(|signature| key.signed(self.text.as_bytes(), signature));
            if !good || key.algorithm != Algorithm::Ed25519 {
                return Err(bad(key, "signature"));
            }
            found = true;
        }
        Ok(found)
    }

    /// A witness's cosignature of the note, if there is one; of several, the latest. A bad one is an error.
    pub fn cosigned_by(&self, key: &VerifierKey) -> Result<Option<Cosigned>, Fault> {
        let mut latest = None;
        for blob in self.by(key) {
            let time = blob.first_chunk().map(|time| u64::from_be_bytes(*time));
            let signature = blob.get(8..).and_then(|rest| rest.try_into().ok());
            let good = time.zip(signature).filter(|(time, signature)| {
                key.signed(cosigned_message(*time, &self.text).as_bytes(), signature)
            });
            match good {
                Some((time, _)) if key.algorithm == Algorithm::Cosignature => latest = latest.max(Some(time)),
                _ => return Err(bad(key, "cosignature")),
            }
        }
        Ok(latest.map(|time| Cosigned { witness: key.clone(), time }))
    }
}

fn bad(key: &VerifierKey, what: &str) -> Fault {
    let (name, id) = (quoted(&key.name), hex(&key.id()));
    Fault::new(format!(
        "the {what} by {name} (key {id}) is not one of this text: it was made for another, or either was changed"
    ))
}

impl Signature {
    fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(DASH)?.split_once(' ')?;
        let blob = base64::decode(blob)?;
        let (id, blob) = blob.split_first_chunk()?;
        (is_name(name) && !blob.is_empty()).then(|| Self {
            name: name.to_owned(),
            id: *id,
            blob: blob.to_vec(),
        })
    }
}

/// What a checkpoint says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's origin.
    pub origin: String,
    /// How many leaves it has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64::encode(&self.root))
    }

    /// Reads the text of a note as a checkpoint. Extension lines are refused: nobody vouches for them.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let lines: Vec<&str> = text.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            let found = lines.len().saturating_sub(1);
            return Err(Fault::new(format!("has {found} lines; expected three: origin, size and root")));
        };
        if !is_name(origin) {
            return Err(Fault::new(format!(
                "has the origin {}; expected 1 to 255 bytes without spaces and `+`",
                quoted(origin)
            )));
        }
        let size = size.parse().ok().filter(|n: &u64| *n <= SIZE_MAX && n.to_string() == **size).ok_or_else(
            || Fault::new(format!("has the size {}; expected an integer below 2^63", quoted(size))),
        )?;
        let root = base64::decode(root).and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
            Fault::new(format!("has the root {}; expected 32 bytes in base64", quoted(root)))
        })?;
        Ok(Self { origin: (*origin).to_owned(), size, root })
    }
}
