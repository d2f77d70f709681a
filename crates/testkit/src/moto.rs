//! moto: something that speaks like AWS, started by a test.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context as _;

/// How often it is tried whether it listens, every 50 ms.
const TRIES: u32 = 1_200;

/// moto, until it is dropped.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    /// The port where it answers.
    pub port: u16,
}

impl Moto {
    /// The interpreter that has moto.
    ///
    /// # Errors
    /// If it is not there, and what installs it.
    pub fn python() -> anyhow::Result<PathBuf> {
        let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../.xtask/python/bin/python"));
        let python = std::env::var_os("OCTRO_TEST_PYTHON").map_or_else(beside, PathBuf::from);
        anyhow::ensure!(
            python.exists(),
            "{} is not there; `cargo xtask test` installs it, with moto, and OCTRO_TEST_PYTHON names another",
            python.display()
        );
        Ok(python)
    }

    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start() -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = Command::new(Self::python()?)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("moto cannot be started")?;
        let moto = Self { child, port };
        for _ in 0..TRIES {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Ok(moto);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        anyhow::bail!("moto does not begin to listen")
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
