//! The sets against a naive simulation: single packets, one after the other, through the same rules in the plainest way.

use proptest::prelude::*;
use serde_json::json;

use super::addresses::Addresses;
use super::filters::{Acl, Entry, Group, Packets, Protocol, Rule, Whom};
use super::network::{Network, Route, Subnet, Way};
use super::reach::{Face, Place};

/// A range as rules have it, and how a packet is held against it.
type Range = (String, bool, u128, u32);

fn range() -> impl Strategy<Value = Range> {
    // Few different bits, so that ranges meet.
    let four = (0_u32..16, 0_u32..=6).prop_map(|(bits, length)| {
        let bits = bits << 28 | 0x0800_0000;
        let network = if length == 0 { 0 } else { bits & (u32::MAX << (32 - length)) };
        (format!("{}/{length}", std::net::Ipv4Addr::from(network)), false, u128::from(network), length)
    });
    let six = (0_u128..8, 0_u32..=7).prop_map(|(bits, length)| {
        let bits = bits << 122 | 1 << 125;
        let network = if length == 0 { 0 } else { bits & (u128::MAX << (128 - length)) };
        (format!("{}/{length}", std::net::Ipv6Addr::from(network)), true, network, length)
    });
    prop_oneof![3 => four, 1 => six]
}

fn holds(range: &Range, (v6, address): (bool, u128)) -> bool {
    let (_, of_6, network, length) = range;
    let width = if *of_6 { 128 } else { 32 };
    *of_6 == v6 && (*length == 0 || address >> (width - length) == network >> (width - length))
}

fn packets() -> impl Strategy<Value = Packets> {
    let protocol = prop_oneof![Just(None), Just(Some(Protocol::Tcp)), Just(Some(Protocol::Udp))];
    let port =
        prop_oneof![Just(0_u16), Just(22), Just(443), Just(1_023), Just(1_024), Just(5_432), Just(u16::MAX)];
    (protocol, port.clone(), port).prop_map(|(protocol, a, b)| Packets {
        protocol,
        ports: if protocol.is_none() { (0, u16::MAX) } else { (a.min(b), a.max(b)) },
    })
}

/// Rules of an ACL in their order: what, where, and whether it passes.
type Said = (Packets, Range, bool);

fn entries() -> impl Strategy<Value = Vec<Said>> {
    proptest::collection::vec((packets(), range(), prop::bool::weighted(0.7)), 0..6)
}

fn acl(ingress: &[Said], egress: &[Said]) -> Acl {
    let entries = |said: &[Said]| {
        let entry = |(number, (packets, range, allows)): (u32, &Said)| Entry {
            number,
            allows: *allows,
            packets: *packets,
            range: Addresses::parse(&range.0).unwrap(),
        };
        (1..).zip(said).map(entry).collect()
    };
    Acl { id: "acl-1".to_owned(), ingress: entries(ingress), egress: entries(egress) }
}

/// One packet through an ACL.
fn passes(said: &[Said], protocol: Protocol, port: u16, other: (bool, u128)) -> bool {
    let first = said.iter().find(|(packets, range, _)| packets.hold(protocol, port) && holds(range, other));
    first.is_some_and(|(.., allows)| *allows)
}

/// One packet through a group: any rule is enough.
fn grouped(rules: &[(Packets, Range)], protocol: Protocol, port: u16, other: (bool, u128)) -> bool {
    rules.iter().any(|(packets, range)| packets.hold(protocol, port) && holds(range, other))
}

fn group(ingress: &[(Packets, Range)], egress: &[(Packets, Range)]) -> Group {
    let rules = |rules: &[(Packets, Range)]| {
        let rule = |(packets, range): &(Packets, Range)| Rule {
            packets: *packets,
            whom: Whom::Addresses(Addresses::parse(&range.0).unwrap()),
        };
        rules.iter().map(rule).collect()
    };
    Group { ingress: rules(ingress), egress: rules(egress) }
}

fn rules() -> impl Strategy<Value = Vec<(Packets, Range)>> {
    proptest::collection::vec((packets(), range()), 0..5)
}

fn routes() -> impl Strategy<Value = Vec<(Range, bool)>> {
    proptest::collection::vec((range(), any::<bool>()), 0..5)
}

/// The narrowest route to an address leads to the internet.
fn routed(routes: &[(Range, bool)], other: (bool, u128)) -> bool {
    let fitting = routes.iter().filter(|(range, _)| holds(range, other));
    fitting
        .fold(None, |best: Option<&(Range, bool)>, route| match best {
            Some(best) if best.0.3 >= route.0.3 => Some(best),
            _ => Some(route),
        })
        .is_some_and(|(_, internet)| *internet)
}

fn tables(routes: &[(Range, bool)]) -> Vec<Route> {
    let mut sorted: Vec<&(Range, bool)> = routes.iter().collect();
    sorted.sort_by_key(|(range, _)| std::cmp::Reverse(range.3));
    let route = |(range, internet): &&(Range, bool)| Route {
        range: Addresses::parse(&range.0).unwrap(),
        way: if *internet { Way::Internet("igw-1".to_owned()) } else { Way::Elsewhere },
    };
    sorted.iter().map(route).collect()
}

fn network(subnets: &[(&str, Acl)], routes: &[(Range, bool)], groups: &[(&str, Group)]) -> Network {
    let mut network = Network::default();
    for (name, acl) in subnets {
        let subnet = Subnet {
            vpc: "vpc-1".to_owned(),
            range: Addresses::all(),
            acl: Some(format!("acl-of-{name}")),
            routes: Some("rtb-1".to_owned()),
        };
        network.subnets.insert((*name).to_owned(), subnet);
        network.acls.insert(format!("acl-of-{name}"), Ok(acl.clone()));
    }
    network.routes.insert("rtb-1".to_owned(), Ok(tables(routes)));
    for (name, group) in groups {
        network.groups.insert((*name).to_owned(), Ok(group.clone()));
    }
    network
}

fn place(subnet: &str, group: &str) -> Place {
    Place { subnet: subnet.to_owned(), groups: Some(vec![group.to_owned()]), public_4: true, public_6: true }
}

/// Addresses of the internet at the edges of the ranges that rules are made of, and between.
fn callers() -> Vec<(bool, u128)> {
    let four = (0_u32..64).map(|step| (false, u128::from(step << 26 | 0x0030_0001)));
    let six = (0_u128..8).map(|step| (true, 1 << 125 | step << 122 | 7));
    let all = Addresses::internet();
    let carried = |(v6, address): &(bool, u128)| {
        let spans = if *v6 { &all.v6 } else { &all.v4 };
        spans.ranges().iter().any(|(first, last)| first <= address && address <= last)
    };
    four.chain(six).filter(carried).collect()
}

const PORTS: [u16; 9] = [0, 21, 22, 23, 443, 1_023, 1_024, 5_432, u16::MAX];
/// Ports from which somebody calls: every one at which rules change.
const FROM: [u16; 11] = [1, 21, 22, 23, 443, 1_023, 1_024, 1_025, 5_432, 5_433, u16::MAX];

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_the_internet_reaches_is_what_packets_reach(
        ingress in entries(), egress in entries(), rules in rules(), routes in routes(),
    ) {
        let network = network(
            &[("subnet-1", acl(&ingress, &egress))],
            &routes,
            &[("sg-1", group(&rules, &[]))],
        );
        let direct = network.direct(&place("subnet-1", "sg-1")).unwrap();
        for protocol in Protocol::ALL {
            for port in PORTS {
                for caller in callers() {
                    let answered = FROM.iter().any(|from| passes(&egress, protocol, *from, caller));
                    let simulated = routed(&routes, caller)
                        && passes(&ingress, protocol, port, caller)
                        && grouped(&rules, protocol, port, caller)
                        && answered;
                    let told = direct.flows.iter().any(|flow| {
                        let sources = if caller.0 { &flow.sources.v6 } else { &flow.sources.v4 };
                        flow.protocol == protocol
                            && flow.ports.0 <= port
                            && port <= flow.ports.1
                            && sources.ranges().iter().any(|(first, last)| *first <= caller.1 && caller.1 <= *last)
                    });
                    prop_assert_eq!(told, simulated, "{:?} {} {:?}", protocol, port, caller);
                }
            }
        }
        prop_assert_eq!(direct.flows.is_empty(), !direct.shield.is_empty());
        prop_assert_eq!(direct.doubt, None);
    }

    #[test]
    fn what_reaches_another_is_what_packets_reach(
        here in (entries(), entries(), rules()),
        there in (entries(), entries(), rules()),
        from in 0_u32..16,
        to in 0_u32..16,
        same in any::<bool>(),
        port in prop::sample::select(&PORTS[..]),
    ) {
        let (from, to) = (from << 28 | 0x0100_0000, to << 28 | 0x0200_0000);
        let network = network(
            &[("subnet-1", acl(&here.0, &here.1)), ("subnet-2", acl(&there.0, &there.1))],
            &[],
            &[("sg-1", group(&[], &here.2)), ("sg-2", group(&there.2, &[]))],
        );
        let face = |subnet: &str, group: &str, address: u32| Face {
            place: place(subnet, group),
            inside: Addresses::parse(&std::net::Ipv4Addr::from(address).to_string()).unwrap(),
        };
        let second = if same { "subnet-1" } else { "subnet-2" };
        let (caller, called) = ((false, u128::from(from)), (false, u128::from(to)));
        for protocol in Protocol::ALL {
            let told = network
                .reaches(&face("subnet-1", "sg-1", from), &face(second, "sg-2", to), protocol, port)
                .unwrap();
            let let_in = grouped(&here.2, protocol, port, called) && grouped(&there.2, protocol, port, caller);
            let crossed = same
                || passes(&here.1, protocol, port, called)
                    && passes(&there.0, protocol, port, caller)
                    && FROM.iter().any(|back| {
                        passes(&there.1, protocol, *back, caller) && passes(&here.0, protocol, *back, called)
                    });
            prop_assert_eq!(told, let_in && crossed);
        }
    }
}

#[test]
fn what_is_not_told_is_unknown() {
    let network = network(&[("subnet-1", Acl::default())], &[], &[]);
    let why = |subnet: &str, group: &str| network.direct(&place(subnet, group)).unwrap_err().detail;
    assert!(why("subnet-9", "sg-1").contains("subnet-9"));
    assert!(why("subnet-1", "sg-1").contains("sg-1"));
}

#[test]
fn a_way_through_an_appliance_is_unknown_and_one_to_a_nat_gateway_is_none() {
    let item = |value: serde_json::Value| crate::aws::facts::Item { value, ..Default::default() };
    let read = |target: (&str, &str), at_gateway: Option<(&str, &str)>| {
        let own = item(json!({
            "routeTableId": "rtb-1", "vpcId": "vpc-1",
            "associationSet": {"item": {"main": "true"}},
            "routeSet": {"item": [
                {"destinationCidrBlock": "10.0.0.0/16", "gatewayId": "local", "state": "active"},
                {"destinationCidrBlock": "0.0.0.0/0", target.0: target.1, "state": "active"},
            ]},
        }));
        let led = at_gateway.map(|(name, id)| {
            item(json!({
                "routeTableId": "rtb-2", "vpcId": "vpc-1",
                "associationSet": {"item": {"gatewayId": "igw-1"}},
                "routeSet": {"item": {"destinationCidrBlock": "10.0.1.0/24", name: id, "state": "active"}},
            }))
        });
        let tables: Vec<_> = std::iter::once(own).chain(led).collect();
        let everything = |egress: &str| json!({"ruleNumber": "100", "protocol": "-1", "ruleAction": "allow", "egress": egress, "cidrBlock": "0.0.0.0/0"});
        let lists = super::network::Lists {
            subnets: &[item(json!({"subnetId": "subnet-1", "vpcId": "vpc-1", "cidrBlock": "10.0.1.0/24"}))],
            acls: &[item(json!({
                "networkAclId": "acl-1", "associationSet": {"item": {"subnetId": "subnet-1"}},
                "entrySet": {"item": [everything("false"), everything("true")]},
            }))],
            tables: &tables,
            gateways: &[item(
                json!({"internetGatewayId": "igw-1", "attachmentSet": {"item": {"vpcId": "vpc-1"}}}),
            )],
            groups: &[item(json!({
                "groupId": "sg-1",
                "ipPermissions": {"item": {"ipProtocol": "tcp", "fromPort": "22", "toPort": "22", "ipRanges": {"item": {"cidrIp": "0.0.0.0/0"}}}},
            }))],
            prefixes: &[],
        };
        Network::read(lists).unwrap().direct(&place("subnet-1", "sg-1"))
    };
    let open = read(("gatewayId", "igw-1"), None).unwrap();
    assert_eq!(open.doubt, None);
    assert_eq!((open.flows.len(), open.flows[0].ports), (1, (22, 22)));
    assert!(open.flows[0].sources.are_world());
    // A gateway that is not of this network, and one behind which nobody is asked back.
    for shut in [("gatewayId", "igw-9"), ("natGatewayId", "nat-1"), ("transitGatewayId", "tgw-1")] {
        let shut = read(shut, None).unwrap();
        assert!(shut.flows.is_empty());
        assert!(
            shut.shield.contains("let the internet in (tcp 22), but no route of subnet-1"),
            "{}",
            shut.shield
        );
    }
    for unclear in [("vpcEndpointId", "vpce-1"), ("networkInterfaceId", "eni-1")] {
        assert!(read(unclear, None).unwrap().doubt.unwrap().detail.contains(unclear.1));
        let led = read(("gatewayId", "igw-1"), Some(unclear)).unwrap().doubt.unwrap();
        assert!(led.detail.contains(unclear.1), "{}", led.detail);
    }
}
