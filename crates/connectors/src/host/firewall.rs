//! `host.firewall`: for each family of addresses, what all packet filters of the machine together let in.

mod backends;
mod iptables;
mod nft;
pub(crate) mod rules;
#[cfg(test)]
mod tests;
pub(crate) mod walk;

use octro_model::{Id, UnknownReason, Why};
use serde_json::{Value, json};

pub(crate) use self::backends::{Filters, outside};
use self::rules::{Family, Packet, named_ports};
use self::walk::{Exposure, can_refuse, verdict};
use super::Machine;
use super::resource::Resource;
use super::roots::Roots;
use super::services::enabled;
use crate::{Run, Stopped};

/// How many ports that rules name are judged.
const PORTS_MAX: usize = 2_000;
/// Services that load rules at boot.
const MANAGERS: [&str; 7] =
    ["nftables", "ufw", "firewalld", "netfilter-persistent", "iptables", "ip6tables", "shorewall"];
/// TCP and UDP.
const PROTOCOLS: [(u8, &str); 2] = [(6, "tcp"), (17, "udp")];

/// Looks at both families.
pub(crate) fn collect(machine: &Machine<'_>, kind: &Id, run: &mut Run<'_>) -> Result<(), Stopped> {
    let managers = managers(machine.roots);
    for family in [Family::V4, Family::V6] {
        let filters = Filters::read(machine, family);
        let mut seen = Resource::new(kind, format!("{}:{}", machine.host, family.label()), machine.now);
        seen.value("host", machine.host.clone())
            .value("family", family.label())
            .known("in_use", in_use(machine.roots, family))
            .known("managers", managers.clone())
            .known("loaded_at_boot", managers.clone().map(|names| !names.is_empty()));
        show(&filters, family, &outside(machine.roots, family), &mut seen);
        run.observe(seen.into_observation())?;
    }
    machine.enumerated(run, kind, 2, None);
    Ok(())
}

fn show(
    filters: &Filters,
    family: Family,
    outside: &Result<Vec<String>, UnknownReason>,
    seen: &mut Resource,
) {
    let chains = &filters.chains;
    // What is seen is not all if a backend could not be asked.
    let whole = || filters.unknown.clone().map_or(Ok(()), Err);
    seen.known("backends", whole().map(|()| filters.backends.clone()));
    let refuses = can_refuse(chains);
    seen.known("filters_inbound", if refuses { Ok(true) } else { whole().map(|()| false) });
    seen.known("redirects", redirects(filters));
    seen.known("rules", whole().map(|()| chains.iter().map(|chain| chain.rules.len()).sum::<usize>()));
    seen.known("fingerprint", whole().map(|()| fingerprint(&filters.normal)));
    let hooked = chains.iter().filter(|chain| chain.hook.is_some());
    let shown: Vec<Value> = hooked
        .map(|chain| {
            json!({
                "backend": chain.backend, "table": chain.table, "name": chain.name, "hook": chain.hook,
                "priority": chain.priority, "policy": if chain.drops { "drop" } else { "accept" },
                "rules": chain.rules.len(),
            })
        })
        .collect();
    seen.known("chains", whole().map(|()| shown));
    let named = named_ports(chains);
    let interfaces = match outside {
        Ok(interfaces) => interfaces.as_slice(),
        Err(_) => &[],
    };
    let ask = |protocol: u8, port: u16, forwarded: bool| {
        open(filters, &Packet { family, protocol, port, to: None, forwarded, outside: interfaces })
    };
    for (name, forwarded) in [("default_inbound", false), ("default_forward", true)] {
        let both = PROTOCOLS.map(|(protocol, _)| ask(protocol, unnamed(&named), forwarded));
        seen.known(
            name,
            match both {
                [Ok(true), _] | [_, Ok(true)] => Ok("accept"),
                [Err(reason), _] | [_, Err(reason)] => Err(reason),
                [Ok(false), Ok(false)] => Ok("drop"),
            },
        );
    }
    let mut ports = Vec::new();
    let mut unclear = None;
    for (protocol, low, high) in named.iter().take(PORTS_MAX) {
        let Some((_, label)) = PROTOCOLS.iter().find(|(number, _)| number == protocol) else { continue };
        match ask(*protocol, *low, false) {
            Ok(true) if low == high => ports.push(format!("{label}/{low}")),
            Ok(true) => ports.push(format!("{label}/{low}-{high}")),
            Ok(false) => {}
            Err(reason) => unclear = Some(reason),
        }
    }
    seen.known("open_ports", whole().and_then(|()| unclear.map_or(Ok(ports), Err)));
}

/// Who gets through all filters of a family. A refusal that is seen holds, whatever else is not seen.
pub(crate) fn judge(filters: &Filters, packet: &Packet<'_>) -> Result<Exposure, UnknownReason> {
    match (verdict(&filters.chains, packet).exposure(), &filters.unknown) {
        (Some(Exposure::Nobody), _) => Ok(Exposure::Nobody),
        (_, Some(reason)) => Err(reason.clone()),
        (Some(found), None) => Ok(found),
        (None, None) => Err(unclear()),
    }
}

/// Whether an outsider of whom no rule knows gets through.
fn open(filters: &Filters, packet: &Packet<'_>) -> Result<bool, UnknownReason> {
    match (verdict(&filters.chains, packet).anyone(), &filters.unknown) {
        (Some(false), _) => Ok(false),
        (_, Some(reason)) => Err(reason.clone()),
        (Some(true), None) => Ok(true),
        (None, None) => Err(unclear()),
    }
}

fn unclear() -> UnknownReason {
    let what =
        "the rules use matches, interfaces or redirections whose outcome for a new connection is not clear";
    UnknownReason::new(Why::Unsupported, what)
}

fn redirects(filters: &Filters) -> Result<bool, UnknownReason> {
    let some = filters
        .chains
        .iter()
        .flat_map(|chain| &chain.rules)
        .any(|rule| rule.action == rules::Action::Redirect);
    match &filters.unknown {
        Some(reason) if !some => Err(reason.clone()),
        Some(_) | None => Ok(some),
    }
}

/// A port that no rule names, unless as a part of nearly all ports.
fn unnamed(named: &[(u8, u16, u16)]) -> u16 {
    let free = |port: &u16| {
        !named
            .iter()
            .any(|(_, low, high)| (*low..=*high).contains(port) && high.saturating_sub(*low) < 60_000)
    };
    (1..=u16::MAX).rev().find(free).unwrap_or(u16::MAX)
}

/// FNV-1a with 64 bits: it tells that something changed, nothing more.
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// IPv6 is in use where an interface but loopback has an address of it.
fn in_use(roots: &Roots, family: Family) -> Result<bool, UnknownReason> {
    if !roots.exists("/proc/net")? {
        return Err(UnknownReason::new(Why::Unsupported, "/proc/net does not exist; is /proc mounted?"));
    }
    match family {
        Family::V4 => roots.exists("/proc/net/route"),
        Family::V6 => {
            let text = roots.text("/proc/net/if_inet6")?.unwrap_or_default();
            Ok(text.lines().any(|line| line.split_whitespace().last().is_some_and(|name| name != "lo")))
        }
    }
}

fn managers(roots: &Roots) -> Result<Vec<&'static str>, UnknownReason> {
    let mut all = Vec::new();
    for name in MANAGERS {
        if !enabled(roots, &[name], "service")? {
            continue;
        }
        // ufw's service is always enabled; its own file tells whether it does anything.
        let idle = name == "ufw"
            && !roots
                .text("/etc/ufw/ufw.conf")?
                .unwrap_or_default()
                .lines()
                .any(|line| line.trim().to_ascii_lowercase().trim_matches('"') == "enabled=yes");
        if !idle {
            all.push(name);
        }
    }
    Ok(all)
}
