//! The program of the bucket benchmark: one kind and ten rules.

use std::collections::BTreeMap;

use octro_program::Files;

const KIND: &str = include_str!("program/bench.bucket.toml");
const TESTS: &str = include_str!("program/tests.txt");

const PROGRAM: &str =
    "name = \"Benchmark\"\n[assets]\ndatastore = \"Object stores\"\n[parts]\ndata = \"Data\"\n";
const ROLES: &str = "[security]\ntitle = \"Security\"\ndoc = \"Runs the benchmark.\"\n";

/// Its files.
pub fn files() -> Files {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut put = |path: &str, text: &str| files.insert(path.to_owned(), text.as_bytes().to_vec());
    put("program.toml", PROGRAM);
    put("roles.toml", ROLES);
    put("kinds/bench.bucket.toml", KIND);
    let mut tests = Vec::new();
    for part in TESTS.split("#== ").skip(1) {
        if let Some((path, text)) = part.split_once('\n') {
            put(path, text);
            tests.extend(
                path.strip_prefix("tests/").and_then(|name| name.strip_suffix(".toml")).map(str::to_owned),
            );
        }
    }
    let tests: Vec<String> = tests.iter().map(|test| format!("\"{test}\"")).collect();
    let control = format!(
        "title = \"Buckets are in order\"\nstatement = \"All ten rules hold.\"\nwhy = \"It is a benchmark.\"\n\
         owner = \"security\"\nlayer = \"protect\"\nprotects = [\"datastore\"]\ntests = [{}]\nevidence = []\n",
        tests.join(", ")
    );
    put("controls/data/BE-01.toml", &control);
    Files::new(files)
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_loads() {
        let problems = octro_program::load(&super::files()).err().unwrap_or_default();
        assert!(
            problems.is_empty(),
            "{}",
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        );
    }
}
