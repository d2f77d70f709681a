//! Our own verifier's judgement of the cases, from their files alone.

use std::path::Path;

use octro_ledger::tile::{WIDTH, bundle_path, hashes_at, path};
use octro_verify::{
    Checkpoint, Hash, Note, Outcome, Policy, VerifierKey, base64_decode, consistent, included, leaf_hash,
    root,
};

use crate::cases::Case;

type Judgement<T = ()> = Result<T, String>;

/// Accepts the case, or says why not.
pub fn judge(at: &Path, case: &Case) -> Judgement {
    let file = |name: &str| at.join(case.given[name].as_str().unwrap());
    let text = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    let list = |name: &str| -> Vec<String> {
        let all = case.given[name].as_array().unwrap();
        all.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let keys: Vec<VerifierKey> = list("keys").iter().map(|key| VerifierKey::parse(key).unwrap()).collect();
    match case.kind {
        "checkpoint" => {
            let note = text("note");
            opened(&note, &keys)?;
            let Some(witness) = case.given.get("witness") else { return Ok(()) };
            let witness = VerifierKey::parse(witness.as_str().unwrap()).unwrap();
            let note = Note::parse(&note).unwrap();
            let cosigned = note.cosigned_by(&witness).map_err(|fault| fault.to_string())?;
            cosigned.map(|_| ()).ok_or_else(|| "not cosigned".to_owned())
        }
        "inclusion" => {
            let (proof, leaf) = (text("proof"), std::fs::read(file("leaf")).unwrap());
            let (head, note) = proof.split_once("\n\n").unwrap();
            let mut lines = head.lines().skip(1);
            let index = lines.next().unwrap().strip_prefix("index ").unwrap().parse().unwrap();
            let said = opened(note, &keys)?;
            let path = hashes(lines);
            let good = included(index, said.size, &leaf_hash(&leaf), &path, &said.root);
            good.then_some(()).ok_or_else(|| "not included".to_owned())
        }
        "consistency" => {
            let (old, new) = (opened(&text("old"), &keys)?, opened(&text("new"), &keys)?);
            let proof = hashes(text("hashes").lines());
            let good = consistent(old.size, &old.root, new.size, &new.root, &proof);
            good.then_some(()).ok_or_else(|| "not consistent".to_owned())
        }
        "log" => log(at, &file("folder"), &list("seen"), &keys),
        "proof" => {
            let policy = Policy { logs: keys, ..Policy::default() };
            let outcome = octro_verify::verify(&std::fs::read(file("proof")).unwrap(), &policy);
            // Each case is a proof in its form: what is wrong with it is to be said, not that it is none.
            assert!(!matches!(outcome, Outcome::Unusable(_)), "{}: {outcome:?}", case.name);
            match outcome {
                Outcome::Proved(_) => {
                    let proof = octro_verify::Proof::parse(&std::fs::read(file("proof")).unwrap()).unwrap();
                    linked(&proof, &entries(&file("folder"), &policy.logs)?)
                }
                Outcome::Refuted(reason) => Err(reason.to_string()),
                Outcome::Unusable(why) => Err(why),
            }
        }
        other => Err(format!("no such kind: {other}")),
    }
}

fn hashes<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Hash> {
    lines.map(|line| base64_decode(line).unwrap().try_into().unwrap()).collect()
}

/// What a note says, if one of the keys signed it.
fn opened(note: &str, keys: &[VerifierKey]) -> Judgement<Checkpoint> {
    let note = Note::parse(note).map_err(|fault| fault.to_string())?;
    let mut signed = false;
    for key in keys {
        signed |= note.signed_by(key).map_err(|fault| fault.to_string())?;
    }
    let said = Checkpoint::parse(&note.text).map_err(|fault| fault.to_string())?;
    if !signed || keys.iter().any(|key| key.name != said.origin) {
        return Err("not signed by a key of the log".to_owned());
    }
    Ok(said)
}

/// That the linked leaves of a proof stand in the log, which it does not show itself.
fn linked(proof: &octro_verify::Proof, log: &[Vec<u8>]) -> Judgement {
    let mut linked = proof.entries.iter().filter(|entry| entry.index.is_none());
    match linked.find(|entry| !log.iter().any(|leaf| leaf == entry.leaf.as_bytes())) {
        None => Ok(()),
        Some(missing) => Err(format!("this linked leaf is nowhere in the log: {}", missing.leaf)),
    }
}

/// Pieces of so many hashes or entries: the place of each, and its width.
fn widths(count: u64) -> impl Iterator<Item = (u64, u64)> {
    (0..count.div_ceil(WIDTH)).map(move |place| (place, (count - place * WIDTH).min(WIDTH)))
}

/// A published piece: the partial one, or the full one that took its place.
fn piece(folder: &Path, full: &str, part: &str) -> Judgement<Vec<u8>> {
    std::fs::read(folder.join(part))
        .or_else(|_| std::fs::read(folder.join(full)))
        .map_err(|_| format!("{part} is missing"))
}

/// All entries of a published log.
fn entries(folder: &Path, keys: &[VerifierKey]) -> Judgement<Vec<Vec<u8>>> {
    let said = opened(&std::fs::read_to_string(folder.join("checkpoint")).unwrap(), keys)?;
    let mut all = Vec::new();
    for (place, count) in widths(said.size) {
        let bytes = piece(folder, &bundle_path(place, WIDTH), &bundle_path(place, count))?;
        let mut rest = bytes.as_slice();
        let mut found = 0;
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            let (leaf, after) = after.split_at_checked(length).ok_or("a bundle that is cut short")?;
            if found < count {
                all.push(leaf.to_vec());
            }
            (found, rest) = (found + 1, after);
        }
        if !rest.is_empty() || (found != count && found != WIDTH) {
            return Err(format!("bundle {place} has {found} entries"));
        }
    }
    Ok(all)
}

/// Makes a log's tree anew from its entries, and compares tiles, checkpoint, and all checkpoints that were seen before.
fn log(at: &Path, folder: &Path, seen: &[String], keys: &[VerifierKey]) -> Judgement {
    let width = usize::try_from(WIDTH).unwrap();
    let said = opened(&std::fs::read_to_string(folder.join("checkpoint")).unwrap(), keys)?;
    let tree: Vec<Hash> = entries(folder, keys)?.iter().map(|leaf| leaf_hash(leaf)).collect();
    if root(&tree) != said.root {
        return Err("the entries do not have the signed root".to_owned());
    }
    let mut level_hashes = tree.clone();
    for level in 0.. {
        let count = hashes_at(said.size, level);
        if count == 0 {
            break;
        }
        for ((place, width), hashes) in widths(count).zip(level_hashes.chunks(width)) {
            let bytes = piece(folder, &path(level, place, WIDTH), &path(level, place, width))?;
            let expected = hashes.concat();
            if bytes.get(..expected.len()) != Some(expected.as_slice()) {
                return Err(format!("tile {level}/{place} is forged"));
            }
        }
        level_hashes = level_hashes.chunks_exact(width).map(root).collect();
    }
    for path in seen {
        let before = opened(&std::fs::read_to_string(at.join(path)).unwrap(), keys)?;
        let first = tree.get(..usize::try_from(before.size).unwrap());
        if first.is_none_or(|first| root(first) != before.root) {
            return Err(format!(
                "it does not continue the checkpoint of {} entries that was seen",
                before.size
            ));
        }
    }
    Ok(())
}
