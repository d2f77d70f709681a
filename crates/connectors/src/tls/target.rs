//! The endpoints that are asked for, as operators write them: one a line, a place and then words.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::starttls::Service;

/// How many endpoints one line may stand for.
const LINE_MAX: u64 = 1 << 17;

/// Where an endpoint is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// Wherever the name leads.
    Name(String),
    /// At an address.
    Address(IpAddr),
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where it is.
    pub place: Place,
    /// The port.
    pub port: u16,
    /// The name to ask for, if it is not that of the place.
    pub name: Option<String>,
    /// How TLS starts.
    pub starttls: Option<Service>,
    /// What speaks there, if the operator says so or the port tells.
    pub service: Option<String>,
    /// Whether it can be reached from the internet, if the operator says so.
    pub public: Option<bool>,
    /// Try what it does for clients without TLS, though that shows in its log.
    pub tries_clear: bool,
    /// Versions, certificate and page only.
    pub is_quick: bool,
    /// It is one of a range: nobody said that something listens there.
    pub is_sought: bool,
}

impl Target {
    /// The name that clients use.
    pub(crate) fn shown_name(&self) -> String {
        match (&self.name, &self.place) {
            (Some(name), _) | (None, Place::Name(name)) => name.clone(),
            (None, Place::Address(ip)) => ip.to_string(),
        }
    }

    /// The resource's key.
    pub(crate) fn key(&self) -> String {
        let bracketed = |host: String| if host.contains(':') { format!("[{host}]") } else { host };
        let name = bracketed(self.shown_name());
        match (&self.place, &self.name, self.is_sought) {
            // One name, asked for at each address of a range.
            (Place::Address(ip), Some(_), true) => {
                format!("{name}@{}:{}", bracketed(ip.to_string()), self.port)
            }
            (Place::Address(_) | Place::Name(_), _, _) => format!("{name}:{}", self.port),
        }
    }

    /// The name for the hello; an address is none.
    pub(crate) fn server_name(&self) -> Option<String> {
        Some(self.shown_name()).filter(|name| name.parse::<IpAddr>().is_err())
    }
}

/// The service that a port is known for, and whether it starts TLS on demand.
fn by_port(port: u16) -> (Option<&'static str>, Option<Service>) {
    match port {
        443 | 8443 | 9443 => (Some("https"), None),
        465 => (Some("smtp"), None),
        993 => (Some("imap"), None),
        995 => (Some("pop3"), None),
        636 | 3269 => (Some("ldap"), None),
        990 => (Some("ftp"), None),
        563 => (Some("nntp"), None),
        853 => (Some("dns"), None),
        5061 => (Some("sip"), None),
        6697 => (Some("irc"), None),
        8883 => (Some("mqtt"), None),
        5671 => (Some("amqp"), None),
        25 | 587 | 2525 => (None, Some(Service::Smtp)),
        24 => (None, Some(Service::Lmtp)),
        143 => (None, Some(Service::Imap)),
        110 => (None, Some(Service::Pop3)),
        21 => (None, Some(Service::Ftp)),
        119 => (None, Some(Service::Nntp)),
        389 | 3268 => (None, Some(Service::Ldap)),
        5432 => (None, Some(Service::Postgres)),
        3306 => (None, Some(Service::Mysql)),
        4190 => (None, Some(Service::Sieve)),
        5222 => (None, Some(Service::Xmpp)),
        5269 => (None, Some(Service::XmppServer)),
        _ => (None, None),
    }
}

/// Reads one line. An empty one, or one that begins with `#`, stands for nothing.
///
/// # Errors
/// What is wrong with it and what was expected.
pub(crate) fn read(line: &str) -> Result<Vec<Target>, String> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Vec::new());
    }
    let mut words = line.split_whitespace();
    let place = words.next().unwrap_or_default();
    let mut target = Target {
        place: Place::Name(String::new()),
        port: 0,
        name: None,
        starttls: None,
        service: None,
        public: None,
        tries_clear: false,
        is_quick: false,
        is_sought: false,
    };
    let (mut at, mut is_direct) = (None, false);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("name", name) => target.name = Some(host_name(name)?),
            ("at", text) => {
                at = Some(text.parse::<IpAddr>().map_err(|_| format!("`at={text}`; expected an address"))?)
            }
            ("starttls", "none") => is_direct = true,
            ("starttls", name) => target.starttls = Some(service(name)?),
            ("service", name) if is_word(name) => target.service = Some(name.to_owned()),
            ("public", "") => target.public = Some(true),
            ("private", "") => target.public = Some(false),
            ("plaintext", "") => target.tries_clear = true,
            ("quick", "") => target.is_quick = true,
            _ => {
                let expected = "name=, at=, starttls=, service=, public, private, plaintext or quick";
                return Err(format!("`{word}`; expected {expected}"));
            }
        }
    }
    let (host, ports) = split(place)?;
    let default =
        target.starttls.and_then(|service| (1..=9999).find(|port| by_port(*port).1 == Some(service)));
    let ports = match ports {
        None => vec![default.unwrap_or(443)],
        Some(ports) => read_ports(ports)?,
    };
    let places = match at {
        // The name of the place is only asked for.
        Some(ip) => {
            target.name = Some(target.name.take().map_or_else(|| host_name(host), Ok)?);
            vec![Place::Address(ip)]
        }
        None => places(host)?,
    };
    let count = places.len() as u64 * ports.len() as u64;
    if count > LINE_MAX {
        return Err(format!("`{place}` stands for {count} endpoints; expected at most {LINE_MAX}"));
    }
    target.is_sought = count > 1;
    let mut targets = Vec::new();
    for place in &places {
        for port in &ports {
            let (known, starts) = by_port(*port);
            let starttls = target.starttls.or(starts.filter(|_| !is_direct && target.service.is_none()));
            let service = target.service.clone().or_else(|| {
                starttls.map(|service| service.name().to_owned()).or_else(|| known.map(str::to_owned))
            });
            targets.push(Target { place: place.clone(), port: *port, starttls, service, ..target.clone() });
        }
    }
    Ok(targets)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn service(name: &str) -> Result<Service, String> {
    Service::ALL.iter().find(|(known, _)| *known == name).map(|(_, service)| *service).ok_or_else(|| {
        let names: Vec<&str> = Service::ALL.iter().map(|(name, _)| *name).collect();
        format!("`starttls={name}`; expected none, {}", names.join(", "))
    })
}

/// The host and the ports: `host`, `host:443`, `[::1]:443,8443`, `https://host`.
fn split(place: &str) -> Result<(&str, Option<&str>), String> {
    let place = place.strip_prefix("https://").unwrap_or(place).trim_end_matches('/');
    if let Some(inside) = place.strip_prefix('[') {
        let (host, rest) =
            inside.split_once(']').ok_or_else(|| format!("`{place}`; expected `]` after the address"))?;
        return match rest.strip_prefix(':') {
            Some(ports) => Ok((host, Some(ports))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(format!("`{place}`; expected `:` and ports after `]`")),
        };
    }
    match place.matches(':').count() {
        0 => Ok((place, None)),
        1 => Ok(place.split_once(':').map_or((place, None), |(host, ports)| (host, Some(ports)))),
        _ => Err(format!("`{place}`; expected an IPv6 address in brackets, as [2001:db8::1]:443")),
    }
}

fn read_ports(text: &str) -> Result<Vec<u16>, String> {
    let wrong = |part: &str| {
        format!(
            "port `{part}`; expected a number from 1 to 65535, a range as 8000-8010, or several with commas"
        )
    };
    let port = |part: &str| part.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| wrong(part));
    let mut ports = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => ports.push(port(part)?),
            Some((from, to)) => {
                let (from, to) = (port(from)?, port(to)?);
                if from > to {
                    return Err(wrong(part));
                }
                ports.extend(from..=to);
            }
        }
    }
    Ok(ports)
}

fn places(host: &str) -> Result<Vec<Place>, String> {
    let address = |text: &str| text.parse::<IpAddr>();
    if let Some((base, length)) = host.split_once('/') {
        let base = address(base).map_err(|_| format!("`{host}`; expected an address before `/`"))?;
        let length: u32 = length.parse().map_err(|_| format!("`{host}`; expected a number after `/`"))?;
        return network(host, base, length);
    }
    if let Some((from, to)) = host.split_once('-')
        && let (Ok(IpAddr::V4(from)), Ok(IpAddr::V4(to))) = (address(from), address(to))
    {
        let (from, to) = (u32::from(from), u32::from(to));
        if from > to || u64::from(to - from) >= LINE_MAX {
            return Err(format!(
                "`{host}`; expected a range of at most {LINE_MAX} addresses, the lower first"
            ));
        }
        return Ok((from..=to).map(|ip| Place::Address(Ipv4Addr::from(ip).into())).collect());
    }
    match address(host) {
        Ok(ip) => Ok(vec![Place::Address(ip)]),
        Err(_) => Ok(vec![Place::Name(host_name(host)?)]),
    }
}

/// The addresses of a network; of an IPv4 one, without the network's own and the broadcast address.
fn network(text: &str, base: IpAddr, length: u32) -> Result<Vec<Place>, String> {
    let bits: u32 = if base.is_ipv4() { 32 } else { 128 };
    let free =
        bits.checked_sub(length).ok_or_else(|| format!("`{text}`; expected at most {bits} after `/`"))?;
    if free > 16 {
        return Err(format!(
            "`{text}`; expected a network of at most 65,536 addresses, /{} or longer",
            bits - 16
        ));
    }
    let count = 1_u128 << free;
    Ok(match base {
        IpAddr::V4(ip) => {
            let first = u128::from(u32::from(ip)) & !(count - 1);
            let edge = if free >= 2 { 1 } else { 0 };
            (first + edge..first + count - edge)
                .filter_map(|ip| u32::try_from(ip).ok())
                .map(|ip| Place::Address(Ipv4Addr::from(ip).into()))
                .collect()
        }
        IpAddr::V6(ip) => {
            let first = u128::from(ip) & !(count - 1);
            (0..count).map(|at| Place::Address(Ipv6Addr::from(first | at).into())).collect()
        }
    })
}

fn host_name(text: &str) -> Result<String, String> {
    let name = text.trim_end_matches('.').to_lowercase();
    let fine = !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
                && !label.starts_with('-')
        });
    if fine {
        Ok(name)
    } else {
        Err(format!("`{text}`; expected a host name, an address, a network or a range of addresses"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(line: &str) -> Vec<String> {
        read(line).unwrap().iter().map(Target::key).collect()
    }

    #[test]
    fn places_are_read() {
        assert_eq!(keys("www.Example.com"), ["www.example.com:443"]);
        assert_eq!(keys("https://www.example.com/"), ["www.example.com:443"]);
        assert_eq!(
            keys("a.example:443,8000-8002"),
            ["a.example:443", "a.example:8000", "a.example:8001", "a.example:8002"]
        );
        assert_eq!(keys("[2001:db8::1]:8443"), ["[2001:db8::1]:8443"]);
        assert_eq!(keys("192.0.2.0/30"), ["192.0.2.1:443", "192.0.2.2:443"]);
        assert_eq!(keys("192.0.2.7/31:1"), ["192.0.2.6:1", "192.0.2.7:1"]);
        assert_eq!(keys("192.0.2.9-192.0.2.10"), ["192.0.2.9:443", "192.0.2.10:443"]);
        assert_eq!(
            keys("192.0.2.8/31 name=a.example"),
            ["a.example@192.0.2.8:443", "a.example@192.0.2.9:443"]
        );
        assert_eq!(keys("[2001:db8::/127]"), ["[2001:db8::]:443", "[2001:db8::1]:443"]);
        assert_eq!(keys("# no"), [""; 0]);
        assert_eq!(keys("0.0.0.0/16").len(), 65_534);
    }

    #[test]
    fn words_say_more() {
        let one = |line| read(line).unwrap().remove(0);
        let mail = one("mx.example.com starttls=smtp public # the first");
        assert_eq!((mail.port, mail.service.as_deref(), mail.public), (25, Some("smtp"), Some(true)));
        let base = one("db.example.com:5432 at=10.0.0.7 plaintext quick");
        assert_eq!(
            (base.starttls, &base.place),
            (Some(Service::Postgres), &Place::Address([10, 0, 0, 7].into()))
        );
        assert_eq!(base.server_name().as_deref(), Some("db.example.com"));
        assert!(base.tries_clear && base.is_quick && !base.is_sought);
        assert_eq!(one("10.0.0.7:5432 starttls=none").starttls, None);
        assert_eq!(one("10.0.0.7").server_name(), None);
        assert_eq!(one("10.0.0.7 name=a.example").key(), "a.example:443");
        assert!(one("10.0.0.0/30").is_sought);
    }

    #[test]
    fn mistakes_are_told() {
        for (line, word) in [
            ("a b", "expected name="),
            ("a:0", "from 1 to 65535"),
            ("a:9-3", "a range as"),
            ("a:", "from 1 to"),
            ("2001:db8::1", "in brackets"),
            ("[::1", "expected `]`"),
            ("10.0.0.0/8", "65,536"),
            ("10.0.0.0/33", "at most 32"),
            ("10.0.0.0/16:1-65535", "stands for"),
            ("10.0.0.9-10.0.0.1", "the lower first"),
            ("exa mple", "expected name="),
            ("a..b", "host name"),
            ("a starttls=gopher", "smtp"),
            ("a at=b", "an address"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(word), "{line}: {error}");
        }
    }
}
