//! Signed notes, keys and checkpoints.
#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

use ed25519_dalek::{Signer as _, SigningKey};
use octro_verify::{Checkpoint, Note, VerifierKey, base64_encode, cosigned_message, sha256, signature_line};

fn signing(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn log(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::log(name, signing(seed).verifying_key().to_bytes()).expect("a key")
}

fn witness(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::witness(name, signing(seed).verifying_key().to_bytes()).expect("a key")
}

fn signed(text: &str, name: &str, seed: u8) -> String {
    signature_line(&log(name, seed), &signing(seed).sign(text.as_bytes()).to_bytes())
}

fn cosigned(text: &str, name: &str, seed: u8, time: u64) -> String {
    let mut blob = time.to_be_bytes().to_vec();
    blob.extend(signing(seed).sign(cosigned_message(time, text).as_bytes()).to_bytes());
    signature_line(&witness(name, seed), &blob)
}

#[test]
fn the_note_of_the_specification() {
    // The example of Go's golang.org/x/mod/sumdb/note.
    let key = VerifierKey::parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        .expect("a key");
    let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let read = Note::parse(note).expect("a note");
    assert_eq!(read.signed_by(&key), Ok(true));
    assert_eq!(read.signed_by(&log("other", 1)), Ok(false));
    let changed = Note::parse(&note.replace("answer", "Answer")).expect("a note");
    assert!(
        changed.signed_by(&key).expect_err("another text").to_string().contains("is not one of this text")
    );
}

#[test]
fn keys() {
    let key = log("octro.example/log", 1);
    let text = key.to_string();
    assert_eq!(VerifierKey::parse(&text), Ok(key.clone()));
    assert_ne!(key.id(), witness("octro.example/log", 1).id(), "the type is part of the id");
    let of = |name: &str, bytes: &[u8]| format!("{name}+{}+{}", &text[18..26], base64_encode(bytes));
    let mut bytes = vec![1];
    bytes.extend(key.key);
    let mut weak = vec![1, 1];
    weak.extend([0; 31]);
    for (wrong, why) in [
        (String::new(), "expected a key as"),
        ("a+b".to_owned(), "expected a key as"),
        (text.replace("example", "example2"), "by its name and key it is"),
        (of("octro.example/log", &bytes[..32]), "expected a key as"),
        (of("octro.example/log", &[9; 33]), "has the type 9"),
        (of("octro example", &bytes), "without spaces"),
        (of("x", &weak), "is not an Ed25519 public key"),
        (of("x", &[&[1][..], &[0xff; 32][..]].concat()), "is not an Ed25519 public key"),
    ] {
        let fault = VerifierKey::parse(&wrong).expect_err(&wrong).to_string();
        assert!(fault.contains(why), "{wrong}: {fault}");
    }
}

#[test]
fn signatures_of_others_are_passed_over_and_bad_ones_are_not() {
    let checkpoint = Checkpoint { origin: "o".to_owned(), size: 5, root: sha256(b"r") };
    let text = checkpoint.to_text();
    assert_eq!(Checkpoint::parse(&text), Ok(checkpoint));
    let strangers: String = (10..40).map(|seed| signed(&text, "stranger", seed)).collect();
    let note = format!(
        "{text}\n{strangers}{}{}{}",
        signed(&text, "o", 1),
        cosigned(&text, "w", 2, 1_800_000_000),
        cosigned(&text, "w", 2, 1_700_000_000)
    );
    let note = Note::parse(&note).expect("a note");
    assert_eq!(note.text, text);
    assert_eq!(note.signatures.len(), 33);
    assert_eq!(note.signed_by(&log("o", 1)), Ok(true));
    assert_eq!(note.signed_by(&log("o", 3)), Ok(false));
    assert_eq!(note.cosigned_by(&witness("w", 2)).expect("good").expect("there").time, 1_800_000_000);
    assert_eq!(note.cosigned_by(&witness("v", 2)), Ok(None));
    for line in [
        signed("another\n", "o", 1),
        signature_line(&log("o", 1), &[7; 64]),
        signature_line(&log("o", 1), &[7; 63]),
    ] {
        let note = Note::parse(&format!("{text}\n{}{line}", signed(&text, "o", 1))).expect("a note");
        assert!(note.signed_by(&log("o", 1)).is_err(), "{line}");
    }
    for line in [
        cosigned("another\n", "w", 2, 5),
        signature_line(&witness("w", 2), &[1; 72]),
        signature_line(&witness("w", 2), &[1; 7]),
    ] {
        let note = Note::parse(&format!("{text}\n{line}")).expect("a note");
        assert!(note.cosigned_by(&witness("w", 2)).is_err(), "{line}");
    }
}

#[test]
fn notes_that_are_none() {
    let line = signed("a\n", "o", 1);
    for (note, why) in [
        (String::new(), "has no empty line"),
        ("a\n".to_owned(), "has no empty line"),
        ("a\n\n".to_owned(), "does not end with a signature line"),
        (format!("a\n\n{line}x"), "does not end with a signature line"),
        (format!("a\n\n{line}x\n"), "has the signature line `x`"),
        (format!("a\t\n\n{line}"), "control character"),
        ("a\n\n\u{2014} o AAAA\n".to_owned(), "has the signature line"),
        ("a\n\n- o AAAAAAAA\n".to_owned(), "has the signature line"),
        (format!("a\n\n{}", line.repeat(65)), "has more than 64 signatures"),
        (format!("{}\n\n{line}", "a".repeat(70_000)), "expected at most 65536"),
    ] {
        let fault = Note::parse(&note).expect_err(&note).to_string();
        assert!(fault.contains(why), "{note}: {fault}");
    }
}

#[test]
fn checkpoints_that_are_none() {
    let root = base64_encode(&[7; 32]);
    for (text, why) in [
        (format!("o\n5\n{root}\nextension\n"), "has 4 lines; expected three"),
        ("o\n5\n".to_owned(), "has 2 lines"),
        (format!("\n5\n{root}\n"), "has the origin ``"),
        (format!("o o\n5\n{root}\n"), "has the origin `o o`"),
        (format!("o\n05\n{root}\n"), "has the size `05`"),
        (format!("o\n+5\n{root}\n"), "has the size `+5`"),
        (format!("o\n9223372036854775808\n{root}\n"), "expected an integer below 2^63"),
        (format!("o\n5\n{}\n", base64_encode(&[7; 31])), "expected 32 bytes in base64"),
    ] {
        let fault = Checkpoint::parse(&text).expect_err(&text).to_string();
        assert!(fault.contains(why), "{text}: {fault}");
    }
    assert!(Checkpoint::parse(&format!("o\n9223372036854775807\n{root}\n")).is_ok());
}
