//! A PostgreSQL that a test starts, stops hard and starts again: on a free port, in a temporary folder.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::until;

/// The address of a server in which tests may make databases, if the caller names one.
pub fn shared() -> Option<String> {
    std::env::var("OCTRO_TEST_POSTGRES").ok().filter(|at| !at.is_empty())
}

/// A server of the test's own.
pub struct Postgres {
    dir: TempDir,
    bin: PathBuf,
    port: u16,
    server: Child,
}

impl Postgres {
    pub fn start() -> Self {
        let bin = newest();
        let dir = TempDir::with_prefix("octro-test-postgres-").unwrap();
        if is_root() {
            let (user, group) = ids();
            chown(dir.path(), Some(user), Some(group)).unwrap();
        }
        let data = dir.path().join("data");
        let made = as_postgres(&bin.join("initdb"))
            .args(["--auth=trust", "--username=octro", "--encoding=UTF8", "--no-sync", "--pgdata"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = serve(&bin, &data, port);
        let this = Self { dir, bin, port, server };
        this.ready();
        this
    }

    pub fn url(&self) -> String {
        format!("postgres://octro@127.0.0.1:{}/postgres", self.port)
    }

    /// Stops it by a signal (`INT` is its fast shutdown, `QUIT` its immediate one), and starts it again.
    pub fn restart(&mut self, how: Signal) {
        kill_process(Pid::from_raw(self.server.id().cast_signed()).unwrap(), how).unwrap();
        self.server.wait().unwrap();
        self.server = serve(&self.bin, &self.dir.path().join("data"), self.port);
        self.ready();
    }

    fn ready(&self) {
        until("PostgreSQL answers", || {
            let port = self.port.to_string();
            let asked = Command::new(self.bin.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status();
            asked.unwrap().success()
        });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = kill_process(Pid::from_raw(self.server.id().cast_signed()).unwrap(), Signal::QUIT);
        let _ = self.server.wait();
    }
}

/// A commit is durable only if it was synced: this server keeps its defaults.
fn serve(bin: &Path, data: &Path, port: u16) -> Child {
    as_postgres(&bin.join("postgres"))
        .arg("-D")
        .arg(data)
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-k", ""])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
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

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// User and group of the account `postgres`.
fn ids() -> (u32, u32) {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = accounts.lines().find(|line| line.starts_with("postgres:")).expect("an account `postgres`");
    let mut numbers = line.split(':').skip(2).map(|text| text.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn newest() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL's server").flatten();
    versions
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .max_by_key(|bin| bin.parent().and_then(|dir| dir.file_name()?.to_str()?.parse::<u32>().ok()))
        .expect("PostgreSQL's server")
}
