//! The first part of a look: the hello of every version, and the second tries that tell chance from refusal.

use super::assess::Look;
use super::door::Outcome;
use super::hello::Hello;
use super::suites;
use super::verdict::Verdict;
use super::version::Version;

impl Look<'_> {
    /// The hello of a version.
    pub(super) fn hello(&self, version: Version) -> Hello {
        Hello { share: self.share, ..Hello::for_version(version, self.door.name.as_deref()) }
    }

    /// Asks with the hello of a version.
    pub(super) async fn ask(&self, version: Version) -> (Version, Outcome) {
        (version, self.door.ask(&self.hello(version)).await)
    }

    /// Asks for every version: the newest alone, so that a dead address costs one connection, the others at once.
    pub(super) async fn versions(&mut self) {
        let (_, first) = self.ask(Version::Tls13).await;
        let is_over = matches!(
            first,
            Outcome::Refused
                | Outcome::NoConnection
                | Outcome::Unreachable(_)
                | Outcome::Declined(_)
                | Outcome::Spent
        );
        if is_over {
            self.outcomes = Version::ALL.into_iter().map(|version| (version, first.clone())).collect();
            return;
        }
        if let Outcome::Foreign(_) = &first {
            // Once more, to be sure; what is no TLS is not TLS of any version.
            let (_, second) = self.ask(Version::Tls12).await;
            if let Outcome::Foreign(_) = &second {
                self.outcomes = Version::ALL.into_iter().map(|version| (version, second.clone())).collect();
                self.outcomes.insert(Version::Tls13, first);
                return;
            }
            self.outcomes.insert(Version::Tls12, second);
        }
        self.outcomes.insert(Version::Tls13, first);
        let (v12, v11, v10, v3, v2) = tokio::join!(
            self.ask(Version::Tls12),
            self.ask(Version::Tls11),
            self.ask(Version::Tls10),
            self.ask(Version::Ssl3),
            self.ask(Version::Ssl2),
        );
        self.outcomes.extend([v12, v11, v10, v3, v2]);
        self.ask_with_share().await;
        self.ask_turned_away().await;
        self.ask_with_rare_suites().await;
    }

    /// Some servers of TLS 1.3 refuse a hello without a key share, though the standard allows it.
    async fn ask_with_share(&mut self) {
        let knows_more = self
            .outcomes
            .get(&Version::Tls12)
            .and_then(Outcome::answer)
            .is_some_and(|a| a.hello.is_downgrade);
        let asks = match self.outcomes.get(&Version::Tls13) {
            Some(Outcome::Alert(70 | 40)) => knows_more,
            Some(Outcome::Alert(_) | Outcome::Closed | Outcome::Reset | Outcome::Broken(_)) => {
                !self.wish.is_quick || knows_more
            }
            Some(_) | None => false,
        };
        if asks {
            let outcome = self.door.ask(&Hello { share: true, ..self.hello(Version::Tls13) }).await;
            if outcome.answer().is_some() {
                self.share = true;
                self.outcomes.insert(Version::Tls13, outcome);
            }
        }
    }

    /// Connections that ended without a word: chance, or a refusal? The newest is tried again; if it fares the same, the
    /// others would, too.
    async fn ask_turned_away(&mut self) {
        let ended = |outcome: &Outcome| matches!(outcome, Outcome::Reset | Outcome::Closed);
        let turned_away: Vec<Version> = Version::ALL
            .into_iter()
            // Servers without SSL 2 close, or say nothing that it could understand.
            .filter(|version| *version != Version::Ssl2 && self.outcomes.get(version).is_some_and(ended))
            .collect();
        for version in turned_away {
            let (_, outcome) = self.ask(version).await;
            if ended(&outcome) {
                return;
            }
            self.outcomes.insert(version, outcome);
        }
    }

    /// A server of TLS 1.2 that accepts only what nobody uses any more is asked with the rest of the suites.
    async fn ask_with_rare_suites(&mut self) {
        let newest_others = self.outcomes.iter().any(|(_, outcome)| outcome.answer().is_some());
        if matches!(self.outcomes.get(&Version::Tls12), Some(Outcome::Alert(40 | 47 | 80)))
            && (!self.wish.is_quick || !newest_others)
            && let Some(rare) = suites::lists(true).get(1)
        {
            let outcome = self.door.ask(&self.hello(Version::Tls12).with_suites(rare)).await;
            if outcome.answer().is_some() {
                self.outcomes.insert(Version::Tls12, outcome);
            }
        }
    }

    /// A hello for TLS 1.3 alone may be turned away by a server that would cope with a browser's, which offers both.
    pub(super) async fn check_tolerance(&self, verdict: &mut Verdict) {
        if verdict.intolerant == [Version::Tls13] && verdict.newest() == Some(Version::Tls12) {
            let base = self.hello(Version::Tls13);
            let suites = [&suites::TLS13[..], &self.hello(Version::Tls12).suites].concat();
            let hello = Hello { is_mixed: true, suites: suites.into_iter().take(120).collect(), ..base };
            if self.door.ask_again(&hello).await.answer().is_some() {
                verdict.intolerant.clear();
            }
        }
    }
}
