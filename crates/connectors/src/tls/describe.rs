//! What bytes say, without a network: kept answers can be read again, and a fuzzer has a way in. Nothing here can fail;
//! what cannot be understood is described as such.

use octro_model::Timestamp;

use super::answer::Building;
use super::certificate::{self, Certificate};
use super::chain::Trust;
use super::http::{Head, Remember};
use super::record::Reader;
use super::staple;
use super::starttls::{self, Service};
use super::target;

/// The answer to a hello, as it came in pieces.
pub fn answer(pieces: &[&[u8]]) -> String {
    let (mut reader, mut building, mut events) = (Reader::default(), Building::default(), Vec::new());
    for piece in pieces {
        let fed = reader.feed(piece, &mut events);
        for event in events.drain(..) {
            if building.take(event) {
                return format!("{building:?}");
            }
        }
        if let Err(fault) = fed {
            return format!("{fault:?} after {building:?}");
        }
    }
    format!("{building:?}, and more to come")
}

/// A certificate in DER, and what it is worth as a chain of its own.
pub fn certificate(der: &[u8], staple: &[u8], now: Timestamp) -> String {
    let read = Certificate::read(der);
    let covers = read.as_ref().is_ok_and(|read| read.covers("www.example.com"));
    let chain = [der.to_vec(), der.to_vec()];
    let trusted = Trust::new(&[], false).map(|trust| trust.judge(&chain, now));
    let stapled = staple::judge(staple, &chain, now);
    format!("{read:?} {covers} {trusted:?} {stapled:?} {}", certificate::is_ordered(&chain))
}

/// What a service says before TLS, the service by its number.
pub fn talk(service: u8, says: &[u8]) -> String {
    let Some((_, service)) = Service::ALL.get(usize::from(service) % Service::ALL.len()) else {
        return String::new();
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return String::new() };
    let said = runtime.block_on(async {
        let mut stream = tokio::io::join(says, tokio::io::sink());
        starttls::start(&mut stream, *service, "www.example.com").await
    });
    format!("{said:?}")
}

/// The head of an HTTP answer.
pub fn head(bytes: &[u8]) -> String {
    let head = Head::read(bytes);
    let remember = head.as_ref().and_then(|head| head.hsts.as_deref().and_then(Remember::read));
    format!("{head:?} {remember:?}")
}

/// A line of a list of endpoints: how many it stands for.
///
/// # Errors
/// What is wrong with it.
pub fn endpoints(line: &str) -> Result<usize, String> {
    target::read(line).map(|targets| targets.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_described_whatever_they_are() {
        assert!(answer(&[b"\x15\x03\x03\0\x02\x02\x28"]).contains("fatal: Some(40)"));
        assert!(answer(&[b"HTTP", b"/1.1"]).contains("Foreign"));
        assert!(answer(&[]).contains("more to come"));
        assert!(certificate(b"\x30\x03abc", b"", Timestamp::from_secs(0)).contains("Err"));
        assert!(talk(0, b"220 hi\r\n250 x\r\n").contains("Declined"));
        assert!(
            head(b"HTTP/1.1 200 OK\r\nStrict-Transport-Security: max-age=5\r\n\r\n").contains("seconds: 5")
        );
        assert_eq!(endpoints("192.0.2.0/30:1,2"), Ok(4));
    }
}
