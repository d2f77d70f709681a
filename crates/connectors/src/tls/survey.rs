//! One run over all endpoints: resolves names, looks at every address, a bounded number at a time, and tells what was
//! seen. An endpoint that was not reached before the time was up is told as unknown, never left out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use octro_model::{Id, Observation, ScopeReport, Span, UnknownReason, Why};
use rustls::crypto::CryptoProvider;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::assess::{Assessment, Wish, assess};
use super::chain::Trust;
use super::door::{Door, Outcome};
use super::facts::{self, Facts, Shown};
use super::hello::Seed;
use super::merge;
use super::pace::Pace;
use super::staple::Staple;
use super::target::{Place, Target};
use super::verdict::Speaks;
use crate::{Run, Stopped};

/// How many addresses of one name are looked at.
const ADDRESSES_MAX: usize = 16;
/// How many endpoints wait for the end because their issuer is not known yet.
const WAITING_MAX: usize = 2_000;
/// How long before its end a run stops looking, to tell what it did not reach.
const LAST_WORDS: Span = Span::from_secs(2);

/// What one run is to do.
pub(crate) struct Plan {
    /// The endpoints.
    pub targets: Vec<Target>,
    /// The roots.
    pub trust: Trust,
    /// How many connections at once.
    pub connections: usize,
    /// How many to one address.
    pub per_address: usize,
    /// How many in all to one endpoint.
    pub connections_max: u32,
    /// How long one step may take.
    pub patience: Duration,
    /// Link-local and other special addresses may be asked.
    pub allows_special: bool,
    /// IPv6 addresses are left out.
    pub skips_ipv6: bool,
    /// Silence in a range means that nobody is there.
    pub silent_is_closed: bool,
    /// The port where web servers answer without TLS.
    pub plain_port: u16,
}

/// One endpoint after the look.
struct Looked {
    target: Target,
    addresses: Result<Vec<IpAddr>, UnknownReason>,
    seen: Vec<Assessment>,
}

/// What every look shares.
struct Shared {
    pace: Arc<Pace>,
    seed: [u8; 32],
    provider: Arc<CryptoProvider>,
    patience: Duration,
    connections_max: u32,
    allows_special: bool,
    skips_ipv6: bool,
    plain_port: u16,
}

/// Looks at everything, and tells the run.
pub(crate) async fn survey(run: &mut Run<'_>, kinds: (&Id, &Id), plan: Plan, seed: [u8; 32]) {
    let shared = Arc::new(Shared {
        pace: Arc::new(Pace::new(plan.connections, plan.per_address)),
        seed,
        provider: super::page::provider(),
        patience: plan.patience,
        connections_max: plan.connections_max,
        allows_special: plan.allows_special,
        skips_ipv6: plan.skips_ipv6,
        plain_port: plan.plain_port,
    });
    let mut teller = Teller {
        endpoint: kinds.0.clone(),
        certificate: kinds.1.clone(),
        trust: plan.trust,
        silent_is_closed: plan.silent_is_closed,
        certificates: BTreeMap::new(),
        endpoints: 0,
        silent: 0,
        missing: None,
        waiting: Vec::new(),
    };
    let end = run
        .deadline()
        .minus(LAST_WORDS.min(Span::from_micros(run.deadline().since(run.now()).micros() / 10)));
    let mut left = plan.targets.into_iter();
    let mut looks = JoinSet::new();
    let mut under_way: HashMap<tokio::task::Id, Target> = HashMap::new();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        while looks.len() < plan.connections {
            let Some(target) = left.next() else { break };
            let task = looks.spawn(look(target.clone(), shared.clone()));
            under_way.insert(task.id(), target);
        }
        if looks.is_empty() {
            break;
        }
        let done = tokio::select! {
            done = looks.join_next_with_id() => done,
            _ = tick.tick() => {
                if run.now() >= end || run.is_stopped() { break }
                continue;
            }
        };
        let told = match done {
            Some(Ok((id, looked))) => {
                under_way.remove(&id);
                teller.take(run, looked)
            }
            // A look that broke is a fault of ours, and its endpoint unknown.
            Some(Err(error)) => match under_way.remove(&error.id()) {
                Some(target) => {
                    teller.unreached(run, target, UnknownReason::new(Why::Failed, "the look broke off"))
                }
                None => Ok(()),
            },
            None => break,
        };
        if told.is_err() {
            return;
        }
    }
    looks.abort_all();
    let reason =
        UnknownReason::new(Why::TimedOut, "the run's time was up before this endpoint was looked at");
    for target in under_way.into_values().chain(left) {
        if teller.unreached(run, target, reason.clone()).is_err() {
            return;
        }
    }
    teller.finish(run);
}

async fn look(target: Target, shared: Arc<Shared>) -> Looked {
    let addresses = resolve(&target, &shared).await;
    let mut seen = Vec::new();
    for ip in addresses.iter().flatten() {
        let address = SocketAddr::new(*ip, target.port);
        let mut door = Door::new(
            address,
            target.server_name(),
            target.starttls,
            shared.pace.clone(),
            seed(shared.seed, address),
        );
        door.patience = shared.patience;
        door.connections_max = shared.connections_max;
        let wish = Wish {
            service: target.service.clone(),
            is_quick: target.is_quick,
            tries_clear: target.tries_clear,
            plain_port: shared.plain_port,
        };
        seen.push(assess(&door, &wish, &shared.provider).await);
    }
    let connections: u32 = seen.iter().map(|seen| seen.connections).sum();
    tracing::debug!(endpoint = target.key(), connections, "looked at a TLS endpoint");
    Looked { target, addresses, seen }
}

/// Another seed for each address, so that no two hellos have the same random bytes.
fn seed(seed: [u8; 32], address: SocketAddr) -> Seed {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(seed);
    hash.update(address.to_string());
    Seed(hash.finalize().into())
}

async fn resolve(target: &Target, shared: &Shared) -> Result<Vec<IpAddr>, UnknownReason> {
    let mut addresses: Vec<IpAddr> = match &target.place {
        Place::Address(ip) => vec![*ip],
        Place::Name(name) => {
            let asked = tokio::net::lookup_host((name.as_str(), target.port));
            match tokio::time::timeout(shared.patience * 3, asked).await {
                Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
                Ok(Err(error)) => {
                    return Err(UnknownReason::new(
                        Why::Failed,
                        format!("`{name}` does not resolve: {error}"),
                    ));
                }
                Err(_) => {
                    return Err(UnknownReason::new(
                        Why::TimedOut,
                        format!("`{name}` was not resolved in time"),
                    ));
                }
            }
        }
    };
    addresses.sort();
    addresses.dedup();
    if shared.skips_ipv6 && matches!(target.place, Place::Name(_)) {
        addresses.retain(IpAddr::is_ipv4);
    }
    if let Some(ip) = addresses.iter().find(|ip| is_special(**ip) && !shared.allows_special) {
        let what = format!(
            "{ip} is a link-local, metadata, multicast or unspecified address; set `allow_special` if it is meant"
        );
        return Err(UnknownReason::new(Why::Denied, what));
    }
    if addresses.is_empty() {
        return Err(UnknownReason::new(Why::Failed, format!("`{}` has no address", target.shown_name())));
    }
    addresses.truncate(ADDRESSES_MAX);
    Ok(addresses)
}

/// Addresses that no list should lead a probe to by mistake or by malice.
fn is_special(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_multicast() || ip.is_unspecified() || ip.is_broadcast(),
        IpAddr::V6(ip) => {
            let first = ip.segments().first().copied().unwrap_or(0);
            let mapped = ip.to_ipv4_mapped().is_some_and(|ip| is_special(IpAddr::V4(ip)));
            // fd00:ec2::254 is a cloud's metadata service.
            let is_metadata = ip.segments().starts_with(&[0xfd00, 0x0ec2]);
            first & 0xffc0 == 0xfe80 || ip.is_multicast() || ip.is_unspecified() || mapped || is_metadata
        }
    }
}

/// Whether an address can be reached from the internet, as far as the address tells.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || is_shared)
        }
        IpAddr::V6(ip) => {
            let first = ip.segments().first().copied().unwrap_or(0);
            !(ip.is_loopback() || ip.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80)
        }
    }
}

/// Tells what was seen.
struct Teller {
    endpoint: Id,
    certificate: Id,
    trust: Trust,
    silent_is_closed: bool,
    /// The certificates that were seen. They are told at the end: one endpoint may staple what another does not.
    certificates: BTreeMap<String, Facts>,
    endpoints: u64,
    silent: u64,
    /// Why not every certificate was seen.
    missing: Option<UnknownReason>,
    waiting: Vec<Looked>,
}

impl Teller {
    fn take(&mut self, run: &mut Run<'_>, looked: Looked) -> Result<(), Stopped> {
        for chain in looked.seen.iter().flat_map(facts::chains) {
            self.trust.learn(chain.0);
        }
        if looked.target.is_sought && looked.seen.iter().all(|seen| is_nobody(seen, self.silent_is_closed)) {
            return Ok(());
        }
        let is_silent = |seen: &Assessment| {
            seen.outcomes.values().all(|o| matches!(o, Outcome::NoConnection | Outcome::Unreachable(_)))
        };
        if looked.target.is_sought && looked.seen.iter().all(is_silent) {
            self.silent += 1;
            return Ok(());
        }
        let now = run.now();
        let waits = looked
            .seen
            .iter()
            .flat_map(facts::chains)
            .any(|(chain, _)| self.trust.judge(chain, now).trusted.is_err());
        if waits && self.waiting.len() < WAITING_MAX {
            self.waiting.push(looked);
            return Ok(());
        }
        self.tell(run, &looked)
    }

    fn tell(&mut self, run: &mut Run<'_>, looked: &Looked) -> Result<(), Stopped> {
        let now = run.now();
        let name = looked.target.shown_name();
        let mut each = Vec::new();
        for seen in &looked.seen {
            let shown = facts::shown(seen, &self.trust, now);
            if shown.is_empty()
                && let Speaks::Tls | Speaks::Unknown(_) = &seen.verdict.speaks
            {
                let reason = match &seen.verdict.speaks {
                    Speaks::Unknown(reason) => reason.clone(),
                    Speaks::Tls | Speaks::Clear(_) | Speaks::Declines(_) => {
                        UnknownReason::new(Why::Failed, "a server sent no certificate that could be read")
                    }
                };
                self.miss(&looked.target, &reason);
            }
            each.push(facts::of(seen, &shown, &name, now));
            for one in &shown {
                self.keep_certificate(&looked.target, one);
            }
        }
        let differs = differences(&each);
        let facts = match &looked.addresses {
            Err(reason) => {
                self.miss(&looked.target, reason);
                facts::unknown(reason)
            }
            Ok(_) => merge::merge(each),
        };
        let addresses = looked.addresses.clone();
        let public = match (looked.target.public, &addresses) {
            (Some(public), _) => Ok(json!(public)),
            (None, Ok(addresses)) => Ok(json!(addresses.iter().any(|ip| is_public(*ip)))),
            (None, Err(reason)) => Err(reason.clone()),
        };
        let shown: Vec<String> = addresses.iter().flatten().map(IpAddr::to_string).collect();
        let mut more: Facts = facts;
        more.insert("name", Ok(json!(name)));
        more.insert("port", Ok(json!(looked.target.port)));
        more.insert("public", public);
        more.insert("addresses", addresses.map(|_| json!(shown)));
        more.insert("differs", differs);
        if let Some(service) = &looked.target.service
            && !matches!(more.get("service"), Some(Ok(_)))
        {
            more.insert("service", Ok(json!(service)));
        }
        self.endpoints += 1;
        let observation = observation(&self.endpoint, looked.target.key(), more, run);
        run.observe(observation)
    }

    fn unreached(&mut self, run: &mut Run<'_>, target: Target, reason: UnknownReason) -> Result<(), Stopped> {
        if target.is_sought {
            self.silent += 1;
            return Ok(());
        }
        self.tell(run, &Looked { target, addresses: Err(reason), seen: Vec::new() })
    }

    fn miss(&mut self, target: &Target, reason: &UnknownReason) {
        self.missing.get_or_insert_with(|| {
            UnknownReason::new(reason.why, format!("{}: {}", target.key(), reason.detail))
        });
    }

    fn keep_certificate(&mut self, target: &Target, one: &Shown) {
        let leaf = match &one.leaf {
            Ok(leaf) => leaf,
            Err(error) => {
                let what = format!("a certificate cannot be read: {error}");
                self.miss(target, &UnknownReason::new(Why::Failed, what));
                return;
            }
        };
        let revoked = match one.staple {
            Some(Staple::Good) => Ok(json!(false)),
            Some(Staple::Revoked) => Ok(json!(true)),
            _ if leaf.revocation.is_empty() => Ok(Value::Null),
            _ => {
                let what = "no valid revocation answer was stapled, and the issuer's lists are not fetched";
                Err(UnknownReason::new(Why::NotCollected, what))
            }
        };
        if let Some(known) = self.certificates.get_mut(&leaf.fingerprint) {
            if revoked.as_ref().is_ok_and(|value| !value.is_null()) {
                known.insert("revoked", revoked);
            }
            return;
        }
        let facts = Facts::from([
            ("subject", Ok(json!(leaf.subject))),
            ("names", Ok(json!(leaf.names))),
            ("issuer", Ok(json!(leaf.issuer))),
            ("serial", Ok(json!(leaf.serial))),
            ("not_before", Ok(json!(leaf.not_before.to_string()))),
            ("not_after", Ok(json!(leaf.not_after.to_string()))),
            ("key_type", Ok(json!(leaf.key_type))),
            (
                "key_bits",
                leaf.key_bits.map(|bits| json!(bits)).ok_or_else(|| {
                    UnknownReason::new(
                        Why::Unsupported,
                        format!("the size of a key of the sort {}", leaf.key_type),
                    )
                }),
            ),
            ("signature_hash", Ok(json!(leaf.signature_hash))),
            ("self_signed", Ok(json!(leaf.self_signed))),
            ("authority", Ok(json!(leaf.is_authority))),
            ("wildcard", Ok(json!(leaf.has_wildcard()))),
            ("must_staple", Ok(json!(leaf.must_staple))),
            ("timestamps", Ok(json!(leaf.timestamps))),
            ("chain_length", Ok(json!(one.length))),
            ("revoked", revoked),
        ]);
        self.certificates.insert(leaf.fingerprint.clone(), facts);
    }

    fn finish(mut self, run: &mut Run<'_>) {
        for looked in std::mem::take(&mut self.waiting) {
            if self.tell(run, &looked).is_err() {
                return;
            }
        }
        let certificates = std::mem::take(&mut self.certificates);
        let count = certificates.len() as u64;
        for (key, facts) in certificates {
            if run.observe(observation(&self.certificate, key, facts, run)).is_err() {
                return;
            }
        }
        if self.silent > 0 {
            let what = format!("{} addresses or ports of ranges did not answer", self.silent);
            let mend = "list what ought to answer one by one, or set `silent = \"closed\"` if silence in a range means that nothing is there";
            run.error("endpoints", what.clone(), mend);
            run.incomplete(self.endpoint.clone(), self.endpoints, UnknownReason::new(Why::TimedOut, what));
        } else {
            run.complete(self.endpoint.clone(), self.endpoints);
        }
        let reason = self.missing.take().or_else(|| {
            (self.silent > 0)
                .then(|| UnknownReason::new(Why::TimedOut, "not every address of a range answered"))
        });
        run.scope(ScopeReport {
            kind: self.certificate.clone(),
            scope: String::new(),
            complete: reason.is_none(),
            resources: count,
            pages: 1,
            reason,
        });
    }
}

/// Nobody listens at an address or port of a range.
fn is_nobody(seen: &Assessment, silent_is_closed: bool) -> bool {
    seen.outcomes.values().all(|outcome| match outcome {
        Outcome::Refused => true,
        Outcome::NoConnection | Outcome::Unreachable(_) => silent_is_closed,
        Outcome::Answer(_)
        | Outcome::Alert(_)
        | Outcome::Closed
        | Outcome::Reset
        | Outcome::Silent
        | Outcome::Foreign(_)
        | Outcome::Broken(_)
        | Outcome::Declined(_)
        | Outcome::Spent => false,
    })
}

/// In what the addresses of one name differ.
fn differences(each: &[Facts]) -> facts::Fact {
    let Some((first, others)) = each.split_first() else { return Ok(Value::Null) };
    let mut differs: Vec<&str> = Vec::new();
    for (name, fact) in first {
        if *name != "answers"
            && others
                .iter()
                .any(|facts| facts.get(name).is_some_and(|other| other.as_ref().ok() != fact.as_ref().ok()))
        {
            differs.push(name);
        }
    }
    Ok(json!(differs))
}

fn observation(kind: &Id, key: String, facts: Facts, run: &Run<'_>) -> Observation {
    let (mut attributes, mut unknown) = (Map::new(), BTreeMap::new());
    for (name, fact) in facts {
        match fact {
            Ok(value) => {
                attributes.insert(name.to_owned(), value);
            }
            Err(mut reason) => {
                reason.detail = crate::plain::plain(&reason.detail, 500);
                unknown.insert(name.to_owned(), reason);
            }
        }
    }
    let effective_at = Some(run.now());
    Observation {
        kind: kind.clone(),
        key,
        scope: String::new(),
        effective_at,
        attributes,
        unknown,
        gone: false,
    }
}
