//! From the start of the process to its first page, and what it then holds in memory.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::buckets::Bucket;
use super::measure::{Figures, TIMES, instant, median, memory_of};
use super::stored::Stored;

pub async fn run(resources: u32) -> anyhow::Result<Figures> {
    let mut figures = Figures::new("start", resources);
    let stored = Stored::new("start").await?;
    stored.collect(resources, |number| Bucket::new(number, 0)).await?;
    let path = stored.path();
    stored.query.set("simulated", "no").await?;
    stored.engine.db().close().await;
    // The lock goes with the folder's handle; the files stay.
    drop(stored);
    let config = path.join("octro.toml");
    std::fs::write(&config, "listen = \"127.0.0.1:0\"\ndata = \".\"\n")?;
    let mut first = Vec::new();
    let mut idle = 0.0;
    for _ in 0..TIMES {
        let begun = instant();
        let mut octro = Up::start(&config)?;
        octro.first_page()?;
        first.push(begun.elapsed().as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_secs(2));
        idle = memory_of(&octro.0.id().to_string(), "VmRSS:") / 1e6;
    }
    figures.add("start to first page", median(first), "ms");
    figures.add("memory when idle", idle, "MB");
    std::fs::remove_dir_all(path)?;
    Ok(figures)
}

/// A running `octro up`; it is ended when this is dropped.
struct Up(Child);

impl Up {
    fn start(config: &std::path::Path) -> anyhow::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .args(["up", "--quiet", "--config"])
            .arg(config)
            .stdout(Stdio::piped())
            .spawn()
            .context("octro up")?;
        Ok(Self(child))
    }

    /// Waits until the overview is served as a whole.
    fn first_page(&mut self) -> anyhow::Result<()> {
        let out = self.0.stdout.take().context("octro up has no stdout")?;
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line)?;
        let address =
            line.trim().trim_start_matches("http://").trim_end_matches('/').replace("localhost", "127.0.0.1");
        for _ in 0..2_000 {
            let mut stream = TcpStream::connect(&address).with_context(|| address.clone())?;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer)?;
            if answer.starts_with(b"HTTP/1.1 200") {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("no page within 10 s")
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
