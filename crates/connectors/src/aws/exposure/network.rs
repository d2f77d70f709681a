//! One region's networks, as the lists tell them.

use std::collections::{BTreeMap, BTreeSet};

use octro_model::{UnknownReason, Why};
use serde_json::Value;

use super::addresses::Addresses;
use super::filters::{Acl, Entry, Group, LAST, Packets, Protocol, Rule, Whom};
use crate::aws::facts::{Item, Listed, at, flag, many, number};

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To this internet gateway.
    Internet(String),
    /// Through this, of which it is not known what it lets pass: an appliance, or an endpoint before one.
    Through(String),
    /// Somewhere from where nobody on the internet gets an answer: inside, to a NAT gateway, to another network.
    Elsewhere,
}

/// A route.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// To which addresses.
    pub range: Addresses,
    /// Where it leads.
    pub way: Way,
}

/// A subnet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subnet {
    /// The network it is in.
    pub vpc: String,
    /// Its addresses.
    pub range: Addresses,
    /// Its network ACL, or why it is not known.
    pub acl: Option<String>,
    /// Its route table.
    pub routes: Option<String>,
}

/// What was told, or why it is not understood.
pub(crate) type Told<T> = Result<T, UnknownReason>;

/// The networks of a region.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    /// By id.
    pub subnets: BTreeMap<String, Subnet>,
    /// By id.
    pub acls: BTreeMap<String, Told<Acl>>,
    /// By the id of their table, the narrowest first.
    pub routes: BTreeMap<String, Told<Vec<Route>>>,
    /// By id.
    pub groups: BTreeMap<String, Told<Group>>,
}

/// The lists that a network is read from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lists<'a> {
    pub subnets: &'a [Item],
    pub acls: &'a [Item],
    pub tables: &'a [Item],
    pub gateways: &'a [Item],
    pub groups: &'a [Item],
    pub prefixes: &'a [Item],
}

/// All of a list, or why not.
pub(crate) fn whole(lists: &[Listed], place: usize) -> Told<&[Item]> {
    match lists.get(place) {
        Some(Ok(items)) => Ok(items),
        Some(Err(reason)) => Err(reason.clone()),
        None => Err(UnknownReason::new(Why::NotCollected, "a list was not read")),
    }
}

/// A text of an answer; empty if there is none.
pub(crate) fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// What lies at a path, one or many.
pub(crate) fn all<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    at(value, path).into_iter().flat_map(many)
}

/// What an answer says and nobody understands.
pub(crate) fn odd(what: impl Into<String>) -> UnknownReason {
    UnknownReason::new(Why::Failed, what)
}

fn range(text: &str) -> Told<Addresses> {
    Addresses::parse(text).ok_or_else(|| odd(format!("`{text}` is no range of addresses")))
}

impl Network {
    /// Reads the networks of a region.
    ///
    /// # Errors
    /// What cannot be understood.
    pub(crate) fn read(lists: Lists<'_>) -> Told<Self> {
        let mut network = Self::default();
        for item in lists.subnets {
            let subnet = &item.value;
            let six = all(subnet, "ipv6CidrBlockAssociationSet.item").map(|one| text(one, "ipv6CidrBlock"));
            let ranges =
                std::iter::once(text(subnet, "cidrBlock")).chain(six).filter(|text| !text.is_empty());
            let ranges = ranges.map(range).collect::<Result<Vec<_>, _>>()?;
            let vpc = text(subnet, "vpcId").to_owned();
            let range = ranges.iter().fold(Addresses::default(), |all, one| all.and(one));
            network
                .subnets
                .insert(text(subnet, "subnetId").to_owned(), Subnet { vpc, range, ..Subnet::default() });
        }
        for item in lists.acls {
            let id = text(&item.value, "networkAclId");
            for one in all(&item.value, "associationSet.item") {
                if let Some(subnet) = network.subnets.get_mut(text(one, "subnetId")) {
                    subnet.acl = Some(id.to_owned());
                }
            }
            network.acls.insert(id.to_owned(), acl(&item.value));
        }
        let gateways: BTreeSet<(&str, &str)> = lists
            .gateways
            .iter()
            .flat_map(|item| {
                let id = text(&item.value, "internetGatewayId");
                all(&item.value, "attachmentSet.item").map(move |one| (id, text(one, "vpcId")))
            })
            .collect();
        network.tables(lists, &gateways);
        for item in lists.groups {
            let group = group(&item.value, lists.prefixes);
            network.groups.insert(text(&item.value, "groupId").to_owned(), group);
        }
        Ok(network)
    }

    fn tables(&mut self, lists: Lists<'_>, gateways: &BTreeSet<(&str, &str)>) {
        let mut mains: BTreeMap<&str, &str> = BTreeMap::new();
        for item in lists.tables {
            let table = &item.value;
            let (id, vpc) = (text(table, "routeTableId"), text(table, "vpcId"));
            for one in all(table, "associationSet.item") {
                if one.get("main").and_then(flag) == Some(true) {
                    mains.insert(vpc, id);
                }
                if let Some(subnet) = self.subnets.get_mut(text(one, "subnetId")) {
                    subnet.routes = Some(id.to_owned());
                }
            }
            self.routes.insert(id.to_owned(), routes(table, lists.prefixes, gateways));
        }
        for subnet in self.subnets.values_mut().filter(|subnet| subnet.routes.is_none()) {
            subnet.routes = mains.get(subnet.vpc.as_str()).map(|id| (*id).to_owned());
        }
        for item in lists.tables {
            if all(&item.value, "associationSet.item").any(|one| text(one, "gatewayId").starts_with("igw-")) {
                self.lead(&item.value);
            }
        }
    }

    /// What comes in through a gateway with a route table is led to an appliance first, if the table says so.
    fn lead(&mut self, table: &Value) {
        let Some(Ok(led)) = self.routes.get(text(table, "routeTableId")).cloned() else { return };
        for Route { range, way } in led.into_iter().filter(|route| matches!(route.way, Way::Through(_))) {
            let is_behind = |subnet: &&Subnet| {
                subnet.vpc == text(table, "vpcId") && !subnet.range.within(&range).is_empty()
            };
            for id in self.subnets.values().filter(is_behind).filter_map(|subnet| subnet.routes.as_deref()) {
                let Some(Ok(routes)) = self.routes.get_mut(id) else { continue };
                for route in routes.iter_mut().filter(|route| matches!(route.way, Way::Internet(_))) {
                    route.way = way.clone();
                }
            }
        }
    }
}

fn routes(table: &Value, prefixes: &[Item], gateways: &BTreeSet<(&str, &str)>) -> Told<Vec<Route>> {
    let vpc = text(table, "vpcId");
    let mut found: Vec<(u128, bool, Route)> = Vec::new();
    for route in all(table, "routeSet.item") {
        let target = ["gatewayId", "vpcEndpointId", "networkInterfaceId", "instanceId", "natGatewayId"]
            .into_iter()
            .map(|name| text(route, name))
            .find(|target| !target.is_empty())
            .unwrap_or_default();
        let is_on = text(route, "state") != "blackhole";
        let way = match target.split('-').next().unwrap_or_default() {
            "igw" if is_on && gateways.contains(&(target, vpc)) => Way::Internet(target.to_owned()),
            "vpce" | "eni" | "i" if is_on => Way::Through(target.to_owned()),
            _ => Way::Elsewhere,
        };
        let list = text(route, "destinationPrefixListId");
        let ranges = if list.is_empty() {
            let to = ["destinationCidrBlock", "destinationIpv6CidrBlock"]
                .into_iter()
                .map(|name| text(route, name));
            to.filter(|to| !to.is_empty()).map(range).collect::<Result<Vec<_>, _>>()?
        } else {
            match entries(prefixes, list) {
                // What leads to the provider's stores leads on to nobody else.
                Ok(ranges) if is_of_stores(prefixes, list) => {
                    found.extend(ranges.into_iter().map(|range| {
                        let size = range.v4.count().max(range.v6.count());
                        (size, false, Route { range, way: Way::Elsewhere })
                    }));
                    continue;
                }
                Ok(ranges) => ranges,
                // The provider's own lists lead to its services, never to the world.
                Err(_) if is_of_provider(prefixes, list) => continue,
                Err(_) if way == Way::Elsewhere => continue,
                Err(reason) => return Err(reason),
            }
        };
        let learned = text(route, "origin") == "EnableVgwRoutePropagation";
        for range in ranges {
            let size = range.v4.count().max(range.v6.count());
            found.push((size, learned, Route { range, way: way.clone() }));
        }
    }
    found.sort_by_key(|(size, learned, _)| (*size, *learned));
    Ok(found.into_iter().map(|(_, _, route)| route).collect())
}

/// The packets that a rule names, if they have ports.
fn packets(protocol: &str, from: Option<i64>, to: Option<i64>) -> Option<Packets> {
    let protocol = match protocol {
        "-1" => return Some(Packets { protocol: None, ports: (0, LAST) }),
        "tcp" | "6" => Protocol::Tcp,
        "udp" | "17" => Protocol::Udp,
        _ => return None,
    };
    let port = |port: i64| u16::try_from(port).ok();
    let ports = match (from, to) {
        (None, None) => (0, LAST),
        (Some(from), Some(to)) => (port(from.max(0))?, port(if to < 0 { i64::from(LAST) } else { to })?),
        (Some(_), None) | (None, Some(_)) => return None,
    };
    Some(Packets { protocol: Some(protocol), ports })
}

fn acl(value: &Value) -> Told<Acl> {
    let mut acl = Acl { id: text(value, "networkAclId").to_owned(), ..Acl::default() };
    for entry in all(value, "entrySet.item") {
        let port = |name: &str| at(entry, name).and_then(number);
        let Some(packets) = packets(text(entry, "protocol"), port("portRange.from"), port("portRange.to"))
        else {
            continue;
        };
        let (four, six) = (text(entry, "cidrBlock"), text(entry, "ipv6CidrBlock"));
        let told = (|| {
            let number = u32::try_from(port("ruleNumber")?).ok()?;
            let egress = entry.get("egress").and_then(flag)?;
            let allows = match text(entry, "ruleAction") {
                "allow" => true,
                "deny" => false,
                _ => return None,
            };
            Some((number, egress, allows))
        })();
        let Some((number, egress, allows)) = told else {
            return Err(odd(format!("a rule of the network ACL `{}` is not understood", acl.id)));
        };
        let entry =
            Entry { number, allows, packets, range: range(if four.is_empty() { six } else { four })? };
        if egress { acl.egress.push(entry) } else { acl.ingress.push(entry) }
    }
    acl.ingress.sort_by_key(|entry| entry.number);
    acl.egress.sort_by_key(|entry| entry.number);
    Ok(acl)
}

fn group(value: &Value, prefixes: &[Item]) -> Told<Group> {
    let rules = |path: &str| -> Told<Vec<Rule>> {
        let mut rules = Vec::new();
        for permission in all(value, path) {
            let port = |name: &str| permission.get(name).and_then(number);
            let Some(packets) = packets(text(permission, "ipProtocol"), port("fromPort"), port("toPort"))
            else {
                continue;
            };
            let mut put = |whom| rules.push(Rule { packets, whom });
            for one in all(permission, "ipRanges.item") {
                put(Whom::Addresses(range(text(one, "cidrIp"))?));
            }
            for one in all(permission, "ipv6Ranges.item") {
                put(Whom::Addresses(range(text(one, "cidrIpv6"))?));
            }
            for one in all(permission, "groups.item") {
                put(Whom::Group(text(one, "groupId").to_owned()));
            }
            for one in all(permission, "prefixListIds.item") {
                let list = text(one, "prefixListId");
                match entries(prefixes, list) {
                    Ok(ranges) => ranges.into_iter().for_each(|range| put(Whom::Addresses(range))),
                    Err(_) if is_of_provider(prefixes, list) => {}
                    Err(reason) => return Err(reason),
                }
            }
        }
        Ok(rules)
    };
    Ok(Group { ingress: rules("ipPermissions.item")?, egress: rules("ipPermissionsEgress.item")? })
}

fn is_of_provider(prefixes: &[Item], id: &str) -> bool {
    prefixes
        .iter()
        .any(|item| text(&item.value, "prefixListId") == id && text(&item.value, "ownerId") == "AWS")
}

/// A list of the addresses of S3 or DynamoDB, to which an endpoint of the gateway sort leads.
fn is_of_stores(prefixes: &[Item], id: &str) -> bool {
    let is_it = |item: &&Item| text(&item.value, "prefixListId") == id;
    let name =
        prefixes.iter().find(is_it).map(|item| text(&item.value, "prefixListName")).unwrap_or_default();
    is_of_provider(prefixes, id) && [".s3", ".s3express", ".dynamodb"].iter().any(|end| name.ends_with(end))
}

/// The ranges of a prefix list.
fn entries(prefixes: &[Item], id: &str) -> Told<Vec<Addresses>> {
    let Some(found) = prefixes.iter().find(|item| text(&item.value, "prefixListId") == id) else {
        return Err(odd(format!("the prefix list `{id}` was not told; it may be of another account")));
    };
    match found.details.get("entries") {
        Some(Ok(Value::Null)) | None => Err(odd(format!("the prefix list `{id}` was not opened"))),
        Some(Ok(entries)) => many(entries).map(|entry| range(text(entry, "cidr"))).collect(),
        Some(Err(reason)) => Err(reason.clone()),
    }
}
