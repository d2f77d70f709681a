//! What the internet reaches in a region: load balancers, machines, what stands behind them, and by which paths.

use std::collections::BTreeMap;

use octro_model::UnknownReason;
use serde_json::Value;

use super::addresses::Addresses;
use super::balancers::{self, Balancer};
use super::filters::Protocol;
use super::network::{Lists, Network, Told, all, text, whole};
use super::path::{Path, Paths, Via, hop};
use super::reach::{Face, Flow, Place};
use crate::aws::facts::{Item, Listed};

/// What managed services say of the interfaces that they make for themselves: nothing there can be used to go on.
const OF_SERVICES: [&str; 5] =
    ["ELB ", "RDSNetworkInterface", "RedshiftNetworkInterface", "ElastiCache ", "ES "];
/// Interfaces that let nothing in that was not asked for from inside.
const ONE_WAY: [&str; 2] = ["nat_gateway", "natGateway"];

/// Something in a network.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Its name in paths.
    pub label: String,
    /// Where it is.
    pub faces: Vec<Face>,
    /// A path can lead on from here.
    pub is_machine: bool,
    /// How the internet gets there.
    pub paths: Paths,
    /// If nothing leads there directly, what stops it.
    pub shield: String,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    network: Network,
    nodes: BTreeMap<String, Node>,
    /// The first interface of each instance, which is what load balancers lead to.
    firsts: BTreeMap<String, String>,
}

/// What an interface is: its subnet, its groups, its addresses.
pub(crate) fn face(interface: &Value) -> Face {
    let texts = |path: &str, name: &str| -> Vec<String> {
        all(interface, path).map(|one| text(one, name).to_owned()).filter(|text| !text.is_empty()).collect()
    };
    let groups = texts("groupSet.item", "groupId");
    let six = texts("ipv6AddressesSet.item", "ipv6Address");
    let four = texts("privateIpAddressesSet.item", "privateIpAddress");
    let own = text(interface, "privateIpAddress").to_owned();
    let inside = four.iter().chain(&six).chain(std::iter::once(&own)).filter_map(|one| Addresses::parse(one));
    let is_public = !text(interface, "association.publicIp").is_empty()
        || all(interface, "privateIpAddressesSet.item")
            .any(|one| !text(one, "association.publicIp").is_empty());
    Face {
        inside: inside.fold(Addresses::default(), |all, one| all.and(&one)),
        place: Place {
            subnet: text(interface, "subnetId").to_owned(),
            groups: Some(groups).filter(|groups| !groups.is_empty()),
            public_4: is_public,
            public_6: !six.is_empty(),
        },
    }
}

impl Graph {
    /// Reads a region's networks and what is in them. The lists: subnets, network ACLs, route tables, internet gateways,
    /// security groups, prefix lists, interfaces, instances, load balancers, target groups, classic load balancers.
    ///
    /// # Errors
    /// Why a list is not known.
    pub(crate) fn read(lists: &[Listed]) -> Told<Self> {
        let network = Network::read(Lists {
            subnets: whole(lists, 0)?,
            acls: whole(lists, 1)?,
            tables: whole(lists, 2)?,
            gateways: whole(lists, 3)?,
            groups: whole(lists, 4)?,
            prefixes: whole(lists, 5)?,
        })?;
        let mut graph = Self { network, ..Self::default() };
        for item in whole(lists, 6)? {
            graph.interface(item);
        }
        for item in whole(lists, 7)? {
            let faces = all(&item.value, "networkInterfaceSet.item").map(face).collect();
            let id = text(&item.value, "instanceId");
            graph.put(id, id, faces, true);
        }
        let mut known =
            balancers::read(whole(lists, 8)?, whole(lists, 9)?, whole(lists, 10)?, &graph.network);
        // One that stands behind another comes after it.
        known.sort_by_key(|balancer| !balancer.leads_to_balancers());
        for balancer in &known {
            let (label, faces) = (balancer.label.clone(), balancer.faces.clone());
            let node =
                Node { label, faces, is_machine: false, paths: Paths::default(), shield: String::new() };
            graph.nodes.insert(balancer.id.clone(), node);
        }
        for balancer in known {
            graph.balancer(balancer);
        }
        Ok(graph)
    }

    fn put(&mut self, id: &str, label: &str, faces: Vec<Face>, is_machine: bool) {
        let mut node = Node {
            label: label.to_owned(),
            faces,
            is_machine,
            paths: Paths::default(),
            shield: String::new(),
        };
        (node.paths, node.shield) = self.entries(label, &node.faces, None);
        self.nodes.insert(id.to_owned(), node);
    }

    fn interface(&mut self, Item { value, .. }: &Item) {
        let id = text(value, "networkInterfaceId");
        let is_service = OF_SERVICES.iter().any(|begin| text(value, "description").starts_with(begin));
        let instance = text(value, "attachment.instanceId");
        if !instance.is_empty() && text(value, "attachment.deviceIndex") == "0" {
            self.firsts.insert(instance.to_owned(), id.to_owned());
        }
        if ONE_WAY.contains(&text(value, "interfaceType")) {
            let shield = "a NAT gateway lets nothing in that was not asked for from inside".to_owned();
            let node = Node {
                label: id.to_owned(),
                faces: vec![face(value)],
                is_machine: false,
                paths: Paths::default(),
                shield,
            };
            self.nodes.insert(id.to_owned(), node);
        } else {
            self.put(id, id, vec![face(value)], !is_service && instance.is_empty());
        }
    }

    /// How the internet reaches these places directly, at the ports that are served; every port if none are named.
    fn entries(&self, label: &str, faces: &[Face], served: Option<&[(Protocol, u16)]>) -> (Paths, String) {
        let mut paths = Vec::new();
        let mut shield = String::new();
        let mut doubt = None;
        for face in faces {
            let direct = match self.network.direct(&face.place) {
                Ok(direct) => direct,
                Err(reason) => {
                    doubt.get_or_insert(reason);
                    continue;
                }
            };
            if let Some(reason) = &direct.doubt {
                doubt.get_or_insert_with(|| reason.clone());
            }
            if shield.is_empty() {
                shield.clone_from(&direct.shield);
            }
            let mut hops = vec!["internet".to_owned()];
            hops.extend(direct.gateways.first().cloned());
            let way = |flow: Flow| {
                let mut hops = hops.clone();
                hops.push(hop(label, &flow));
                Path { hops, via: Via::Direct, flow }
            };
            match served {
                None => paths.extend(direct.flows.into_iter().map(way)),
                Some(served) => paths.extend(served.iter().flat_map(|(protocol, port)| {
                    let hits = direct.flows.iter().filter(|flow| {
                        flow.protocol == *protocol && flow.ports.0 <= *port && *port <= flow.ports.1
                    });
                    let cut = |flow: &Flow| Flow { ports: (*port, *port), ..flow.clone() };
                    hits.map(cut).map(&way).collect::<Vec<_>>()
                })),
            }
        }
        if !paths.is_empty() || doubt.is_some() {
            shield.clear();
        } else if shield.is_empty() {
            "nothing listens where the internet could reach it".clone_into(&mut shield);
        }
        // Several places of one resource are one resource.
        paths.dedup_by(|a, b| a.hops == b.hops && a.flow == b.flow);
        (Paths { known: paths, doubt }, shield)
    }

    /// A load balancer, and what it leads to.
    fn balancer(&mut self, balancer: Balancer) {
        let (mut paths, shield) = match &balancer.served {
            Ok(served) => self.entries(&balancer.label, &balancer.faces, Some(served)),
            Err(reason) => (Paths::from(reason.clone()), String::new()),
        };
        if let Some(before) = self.nodes.get(&balancer.id).map(|node| node.paths.clone()) {
            paths.known.extend(before.known);
            before.doubt.iter().for_each(|reason| paths.doubt(reason));
        }
        let mut faces = balancer.faces.clone();
        if balancer.keeps_sources {
            // Whoever may come by a way that is not known may come from everywhere.
            let mut sources = super::path::sources(&paths.known);
            if paths.doubt.is_some() {
                sources = sources.and(&Addresses::internet());
            }
            faces.iter_mut().for_each(|face| face.inside = face.inside.and(&sources));
        }
        let certain = paths.known.first().map(|first| Ok(Self::entry(first, &balancer.label, &paths.known)));
        for entry in certain.into_iter().chain(paths.doubt.clone().map(Err)) {
            for target in &balancer.targets {
                for id in self.named(&target.id, &balancer.vpc) {
                    self.lead(&id, &faces, &entry, (target.protocol, target.port));
                }
            }
        }
        if let Err(reason) = &balancer.complete
            && !paths.are_none()
        {
            self.doubt_all(&balancer.vpc, reason);
        }
        let node = Node { label: balancer.label, faces, is_machine: false, paths, shield };
        self.nodes.insert(balancer.id, node);
    }

    /// The way to a load balancer, whichever of its ports is taken.
    fn entry(first: &Path, label: &str, paths: &[Path]) -> Path {
        let mut ports: Vec<u16> = paths.iter().map(|path| path.flow.ports.0).collect();
        ports.sort_unstable();
        ports.dedup();
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        let mut hops = first.hops.clone();
        hops.pop();
        hops.push(format!("{label}:{}", ports.join(",")));
        let sources = super::path::sources(paths);
        Path { hops, via: Via::Balancer, flow: Flow { sources, ..first.flow.clone() } }
    }

    /// The nodes that a target names: by id, with the interfaces of an instance, or by an address.
    fn named(&self, target: &str, vpc: &str) -> Vec<String> {
        if self.nodes.contains_key(target) {
            let first = self.firsts.get(target).cloned();
            return std::iter::once(target.to_owned()).chain(first).collect();
        }
        let Some(address) = Addresses::parse(target) else { return Vec::new() };
        let is_there = |face: &Face| {
            self.network.subnets.get(&face.place.subnet).is_some_and(|subnet| subnet.vpc == vpc)
                && !face.inside.within(&address).is_empty()
        };
        let found = self.nodes.iter().filter(|(_, node)| node.faces.iter().any(is_there));
        found.map(|(id, _)| id.clone()).collect()
    }

    /// Leads a path on to a node, if its filters let the balancer in.
    fn lead(&mut self, id: &str, from: &[Face], entry: &Told<Path>, (protocol, port): (Protocol, u16)) {
        let Some(node) = self.nodes.get(id) else { return };
        let flow = Flow { protocol, ports: (port, port), sources: Addresses::default() };
        let reached = self.any(from, &node.faces, protocol, port);
        let Some(node) = self.nodes.get_mut(id) else { return };
        match (reached, entry) {
            (Ok(false), _) => {}
            (Ok(true), Ok(entry)) => node.paths.known.push(entry.and(&node.label, Via::Balancer, flow)),
            (Err(reason), _) => node.paths.doubt(&reason),
            (Ok(true), Err(reason)) => node.paths.doubt(reason),
        }
    }

    /// Something in a network may be reached, and it is not known what.
    fn doubt_all(&mut self, vpc: &str, reason: &UnknownReason) {
        let subnets = &self.network.subnets;
        let is_there = |face: &Face| subnets.get(&face.place.subnet).is_some_and(|subnet| subnet.vpc == vpc);
        for node in self.nodes.values_mut().filter(|node| node.faces.iter().any(is_there)) {
            node.paths.doubt(reason);
        }
    }

    fn any(&self, from: &[Face], to: &[Face], protocol: Protocol, port: u16) -> Told<bool> {
        let mut doubt = None;
        for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (from, to))) {
            match self.network.reaches(from, to, protocol, port) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(reason) => {
                    doubt.get_or_insert(reason);
                }
            }
        }
        doubt.map_or(Ok(false), Err)
    }

    /// A node by its id.
    pub(crate) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// How the internet gets to a store that is in these places and serves one port: directly, or by a machine that it
    /// reaches. And if nothing leads there directly, why not.
    pub(crate) fn store(&self, label: &str, faces: &[Face], port: u16) -> (Paths, String) {
        let faces: Vec<Face> = faces
            .iter()
            .map(|face| Face { inside: self.network.range(&face.place.subnet), ..face.clone() })
            .collect();
        let (mut paths, shield) = self.entries(label, &faces, Some(&[(Protocol::Tcp, port)]));
        let flow = Flow { protocol: Protocol::Tcp, ports: (port, port), sources: Addresses::default() };
        for node in self.nodes.values().filter(|node| node.is_machine && !node.paths.are_none()) {
            match self.any(&node.faces, &faces, Protocol::Tcp, port) {
                Ok(false) => {}
                Ok(true) => {
                    for (from, via) in [(Via::Direct, Via::Machine), (Via::Balancer, Via::Balancer)] {
                        let of_kind = node.paths.known.iter().filter(|path| path.via == from);
                        let first = of_kind.max_by_key(|path| path.flow.sources.are_world());
                        let Some(first) = first else { continue };
                        let mut through = first.clone();
                        // The machine's own port is of no matter here.
                        through.hops.pop();
                        through.hops.push(node.label.clone());
                        paths.known.push(through.and(label, via, flow.clone()));
                    }
                    node.paths.doubt.iter().for_each(|reason| paths.doubt(reason));
                }
                Err(reason) => paths.doubt(&reason),
            }
        }
        (paths, shield)
    }
}
