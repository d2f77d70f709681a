//! The populations that a seal commits to: copied out of the state in a moment, then hashed without it.
#![expect(clippy::indexing_slicing, reason = "places index vectors of the same length")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use octro_model::Id;
use octro_verify::{Hash, Status, leaf_hash, own_salt, salt};

use super::seal::{is_personal, member};
use super::tree::Tree;
use super::{Random, status};
use crate::EngineError;
use crate::delta::ENDED;
use crate::state::State;

/// What is seen of each kind that a test judges, with its results.
pub(crate) struct Copied(Vec<CopiedKind>);

struct CopiedKind {
    kind: u32,
    id: Id,
    personal: bool,
    tests: Vec<String>,
    /// Of each resource, in the order of their numbers: its number, its key, and a status code for each test.
    ords: Vec<i64>,
    keys: Vec<Arc<str>>,
    codes: Vec<u8>,
}

impl Copied {
    /// Copies it; this is all that has to wait for.
    pub(crate) fn of(state: &State) -> Self {
        let mut kinds = Vec::new();
        for (index, table) in state.kinds.iter().enumerate() {
            let Some(layout) = table.layout.as_ref().filter(|_| !table.tests.is_empty()) else { continue };
            let mut copied = CopiedKind {
                kind: index as u32,
                id: table.id.clone(),
                personal: is_personal(layout),
                tests: table.tests.iter().map(|active| active.rule.id.to_string()).collect(),
                ords: Vec::with_capacity(table.slots.len()),
                keys: Vec::with_capacity(table.slots.len()),
                codes: Vec::with_capacity(table.slots.len() * table.tests.len()),
            };
            for slot in &table.slots {
                let resource = &state.resources[*slot as usize];
                if !resource.is_gone() {
                    copied.ords.push(State::ord(*slot));
                    copied.keys.push(resource.key.clone());
                    copied.codes.extend_from_slice(&resource.statuses);
                }
            }
            kinds.push(copied);
        }
        Self(kinds)
    }

    /// How many resources it has.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|kind| kind.ords.len()).sum()
    }

    /// The kinds with personal data.
    pub(crate) fn personal(&self) -> impl Iterator<Item = &Id> {
        self.0.iter().filter(|kind| kind.personal).map(|kind| &kind.id)
    }
}

impl CopiedKind {
    fn codes(&self, place: usize) -> &[u8] {
        let width = self.tests.len();
        &self.codes[place * width..(place + 1) * width]
    }
}

/// The populations as the trees that a seal commits to.
#[derive(Default)]
pub(crate) struct Hashed(Vec<HashedKind>);

/// The population of one kind.
pub(super) struct HashedKind {
    copied: CopiedKind,
    /// Drawn for this seal: whoever sees two seals cannot tell who is in both.
    secret: Hash,
    /// Of a kind with personal data, the random bytes of each resource.
    own: Vec<Hash>,
    /// Those of them that are not in the database yet.
    new: BTreeMap<i64, Hash>,
    leaves: Vec<[u8; 64]>,
    /// The place of each resource's leaf in the tree, which has them in their own order.
    at: Vec<u32>,
    tree: Tree,
}

impl Hashed {
    /// Whether these are the resources and tests of `copied`, whatever their results: then little has to be hashed again.
    pub(crate) fn has_the_resources_of(&self, copied: &Copied) -> bool {
        self.0.len() == copied.0.len()
            && self.0.iter().zip(&copied.0).all(|(known, new)| {
                known.copied.id == new.id && known.copied.tests == new.tests && known.copied.ords == new.ords
            })
    }

    /// The populations of `copied`, with whatever can be kept of what was hashed before. `own`: the random bytes of
    /// resources of kinds with personal data, by number, as the database has them.
    pub(crate) fn caught_up(
        self,
        copied: Copied,
        own: &HashMap<i64, Hash>,
        random: &Random,
    ) -> Result<Self, EngineError> {
        let mut before: HashMap<Id, HashedKind> =
            self.0.into_iter().map(|kind| (kind.copied.id.clone(), kind)).collect();
        let kinds = copied.0.into_iter().map(|kind| {
            let before = before.remove(&kind.id).filter(|before| before.copied.tests == kind.tests);
            HashedKind::caught_up(kind, before, own, random)
        });
        kinds.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn kinds(&self) -> &[HashedKind] {
        &self.0
    }

    /// Random bytes of resources that had none, by number.
    pub(super) fn new_salts(&self) -> Vec<(i64, Hash)> {
        self.0.iter().flat_map(|kind| &kind.new).map(|(ord, salt)| (*ord, *salt)).collect()
    }
}

impl HashedKind {
    pub(super) const fn kind(&self) -> u32 {
        self.copied.kind
    }

    pub(super) const fn is_personal(&self) -> bool {
        self.copied.personal
    }

    pub(super) const fn secret(&self) -> &Hash {
        &self.secret
    }

    pub(super) fn count(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub(super) fn root(&self) -> Hash {
        self.tree.root()
    }

    fn caught_up(
        copied: CopiedKind,
        before: Option<Self>,
        own: &HashMap<i64, Hash>,
        random: &Random,
    ) -> Result<Self, EngineError> {
        let draw = || random().map_err(EngineError::Random);
        let secret = before.as_ref().map_or_else(draw, |before| Ok(before.secret))?;
        let mut of_each = Vec::new();
        let mut new = BTreeMap::new();
        if copied.personal {
            for ord in &copied.ords {
                let known = own.get(ord).copied();
                let drawn = before.as_ref().and_then(|before| before.new.get(ord)).copied();
                let salt = known.or(drawn).map_or_else(draw, Ok)?;
                if known.is_none() {
                    new.insert(*ord, salt);
                }
                of_each.push(salt);
            }
        }
        let mut to_leaf = ToLeaf { secret, results: BTreeMap::new() };
        match before {
            // Whose leaf stands where depends on who they are, not on their results.
            Some(mut kept) if kept.copied.ords == copied.ords && kept.own == of_each => {
                for place in 0..copied.ords.len() {
                    if copied.codes(place) != kept.copied.codes(place) {
                        let leaf = to_leaf.of(&copied, place, of_each.get(place));
                        kept.leaves[place] = leaf;
                        kept.tree.replace(kept.at[place] as usize, leaf_hash(&leaf));
                    }
                }
                Ok(Self { copied, new, ..kept })
            }
            before => {
                let mut leaves = Vec::with_capacity(copied.ords.len());
                for (place, ord) in copied.ords.iter().enumerate() {
                    let kept = before.as_ref().and_then(|before| {
                        let known = before.copied.ords.binary_search(ord).ok()?;
                        let same = before.copied.codes(known) == copied.codes(place)
                            && before.own.get(known) == of_each.get(place);
                        same.then(|| before.leaves[known])
                    });
                    leaves.push(kept.unwrap_or_else(|| to_leaf.of(&copied, place, of_each.get(place))));
                }
                let mut order: Vec<u32> = (0..leaves.len() as u32).collect();
                order.sort_unstable_by(|a, b| leaves[*a as usize].cmp(&leaves[*b as usize]));
                let mut at = vec![0; leaves.len()];
                for (position, place) in order.iter().enumerate() {
                    at[*place as usize] = position as u32;
                }
                let tree = Tree::of(order.iter().map(|place| leaf_hash(&leaves[*place as usize])).collect());
                Ok(Self { copied, secret, own: of_each, new, leaves, at, tree })
            }
        }
    }
}

/// Makes leaves of one kind.
struct ToLeaf {
    secret: Hash,
    /// The results of the last one: most are those of the next.
    results: BTreeMap<String, Status>,
}

impl ToLeaf {
    fn of(&mut self, copied: &CopiedKind, place: usize, own: Option<&Hash>) -> [u8; 64] {
        for (test, code) in copied.tests.iter().zip(copied.codes(place)) {
            match self.results.get_mut(test) {
                Some(known) if *code < ENDED => *known = status(*code),
                Some(_) => drop(self.results.remove(test)),
                None if *code < ENDED => drop(self.results.insert(test.clone(), status(*code))),
                None => {}
            }
        }
        let key = &copied.keys[place];
        let salt = match own {
            Some(own) => own_salt(own, &self.secret),
            None => salt(&self.secret, &copied.id, key),
        };
        member(&copied.id, key, &salt, &self.results)
    }
}
