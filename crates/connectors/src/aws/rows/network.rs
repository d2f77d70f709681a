//! Security groups: what they let in, and whether the internet reaches an interface that uses them.

use std::collections::BTreeSet;

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use crate::aws::facts::{Facts, Item, Known, at, many, number};
use crate::aws::ranges::{self, Range};
use crate::aws::row::{Ask, Detail, Form, List, Row, Said, item, made};
use crate::aws::services::EC2;
use octro_outbound::aws::api::Paging;

const THOUSAND: (&str, Said) = ("MaxResults", Said::Number(1_000));
const HUNDRED: (&str, Said) = ("MaxResults", Said::Number(100));
const PAGES: Paging = Paging::Token { from: "nextToken", into: "NextToken" };

pub(super) static GROUPS: List = List::paged(
    Ask::of(&EC2, "DescribeSecurityGroups", "ec2:DescribeSecurityGroups", &[THOUSAND]),
    "securityGroupInfo.item",
    "nextToken",
    "NextToken",
);
pub(super) static INTERFACES: List = List::paged(
    Ask::of(&EC2, "DescribeNetworkInterfaces", "ec2:DescribeNetworkInterfaces", &[THOUSAND]),
    "networkInterfaceSet.item",
    "nextToken",
    "NextToken",
);
pub(super) static ROUTES: List = List::paged(
    Ask::of(&EC2, "DescribeRouteTables", "ec2:DescribeRouteTables", &[HUNDRED]),
    "routeTableSet.item",
    "nextToken",
    "NextToken",
);
pub(super) static PREFIXES: List = List::paged(
    Ask::of(&EC2, "DescribeManagedPrefixLists", "ec2:DescribeManagedPrefixLists", &[HUNDRED]),
    "prefixListSet.item",
    "nextToken",
    "NextToken",
)
.asking(&[Detail::of(
    "entries",
    Ask::of(
        &EC2,
        "GetManagedPrefixListEntries",
        "ec2:GetManagedPrefixListEntries",
        &[("PrefixListId", Said::Text("{prefixListId}")), HUNDRED],
    ),
)
.at("entrySet.item")
.paged(PAGES)
.gone(&["InvalidPrefixListID.NotFound"])
// Those of AWS hold the addresses of its services, never the world.
.when(|facts| facts.text("ownerId") != Some("AWS"))]);

pub(crate) static GROUP: Row =
    Row::of("aws.security_group", &GROUPS, "arn:{partition}:ec2:{region}:{account}:security-group/{groupId}")
        .beside(&[&INTERFACES, &ROUTES, &PREFIXES])
        .with(&[
            item("name", "groupName", Form::Text),
            item("vpc", "vpcId", Form::Text),
            item("default", "groupName", Form::Is("default")),
            made("attached", |facts| match interfaces(facts) {
                Ok(used) => Known::flag(!used.is_empty()),
                Err(reason) => Known::Unknown(reason),
            }),
            made("public", |facts| public(facts).map_or_else(Known::from, Known::flag)),
            made("ingress", |facts| ingress(facts).map_or_else(Known::from, Known::Value)),
        ]);

fn beside<'a>(facts: &Facts<'a>, place: usize) -> Result<&'a [Item], UnknownReason> {
    match facts.beside.get(place) {
        Some(Ok(items)) => Ok(items),
        Some(Err(reason)) => Err(reason.clone()),
        None => Ok(&[]),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The interfaces that use the group.
fn interfaces<'a>(facts: &Facts<'a>) -> Result<Vec<&'a Value>, UnknownReason> {
    let group = facts.text("groupId").unwrap_or_default();
    let uses = |interface: &&Value| {
        at(interface, "groupSet.item").into_iter().flat_map(many).any(|one| text(one, "groupId") == group)
    };
    Ok(beside(facts, 0)?.iter().map(|item| &item.value).filter(uses).collect())
}

/// An interface that uses the group has a public address and a route to the internet.
fn public(facts: &Facts<'_>) -> Result<bool, UnknownReason> {
    for interface in interfaces(facts)? {
        let has_4 = !text(at(interface, "association").unwrap_or(&Value::Null), "publicIp").is_empty();
        let has_6 = at(interface, "ipv6AddressesSet.item").into_iter().flat_map(many).next().is_some();
        if (has_4 && is_routed(facts, interface, "destinationCidrBlock", "0.0.0.0/0")?)
            || (has_6 && is_routed(facts, interface, "destinationIpv6CidrBlock", "::/0")?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The route table of an interface's subnet, or the main one of its network, leads to an internet gateway.
fn is_routed(facts: &Facts<'_>, interface: &Value, field: &str, world: &str) -> Result<bool, UnknownReason> {
    let (subnet, vpc) = (text(interface, "subnetId"), text(interface, "vpcId"));
    let tables: Vec<&Value> = beside(facts, 1)?.iter().map(|item| &item.value).collect();
    let of = |table: &&&Value, name: &str, wanted: &str| {
        at(table, "associationSet.item").into_iter().flat_map(many).any(|one| text(one, name) == wanted)
    };
    let own = tables.iter().find(|table| of(table, "subnetId", subnet));
    let main = || tables.iter().find(|table| text(table, "vpcId") == vpc && of(table, "main", "true"));
    let Some(table) = own.or_else(main) else {
        return Err(UnknownReason::new(
            Why::Failed,
            format!("no route table of the subnet `{subnet}` was told"),
        ));
    };
    let routes = at(table, "routeSet.item").into_iter().flat_map(many);
    Ok(routes
        .into_iter()
        .any(|route| text(route, field) == world && text(route, "gatewayId").starts_with("igw-")))
}

/// One rule for one source, before it is known whether it is the world.
struct Rule<'a> {
    protocol: &'a str,
    ports: Option<(i64, i64)>,
    source: &'a str,
    ranges: Vec<Range>,
    note: &'a str,
}

fn ingress(facts: &Facts<'_>) -> Result<Value, UnknownReason> {
    let mut rules = Vec::new();
    for permission in at(facts.item, "ipPermissions.item").into_iter().flat_map(many) {
        let protocol = text(permission, "ipProtocol");
        let port = |name: &str| permission.get(name).and_then(number);
        let ports = match (protocol, port("fromPort"), port("toPort")) {
            ("tcp" | "udp" | "6" | "17", Some(from), Some(to)) => Some((from, to)),
            _ => None,
        };
        let protocol = match protocol {
            "-1" => "any",
            "6" => "tcp",
            "17" => "udp",
            "1" => "icmp",
            other => other,
        };
        for (list, name) in [
            ("ipRanges.item", "cidrIp"),
            ("ipv6Ranges.item", "cidrIpv6"),
            ("groups.item", "groupId"),
            ("prefixListIds.item", "prefixListId"),
        ] {
            for one in at(permission, list).into_iter().flat_map(many) {
                let source = text(one, name);
                let ranges = match name {
                    "groupId" => Vec::new(),
                    "prefixListId" => entries(facts, source)?,
                    _ => vec![range(source)?],
                };
                rules.push(Rule { protocol, ports, source, ranges, note: text(one, "description") });
            }
        }
    }
    let told = rules.iter().map(|rule| {
        let world = is_world(rule, &rules);
        json!({
            "protocol": rule.protocol,
            "from_port": rule.ports.map(|(from, _)| from),
            "to_port": rule.ports.map(|(_, to)| to),
            "source": rule.source,
            "world": world,
            "note": Some(rule.note).filter(|note| !note.is_empty()),
        })
    });
    Ok(Value::Array(told.collect()))
}

fn range(text: &str) -> Result<Range, UnknownReason> {
    Range::parse(text)
        .ok_or_else(|| UnknownReason::new(Why::Failed, format!("`{text}` is no range of addresses")))
}

/// The ranges of a prefix list.
fn entries(facts: &Facts<'_>, id: &str) -> Result<Vec<Range>, UnknownReason> {
    let Some(found) = beside(facts, 2)?.iter().find(|item| text(&item.value, "prefixListId") == id) else {
        let what = format!("the prefix list `{id}` was not told; it may be of another account");
        return Err(UnknownReason::new(Why::Failed, what));
    };
    match found.details.get("entries") {
        Some(Ok(entries)) => many(entries).map(|entry| range(text(entry, "cidr"))).collect(),
        Some(Err(reason)) => Err(reason.clone()),
        None => Ok(Vec::new()),
    }
}

/// The source is the whole internet: by itself, or together with other rules that let at least the same in.
fn is_world(rule: &Rule<'_>, rules: &[Rule<'_>]) -> bool {
    if ranges::cover_world(rule.ranges.iter()) {
        return true;
    }
    // A rule that adds nothing to others that are the world by themselves is not one of them.
    let sisters = rules.iter().filter(|other| {
        let same = other.protocol == "any" || other.protocol == rule.protocol;
        let wide = match (other.ports, rule.ports) {
            (None, _) => other.protocol == "any" || rule.ports.is_none(),
            (Some((from, to)), Some((own_from, own_to))) => from <= own_from && own_to <= to,
            (Some(_), None) => false,
        };
        same && wide && !ranges::cover_world(other.ranges.iter())
    });
    let all: BTreeSet<&Range> = sisters.flat_map(|other| &other.ranges).collect();
    !rule.ranges.is_empty()
        && ranges::cover_world(
            all.into_iter().filter(|range| rule.ranges.iter().any(|own| own.is_v6() == range.is_v6())),
        )
}
