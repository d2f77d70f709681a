//! What stands between two ends of a connection: network ACLs, which know no connections and are read in the order of
//! their numbers, and security groups, which do and whose rules add up.

use std::collections::BTreeSet;

use super::addresses::Addresses;

/// The last port.
pub(crate) const LAST: u16 = u16::MAX;

/// A protocol with ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Tcp, Self::Udp];

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Which packets a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packets {
    /// Of this protocol; `None` is every one.
    pub protocol: Option<Protocol>,
    /// To a port from the first to the last.
    pub ports: (u16, u16),
}

impl Packets {
    /// Whether it is about packets of a protocol to a port.
    pub(crate) fn hold(&self, protocol: Protocol, port: u16) -> bool {
        self.protocol.is_none_or(|own| own == protocol) && self.ports.0 <= port && port <= self.ports.1
    }

    /// Puts the ports where its answer may change among `edges`.
    fn edges(&self, protocol: Protocol, edges: &mut BTreeSet<u16>) {
        if self.protocol.is_none_or(|own| own == protocol) {
            edges.insert(self.ports.0);
            edges.extend(self.ports.1.checked_add(1));
        }
    }
}

/// A rule of a network ACL.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The lowest number that fits decides.
    pub number: u32,
    /// It lets through.
    pub allows: bool,
    /// What it is about.
    pub packets: Packets,
    /// Whence, or whither.
    pub range: Addresses,
}

/// A network ACL.
#[derive(Clone, Debug, Default)]
pub(crate) struct Acl {
    /// Its id.
    pub id: String,
    /// What comes in, in the order of the numbers.
    pub ingress: Vec<Entry>,
    /// What goes out, in the order of the numbers.
    pub egress: Vec<Entry>,
}

/// With whom packets of a protocol to a port may be exchanged, by rules in their order. What no rule fits is refused.
fn first_match(entries: &[Entry], protocol: Protocol, port: u16) -> Addresses {
    let mut open = Addresses::all();
    let mut passed = Addresses::default();
    for entry in entries.iter().filter(|entry| entry.packets.hold(protocol, port)) {
        if entry.allows {
            passed = passed.and(&open.within(&entry.range));
        }
        open = open.without(&entry.range);
        if open.is_empty() {
            break;
        }
    }
    passed
}

impl Acl {
    /// From where packets come in.
    pub(crate) fn lets_in(&self, protocol: Protocol, port: u16) -> Addresses {
        first_match(&self.ingress, protocol, port)
    }

    /// To where packets go out.
    pub(crate) fn lets_out(&self, protocol: Protocol, port: u16) -> Addresses {
        first_match(&self.egress, protocol, port)
    }

    /// To whom answers come back: to whoever calls from a port that is let out. Who attacks chooses that port.
    pub(crate) fn answers(&self, protocol: Protocol) -> Addresses {
        let mut edges = BTreeSet::from([1]);
        self.edges_out(protocol, &mut edges);
        edges
            .into_iter()
            .filter(|port| *port > 0)
            .fold(Addresses::default(), |all, port| all.and(&self.lets_out(protocol, port)))
    }

    /// The ports where what comes in may change.
    pub(crate) fn edges_in(&self, protocol: Protocol, edges: &mut BTreeSet<u16>) {
        self.ingress.iter().for_each(|entry| entry.packets.edges(protocol, edges));
    }

    /// The ports where what goes out may change.
    pub(crate) fn edges_out(&self, protocol: Protocol, edges: &mut BTreeSet<u16>) {
        self.egress.iter().for_each(|entry| entry.packets.edges(protocol, edges));
    }
}

/// Whom a rule of a security group names.
#[derive(Clone, Debug)]
pub(crate) enum Whom {
    /// These addresses.
    Addresses(Addresses),
    /// What uses this group.
    Group(String),
}

/// A rule of a security group: it lets through.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    /// What.
    pub packets: Packets,
    /// Whom.
    pub whom: Whom,
}

/// A security group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// Whom connections come from.
    pub ingress: Vec<Rule>,
    /// Whom connections go to.
    pub egress: Vec<Rule>,
}

/// Whom rules let through, of those that use `groups`: all if a rule names one of the groups.
pub(crate) fn sum<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    protocol: Protocol,
    port: u16,
    groups: &[String],
) -> Addresses {
    let mut all = Addresses::default();
    for rule in rules.filter(|rule| rule.packets.hold(protocol, port)) {
        match &rule.whom {
            Whom::Addresses(addresses) => all = all.and(addresses),
            Whom::Group(group) if groups.contains(group) => return Addresses::all(),
            Whom::Group(_) => {}
        }
    }
    all
}

/// The ports where what rules let through may change.
pub(crate) fn edges<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    protocol: Protocol,
    edges: &mut BTreeSet<u16>,
) {
    rules.for_each(|rule| rule.packets.edges(protocol, edges));
}

/// Stretches of ports between edges: within each, every rule says the same.
pub(crate) fn stretches(edges: &BTreeSet<u16>) -> Vec<(u16, u16)> {
    let firsts: Vec<u16> = std::iter::once(0).chain(edges.iter().copied().filter(|edge| *edge > 0)).collect();
    let lasts = firsts.iter().skip(1).map(|next| next - 1).chain(std::iter::once(LAST));
    firsts.iter().copied().zip(lasts).collect()
}
