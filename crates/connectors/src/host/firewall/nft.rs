//! `nft -j list ruleset`, read as plain JSON: what is not understood becomes an unclear test, never a missing one.

use std::collections::BTreeMap;

use octro_model::{UnknownReason, Why};
use serde_json::Value;

use super::rules::{Action, Chain, Family, Fit, Net, Rule, Test, source_port};

/// What an iptables table is called when it lives in nftables.
const COMPATIBLE: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// The whole ruleset.
pub(super) struct Ruleset(Vec<Value>);

impl Ruleset {
    pub(super) fn parse(text: &str) -> Result<Self, UnknownReason> {
        let failed = |what: String| UnknownReason::new(Why::Failed, what);
        let mut value: Value =
            serde_json::from_str(text).map_err(|error| failed(format!("nft -j list ruleset: {error}")))?;
        match value.get_mut("nftables").map(Value::take) {
            Some(Value::Array(items)) => Ok(Self(items)),
            _ => Err(failed("nft -j list ruleset: there is no list `nftables`".to_owned())),
        }
    }

    /// Whether a table of iptables holds matches that nft cannot show.
    pub(super) fn opaque(&self, family: Family) -> bool {
        self.items("rule").any(|rule| {
            compatible(rule, family)
                && rule["expr"]
                    .as_array()
                    .is_some_and(|expr| expr.iter().any(|statement| statement.get("xt").is_some()))
        })
    }

    /// The chains of one family; without the tables of iptables if those are read by other means.
    pub(super) fn chains(&self, family: Family, without_iptables: bool) -> Vec<Chain> {
        let sets = self.sets();
        let mut chains: Vec<Chain> = Vec::new();
        let dormant: Vec<String> = self
            .items("table")
            .filter(|table| table["flags"].to_string().contains("dormant"))
            .map(|table| format!("{} {}", text(table, "family"), text(table, "name")))
            .collect();
        let concerns = |item: &Value| {
            let wanted = match family {
                Family::V4 => ["ip", "inet", "netdev"],
                Family::V6 => ["ip6", "inet", "netdev"],
            };
            wanted.contains(&text(item, "family"))
                && !(without_iptables && compatible(item, family))
                && !dormant.contains(&table_of(item))
        };
        for chain in self.items("chain").filter(|chain| concerns(chain)) {
            chains.push(Chain {
                backend: "nftables",
                table: table_of(chain),
                name: text(chain, "name").to_owned(),
                hook: chain["hook"].as_str().map(str::to_owned),
                nat: chain["type"] == "nat",
                priority: chain["prio"].as_i64().unwrap_or(0),
                drops: chain["policy"] == "drop",
                rules: Vec::new(),
            });
        }
        for rule in self.items("rule").filter(|rule| concerns(rule)) {
            let (table, name) = (table_of(rule), text(rule, "chain"));
            let reader = Reader { family, sets: &sets, table: &table };
            if let Some(chain) = chains.iter_mut().find(|chain| chain.table == table && chain.name == name) {
                chain.rules.extend(reader.rules(rule["expr"].as_array().map_or(&[], Vec::as_slice)));
            }
        }
        chains
    }

    /// The rules without what changes by itself.
    pub(super) fn normal(&self, family: Family) -> String {
        let skip = match family {
            Family::V4 => "ip6",
            Family::V6 => "ip",
        };
        let mut all = String::new();
        for item in &self.0 {
            let Some((name, inside)) = item.as_object().and_then(|object| object.iter().next()) else {
                continue;
            };
            if name != "metainfo" && text(inside, "family") != skip {
                all.push_str(&without_counts(item).to_string());
                all.push('\n');
            }
        }
        all
    }

    fn items(&self, kind: &'static str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter_map(move |item| item.get(kind))
    }

    /// The elements of sets and maps, by table and name.
    fn sets(&self) -> BTreeMap<(String, String), Vec<Value>> {
        let all = self.items("set").chain(self.items("map"));
        all.map(|set| {
            let elements = set["elem"].as_array().cloned().unwrap_or_default();
            ((table_of(set), text(set, "name").to_owned()), elements)
        })
        .collect()
    }
}

fn text<'a>(item: &'a Value, key: &str) -> &'a str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Tables of different families may have the same name.
fn table_of(item: &Value) -> String {
    format!("{} {}", text(item, "family"), text(item, "table"))
}

fn compatible(item: &Value, family: Family) -> bool {
    let own = if family == Family::V4 { "ip" } else { "ip6" };
    text(item, "family") == own && COMPATIBLE.contains(&text(item, "table"))
}

fn without_counts(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| {
                !matches!(name.as_str(), "handle" | "counter" | "packets" | "bytes" | "expires" | "used")
            })
            .map(|(name, value)| (name.clone(), without_counts(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_counts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

struct Reader<'a> {
    family: Family,
    sets: &'a BTreeMap<(String, String), Vec<Value>>,
    table: &'a str,
}

impl Reader<'_> {
    /// One rule; a verdict map makes several.
    fn rules(&self, expr: &[Value]) -> Vec<Rule> {
        let mut tests = Vec::new();
        let mut action = Action::Nothing;
        let mut mapped: Vec<Rule> = Vec::new();
        let mut by_source_port = false;
        for statement in expr {
            let Some((name, inside)) = statement.as_object().and_then(|object| object.iter().next()) else {
                tests.push(Test::Fixed(Fit::Unclear));
                continue;
            };
            match name.as_str() {
                "match" if inside.pointer("/left/payload/field").is_some_and(|field| field == "sport") => {
                    by_source_port = true
                }
                "match" => tests.push(self.test(inside)),
                "vmap" => {
                    for pair in self.elements(&inside["data"]) {
                        let Some([key, verdict]) = pair.as_array().map(Vec::as_slice) else {
                            mapped.push(Rule {
                                tests: vec![Test::Fixed(Fit::Unclear)],
                                action: Action::Unclear,
                            });
                            continue;
                        };
                        let test = self.compare(&inside["key"], "==", std::slice::from_ref(bare(key)));
                        let mut all = tests.clone();
                        all.push(test);
                        mapped.push(Rule {
                            tests: all,
                            action: verdict_of(verdict).unwrap_or(Action::Unclear),
                        });
                    }
                }
                // A packet on its own is below every limit.
                "limit" | "ct count" => {
                    tests.push(Test::Fixed(if inside["inv"] == true { Fit::Never } else { Fit::Always }))
                }
                "counter" | "log" | "mangle" | "notrack" | "set" | "flow" | "ct helper" | "ct timeout"
                | "ct expectation" | "dup" | "fwd" | "secmark" | "last" | "comment" | "snat"
                | "masquerade" => {}
                "dnat" | "redirect" | "tproxy" => action = Action::Redirect,
                "queue" | "synproxy" => action = Action::Unclear,
                "xt" if inside["type"] == "target" => {
                    action = if inside["name"] == "LOG" { Action::Nothing } else { Action::Unclear };
                }
                _ => match verdict_of(statement) {
                    Some(verdict) => action = verdict,
                    None => tests.push(Test::Fixed(Fit::Unclear)),
                },
            }
        }
        if by_source_port {
            tests.push(source_port(&action));
        }
        if mapped.is_empty() || action != Action::Nothing {
            mapped.push(Rule { tests, action });
        }
        mapped
    }

    fn test(&self, inside: &Value) -> Test {
        let right = self.elements(&inside["right"]);
        let values: Vec<Value> = right.iter().map(|value| bare(value).clone()).collect();
        self.compare(&inside["left"], text(inside, "op"), &values)
    }

    /// The values of a set, of a named one, or one value.
    fn elements(&self, value: &Value) -> Vec<Value> {
        if let Some(name) = value.as_str().and_then(|name| name.strip_prefix('@')) {
            let key = (self.table.to_owned(), name.to_owned());
            return self.sets.get(&key).cloned().unwrap_or_else(|| vec![Value::Null]);
        }
        match value.get("set").unwrap_or(value) {
            Value::Array(items) => items.clone(),
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Object(_)) => {
                vec![other.clone()]
            }
        }
    }

    fn compare(&self, left: &Value, op: &str, values: &[Value]) -> Test {
        let unclear = Test::Fixed(Fit::Unclear);
        let negated = match op {
            "==" | "in" | "" => false,
            "!=" => true,
            // Only ports are compared by size below.
            "<" | ">" | "<=" | ">=" => return self.bounded(left, op, values).unwrap_or(unclear),
            _ => return unclear,
        };
        if let Some(meta) = left.get("meta") {
            return meta_test(self.family, text(meta, "key"), values, negated).unwrap_or(unclear);
        }
        if let Some(ct) = left.get("ct") {
            return match text(ct, "key") {
                "state" => state(values, negated),
                // A connection that begins has no answer yet, and none of its addresses was changed before the filters.
                "status" => turned(false, negated),
                "direction" => turned(values.iter().any(|value| value == "original"), negated),
                _ => unclear,
            };
        }
        if let Some(fib) = left.get("fib") {
            return fib_test(fib, values, negated).unwrap_or(unclear);
        }
        let Some(payload) = left.get("payload") else { return unclear };
        let (protocol, field) = (text(payload, "protocol"), text(payload, "field"));
        let other =
            matches!((self.family, protocol), (Family::V4, "ip6" | "icmpv6") | (Family::V6, "ip" | "icmp"));
        match (protocol, field) {
            _ if other => Test::Fixed(Fit::Never),
            ("icmp" | "icmpv6" | "arp" | "sctp" | "dccp" | "esp" | "ah" | "igmp", _) => {
                Test::Fixed(Fit::Never)
            }
            ("tcp" | "udp" | "th" | "udplite", "dport") => {
                let number = match protocol {
                    "tcp" => Some(6),
                    "udp" => Some(17),
                    "udplite" => Some(136),
                    _ => None,
                };
                match values.iter().map(ports).collect() {
                    Some(ranges) => Test::Port { protocol: number, ranges, negated },
                    None => unclear,
                }
            }
            ("ip" | "ip6", "saddr" | "daddr") => {
                match values.iter().map(|value| net(self.family, value)).collect() {
                    Some(nets) if field == "saddr" => Test::From { nets, negated },
                    Some(nets) => Test::To { nets, negated },
                    None => unclear,
                }
            }
            ("ip", "protocol") | ("ip6", "nexthdr") => protocols(values, negated).unwrap_or(unclear),
            _ => unclear,
        }
    }

    fn bounded(&self, left: &Value, op: &str, values: &[Value]) -> Option<Test> {
        let [value] = values else { return None };
        let port = u16::try_from(value.as_u64()?).ok()?;
        let range = match op {
            "<" => (0, port.checked_sub(1)?),
            "<=" => (0, port),
            ">" => (port.checked_add(1)?, u16::MAX),
            _ => (port, u16::MAX),
        };
        match self.compare(left, "==", values) {
            Test::Port { protocol, .. } => Some(Test::Port { protocol, ranges: vec![range], negated: false }),
            Test::Fixed(fit) => Some(Test::Fixed(fit)),
            Test::In { .. }
            | Test::Out { .. }
            | Test::Protocol { .. }
            | Test::From { .. }
            | Test::To { .. } => None,
        }
    }
}

/// An element with a timeout or a comment is wrapped.
fn bare(value: &Value) -> &Value {
    value.get("elem").and_then(|elem| elem.get("val")).unwrap_or(value)
}

fn verdict_of(statement: &Value) -> Option<Action> {
    let (name, inside) = statement.as_object()?.iter().next()?;
    let target = || text(inside, "target").to_owned();
    match name.as_str() {
        "accept" => Some(Action::Accept),
        "drop" | "reject" => Some(Action::Drop),
        "return" => Some(Action::Return),
        "continue" => Some(Action::Nothing),
        "jump" => Some(Action::Jump(target())),
        "goto" => Some(Action::Goto(target())),
        _ => None,
    }
}

fn turned(fits: bool, negated: bool) -> Test {
    Test::Fixed(if fits != negated { Fit::Always } else { Fit::Never })
}

/// The packet begins a connection, so its state is `new`, or `untracked` where nothing is tracked.
fn state(values: &[Value], negated: bool) -> Test {
    turned(values.iter().any(|value| value == "new"), negated)
}

fn meta_test(family: Family, key: &str, values: &[Value], negated: bool) -> Option<Test> {
    let texts =
        || values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<Vec<String>>>();
    match key {
        "iif" | "iifname" => Some(Test::In { names: texts()?, negated }),
        "oif" | "oifname" => Some(Test::Out { negated }),
        "l4proto" => protocols(values, negated),
        "nfproto" => Some(turned(texts()?.iter().any(|text| text == family.label()), negated)),
        "protocol" => {
            let own = if family == Family::V4 { "ip" } else { "ip6" };
            Some(turned(texts()?.iter().any(|text| text == own), negated))
        }
        // To this machine alone.
        "pkttype" => Some(turned(texts()?.iter().any(|text| text == "host" || text == "unicast"), negated)),
        _ => None,
    }
}

fn fib_test(fib: &Value, values: &[Value], negated: bool) -> Option<Test> {
    let flags = fib["flags"].to_string();
    match text(fib, "result") {
        "type" if flags.contains("daddr") => {
            Some(turned(values.iter().any(|value| value == "local"), negated))
        }
        // Whether there is a way back to the source; for an outsider there is.
        "oif" | "oifname"
            if flags.contains("saddr")
                && values.iter().all(|value| *value == false || value == "missing") =>
        {
            Some(turned(false, negated))
        }
        _ => None,
    }
}

fn protocols(values: &[Value], negated: bool) -> Option<Test> {
    let number = |value: &Value| match value {
        Value::Number(number) => u8::try_from(number.as_u64()?).ok(),
        Value::String(name) => super::iptables::protocol(name),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    Some(Test::Protocol { numbers: values.iter().map(number).collect::<Option<_>>()?, negated })
}

fn ports(value: &Value) -> Option<(u16, u16)> {
    let port = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    match value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([low, high]) => Some((port(low)?, port(high)?)),
        _ => port(value).map(|port| (port, port)),
    }
}

fn net(family: Family, value: &Value) -> Option<Net> {
    if let Some(prefix) = value.get("prefix") {
        return family.net(&format!("{}/{}", text(prefix, "addr"), prefix["len"].as_u64()?));
    }
    match value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        Some([low, high]) => {
            Some(Net(family.address(low.as_str()?)?, family.address(high.as_str()?)?)).filter(|n| n.0 <= n.1)
        }
        _ => family.net(value.as_str()?),
    }
}
