//! A resource was in the population that a seal rests on, or was not.

use crate::check::{Checked, Seen};
use crate::fault::quoted;
use crate::hash::{EMPTY_ROOT, Hash, hex, leaf_hash, sha256};
use crate::leaf::{Population, Salts, Seal, What};
use crate::merkle::root_of_path;
use crate::population::{commitment, member_leaf, results_commitment, salt};
use crate::proof::Member;
use crate::report::{PopulationSeen, Reason, SealSeen, Shown};
use crate::say::{count, moment};

struct Found<'a> {
    seal: SealSeen,
    population: &'a Population,
    /// The entry's index.
    index: Option<u64>,
}

pub(crate) fn member(
    checked: &Checked<'_>,
    kind: &str,
    key: &str,
    at: u64,
    proved: &mut Vec<String>,
    not_proved: &mut Vec<String>,
) -> Result<Shown, Reason> {
    let found = population(checked, kind, at)?;
    let [member] = checked.proof.members.as_slice() else {
        return Err(Reason::new(
            "members",
            format!("there are {}; expected one", checked.proof.members.len()),
        ));
    };
    included(member, &found, 0)?;
    let wrong = |what: &str| Reason::new("members[0]", what);
    let opened = member
        .opened
        .as_ref()
        .ok_or_else(|| wrong("is not opened; a proof that a resource was there opens it"))?;
    if opened.key != key {
        return Err(wrong(&format!(
            "is the resource {}; the claim is about {}",
            quoted(&opened.key),
            quoted(key)
        )));
    }
    if commitment(&opened.salt, kind, key) != member.commitment {
        return Err(wrong("`commitment` does not open to this kind, key and salt"));
    }
    if results_commitment(&opened.salt, &opened.results) != member.results {
        return Err(wrong("`results` does not open to these results and salt"));
    }
    proved.push(format!(
        "At seal {} of {}, the resource {} of kind `{kind}` was one of {}.",
        found.seal.n,
        moment(found.seal.at),
        quoted(key),
        count(found.population.count, "resource")
    ));
    for (test, status) in &opened.results {
        proved.push(format!("Test `{test}` gave for it: {status}."));
    }
    if opened.results.is_empty() {
        proved.push("No test had a result for it.".to_owned());
    }
    proved.push(enumeration(found.population));
    not_proved.push("That what the sources said of it was true.".to_owned());
    not_proved.push("Anything about it before or after this seal.".to_owned());
    let (seal, population) = (found.seal, seen(found.population));
    Ok(Shown::Member { seal, population, opened: opened.clone() })
}

pub(crate) fn absent(
    checked: &Checked<'_>,
    kind: &str,
    key: &str,
    at: u64,
    proved: &mut Vec<String>,
    not_proved: &mut Vec<String>,
) -> Result<Shown, Reason> {
    let found = population(checked, kind, at)?;
    if found.population.salts == Salts::Own {
        return Err(Reason::new(
            "claim",
            format!(
                "kind `{kind}` has personal data: its commitments cannot be derived, so an absence cannot be shown"
            ),
        ));
    }
    let secret = checked
        .proof
        .secret
        .ok_or_else(|| Reason::new("secret", "is missing; an absence is shown with the population's key"))?;
    if sha256(&secret) != found.population.key {
        return Err(Reason::new("secret", "is not the key of this population"));
    }
    let sought = commitment(&salt(&secret, kind, key), kind, key);
    let members = &checked.proof.members;
    for (i, member) in members.iter().enumerate() {
        included(member, &found, i)?;
        if member.commitment == sought {
            return Err(Reason::new(
                format!("members[{i}]"),
                "is the very resource that is said to be absent",
            ));
        }
    }
    let last = found.population.count.saturating_sub(1);
    let adjacent = match members.as_slice() {
        [] => found.population.count == 0,
        [one] => {
            (one.place == 0 && sought < one.commitment) || (one.place == last && one.commitment < sought)
        }
        [left, right] => {
            left.place + 1 == right.place && left.commitment < sought && sought < right.commitment
        }
        _ => false,
    };
    if !adjacent {
        let wrong = format!("are not the neighbours of the place where it would be, {}", hex(&sought));
        return Err(Reason::new("members", wrong));
    }
    if found.population.count == 0 && found.population.root != EMPTY_ROOT {
        return Err(Reason::new(
            "members",
            "the population has no members, but its root is not that of an empty tree",
        ));
    }
    proved.push(format!(
        "At seal {} of {}, the resource {} of kind `{kind}` was none of {}.",
        found.seal.n,
        moment(found.seal.at),
        quoted(key),
        count(found.population.count, "resource")
    ));
    proved.push(enumeration(found.population));
    if !found.population.complete {
        not_proved.push(
            "That it did not exist: the enumeration was not complete, so it may not have been seen."
                .to_owned(),
        );
    }
    not_proved.push("That the owner derived every commitment from the population's key, as the format asks: whoever gets the whole list can check it.".to_owned());
    not_proved.push("Anything about it before or after this seal.".to_owned());
    Ok(Shown::Absent { seal: found.seal, population: seen(found.population) })
}

/// The seal and the population of the proof, once it is known that the seal rests on it.
fn population<'a>(checked: &'a Checked<'_>, kind: &str, at: u64) -> Result<Found<'a>, Reason> {
    let mut seal: Option<(&Seen, &Seal)> = None;
    let mut population: Option<(usize, &Seen, &Population)> = None;
    for (i, entry) in checked.entries.iter().enumerate() {
        match &entry.leaf.what {
            What::Seal(of) if seal.is_none() => seal = Some((entry, of)),
            What::Population(of) if population.is_none() => population = Some((i, entry, of)),
            What::Key(_) => {}
            What::Seal(_)
            | What::Population(_)
            | What::Open { .. }
            | What::Transition(_)
            | What::Program { .. }
            | What::Collection(_)
            | What::Decision { .. }
            | What::Erasure { .. }
            | What::Export { .. } => {
                let wrong = "has no place in a proof of a resource: expected one seal and one population";
                return Err(Reason::new(format!("entries[{i}]"), wrong));
            }
        }
    }
    let (Some((seal, of_seal)), Some((i, entry, population))) = (seal, population) else {
        return Err(Reason::new("entries", "expected a seal and a population that it rests on"));
    };
    if seal.leaf.written != at {
        return Err(Reason::new(
            "claim",
            format!("`at` is {}; the seal is of {}", moment(at), moment(seal.leaf.written)),
        ));
    }
    if population.kind != kind {
        return Err(Reason::new(
            format!("entries[{i}]"),
            format!("is of kind `{}`; the claim is about `{kind}`", population.kind),
        ));
    }
    let [state] = checked.states.as_slice() else {
        return Err(Reason::new(
            "states",
            format!("there are {}; expected one that names the population", checked.states.len()),
        ));
    };
    if state.state.populations.get(kind) != Some(&entry.hash) || entry.index >= seal.index {
        return Err(Reason::new("states[0]", format!("does not rest on the population in entries[{i}]")));
    }
    Ok(Found { seal: seal.seal(of_seal), population, index: entry.index })
}

fn included(member: &Member, found: &Found<'_>, i: usize) -> Result<(), Reason> {
    let wrong = |what: String| Reason::new(format!("members[{i}]"), what);
    let Member { population, place, path, commitment, results, .. } = member;
    if Some(*population) != found.index {
        return Err(wrong(format!("`population` is {population}, which is no population among the entries")));
    }
    if *place >= found.population.count {
        return Err(wrong(format!(
            "`place` is {place}; the population has {}",
            count(found.population.count, "member")
        )));
    }
    let leaf: Hash = leaf_hash(&member_leaf(commitment, results));
    if root_of_path(*place, found.population.count, &leaf, path) != Some(found.population.root) {
        return Err(wrong(
            "is not in the population: commitments, place and path do not lead to its root".to_owned(),
        ));
    }
    Ok(())
}

pub(crate) fn seen(population: &Population) -> PopulationSeen {
    let Population { kind, count, complete, enumerated, .. } = population;
    PopulationSeen { kind: kind.clone(), count: *count, complete: *complete, enumerated: *enumerated }
}

/// How sure it is that these are all.
fn enumeration(population: &Population) -> String {
    match population.enumerated {
        Some(at) if population.complete => {
            format!("That these are all was said by a complete enumeration at {}.", moment(at))
        }
        Some(at) => format!(
            "Whether these are all is not known: the last enumeration, at {}, is incomplete or too old.",
            moment(at)
        ),
        None => "Whether these are all is not known: they were never enumerated.".to_owned(),
    }
}
