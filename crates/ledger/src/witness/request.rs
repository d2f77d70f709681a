//! What is posted to a witness (C2SP `tlog-witness`): `old N`, the lines of a consistency proof, an empty line, and the
//! checkpoint.

use octro_verify::{Hash, NOTE_MAX, SIZE_MAX, base64_decode, base64_encode};

/// The most lines of a proof.
const PROOF_MAX: usize = 63;
/// The largest body: the first line, a proof, and a note.
pub(crate) const BODY_MAX: usize = 64 + PROOF_MAX * 45 + NOTE_MAX;

/// A checkpoint that is to be cosigned, and what shows that it continues the one that was cosigned before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// The size that the witness cosigned last, as whoever asks believes.
    pub old: u64,
    pub proof: Vec<Hash>,
    pub note: String,
}

impl Request {
    pub fn to_body(&self) -> Vec<u8> {
        let mut text = format!("old {}\n", self.old);
        for hash in &self.proof {
            text.push_str(&base64_encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text.into_bytes()
    }

    /// Reads a body; the error says what is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        if body.len() > BODY_MAX {
            return Err(format!("the body has {} bytes; expected at most {BODY_MAX}", body.len()));
        }
        let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
        let shape = "expected `old N`, lines of a proof, an empty line and a checkpoint";
        let (head, note) =
            text.split_once("\n\n").ok_or_else(|| format!("there is no empty line; {shape}"))?;
        let mut lines = head.split('\n');
        let first = lines.next().unwrap_or_default();
        let old = first
            .strip_prefix("old ")
            .and_then(|digits| {
                digits.parse().ok().filter(|n: &u64| *n <= SIZE_MAX && n.to_string() == digits)
            })
            .ok_or_else(|| format!("the first line is not `old` and a size; {shape}"))?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == PROOF_MAX {
                return Err(format!("the proof has more than {PROOF_MAX} lines"));
            }
            let hash = base64_decode(line).and_then(|bytes| Hash::try_from(bytes).ok());
            proof.push(hash.ok_or_else(|| {
                format!("line {} of the proof is no hash of 32 bytes in base64", proof.len() + 1)
            })?);
        }
        Ok(Self { old, proof, note: note.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        for proof in [vec![], vec![[7; 32]], vec![[1; 32]; 63]] {
            let request = Request { old: 5, proof, note: "octro/a\n6\nx\n\n\u{2014} a b\n".to_owned() };
            assert_eq!(Request::parse(&request.to_body()), Ok(request));
        }
        let hash = base64_encode(&[1; 32]);
        let many = format!("old 1\n{}\nnote", format!("{hash}\n").repeat(64));
        for (wrong, words) in [
            ("", "no empty line"),
            ("old 1\n", "no empty line"),
            ("new 1\n\nx", "the first line"),
            ("old 01\n\nx", "the first line"),
            ("old +1\n\nx", "the first line"),
            ("old 9223372036854775808\n\nx", "the first line"),
            ("old 1\nabc\n\nx", "line 1 of the proof"),
            (many.as_str(), "more than 63"),
        ] {
            assert!(Request::parse(wrong.as_bytes()).unwrap_err().contains(words), "{wrong}");
        }
        assert!(Request::parse(&[0xff]).unwrap_err().contains("UTF-8"));
        assert!(Request::parse(&vec![b'a'; BODY_MAX + 1]).unwrap_err().contains("at most"));
    }
}
