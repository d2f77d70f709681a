//! Whether a chain leads to a root that clients trust, judged apart from today's date, and whether it does so as sent.

use rustls::RootCertStore;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use octro_model::{Span, Timestamp, UnknownReason, Why};

use super::certificate;

/// How many intermediates are remembered from other endpoints.
const KNOWN_MAX: usize = 200;

/// The roots of a run, and the intermediates that were seen in it.
pub(crate) struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
    known: Vec<CertificateDer<'static>>,
}

/// What is known of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// It leads to a root that is trusted.
    pub trusted: Result<bool, UnknownReason>,
    /// It was complete as sent.
    pub complete: bool,
    /// Why it is not trusted.
    pub fault: Option<String>,
}

impl Trust {
    /// Trusts the public roots, unless only one's own count, and these.
    ///
    /// # Errors
    /// What is wrong with a root.
    pub(crate) fn new(own: &[Vec<u8>], is_public: bool) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        if is_public {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for der in own {
            store.add(CertificateDer::from(der.clone())).map_err(|error| error.to_string())?;
        }
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        Ok(Self { anchors: store.roots, algorithms, known: Vec::new() })
    }

    /// Remembers the intermediates of a chain, to tell an incomplete chain from one of an unknown issuer.
    pub(crate) fn learn(&mut self, chain: &[Vec<u8>]) {
        for der in chain.iter().skip(1) {
            if self.known.len() < KNOWN_MAX && self.known.iter().all(|known| known.as_ref() != der.as_slice())
            {
                self.known.push(CertificateDer::from(der.clone()));
            }
        }
    }

    /// Judges a chain as it was sent, the leaf first. The date is the nearest to `now` at which the leaf is valid, so
    /// that "expired" and "not trusted" stay two facts.
    pub(crate) fn judge(&self, chain: &[Vec<u8>], now: Timestamp) -> Judgement {
        let Some(first) = chain.first() else {
            let reason = UnknownReason::new(Why::Failed, "the server sent no certificate");
            return Judgement { trusted: Err(reason), complete: false, fault: None };
        };
        let at = match certificate::parse(first) {
            Err(error) => {
                let fault = Some(format!("the certificate cannot be read: {error}"));
                return Judgement { trusted: Ok(false), complete: false, fault };
            }
            Ok(parsed) => {
                let validity = parsed.validity();
                let begin = Timestamp::from_secs(validity.not_before.timestamp());
                let end = Timestamp::from_secs(validity.not_after.timestamp()).minus(Span::from_secs(1));
                now.min(end).max(begin)
            }
        };
        let sent: Vec<CertificateDer<'_>> =
            chain.iter().skip(1).map(|der| CertificateDer::from(der.as_slice())).collect();
        let fault = match self.verify(first, &sent, at) {
            Ok(()) => return Judgement { trusted: Ok(true), complete: true, fault: None },
            Err(fault) => fault,
        };
        if fault != webpki::Error::UnknownIssuer {
            return Judgement { trusted: Ok(false), complete: true, fault: Some(words(&fault)) };
        }
        let completed: Vec<CertificateDer<'_>> = sent.iter().chain(&self.known).cloned().collect();
        if self.verify(first, &completed, at).is_ok() {
            return Judgement { trusted: Ok(true), complete: false, fault: None };
        }
        // It ends in a certificate that signed itself: whole, and of an issuer that nobody here trusts.
        let ends = chain.iter().any(|der| {
            certificate::parse(der).is_ok_and(|one| one.subject().as_raw() == one.issuer().as_raw())
        });
        if ends {
            return Judgement { trusted: Ok(false), complete: true, fault: Some(words(&fault)) };
        }
        // An issuer is missing that was never seen: it may be one that is trusted, or not.
        let issuer =
            chain.last().and_then(|der| certificate::parse(der).ok().map(|one| one.issuer().to_string()));
        let detail = format!(
            "the issuer `{}` was neither sent nor seen elsewhere",
            crate::plain::plain(&issuer.unwrap_or_default(), 120)
        );
        Judgement {
            trusted: Err(UnknownReason::new(Why::NotCollected, detail)),
            complete: false,
            fault: None,
        }
    }

    fn verify(
        &self,
        leaf: &[u8],
        between: &[CertificateDer<'_>],
        at: Timestamp,
    ) -> Result<(), webpki::Error> {
        let leaf = CertificateDer::from(leaf);
        let time =
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(u64::try_from(at.secs()).unwrap_or(0)));
        let leaf = EndEntityCert::try_from(&leaf)?;
        let usage = KeyUsage::server_auth();
        leaf.verify_for_usage(self.algorithms.all, &self.anchors, between, time, usage, None, None)
            .map(|_| ())
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the list of errors is the library's, and grows")]
fn words(error: &webpki::Error) -> String {
    match error {
        webpki::Error::UnknownIssuer => "its issuer is not trusted".to_owned(),
        webpki::Error::UnsupportedCertVersion => "it is not of version 3".to_owned(),
        webpki::Error::CaUsedAsEndEntity => "an authority's certificate is used for a server".to_owned(),
        webpki::Error::RequiredEkuNotFoundContext(_) => "it is not meant for servers".to_owned(),
        other => {
            // The name of the error, without what is inside it.
            let name = format!("{other:?}");
            match name.split(['(', ' ']).next().unwrap_or_default() {
                word if word.starts_with("UnsupportedSignatureAlgorithm") => {
                    "it is signed in a way that clients refuse".to_owned()
                }
                "CertNotValidYet" | "CertExpired" => {
                    "its certificates were never valid at the same time".to_owned()
                }
                word => format!("clients refuse it: {word}"),
            }
        }
    }
}
