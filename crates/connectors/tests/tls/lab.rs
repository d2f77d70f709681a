//! The lab of real servers: nginx on ports of its own, ended when the test ends.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};

/// How many places were tried, over all tests of this process: two labs that start at once must not want the same ports.
static TRIED: AtomicU16 = AtomicU16::new(0);

/// A lab that runs.
pub struct Lab {
    folder: tempfile::TempDir,
    script: PathBuf,
    base: u16,
}

impl Lab {
    /// Starts it where all of its ports are free.
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/labs/tls/lab.sh");
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..40 {
            let attempt = TRIED.fetch_add(1, Ordering::Relaxed);
            let base = 10_000
                + ((std::process::id() as u16).wrapping_mul(151).wrapping_add(attempt.wrapping_mul(977)))
                    % 5_000;
            if (base..base + 150).any(|port| TcpListener::bind(("127.0.0.1", port)).is_err()) {
                continue;
            }
            let ran = Command::new("bash")
                .arg(&script)
                .arg("start")
                .arg(folder.path())
                .arg(base.to_string())
                .output();
            let ran = ran.unwrap();
            assert!(
                ran.status.success(),
                "the lab needs nginx and openssl: {}",
                String::from_utf8_lossy(&ran.stderr)
            );
            return Self { folder, script, base };
        }
        panic!("150 free ports in a row were not found");
    }

    /// The port of a server.
    pub fn port(&self, number: u16) -> u16 {
        self.base + number
    }

    /// A file of the lab.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        Command::new("bash").arg(&self.script).arg("stop").arg(self.folder.path()).status().ok();
    }
}
