//! How the internet gets into the company's networks: load balancers, the machines behind them, their databases, and one
//! machine that should have been behind one.

use octro_model::{IdError, UnknownReason, Why};
use serde_json::{Value, json};

use crate::thing::{Thing, day, hour};

const ACCOUNT: &str = "111111111111";
const REGION: &str = "eu-central-1";
/// Applications with a load balancer of their own.
const APPS: [&str; 3] = ["shop", "support", "status"];
/// Machines behind each.
const MACHINES: u32 = 3;

/// From whom a path begins, in words.
const WORLD: &str = "every IPv4 address";
/// What stops the internet before most machines.
const INSIDE: &str = "it has no public address";

fn path(hops: &str, via: &str, (from, to): (u32, u32)) -> Value {
    json!({
        "path": format!("internet -> igw-0a1b -> {hops}"), "via": via, "protocol": "tcp", "from_port": from,
        "to_port": to, "sources": WORLD, "world": true,
    })
}

/// A way to a database from an application; of some databases, none.
pub fn to_database(number: u32) -> Value {
    let app = match number % 12 {
        1 => "shop",
        4 => "support",
        _ => return json!([]),
    };
    let machine = machine(app, number % MACHINES);
    let hops = format!("alb {app}:80,443 -> {machine} -> rds db-{number:03}:5432");
    json!([path(&hops, "balancer", (5_432, 5_432))])
}

/// What stops the internet before a database.
pub const SHIELD: &str = INSIDE;

fn machine(app: &str, number: u32) -> String {
    format!("i-{app}-{number:02}")
}

/// Load balancers and machines.
pub fn ways() -> Result<Vec<Thing>, IdError> {
    let scope = format!("{ACCOUNT}/{REGION}");
    let mut things = Vec::new();
    for app in APPS {
        let arn = format!(
            "arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/{app}/50dc6c495c0c9188"
        );
        let old = app == "status";
        let (policy, oldest) = if old {
            ("ELBSecurityPolicy-2016-08", "TLSv1.0")
        } else {
            ("ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2")
        };
        let listener = |policy: &str, oldest: &str| {
            json!([
                {"port": 443, "protocol": "https", "encrypted": true, "redirects": false, "policy": policy, "oldest": oldest},
                {"port": 80, "protocol": "http", "encrypted": false, "redirects": true, "policy": Value::Null, "oldest": Value::Null},
            ])
        };
        let first = json!({
            "name": app, "account": ACCOUNT, "region": REGION, "type": "application", "vpc": "vpc-0a1b", "public": true,
            "listeners": listener(policy, oldest), "shield": Value::Null, "exposure_complete": true,
            "exposure": [path(&format!("alb {app}:443"), "direct", (443, 443)), path(&format!("alb {app}:80"), "direct", (80, 80))],
        });
        let mut thing = Thing::new("aws.elb.load_balancer", arn, first)?.within(scope.clone());
        if old {
            thing.set(day(180), "listeners", listener("ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2"));
        }
        things.push(thing);
        for number in 0..MACHINES {
            things.push(behind(app, number, &scope)?);
        }
    }
    things.push(bastion(&scope)?);
    Ok(things)
}

fn behind(app: &str, number: u32, scope: &str) -> Result<Thing, IdError> {
    let name = machine(app, number);
    let first = json!({
        "name": name, "title": format!("{app} {number}"), "account": ACCOUNT, "region": REGION,
        "data_class": "internal", "vpc": "vpc-0a1b", "state": "running", "public": false, "metadata_tokens": true,
        "shield": INSIDE, "exposure_complete": true,
        "exposure": [path(&format!("alb {app}:80,443 -> {name}:8080"), "balancer", (8_080, 8_080))],
    });
    let arn = format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{name}");
    let mut thing = Thing::new("aws.ec2.instance", arn, first)?.within(scope.to_owned());
    if app == "support" && number == 2 {
        // For two days somebody needed the shell, and opened it to everybody.
        let open = json!([path(&format!("{name}:22"), "direct", (22, 22))]);
        thing.spell(hour(246, 10), hour(248, 15), "exposure", open);
        thing.spell(hour(246, 10), hour(248, 15), "public", true);
        thing.spell(hour(246, 10), hour(248, 15), "shield", Value::Null);
    }
    Ok(thing)
}

/// A machine from the first days, with its own public address.
fn bastion(scope: &str) -> Result<Thing, IdError> {
    let first = json!({
        "name": "i-bastion-00", "title": "bastion", "account": ACCOUNT, "region": REGION, "data_class": "internal",
        "vpc": "vpc-0a1b", "state": "running", "public": true, "metadata_tokens": false, "shield": Value::Null,
        "exposure_complete": true, "exposure": [path("i-bastion-00:22", "direct", (22, 22))],
    });
    let arn = format!("arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-bastion-00");
    let mut thing = Thing::new("aws.ec2.instance", arn, first)?.within(scope.to_owned());
    thing.set(day(120), "metadata_tokens", true);
    // The role lost a permission: for some days nobody could say what reaches it.
    let denied = UnknownReason::new(Why::Denied, "ec2:DescribeNetworkAcls (answers UnauthorizedOperation)");
    for name in ["exposure", "exposure_complete"] {
        thing.hide(hour(290, 14), hour(301, 10), name, denied.clone());
    }
    Ok(thing)
}
