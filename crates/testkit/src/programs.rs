//! Small programs, put together file by file.

use std::collections::BTreeMap;

use octro_model::{Observation, Timestamp};
use octro_program::Files;
use std::fmt::Write as _;

/// A program in the making. It has one part, `all`, and one role, `team`.
#[derive(Clone, Debug)]
pub struct ProgramBuilder {
    files: BTreeMap<String, Vec<u8>>,
}

impl Default for ProgramBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl ProgramBuilder {
    /// A program without kinds, tests and controls.
    pub fn new() -> Self {
        let mut files = BTreeMap::new();
        let program = "name = \"Of a test\"\n[assets]\ndata = \"Data\"\n[parts]\nall = \"Everything\"\n";
        files.insert("program.toml".to_owned(), program.as_bytes().to_vec());
        let roles = "[team]\ntitle = \"The team\"\ndoc = \"Does everything.\"\n";
        files.insert("roles.toml".to_owned(), roles.as_bytes().to_vec());
        Self { files }
    }

    /// A kind with attributes: name, type, and the kind that it refers to or nothing. Its facts are kept for 90 days.
    #[must_use]
    pub fn kind(mut self, id: &str, rev: u32, attributes: &[(&str, &str, &str)]) -> Self {
        let mut text = format!(
            "rev = {rev}\ntitle = \"Kind {id}\"\ndoc = \"Of a test.\"\npart = \"all\"\nretain = \"90d\"\n"
        );
        for (name, of, refers) in attributes {
            let _ = write!(text, "[attributes.{name}]\ntype = \"{of}\"\ndoc = \"Of a test.\"\n");
            if !refers.is_empty() {
                let _ = writeln!(text, "ref = \"{refers}\"");
            }
        }
        self.files.insert(format!("kinds/{id}.toml"), text.into_bytes());
        self
    }

    /// Puts a kind into an asset class.
    #[must_use]
    pub fn of_asset(mut self, kind: &str, asset: &str) -> Self {
        if let Some(text) = self.files.get_mut(&format!("kinds/{kind}.toml")) {
            let part = "part = \"all\"\n";
            let put = String::from_utf8_lossy(text).replace(part, &format!("{part}asset = \"{asset}\"\n"));
            *text = put.into_bytes();
        }
        self
    }

    /// Marks an attribute of a kind as personal data.
    #[must_use]
    pub fn personal(mut self, kind: &str, attribute: &str) -> Self {
        if let Some(text) = self.files.get_mut(&format!("kinds/{kind}.toml")) {
            let line = format!("[attributes.{attribute}]\n");
            let marked =
                String::from_utf8_lossy(text).replace(&line, &format!("{line}sensitivity = \"personal\"\n"));
            *text = marked.into_bytes();
        }
        self
    }

    /// A test: its file after `title` and `why`, which are made up.
    #[must_use]
    pub fn test(mut self, id: &str, text: &str) -> Self {
        let text =
            format!("title = \"Test {id}\"\nwhy = \"Of a test.\"\n{text}\n[fix]\ntext = \"Mend it.\"\n");
        self.files.insert(format!("tests/{id}.toml"), text.into_bytes());
        self
    }

    /// A control over tests.
    #[must_use]
    pub fn control(mut self, id: &str, tests: &[&str]) -> Self {
        let text = format!(
            "title = \"Control {id}\"\nstatement = \"It is so.\"\nwhy = \"Of a test.\"\nowner = \"team\"\n\
             layer = \"protect\"\nprotects = [\"data\"]\ntests = {tests:?}\n"
        );
        self.files.insert(format!("controls/all/{id}.toml"), text.into_bytes());
        self
    }

    /// An exception.
    #[must_use]
    pub fn exception(
        mut self,
        id: &str,
        test: &str,
        resource: &str,
        approved: Timestamp,
        expires: Timestamp,
    ) -> Self {
        let text = format!(
            "test = \"{test}\"\nresource = \"{resource}\"\nreason = \"Of a test.\"\nowner = \"ann@example.com\"\n\
             approver = \"bob@example.com\"\napproved = \"{approved}\"\nexpires = \"{expires}\"\n"
        );
        self.files.insert(format!("exceptions/{id}.toml"), text.into_bytes());
        self
    }

    /// Any other file.
    #[must_use]
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), text.as_bytes().to_vec());
        self
    }

    /// Without a file.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// The files of the program.
    pub fn files(&self) -> Files {
        Files::new(self.files.clone())
    }
}

/// An observation from JSON, as the `exec` form writes it.
///
/// # Panics
/// If it is none.
#[expect(clippy::panic, reason = "a test that writes no observation is wrong")]
pub fn observation(json: &serde_json::Value) -> Observation {
    serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"))
}
