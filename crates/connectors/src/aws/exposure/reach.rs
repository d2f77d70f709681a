//! Who gets through: from the internet to an interface, and from one interface to another in the same network. A packet
//! has to pass every filter on its way, and its answer has to find the way back.

use std::collections::BTreeSet;

use octro_model::UnknownReason;

use super::addresses::Addresses;
use super::filters::{Acl, Group, Protocol, edges, stretches, sum};
use super::network::{Network, Route, Subnet, Told, Way, odd};

/// A place in the network where something is.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Its subnet.
    pub subnet: String,
    /// Its security groups; `None` if it has no such filter.
    pub groups: Option<Vec<String>>,
    /// It has a public address of version 4.
    pub public_4: bool,
    /// It has an address of version 6, which are all public.
    pub public_6: bool,
}

/// A place and the addresses inside the network that are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Face {
    /// Where it is.
    pub place: Place,
    /// Its addresses; if they are not known, those of its subnet.
    pub inside: Addresses,
}

/// What gets through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// By this protocol.
    pub protocol: Protocol,
    /// To these ports.
    pub ports: (u16, u16),
    /// From these addresses.
    pub sources: Addresses,
}

/// What the internet reaches of a place.
#[derive(Clone, Debug, Default)]
pub(crate) struct Direct {
    /// What gets through.
    pub flows: Vec<Flow>,
    /// By which gateways.
    pub gateways: Vec<String>,
    /// If nothing does, what stops it.
    pub shield: String,
    /// Why more may get through than is known.
    pub doubt: Option<UnknownReason>,
}

/// The filters of a place.
struct Filters<'a> {
    subnet: &'a Subnet,
    acl: &'a Acl,
    routes: &'a [Route],
    groups: Option<Vec<&'a Group>>,
}

impl Filters<'_> {
    /// From where connections of those that use `peers` come in through the groups.
    fn groups_in(&self, protocol: Protocol, port: u16, peers: &[String]) -> Addresses {
        self.groups.as_ref().map_or_else(Addresses::all, |groups| {
            sum(groups.iter().flat_map(|group| &group.ingress), protocol, port, peers)
        })
    }

    /// To where connections go out through the groups.
    fn groups_out(&self, protocol: Protocol, port: u16, peers: &[String]) -> Addresses {
        self.groups.as_ref().map_or_else(Addresses::all, |groups| {
            sum(groups.iter().flat_map(|group| &group.egress), protocol, port, peers)
        })
    }
}

impl Network {
    fn filters(&self, place: &Place) -> Told<Filters<'_>> {
        let name = &place.subnet;
        let subnet =
            self.subnets.get(name).ok_or_else(|| odd(format!("the subnet `{name}` was not told")))?;
        let lacks = |what: &str| odd(format!("no {what} of the subnet `{name}` was told"));
        let known = |id: &Option<String>| id.clone().unwrap_or_default();
        let acl = self.acls.get(&known(&subnet.acl)).ok_or_else(|| lacks("network ACL"))?;
        let routes = self.routes.get(&known(&subnet.routes)).ok_or_else(|| lacks("route table"))?;
        let groups = place.groups.as_ref().map(|groups| {
            let group = |id: &String| match self.groups.get(id) {
                Some(Ok(group)) => Ok(group),
                Some(Err(reason)) => Err(reason.clone()),
                None => {
                    Err(odd(format!("the security group `{id}` was not told; it may be of another account")))
                }
            };
            groups.iter().map(group).collect::<Told<Vec<_>>>()
        });
        Ok(Filters {
            subnet,
            acl: acl.as_ref().map_err(Clone::clone)?,
            routes: routes.as_ref().map_err(Clone::clone)?,
            groups: groups.transpose()?,
        })
    }

    /// The addresses of a subnet.
    pub(crate) fn range(&self, subnet: &str) -> Addresses {
        self.subnets.get(subnet).map(|subnet| subnet.range.clone()).unwrap_or_default()
    }

    /// What the internet reaches of a place.
    ///
    /// # Errors
    /// Why that is not known.
    pub(crate) fn direct(&self, place: &Place) -> Told<Direct> {
        let filters = self.filters(place)?;
        let ways = ways(filters.routes);
        let internet = Addresses::internet();
        let mut public = Addresses::default();
        if place.public_4 {
            public.v4 = internet.v4.clone();
        }
        if place.public_6 {
            public.v6 = internet.v6.clone();
        }
        let mut direct = Direct { gateways: ways.gateways.clone(), ..Direct::default() };
        let mut doubted = false;
        let mut open: Option<(Protocol, u16, u16)> = None;
        for protocol in Protocol::ALL {
            let mut ports = BTreeSet::new();
            filters.acl.edges_in(protocol, &mut ports);
            for group in filters.groups.iter().flatten() {
                edges(group.ingress.iter(), protocol, &mut ports);
            }
            let answers = filters.acl.answers(protocol);
            for (first, last) in stretches(&ports) {
                let grouped = filters.groups_in(protocol, first, &[]).within(&internet);
                if !grouped.is_empty() {
                    open.get_or_insert((protocol, first, last));
                }
                let let_in =
                    grouped.within(&filters.acl.lets_in(protocol, first)).within(&answers).within(&public);
                doubted |= !let_in.within(&ways.doubtful).is_empty();
                let sources = let_in.within(&ways.internet);
                match direct.flows.last_mut() {
                    _ if sources.is_empty() => {}
                    Some(before)
                        if before.protocol == protocol
                            && before.ports.1.checked_add(1) == Some(first)
                            && before.sources == sources =>
                    {
                        before.ports.1 = last;
                    }
                    Some(_) | None => direct.flows.push(Flow { protocol, ports: (first, last), sources }),
                }
            }
        }
        if doubted {
            direct.doubt = Some(odd(format!(
                "the way to the internet leads through {}, and what that lets pass is not known",
                ways.through.join(", ")
            )));
        } else if direct.flows.is_empty() {
            direct.shield = shield(place, &filters, &ways, open);
        }
        Ok(direct)
    }

    /// Whether a connection from one place to a port of another in the same network gets through.
    ///
    /// # Errors
    /// Why that is not known.
    pub(crate) fn reaches(&self, from: &Face, to: &Face, protocol: Protocol, port: u16) -> Told<bool> {
        let (here, there) = (self.filters(&from.place)?, self.filters(&to.place)?);
        if here.subnet.vpc != there.subnet.vpc {
            return Ok(false);
        }
        let none = Vec::new();
        let groups = |place: &'_ Place| place.groups.clone().unwrap_or_else(|| none.clone());
        let callers = from.inside.within(&there.groups_in(protocol, port, &groups(&from.place)));
        let called = to.inside.within(&here.groups_out(protocol, port, &groups(&to.place)));
        // Within a subnet, its ACL is not asked.
        if from.place.subnet == to.place.subnet {
            return Ok(meet(&callers, &called));
        }
        let callers = callers.within(&there.acl.lets_in(protocol, port));
        let called = called.within(&here.acl.lets_out(protocol, port));
        if !meet(&callers, &called) {
            return Ok(false);
        }
        // The answer goes to the port that the caller chose, out of the one subnet and into the other.
        let mut ports = BTreeSet::from([1]);
        there.acl.edges_out(protocol, &mut ports);
        here.acl.edges_in(protocol, &mut ports);
        Ok(ports.into_iter().filter(|port| *port > 0).any(|port| {
            let callers = callers.within(&there.acl.lets_out(protocol, port));
            let called = called.within(&here.acl.lets_in(protocol, port));
            meet(&callers, &called)
        }))
    }
}

/// Both have addresses of one version.
fn meet(a: &Addresses, b: &Addresses) -> bool {
    !a.v4.is_empty() && !b.v4.is_empty() || !a.v6.is_empty() && !b.v6.is_empty()
}

/// Which addresses a route table leads to by the internet, and which by something unknown.
#[derive(Default)]
struct Ways {
    internet: Addresses,
    gateways: Vec<String>,
    doubtful: Addresses,
    through: Vec<String>,
}

/// The narrowest route that holds an address decides.
fn ways(routes: &[Route]) -> Ways {
    let mut ways = Ways::default();
    let mut decided = Addresses::default();
    for route in routes {
        let own = route.range.without(&decided);
        decided = decided.and(&route.range);
        if own.is_empty() {
            continue;
        }
        match &route.way {
            Way::Internet(gateway) => {
                ways.internet = ways.internet.and(&own);
                if !ways.gateways.contains(gateway) {
                    ways.gateways.push(gateway.clone());
                }
            }
            Way::Through(what) => {
                ways.doubtful = ways.doubtful.and(&own);
                if !ways.through.contains(what) {
                    ways.through.push(what.clone());
                }
            }
            Way::Elsewhere => {}
        }
    }
    ways
}

/// Why nothing of the internet gets through: the first thing on its way that stops all of it.
fn shield(place: &Place, filters: &Filters<'_>, ways: &Ways, open: Option<(Protocol, u16, u16)>) -> String {
    let Some((protocol, first, last)) = open else {
        return "no security group lets the internet in".to_owned();
    };
    let internet = Addresses::internet();
    let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
    let but = if place.groups.is_some() {
        format!("its security groups let the internet in ({} {ports}), but ", protocol.name())
    } else {
        String::new()
    };
    let what = if !place.public_4 && !place.public_6 {
        "it has no public address".to_owned()
    } else if ways.internet.within(&internet).is_empty() {
        format!("no route of {} leads to an internet gateway", place.subnet)
    } else if Protocol::ALL.iter().all(|protocol| filters.acl.answers(*protocol).within(&internet).is_empty())
    {
        format!("the network ACL {} lets no answer out", filters.acl.id)
    } else {
        format!(
            "the network ACL {} and the routes of {} let none of it through",
            filters.acl.id, place.subnet
        )
    };
    format!("{but}{what}")
}
