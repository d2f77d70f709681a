//! Time stamps (RFC 3161): an authority says that it has seen a checkpoint's text at a moment. What is asked and what
//! comes back is looked at as far as it concerns the text; the authority's signature is for whoever verifies, with
//! openssl and that authority's certificate.

use octro_verify::{Hash, sha256};

use super::der::{
    BIT_STRING, CONTEXT_0, Elements, INTEGER, NULL, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, UTF8_STRING,
    element,
};

/// The largest answer.
pub(super) const ANSWER_MAX: usize = 64 * 1_024;

/// 2.16.840.1.101.3.4.2.1
const SHA_256: [u8; 9] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.2.840.113549.1.7.2
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.16.1.4
const TST_INFO: [u8; 11] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

/// A request for a time stamp over a text, with the authority's certificate in the answer.
pub(super) fn request(text: &str, nonce: [u8; 8]) -> Vec<u8> {
    const TRUE: [u8; 3] = [0x01, 0x01, 0xff];
    let body = [
        element(INTEGER, &[1]),
        imprint(&sha256(text.as_bytes())),
        element(INTEGER, &positive(nonce)),
        TRUE.to_vec(),
    ];
    element(SEQUENCE, &body.concat())
}

fn imprint(hash: &Hash) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[element(OBJECT_ID, &SHA_256), element(NULL, &[])].concat());
    element(SEQUENCE, &[algorithm, element(OCTET_STRING, hash)].concat())
}

/// A number of random bytes that is positive and has one form.
fn positive([first, rest @ ..]: [u8; 8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g] = rest;
    [(first & 0x3f) | 0x40, a, b, c, d, e, f, g]
}

/// The token of an answer, if the stamp was granted for this text and this request.
///
/// # Errors
/// In words, why there is none.
pub(super) fn token(answer: &[u8], text: &str, nonce: [u8; 8]) -> Result<Vec<u8>, String> {
    let shape = || "answers with no time stamp in the form of RFC 3161".to_owned();
    let mut whole = Elements(answer);
    let mut response = whole.enter(SEQUENCE).filter(|_| whole.0.is_empty()).ok_or_else(shape)?;
    let mut status = response.enter(SEQUENCE).ok_or_else(shape)?;
    let granted = status.take(INTEGER).ok_or_else(shape)?;
    // Granted, or granted with changes.
    if !matches!(granted, [0 | 1]) {
        return Err(refused(granted, status));
    }
    let (_, _, token) = response.next().ok_or_else(shape)?;
    let info = info(token).ok_or_else(shape)?;
    let mut info = Elements(info).enter(SEQUENCE).ok_or_else(shape)?;
    info.take(INTEGER).ok_or_else(shape)?;
    info.take(OBJECT_ID).ok_or_else(shape)?;
    let mut of = info.enter(SEQUENCE).ok_or_else(shape)?;
    let algorithm =
        of.enter(SEQUENCE).and_then(|mut algorithm| algorithm.take(OBJECT_ID)).ok_or_else(shape)?;
    let hash = of.take(OCTET_STRING).ok_or_else(shape)?;
    if algorithm != SHA_256 || hash != sha256(text.as_bytes()) {
        return Err("stamped another text than the checkpoint's".to_owned());
    }
    // The serial number, the time, and what may follow; of these, the one integer is the nonce.
    info.take(INTEGER).ok_or_else(shape)?;
    let mut answered = None;
    while let Some((tag, content, _)) = info.next() {
        if tag == INTEGER {
            answered = Some(content);
        }
    }
    if answered != Some(&positive(nonce)) {
        return Err("answers another request than ours: the nonce differs".to_owned());
    }
    Ok(token.to_vec())
}

/// The bytes of a token's TSTInfo.
fn info(token: &[u8]) -> Option<&[u8]> {
    let mut content_info = Elements(token).enter(SEQUENCE)?;
    if content_info.take(OBJECT_ID)? != SIGNED_DATA {
        return None;
    }
    let mut signed = content_info.enter(CONTEXT_0)?.enter(SEQUENCE)?;
    signed.take(INTEGER)?;
    signed.take(SET)?;
    let mut content = signed.enter(SEQUENCE)?;
    if content.take(OBJECT_ID)? != TST_INFO {
        return None;
    }
    content.enter(CONTEXT_0)?.take(OCTET_STRING)
}

fn refused(status: &[u8], mut rest: Elements<'_>) -> String {
    let words = rest.enter(SEQUENCE).and_then(|mut texts| texts.take(UTF8_STRING));
    let words = words.map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
    let words: String = words.chars().filter(|letter| !letter.is_control()).take(200).collect();
    let reasons = rest.take(BIT_STRING).map(octro_verify::hex).unwrap_or_default();
    format!("does not grant a stamp (status {}, failure {reasons}): {words}", octro_verify::hex(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_openssl_asks_is_what_we_ask() {
        // `openssl ts -query -data FILE -sha256 -cert`, with our nonce in place of its own.
        let mut nonce = [0xff; 8];
        nonce[7] = 1;
        let bytes = request("x\n", nonce);
        let mut whole = Elements(&bytes);
        let mut query = whole.enter(SEQUENCE).unwrap();
        assert!(whole.0.is_empty());
        assert_eq!(query.take(INTEGER), Some([1].as_slice()));
        assert!(query.enter(SEQUENCE).unwrap().0.ends_with(&sha256(b"x\n")));
        assert_eq!(query.take(INTEGER).unwrap()[0], 0x7f, "positive, and of one form");
        assert_eq!(query.0, [1, 1, 0xff]);
    }

    #[test]
    fn what_is_no_stamp_is_refused() {
        let rejected = element(
            SEQUENCE,
            &element(
                SEQUENCE,
                &[
                    element(INTEGER, &[2]),
                    element(SEQUENCE, &element(UTF8_STRING, b"too busy")),
                    element(BIT_STRING, &[5, 0x20]),
                ]
                .concat(),
            ),
        );
        let said = token(&rejected, "x", [1; 8]).unwrap_err();
        assert!(said.contains("status 02") && said.contains("too busy"), "{said}");
        let granted = element(SEQUENCE, &element(SEQUENCE, &element(INTEGER, &[0])));
        for wrong in [&[][..], &rejected[..9], &granted, b"<html>"] {
            assert!(token(wrong, "x", [1; 8]).unwrap_err().contains("RFC 3161"));
        }
    }
}
