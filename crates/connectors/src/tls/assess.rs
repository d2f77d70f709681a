//! The whole look at one address: first which versions it speaks, then everything that can be asked of a server that
//! speaks them, and at last whether it still answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use octro_model::{UnknownReason, Why};
use rustls::crypto::CryptoProvider;
use tokio::time::Instant;

use super::clear::{self, PlainWeb};
use super::door::{Door, Outcome};
use super::eliminate::{self, Found, Order, Seen, Signing};
use super::hello::Hello;
use super::page::{self, Page};
use super::suites;
use super::verdict::{Speaks, Verdict, judge};
use super::version::Version;

/// Answers that take longer than this are waited for in parallel.
const SLOW: Duration = Duration::from_millis(15);
/// Connections that the search for signature algorithms leaves for what is more important.
const RESERVE: u32 = 4;

/// What is to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// The service, if it is known.
    pub service: Option<String>,
    /// Only versions, certificate and page.
    pub is_quick: bool,
    /// Try what the service does for a client that never starts TLS, where that shows in its log.
    pub tries_clear: bool,
    /// The port where a web server answers without TLS.
    pub plain_port: u16,
}

/// What was seen at one address.
#[derive(Debug)]
pub(crate) struct Assessment {
    /// What became of each version's hello.
    pub outcomes: BTreeMap<Version, Outcome>,
    /// What that means.
    pub verdict: Verdict,
    /// The suites, up to TLS 1.2 and then of TLS 1.3.
    pub suites: Found,
    /// Who decides between them.
    pub order: Result<Option<Order>, UnknownReason>,
    /// The key exchange groups.
    pub groups: Found,
    /// The signature algorithms.
    pub signatures: Found,
    /// What the answers showed beside.
    pub seen: Seen,
    /// It notices clients that were talked into an older version; `None` if it has only one.
    pub notices_fallback: Result<Option<bool>, UnknownReason>,
    /// What the handshake of a library and the page showed.
    pub page: Option<Page>,
    /// What the web server does without TLS.
    pub plain_web: Option<Result<PlainWeb, UnknownReason>>,
    /// Whether the same port serves clients that never start TLS.
    pub clear: Result<bool, UnknownReason>,
    /// What speaks there.
    pub service: Option<String>,
    /// How many connections it took.
    pub connections: u32,
}

/// Looks at one address.
pub(crate) async fn assess(door: &Door, wish: &Wish, provider: &Arc<CryptoProvider>) -> Assessment {
    let begun = Instant::now();
    let mut look = Look { door, wish, outcomes: BTreeMap::new(), share: false, seen: Seen::default() };
    look.versions().await;
    let is_slow = begun.elapsed() > SLOW * 2;
    for answer in look.outcomes.values().filter_map(Outcome::answer) {
        look.seen.see(answer);
    }
    let mut verdict = judge(&look.outcomes);
    if verdict.speaks != Speaks::Tls {
        return look.without_tls(verdict).await;
    }
    if verdict.newest().is_some_and(|newest| newest < Version::Tls13) {
        look.check_tolerance(&mut verdict).await;
    }
    look.with_tls(verdict, is_slow, provider).await
}

/// A look while it goes on.
pub(super) struct Look<'a> {
    /// The address.
    pub(super) door: &'a Door,
    /// What is to be looked at.
    pub(super) wish: &'a Wish,
    /// What became of each version's hello.
    pub(super) outcomes: BTreeMap<Version, Outcome>,
    /// The server wants a key share in the first hello.
    pub(super) share: bool,
    seen: Seen,
}

impl Look<'_> {
    /// The hello that searches build on: it offers to compress, which no other does.
    fn base(&self, version: Version) -> Hello {
        Hello { compresses: version != Version::Tls13, ..self.hello(version) }
    }

    fn answer(&self, version: Version) -> Option<&super::answer::Answer> {
        self.outcomes
            .get(&version)
            .and_then(Outcome::answer)
            .filter(|answer| answer.version() == Some(version))
    }

    async fn with_tls(
        mut self,
        mut verdict: Verdict,
        is_slow: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Assessment {
        let is_full = !self.wish.is_quick;
        let ((old_suites, seen, signatures), (new_suites, mut groups), (page, plain_web)) = tokio::join!(
            self.old_suites(&verdict, is_slow),
            self.tls13(&verdict),
            self.page(&verdict, provider),
        );
        self.seen.join(seen);
        if is_full && !verdict.accepts(Version::Tls13) {
            groups = match self.newest_old(&verdict) {
                Some(version) => eliminate::curves(self.door, &self.base(version)).await,
                None => groups,
            };
        }
        let (order, notices_fallback) = if is_full {
            tokio::join!(self.order(&verdict, &old_suites, &new_suites), self.fallback(&verdict))
        } else {
            (Err(not_asked()), Err(not_asked()))
        };
        let mut suites = old_suites;
        suites.join(new_suites);
        let has_page = page.as_ref().is_some_and(|page| page.head.is_some());
        let service =
            self.wish.service.clone().or_else(|| Some(if has_page { "https" } else { "tls" }.to_owned()));
        let clear =
            clear::beside_tls(self.door, self.wish, has_page || service.as_deref() == Some("https")).await;
        // The last word: does it still answer what it answered at the beginning?
        if let Some(newest) = verdict.newest() {
            let (_, last) = self.ask(newest).await;
            if last.answer().is_none() && last != Outcome::Spent {
                verdict.doubt(&last);
                suites.cut = suites.cut.or_else(|| Some(last.reason()));
            }
        }
        Assessment {
            outcomes: self.outcomes,
            verdict,
            suites,
            order,
            groups,
            signatures,
            seen: self.seen,
            notices_fallback,
            page,
            plain_web,
            clear,
            service,
            connections: self.door.used(),
        }
    }

    /// The newest version up to TLS 1.2.
    fn newest_old(&self, verdict: &Verdict) -> Option<Version> {
        verdict.accepted().filter(|version| (Version::Ssl3..Version::Tls13).contains(version)).max()
    }

    /// The suites up to TLS 1.2, all of the newest version and what older ones accept beside; what the answers showed; and
    /// what the server signs with.
    async fn old_suites(&self, verdict: &Verdict, is_slow: bool) -> (Found, Seen, Found) {
        let (mut found, mut seen) = (Found::default(), Seen::default());
        if self.wish.is_quick {
            found.cut = Some(not_asked());
            return (found.clone(), seen, found);
        }
        let mut signing = Signing::new(self.answer(Version::Tls12).and_then(|answer| answer.signature));
        let old = |version: &Version| {
            (Version::Ssl3..Version::Tls13).contains(version) && verdict.accepts(*version)
        };
        for version in Version::ALL.into_iter().filter(old) {
            let base = self.base(version);
            let known = self.answer(version).map(|answer| answer.hello.suite);
            let new = known.filter(|suite| !found.accepted.contains(suite));
            found.accepted.extend(new);
            for list in suites::lists(version == Version::Tls12) {
                let left: Vec<u16> =
                    list.into_iter().filter(|suite| !found.accepted.contains(suite)).collect();
                let more = if version < Version::Tls12 {
                    eliminate::suites(self.door, &base, &left, &mut Signing::none(), &mut seen).await
                } else if is_slow {
                    self.parts(&base, &left, &mut signing, &mut seen).await
                } else {
                    eliminate::suites(self.door, &base, &left, &mut signing, &mut seen).await
                };
                found.join(more);
            }
        }
        let signatures = self.signatures(verdict, signing).await;
        (found, seen, signatures)
    }

    /// The same in three parts at once.
    async fn parts(&self, base: &Hello, left: &[u16], signing: &mut Signing, seen: &mut Seen) -> Found {
        let [one, two, three] = eliminate::parts(left);
        let (mut second, mut third) = (Seen::default(), Seen::default());
        let (mut none, mut nor) = (Signing::none(), Signing::none());
        let (mut found, more, rest) = tokio::join!(
            eliminate::suites(self.door, base, &one, signing, seen),
            eliminate::suites(self.door, base, &two, &mut none, &mut second),
            eliminate::suites(self.door, base, &three, &mut nor, &mut third),
        );
        found.join(more);
        found.join(rest);
        seen.join(second);
        seen.join(third);
        found
    }

    async fn tls13(&self, verdict: &Verdict) -> (Found, Found) {
        let unknown = || Found { accepted: Vec::new(), cut: Some(not_asked()) };
        if self.wish.is_quick {
            return (unknown(), unknown());
        }
        match self.answer(Version::Tls13) {
            Some(first) if verdict.accepts(Version::Tls13) => {
                eliminate::tls13(self.door, &self.base(Version::Tls13), first).await
            }
            Some(_) | None => (Found::default(), Found::default()),
        }
    }

    /// What a server of TLS 1.2 signs with, after the search for suites showed most of it.
    async fn signatures(&self, verdict: &Verdict, signing: Signing) -> Found {
        if !verdict.accepts(Version::Tls12) {
            let what = "servers show what they sign with only up to TLS 1.2, and choose it only in TLS 1.2";
            return Found { accepted: Vec::new(), cut: Some(UnknownReason::new(Why::Unsupported, what)) };
        }
        eliminate::signatures(self.door, &self.hello(Version::Tls12), signing, RESERVE).await
    }

    async fn order(
        &self,
        verdict: &Verdict,
        old: &Found,
        new: &Found,
    ) -> Result<Option<Order>, UnknownReason> {
        let (version, accepted) = match self.newest_old(verdict) {
            Some(version) => (version, &old.accepted),
            None => (Version::Tls13, &new.accepted),
        };
        // Older versions may accept more; what they do not share with the newest says nothing.
        let offered: Vec<u16> = match version {
            Version::Tls13 => accepted.clone(),
            Version::Ssl2 | Version::Ssl3 | Version::Tls10 | Version::Tls11 | Version::Tls12 => {
                let of: Vec<u16> = suites::lists(version == Version::Tls12).concat();
                accepted.iter().copied().filter(|suite| of.contains(suite)).collect()
            }
        };
        eliminate::order(self.door, &self.hello(version), &offered).await
    }

    async fn fallback(&self, verdict: &Verdict) -> Result<Option<bool>, UnknownReason> {
        let newest = verdict.newest();
        let below =
            verdict.accepted().filter(|version| *version >= Version::Tls10 && Some(*version) < newest).max();
        match below {
            None => Ok(None),
            Some(version) => {
                eliminate::notices_fallback(self.door, version, &self.hello(version)).await.map(Some)
            }
        }
    }

    async fn page(
        &self,
        verdict: &Verdict,
        provider: &Arc<CryptoProvider>,
    ) -> (Option<Page>, Option<Result<PlainWeb, UnknownReason>>) {
        let asks = self.door.service.is_none()
            && self.wish.service.as_deref().is_none_or(|service| service == "https");
        let page = if verdict.newest() >= Some(Version::Tls12) {
            match page::fetch(self.door, provider, asks).await {
                Ok(page) => Some(page),
                Err(outcome) => Some(Page { fault: Some(outcome.words()), ..Page::default() }),
            }
        } else {
            None
        };
        let is_web = page.as_ref().is_some_and(|page| page.head.is_some())
            || self.wish.service.as_deref() == Some("https");
        let plain_web = if asks && is_web && self.door.address.port() != self.wish.plain_port {
            Some(clear::plain_web(self.door, self.wish.plain_port).await)
        } else {
            None
        };
        (page, plain_web)
    }

    /// Something that is no TLS, or nothing at all.
    async fn without_tls(self, verdict: Verdict) -> Assessment {
        let reason = match &verdict.speaks {
            Speaks::Unknown(reason) => reason.clone(),
            Speaks::Tls | Speaks::Clear(_) | Speaks::Declines(_) => {
                UnknownReason::new(Why::Unsupported, "it speaks no TLS")
            }
        };
        let (mut service, mut plain_web) = (self.wish.service.clone(), None);
        let clear = match &verdict.speaks {
            Speaks::Unknown(reason) => Err(reason.clone()),
            Speaks::Tls => Ok(false),
            Speaks::Declines(_) => Ok(true),
            Speaks::Clear(bytes) => {
                if bytes.starts_with("HTTP/") && self.door.service.is_none() {
                    let web = clear::plain_web(self.door, self.door.address.port()).await;
                    let leads_on = web == Ok(PlainWeb::Redirects);
                    service = Some(if leads_on { "redirect" } else { "http" }.to_owned());
                    plain_web = Some(web);
                }
                service = service.or_else(|| Some("clear".to_owned()));
                Ok(service.as_deref() != Some("redirect"))
            }
        };
        let cut = || Found { accepted: Vec::new(), cut: Some(reason.clone()) };
        Assessment {
            suites: cut(),
            order: Err(reason.clone()),
            groups: cut(),
            signatures: cut(),
            notices_fallback: Err(reason.clone()),
            outcomes: self.outcomes,
            verdict,
            seen: self.seen,
            page: None,
            plain_web,
            clear,
            service,
            connections: self.door.used(),
        }
    }
}

fn not_asked() -> UnknownReason {
    UnknownReason::new(
        Why::NotCollected,
        "this endpoint is looked at quickly: versions, certificate and page only",
    )
}
