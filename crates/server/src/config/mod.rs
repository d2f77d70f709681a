//! `octro.toml`: where Octro listens, what it keeps where, and what it looks at. Everything has a default; without a
//! file Octro looks at the machine that it runs on.

mod ledger;
mod settings;
mod sources;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::ledger::RawLedger;
use self::sources::{open, this_host};
use crate::ledger::LedgerConfig;

pub use settings::{SETTINGS, Setting};
pub use sources::OpenSource;

/// The most sources that one file may declare.
const SOURCES_MAX: usize = 1_000;
/// The largest file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// What Octro is told to do.
pub struct Config {
    /// Where the pages are served.
    pub listen: SocketAddr,
    /// The folder of the embedded database.
    pub data: PathBuf,
    /// The database's address, if it is not the embedded one.
    pub database: Option<String>,
    /// The folder of the program, if it is not the built-in one.
    pub program: Option<PathBuf>,
    /// How the ledger is kept.
    pub ledger: LedgerConfig,
    /// What is looked at.
    pub sources: Vec<OpenSource>,
}

/// Something in `octro.toml` that cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {what}; expected {expected}")]
pub struct ConfigError {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What was expected.
    pub expected: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    listen: Option<toml::Spanned<String>>,
    data: Option<PathBuf>,
    database: Option<String>,
    program: Option<PathBuf>,
    ledger: Option<RawLedger>,
    #[serde(default)]
    source: Vec<toml::Spanned<toml::Table>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7468)),
            data: PathBuf::from("octro-data"),
            database: None,
            program: None,
            ledger: LedgerConfig::default(),
            sources: Vec::new(),
        }
    }
}

impl Config {
    /// Reads `octro.toml` at `path`; without one, everything is as by default and this machine is the only source.
    ///
    /// # Errors
    /// If the file cannot be read or something in it cannot be; paths in it are relative to the file.
    pub fn read(path: Option<&Path>) -> Result<Self, ConfigError> {
        let named = path.is_some();
        let path = path.unwrap_or(Path::new("octro.toml"));
        let whole = |what: String, expected: &str| ConfigError {
            file: path.display().to_string(),
            line: 0,
            what,
            expected: expected.to_owned(),
        };
        if !named && !path.exists() {
            let mut config = Self::default();
            config.sources.push(this_host(path)?);
            return Ok(config);
        }
        let size =
            std::fs::metadata(path).map_err(|error| whole(error.to_string(), "a file of settings"))?.len();
        if size > FILE_MAX {
            return Err(whole(format!("the file has {size} bytes"), "at most 1 MiB"));
        }
        let text =
            std::fs::read_to_string(path).map_err(|error| whole(error.to_string(), "a file of settings"))?;
        Self::parse(&text, path)
    }

    /// Reads the text of `octro.toml`; `path` names it in errors, and paths in it are relative to its folder.
    ///
    /// # Errors
    /// If something in it cannot be.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let fault = |at: Option<usize>, what: String, expected: &str| ConfigError {
            file: file.clone(),
            line: at.map_or(0, |at| line_of(text, at)),
            what,
            expected: expected.to_owned(),
        };
        let raw: Raw = toml::from_str(text).map_err(|error| {
            let names = "the settings of docs/reference/settings.md";
            fault(error.span().map(|span| span.start), error.message().to_owned(), names)
        })?;
        let mut config = Self::default();
        if let Some(listen) = raw.listen {
            let at = Some(listen.span().start);
            config.listen =
                listen_address(listen.get_ref()).map_err(|(what, expected)| fault(at, what, expected))?;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        if let Some(data) = raw.data {
            config.data = folder.join(data);
        }
        config.database = raw.database;
        config.program = raw.program.map(|program| folder.join(program));
        if let Some(ledger) = raw.ledger {
            config.ledger =
                ledger.read(folder).map_err(|(at, what, expected)| fault(Some(at), what, expected))?;
        }
        if raw.source.len() > SOURCES_MAX {
            return Err(fault(None, format!("{} sources", raw.source.len()), "at most 1000"));
        }
        for table in raw.source {
            let at = Some(table.span().start);
            let opened = open(table.into_inner()).map_err(|(what, expected)| fault(at, what, &expected))?;
            if config.sources.iter().any(|other| other.info.id == opened.info.id) {
                return Err(fault(
                    at,
                    format!("the source `{}` stands twice", opened.info.id),
                    "each id once",
                ));
            }
            config.sources.push(opened);
        }
        Ok(config)
    }
}

/// Reads an address, which has to be loopback as long as nobody has to sign in.
///
/// # Errors
/// What is wrong and what was expected.
pub fn listen_address(text: &str) -> Result<SocketAddr, (String, &'static str)> {
    let text = text.replace("localhost", "127.0.0.1");
    let address: SocketAddr = text
        .parse()
        .map_err(|_| (format!("`{text}` is no address"), "an address and port, as 127.0.0.1:7468"))?;
    // The guard in front of the pages answers to these names alone.
    if [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)].contains(&address.ip()) {
        return Ok(address);
    }
    let what = if address.ip().is_loopback() {
        format!("the pages do not answer on `{address}`")
    } else {
        format!("`{address}` can be reached from other machines, and there is no sign-in yet")
    };
    Err((what, "a loopback address: 127.0.0.1 or [::1]"))
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use octro_model::Span;

    use super::*;

    fn error(text: &str) -> String {
        Config::parse(text, Path::new("octro.toml")).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_file_with_sources_is_read() {
        let text = "listen = '[::1]:8000'\ndata = 'd'\n[[source]]\nid = 'me'\ntype = 'host'\nevery = '1h'\n";
        let config = Config::parse(text, Path::new("/etc/octro/octro.toml")).unwrap();
        assert_eq!(config.data, Path::new("/etc/octro/d"));
        assert_eq!(config.sources.len(), 1);
        assert_eq!(config.sources[0].info.every, Span::HOUR);
    }

    #[test]
    fn witnesses_are_read() {
        let key = "w.example/1+c0806d9f+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM";
        let good = format!(
            "[ledger]\npolicy = 1\nstamps = 'http://tsa.example'\n[[ledger.witness]]\nkey = '{key}'\nurl = 'http://w.example:7469'\n"
        );
        let device = "[ledger]\npkcs11 = { module = '/m.so', token = 't', label = 'l', pin_file = 'pin' }";
        let device = Config::parse(device, Path::new("/etc/octro.toml")).unwrap().ledger.device.unwrap();
        assert_eq!((device.module, device.pin_file), ("/m.so".into(), "/etc/pin".into()));
        assert!(error("[ledger]\npkcs11 = { module = 'm' }").contains("missing field `token`"));
        let config = Config::parse(&good, Path::new("octro.toml")).unwrap();
        let outsiders = config.ledger.outsiders;
        assert_eq!((outsiders.witnesses.len(), outsiders.required), (1, 1));
        assert_eq!(outsiders.witnesses[0].url.to_string(), "http://w.example:7469");
        let twice = format!("{good}[[ledger.witness]]\nkey = '{key}'\nurl = 'http://x.example'\n");
        for (text, words) in [
            (good.replace("http://w", "ws://w"), "octro.toml:4: `ws://w.example:7469` is no address"),
            (
                "[ledger]\ns3 = { bucket = 'a', region = 'eu' }".to_owned(),
                "octro.toml:2: `a` is no name of a bucket",
            ),
            (good.replace("http://tsa", "ftp://tsa"), "octro.toml:3: `ftp://tsa.example` is no address"),
            (good.replace("policy = 1", "policy = 2"), "octro.toml:2: 2 of 1 witnesses"),
            (good.replace("+c0806d9f", "+00000000"), "octro.toml:4: the key has the id"),
            (twice, "octro.toml:7: the witness"),
        ] {
            assert!(error(&text).contains(words), "{text}: {}", error(&text));
        }
    }

    #[test]
    fn only_what_the_pages_answer_to_is_listened_on() {
        for good in ["127.0.0.1:0", "localhost:7468", "[::1]:80"] {
            assert!(listen_address(good).is_ok(), "{good}");
        }
        for bad in ["127.0.0.2:80", "127.255.255.254:80", "0.0.0.0:80", "[::]:80", "[::ffff:127.0.0.1]:80"] {
            let (_, expected) = listen_address(bad).unwrap_err();
            assert_eq!(expected, "a loopback address: 127.0.0.1 or [::1]", "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_is_said_with_its_line() {
        for (text, words) in [
            ("\nlisten = '0.0.0.0:80'", "octro.toml:2: `0.0.0.0:80` can be reached from other machines"),
            ("listen = 'here'", "octro.toml:1: `here` is no address"),
            ("lisen = 'x'", "octro.toml:1: unknown field `lisen`"),
            ("[[source]]\ntype = 'host'", "octro.toml:1: a source without `id`"),
            (
                "\n[[source]]\nid = 'a'\ntype = 'hosts'",
                "octro.toml:2: source `a`: there is no connector `hosts`",
            ),
            ("[[source]]\nid = 'a'\ntype = 'host'\nevery = 'often'", "`every`: `often` is no length of time"),
            ("[[source]]\nid = 'a'\ntype = 'host'\nrot = '/'", "source `a`: rot: there is no such setting"),
            ("[[source]]\nid='a'\ntype='host'\n[[source]]\nid='a'\ntype='host'", "stands twice"),
        ] {
            assert!(error(text).contains(words), "{text}: {}", error(text));
        }
    }
}
