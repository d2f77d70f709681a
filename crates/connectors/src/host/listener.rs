//! `host.listener`: every socket that waits for others, and whether the machine's own firewall lets them reach it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use octro_model::{Id, UnknownReason, Why};

use super::Machine;
use super::firewall::rules::{Family, Packet};
use super::firewall::walk::Exposure;
use super::firewall::{Filters, judge, outside};
use super::processes::Processes;
use super::resource::Resource;
use super::roots::{Fact, Roots};
use crate::{Run, Stopped};

/// Files of sockets, with the protocol's name and number, and the state of a socket that waits.
const TABLES: [(&str, &str, u8, &str); 4] = [
    ("/proc/net/tcp", "tcp", 6, "0A"),
    ("/proc/net/tcp6", "tcp", 6, "0A"),
    ("/proc/net/udp", "udp", 17, "07"),
    ("/proc/net/udp6", "udp", 17, "07"),
];

/// One waiting socket.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Socket {
    protocol: &'static str,
    number: u8,
    address: IpAddr,
    port: u16,
    uid: Option<i64>,
    inode: u64,
}

/// The firewall of one family, and the interfaces to the world.
struct Wall {
    filters: Filters,
    outside: Vec<String>,
}

impl Wall {
    fn read(machine: &Machine<'_>, family: Family) -> Self {
        // Without the interfaces, rules about them are unclear, which is what an empty list stands for.
        Self {
            filters: Filters::read(machine, family),
            outside: outside(machine.roots, family).unwrap_or_default(),
        }
    }

    fn ask(&self, family: Family, socket: &Socket, to: Option<u128>) -> Result<Exposure, UnknownReason> {
        let (protocol, port) = (socket.number, socket.port);
        judge(&self.filters, &Packet { family, protocol, port, to, forwarded: false, outside: &self.outside })
    }
}

/// Lists the sockets.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let mut missing = None;
    let mut sockets: BTreeMap<String, Socket> = BTreeMap::new();
    for (path, protocol, number, state) in TABLES {
        match table(machine.roots, path, protocol, number, state) {
            Ok(found) => {
                for socket in found {
                    // Several sockets on one address and port, as workers have, are one place to reach.
                    let key = format!("{}:{protocol}:{}:{}", machine.host, socket.address, socket.port);
                    sockets.entry(key).or_insert(socket);
                }
            }
            Err(reason) => missing = Some(reason),
        }
    }
    let (holders, hidden) = Processes::read(machine.roots).sockets(machine.roots);
    let v4 = Wall::read(machine, Family::V4);
    let v6 = Wall::read(machine, Family::V6);
    for (key, socket) in &sockets {
        let mut seen = Resource::new(kind, key.clone(), machine.now);
        let family = if socket.address.is_ipv4() { Family::V4 } else { Family::V6 };
        seen.value("host", machine.host.clone())
            .value("protocol", socket.protocol)
            .value("family", family.label())
            .value("address", socket.address.to_string())
            .value("port", socket.port)
            .value("loopback", is_loopback(socket.address))
            .value("any_address", socket.address.is_unspecified())
            .fact("user_id", Ok(socket.uid));
        let holder: Fact<String> = match (holders.get(&socket.inode), &hidden) {
            (Some(name), _) => Ok(Some(name.clone())),
            // The kernel's own sockets have no file.
            (None, _) if socket.inode == 0 => Ok(None),
            (None, Some(reason)) => Err(reason.clone()),
            (None, None) => {
                let what = "no process that can be seen holds it; one of another container may";
                Err(UnknownReason::new(Why::Unsupported, what))
            }
        };
        seen.fact("process", holder);
        let others = || {
            sockets.values().any(|other| {
                other.protocol == socket.protocol
                    && other.port == socket.port
                    && other.address == IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            })
        };
        let exposure = exposure(socket, &v4, &v6, others);
        seen.known("reachable", exposure.clone().map(|exposure| exposure != Exposure::Nobody));
        seen.known(
            "exposure",
            exposure.map(|exposure| match exposure {
                Exposure::Nobody => "none",
                Exposure::Some => "restricted",
                Exposure::Anyone => "anywhere",
            }),
        );
        run.observe(seen.into_observation())?;
    }
    machine.enumerated(run, kind, sockets.len() as u64, missing);
    Ok(())
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Who gets through to a socket. One on `::` takes IPv4 too, unless it was told not to, which cannot be seen; but if
/// another holds the same port for IPv4 alone, that one takes it.
fn exposure(
    socket: &Socket,
    v4: &Wall,
    v6: &Wall,
    held_for_ipv4: impl Fn() -> bool,
) -> Result<Exposure, UnknownReason> {
    match socket.address {
        address if is_loopback(address) => Ok(Exposure::Nobody),
        IpAddr::V4(address) => {
            let to = (!address.is_unspecified()).then(|| u128::from(u32::from(address)));
            v4.ask(Family::V4, socket, to)
        }
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return v4.ask(Family::V4, socket, Some(u128::from(u32::from(mapped))).filter(|n| *n != 0));
            }
            let to = (!address.is_unspecified()).then(|| u128::from(address));
            let by_ipv6 = v6.ask(Family::V6, socket, to);
            if to.is_some() || held_for_ipv4() || matches!(by_ipv6, Ok(Exposure::Anyone)) {
                return by_ipv6;
            }
            let by_ipv4 = v4.ask(Family::V4, socket, None);
            match (by_ipv6, by_ipv4) {
                (Ok(one), Ok(other)) if one == other => Ok(one),
                (Err(reason), _) | (_, Err(reason)) => Err(reason),
                (Ok(_), Ok(_)) => {
                    let what = "the firewall differs by family, and whether the socket takes IPv4 too cannot be seen";
                    Err(UnknownReason::new(Why::Unsupported, what))
                }
            }
        }
    }
}

fn table(
    roots: &Roots,
    path: &str,
    protocol: &'static str,
    number: u8,
    state: &str,
) -> Result<Vec<Socket>, UnknownReason> {
    let Some(text) = roots.text(path)? else {
        // A kernel without IPv6 has no such file, but every one has the others.
        return if path.ends_with('6') && roots.exists("/proc/net/tcp")? {
            Ok(Vec::new())
        } else {
            Err(UnknownReason::new(Why::Unsupported, format!("{path} does not exist; is /proc mounted?")))
        };
    };
    let mut sockets = Vec::new();
    for (line_number, line) in text.lines().enumerate().skip(1) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, in_state, _, _, _, uid, _, inode, ..] = words.as_slice() else {
            return Err(UnknownReason::new(Why::Failed, format!("{path}:{}: no socket", line_number + 1)));
        };
        // A UDP socket that is tied to one other side does not wait for everybody.
        if *in_state != state || !remote.ends_with(":0000") {
            continue;
        }
        let (Some((address, port)), Ok(inode)) = (endpoint(local), inode.parse()) else {
            return Err(UnknownReason::new(Why::Failed, format!("{path}:{}: no address", line_number + 1)));
        };
        if port != 0 {
            sockets.push(Socket { protocol, number, address, port, uid: uid.parse().ok(), inode });
        }
    }
    Ok(sockets)
}

/// `0100007F:0016`: each 32 bits of the address in the machine's byte order.
fn endpoint(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let mut bytes = Vec::new();
    for place in 0..address.len() / 8 {
        let word = u32::from_str_radix(address.get(place * 8..place * 8 + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let port = u16::from_str_radix(port, 16).ok()?;
    if let Ok(four) = <[u8; 4]>::try_from(bytes.as_slice()) {
        return Some((IpAddr::V4(Ipv4Addr::from(four)), port));
    }
    let sixteen = <[u8; 16]>::try_from(bytes.as_slice()).ok()?;
    Some((IpAddr::V6(Ipv6Addr::from(sixteen)), port))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, mangled, shown};
    use super::*;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    fn line(local: &str, remote: &str, state: &str, inode: u32) -> String {
        format!(
            "   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000   101        0 {inode} 1 0000\n"
        )
    }

    fn tcp() -> String {
        let none = "00000000:0000";
        [
            HEAD,
            &line("00000000:0016", none, "0A", 11),
            &line("0100007F:1538", none, "0A", 12),
            &line("0A02000A:0050", none, "0A", 13),
            &line("0A02000A:0016", "0B02000A:D431", "01", 14),
        ]
        .concat()
    }

    fn machine(nft: &str) -> Fixture {
        Fixture::new(&[
            ("/proc/1/comm", "init"),
            ("/proc/7/comm", "sshd"),
            ("/proc/net/tcp", &tcp()),
            ("/proc/net/udp", &[HEAD, &line("00000000:0044", "00000000:0000", "07", 0)].concat()),
            (
                "/proc/net/tcp6",
                &[
                    HEAD,
                    &line(
                        "00000000000000000000000000000000:1F90",
                        "00000000000000000000000000000000:0000",
                        "0A",
                        15,
                    ),
                ]
                .concat(),
            ),
            (
                "/proc/net/route",
                "Iface\tDestination\neth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
            ),
        ])
        .link("/proc/7/fd/3", "socket:[11]")
        .tool("nft -j list ruleset", 0, nft, "")
    }

    const OPEN: &str = r#"{"nftables": [{"metainfo": {"json_schema_version": 1}}]}"#;

    /// SSH for all, port 80 for a few, the rest refused; IPv6 open.
    const CLOSED: &str = r#"{"nftables": [
      {"table": {"family": "ip", "name": "f"}},
      {"chain": {"family": "ip", "table": "f", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}},
      {"rule": {"family": "ip", "table": "f", "chain": "in", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"accept": null}]}},
      {"rule": {"family": "ip", "table": "f", "chain": "in", "expr": [
        {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "10.9.0.0", "len": 16}}}},
        {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": {"set": [80, 443]}}}, {"accept": null}]}}]}"#;

    #[test]
    fn sockets_are_crossed_with_the_firewall() {
        let seen = machine(CLOSED).look("host.listener", collect);
        assert!(seen.complete());
        assert_eq!(seen.observations.len(), 5);
        for (key, name, value) in [
            ("tcp:0.0.0.0:22", "exposure", "\"anywhere\""),
            ("tcp:0.0.0.0:22", "process", "\"sshd\""),
            ("tcp:0.0.0.0:22", "user_id", "101"),
            ("tcp:127.0.0.1:5432", "reachable", "false"),
            ("tcp:127.0.0.1:5432", "loopback", "true"),
            ("tcp:127.0.0.1:5432", "process", "unknown: unsupported"),
            ("udp:0.0.0.0:68", "process", "null"),
            ("tcp:10.0.2.10:80", "exposure", "\"restricted\""),
            ("udp:0.0.0.0:68", "reachable", "false"),
            ("tcp::::8080", "exposure", "\"anywhere\""),
        ] {
            assert_eq!(shown(seen.key(&format!("web1:{key}")), name), value, "{key} {name}");
        }
        let seen = machine(OPEN).look("host.listener", collect);
        assert_eq!(shown(seen.key("web1:udp:0.0.0.0:68"), "exposure"), "\"anywhere\"");
    }

    #[test]
    fn without_the_right_to_see_rules_reach_is_unknown() {
        let denied = machine(OPEN).deny("/proc/7/fd").tool(
            "nft -j list ruleset",
            1,
            "",
            "Operation not permitted (you must be root)",
        );
        let seen = denied.look("host.listener", collect);
        assert_eq!(shown(seen.key("web1:tcp:0.0.0.0:22"), "reachable"), "unknown: denied");
        assert_eq!(shown(seen.key("web1:tcp:0.0.0.0:22"), "process"), "unknown: denied");
        assert_eq!(shown(seen.key("web1:tcp:127.0.0.1:5432"), "reachable"), "false");
        assert!(!machine(OPEN).deny("/proc/net/udp").look("host.listener", collect).complete());
        assert!(!Fixture::new(&[]).look("host.listener", collect).complete());
    }

    #[test]
    fn garbage_does_no_harm() {
        for text in mangled(&tcp()) {
            let fixture = machine(OPEN);
            fixture.write("/proc/net/tcp", text.as_bytes());
            fixture.write("/proc/net/route", text.as_bytes());
            fixture.look("host.listener", collect);
        }
    }
}
