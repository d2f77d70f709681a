//! Telling what was seen: endpoints as soon as they are judged, certificates at the end, and what is missing.

use std::collections::BTreeMap;
use std::net::IpAddr;

use octro_model::{Id, Observation, ScopeReport, Timestamp, UnknownReason, Why};
use serde_json::{Map, Value, json};

use super::assess::Assessment;
use super::chain::Trust;
use super::crl::{self, Wanted};
use super::door::Outcome;
use super::facts::{self, Facts, Shown};
use super::merge;
use super::staple::Staple;
use super::target::Target;
use super::verdict::Speaks;
use crate::{Run, Stopped};

/// How many endpoints wait for the end because their issuer is not known yet.
const WAITING_MAX: usize = 500;
/// How many revocation lists one run fetches.
const LISTS_MAX: usize = 500;

/// One endpoint after the look.
pub(crate) struct Looked {
    /// What was asked for.
    pub target: Target,
    /// Where it is.
    pub addresses: Result<Vec<IpAddr>, UnknownReason>,
    /// What was seen at each address.
    pub seen: Vec<Assessment>,
}

/// Tells what was seen.
pub(crate) struct Teller {
    endpoint: Id,
    certificate: Id,
    trust: Trust,
    silent_is_closed: bool,
    /// The certificates that were seen. They are told at the end: one endpoint may staple what another does not.
    certificates: BTreeMap<String, Facts>,
    /// The lists that tell whether certificates are revoked, by their addresses.
    lists: BTreeMap<String, Vec<Wanted>>,
    endpoints: u64,
    silent: u64,
    /// Why not every certificate was seen.
    missing: Option<UnknownReason>,
    waiting: Vec<Looked>,
}

impl Teller {
    /// Nothing was seen yet of these kinds: endpoints and certificates.
    pub(crate) fn new(kinds: (&Id, &Id), trust: Trust, silent_is_closed: bool) -> Self {
        Self {
            endpoint: kinds.0.clone(),
            certificate: kinds.1.clone(),
            trust,
            silent_is_closed,
            certificates: BTreeMap::new(),
            lists: BTreeMap::new(),
            endpoints: 0,
            silent: 0,
            missing: None,
            waiting: Vec::new(),
        }
    }

    /// Takes one endpoint, and tells it unless it has to wait for others.
    pub(crate) fn take(&mut self, run: &mut Run<'_>, looked: Looked) -> Result<(), Stopped> {
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

    /// Tells an endpoint that was not looked at.
    pub(crate) fn unreached(
        &mut self,
        run: &mut Run<'_>,
        target: Target,
        reason: UnknownReason,
    ) -> Result<(), Stopped> {
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
            _ if !leaf.has_revocation => Ok(Value::Null),
            _ => {
                let what = "no valid revocation answer was stapled, and no list of the issuer was read";
                Err(UnknownReason::new(Why::NotCollected, what))
            }
        };
        // Only of a trusted issuer is the address of a list not a stranger's choice.
        if let (Err(_), Ok(true), Some(issuer)) = (&revoked, &one.judgement.trusted, &one.issuer) {
            for url in leaf.lists.iter().take(2) {
                let wanted = Wanted {
                    fingerprint: leaf.fingerprint.clone(),
                    serial: leaf.raw_serial.clone(),
                    issuer: issuer.clone(),
                };
                self.lists.entry(url.clone()).or_default().push(wanted);
            }
        }
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

    /// Tells what waited for others.
    pub(crate) fn tell_waiting(&mut self, run: &mut Run<'_>) -> Result<(), Stopped> {
        for looked in std::mem::take(&mut self.waiting) {
            self.tell(run, &looked)?;
        }
        Ok(())
    }

    /// The addresses of lists that could tell what is not known yet.
    pub(crate) fn lists(&self) -> Vec<String> {
        let is_open = |wanted: &Wanted| {
            self.certificates
                .get(&wanted.fingerprint)
                .is_some_and(|facts| facts.get("revoked").is_some_and(Result::is_err))
        };
        let lists = self.lists.iter().filter(|(_, wanted)| wanted.iter().any(is_open));
        lists.map(|(url, _)| url.clone()).take(LISTS_MAX).collect()
    }

    /// Takes one list, or why it could not be had.
    pub(crate) fn take_list(&mut self, url: &str, list: &Result<Vec<u8>, UnknownReason>, now: Timestamp) {
        for wanted in self.lists.get(url).into_iter().flatten() {
            let named = match list {
                Ok(list) => crl::names(list, url, wanted, now).map(Value::from),
                Err(reason) => Err(reason.clone()),
            };
            if let Some(facts) = self.certificates.get_mut(&wanted.fingerprint)
                && facts.get("revoked").is_some_and(Result::is_err)
            {
                facts.insert("revoked", named);
            }
        }
    }

    /// Tells the certificates, and what was covered.
    pub(crate) fn finish(mut self, run: &mut Run<'_>) {
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
        if !["answers", "server_hellos"].contains(name)
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
