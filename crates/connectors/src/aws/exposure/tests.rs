//! Whole ways through a small network, as the lists of the service tell it.

use std::collections::BTreeMap;
use std::sync::Arc;

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use super::Graph;
use super::addresses::Addresses;
use super::filters::Protocol;
use super::path::{Path, Paths, Via};
use super::reach::{Face, Flow, Place};
use crate::aws::facts::{Item, Known, Listed};

fn item(value: Value) -> Item {
    Item { value, details: BTreeMap::new() }
}

fn with(value: Value, name: &'static str, told: Result<Value, UnknownReason>) -> Item {
    Item { value, details: BTreeMap::from([(name, told)]) }
}

fn group(id: &str, port: u16, source: &Value) -> Item {
    let mut rule = json!({"ipProtocol": "tcp", "fromPort": port.to_string(), "toPort": port.to_string()});
    if let (Some(rule), Some(source)) = (rule.as_object_mut(), source.as_object()) {
        rule.extend(source.clone());
    }
    let out = json!({"ipProtocol": "-1", "ipRanges": {"item": {"cidrIp": "0.0.0.0/0"}}});
    item(json!({"groupId": id, "ipPermissions": {"item": rule}, "ipPermissionsEgress": {"item": out}}))
}

fn of(id: &str) -> Value {
    json!({"groups": {"item": {"groupId": id}}})
}

fn interface(id: &str, subnet: &str, group: &str, address: &str) -> Value {
    json!({
        "networkInterfaceId": id, "subnetId": subnet, "vpcId": "vpc-1", "privateIpAddress": address,
        "groupSet": {"item": {"groupId": group}},
    })
}

fn balancer(kind: &str, name: &str, groups: &Value) -> Value {
    json!({
        "LoadBalancerArn": format!("arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/{name}"),
        "LoadBalancerName": name, "Type": kind, "Scheme": "internet-facing", "VpcId": "vpc-1",
        "IpAddressType": "ipv4", "SecurityGroups": groups,
        "AvailabilityZones": {"member": {"SubnetId": "subnet-open"}},
    })
}

fn targets(name: &str, health: Result<Value, UnknownReason>) -> Item {
    let arn = format!("arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/{name}");
    let value = json!({"Protocol": "TCP", "Port": "8080", "LoadBalancerArns": {"member": arn}});
    with(value, "health", health)
}

/// An open subnet and a closed one; a machine, a task, and what is given.
fn read(balancers: Vec<Item>, groups_of_targets: Vec<Item>) -> Graph {
    read_with(balancers, groups_of_targets, None)
}

/// The same, with a task in the open subnet that has a public address.
fn read_with(balancers: Vec<Item>, groups_of_targets: Vec<Item>, public: Option<Value>) -> Graph {
    let mut task = interface("eni-task", "subnet-inner", "sg-task", "10.0.2.20");
    if let Some(public) = public {
        task = interface("eni-task", "subnet-open", "sg-task", "10.0.1.20");
        task["association"] = public;
    }
    let everything = |egress: &str| json!({"ruleNumber": "100", "protocol": "-1", "ruleAction": "allow", "egress": egress, "cidrBlock": "0.0.0.0/0"});
    let table = |id: &str, association: Value, target: &str| {
        item(json!({
            "routeTableId": id, "vpcId": "vpc-1", "associationSet": {"item": association},
            "routeSet": {"item": {"destinationCidrBlock": "0.0.0.0/0", "gatewayId": target, "state": "active"}},
        }))
    };
    let subnet = |id: &str, block: &str| item(json!({"subnetId": id, "vpcId": "vpc-1", "cidrBlock": block}));
    let world = json!({"ipRanges": {"item": {"cidrIp": "0.0.0.0/0"}}});
    let mut attached = interface("eni-machine", "subnet-inner", "sg-app", "10.0.2.10");
    attached["attachment"] = json!({"instanceId": "i-1", "deviceIndex": "0"});
    let lists: [Vec<Item>; 11] = [
        vec![subnet("subnet-open", "10.0.1.0/24"), subnet("subnet-inner", "10.0.2.0/24")],
        vec![item(json!({
            "networkAclId": "acl-1",
            "associationSet": {"item": [{"subnetId": "subnet-open"}, {"subnetId": "subnet-inner"}]},
            "entrySet": {"item": [everything("false"), everything("true")]},
        }))],
        vec![
            table("rtb-open", json!({"subnetId": "subnet-open"}), "igw-1"),
            table("rtb-main", json!({"main": "true"}), "vgw-1"),
        ],
        vec![item(json!({"internetGatewayId": "igw-1", "attachmentSet": {"item": {"vpcId": "vpc-1"}}}))],
        vec![
            group("sg-web", 443, &world),
            group("sg-app", 8080, &of("sg-web")),
            group("sg-task", 8080, &world),
            group("sg-data", 5432, &of("sg-app")),
        ],
        Vec::new(),
        vec![item(attached), item(task)],
        vec![item(json!({
            "instanceId": "i-1", "vpcId": "vpc-1",
            "networkInterfaceSet": {"item": interface("eni-machine", "subnet-inner", "sg-app", "10.0.2.10")},
        }))],
        balancers,
        groups_of_targets,
        Vec::new(),
    ];
    let lists: Vec<Listed> = lists.into_iter().map(|list| Ok(Arc::new(list))).collect();
    Graph::read(&lists).unwrap()
}

fn listening(value: Value) -> Item {
    with(value, "listeners", Ok(json!([{"Port": "443", "Protocol": "TCP"}])))
}

/// The paths, and after them the doubt.
fn told(paths: &Paths) -> Vec<String> {
    let known = paths.known.iter().map(|path| path.hops.join(" -> "));
    known.chain(paths.doubt.iter().map(ToString::to_string)).collect()
}

fn data() -> Face {
    let place = Place {
        subnet: "subnet-inner".to_owned(),
        groups: Some(vec!["sg-data".to_owned()]),
        ..Place::default()
    };
    Face { place, ..Face::default() }
}

#[test]
fn a_way_leads_over_a_balancer_and_a_machine_to_the_data() {
    let healthy = Ok(json!([{"Target": {"Id": "i-1", "Port": "8080"}}]));
    let groups = json!({"member": "sg-web"});
    let graph = read(vec![listening(balancer("application", "web", &groups))], vec![targets("web", healthy)]);
    assert_eq!(told(&graph.node("i-1").unwrap().paths), ["internet -> igw-1 -> alb web:443 -> i-1:8080"]);
    assert_eq!(
        told(&graph.node("eni-machine").unwrap().paths),
        ["internet -> igw-1 -> alb web:443 -> eni-machine:8080"],
        "an interface is reached with its machine"
    );
    assert_eq!(graph.node("i-1").unwrap().shield, "no security group lets the internet in");
    assert!(told(&graph.node("eni-task").unwrap().paths).is_empty(), "nobody leads there");
    let (paths, shield) = graph.store("rds orders", &[data()], 5_432);
    assert_eq!(told(&paths), ["internet -> igw-1 -> alb web:443 -> i-1 -> rds orders:5432"]);
    assert_eq!(shield, "no security group lets the internet in");
    // Another port of the same store is not let in.
    assert!(told(&graph.store("rds orders", &[data()], 5_433).0).is_empty());
}

#[test]
fn a_network_balancer_brings_the_callers_addresses_and_may_lead_to_another_balancer() {
    let nlb = listening(balancer("network", "front", &json!("")));
    let by_address = Ok(json!([{"Target": {"Id": "10.0.2.20", "Port": "8080"}}]));
    let graph = read(vec![nlb.clone()], vec![targets("front", by_address)]);
    assert_eq!(
        told(&graph.node("eni-task").unwrap().paths),
        ["internet -> igw-1 -> nlb front:443 -> eni-task:8080"]
    );

    let mut alb = balancer("application", "web", &json!({"member": "sg-web"}));
    alb["Scheme"] = json!("internal");
    let arn = alb["LoadBalancerArn"].clone();
    let graph = read(
        vec![listening(alb), nlb],
        vec![
            targets("front", Ok(json!([{"Target": {"Id": arn, "Port": "443"}}]))),
            targets("web", Ok(json!([{"Target": {"Id": "i-1", "Port": "8080"}}]))),
        ],
    );
    assert_eq!(
        told(&graph.node("i-1").unwrap().paths),
        ["internet -> igw-1 -> nlb front:443 -> alb web:443 -> i-1:8080"]
    );
}

#[test]
fn what_a_balancer_leads_to_and_nobody_may_read_is_unknown_for_its_whole_network() {
    let denied = UnknownReason::new(Why::Denied, "elasticloadbalancing:DescribeTargetHealth");
    let groups = json!({"member": "sg-web"});
    let reading = |inner: Option<Value>| {
        let listed = vec![listening(balancer("application", "web", &groups))];
        read_with(listed, vec![targets("web", Err(denied.clone()))], inner)
    };
    let graph = reading(None);
    for id in ["i-1", "eni-task"] {
        assert_eq!(told(&graph.node(id).unwrap().paths), [denied.to_string()], "{id}");
    }
    assert_eq!(told(&graph.store("rds orders", &[data()], 5_432).0), [denied.to_string()]);
    // What is known already takes no doubt away.
    let graph = reading(Some(json!({"publicIp": "198.51.100.7"})));
    let node = graph.node("eni-task").unwrap();
    assert_eq!(told(&node.paths), ["internet -> igw-1 -> eni-task:8080".to_owned(), denied.to_string()]);
    let (known, complete) = node.paths.clone().told();
    assert!(matches!(&known, Known::Value(Value::Array(paths)) if paths.len() == 1), "{known:?}");
    assert_eq!(complete, Known::Unknown(denied.clone()));
    // Where it listens may not be read: it, and what is behind it.
    let deaf = with(balancer("application", "web", &groups), "listeners", Err(denied.clone()));
    let healthy = Ok(json!([{"Target": {"Id": "i-1", "Port": "8080"}}]));
    let graph = read(vec![deaf], vec![targets("web", healthy)]);
    assert_eq!(told(&graph.node("i-1").unwrap().paths), [denied.to_string()]);
    assert!(told(&graph.node("eni-task").unwrap().paths).is_empty(), "it is no target");
}

#[test]
fn of_too_many_paths_the_worst_stay_and_the_rest_is_no_secret() {
    let path = |name: String, ports: (u16, u16), sources: &str| Path {
        hops: vec!["internet".to_owned(), name],
        via: Via::Direct,
        flow: Flow { protocol: Protocol::Tcp, ports, sources: Addresses::parse(sources).unwrap() },
    };
    let mut known: Vec<Path> =
        (0..60).map(|number| path(format!("a-{number:02}"), (443, 443), "0.0.0.0/0")).collect();
    known.push(path("z-shell".to_owned(), (22, 22), "0.0.0.0/0"));
    known.push(path("a-office".to_owned(), (22, 22), "198.51.100.0/24"));
    let paths = Paths { known, doubt: None };
    let (Known::Value(Value::Array(told)), Known::Unknown(reason)) = paths.clone().told() else {
        panic!("paths, and that there are more")
    };
    assert_eq!((told.len(), &told[0]["path"]), (50, &json!("internet -> z-shell")));
    assert!(reason.detail.contains("more than 50"), "{reason}");
    let few = Paths { known: paths.known.into_iter().take(50).collect(), doubt: None };
    assert_eq!(few.told().1, Known::flag(true));
}

#[test]
fn one_place_that_was_not_told_and_one_way_that_is_unclear_leave_a_doubt_beside_what_is_known() {
    let graph = read(Vec::new(), Vec::new());
    let open = |group: &str| Face {
        place: Place {
            subnet: "subnet-open".to_owned(),
            groups: Some(vec![group.to_owned()]),
            public_4: true,
            public_6: false,
        },
        ..Face::default()
    };
    let (paths, shield) = graph.store("rds orders", &[open("sg-task"), open("sg-foreign")], 8_080);
    let told = told(&paths);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("sg-foreign") && shield.is_empty(), "{told:?}");
}
