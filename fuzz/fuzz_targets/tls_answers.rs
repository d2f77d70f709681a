//! What servers say to the TLS probe. The first byte chooses the reader: an answer to a hello, a certificate with a
//! staple, a talk before TLS, a head of HTTP, a line of endpoints. Nothing panics, an answer reads the same in one piece
//! and in many, and what is described stays short.
#![no_main]

use libfuzzer_sys::fuzz_target;
use octro_connectors::tls::describe;
use octro_model::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_770_000_000);

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    match choice % 5 {
        0 => {
            let whole = describe::answer(&[bytes]);
            let singles: Vec<&[u8]> = bytes.chunks(1).collect();
            let split = describe::answer(&singles);
            // Where the bytes end early or break a rule, how far each came may differ; a whole answer may not.
            if whole.contains("is_whole: true") && !whole.contains(" after ") && !whole.contains("more to come") {
                assert_eq!(whole, split);
            }
        }
        1 => {
            // DER says how long it is; the staple follows.
            let at = match bytes {
                [0x30, 0x82, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
                _ => bytes.len(),
            };
            let (der, staple) = bytes.split_at(at.min(bytes.len()));
            describe::certificate(der, staple, NOW);
        }
        2 => {
            describe::talk(choice / 5, bytes);
        }
        3 => {
            assert!(describe::head(bytes).len() < 20_000);
        }
        _ => {
            if let Ok(line) = std::str::from_utf8(bytes)
                && let Ok(count) = describe::endpoints(line)
            {
                assert!(count <= 1 << 17);
            }
        }
    }
});
