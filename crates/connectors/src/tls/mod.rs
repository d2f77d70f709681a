//! TLS endpoints, asked with hello messages of our own: which versions, suites and groups they accept, which certificates
//! they show, what they do for clients without TLS. Silence is unknown, never off.

mod answer;
mod assess;
mod certificate;
mod chain;
mod clear;
mod crl;
pub mod describe;
mod door;
mod eliminate;
mod facts;
mod hello;
mod http;
mod merge;
mod pace;
mod page;
mod record;
mod staple;
mod starttls;
mod suites;
mod survey;
mod target;
mod tell;
mod verdict;
mod version;
mod versions;
mod wire;

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use octro_model::{Id, Span, UnknownReason, Why};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Map, Value};

use crate::settings::Settings;
use crate::{Connector, Run, Setting, SettingError, Source};
use chain::Trust;
use survey::{Plan, survey};
use target::Target;

/// The kinds that it yields.
const KINDS: [&str; 2] = ["tls.endpoint", "tls.certificate"];
/// How many endpoints one source may have.
const ENDPOINTS_MAX: usize = 200_000;
/// The largest file of endpoints or roots, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// The settings that it takes.
const SETTINGS: &[Setting] = &[
    setting(
        "endpoints",
        "list of strings",
        "What to look at, one a line: `www.example.com`, `10.0.0.0/24:443,8443`, `mx.example.com:25`, and words after \
         it: `name=`, `at=`, `starttls=`, `service=`, `public`, `private`, `plaintext`, `quick`.",
    ),
    setting(
        "files",
        "list of strings",
        "Files with more lines of the same form, read at each run; absolute paths.",
    ),
    setting("roots", "list of strings", "PEM files with the roots of the company's own authorities."),
    setting("own_roots_only", "bool", "Trust no public authority; false by default."),
    setting(
        "timeout_step",
        "duration",
        "How long one connection, hello or page may take; 3s by default, at most 1m.",
    ),
    setting("connections", "number", "Connections at once in all; 128 by default, at most 2000."),
    setting(
        "connections_per_address",
        "number",
        "Connections at once to one address; 4 by default, at most 1000.",
    ),
    setting(
        "connections_max",
        "number",
        "Connections that one endpoint may cost in all; 80 by default, 8 to 500.",
    ),
    setting(
        "quick",
        "bool",
        "Versions, certificates and pages only, for at most 8 probes an endpoint; false by default.",
    ),
    setting(
        "no_revocation_lists",
        "bool",
        "Do not fetch the revocation lists of trusted issuers over http; false by default.",
    ),
    setting("silent", "string", "What silence in a range means: `unknown` (the default) or `closed`."),
    setting("skip_ipv6", "bool", "Leave out the IPv6 addresses of names; false by default."),
    setting("allow_special", "bool", "Allow link-local, metadata and multicast addresses; false by default."),
    setting("plain_port", "number", "Where web servers answer without TLS; 80 by default."),
];

const fn setting(name: &'static str, form: &'static str, doc: &'static str) -> Setting {
    Setting { name, form, required: false, doc }
}

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct Tls;

impl Connector for Tls {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn summary(&self) -> &'static str {
        "Asks endpoints which TLS they speak: versions, suites, groups, certificates, HSTS, STARTTLS, services in clear."
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let settings = Settings::new(settings, &known)?;
        let mut targets = Vec::new();
        for line in settings.texts("endpoints")? {
            let read = target::read(&line).map_err(|error| {
                settings.refuse("endpoints", error, "`host:port` and words; see docs/tls.md")
            })?;
            targets.extend(read);
        }
        let files = paths(&settings, "files")?;
        if targets.is_empty() && files.is_empty() {
            return Err(settings.refuse(
                "endpoints",
                "it is missing or empty",
                "at least one endpoint, or `files`",
            ));
        }
        if targets.len() > ENDPOINTS_MAX {
            let what = format!("it stands for {} endpoints", targets.len());
            return Err(settings.refuse("endpoints", what, format!("at most {ENDPOINTS_MAX}")));
        }
        if let Some(twice) = twice(&targets) {
            let what = format!("`{twice}` stands there twice");
            return Err(settings.refuse(
                "endpoints",
                what,
                "each name and port once; the worst of its addresses counts",
            ));
        }
        let silent_is_closed = match settings.text("silent")? {
            None | Some("unknown") => false,
            Some("closed") => true,
            Some(other) => {
                return Err(settings.refuse("silent", format!("`{other}`"), "`unknown` or `closed`"));
            }
        };
        let kinds = KINDS.iter().filter_map(|kind| kind.parse().ok()).collect();
        let number = |name, least, most, default| {
            settings.number(name, least, most).map(|number| number.unwrap_or(default))
        };
        Ok(Box::new(TlsSource {
            kinds,
            targets,
            files,
            roots: paths(&settings, "roots")?,
            own_roots_only: settings.flag("own_roots_only")?,
            patience: settings
                .span("timeout_step", Span::from_secs(60))?
                .unwrap_or(Span::from_secs(3))
                .to_std(),
            connections: number("connections", 1, 2_000, 128)? as usize,
            per_address: number("connections_per_address", 1, 1_000, 4)? as usize,
            connections_max: number("connections_max", 8, 500, 80)? as u32,
            is_quick: settings.flag("quick")?,
            fetches_lists: !settings.flag("no_revocation_lists")?,
            silent_is_closed,
            skips_ipv6: settings.flag("skip_ipv6")?,
            allows_special: settings.flag("allow_special")?,
            plain_port: number("plain_port", 1, 65_535, 80)? as u16,
        }))
    }
}

fn paths(settings: &Settings<'_>, name: &str) -> Result<Vec<PathBuf>, SettingError> {
    let paths: Vec<PathBuf> = settings.texts(name)?.into_iter().map(PathBuf::from).collect();
    match paths.iter().find(|path| !path.is_absolute()) {
        Some(path) => Err(settings.refuse(name, format!("`{}`", path.display()), "absolute paths")),
        None => Ok(paths),
    }
}

/// A key that stands in a list twice.
fn twice(targets: &[Target]) -> Option<String> {
    let mut seen = HashMap::new();
    targets.iter().map(Target::key).find(|key| seen.insert(key.clone(), ()).is_some())
}

struct TlsSource {
    kinds: Vec<Id>,
    targets: Vec<Target>,
    files: Vec<PathBuf>,
    roots: Vec<PathBuf>,
    own_roots_only: bool,
    patience: Duration,
    connections: usize,
    per_address: usize,
    connections_max: u32,
    is_quick: bool,
    fetches_lists: bool,
    silent_is_closed: bool,
    skips_ipv6: bool,
    allows_special: bool,
    plain_port: u16,
}

impl Source for TlsSource {
    fn kinds(&self) -> Vec<Id> {
        self.kinds.clone()
    }

    fn collect(&self, run: &mut Run<'_>) {
        if let Err((what, reason)) = self.look(run) {
            run.error(what, reason.to_string(), "correct the file or the setting that names it");
            for kind in &self.kinds {
                run.incomplete(kind.clone(), 0, reason.clone());
            }
        }
    }
}

/// What could not be read, and why.
type Fault = (String, UnknownReason);

impl TlsSource {
    fn look(&self, run: &mut Run<'_>) -> Result<(), Fault> {
        let failed = |what: &str, error: String| (what.to_owned(), UnknownReason::new(Why::Failed, error));
        let [endpoint, certificate] = self.kinds.as_slice() else { return Ok(()) };
        let plan = Plan {
            targets: self.targets()?,
            trust: self.trust()?,
            connections: self.connections,
            per_address: self.per_address,
            connections_max: self.connections_max,
            patience: self.patience,
            allows_special: self.allows_special,
            skips_ipv6: self.skips_ipv6,
            silent_is_closed: self.silent_is_closed,
            plain_port: self.plain_port,
            fetches_lists: self.fetches_lists,
        };
        let mut seed = [0; 32];
        rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut seed)
            .map_err(|error| failed("random bytes", format!("{error:?}")))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed("the network", error.to_string()))?;
        runtime.block_on(survey(run, (endpoint, certificate), plan, seed));
        // A name server that never answers must not hold the run.
        runtime.shutdown_background();
        Ok(())
    }

    /// The endpoints of the settings and of the files.
    fn targets(&self) -> Result<Vec<Target>, Fault> {
        let mut targets = self.targets.clone();
        for path in &self.files {
            let text = read(path)?;
            let text = String::from_utf8_lossy(&text);
            for (number, line) in (1..).zip(text.lines()) {
                let place = || format!("{}:{number}", path.display());
                let fault = |error: String| (place(), UnknownReason::new(Why::Failed, error));
                targets.extend(target::read(line).map_err(fault)?);
                if targets.len() > ENDPOINTS_MAX {
                    return Err(fault(format!("more than {ENDPOINTS_MAX} endpoints")));
                }
            }
        }
        // The same endpoint on two lists is one.
        let mut seen = HashMap::new();
        targets.retain(|target| seen.insert(target.key(), ()).is_none());
        targets.iter_mut().for_each(|target| target.is_quick |= self.is_quick);
        Ok(targets)
    }

    fn trust(&self) -> Result<Trust, Fault> {
        let mut own = Vec::new();
        for path in &self.roots {
            let fault = |error: String| (path.display().to_string(), UnknownReason::new(Why::Failed, error));
            let bytes = read(path)?;
            let before = own.len();
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                own.push(certificate.map_err(|error| fault(error.to_string()))?.to_vec());
            }
            if own.len() == before {
                return Err(fault("there is no certificate in it; expected PEM".to_owned()));
            }
        }
        Trust::new(&own, !self.own_roots_only)
            .map_err(|error| ("roots".to_owned(), UnknownReason::new(Why::Failed, error)))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    let fault = |error: std::io::Error| {
        let why =
            if error.kind() == std::io::ErrorKind::PermissionDenied { Why::Denied } else { Why::Failed };
        (path.display().to_string(), UnknownReason::new(why, error.to_string()))
    };
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(fault)?;
    file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(fault(std::io::Error::other(format!("it is longer than {FILE_MAX} bytes"))));
    }
    Ok(bytes)
}
