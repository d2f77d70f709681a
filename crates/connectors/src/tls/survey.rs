//! One run over all endpoints: resolves names, looks at every address, a bounded number at a time, and tells what was
//! seen. An endpoint that was not reached before the time was up is told as unknown, never left out.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use octro_model::{Id, Span, Timestamp, UnknownReason, Why};
use rustls::crypto::CryptoProvider;
use tokio::task::JoinSet;

use super::assess::{Wish, assess};
use super::chain::Trust;
use super::door::Door;
use super::hello::Seed;
use super::pace::Pace;
use super::target::{Place, Target};
use super::tell::{Looked, Teller};
use crate::Run;

/// How many addresses of one name are looked at.
const ADDRESSES_MAX: usize = 16;
/// How long before its end a run stops looking, to tell what it did not reach.
const LAST_WORDS: Span = Span::from_secs(2);
/// How many revocation lists are fetched at once: each may be large.
const LISTS_AT_ONCE: usize = 4;

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
    /// Issuers are asked for their revocation lists.
    pub fetches_lists: bool,
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
    let mut teller = Teller::new(kinds, plan.trust, plan.silent_is_closed);
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
    if teller.tell_waiting(run).is_err() {
        return;
    }
    if plan.fetches_lists {
        fetch_lists(run, &mut teller, end, (plan.patience, plan.allows_special)).await;
    }
    teller.finish(run);
}

/// Fetches the revocation lists that are wanted, a few at a time, as long as there is time.
async fn fetch_lists(run: &mut Run<'_>, teller: &mut Teller, end: Timestamp, how: (Duration, bool)) {
    let mut left = teller.lists().into_iter();
    let mut fetches = JoinSet::new();
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    loop {
        while fetches.len() < LISTS_AT_ONCE {
            let Some(url) = left.next() else { break };
            fetches.spawn(async move {
                let list = super::crl::fetch(&url, how.0, how.1).await;
                (url, list)
            });
        }
        if fetches.is_empty() {
            return;
        }
        tokio::select! {
            Some(done) = fetches.join_next() => {
                if let Ok((url, list)) = done {
                    teller.take_list(&url, &list, run.now());
                }
            }
            _ = tick.tick() => if run.now() >= end || run.is_stopped() { return },
        }
    }
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
pub(crate) fn is_special(ip: IpAddr) -> bool {
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
