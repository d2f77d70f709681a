//! Load balancers of all generations: where they stand, where they listen, and whom they lead to.

use octro_model::UnknownReason;
use serde_json::Value;

use super::filters::Protocol;
use super::network::{Network, Told, all, text};
use super::reach::{Face, Place};
use crate::aws::facts::{Item, at, many, number};

/// Whom a load balancer leads to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// An instance, an address, or another load balancer.
    pub id: String,
    /// By which protocol.
    pub protocol: Protocol,
    /// To which port.
    pub port: u16,
}

/// A load balancer.
#[derive(Clone, Debug)]
pub(crate) struct Balancer {
    /// Its ARN; of a classic one, its name.
    pub id: String,
    /// Its name in paths.
    pub label: String,
    /// Its network.
    pub vpc: String,
    /// Where it stands.
    pub faces: Vec<Face>,
    /// Where it listens.
    pub served: Told<Vec<(Protocol, u16)>>,
    /// Whom it leads to, as far as is known.
    pub targets: Vec<Target>,
    /// Whether all targets are known, or why not.
    pub complete: Told<()>,
    /// Targets see the addresses of those who call.
    pub keeps_sources: bool,
}

impl Balancer {
    /// It leads to other load balancers.
    pub(crate) fn leads_to_balancers(&self) -> bool {
        self.targets.iter().any(|target| target.id.starts_with("arn:"))
    }
}

/// A detail of an item: what it says, or why it is not known.
fn told<'a>(item: &'a Item, name: &str, path: &str) -> Told<Vec<&'a Value>> {
    match item.details.get(name) {
        Some(Ok(value)) => Ok(at(value, path).into_iter().flat_map(many).collect()),
        Some(Err(reason)) => Err(reason.clone()),
        None => Ok(Vec::new()),
    }
}

fn protocols(name: &str) -> &'static [Protocol] {
    match name {
        "HTTP" | "HTTPS" | "TCP" | "TLS" | "SSL" => &[Protocol::Tcp],
        "UDP" | "QUIC" => &[Protocol::Udp],
        "TCP_UDP" | "TCP_QUIC" => &Protocol::ALL,
        _ => &[],
    }
}

fn port(value: &Value, path: &str) -> Option<u16> {
    at(value, path).and_then(number).and_then(|port| u16::try_from(port).ok())
}

/// The places of a load balancer in its subnets.
fn faces<'a>(
    subnets: impl Iterator<Item = &'a str>,
    groups: Vec<String>,
    public: (bool, bool),
    network: &Network,
) -> Vec<Face> {
    let groups = Some(groups).filter(|groups| !groups.is_empty());
    subnets
        .map(|subnet| Face {
            inside: network.range(subnet),
            place: Place {
                subnet: subnet.to_owned(),
                groups: groups.clone(),
                public_4: public.0,
                public_6: public.1,
            },
        })
        .collect()
}

fn texts(value: &Value, path: &str) -> Vec<String> {
    all(value, path).filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Reads load balancers, target groups (each with its targets) and classic load balancers.
pub(crate) fn read(modern: &[Item], groups: &[Item], classic: &[Item], network: &Network) -> Vec<Balancer> {
    let of_modern = modern.iter().map(|item| self::modern(item, groups, network));
    of_modern.chain(classic.iter().map(|item| self::classic(&item.value, network))).collect()
}

fn modern(item: &Item, groups: &[Item], network: &Network) -> Balancer {
    let value = &item.value;
    let (id, name) = (text(value, "LoadBalancerArn"), text(value, "LoadBalancerName"));
    let is_network = text(value, "Type") == "network";
    let short = match text(value, "Type") {
        "network" => "nlb",
        "gateway" => "gwlb",
        _ => "alb",
    };
    let is_open = text(value, "Scheme") == "internet-facing";
    let six = is_open && text(value, "IpAddressType").starts_with("dualstack");
    let served = told(item, "listeners", "").map(|listeners| {
        let of = |one: &&Value| -> Vec<(Protocol, u16)> {
            let Some(port) = port(one, "Port") else { return Vec::new() };
            protocols(text(one, "Protocol")).iter().map(|protocol| (*protocol, port)).collect()
        };
        listeners.iter().flat_map(of).collect()
    });
    let mut targets = Vec::new();
    let mut complete: Result<(), UnknownReason> = Ok(());
    for group in groups {
        if !texts(&group.value, "LoadBalancerArns.member").iter().any(|one| one == id) {
            continue;
        }
        match told(group, "health", "") {
            Err(reason) => complete = Err(reason),
            Ok(all) => {
                for one in all {
                    let Some(port) = port(one, "Target.Port").or_else(|| port(&group.value, "Port")) else {
                        continue;
                    };
                    targets.extend(protocols(text(&group.value, "Protocol")).iter().map(|protocol| Target {
                        id: text(one, "Target.Id").to_owned(),
                        protocol: *protocol,
                        port,
                    }));
                }
            }
        }
    }
    let subnets = all(value, "AvailabilityZones.member").map(|zone| text(zone, "SubnetId"));
    let groups = texts(value, "SecurityGroups.member");
    Balancer {
        id: id.to_owned(),
        label: format!("{short} {name}"),
        vpc: text(value, "VpcId").to_owned(),
        faces: faces(
            subnets,
            groups,
            (is_open && !text(value, "IpAddressType").contains("without-public-ipv4"), six),
            network,
        ),
        served,
        targets,
        complete,
        keeps_sources: is_network,
    }
}

fn classic(value: &Value, network: &Network) -> Balancer {
    let name = text(value, "LoadBalancerName");
    let listeners: Vec<&Value> = all(value, "ListenerDescriptions.member").collect();
    let served =
        listeners.iter().filter_map(|one| Some((Protocol::Tcp, port(one, "Listener.LoadBalancerPort")?)));
    let instances: Vec<&str> = all(value, "Instances.member").map(|one| text(one, "InstanceId")).collect();
    let ports = listeners.iter().filter_map(|one| port(one, "Listener.InstancePort"));
    let to = |port: u16| {
        let target = move |id: &&str| Target { id: (*id).to_owned(), protocol: Protocol::Tcp, port };
        instances.iter().map(target).collect::<Vec<_>>()
    };
    let is_open = text(value, "Scheme") == "internet-facing";
    let subnets = texts(value, "Subnets.member");
    let groups = texts(value, "SecurityGroups.member");
    Balancer {
        id: name.to_owned(),
        label: format!("clb {name}"),
        vpc: text(value, "VPCId").to_owned(),
        faces: faces(subnets.iter().map(String::as_str), groups, (is_open, false), network),
        served: Ok(served.collect()),
        targets: ports.flat_map(to).collect(),
        complete: Ok(()),
        keeps_sources: false,
    }
}
