//! Every way in which a proof can be wrong is refuted with its reason, and good proofs say what they show.

use crate::cases::{Expected, cases};
use crate::log::{HOUR, company, day, policy};
use octro_verify::{Outcome, Policy, verify};

#[test]
fn each_case_has_its_outcome() {
    let mut wrong = Vec::new();
    for case in cases() {
        let outcome = verify(case.proof.as_bytes(), &case.policy);
        let fits = match (&case.expected, &outcome) {
            (Expected::Proved(said), Outcome::Proved(report)) => {
                said.iter().all(|part| report.proved.iter().any(|sentence| sentence.contains(part)))
            }
            (Expected::Refuted(why), Outcome::Refuted(reason)) => reason.to_string().contains(why),
            (Expected::Unusable(why), Outcome::Unusable(reason)) => reason.contains(why),
            _ => false,
        };
        if !fits {
            let expected = match case.expected {
                Expected::Proved(said) => format!("proved: {said:#?}"),
                Expected::Refuted(why) | Expected::Unusable(why) => why.to_owned(),
            };
            let found = match outcome {
                Outcome::Proved(report) => format!("{:#?}", report.proved),
                Outcome::Refuted(reason) => reason.to_string(),
                Outcome::Unusable(reason) => reason,
            };
            wrong.push(format!("{}\n  found {found}\n  expected {expected}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whatever bit of a proof is flipped: it is not proved any more, or it claims something else.
#[test]
fn a_flipped_bit_is_never_the_same_proof() {
    let log = company();
    let seal = log.seals_of("EP-01", day(5), day(5), false)[0];
    for proof in [
        log.interval("EP-01", day(3), day(7) - HOUR),
        log.linked(&log.interval("EP-01", day(3), day(7) - HOUR)),
        log.member(seal, "device", "laptop-3", "EP-01"),
        log.absent(seal, "device", "laptop-99", "EP-01"),
    ] {
        let text = proof.to_text();
        for i in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[i] ^= 1 << (i % 7);
            if let Outcome::Proved(report) = verify(&bytes, &policy()) {
                assert_ne!(
                    report.claim,
                    proof.claim,
                    "byte {i}: {}",
                    String::from_utf8_lossy(&bytes[i.saturating_sub(60)..i])
                );
            }
        }
    }
}

#[test]
fn a_file_that_is_no_text_or_too_large() {
    let of = |bytes: &[u8]| match verify(bytes, &policy()) {
        Outcome::Unusable(why) => why,
        other @ (Outcome::Proved(_) | Outcome::Refuted(_)) => format!("{other:?}"),
    };
    assert_eq!(of(b"{\"\xff\":1}"), "the file is not UTF-8");
    assert_eq!(of(&vec![b' '; 5 << 20]), "the file has 5242880 bytes; expected at most 4194304");
    assert_eq!(of(b"[]"), "the file is a list; expected an object");
    assert_eq!(
        of("[".repeat(1 << 20).as_bytes()),
        "the file is not JSON of the format: at byte 17, values are nested more than 16 deep"
    );
    assert!(matches!(verify(b"{}", &Policy::default()), Outcome::Unusable(_)));
}

#[test]
fn what_is_written_is_read() {
    for case in cases() {
        if let Ok(proof) = octro_verify::Proof::parse(case.proof.as_bytes()) {
            let again = octro_verify::Proof::parse(proof.to_text().as_bytes()).expect("what was written");
            assert_eq!(again, proof, "{}", case.name);
        }
    }
}
