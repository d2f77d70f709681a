//! What the tests need, installed by itself: Debian packages where a command is missing, npm packages in a local folder,
//! cargo's own tools. What cannot be had is an error that names it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::step::say;

/// A command (or file), and the Debian package that brings it.
const DEBIAN: &[(&str, &str)] = &[
    ("/usr/lib/postgresql", "postgresql"),
    ("chromium", "chromium"),
    ("openssl", "openssl"),
    ("nginx", "nginx-light"),
    ("redis-server", "redis-server"),
    ("mariadbd", "mariadb-server"),
    ("softhsm2-util", "softhsm2"),
    ("cryptsetup", "cryptsetup-bin"),
    ("nft", "nftables"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("losetup", "mount"),
    ("mkfs.ext4", "e2fsprogs"),
    ("unzip", "unzip"),
    ("unshare", "util-linux"),
    ("python3", "python3"),
    ("setpriv", "util-linux"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("go", "golang-go"),
];

/// npm packages of the tests, in exact versions: a browser's remote control, and a verifier that is not ours.
const NPM: &[&str] = &["playwright-core@1.65.1", "axe-core@4.14.1", "@sigstore/verify@3.1.1"];

/// Python packages of the tests, in their exact versions: a verifier that is not ours, and a cloud to publish into. They
/// never leave the tests.
const PYTHON: &[(&str, &str)] = &[("pymerkle", "7.0.0"), ("moto", "5.2.5")];

/// Where a command is.
pub fn which(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    let path = std::env::var_os("PATH")?;
    let sbin = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(sbin).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// Installs the Debian packages whose commands are missing.
pub fn debian() -> anyhow::Result<()> {
    let missing: Vec<&str> =
        DEBIAN.iter().filter(|(has, _)| which(has).is_none()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    apt(&missing)
}

fn apt(missing: &[&str]) -> anyhow::Result<()> {
    say(&format!("installing Debian packages: {}", missing.join(", ")));
    if which("apt-get").is_none() {
        bail!("{} cannot be had: this system has no apt-get; install them by hand", missing.join(", "));
    }
    quietly(Command::new("apt-get").args(["update", "-qq"])).context("apt-get update")?;
    let mut install = Command::new("apt-get");
    install
        .env("DEBIAN_FRONTEND", "noninteractive")
        // What is installed is started by the tests that need it, not by Debian.
        .env("RUNLEVEL", "1")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(missing);
    quietly(&mut install).with_context(|| format!("{} cannot be had from apt-get", missing.join(", ")))
}

/// Installs the npm packages; answers the folder that holds `node_modules`.
pub fn npm(root: &Path) -> anyhow::Result<PathBuf> {
    let dir = root.join(".xtask/node");
    let stamp = dir.join("installed");
    let wanted = NPM.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == wanted) {
        return Ok(dir);
    }
    say(&format!("installing npm packages: {}", NPM.join(", ")));
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("package.json"), "{\"private\": true}\n")?;
    let mut install = Command::new("npm");
    install
        .current_dir(&dir)
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
        .args(NPM);
    quietly(&mut install).with_context(|| format!("{} cannot be had from npm", NPM.join(", ")))?;
    std::fs::write(stamp, wanted)?;
    Ok(dir)
}

/// Installs the Python packages into an environment of its own; answers the environment's interpreter.
pub fn python(root: &Path) -> anyhow::Result<PathBuf> {
    let dir = root.join(".xtask/python");
    let python = dir.join("bin/python");
    let asserted = PYTHON.iter().map(|(package, version)| format!("m.version('{package}') == '{version}'"));
    let script =
        format!("import importlib.metadata as m; assert {}", asserted.collect::<Vec<_>>().join(" and "));
    let there = Command::new(&python).args(["-c", &script]).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(python);
    }
    let wanted: Vec<String> = PYTHON
        .iter()
        .map(|(package, version)| match *package {
            "moto" => format!("moto[server]=={version}"),
            package => format!("{package}=={version}"),
        })
        .collect();
    say(&format!("installing Python packages: {}", wanted.join(", ")));
    let environment = || quietly(Command::new("python3").args(["-m", "venv"]).arg(&dir));
    // Debian has a part of Python that this needs in a package of its own.
    if environment().is_err() {
        apt(&["python3-venv"])?;
        environment()?;
    }
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(&wanted);
    quietly(&mut install).with_context(|| format!("{} cannot be had from PyPI", wanted.join(", ")))?;
    Ok(python)
}

/// Installs `cargo deny` if it is not there.
pub fn cargo_deny() -> anyhow::Result<()> {
    let there = Command::new("cargo")
        .args(["deny", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    say("installing cargo-deny (a few minutes, once)");
    let mut install = Command::new("cargo");
    install.args(["install", "--locked", "--quiet", "cargo-deny"]);
    quietly(&mut install).context("cargo-deny cannot be had from crates.io")
}

/// Runs a command and shows what it printed only if it fails.
pub fn quietly(command: &mut Command) -> anyhow::Result<()> {
    let out = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?} cannot be run"))?;
    if out.status.success() {
        return Ok(());
    }
    say(&String::from_utf8_lossy(&out.stdout));
    say(&String::from_utf8_lossy(&out.stderr));
    bail!("{command:?} failed: {}", out.status)
}
