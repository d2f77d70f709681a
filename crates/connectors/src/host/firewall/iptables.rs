//! The output of `iptables-save` and its kin: `*table`, `:CHAIN POLICY`, `-A CHAIN tests -j TARGET`.

use super::rules::{Action, Chain, Family, Fit, Net, Rule, Test, source_port};

/// The chains of one family. `backend` tells which kernel interface holds them.
pub(super) fn chains(text: &str, family: Family, backend: &'static str) -> Vec<Chain> {
    let mut chains: Vec<Chain> = Vec::new();
    let mut table = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('*') {
            name.clone_into(&mut table);
        } else if let Some(rest) = line.strip_prefix(':') {
            let mut words = rest.split_whitespace();
            let (Some(name), Some(policy)) = (words.next(), words.next()) else { continue };
            chains.push(Chain {
                backend,
                table: table.clone(),
                name: name.to_owned(),
                // Only the kernel's own chains have a policy.
                hook: (policy != "-").then(|| name.to_ascii_lowercase()),
                nat: table == "nat",
                priority: match table.as_str() {
                    "raw" => -300,
                    "mangle" => -150,
                    "nat" => -100,
                    "security" => 50,
                    _ => 0,
                },
                drops: policy == "DROP",
                rules: Vec::new(),
            });
        } else if let Some(rest) =
            line.strip_prefix("-A ").or_else(|| line.split_once("] -A ").map(|(_, rest)| rest))
        {
            let words = words(rest);
            let Some((name, words)) = words.split_first() else { continue };
            let found = chains.iter_mut().find(|chain| chain.table == table && chain.name == *name);
            if let Some(chain) = found {
                chain.rules.push(rule(words, family));
            }
        }
    }
    chains
}

/// The rules without counters and comments.
pub(super) fn normal(text: &str) -> String {
    let mut all = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let line = if line.starts_with(':') { line.split(" [").next().unwrap_or(line) } else { line };
        all.push_str(line);
        all.push('\n');
    }
    all
}

/// The number of a protocol by name.
pub(super) fn protocol(name: &str) -> Option<u8> {
    match name {
        "tcp" => Some(6),
        "udp" => Some(17),
        "icmp" => Some(1),
        "icmpv6" | "ipv6-icmp" => Some(58),
        "igmp" => Some(2),
        "esp" => Some(50),
        "ah" => Some(51),
        "sctp" => Some(132),
        "udplite" => Some(136),
        "gre" => Some(47),
        "ipv6" => Some(41),
        "vrrp" => Some(112),
        "ospf" => Some(89),
        number => number.parse().ok(),
    }
}

/// Words, with quotes around those that hold spaces.
fn words(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let (mut quoted, mut open, mut escaped) = (false, false, false);
    for letter in text.chars() {
        match letter {
            _ if escaped => {
                word.push(letter);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                open = true;
            }
            letter if letter.is_whitespace() && !quoted => {
                if open || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                open = false;
            }
            letter => word.push(letter),
        }
    }
    if open || !word.is_empty() {
        all.push(word);
    }
    all
}

/// One rule while its words are read.
struct Reading {
    family: Family,
    protocol: Option<u8>,
    tests: Vec<Test>,
    action: Action,
    by_source_port: bool,
}

fn rule(words: &[String], family: Family) -> Rule {
    let mut reading =
        Reading { family, protocol: None, tests: Vec::new(), action: Action::Nothing, by_source_port: false };
    let mut words = words.iter().map(String::as_str).peekable();
    let mut negated = false;
    while let Some(word) = words.next() {
        if word == "!" {
            negated = true;
            continue;
        }
        // The values of an option stand until the next option.
        let mut values = Vec::new();
        while let Some(value) =
            words.next_if(|next| !(next.starts_with('-') && next.len() > 1) && *next != "!")
        {
            values.push(value);
        }
        reading.option(word, &values, negated);
        negated = false;
    }
    if reading.by_source_port {
        reading.tests.push(source_port(&reading.action));
    }
    Rule { tests: reading.tests, action: reading.action }
}

impl Reading {
    fn option(&mut self, option: &str, values: &[&str], negated: bool) {
        let first = values.first().copied().unwrap_or_default();
        let test = match option {
            "-j" | "--jump" | "-g" | "--goto" => {
                self.action = target(first, option.ends_with('g') || option == "--goto");
                return;
            }
            "-i" | "--in-interface" => Some(Test::In { names: vec![first.to_owned()], negated }),
            "-o" | "--out-interface" => Some(Test::Out { negated }),
            "-p" | "--protocol" if first == "all" => None,
            "-p" | "--protocol" => match protocol(first) {
                Some(number) => {
                    self.protocol = Some(number).filter(|_| !negated);
                    Some(Test::Protocol { numbers: vec![number], negated })
                }
                None => Some(Test::Fixed(Fit::Unclear)),
            },
            "-s" | "--source" => Some(self.nets(first, negated, true)),
            "-d" | "--destination" => Some(self.nets(first, negated, false)),
            "--dport" | "--destination-port" | "--dports" | "--destination-ports" => {
                Some(self.ports(first, negated))
            }
            "--sport" | "--source-port" | "--sports" | "--source-ports" => {
                self.by_source_port = true;
                None
            }
            // Only who came often before, or sends routing headers, is meant.
            "--hitcount" | "--rt-type" => Some(Test::Fixed(if negated { Fit::Always } else { Fit::Never })),
            "--ctstate" | "--state" => {
                let new = first.split(',').any(|state| state == "NEW");
                Some(Test::Fixed(if new != negated { Fit::Always } else { Fit::Never }))
            }
            "--dst-type" => {
                let local = first.split(',').any(|kind| kind == "LOCAL" || kind == "UNICAST");
                Some(Test::Fixed(if local != negated { Fit::Always } else { Fit::Never }))
            }
            "--pkt-type" => {
                Some(Test::Fixed(if (first == "unicast") != negated { Fit::Always } else { Fit::Never }))
            }
            "--icmp-type" | "--icmpv6-type" => Some(Test::Fixed(Fit::Never)),
            // A packet on its own is below every limit.
            "--limit" | "--hashlimit-upto" | "--connlimit-upto" => {
                Some(Test::Fixed(if negated { Fit::Never } else { Fit::Always }))
            }
            "--hashlimit-above" | "--connlimit-above" => {
                Some(Test::Fixed(if negated { Fit::Always } else { Fit::Never }))
            }
            // The first packet of a TCP connection is SYN alone.
            "--tcp-flags" | "--syn" => match (option, values) {
                ("--syn", _) | (_, ["FIN,SYN,RST,ACK" | "SYN,RST,ACK" | "SYN", "SYN"]) => {
                    Some(Test::Fixed(if negated { Fit::Never } else { Fit::Always }))
                }
                _ => Some(Test::Fixed(Fit::Unclear)),
            },
            "-m" | "--match" => (!matches!(
                first,
                "tcp"
                    | "udp"
                    | "icmp"
                    | "icmp6"
                    | "conntrack"
                    | "state"
                    | "comment"
                    | "multiport"
                    | "addrtype"
                    | "limit"
                    | "hashlimit"
                    | "connlimit"
                    | "pkttype"
                    | "set"
                    | "recent"
                    | "mark"
                    | "iprange"
                    | "ipv6header"
                    | "rt"
            ))
            .then_some(Test::Fixed(Fit::Unclear)),
            // A set of sources, whatever it holds, names some.
            "--match-set" if values.get(1).is_some_and(|direction| *direction == "src") => {
                Some(Test::Fixed(if negated { Fit::Most } else { Fit::Few }))
            }
            "--src-range" => Some(Test::Fixed(if negated { Fit::Most } else { Fit::Few })),
            "--comment"
            | "--limit-burst"
            | "--hashlimit-name"
            | "--hashlimit-burst"
            | "--hashlimit-mode"
            | "--hashlimit-htable-expire"
            | "--connlimit-mask"
            | "--connlimit-saddr"
            | "--log-prefix"
            | "--log-level"
            | "--reject-with"
            | "--to-destination"
            | "--to-ports"
            | "--set-mark"
            | "--set-xmark"
            | "--nflog-prefix"
            | "--nflog-group"
            | "--clamp-mss-to-pmtu"
            | "--log-tcp-options"
            | "--log-ip-options"
            | "--log-uid"
            | "--random"
            | "--persistent"
            | "--zone"
            | "--notrack"
            | "--save-mark"
            | "--restore-mark"
            | "--nfmask"
            | "--ctmask" => None,
            _ => Some(Test::Fixed(Fit::Unclear)),
        };
        self.tests.extend(test);
    }

    fn nets(&self, text: &str, negated: bool, source: bool) -> Test {
        match text.split(',').map(|net| self.family.net(net)).collect::<Option<Vec<Net>>>() {
            Some(nets) if source => Test::From { nets, negated },
            Some(nets) => Test::To { nets, negated },
            None => Test::Fixed(Fit::Unclear),
        }
    }

    fn ports(&self, text: &str, negated: bool) -> Test {
        let range = |text: &str| {
            let (low, high) = text.split_once(':').unwrap_or((text, text));
            let low = if low.is_empty() { 0 } else { low.parse().ok()? };
            let high = if high.is_empty() { u16::MAX } else { high.parse().ok()? };
            Some((low, high))
        };
        match text.split(',').map(range).collect::<Option<Vec<(u16, u16)>>>() {
            Some(ranges) => Test::Port { protocol: self.protocol, ranges, negated },
            None => Test::Fixed(Fit::Unclear),
        }
    }
}

fn target(name: &str, goto: bool) -> Action {
    match name {
        "ACCEPT" => Action::Accept,
        "DROP" | "REJECT" => Action::Drop,
        "RETURN" => Action::Return,
        "LOG" | "NFLOG" | "MARK" | "CONNMARK" | "CT" | "NOTRACK" | "TCPMSS" | "CLASSIFY" | "DSCP" | "TOS"
        | "SET" | "AUDIT" | "TRACE" | "CHECKSUM" | "SECMARK" | "CONNSECMARK" | "SNAT" | "MASQUERADE" => {
            Action::Nothing
        }
        "DNAT" | "REDIRECT" | "NETMAP" | "TPROXY" => Action::Redirect,
        "" | "QUEUE" | "NFQUEUE" | "SYNPROXY" | "TARPIT" | "TTL" | "HL" => Action::Unclear,
        chain if goto => Action::Goto(chain.to_owned()),
        chain => Action::Jump(chain.to_owned()),
    }
}
