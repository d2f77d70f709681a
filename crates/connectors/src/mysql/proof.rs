//! How a client proves to be an account: what each method of MySQL and MariaDB makes of the password and of what the
//! server said at random. None of them sends the password itself, except those that may over TLS.

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use sha2::{Digest as _, Sha256, Sha512};

/// A method that was asked for and cannot be had, and why.
pub(super) type Refusal = String;

/// The answer of a method. `is_private`: nobody hears it but the server.
pub(super) fn answer(
    method: &str,
    password: &str,
    random: &[u8],
    is_private: bool,
) -> Result<Vec<u8>, Refusal> {
    // What the server said at random is 20 bytes for the older methods, and a zero.
    let twenty = random.get(..20).unwrap_or(random);
    match method {
        // The server asks the machine itself who is at the other end of the socket.
        "unix_socket" | "auth_socket" => Ok(Vec::new()),
        "mysql_native_password" | "caching_sha2_password" | "client_ed25519" if password.is_empty() => {
            Ok(Vec::new())
        }
        "mysql_native_password" => Ok(native(password, twenty)),
        "caching_sha2_password" => Ok(caching(password, twenty)),
        "client_ed25519" => Ok(ed25519(password, random.get(..32).unwrap_or(random))),
        "mysql_clear_password" | "sha256_password" if is_private => Ok(clear(password)),
        "mysql_clear_password" | "sha256_password" => {
            Err(format!("the account proves itself by `{method}`, which is used over TLS only"))
        }
        other => Err(format!(
            "the account proves itself by `{}`, which Octro does not speak; give it another method",
            crate::plain::plain(other, 60)
        )),
    }
}

/// The password as it is, ended by a zero.
pub(super) fn clear(password: &str) -> Vec<u8> {
    let mut answer = password.as_bytes().to_vec();
    answer.push(0);
    answer
}

fn xor(one: &[u8], other: &[u8]) -> Vec<u8> {
    one.iter().zip(other).map(|(one, other)| one ^ other).collect()
}

/// SHA1(password) XOR SHA1(random, SHA1(SHA1(password))).
fn native(password: &str, random: &[u8]) -> Vec<u8> {
    let sha1 = |bytes: &[u8]| digest(&SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let once = sha1(password.as_bytes());
    let twice = sha1(once.as_ref());
    xor(once.as_ref(), sha1(&[random, twice.as_ref()].concat()).as_ref())
}

/// SHA256(password) XOR SHA256(SHA256(SHA256(password)), random).
fn caching(password: &str, random: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password.as_bytes());
    let twice = Sha256::digest(once);
    let both = Sha256::new().chain_update(twice).chain_update(random).finalize();
    xor(&once, &both)
}

/// MariaDB's: the password is the seed of the key, whatever its length; the answer is a signature.
fn ed25519(password: &str, random: &[u8]) -> Vec<u8> {
    let key = ExpandedSecretKey::from_bytes(&Sha512::digest(password.as_bytes()).into());
    let signature = raw_sign::<Sha512>(&key, random, &VerifyingKey::from(&key));
    signature.to_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_method_sends_the_password_to_whoever_listens() {
        for method in ["mysql_clear_password", "sha256_password", "dialog", "mysql_old_password"] {
            assert!(answer(method, "sesame", &[7; 20], false).is_err(), "{method}");
        }
        for method in ["mysql_native_password", "caching_sha2_password", "client_ed25519"] {
            let said = answer(method, "sesame", &[7; 32], false).unwrap();
            assert!(!said.windows(6).any(|part| part == b"sesame"), "{method}");
            assert!(answer(method, "", &[], true).unwrap().is_empty(), "{method}");
        }
        assert_eq!(answer("mysql_clear_password", "sesame", &[], true).unwrap(), b"sesame\0");
    }

    #[test]
    fn a_signature_holds_for_the_key_that_the_server_keeps() {
        // What a real MariaDB keeps of this password is compared in tests/mysql.rs, by signing in.
        let said = answer("client_ed25519", "sesame", &[9; 32], false).unwrap();
        assert_eq!(said.len(), 64);
    }
}
