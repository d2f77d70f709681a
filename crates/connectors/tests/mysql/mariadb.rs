//! A MariaDB in a folder of its own, on a free port of loopback.

use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

/// A server; it stops when this is dropped.
pub struct Mariadb {
    server: Child,
    port: u16,
    folder: Rc<tempfile::TempDir>,
}

impl Mariadb {
    /// Makes and starts one with these lines in its settings; with TLS, it has a certificate, and a key for files.
    pub fn start(settings: &str, has_tls: bool) -> Self {
        let folder = Rc::new(tempfile::tempdir().unwrap());
        let at = folder.path();
        // A folder for temporary tables too: servers that start at once take the same names for them.
        std::fs::create_dir(at.join("tmp")).unwrap();
        let mut lines = format!(
            "[mysqld]\ndatadir = {0}/data\ntmpdir = {0}/tmp\nsocket = {0}/server.sock\n",
            at.display()
        );
        lines += "bind_address = 127.0.0.1\ninnodb_fast_shutdown = 2\ninnodb_flush_log_at_trx_commit = 0\n";
        if has_tls {
            certificate(at);
            // One key, as file_key_management wants it: a number, and 32 bytes.
            std::fs::write(at.join("keys"), format!("1;{}\n", "0123456789abcdef".repeat(4))).unwrap();
            lines += &format!(
                "ssl_cert = {0}/server.crt\nssl_key = {0}/server.key\nloose_file_key_management_filename = {0}/keys\n",
                at.display()
            );
        }
        std::fs::write(at.join("my.cnf"), lines + settings).unwrap();
        if is_root() {
            done(Command::new("chown").args(["-R", "mysql"]).arg(at));
        }
        let defaults = format!("--defaults-file={}/my.cnf", at.display());
        let mut install = as_mysql("mariadb-install-db");
        // What encrypts is told to the server alone: the program that makes its first tables knows none of it.
        install.args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.arg(format!("--tmpdir={}/tmp", at.display()));
        done(install.arg(format!("--datadir={}/data", at.display())));
        // A port that was free a moment ago; another process may still take it, so try a few.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let server = as_mysql("mariadbd")
                .args([defaults.as_str(), &format!("--port={port}")])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(std::fs::File::create(at.join("log")).unwrap())
                .spawn()
                .unwrap();
            let mut this = Self { server, port, folder: folder.clone() };
            if this.answers() {
                return this;
            }
        }
        panic!("mariadbd does not answer on any of five ports");
    }

    fn answers(&mut self) -> bool {
        for _ in 0..400 {
            if self.server.try_wait().unwrap().is_some() {
                return false;
            }
            if self.client().arg("--execute=SELECT 1").output().unwrap().status.success() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    fn client(&self) -> Command {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "--user=root", "--socket"]).arg(self.folder.path().join("server.sock"));
        client
    }

    /// Does something as root.
    pub fn run(&self, statements: &[&str]) {
        done(self.client().arg(format!("--execute={}", statements.join(";"))));
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn socket(&self) -> String {
        self.folder.path().join("server.sock").display().to_string()
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("server.crt")
    }
}

impl Drop for Mariadb {
    fn drop(&mut self) {
        // `setpriv` replaces itself with the server, so this is the server's own id.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Who runs the tests.
pub fn me() -> String {
    let out = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn certificate(at: &Path) {
    let mut made = Command::new("openssl");
    made.args([
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
    .args(["-subj", "/CN=db", "-addext", "subjectAltName=IP:127.0.0.1"])
    .args(["-addext", "basicConstraints=critical,CA:FALSE", "-out"])
    .arg(at.join("server.crt"))
    .arg("-keyout")
    .arg(at.join("server.key"));
    done(&mut made);
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}

/// The server does not run as root.
fn as_mysql(program: &str) -> Command {
    let sbin = Path::new("/usr/sbin").join(program);
    let program = if sbin.exists() { sbin } else { PathBuf::from(program) };
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=mysql", "--regid=mysql", "--clear-groups"]).arg(program).current_dir("/");
    command
}

fn done(command: &mut Command) {
    let out = command.stdin(Stdio::null()).output().unwrap();
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&out.stderr));
}
