//! The cipher suites by name, and what their names say of them. Suites with shared keys (PSK, SRP, Kerberos) are not
//! here: a server without the key to share cannot choose them.

mod registry;

use registry::ALL;

/// What is bad about a suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weakness {
    /// It encrypts nothing.
    Null,
    /// Nobody proves who they are.
    Anonymous,
    /// Weakened on purpose, for the export rules of the nineties.
    Export,
    /// A broken or too small cipher: RC2, RC4, DES, 3DES, IDEA; or MD5.
    Cipher,
}

/// The suites of TLS 1.3.
pub(crate) const TLS13: [u16; 5] = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305];
/// Tells that the client knows secure renegotiation (RFC 5746).
pub(crate) const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// Tells that the client tries again with an older version than it knows (RFC 7507).
pub(crate) const FALLBACK_SCSV: u16 = 0x5600;

/// A suite's name.
pub(crate) fn name(id: u16) -> String {
    match ALL.binary_search_by_key(&id, |(id, _)| *id).ok().and_then(|at| ALL.get(at)) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("0x{id:04x}"),
    }
}

fn known(id: u16) -> Option<&'static str> {
    ALL.binary_search_by_key(&id, |(id, _)| *id).ok().and_then(|at| ALL.get(at)).map(|(_, name)| *name)
}

/// What is weak about a suite, if anything. A suite that nobody knows counts as weak.
pub(crate) fn weakness(id: u16) -> Option<Weakness> {
    let Some(name) = known(id) else { return Some(Weakness::Cipher) };
    let has = |word: &str| name.contains(word);
    if has("_WITH_NULL") {
        Some(Weakness::Null)
    } else if has("_anon_") {
        Some(Weakness::Anonymous)
    } else if has("_EXPORT") {
        Some(Weakness::Export)
    } else if has("_RC4_") || has("_RC2_") || has("DES_") || has("DES40_") || has("_IDEA_") || has("_MD5") {
        Some(Weakness::Cipher)
    } else {
        None
    }
}

/// Whether a suite agrees on a fresh key, so that the server's key opens no recording later.
pub(crate) fn forward_secret(id: u16) -> bool {
    TLS13.contains(&id)
        || known(id).is_some_and(|name| {
            ["TLS_ECDHE_", "TLS_DHE_", "TLS_DH_anon_", "TLS_ECDH_anon_"]
                .iter()
                .any(|begin| name.starts_with(begin))
        })
}

/// Whether it encrypts and authenticates in one: GCM, CCM, ChaCha20-Poly1305.
pub(crate) fn authenticates_in_one(id: u16) -> bool {
    TLS13.contains(&id)
        || known(id).is_some_and(|name| ["GCM", "CCM", "POLY1305"].iter().any(|mode| name.contains(mode)))
}

/// How the key is agreed on, which says how to read the server's key exchange message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    /// Over an elliptic curve.
    Curve,
    /// Over a finite field.
    Field,
    /// With the server's key, or one that it signed; nothing to read.
    Other,
}

/// How a suite agrees on the key.
pub(crate) fn exchange(id: u16) -> Exchange {
    match known(id) {
        Some(name) if name.starts_with("TLS_ECDHE_") || name.starts_with("TLS_ECDH_anon") => Exchange::Curve,
        Some(name) if name.starts_with("TLS_DHE_") || name.starts_with("TLS_DH_anon") => Exchange::Field,
        Some(_) | None => Exchange::Other,
    }
}

/// Whether a suite came with TLS 1.2 and may not be chosen in an older version.
fn is_new(name: &str) -> bool {
    ["_GCM_", "_CCM", "POLY1305", "_SHA256", "_SHA384"].iter().any(|word| name.contains(word))
}

fn select(of: impl Fn(&str) -> bool) -> Vec<u16> {
    ALL.iter().filter(|(id, name)| !TLS13.contains(id) && of(name)).map(|(id, _)| *id).collect()
}

/// How likely a suite is to be met; the likely ones come first, so that one hello finds most servers.
fn rank(id: u16) -> u8 {
    let name = known(id).unwrap_or_default();
    let begins = |word: &str| name.starts_with(word);
    let common = name.contains("_AES_") || name.contains("CHACHA20_POLY1305_SHA256");
    match (common, weakness(id)) {
        (true, None) if begins("TLS_ECDHE_") && authenticates_in_one(id) => 0,
        (true, None) if begins("TLS_ECDHE_") => 1,
        (true, None) if begins("TLS_DHE_RSA") => 2,
        (true, None) if begins("TLS_RSA") => 3,
        (false, None) if begins("TLS_ECDHE_") || begins("TLS_DHE_RSA") || begins("TLS_RSA") => 5,
        (_, Some(_)) if begins("TLS_ECDHE_") || begins("TLS_DHE_RSA") || begins("TLS_RSA_WITH") => 4,
        (true | false, None | Some(_)) => 6,
    }
}

/// The hellos' lists for a version up to TLS 1.2, each short enough for stacks that fail at more than 128 suites.
pub(crate) fn lists(tls12: bool) -> Vec<Vec<u16>> {
    let mut suites = select(|name| tls12 || !is_new(name));
    suites.sort_by_key(|id| rank(*id));
    suites.chunks(LIST_MAX).map(<[u16]>::to_vec).collect()
}

/// How many suites one hello offers, beside the signalling ones.
const LIST_MAX: usize = 120;

/// The suites of SSL 2.
pub(crate) const SSL2: [u32; 7] =
    [0x0001_0080, 0x0002_0080, 0x0003_0080, 0x0004_0080, 0x0005_0080, 0x0006_0040, 0x0007_00c0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_say_what_a_suite_is() {
        assert!(ALL.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(name(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
        assert_eq!(name(0xabcd), "0xabcd");
        for (id, weak, fresh, one) in [
            (0x1301, None, true, true),
            (0xc02f, None, true, true),
            (0xc013, None, true, false),
            (0x002f, None, false, false),
            (0x000a, Some(Weakness::Cipher), false, false),
            (0x0005, Some(Weakness::Cipher), false, false),
            (0x0003, Some(Weakness::Export), false, false),
            (0x0001, Some(Weakness::Null), false, false),
            (0x0018, Some(Weakness::Anonymous), true, false),
            (0xc018, Some(Weakness::Anonymous), true, false),
            (0x0009, Some(Weakness::Cipher), false, false),
            (0xfe00, Some(Weakness::Cipher), false, false),
        ] {
            assert_eq!(
                (weakness(id), forward_secret(id), authenticates_in_one(id)),
                (weak, fresh, one),
                "{id:04x}"
            );
        }
        assert_eq!(exchange(0x0033), Exchange::Field);
        assert_eq!(exchange(0xc00a), Exchange::Curve);
        assert_eq!(exchange(0xc004), Exchange::Other);
    }

    #[test]
    fn every_suite_is_offered_once_and_no_hello_offers_too_many() {
        let new: Vec<u16> = lists(true).concat();
        assert_eq!(new.len() + TLS13.len(), ALL.len());
        assert!(lists(true).iter().all(|list| list.len() + 2 <= 128));
        let old = lists(false);
        assert_eq!(old.len(), 1, "one hello is enough for an old version");
        assert!(old[0].contains(&0x002f) && !old[0].contains(&0x009c) && !old[0].contains(&0x003c));
        assert!(lists(true)[0].contains(&0xc02f) && lists(true)[0].contains(&0x0005));
    }
}
