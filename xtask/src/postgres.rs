//! A PostgreSQL of our own for the tests: on a free port of loopback, in a temporary folder, gone afterwards.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::tools::which;

/// A running server; it stops when this is dropped.
pub struct Postgres {
    server: Child,
    dir: PathBuf,
    port: u16,
}

impl Postgres {
    /// Makes and starts a server that trusts whoever connects from loopback.
    pub fn start() -> anyhow::Result<Self> {
        let bin = binaries()?;
        let dir = std::env::temp_dir().join(format!("octro-postgres-{}", std::process::id()));
        let data = dir.join("data");
        std::fs::create_dir_all(&dir)?;
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&dir))?;
        }
        run(as_postgres(&bin.join("initdb"))
            .args(["--auth=trust", "--username=octro", "--encoding=UTF8", "--no-sync", "--pgdata"])
            .arg(&data))
        .context("initdb")?;
        let (certificate, key) = (dir.join("server.crt"), dir.join("server.key"));
        run(as_postgres(Path::new("openssl"))
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(["-subj", "/CN=Octro's tests", "-addext", "subjectAltName=IP:127.0.0.1"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key))
        .context("a certificate for PostgreSQL")?;
        // A port that was free a moment ago; another process may still take it, so try a few.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let server = as_postgres(&bin.join("postgres"))
                .arg("-D")
                .arg(&data)
                .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", "", "-c", "fsync=off"])
                .args(["-c", "full_page_writes=off", "-c", "max_connections=200", "-c", "ssl=on"])
                .args(["-c", &format!("ssl_cert_file={}", certificate.display())])
                .args(["-c", &format!("ssl_key_file={}", key.display())])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .context("postgres cannot be started")?;
            let mut this = Self { server, dir: dir.clone(), port };
            if this.wait(&bin)? {
                return Ok(this);
            }
        }
        bail!("postgres does not answer on any of five ports")
    }

    fn wait(&mut self, bin: &Path) -> anyhow::Result<bool> {
        for _ in 0..150 {
            if self.server.try_wait()?.is_some() {
                return Ok(false);
            }
            let ready = Command::new(bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .status()
                .context("pg_isready")?;
            if ready.success() {
                return Ok(true);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(false)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("postgres://octro@127.0.0.1:{}/postgres", self.port)
    }

    /// The file with the certificate that it shows.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("server.crt")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // `setpriv` replaces itself with the server, so this is the server's own id. SIGINT is its fast shutdown.
        let stopped = Command::new("kill").args(["-INT", &self.server.id().to_string()]).status();
        if stopped.is_err() {
            // Nothing else is left to try.
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// The server does not run as root.
fn as_postgres(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program).current_dir("/");
    command
}

/// The newest installed version's programs.
fn binaries() -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max_by_key(|bin| bin.parent().and_then(|dir| dir.file_name()?.to_str()?.parse::<u32>().ok()));
    newest
        .or_else(|| which("initdb").and_then(|initdb| initdb.parent().map(Path::to_owned)))
        .context("PostgreSQL's server cannot be had: there is no initdb")
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if out.status.success() {
        return Ok(());
    }
    bail!("{command:?}: {}", String::from_utf8_lossy(&out.stderr))
}
