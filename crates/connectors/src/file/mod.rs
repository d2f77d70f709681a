//! Files that other programs leave: our JSON Lines, CSV, OCSF findings (Prowler's) and osquery's results. What a file
//! says is as old as the file, unless it gives a time itself.

mod capped;
mod cell;
mod mapping;
mod ocsf;
mod osquery;
mod place;
mod records;
mod table;

use std::io::Read;
use std::path::PathBuf;

use octro_model::{Id, Span, UnknownReason, Why};
use serde_json::{Map, Value};

use self::ocsf::FindingReader;
use self::osquery::{OsqueryForm, ResultReader};
use self::place::{Opened, Place};
use self::table::TableForm;
use crate::coverage::Coverage;
use crate::lines::Lines;
use crate::settings::Settings;
use crate::{Connector, Run, Setting, SettingError, Source, Stopped, json_lines};

/// How large all files together may be by default, and at most, in bytes.
const SIZE_MAX: (u64, u64) = (512_000_000, 16_000_000_000);
/// The longest record, in bytes.
const RECORD_MAX: u64 = 4 << 20;
/// The most records of one file.
const RECORDS_MAX: u64 = 5_000_000;
/// The longest line of our own form, in bytes.
const LINE_MAX: usize = 1 << 20;
/// How old a file may be by default and still count as an enumeration, and at most.
const MAX_AGE: (Span, Span) = (Span::from_secs(7 * 86_400), Span::from_secs(3_660 * 86_400));

/// The connector.
#[derive(Debug, Clone, Copy)]
pub struct File;

impl Connector for File {
    fn name(&self) -> &'static str {
        "file"
    }

    fn summary(&self) -> &'static str {
        "Reads files that other programs leave: JSON Lines of our form, CSV, OCSF findings (Prowler), osquery results."
    }

    fn settings(&self) -> &'static [Setting] {
        const fn setting(
            name: &'static str,
            form: &'static str,
            required: bool,
            doc: &'static str,
        ) -> Setting {
            Setting { name, form, required, doc }
        }
        &const {
            [
                setting(
                    "path",
                    "string",
                    true,
                    "The absolute path of a file, or of a folder whose files are read.",
                ),
                setting(
                    "format",
                    "string",
                    true,
                    "`observations` (JSON Lines of our form), `csv`, `ocsf` or `osquery`.",
                ),
                setting("pick", "string", false, "Of a folder: `all` files (the default), or the `newest`."),
                setting(
                    "max_age",
                    "duration",
                    false,
                    "An older file is no enumeration any more; 7d by default.",
                ),
                setting(
                    "size_max",
                    "bytes",
                    false,
                    "How large all files together may be; 512 MB by default, at most 16 GB.",
                ),
                setting(
                    "kinds",
                    "list of strings",
                    false,
                    "observations: the kinds that the lines may have.",
                ),
                setting("kind", "string", false, "csv: the kind of its rows."),
                setting("key", "string or list", false, "csv: the columns that make the key, joined by `:`."),
                setting(
                    "columns",
                    "table",
                    false,
                    "csv: for each attribute a column, or { column, type, true, false, empty, format, separator }.",
                ),
                setting(
                    "at",
                    "string or table",
                    false,
                    "csv: the column that says when a row was true; by default the file's time.",
                ),
                setting("delimiter", "string", false, "csv: what stands between the fields; `,` by default."),
                setting(
                    "complete",
                    "bool",
                    false,
                    "csv, ocsf: whether the files hold every resource of their kind (of an account); no by default.",
                ),
                setting(
                    "queries",
                    "table",
                    false,
                    "osquery: for each query { kind, key, columns, at, complete }.",
                ),
                setting("host", "string", false, "osquery: the host of results that do not name it."),
            ]
        }
    }

    fn open(&self, settings: &Map<String, Value>) -> Result<Box<dyn Source>, SettingError> {
        let known: Vec<&str> = self.settings().iter().map(|setting| setting.name).collect();
        let all = Settings::new(settings, &known)?;
        let path = PathBuf::from(all.need("path", "the path of a file or folder")?);
        if !path.is_absolute() {
            return Err(all.refuse("path", format!("`{}`", path.display()), "an absolute path"));
        }
        let expected = "observations, csv, ocsf or osquery";
        let (name, own): (&str, Vec<&str>) = match all.need("format", expected)? {
            "observations" => ("observations", vec!["kinds"]),
            "csv" => ("csv", [mapping::SETTINGS.as_slice(), &TableForm::SETTINGS].concat()),
            "ocsf" => ("ocsf", vec!["complete"]),
            "osquery" => ("osquery", OsqueryForm::SETTINGS.to_vec()),
            other => return Err(all.refuse("format", format!("`{other}`"), expected)),
        };
        let common = ["path", "format", "pick", "max_age", "size_max"];
        if let Some(other) = settings.keys().find(|key| !common.iter().chain(&own).any(|known| known == key))
        {
            let what = format!("it is no setting of the format `{name}`");
            return Err(all.refuse(other, what, own.join(", ")));
        }
        let format = match name {
            "observations" => Format::Observations(all.kinds("kinds")?),
            "csv" => Format::Table(TableForm::from_settings(&all)?),
            "osquery" => Format::Osquery(OsqueryForm::from_settings(&all)?),
            _ => {
                let kind =
                    ocsf::KIND.parse().map_err(|_| all.refuse("format", "the kind's name", "a name"))?;
                Format::Findings { kind, is_complete: all.flag("complete")? }
            }
        };
        let is_newest_only = match all.text("pick")?.unwrap_or("all") {
            "all" => false,
            "newest" => true,
            other => return Err(all.refuse("pick", format!("`{other}`"), "all or newest")),
        };
        let size_max = all.bytes("size_max", SIZE_MAX.1)?.unwrap_or(SIZE_MAX.0);
        let max_age = all.span("max_age", MAX_AGE.1)?.unwrap_or(MAX_AGE.0);
        Ok(Box::new(FileSource { place: Place { path, is_newest_only, size_max }, format, max_age }))
    }
}

/// What the files hold.
enum Format {
    Observations(Vec<Id>),
    Table(TableForm),
    Findings { kind: Id, is_complete: bool },
    Osquery(OsqueryForm),
}

/// Reads the files of one run.
trait Reader {
    /// Reads one file. Whatever goes wrong in it is told to the coverage.
    fn file(&mut self, file: &Opened, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped>;
    /// There are no more files: says what was enumerated.
    fn end(&mut self, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped>;
}

impl Format {
    fn kinds(&self) -> Vec<Id> {
        match self {
            Self::Observations(kinds) => kinds.clone(),
            Self::Table(form) => vec![form.mapping.kind.clone()],
            Self::Findings { kind, .. } => vec![kind.clone()],
            Self::Osquery(form) => form.kinds(),
        }
    }

    /// How the names of its files end.
    const fn endings(&self) -> &'static [&'static str] {
        match self {
            Self::Observations(_) => &[".jsonl", ".ndjson", ".json"],
            Self::Table(_) => &[".csv", ".tsv"],
            Self::Findings { .. } => &[".json", ".jsonl"],
            Self::Osquery(_) => &[".log", ".json", ".jsonl"],
        }
    }

    /// Whether others append to the files while they are read.
    const fn is_log(&self) -> bool {
        matches!(self, Self::Osquery(_))
    }

    fn begin(&self, max_age: Span) -> Box<dyn Reader + '_> {
        match self {
            Self::Observations(_) => Box::new(ObservationReader),
            Self::Table(form) => Box::new(form.begin()),
            Self::Findings { kind, is_complete } => {
                Box::new(FindingReader::new(kind.clone(), *is_complete, max_age))
            }
            Self::Osquery(form) => Box::new(ResultReader::new(form, max_age)),
        }
    }
}

/// One file or folder.
struct FileSource {
    place: Place,
    format: Format,
    max_age: Span,
}

impl Source for FileSource {
    fn kinds(&self) -> Vec<Id> {
        self.format.kinds()
    }

    fn collect(&self, run: &mut Run<'_>) {
        let mut coverage = Coverage::new(self.kinds());
        // A run that was stopped is seen by whoever runs it; what was covered is told all the same.
        let _ = self.read(&mut coverage, run);
        coverage.finish(run);
    }

    fn mark(&self) -> Option<u64> {
        Some(self.place.mark(self.format.endings()))
    }
}

impl FileSource {
    fn read(&self, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        let name = self.place.path.display().to_string();
        let mend = "see that the path exists and that Octro's user may read it";
        let files = match self.place.files(self.format.endings()) {
            Ok(files) => files,
            Err(reason) => {
                coverage.broken(run, &name, reason, mend);
                return Ok(());
            }
        };
        let mut left = self.place.size_max;
        let mut reader = self.format.begin(self.max_age);
        for path in files {
            if run.is_stopped() {
                return Err(Stopped);
            }
            let file = match Opened::open(&path, left, run.now()) {
                Ok(file) => file,
                Err(reason) => {
                    coverage.broken(run, &path.display().to_string(), reason, mend);
                    continue;
                }
            };
            left = left.saturating_sub(file.bytes);
            reader.file(&file, coverage, run)?;
            self.doubt(&file, coverage, run);
        }
        reader.end(coverage, run)
    }

    /// Takes completeness away from a file that is too old, or that was written to while it was read.
    fn doubt(&self, file: &Opened, coverage: &mut Coverage, run: &mut Run<'_>) {
        let age = run.now().since(file.modified);
        if age > self.max_age {
            let what = format!("it was written {} ago; `max_age` is {}", age.human(), self.max_age);
            let mend = "see why nothing writes it any more";
            coverage.broken(run, &file.name, UnknownReason::new(Why::NotCollected, what), mend);
        }
        if !self.format.is_log() && file.has_changed() {
            let what = "it was written to while it was read";
            let mend = "write it under another name, then rename it";
            coverage.broken(run, &file.name, UnknownReason::new(Why::Failed, what), mend);
        }
    }
}

/// Our own JSON Lines: they say themselves what is complete.
struct ObservationReader;

impl Reader for ObservationReader {
    fn file(&mut self, file: &Opened, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        let mut lines = Lines::new(LINE_MAX);
        let mut input = file.reader();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match input.read(&mut buffer) {
                Ok(read) => buffer.get(..read).unwrap_or_default(),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let reason = UnknownReason::new(Why::Failed, error.to_string());
                    coverage.broken(run, &file.name, reason, "see the disk that holds it");
                    return Ok(());
                }
            };
            let mut take = |number: u64, line: crate::lines::Line<'_>| {
                json_lines::take(
                    &format!("{}:{number}", file.name),
                    &line,
                    Some(file.modified),
                    coverage,
                    run,
                )
            };
            if read.is_empty() {
                return lines.end(&mut take);
            }
            lines.feed(read, &mut take)?;
        }
    }

    fn end(&mut self, _: &mut Coverage, _: &mut Run<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
