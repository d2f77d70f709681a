//! What no other tool checks: who may depend on whom, how long a file may be, and SQL that both databases read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::step::say;

/// The edges that are allowed, from the top down: octro -> server -> parts -> kernel -> model. A part never depends on
/// another part. Tests may use `testkit`, and nothing else may.
const EDGES: &[(&str, &[&str])] = &[
    (
        "octro",
        &[
            "server",
            "demo",
            "connectors",
            "engine",
            "ledger",
            "verify",
            "program",
            "cel",
            "store",
            "model",
            "posture",
            "web",
        ],
    ),
    (
        "server",
        &["posture", "connectors", "web", "engine", "ledger", "outbound", "program", "store", "model"],
    ),
    ("demo", &["engine", "program", "store", "model"]),
    ("posture", &["engine", "ledger", "verify", "program", "cel", "web", "model"]),
    ("connectors", &["outbound", "model"]),
    ("engine", &["ledger", "verify", "program", "cel", "store", "model"]),
    ("program", &["cel", "model"]),
    ("cel", &["model"]),
    ("store", &["model"]),
    ("web", &["model"]),
    ("outbound", &["model"]),
    ("model", &[]),
    ("ledger", &["outbound", "store", "verify", "model"]),
    ("verify", &[]),
    ("testkit", &["engine", "program", "cel", "store", "model"]),
];

/// Lines from which a file is looked at again, and from which it is refused.
const LINES_REVIEW: usize = 400;
const LINES_MAX: usize = 600;
/// Files that may be longer, each with the reason.
const LONG: &[(&str, &str)] = &[];

/// Words that only one of the two databases reads. `store/src/dialect.rs` alone may use them.
const ONE_DATABASE: &[&str] = &[
    "INSERT OR ",
    "REPLACE INTO",
    "AUTOINCREMENT",
    "datetime('now'",
    "NOW()",
    "CURRENT_TIMESTAMP",
    "ILIKE",
    " GLOB ",
    "json_extract",
    "jsonb",
    "IFNULL(",
    "SERIAL",
    "LAST_INSERT_ROWID",
];

/// Runs all of it; answers whether everything is in order.
pub fn run() -> anyhow::Result<bool> {
    let root = crate::root();
    let mut wrong = edges(&root)?;
    let files = sources(&root)?;
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let name = file.strip_prefix(&root).unwrap_or(file).display().to_string();
        lines(&name, &text, &mut wrong);
        // `testkit` makes and drops databases, whose names cannot be bound.
        let exempt =
            name.ends_with("dialect.rs") || name.starts_with("xtask/") || name.starts_with("crates/testkit/");
        if !exempt {
            sql(&name, &text, &mut wrong);
        }
    }
    wrong.extend(migrations(&root)?);
    for line in &wrong {
        say(line);
    }
    say(&format!(
        "{} files: {}",
        files.len(),
        if wrong.is_empty() { "in order".to_owned() } else { format!("{} things are wrong", wrong.len()) }
    ));
    Ok(wrong.is_empty())
}

fn edges(root: &Path) -> anyhow::Result<Vec<String>> {
    let out = Command::new("cargo")
        .current_dir(root)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .output()
        .context("cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&out.stdout).context("cargo metadata")?;
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata.get("packages").and_then(Value::as_array).into_iter().flatten() {
        let short =
            |value: &Value| value.as_str().unwrap_or_default().trim_start_matches("octro-").to_owned();
        let name = short(&package["name"]);
        if name == "xtask" {
            continue;
        }
        let Some(allowed) = allowed.get(name.as_str()) else {
            wrong.push(format!(
                "crates/{name}: a crate that xtask/src/lint.rs does not place; add it to EDGES"
            ));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let to = dependency["name"].as_str().unwrap_or_default();
            if !to.starts_with("octro") || dependency["path"].is_null() {
                continue;
            }
            let to = short(&dependency["name"]);
            let dev = dependency["kind"] == "dev";
            if !allowed.contains(&to.as_str()) && !dev {
                wrong.push(format!("crates/{name}: depends on {to}; allowed are {}", allowed.join(", ")));
            }
        }
    }
    Ok(wrong)
}

fn sources(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![root.join("crates"), root.join("xtask/src")];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                if path.file_name().is_none_or(|name| name != "target") {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn lines(name: &str, text: &str, wrong: &mut Vec<String>) {
    let lines = text.lines().count();
    let long = LONG.iter().any(|(file, _)| *file == name);
    if lines > LINES_MAX && !long {
        wrong.push(format!("{name}: {lines} lines; expected at most {LINES_MAX}: split it"));
    } else if lines > LINES_REVIEW && !long {
        say(&format!("{name}: {lines} lines; does it still tell one story?"));
    }
}

fn sql(name: &str, text: &str, wrong: &mut Vec<String>) {
    // A test may do to one database what only its owner would.
    if name.contains("/tests/") {
        return;
    }
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if let Some(word) = ONE_DATABASE.iter().find(|word| line.contains(**word)) {
            wrong.push(format!("{name}:{}: `{}` is not SQL of both databases", number + 1, word.trim()));
        }
        // A cast as only PostgreSQL writes it: `$1::bigint`.
        let cast = line
            .split("::")
            .zip(line.split("::").skip(1))
            .any(|(before, _)| before.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with('$'));
        if cast {
            wrong.push(format!(
                "{name}:{}: `::` is not SQL of both databases; write CAST(... AS ...)",
                number + 1
            ));
        }
        if line.contains("AssertSqlSafe(") {
            wrong.push(format!("{name}:{}: SQL is put together only in store/src/dialect.rs", number + 1));
        }
    }
}

/// Both databases have the same migrations.
fn migrations(root: &Path) -> anyhow::Result<Vec<String>> {
    let names = |dialect: &str| -> anyhow::Result<Vec<String>> {
        let dir = root.join("crates/store/migrations").join(dialect);
        let mut names: Vec<String> = std::fs::read_dir(&dir)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<std::io::Result<_>>()?;
        names.sort();
        Ok(names)
    };
    let (sqlite, postgres) = (names("sqlite")?, names("postgres")?);
    Ok(if sqlite == postgres {
        Vec::new()
    } else {
        vec![format!(
            "crates/store/migrations: sqlite has {sqlite:?}, postgres {postgres:?}; expected the same files"
        )]
    })
}
