//! Rulesets as machines have them, and what they let in.

use super::super::fixture::{Fixture, Seen, mangled, shown};
use super::*;

const NFT: &str = "nft -j list ruleset";
const EMPTY: &str = r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}]}"#;
const ROUTE: &str = "Iface\tDestination\neth0\t00000000\t0102000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";

fn machine(nft: &str) -> Fixture {
    Fixture::new(&[
        ("/proc/net/route", ROUTE),
        ("/proc/net/if_inet6", "fe80 02 40 20 80 eth0\n"),
        ("/etc/rc2.d/README", ""),
    ])
    .tool(NFT, 0, nft, "")
}

fn look(fixture: &Fixture) -> Seen {
    fixture.look("host.firewall", collect)
}

fn inbound(seen: &Seen) -> (String, String) {
    (shown(seen.key("web1:ipv4"), "default_inbound"), shown(seen.key("web1:ipv6"), "default_inbound"))
}

/// An nft ruleset with one input chain of an `inet` table, and these rules and further objects.
fn input(policy: &str, rules: &[&str], more: &[&str]) -> String {
    let mut all = vec![
        r#"{"table": {"family": "inet", "name": "f"}}"#.to_owned(),
        format!(
            r#"{{"chain": {{"family": "inet", "table": "f", "name": "in", "type": "filter", "hook": "input", "prio": 0, "policy": "{policy}"}}}}"#
        ),
    ];
    all.extend(more.iter().map(|text| (*text).to_owned()));
    all.extend(rules.iter().map(|expr| {
        format!(r#"{{"rule": {{"family": "inet", "table": "f", "chain": "in", "expr": [{expr}]}}}}"#)
    }));
    format!(r#"{{"nftables": [{}]}}"#, all.join(","))
}

const LO: &str =
    r#"{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "lo"}}, {"accept": null}"#;
const ESTABLISHED: &str = r#"{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}, {"accept": null}"#;
const SSH: &str = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}, {"accept": null}"#;
const V4_ONLY: &str = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": {"prefix": {"addr": "0.0.0.0", "len": 0}}}}, {"accept": null}"#;

#[test]
fn a_usual_ruleset_refuses_by_default() {
    let vmap = r#"{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["established", {"accept": null}], ["related", {"accept": null}], ["invalid", {"drop": null}]]}}}"#;
    let limited = r#"{"limit": {"rate": 5, "per": "minute", "inv": true}}, {"drop": null}"#;
    for rules in [vec![LO, ESTABLISHED, SSH], vec![vmap, LO, limited, SSH]] {
        let seen = look(&machine(&input("drop", &rules, &[])));
        assert_eq!(inbound(&seen), ("\"drop\"".to_owned(), "\"drop\"".to_owned()));
        assert_eq!(shown(seen.key("web1:ipv4"), "open_ports"), "[\"tcp/22\"]");
        assert_eq!(shown(seen.key("web1:ipv4"), "filters_inbound"), "true");
        assert_eq!(shown(seen.key("web1:ipv4"), "backends"), "[\"nftables\"]");
        assert_eq!(shown(seen.key("web1:ipv4"), "loaded_at_boot"), "false");
    }
    // No policy, but a last rule that refuses all.
    let seen = look(&machine(&input("accept", &[LO, SSH, r#"{"reject": {"type": "icmpx"}}"#], &[])));
    assert_eq!(inbound(&seen).0, "\"drop\"");
}

#[test]
fn no_rules_and_open_ipv6_are_seen() {
    let seen = look(&machine(EMPTY));
    assert_eq!(inbound(&seen), ("\"accept\"".to_owned(), "\"accept\"".to_owned()));
    assert_eq!(shown(seen.key("web1:ipv4"), "filters_inbound"), "false");
    assert_eq!(shown(seen.key("web1:ipv4"), "in_use"), "true");
    let seen = look(&machine(&input("drop", &[V4_ONLY], &[])));
    assert_eq!(inbound(&seen), ("\"accept\"".to_owned(), "\"drop\"".to_owned()));
    let only_v4 = input("drop", &[SSH], &[]).replace("inet", "ip");
    assert_eq!(inbound(&look(&machine(&only_v4))), ("\"drop\"".to_owned(), "\"accept\"".to_owned()));
}

#[test]
fn a_refusal_in_any_table_wins() {
    let second = r#"{"chain": {"family": "inet", "table": "g", "name": "in", "type": "filter", "hook": "input", "prio": -10, "policy": "drop"}}"#;
    let seen = look(&machine(&input("accept", &[SSH], &[second])));
    assert_eq!(inbound(&seen).0, "\"drop\"");
    assert_eq!(shown(seen.key("web1:ipv4"), "open_ports"), "[]");
    let dormant = r#"{"table": {"family": "inet", "name": "g", "flags": ["dormant"]}}"#;
    assert_eq!(inbound(&look(&machine(&input("accept", &[SSH], &[second, dormant])))).0, "\"accept\"");
}

#[test]
fn what_is_not_understood_is_unknown_unless_it_cannot_matter() {
    let odd = r#"{"xt": {"type": "match", "name": "recent"}}, {"accept": null}"#;
    assert_eq!(inbound(&look(&machine(&input("drop", &[odd], &[])))).0, "unknown: unsupported");
    assert_eq!(inbound(&look(&machine(&input("accept", &[odd], &[])))).0, "\"accept\"");
    let after = [r#"{"drop": null}"#, odd];
    assert_eq!(inbound(&look(&machine(&input("drop", &after, &[])))).0, "\"drop\"");
    let missing_chain = r#"{"jump": {"target": "nowhere"}}"#;
    assert_eq!(inbound(&look(&machine(&input("drop", &[missing_chain], &[])))).0, "unknown: unsupported");
    let circle = r#"{"jump": {"target": "in"}}"#;
    assert!(inbound(&look(&machine(&input("drop", &[circle, circle], &[])))).0.starts_with("unknown"));
}

#[test]
fn named_sets_and_chains_are_followed() {
    let more = [
        r#"{"set": {"family": "inet", "table": "f", "name": "ports", "type": "inet_service", "elem": [{"elem": {"val": 443, "timeout": 60}}, {"range": [8000, 8100]}]}}"#,
        r#"{"chain": {"family": "inet", "table": "f", "name": "web"}}"#,
        r#"{"rule": {"family": "inet", "table": "f", "chain": "web", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": "@ports"}}, {"accept": null}]}}"#,
    ];
    let jump = r#"{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "eth0"}}, {"jump": {"target": "web"}}"#;
    let seen = look(&machine(&input("drop", &[jump], &more)));
    assert_eq!(shown(seen.key("web1:ipv4"), "open_ports"), "[\"tcp/443\",\"tcp/8000-8100\"]");
    assert_eq!(inbound(&seen).0, "\"drop\"");
    let other = jump.replace("eth0", "wg0");
    let seen = look(&machine(&input("drop", &[&other], &more)));
    assert_eq!(shown(seen.key("web1:ipv4"), "open_ports"), "[]");
}

const UFW: &str = "# Generated\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:ufw-user-input - [0:0]\n:ufw-log - [0:0]\n\
    -A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -j ufw-user-input\n\
    -A INPUT -m limit --limit 3/min --limit-burst 10 -j ufw-log\n\
    -A ufw-user-input -p tcp -m tcp --dport 22 -m comment --comment \"the shell -j ACCEPT\" -j ACCEPT\n\
    -A ufw-user-input -s 10.0.0.0/8 -p tcp -m multiport --dports 80,443 -j ACCEPT\n\
    -A ufw-log -j LOG --log-prefix \"[UFW BLOCK] \"\nCOMMIT\n";

#[test]
fn limits_and_chosen_source_ports_are_understood() {
    let rules = "*filter\n:INPUT DROP [0:0]\n:limit - [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name D --mask 255.255.255.255 --rsource\n\
        -A INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6 --name D --rsource -j limit\n\
        -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -p udp -m udp --sport 67 --dport 68 -j ACCEPT\n\
        -A INPUT -p udp -m udp --sport 1 --dport 69 -j DROP\n-A INPUT -p udp -m udp --dport 69 -j ACCEPT\n-A limit -j REJECT --reject-with icmp-port-unreachable\nCOMMIT\n";
    let fixture = machine(EMPTY).tool("iptables-legacy-save", 0, rules, "");
    fixture.write("/proc/net/ip_tables_names", b"filter\n");
    let seen = look(&fixture);
    assert_eq!(shown(seen.key("web1:ipv4"), "open_ports"), "[\"tcp/22\",\"udp/68\",\"udp/69\"]");
    let status =
        r#"{"match": {"op": "in", "left": {"ct": {"key": "status"}}, "right": "dnat"}}, {"accept": null}"#;
    let source = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "udp", "field": "sport"}}, "right": 53}}, {"accept": null}"#;
    assert_eq!(inbound(&look(&machine(&input("drop", &[status, SSH], &[])))).0, "\"drop\"");
    // Whoever sends from port 53 gets in everywhere.
    assert_eq!(inbound(&look(&machine(&input("drop", &[source], &[])))).0, "\"accept\"");
}

#[test]
fn older_rules_are_seen_beside_nftables() {
    let legacy = |save: &str| {
        let fixture = machine(EMPTY).tool("iptables-legacy-save", 0, save, "");
        fixture.write("/proc/net/ip_tables_names", b"filter\n");
        fixture
    };
    let seen = look(&legacy(UFW));
    let v4 = seen.key("web1:ipv4");
    assert_eq!(inbound(&seen), ("\"drop\"".to_owned(), "\"accept\"".to_owned()));
    assert_eq!(shown(v4, "backends"), "[\"iptables-legacy\"]");
    assert_eq!(shown(v4, "open_ports"), "[\"tcp/22\"]");
    assert_eq!(shown(v4, "default_forward"), "\"drop\"");
    assert_eq!(v4.attributes["chains"][0]["policy"], "drop");
    let nat = format!(
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n{UFW}"
    );
    let seen = look(&legacy(&nat));
    assert_eq!(shown(seen.key("web1:ipv4"), "redirects"), "true");
    assert_eq!(shown(seen.key("web1:ipv4"), "open_ports"), "unknown: unsupported");
    assert_eq!(inbound(&seen).0, "\"drop\"");
    // The kernel names tables, but nothing can show them.
    let fixture = machine(EMPTY).tool("iptables-save --version", 0, "iptables-save v1.8.9 (nf_tables)", "");
    fixture.write("/proc/net/ip_tables_names", b"filter\n");
    assert_eq!(inbound(&look(&fixture)), ("unknown: unsupported".to_owned(), "\"accept\"".to_owned()));
}

#[test]
fn matches_of_iptables_in_nftables_are_asked_of_iptables() {
    let opaque = input("drop", &[r#"{"xt": {"type": "match", "name": "comment"}}, {"accept": null}"#], &[])
        .replace("inet", "ip")
        .replace("\"f\"", "\"filter\"");
    assert_eq!(inbound(&look(&machine(&opaque))).0, "unknown: unsupported");
    let seen = look(&machine(&opaque).tool("iptables-nft-save", 0, UFW, ""));
    assert_eq!(inbound(&seen).0, "\"drop\"");
    assert_eq!(shown(seen.key("web1:ipv4"), "backends"), "[\"iptables\"]");
}

#[test]
fn missing_and_refused_tools_are_unknown() {
    let bare = Fixture::new(&[("/proc/net/route", ROUTE)]);
    assert_eq!(inbound(&look(&bare)).0, "unknown: unsupported");
    let denied = machine("").tool(NFT, 1, "", "Operation not permitted (you must be root)");
    let seen = look(&denied);
    for name in [
        "default_inbound",
        "filters_inbound",
        "backends",
        "rules",
        "chains",
        "open_ports",
        "fingerprint",
        "redirects",
    ] {
        assert_eq!(shown(seen.key("web1:ipv4"), name), "unknown: denied", "{name}");
    }
    assert_eq!(inbound(&look(&machine("{"))).0, "unknown: failed");
    // A kernel that has no nftables needs no tool to say so.
    bare.write("/proc/modules", b"ext4 1 0\n");
    bare.write("/proc/sys/kernel/osrelease", b"6.1\n");
    bare.write("/lib/modules/6.1/modules.builtin", b"kernel/fs/ext4/ext4.ko\n");
    assert_eq!(inbound(&look(&bare)).0, "\"accept\"");
    // A refusal that is seen holds even so.
    let fixture = bare.tool("iptables-legacy-save", 0, UFW, "").tool(NFT, 1, "", "not permitted");
    fixture.write("/proc/modules", b"nf_tables 1 0\n");
    fixture.write("/proc/net/ip_tables_names", b"filter\n");
    let seen = look(&fixture);
    assert_eq!(inbound(&seen), ("\"drop\"".to_owned(), "unknown: denied".to_owned()));
    assert_eq!(shown(seen.key("web1:ipv4"), "filters_inbound"), "true");
}

#[test]
fn only_changes_change_the_fingerprint() {
    let print = |nft: &str| shown(look(&machine(nft)).key("web1:ipv4"), "fingerprint");
    let counted = |packets: u32| {
        input("drop", &[&format!(r#"{{"counter": {{"packets": {packets}, "bytes": 1}}}}, {SSH}"#)], &[])
    };
    assert_eq!(print(&counted(1)), print(&counted(2)));
    assert_ne!(print(&counted(1)), print(&input("drop", &[LO], &[])));
}

#[test]
fn garbage_does_no_harm() {
    let good = input("drop", &[LO, ESTABLISHED, SSH], &[]);
    for text in mangled(&good) {
        look(&machine(&text));
    }
    for text in mangled(UFW) {
        let fixture = machine(EMPTY).tool("iptables-legacy-save", 0, &text, "");
        fixture.write("/proc/net/ip_tables_names", b"filter\n");
        look(&fixture);
    }
}
