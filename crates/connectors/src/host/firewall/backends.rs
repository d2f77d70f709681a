//! Which packet filters hold rules, and the rules of all of them. `nft` does not show what the older kernel interface
//! holds, and that is asked only if the kernel says that it is in use: asking would load it.

use octro_model::{UnknownReason, Why};

use super::iptables;
use super::nft::Ruleset;
use super::rules::{Chain, Family};
use crate::host::Machine;
use crate::host::commands::output;
use crate::host::roots::Roots;

/// The rules of one family.
pub(crate) struct Filters {
    pub chains: Vec<Chain>,
    /// The backends that hold rules.
    pub backends: Vec<&'static str>,
    /// Why the rules are not all there.
    pub unknown: Option<UnknownReason>,
    /// All rules as text, without what changes by itself.
    pub normal: String,
}

impl Filters {
    pub(crate) fn read(machine: &Machine<'_>, family: Family) -> Self {
        let mut filters =
            Self { chains: Vec::new(), backends: Vec::new(), unknown: None, normal: String::new() };
        if let Err(reason) = filters.nftables(machine, family) {
            filters.unknown = Some(reason);
        }
        if let Err(reason) = filters.legacy(machine, family) {
            filters.unknown.get_or_insert(reason);
        }
        filters.backends = ["nftables", "iptables", "iptables-legacy"]
            .into_iter()
            .filter(|name| filters.has(name))
            .collect();
        filters
    }

    fn has(&self, backend: &str) -> bool {
        self.chains.iter().any(|chain| chain.backend == backend)
    }

    fn nftables(&mut self, machine: &Machine<'_>, family: Family) -> Result<(), UnknownReason> {
        if kernel_without_nftables(machine.roots) {
            return Ok(());
        }
        let ruleset = Ruleset::parse(&output(machine.commands, "nft", &["-j", "list", "ruleset"])?)?;
        self.normal.push_str(&ruleset.normal(family));
        let program = match family {
            Family::V4 => "iptables-nft-save",
            Family::V6 => "ip6tables-nft-save",
        };
        // Where iptables uses nftables, nft cannot show its matches, but iptables can.
        let saved = if ruleset.opaque(family) { output(machine.commands, program, &[]).ok() } else { None };
        self.chains.extend(ruleset.chains(family, saved.is_some()));
        if let Some(saved) = saved {
            self.normal.push_str(&iptables::normal(&saved));
            self.chains.extend(iptables::chains(&saved, family, "iptables"));
        }
        Ok(())
    }

    fn legacy(&mut self, machine: &Machine<'_>, family: Family) -> Result<(), UnknownReason> {
        let (names, programs) = match family {
            Family::V4 => ("/proc/net/ip_tables_names", ["iptables-legacy-save", "iptables-save"]),
            Family::V6 => ("/proc/net/ip6_tables_names", ["ip6tables-legacy-save", "ip6tables-save"]),
        };
        if machine.roots.line(names)?.unwrap_or_default().is_empty() {
            return Ok(());
        }
        let [own, common] = programs;
        let saved = match machine.commands.run(own, &[], &[]) {
            Ok(_) => output(machine.commands, own, &[])?,
            Err(_) if output(machine.commands, common, &["--version"])?.contains("nf_tables") => {
                let what = format!("{names} names tables, but {own} is not installed");
                return Err(UnknownReason::new(Why::Unsupported, what));
            }
            Err(_) => output(machine.commands, common, &[])?,
        };
        self.normal.push_str(&iptables::normal(&saved));
        self.chains.extend(iptables::chains(&saved, family, "iptables-legacy"));
        Ok(())
    }
}

/// Whether the kernel surely has no nftables: modules can be listed, and it is neither loaded nor built in.
fn kernel_without_nftables(roots: &Roots) -> bool {
    let read = || -> Option<bool> {
        let loaded = roots.text("/proc/modules").ok()??;
        let release = roots.line("/proc/sys/kernel/osrelease").ok()??;
        let built_in = roots.text(&format!("/lib/modules/{release}/modules.builtin")).ok()??;
        Some(
            !loaded.lines().any(|line| line.starts_with("nf_tables ")) && !built_in.contains("/nf_tables.ko"),
        )
    };
    read().unwrap_or(false)
}

/// The interfaces that lead to the world: those of the default routes.
pub(crate) fn outside(roots: &Roots, family: Family) -> Result<Vec<String>, UnknownReason> {
    let path = match family {
        Family::V4 => "/proc/net/route",
        Family::V6 => "/proc/net/ipv6_route",
    };
    let text = roots.text(path)?.unwrap_or_default();
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let name = match (family, words.as_slice()) {
                (Family::V4, [name, "00000000", _, _, _, _, _, "00000000", ..]) => name,
                (Family::V6, [to, "00", _, _, _, _, _, _, _, name])
                    if to.bytes().all(|byte| byte == b'0') =>
                {
                    name
                }
                _ => return None,
            };
            (*name != "lo").then(|| (*name).to_owned())
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    // Without a way to the world by IPv6, neighbours still come in by the interface that leads there by IPv4.
    if names.is_empty() && family == Family::V6 {
        return outside(roots, Family::V4);
    }
    Ok(names)
}
