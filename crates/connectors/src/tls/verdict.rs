//! Which versions a server accepts, as a pure function of what became of the hellos. A server hello proves a version; its
//! absence proves something only where the server is known to answer other hellos. Silence proves nothing.

use std::collections::BTreeMap;

use octro_model::{UnknownReason, Why};

use super::door::Outcome;
use super::version::Version;

/// The alert for a version that is not spoken.
const PROTOCOL_VERSION: u8 = 70;
/// The alert for a server's own trouble.
const INTERNAL_ERROR: u8 = 80;
/// The alert for a name that the server does not have.
const UNRECOGNIZED_NAME: u8 = 112;

/// What is known of one version.
pub(crate) type Accepts = Result<bool, UnknownReason>;

/// What the outcomes say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Each version.
    pub versions: BTreeMap<Version, Accepts>,
    /// Versions at whose hello the server gave up instead of choosing an older one.
    pub intolerant: Vec<Version>,
    /// Versions that are switched on and cannot be used at the moment.
    pub latent: Vec<Version>,
    /// What it speaks.
    pub speaks: Speaks,
}

/// What an address speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// TLS: there was a server hello.
    Tls,
    /// Something else, which began with these bytes.
    Clear(String),
    /// A protocol that could start TLS and does not.
    Declines(String),
    /// Nobody knows.
    Unknown(UnknownReason),
}

impl Verdict {
    /// The newest version that was accepted.
    pub(crate) fn newest(&self) -> Option<Version> {
        self.accepted().max()
    }

    /// Whether a version was accepted, for certain.
    pub(crate) fn accepts(&self, version: Version) -> bool {
        self.versions.get(&version) == Some(&Ok(true))
    }

    /// The versions that were accepted.
    pub(crate) fn accepted(&self) -> impl Iterator<Item = Version> + '_ {
        self.versions.iter().filter(|(_, accepts)| **accepts == Ok(true)).map(|(version, _)| *version)
    }

    /// The server answered no more at the end of the run: what it seemed to refuse may be its limits.
    pub(crate) fn doubt(&mut self, last: &Outcome) {
        let detail = format!(
            "at the end of the run the server turned away a hello that it had answered: {}",
            last.words()
        );
        for accepts in self.versions.values_mut() {
            if *accepts == Ok(false) {
                *accepts = Err(UnknownReason::new(Why::Throttled, detail.clone()));
            }
        }
        self.intolerant.clear();
    }
}

/// Judges what became of each version's hello.
pub(crate) fn judge(outcomes: &BTreeMap<Version, Outcome>) -> Verdict {
    let proven = |version: Version| {
        outcomes.values().filter_map(Outcome::answer).any(|answer| answer.version() == Some(version))
    };
    let newest = Version::ALL.into_iter().find(|version| proven(*version));
    let speaks = speaks(outcomes, newest.is_some());
    let mut verdict =
        Verdict { versions: BTreeMap::new(), intolerant: Vec::new(), latent: Vec::new(), speaks };
    for version in Version::ALL {
        let accepts = match outcomes.get(&version) {
            _ if proven(version) => Ok(true),
            None => Err(UnknownReason::new(Why::NotCollected, "no hello of this version was sent")),
            Some(outcome) => match &verdict.speaks {
                Speaks::Tls => off(version, outcome, newest, &mut verdict.intolerant, &mut verdict.latent),
                // It speaks no version of TLS at all.
                Speaks::Clear(_) | Speaks::Declines(_) => Ok(false),
                Speaks::Unknown(_) => Err(reason(outcome)),
            },
        };
        verdict.versions.insert(version, accepts);
    }
    verdict.intolerant.sort();
    verdict
}

fn speaks(outcomes: &BTreeMap<Version, Outcome>, is_tls: bool) -> Speaks {
    if is_tls {
        return Speaks::Tls;
    }
    let mut clear = None;
    for outcome in outcomes.values() {
        match outcome {
            Outcome::Declined(words) => return Speaks::Declines(words.clone()),
            Outcome::Foreign(bytes) => clear = Some(bytes.clone()),
            Outcome::Answer(_)
            | Outcome::Alert(_)
            | Outcome::Closed
            | Outcome::Reset
            | Outcome::Silent
            | Outcome::Broken(_)
            | Outcome::Refused
            | Outcome::NoConnection
            | Outcome::Unreachable(_)
            | Outcome::Spent => {}
        }
    }
    // Bytes that are not TLS, and an alert that is: two things behind one port, of which nothing is sure.
    let alerts = outcomes.values().any(|outcome| matches!(outcome, Outcome::Alert(_)));
    if let (Some(bytes), false) = (clear, alerts) {
        return Speaks::Clear(bytes);
    }
    let newest_first = Version::ALL.iter().filter_map(|version| outcomes.get(version));
    // That a name is not served explains more than that a version is not.
    let mut outcomes: Vec<&Outcome> = newest_first.collect();
    outcomes.sort_by_key(|outcome| **outcome != Outcome::Alert(UNRECOGNIZED_NAME));
    let reason = outcomes.first().map(|outcome| reason(outcome));
    Speaks::Unknown(reason.unwrap_or_else(|| UnknownReason::new(Why::NotCollected, "nothing was asked")))
}

fn reason(outcome: &Outcome) -> UnknownReason {
    if *outcome == Outcome::Alert(UNRECOGNIZED_NAME) {
        let what =
            "the server has nothing under this name (alert 112); list the endpoint by a name that it serves";
        return UnknownReason::new(Why::Failed, what);
    }
    outcome.reason()
}

/// A version that no server hello proved, at a server that sent others.
fn off(
    version: Version,
    outcome: &Outcome,
    newest: Option<Version>,
    intolerant: &mut Vec<Version>,
    latent: &mut Vec<Version>,
) -> Accepts {
    let is_newer = newest.is_some_and(|newest| version > newest);
    match outcome {
        // It chose an older version instead, or refused in the words of the protocol.
        Outcome::Answer(_) | Outcome::Alert(PROTOCOL_VERSION) => Ok(false),
        Outcome::Alert(INTERNAL_ERROR) => {
            latent.push(version);
            Ok(false)
        }
        Outcome::Alert(_) => Ok(false),
        Outcome::Closed | Outcome::Reset | Outcome::Broken(_) | Outcome::Foreign(_) => {
            if is_newer {
                intolerant.push(version);
            }
            Ok(false)
        }
        Outcome::Silent
        | Outcome::NoConnection
        | Outcome::Refused
        | Outcome::Unreachable(_)
        | Outcome::Declined(_)
        | Outcome::Spent => Err(outcome.reason()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Answer, ServerHello};
    use super::*;

    fn hello(version: Version) -> Outcome {
        let hello = ServerHello { version: version.number(), suite: 0xc02f, ..ServerHello::default() };
        Outcome::Answer(Box::new(Answer { hello, ..Answer::default() }))
    }

    fn judged(outcomes: [Outcome; 6]) -> Verdict {
        judge(&Version::ALL.into_iter().zip(outcomes).collect())
    }

    /// `+` accepted, `-` off, `?` unknown, the newest first.
    fn signs(verdict: &Verdict) -> String {
        let sign = |version| match verdict.versions.get(&version) {
            Some(Ok(true)) => '+',
            Some(Ok(false)) => '-',
            Some(Err(_)) | None => '?',
        };
        Version::ALL.into_iter().map(sign).collect()
    }

    #[test]
    fn each_answer_means_what_it_proves_and_no_more() {
        use Outcome::{Alert, Closed, NoConnection, Refused, Reset, Silent};
        let (v13, v12, v10) = (|| hello(Version::Tls13), || hello(Version::Tls12), || hello(Version::Tls10));
        let foreign = || Outcome::Foreign("HTTP/1.1 400".to_owned());
        let declined = || Outcome::Declined("N".to_owned());
        for (outcomes, expected, what) in [
            ([v13(), v12(), Alert(70), Alert(70), Alert(70), Closed], "++----", "modern"),
            ([v13(), v12(), Reset, Reset, Reset, Reset], "++----", "resets instead of alerts"),
            ([v13(), v12(), Silent, Silent, Silent, Silent], "++????", "old hellos are swallowed"),
            ([v13(), v12(), Alert(80), Alert(80), Alert(40), Closed], "++----", "on and unusable"),
            (
                [Alert(70), v12(), v10(), v10(), Alert(70), Closed],
                "-+-+--",
                "a lower version is a proof of that one",
            ),
            ([Reset, Reset, Reset, v10(), Closed, Closed], "---+--", "intolerant"),
            ([Silent, Silent, Silent, Silent, Silent, Silent], "??????", "black hole"),
            ([Refused, Refused, Refused, Refused, Refused, Refused], "??????", "closed port"),
            ([NoConnection, Silent, Closed, Closed, Closed, Closed], "??????", "dead"),
            ([Alert(40), Alert(40), Alert(40), Alert(40), Alert(40), Closed], "??????", "refuses all"),
            ([foreign(), foreign(), foreign(), foreign(), foreign(), foreign()], "------", "plain"),
            (
                [declined(), declined(), declined(), declined(), declined(), declined()],
                "------",
                "no STARTTLS",
            ),
        ] {
            assert_eq!(signs(&judged(outcomes)), expected, "{what}");
        }
    }

    #[test]
    fn intolerant_latent_and_nameless_servers_are_told_apart() {
        use Outcome::{Alert, Closed, Reset};
        let verdict = judged([Reset, Reset, Reset, hello(Version::Tls10), Closed, Closed]);
        assert_eq!(verdict.intolerant, [Version::Tls11, Version::Tls12, Version::Tls13]);
        let verdict =
            judged([hello(Version::Tls13), hello(Version::Tls12), Alert(80), Alert(80), Alert(70), Closed]);
        assert_eq!(verdict.latent, [Version::Tls11, Version::Tls10]);
        let verdict = judged([Alert(112), Alert(112), Alert(112), Alert(112), Alert(112), Closed]);
        let Speaks::Unknown(reason) = verdict.speaks else { panic!("{:?}", verdict.speaks) };
        assert!(reason.detail.contains("name"), "{reason}");
    }

    #[test]
    fn a_server_that_tires_half_way_has_no_version_that_is_off() {
        use Outcome::{Alert, Closed};
        let mut verdict = judged([hello(Version::Tls13), Alert(70), Alert(70), Closed, Closed, Closed]);
        verdict.doubt(&Outcome::Silent);
        assert_eq!(signs(&verdict), "+?????");
    }
}
