//! Finding all that a server accepts: offer everything, let it choose, take that away, until it refuses. That costs one
//! connection for each thing that it accepts and one more, and shows the order that it prefers.

use octro_model::UnknownReason;

use super::answer::Answer;
use super::door::{Door, Outcome};
use super::hello::{GROUPS, Hello, SIGNATURES, numbers};
use super::suites::{self, Exchange};
use super::version::Version;

/// The alert of a server that notices a client talked into an older version.
const INAPPROPRIATE_FALLBACK: u8 = 86;

/// A chain, and the staple that came with it.
pub(crate) type Chain = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// What was found, in the order in which the server chose, and why there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// What it accepts.
    pub accepted: Vec<u16>,
    /// Why the search ended early.
    pub cut: Option<UnknownReason>,
}

impl Found {
    fn add(&mut self, id: u16) {
        if !self.accepted.contains(&id) {
            self.accepted.push(id);
        }
    }

    /// Adds what another search found.
    pub(crate) fn join(&mut self, other: Self) {
        other.accepted.into_iter().for_each(|id| self.add(id));
        self.cut = self.cut.take().or(other.cut);
    }
}

/// What the answers of the searches showed beside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Chains with different leaves, each with the staple that came with it.
    pub chains: Vec<Chain>,
    /// The smallest Diffie-Hellman group.
    pub field_bits: Option<usize>,
    /// An answer chose to compress.
    pub compresses: bool,
    /// An answer asked for a certificate of the client.
    pub asks_client: bool,
    /// The server chose what was not offered.
    pub is_broken: bool,
}

impl Seen {
    /// Keeps what one answer shows.
    pub(crate) fn see(&mut self, answer: &Answer) {
        if let Some(leaf) = answer.chain.first()
            && self.chains.len() < 8
            && self.chains.iter().all(|(chain, _)| chain.first() != Some(leaf))
        {
            self.chains.push((answer.chain.clone(), answer.staple.clone()));
        }
        self.field_bits = match (self.field_bits, answer.field_bits) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.compresses |= answer.hello.compresses;
        self.asks_client |= answer.asks_client;
    }

    /// Adds what another search saw.
    pub(crate) fn join(&mut self, other: Self) {
        for (chain, staple) in other.chains {
            if self.chains.iter().all(|(known, _)| known.first() != chain.first()) {
                self.chains.push((chain, staple));
            }
        }
        self.field_bits = match (self.field_bits, other.field_bits) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.compresses |= other.compresses;
        self.asks_client |= other.asks_client;
        self.is_broken |= other.is_broken;
    }
}

/// What one step of a search says.
enum Step {
    Chose(Box<Answer>),
    Refused,
    Cut(UnknownReason),
}

async fn step(door: &Door, hello: &Hello) -> Step {
    let outcome = door.ask_again(hello).await;
    // Another version, or the end of the connection twice: the same refusal in other words.
    let refuses = matches!(
        outcome,
        Outcome::Answer(_) | Outcome::Alert(_) | Outcome::Closed | Outcome::Reset | Outcome::Broken(_)
    );
    let reason = outcome.reason();
    if let Outcome::Answer(answer) = outcome
        && answer.version() == Some(hello.version)
    {
        Step::Chose(answer)
    } else if refuses {
        Step::Refused
    } else {
        Step::Cut(reason)
    }
}

/// The suites out of `offered` that a version up to TLS 1.2 accepts. On the way, `signing` learns what the server signs
/// with: each answer takes one algorithm away, until the server would have none left.
pub(crate) async fn suites(
    door: &Door,
    base: &Hello,
    offered: &[u16],
    signing: &mut Signing,
    seen: &mut Seen,
) -> Found {
    let mut found = Found::default();
    let mut left = offered.to_vec();
    while !left.is_empty() {
        let all = base.with_suites(&left);
        let fewer = Hello { signatures: signing.0.left.clone(), ..all.clone() };
        let is_fewer = !signing.0.is_over
            && fewer.signatures.len() < all.signatures.len()
            && left.iter().any(|id| is_signed(*id));
        let mut chosen = step(door, if is_fewer { &fewer } else { &all }).await;
        // A suite without a signature, or none: because of the suites, or for lack of an algorithm?
        let for_lack = match &chosen {
            Step::Chose(answer) => !is_signed(answer.hello.suite),
            Step::Refused => true,
            Step::Cut(_) => false,
        };
        if is_fewer && for_lack {
            chosen = step(door, &all).await;
            signing.0.is_over = true;
        }
        match chosen {
            Step::Chose(answer) => {
                seen.see(&answer);
                signing.0.take(answer.signature);
                let suite = answer.hello.suite;
                if !left.contains(&suite) {
                    // It chose what was not offered: a broken stack, and no way to go on.
                    seen.is_broken = true;
                    break;
                }
                found.add(suite);
                left.retain(|one| *one != suite);
            }
            Step::Refused => break,
            Step::Cut(reason) => {
                found.cut = Some(reason);
                break;
            }
        }
    }
    found
}

/// Whether the server signs the key exchange of a suite.
fn is_signed(id: u16) -> bool {
    suites::exchange(id) != Exchange::Other && suites::weakness(id) != Some(suites::Weakness::Anonymous)
}

/// What is known of the algorithms that a server of TLS 1.2 signs with.
pub(crate) struct Signing(Search);

impl Signing {
    /// Nothing but a first answer.
    pub(crate) fn new(first: Option<u16>) -> Self {
        Self(Search::new(&numbers(&SIGNATURES), first))
    }

    /// The suites take no algorithms away.
    pub(crate) fn none() -> Self {
        let mut search = Search::new(&[], None);
        search.is_over = true;
        Self(search)
    }
}

/// The parts of a list that can be searched at the same time: where answers take long, that saves waiting and costs a
/// few connections.
pub(crate) fn parts(list: &[u16]) -> [Vec<u16>; 3] {
    let mut parts = [Vec::new(), Vec::new(), Vec::new()];
    let [fresh, in_one, rest] = &mut parts;
    for id in list {
        let name = suites::name(*id);
        if suites::exchange(*id) != Exchange::Other {
            fresh.push(*id);
        } else if suites::authenticates_in_one(*id) || name.ends_with("SHA256") || name.ends_with("SHA384") {
            in_one.push(*id);
        } else {
            rest.push(*id);
        }
    }
    parts
}

/// The suites and groups of TLS 1.3, both at once: each answer shows one of either. `first` is an answer that is known.
pub(crate) async fn tls13(door: &Door, base: &Hello, first: &Answer) -> (Found, Found) {
    let (all_suites, all_groups) = (suites::TLS13.to_vec(), numbers(&GROUPS));
    let mut by_suite = Search::new(&all_suites, Some(first.hello.suite));
    let mut by_group = Search::new(&all_groups, first.hello.group);
    // Each turn takes something away or ends a search.
    for _ in 0..64 {
        if by_suite.is_over && by_group.is_over {
            break;
        }
        let hello = Hello {
            suites: by_suite.offer(&all_suites),
            groups: by_group.offer(&all_groups),
            ..base.clone()
        };
        match step(door, &hello).await {
            Step::Chose(answer) => {
                let new_suite = by_suite.take(Some(answer.hello.suite));
                let new_group = by_group.take(answer.hello.group);
                if !new_suite && !new_group {
                    break;
                }
            }
            Step::Refused if by_suite.is_over || by_group.is_over => {
                by_suite.is_over = true;
                by_group.is_over = true;
            }
            // Which of the two did it miss?
            Step::Refused => {
                let hello = Hello { suites: all_suites.clone(), ..hello };
                match step(door, &hello).await {
                    Step::Chose(answer) => {
                        by_suite.is_over = true;
                        by_group.take(answer.hello.group);
                    }
                    Step::Refused => by_group.is_over = true,
                    Step::Cut(reason) => return cut(by_suite, by_group, &reason),
                }
            }
            Step::Cut(reason) => return cut(by_suite, by_group, &reason),
        }
    }
    (by_suite.found, by_group.found)
}

fn cut(mut by_suite: Search, mut by_group: Search, reason: &UnknownReason) -> (Found, Found) {
    for search in [&mut by_suite, &mut by_group] {
        if !search.is_over {
            search.found.cut = Some(reason.clone());
        }
    }
    (by_suite.found, by_group.found)
}

/// One of two searches that go on at once.
pub(crate) struct Search {
    left: Vec<u16>,
    found: Found,
    is_over: bool,
}

impl Search {
    fn new(all: &[u16], first: Option<u16>) -> Self {
        let mut search = Self { left: all.to_vec(), found: Found::default(), is_over: false };
        search.take(first);
        search
    }

    /// Asks until the server has none left, or chooses what was not offered: it does not listen to the list. It stops
    /// while `reserve` connections are left for other things.
    async fn exhaust(
        mut self,
        door: &Door,
        reserve: u32,
        hello: impl Fn(&[u16]) -> Hello,
        chosen: impl Fn(&Answer) -> Option<u16>,
    ) -> Found {
        while !self.is_over {
            if door.left() <= reserve {
                self.found.cut = Some(Outcome::Spent.reason());
                break;
            }
            match step(door, &hello(&self.left)).await {
                Step::Chose(answer) if self.take(chosen(&answer)) => {}
                Step::Chose(_) | Step::Refused => break,
                Step::Cut(reason) => {
                    self.found.cut = Some(reason);
                    break;
                }
            }
        }
        self.found
    }

    /// What to offer: what is left, or everything once the search is over.
    fn offer(&self, all: &[u16]) -> Vec<u16> {
        if self.is_over { all.to_vec() } else { self.left.clone() }
    }

    /// Takes away what was chosen. Whether that was new.
    fn take(&mut self, id: Option<u16>) -> bool {
        let Some(id) = id.filter(|id| self.left.contains(id)) else { return false };
        self.left.retain(|one| *one != id);
        self.found.add(id);
        self.is_over = self.left.is_empty();
        true
    }
}

/// The suites whose key exchange the server signs or agrees on over a curve.
fn suites_of(of: impl Fn(u16) -> bool) -> Vec<u16> {
    suites::lists(true).concat().into_iter().filter(|id| of(*id)).take(120).collect()
}

/// The curves of TLS 1.2 and older.
pub(crate) async fn curves(door: &Door, base: &Hello) -> Found {
    let offered = suites_of(|id| suites::exchange(id) == Exchange::Curve);
    let search = Search::new(&numbers(&GROUPS), None);
    let hello = |left: &[u16]| Hello { groups: left.to_vec(), ..base.with_suites(&offered) };
    search.exhaust(door, 0, hello, |answer| answer.curve).await
}

/// The rest of the algorithms that a server of TLS 1.2 signs with. It stops while `reserve` connections are left for
/// other things.
pub(crate) async fn signatures(door: &Door, base: &Hello, signing: Signing, reserve: u32) -> Found {
    let offered = suites_of(is_signed);
    let mut search = signing.0;
    search.is_over = search.left.is_empty();
    let hello = |left: &[u16]| Hello { signatures: left.to_vec(), ..base.with_suites(&offered) };
    search.exhaust(door, reserve, hello, |answer| answer.signature).await
}

/// Who decides which suite is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The server.
    Server,
    /// The client.
    Client,
}

/// Who decides: offers what is accepted with the first choice last.
pub(crate) async fn order(
    door: &Door,
    base: &Hello,
    accepted: &[u16],
) -> Result<Option<Order>, UnknownReason> {
    let Some((first, rest)) = accepted.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return Ok(None);
    };
    let mut reversed: Vec<u16> = rest.iter().rev().copied().collect();
    reversed.push(*first);
    match step(door, &base.with_suites(&reversed)).await {
        Step::Chose(answer) if answer.hello.suite == *first => Ok(Some(Order::Server)),
        Step::Chose(_) => Ok(Some(Order::Client)),
        Step::Refused => Err(UnknownReason::new(octro_model::Why::Failed, "it refused what it had accepted")),
        Step::Cut(reason) => Err(reason),
    }
}

/// Whether a server notices a client that was talked into an older version (RFC 7507).
pub(crate) async fn notices_fallback(
    door: &Door,
    version: Version,
    base: &Hello,
) -> Result<bool, UnknownReason> {
    let mut suites = base.suites.clone();
    suites.push(suites::FALLBACK_SCSV);
    let outcome = door.ask_again(&Hello { version, suites, ..base.clone() }).await;
    if outcome == Outcome::Alert(INAPPROPRIATE_FALLBACK) {
        Ok(true)
    } else if outcome.answer().is_some() {
        Ok(false)
    } else {
        Err(outcome.reason())
    }
}
