//! `octro.toml`: where Octro listens, what it keeps where, and what it looks at. Everything has a default; without a
//! file Octro looks at the machine that it runs on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use octro_connectors::{Connector, Source};
use octro_engine::SourceInfo;
use octro_ledger::{BucketAt, Device, Outsiders, Url, WitnessAt};
use octro_model::{Id, Span};
use serde::Deserialize;

use crate::ledger::LedgerConfig;

/// How often a source runs if nothing is said.
const EVERY: Span = Span::from_secs(15 * 60);
/// How long one run may take if nothing is said.
const TIMEOUT: Span = Span::from_secs(5 * 60);
/// The most sources that one file may declare.
const SOURCES_MAX: usize = 1_000;
/// The most witnesses that are asked.
const WITNESSES_MAX: usize = 16;
/// The largest file, in bytes.
const FILE_MAX: u64 = 1 << 20;

/// One setting of `octro.toml`, for the generated reference.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its table and key.
    pub name: &'static str,
    /// Its form.
    pub form: &'static str,
    /// What it is if nothing is said.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// The settings that are not a connector's.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "listen",
        form: "address and port",
        default: "127.0.0.1:7468",
        doc: "Where the pages are served. Only loopback addresses: there is no sign-in yet.",
    },
    Setting {
        name: "data",
        form: "path",
        default: "octro-data",
        doc: "The folder of the embedded database. One process at a time.",
    },
    Setting {
        name: "database",
        form: "address",
        default: "SQLite in the data folder",
        doc: "`postgres://USER@HOST/NAME` to keep everything in PostgreSQL instead; several processes may share it.",
    },
    Setting {
        name: "program",
        form: "path",
        default: "the built-in program",
        doc: "A folder as `octro init` writes it. It is read again whenever a file in it changes.",
    },
    Setting {
        name: "ledger.key",
        form: "path",
        default: "ledger.key in the data folder",
        doc: "The file of the key with which the ledger's checkpoints are signed; made at the first start. Every process on one database needs the same. Beside it stands what was signed last, by which a restored backup is recognised.",
    },
    Setting {
        name: "ledger.publish",
        form: "path",
        default: "ledger in the data folder",
        doc: "The folder in which the ledger is published as tiles (C2SP tlog-tiles), for any web server to serve.",
    },
    Setting {
        name: "ledger.s3",
        form: "table of texts",
        default: "no bucket",
        doc: "A bucket in which the ledger is published too: `{ bucket, region, prefix, endpoint }`. Without `endpoint` it is Amazon's; otherwise the address of any store that speaks like it (and knows conditional writes). The keys come from the environment (`AWS_ACCESS_KEY_ID`), `~/.aws/credentials`, the container's service or the instance's role; they need `s3:GetObject`, `s3:PutObject`, `s3:DeleteObject` and `s3:ListBucket`.",
    },
    Setting {
        name: "ledger.origin",
        form: "text",
        default: "octro/ and something random",
        doc: "The name of a new log: what its checkpoints and keys are known by. It never changes afterwards.",
    },
    Setting {
        name: "ledger.pkcs11",
        form: "table of texts",
        default: "the key is in a file",
        doc: "A device that holds the key: `{ module, token, label, pin_file }` are its PKCS#11 module, the token's label, the key's label (an Ed25519 key, made at the first start) and a file with the PIN that nobody else may read. What was signed last still stands beside the path of `ledger.key`.",
    },
    Setting {
        name: "ledger.witness.key",
        form: "verifier key",
        default: "no witnesses",
        doc: "Under `[[ledger.witness]]`: the key of a witness that is asked to cosign each published checkpoint, as `octro witness key` prints it.",
    },
    Setting {
        name: "ledger.witness.url",
        form: "address",
        default: "required",
        doc: "Where that witness answers (C2SP tlog-witness). `https://` or `http://`: what it answers is checked by its key.",
    },
    Setting {
        name: "ledger.policy",
        form: "number",
        default: "how many witnesses there are",
        doc: "How many witnesses must have cosigned. The log goes on with fewer, and says so; proofs rest on a checkpoint with as many, if there is one.",
    },
    Setting {
        name: "ledger.stamps",
        form: "address",
        default: "none",
        doc: "An authority (RFC 3161) that stamps the first checkpoint after each daily seal. The stamps stand in the proofs.",
    },
    Setting { name: "source.id", form: "name", default: "required", doc: "The source's name." },
    Setting {
        name: "source.type",
        form: "connector",
        default: "required",
        doc: "Which connector it is; the connector's own settings stand beside it.",
    },
    Setting { name: "source.every", form: "length of time", default: "15m", doc: "How often it runs." },
    Setting {
        name: "source.timeout",
        form: "length of time",
        default: "5m",
        doc: "How long one run may take; what it has not enumerated by then counts as not enumerated.",
    },
];

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

/// A source that can run.
#[derive(Clone)]
pub struct OpenSource {
    /// What the engine knows of it.
    pub info: SourceInfo,
    /// How long one run may take.
    pub timeout: Span,
    /// What asks the system.
    pub source: Arc<dyn Source>,
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLedger {
    key: Option<PathBuf>,
    publish: Option<PathBuf>,
    origin: Option<String>,
    #[serde(default)]
    witness: Vec<toml::Spanned<RawWitness>>,
    policy: Option<toml::Spanned<usize>>,
    stamps: Option<toml::Spanned<String>>,
    pkcs11: Option<RawDevice>,
    s3: Option<toml::Spanned<RawBucket>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBucket {
    bucket: String,
    region: String,
    #[serde(default)]
    prefix: String,
    endpoint: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDevice {
    module: PathBuf,
    token: String,
    label: String,
    pin_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWitness {
    key: String,
    url: String,
}

/// Who outside vouches for the ledger; the error says where, what, and what was expected.
fn outsiders(ledger: &RawLedger) -> Result<Outsiders, (usize, String, &'static str)> {
    let mut found = Outsiders::default();
    for one in &ledger.witness {
        let at = one.span().start;
        let witness = WitnessAt::parse(&one.get_ref().key, &one.get_ref().url)
            .map_err(|(what, expected)| (at, what, expected))?;
        if found.witnesses.iter().any(|other| other.key.key == witness.key.key) {
            return Err((at, format!("the witness `{}` stands twice", witness.key), "each key once"));
        }
        if found.witnesses.len() == WITNESSES_MAX {
            return Err((at, "there are more than 16 witnesses".to_owned(), "at most 16"));
        }
        found.witnesses.push(witness);
    }
    found.required = found.witnesses.len();
    if let Some(policy) = &ledger.policy {
        found.required = *policy.get_ref();
        if found.required > found.witnesses.len() {
            let what = format!("{} of {} witnesses", found.required, found.witnesses.len());
            return Err((policy.span().start, what, "at most as many as there are `[[ledger.witness]]`"));
        }
    }
    if let Some(stamps) = &ledger.stamps {
        let url = Url::parse(stamps.get_ref());
        found.stamps =
            Some(url.map_err(|what| (stamps.span().start, what, "the address of a time-stamp authority"))?);
    }
    Ok(found)
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
            config.ledger.outsiders =
                outsiders(&ledger).map_err(|(at, what, expected)| fault(Some(at), what, expected))?;
            if let Some(s3) = &ledger.s3 {
                let RawBucket { bucket, region, prefix, endpoint } = s3.get_ref();
                let at = BucketAt::parse(bucket, prefix, region, endpoint.as_deref());
                let expected = "{ bucket, region, prefix, endpoint }";
                config.ledger.bucket = Some(at.map_err(|what| fault(Some(s3.span().start), what, expected))?);
            }
            config.ledger.key = ledger.key.map(|key| folder.join(key));
            config.ledger.publish = ledger.publish.map(|publish| folder.join(publish));
            config.ledger.origin = ledger.origin;
            config.ledger.device = ledger.pkcs11.map(|device| Device {
                module: folder.join(device.module),
                token: device.token,
                label: device.label,
                pin_file: folder.join(device.pin_file),
            });
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

/// The machine that Octro runs on.
fn this_host(path: &Path) -> Result<OpenSource, ConfigError> {
    let table = [("id", "this-host"), ("type", "host")].map(|(key, value)| (key.to_owned(), value.into()));
    open(table.into_iter().collect()).map_err(|(what, expected)| ConfigError {
        file: path.display().to_string(),
        line: 0,
        what,
        expected,
    })
}

fn connector(name: &str) -> Option<&'static dyn Connector> {
    octro_connectors::ALL.iter().find(|connector| connector.name() == name).copied()
}

/// Opens what one `[[source]]` declares.
fn open(mut table: toml::Table) -> Result<OpenSource, (String, String)> {
    let id = take_text(&mut table, "id")?.ok_or(("a source without `id`".to_owned(), "a name".to_owned()))?;
    let id: Id =
        id.parse().map_err(|error: octro_model::IdError| (error.to_string(), "a name".to_owned()))?;
    let names: Vec<&str> = octro_connectors::ALL.iter().map(|connector| connector.name()).collect();
    let expected = format!("one of {}", names.join(", "));
    let kind = take_text(&mut table, "type")?
        .ok_or_else(|| (format!("the source `{id}` has no `type`"), expected.clone()))?;
    let connector = connector(&kind)
        .ok_or_else(|| (format!("source `{id}`: there is no connector `{kind}`"), expected))?;
    let every = take_span(&mut table, "every", &id)?.unwrap_or(EVERY);
    let timeout = take_span(&mut table, "timeout", &id)?.unwrap_or(TIMEOUT);
    if every < Span::from_secs(1) || timeout < Span::from_secs(1) {
        return Err((
            format!("source `{id}`: `every` and `timeout` are too short"),
            "at least 1s".to_owned(),
        ));
    }
    let settings = match serde_json::to_value(table) {
        Ok(serde_json::Value::Object(settings)) => settings,
        Ok(_) | Err(_) => {
            return Err((format!("source `{id}`: settings that are no table"), "a table".to_owned()));
        }
    };
    let source = connector
        .open(&settings)
        .map_err(|error| (format!("source `{id}`: {}: {}", error.setting, error.what), error.expected))?;
    let source: Arc<dyn Source> = source.into();
    let info = SourceInfo { id, connector: kind, every, kinds: source.kinds() };
    Ok(OpenSource { info, timeout, source })
}

fn take_text(table: &mut toml::Table, key: &str) -> Result<Option<String>, (String, String)> {
    match table.remove(key) {
        None => Ok(None),
        Some(toml::Value::String(text)) => Ok(Some(text)),
        Some(other) => Err((format!("`{key}` is {}", other.type_str()), "a text".to_owned())),
    }
}

fn take_span(table: &mut toml::Table, key: &str, id: &Id) -> Result<Option<Span>, (String, String)> {
    let Some(text) = take_text(table, key)? else { return Ok(None) };
    text.parse().map(Some).map_err(|error: octro_model::ParseTimeError| {
        (format!("source `{id}`: `{key}`: {error}"), "a length of time: 90d, 24h, 15m, 30s".to_owned())
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
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
