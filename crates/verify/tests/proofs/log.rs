//! A small log in memory, as the ledger writes one, that makes real proofs; and, for a dishonest owner, lets anything be
//! written.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use octro_verify::{
    Checkpoint, Claim, Entry, Hash, KeyChange, Leaf, Member, Opened, Policy, Population, Proof, Salts, Seal,
    SealedState, State, Status, Tally, Transition, VerifierKey, What, commitment, cosigned_message, hex,
    leaf_hash, member_leaf, own_salt, path, results_commitment, root, rotation_message, salt, sha256,
    signature_line, subtrees,
};

pub const ORIGIN: &str = "octro.example/log";
pub const SECOND: u64 = 1_000_000;
pub const HOUR: u64 = 3_600 * SECOND;
pub const DAY: u64 = 24 * HOUR;
/// 2026-01-01T00:00:00Z.
pub const START: u64 = 1_767_225_600 * SECOND;

/// Midnight at the beginning of a day's number, from 0 on.
pub fn day(n: u64) -> u64 {
    START + n * DAY
}

pub fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub fn log_key(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::log(name, signing(seed).verifying_key().to_bytes()).expect("a key")
}

pub fn witness_key(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::witness(name, signing(seed).verifying_key().to_bytes()).expect("a key")
}

/// A log's key and one witness, who must have cosigned.
pub fn policy() -> Policy {
    Policy {
        logs: vec![log_key(ORIGIN, 1)],
        witnesses: vec![witness_key("witness.example", 9)],
        required: 1,
        now: None,
    }
}

/// A resource: its key and its tests' results.
pub type Resource = (String, BTreeMap<String, Status>);

pub fn resource(key: &str, results: &[(&str, Status)]) -> Resource {
    (key.to_owned(), results.iter().map(|(test, status)| ((*test).to_owned(), *status)).collect())
}

struct Tree {
    secret: Hash,
    kind: String,
    members: Vec<(Hash, Hash, Resource, Hash)>,
}

pub struct Log {
    pub origin: String,
    pub seed: u8,
    pub leaves: Vec<Vec<u8>>,
    pub states: BTreeMap<String, State>,
    pub kinds: BTreeMap<String, (Vec<Resource>, bool, Salts)>,
    pub program: Hash,
    seals: BTreeMap<u64, Vec<State>>,
    seal: Option<(u64, Hash)>,
    trees: BTreeMap<u64, Tree>,
}

impl Log {
    pub fn new(t: u64) -> Self {
        let mut log = Self {
            origin: ORIGIN.to_owned(),
            seed: 1,
            leaves: Vec::new(),
            states: BTreeMap::new(),
            kinds: BTreeMap::new(),
            program: sha256(b"program 1"),
            seals: BTreeMap::new(),
            seal: None,
            trees: BTreeMap::new(),
        };
        log.write(t, What::Open { origin: ORIGIN.to_owned(), after: None });
        log.write(t, What::Program { hash: log.program, name: "acme".to_owned(), ord: 1 });
        log
    }

    pub fn write(&mut self, t: u64, what: What) -> (u64, Hash) {
        let bytes = Leaf { written: t, what }.to_bytes();
        let hash = leaf_hash(&bytes);
        self.leaves.push(bytes);
        (self.leaves.len() as u64 - 1, hash)
    }

    pub fn transition(&mut self, control: &str, to: Status, at: u64, t: u64) -> u64 {
        let before = self.states.get(control).map(|state| (state.last, state.status));
        let n = self.states.get(control).map_or(1, |state| state.n + 1);
        let (control, program) = (control.to_owned(), self.program);
        let of = Transition { control: control.clone(), n, before, to, at, program };
        let (index, hash) = self.write(t, What::Transition(of));
        let state = self.states.entry(control.clone()).or_insert(State {
            control,
            status: to,
            n,
            last: hash,
            at,
            evaluations: 0,
            evaluated: None,
            gap: 0,
            silent: 0,
            tally: Tally::default(),
            populations: BTreeMap::new(),
        });
        (state.status, state.n, state.last, state.at) = (to, n, hash, at);
        index
    }

    /// Every control is evaluated `times` times until `t`.
    pub fn evaluate(&mut self, times: u64, gap: u64, t: u64) {
        for state in self.states.values_mut() {
            state.evaluations += times;
            state.evaluated = Some(t);
            state.gap = gap;
            state.silent += gap.saturating_sub(8 * HOUR);
        }
    }

    pub fn population(&mut self, kind: &str, t: u64) -> (u64, Hash) {
        let (resources, complete, salts) = self.kinds[kind].clone();
        let secret = sha256(format!("population {} of {kind}", self.leaves.len()).as_bytes());
        let mut members: Vec<_> = resources
            .into_iter()
            .map(|resource| {
                let salt = match salts {
                    Salts::Key => salt(&secret, kind, &resource.0),
                    Salts::Own => own_salt(&sha256(resource.0.as_bytes()), &secret),
                };
                (commitment(&salt, kind, &resource.0), results_commitment(&salt, &resource.1), resource, salt)
            })
            .collect();
        members.sort_by_key(|member| member.0);
        let tree = Tree { secret, kind: kind.to_owned(), members };
        let of = Population {
            kind: kind.to_owned(),
            count: tree.members.len() as u64,
            complete,
            enumerated: Some(t - HOUR),
            root: root(&tree.hashes()),
            key: sha256(&secret),
            salts,
        };
        let (index, hash) = self.write(t, What::Population(of));
        self.trees.insert(index, tree);
        (index, hash)
    }

    /// Seals the day; `change` may alter what is sealed.
    pub fn seal_with(&mut self, t: u64, change: impl FnOnce(&mut Vec<State>, &mut Seal)) -> u64 {
        let kinds: Vec<String> = self.kinds.keys().cloned().collect();
        let populations: BTreeMap<String, Hash> =
            kinds.into_iter().map(|kind| (kind.clone(), self.population(&kind, t).1)).collect();
        let mut states: Vec<State> = self.states.values().cloned().collect();
        for state in &mut states {
            state.populations.clone_from(&populations);
        }
        let mut seal = Seal {
            n: self.seal.map_or(1, |(n, _)| n + 1),
            prev: self.seal.map(|(_, hash)| hash),
            controls: 0,
            root: [0; 32],
            program: self.program,
            signer: hex(&log_key(&self.origin, self.seed).id()),
        };
        change(&mut states, &mut seal);
        seal.controls = states.len() as u64;
        seal.root = root(&hashes(&states));
        let n = seal.n;
        let (index, hash) = self.write(t, What::Seal(seal));
        self.seal = Some((n, hash));
        self.seals.insert(index, states);
        index
    }

    pub fn seal(&mut self, t: u64) -> u64 {
        self.seal_with(t, |_, _| {})
    }

    pub fn rotate(&mut self, seed: u8, t: u64) -> u64 {
        let (old, new) = (log_key(&self.origin, self.seed), log_key(&self.origin, seed));
        let message = rotation_message(&old, &new);
        let by = |seed: u8| signing(seed).sign(message.as_bytes()).to_bytes();
        let change = KeyChange { by_old: by(self.seed), by_new: by(seed), old, new };
        self.seed = seed;
        self.write(t, What::Key(Box::new(change))).0
    }

    pub fn root(&self) -> Hash {
        root(&self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect::<Vec<_>>())
    }

    pub fn checkpoint_text(&self) -> String {
        Checkpoint { origin: self.origin.clone(), size: self.leaves.len() as u64, root: self.root() }
            .to_text()
    }

    /// Signed by the log and cosigned by a witness an hour after the last leaf.
    pub fn checkpoint(&self) -> String {
        let last = Leaf::parse(self.leaves.last().expect("a leaf")).map_or(day(300), |leaf| leaf.written);
        let text = self.checkpoint_text();
        format!(
            "{text}\n{}{}",
            signed(&text, &self.origin, self.seed),
            cosigned(&text, 9, (last + HOUR) / SECOND)
        )
    }

    pub fn proof(&self, claim: Claim, indexes: &[u64]) -> Proof {
        let mut indexes = indexes.to_vec();
        indexes.sort_unstable();
        indexes.dedup();
        let all: Vec<Hash> = self.leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let given = subtrees(all.len() as u64, &indexes).expect("in order");
        let hashes = given.iter().map(|(start, end)| root(&all[*start as usize..*end as usize])).collect();
        let leaf = |index: u64| String::from_utf8(self.leaves[index as usize].clone()).expect("a text");
        let entries =
            indexes.into_iter().map(|index| Entry { index: Some(index), leaf: leaf(index) }).collect();
        let (states, members, secret, stamps) = (Vec::new(), Vec::new(), None, Vec::new());
        Proof { claim, checkpoint: self.checkpoint(), entries, hashes, states, members, secret, stamps }
    }

    pub fn state(&self, seal: u64, control: &str) -> SealedState {
        let states = &self.seals[&seal];
        let place = states.iter().position(|state| state.control == control).expect("a state");
        let text = String::from_utf8(states[place].to_bytes()).expect("a text");
        SealedState {
            seal,
            place: place as u64,
            state: text,
            path: path(&hashes(states), place).expect("a place"),
        }
    }

    fn leaf(&self, index: u64) -> Option<Leaf> {
        Leaf::parse(&self.leaves[index as usize]).ok()
    }

    fn populations(&self, seal: u64, control: &str) -> Vec<u64> {
        let state = self.seals[&seal].iter().find(|state| state.control == control).expect("a state");
        let find = |hash: &Hash| {
            self.leaves.iter().position(|leaf| leaf_hash(leaf) == *hash).expect("a leaf") as u64
        };
        state.populations.values().map(find).collect()
    }

    /// The seals that a proof of this interval rests on: the last at or before `from` that knows the control, and the first
    /// at or after `to`; `every`: also those between.
    pub fn seals_of(&self, control: &str, from: u64, to: u64, every: bool) -> Vec<u64> {
        let at = |seal: &u64| self.leaf(*seal).expect("a seal").written;
        let knows = |seal: &u64| self.seals[seal].iter().any(|state| state.control == control);
        let known: Vec<u64> = self.seals.keys().copied().filter(knows).collect();
        let first = known.iter().copied().rfind(|seal| at(seal) <= from);
        let last = known.iter().copied().find(|seal| at(seal) >= to && Some(*seal) >= first);
        let between = known.iter().copied().filter(|seal| every && Some(*seal) > first && Some(*seal) < last);
        let mut seals: Vec<u64> = first.into_iter().chain(between).chain(last).collect();
        seals.dedup();
        seals
    }

    /// A proof of an interval from these seals, without the entries that `left_out` names.
    pub fn interval_of(&self, control: &str, from: u64, to: u64, seals: &[u64], left_out: &[u64]) -> Proof {
        let begins = seals.first().filter(|seal| self.leaf(**seal).expect("a seal").written <= from).copied();
        let end = seals.last().copied().unwrap_or(self.leaves.len() as u64);
        let mut indexes: Vec<u64> = seals.to_vec();
        for index in begins.unwrap_or(0)..end {
            match self.leaf(index).map(|leaf| leaf.what) {
                Some(What::Transition(of)) if of.control == control => indexes.push(index),
                Some(What::Key(_)) => indexes.push(index),
                _ => {}
            }
        }
        indexes.extend(
            (end..self.leaves.len() as u64)
                .filter(|index| self.leaf(*index).is_some_and(|leaf| matches!(leaf.what, What::Key(_)))),
        );
        for seal in begins.into_iter().chain(seals.last().copied()) {
            indexes.extend(self.populations(seal, control));
        }
        indexes.retain(|index| !left_out.contains(index));
        let claim = Claim::Interval { control: control.to_owned(), from, to };
        let mut proof = self.proof(claim, &indexes);
        proof.states = seals
            .iter()
            .filter(|seal| !left_out.contains(seal))
            .map(|seal| self.state(*seal, control))
            .collect();
        proof
    }

    pub fn interval(&self, control: &str, from: u64, to: u64) -> Proof {
        self.interval_of(control, from, to, &self.seals_of(control, from, to, false), &[])
    }

    /// The same proof with the log's first leaf in it.
    pub fn with_opening(&self, of: &Proof) -> Proof {
        let indexes: Vec<u64> =
            std::iter::once(0).chain(of.entries.iter().filter_map(|entry| entry.index)).collect();
        Proof { states: of.states.clone(), ..self.proof(of.claim.clone(), &indexes) }
    }

    /// The same proof as Octro hands it out: of its transitions only the last is shown in the log.
    pub fn linked(&self, of: &Proof) -> Proof {
        let leaf = |entry: &Entry| Some((entry.index?, entry.leaf.clone().into_bytes()));
        let entries = Entry::all(&of.claim, of.entries.iter().filter_map(leaf).collect());
        self.under(&Proof { entries, ..of.clone() })
    }

    /// The same proof with the hashes that lead from its entries to this log's root.
    pub fn under(&self, of: &Proof) -> Proof {
        let indexes: Vec<u64> = of.entries.iter().filter_map(|entry| entry.index).collect();
        Proof { hashes: self.proof(of.claim.clone(), &indexes).hashes, ..of.clone() }
    }

    fn resting(&self, seal: u64, kind: &str, control: &str) -> (u64, &Tree) {
        let of = |index: &u64| self.trees[index].kind == kind;
        let index = self.populations(seal, control).into_iter().find(of).expect("a population");
        (index, &self.trees[&index])
    }

    pub fn member(&self, seal: u64, kind: &str, key: &str, control: &str) -> Proof {
        let (index, tree) = self.resting(seal, kind, control);
        let place = tree.members.iter().position(|member| member.2.0 == key).expect("a member");
        let at = self.leaf(seal).expect("a seal").written;
        let claim = Claim::Member { kind: kind.to_owned(), key: key.to_owned(), at };
        let mut proof = self.proof(claim, &[index, seal]);
        proof.states = vec![self.state(seal, control)];
        proof.members = vec![tree.member(index, place, true)];
        proof
    }

    pub fn absent(&self, seal: u64, kind: &str, key: &str, control: &str) -> Proof {
        let (index, tree) = self.resting(seal, kind, control);
        let sought = commitment(&salt(&tree.secret, kind, key), kind, key);
        let place = tree.members.partition_point(|member| member.0 < sought);
        let at = self.leaf(seal).expect("a seal").written;
        let claim = Claim::Absent { kind: kind.to_owned(), key: key.to_owned(), at };
        let mut proof = self.proof(claim, &[index, seal]);
        proof.states = vec![self.state(seal, control)];
        let neighbours = [place.checked_sub(1), Some(place)].into_iter().flatten();
        proof.members = neighbours
            .filter(|at| *at < tree.members.len())
            .map(|at| tree.member(index, at, false))
            .collect();
        proof.secret = Some(tree.secret);
        proof
    }
}

impl Tree {
    fn hashes(&self) -> Vec<Hash> {
        self.members.iter().map(|member| leaf_hash(&member_leaf(&member.0, &member.1))).collect()
    }

    fn member(&self, population: u64, place: usize, open: bool) -> Member {
        let (commitment, results, (key, statuses), salt) = self.members[place].clone();
        let path = path(&self.hashes(), place).expect("a place");
        let opened = open.then_some(Opened { key, salt, results: statuses });
        Member { population, place: place as u64, path, commitment, results, opened }
    }
}

pub fn hashes(states: &[State]) -> Vec<Hash> {
    states.iter().map(|state| leaf_hash(&state.to_bytes())).collect()
}

pub fn signed(text: &str, name: &str, seed: u8) -> String {
    signature_line(&log_key(name, seed), &signing(seed).sign(text.as_bytes()).to_bytes())
}

pub fn cosigned(text: &str, seed: u8, time: u64) -> String {
    let mut blob = time.to_be_bytes().to_vec();
    blob.extend(signing(seed).sign(cosigned_message(time, text).as_bytes()).to_bytes());
    signature_line(&witness_key("witness.example", seed), &blob)
}

/// Fourteen days of three controls over devices and people. `EP-01` fails on the evenings of days 3 and 6; on day 8
/// nothing is evaluated for 30 hours; `NEW-1` begins on day 5.
pub fn company() -> Log {
    let mut log = Log::new(START);
    let devices = |n: u64| -> Vec<Resource> {
        let status = |i| if i == 3 { Status::Fail } else { Status::Pass };
        (0..n)
            .map(|i| {
                resource(
                    &format!("laptop-{i}"),
                    &[("device.encrypted", status(i)), ("device.locked", Status::Pass)],
                )
            })
            .collect()
    };
    let people =
        vec![resource("ada@example.com", &[("person.mfa", Status::Pass)]), resource("bob@example.com", &[])];
    log.kinds.insert("device".to_owned(), (devices(7), true, Salts::Key));
    log.kinds.insert("bucket".to_owned(), (Vec::new(), true, Salts::Key));
    log.kinds.insert("person".to_owned(), (people, false, Salts::Own));
    log.transition("AC-02", Status::Pass, START, START + SECOND);
    log.transition("EP-01", Status::Unknown, START, START + SECOND);
    log.transition("EP-01", Status::Pass, START + HOUR, START + HOUR + 3 * SECOND);
    for n in 1..14 {
        match n {
            4 | 7 => {
                let begin = day(n - 1) + 18 * HOUR;
                log.transition("EP-01", Status::Fail, begin, begin + 20 * SECOND);
                log.transition("EP-01", Status::Pass, begin + 2 * HOUR, begin + 2 * HOUR + SECOND);
            }
            6 => drop(log.transition("NEW-1", Status::NotApplicable, day(5) + HOUR, day(5) + HOUR)),
            _ => {}
        }
        if n == 9 {
            log.evaluate(1, 30 * HOUR, day(9) - HOUR);
        } else {
            log.evaluate(4, 6 * HOUR, day(n) - HOUR);
        }
        log.seal(day(n));
    }
    let hash = sha256(b"");
    let commit = |body: &str| octro_verify::hmac(&hash, &[body.as_bytes()]);
    let (subject, by, body) = (commit("laptop-3"), commit("ada@example.com"), commit("accepted until June"));
    log.write(day(13) + HOUR, What::Decision { what: "exception.approved".to_owned(), subject, by, body });
    log
}
