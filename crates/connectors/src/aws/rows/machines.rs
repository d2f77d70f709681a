//! Instances, network interfaces and network ACLs, and how the internet gets to them.

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use crate::aws::exposure::{Face, Paths, Place, Told, all, text};
use crate::aws::facts::{Facts, Known, flag};
use crate::aws::row::{Ask, Attribute, Form, List, Row, Said, item, made};
use crate::aws::rows::network::INTERFACES;
use crate::aws::services::EC2;

const THOUSAND: (&str, Said) = ("MaxResults", Said::Number(1_000));

/// A list of EC2 with tokens.
const fn listed(action: &'static str, permission: &'static str, items: &'static str) -> List {
    List::paged(Ask::of(&EC2, action, permission, &[THOUSAND]), items, "nextToken", "NextToken")
}

pub(super) static INSTANCES: List =
    listed("DescribeInstances", "ec2:DescribeInstances", "reservationSet.item.instancesSet.item")
        .only(|facts| !matches!(facts.text("instanceState.name"), Some("terminated" | "shutting-down")));
pub(super) static SUBNETS: List = listed("DescribeSubnets", "ec2:DescribeSubnets", "subnetSet.item");
pub(super) static ACLS: List = listed("DescribeNetworkAcls", "ec2:DescribeNetworkAcls", "networkAclSet.item");
pub(super) static GATEWAYS: List =
    listed("DescribeInternetGateways", "ec2:DescribeInternetGateways", "internetGatewaySet.item");

/// How the internet gets there, and what stops it.
pub(super) const EXPOSURE: Attribute = made("exposure", |facts| paths(facts).told().0);
pub(super) const COMPLETE: Attribute = made("exposure_complete", |facts| paths(facts).told().1);
pub(super) const SHIELD: Attribute =
    made("shield", |facts| shield(of_node(facts, |node| Ok(node.shield.clone()))));

pub(crate) static INSTANCE: Row =
    Row::of("aws.ec2.instance", &INSTANCES, "arn:{partition}:ec2:{region}:{account}:instance/{instanceId}")
        .reached()
        .with(&[
            item("name", "instanceId", Form::Text),
            made("title", |facts| {
                let tags = facts.item.get("tagSet").and_then(|tags| tags.get("item"));
                let name = tags.and_then(|tags| crate::aws::class::tag(tags, "Name"));
                name.filter(|name| !name.is_empty()).map_or(Known::Absent, Known::text)
            }),
            item("data_class", "tagSet.item", Form::Class),
            item("vpc", "vpcId", Form::Text),
            item("state", "instanceState.name", Form::Text),
            made("public", |facts| Known::flag(all(facts.item, "networkInterfaceSet.item").any(is_public))),
            item("metadata_tokens", "metadataOptions.httpTokens", Form::Is("required")),
            EXPOSURE,
            COMPLETE,
            SHIELD,
        ]);

pub(crate) static INTERFACE: Row = Row::of(
    "aws.ec2.interface",
    &INTERFACES,
    "arn:{partition}:ec2:{region}:{account}:network-interface/{networkInterfaceId}",
)
.reached()
.with(&[
    item("name", "networkInterfaceId", Form::Text),
    item("description", "description", Form::Text),
    item("vpc", "vpcId", Form::Text),
    item("instance", "attachment.instanceId", Form::Text),
    made("public", |facts| Known::flag(is_public(facts.item))),
    EXPOSURE,
    COMPLETE,
    SHIELD,
]);

pub(crate) static ACL: Row =
    Row::of("aws.network_acl", &ACLS, "arn:{partition}:ec2:{region}:{account}:network-acl/{networkAclId}")
        .with(&[
            item("name", "networkAclId", Form::Text),
            item("vpc", "vpcId", Form::Text),
            item("default", "default", Form::Flag),
            made("subnets", |facts| {
                let subnets = all(facts.item, "associationSet.item").map(|one| text(one, "subnetId"));
                Known::Value(subnets.map(Value::from).collect())
            }),
            made("rules", |facts| Known::Value(all(facts.item, "entrySet.item").map(acl_rule).collect())),
        ]);

fn is_public(interface: &Value) -> bool {
    let has = |one: &Value| !text(one, "association.publicIp").is_empty();
    has(interface)
        || all(interface, "privateIpAddressesSet.item").any(has)
        || all(interface, "ipv6AddressesSet.item").next().is_some()
}

fn acl_rule(entry: &Value) -> Value {
    let range =
        [text(entry, "cidrBlock"), text(entry, "ipv6CidrBlock")].into_iter().find(|one| !one.is_empty());
    let port = |path: &str| crate::aws::facts::at(entry, path).and_then(crate::aws::facts::number);
    let protocol = match text(entry, "protocol") {
        "-1" => "any",
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        other => other,
    };
    json!({
        "number": entry.get("ruleNumber").and_then(crate::aws::facts::number),
        "outgoing": entry.get("egress").and_then(flag),
        "allows": text(entry, "ruleAction") == "allow",
        "protocol": protocol,
        "from_port": port("portRange.from"),
        "to_port": port("portRange.to"),
        "range": range,
    })
}

/// How the internet gets to the resource's node.
fn paths(facts: &Facts<'_>) -> Paths {
    of_node(facts, |node| Ok(node.paths.clone())).unwrap_or_else(Paths::from)
}

/// What is known of the resource's node.
fn of_node<T>(facts: &Facts<'_>, take: fn(&crate::aws::exposure::Node) -> Told<T>) -> Told<T> {
    let graph = match &facts.beside.graph {
        Some(Ok(graph)) => graph,
        Some(Err(reason)) => return Err(reason.clone()),
        None => return Err(UnknownReason::new(Why::NotCollected, "the region's networks were not read")),
    };
    let id = ["instanceId", "networkInterfaceId", "LoadBalancerArn", "LoadBalancerName"]
        .into_iter()
        .find_map(|name| facts.text(name))
        .unwrap_or_default();
    match graph.node(id) {
        Some(node) => take(node),
        None => Err(UnknownReason::new(Why::Failed, format!("`{id}` appeared while the networks were read"))),
    }
}

/// What stops the internet, as an attribute.
pub(super) fn shield(told: Told<String>) -> Known {
    match told {
        Err(reason) => Known::Unknown(reason),
        Ok(text) if text.is_empty() => Known::Absent,
        Ok(text) => Known::text(text),
    }
}

/// Where a managed store is, as its own description tells it.
#[derive(Debug)]
pub(super) struct Store<'a> {
    /// Its name in paths.
    pub label: String,
    /// Its subnets.
    pub subnets: Vec<&'a str>,
    /// Its security groups.
    pub groups: Vec<&'a str>,
    /// It has a public address.
    pub public: bool,
    /// Its port.
    pub port: Option<i64>,
}

/// How the internet gets to a managed store (`exposure`, `exposure_complete`), and what stops it.
pub(super) fn reached(facts: &Facts<'_>, store: Told<Store<'_>>) -> (Known, Known, Known) {
    let unknown = |reason: UnknownReason| {
        (Known::Unknown(reason.clone()), Known::Unknown(reason.clone()), Known::Unknown(reason))
    };
    let odd = |what: &str| unknown(UnknownReason::new(Why::Failed, what));
    let store = match store {
        Ok(store) => store,
        Err(reason) => return unknown(reason),
    };
    let graph = match &facts.beside.graph {
        Some(Ok(graph)) => graph,
        Some(Err(reason)) => return unknown(reason.clone()),
        None => return odd("the region's networks were not read"),
    };
    let Some(port) = store.port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0) else {
        return odd("the service does not tell its port");
    };
    if store.subnets.is_empty() || store.groups.is_empty() {
        return odd("the service does not tell its subnets, or its security groups");
    }
    let groups: Vec<String> = store.groups.iter().map(|group| (*group).to_owned()).collect();
    let face = |subnet: &&str| Face {
        place: Place {
            subnet: (*subnet).to_owned(),
            groups: Some(groups.clone()),
            public_4: store.public,
            public_6: false,
        },
        ..Face::default()
    };
    let faces: Vec<Face> = store.subnets.iter().map(face).collect();
    let (paths, stopped) = graph.store(&store.label, &faces, port);
    let (exposure, complete) = paths.told();
    (exposure, complete, shield(Ok(stopped)))
}
