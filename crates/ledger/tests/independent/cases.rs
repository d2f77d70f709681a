//! The cases: what is judged, and whether it is to be accepted; and those about a checkpoint alone.

use std::path::{Path, PathBuf};

use ed25519_dalek::Signer as _;
use octro_ledger::{FileSigner, Reader, Signer as _};
use octro_verify::{Checkpoint, Note, VerifierKey, base64_encode, signature_line};
use serde_json::{Value, json};

use crate::{SIZES, stranger};

/// A log that was kept, and what its cases are made of.
pub struct Sample {
    /// The log's keys: the first, and the one in force.
    pub keys: Vec<String>,
    /// The witness's key.
    pub witness: String,
    /// Checkpoints by their sizes, as whole notes.
    pub notes: Vec<(u64, String)>,
    /// All entries.
    pub leaves: Vec<Vec<u8>>,
    /// Where the log is published.
    pub published: PathBuf,
    /// The key in force.
    pub signer: FileSigner,
    /// For proofs.
    pub reader: Reader,
}

impl Sample {
    /// The checkpoint of this size.
    pub fn note(&self, size: u64) -> &str {
        &self.notes.iter().find(|(of, _)| *of == size).unwrap().1
    }

    /// The newest checkpoint.
    pub fn newest(&self) -> &str {
        self.note(SIZES[5])
    }

    pub fn origin(&self) -> &str {
        &self.reader.log().origin
    }

    /// A checkpoint signed with the key in force: what the log's owner can sign at any time.
    pub fn signed_by_owner(&self, checkpoint: &Checkpoint) -> String {
        let key = VerifierKey::parse(&self.keys[1]).unwrap();
        let text = checkpoint.to_text();
        let signature = self.signer.sign(text.as_bytes()).unwrap();
        format!("{text}\n{}", signature_line(&key, &signature))
    }

    /// A checkpoint signed with a key that is not the log's, under the log's name.
    pub fn signed_by_stranger(&self, checkpoint: &Checkpoint) -> String {
        let key = VerifierKey::log(self.origin(), stranger().verifying_key().to_bytes()).unwrap();
        let text = checkpoint.to_text();
        format!("{text}\n{}", signature_line(&key, &stranger().sign(text.as_bytes()).to_bytes()))
    }
}

/// Something to judge.
pub struct Case {
    /// What it is, for people.
    pub name: String,
    /// `checkpoint`, `inclusion`, `consistency`, `log` or `proof`.
    pub kind: &'static str,
    /// Whether it is to be accepted.
    pub good: bool,
    /// What somebody tampered with: `signature`, `cosignature` or `tree`; a judge that does not look at this skips the case.
    pub breaks: Option<&'static str>,
    /// The files, by what they are, and the keys.
    pub given: Value,
}

/// Cases, and the folder where their files are.
pub struct Cases {
    folder: PathBuf,
    pub all: Vec<Case>,
}

impl Cases {
    pub fn new(folder: &Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self { folder: folder.to_owned(), all: Vec::new() }
    }

    /// A new folder for the next case, by its name within the cases' folder.
    pub fn folder(&self) -> (String, PathBuf) {
        let name = format!("{:03}", self.all.len());
        let path = self.folder.join(&name);
        std::fs::create_dir_all(&path).unwrap();
        (name, path)
    }

    /// Adds a case whose files are these; `more` are its keys and the like.
    pub fn add(
        &mut self,
        kind: &'static str,
        name: impl Into<String>,
        breaks: Option<&'static str>,
        files: &[(&str, &[u8])],
        more: Value,
    ) {
        let (folder, path) = self.folder();
        let mut given = more;
        for (file, bytes) in files {
            std::fs::write(path.join(file), bytes).unwrap();
            given[*file] = json!(format!("{folder}/{file}"));
        }
        self.push(kind, name, breaks, given);
    }

    pub fn push(
        &mut self,
        kind: &'static str,
        name: impl Into<String>,
        breaks: Option<&'static str>,
        given: Value,
    ) {
        let name = format!("{kind}: {}", name.into());
        self.all.push(Case { name, kind, good: breaks.is_none(), breaks, given });
    }

    /// Writes the list of cases beside their files.
    pub fn write(&self) {
        let list: Vec<Value> = self
            .all
            .iter()
            .map(|case| {
                let mut value = case.given.clone();
                value["name"] = json!(case.name);
                value["kind"] = json!(case.kind);
                value["good"] = json!(case.good);
                value["breaks"] = json!(case.breaks.unwrap_or_default());
                value
            })
            .collect();
        let text = serde_json::to_string_pretty(&list).unwrap();
        std::fs::write(self.folder.join("cases.json"), text).unwrap();
    }
}

/// A note as a file again.
fn written(note: &Note) -> String {
    let line = |one: &octro_verify::Signature| {
        format!("\u{2014} {} {}\n", one.name, base64_encode(&[one.id.as_slice(), &one.blob].concat()))
    };
    format!("{}\n{}", note.text, note.signatures.iter().map(line).collect::<String>())
}

/// Checkpoints that were signed, and checkpoints that were not signed so.
pub fn checkpoints(cases: &mut Cases, sample: &Sample) {
    for (size, note) in &sample.notes {
        let keys = json!({ "keys": sample.keys });
        cases.add("checkpoint", format!("of {size} entries"), None, &[("note", note.as_bytes())], keys);
    }
    let in_force = json!({ "keys": [sample.keys[1]] });
    let good = Note::parse(sample.newest()).unwrap();
    let said = Checkpoint::parse(&good.text).unwrap();
    let (mine, cosignature) = (&good.signatures[0], &good.signatures[1]);
    // With the text or the log's signature changed in one way each.
    let mut tampered = |name: &str, change: &dyn Fn(&mut Note)| {
        let mut note = good.clone();
        change(&mut note);
        let text = written(&note);
        cases.add("checkpoint", name, Some("signature"), &[("note", text.as_bytes())], in_force.clone());
    };
    let with = |checkpoint: Checkpoint| move |note: &mut Note| note.text = checkpoint.to_text();
    tampered("another origin", &with(Checkpoint { origin: "octro.test/other".to_owned(), ..said.clone() }));
    tampered("another size", &with(Checkpoint { size: said.size - 1, ..said.clone() }));
    let mut root = said.root;
    root[31] ^= 1;
    tampered("another root", &with(Checkpoint { root, ..said.clone() }));
    tampered("a line that nobody signed", &|note| note.text.push_str("a line more\n"));
    tampered("one bit of the signature", &|note| note.signatures[0].blob[40] ^= 1);
    tampered("the signature cut short", &|note| note.signatures[0].blob.truncate(63));
    let before = Note::parse(sample.note(SIZES[4])).unwrap();
    let before = before.signatures.into_iter().find(|one| one.id == mine.id).unwrap();
    tampered("the signature of an earlier one", &|note| note.signatures[0] = before.clone());
    let stranger = Note::parse(&sample.signed_by_stranger(&said)).unwrap();
    let blob = stranger.signatures[0].blob.clone();
    tampered("a stranger's signature under our key's id", &|note| note.signatures[0].blob.clone_from(&blob));
    let files = [("note", written(&stranger))];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_bytes()));
    cases.add("checkpoint", "a stranger's key of our name", Some("signature"), &files, in_force);
    let old = json!({ "keys": [sample.keys[0]] });
    let newest = [("note", sample.newest().as_bytes())];
    cases.add("checkpoint", "judged by the key before the change", Some("signature"), &newest, old.clone());
    let at_change = [("note", sample.note(SIZES[4]).as_bytes())];
    cases.add("checkpoint", "at the change, by the key before", None, &at_change, old);

    let witnessed = json!({ "keys": [sample.keys[1]], "witness": sample.witness });
    cases.add("checkpoint", "cosigned", None, &newest, witnessed.clone());
    let mut tampered = |name: &str, change: &dyn Fn(&mut Note)| {
        let mut note = good.clone();
        change(&mut note);
        let text = written(&note);
        cases.add("checkpoint", name, Some("cosignature"), &[("note", text.as_bytes())], witnessed.clone());
    };
    tampered("the cosignature is missing", &|note| drop(note.signatures.pop()));
    tampered("one bit of the cosignature", &|note| note.signatures[1].blob[40] ^= 1);
    tampered("another time of the cosignature", &|note| note.signatures[1].blob[7] ^= 1);
    let other = Note::parse(sample.note(SIZES[3])).unwrap().signatures.remove(1);
    assert_eq!(other.id, cosignature.id);
    tampered("the cosignature of another checkpoint", &|note| note.signatures[1] = other.clone());
}
