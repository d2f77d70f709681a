//! Lists the files of the default program, so that the binary carries them.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../../program").canonicalize()?;
    let mut files = Vec::new();
    let mut cargo = std::io::stdout();
    collect(&root, "", &mut files, &mut cargo)?;
    files.sort();
    let mut list = String::from("pub(super) static EMBEDDED: &[(&str, &[u8])] = &[\n");
    for (inner, path) in &files {
        writeln!(list, "    ({inner:?}, include_bytes!({:?})),", path.display().to_string())?;
    }
    list.push_str("];\n");
    std::fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("embedded.rs"), list)?;
    Ok(())
}

fn collect(
    dir: &Path,
    prefix: &str,
    files: &mut Vec<(String, PathBuf)>,
    cargo: &mut impl std::io::Write,
) -> Result<(), Box<dyn Error>> {
    writeln!(cargo, "cargo::rerun-if-changed={}", dir.display())?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name =
            entry.file_name().into_string().map_err(|name| format!("{} is not UTF-8", name.display()))?;
        if name.starts_with('.') {
            continue;
        }
        let inner = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &inner, files, cargo)?;
        } else {
            files.push((inner, entry.path()));
        }
    }
    Ok(())
}
