//! CSV: a header, and a row for each resource.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use octro_model::{ScopeReport, UnknownReason, Why};

use super::capped::Capped;
use super::mapping::Mapping;
use super::place::Opened;
use super::{RECORD_MAX, RECORDS_MAX, Reader};
use crate::coverage::Coverage;
use crate::settings::Settings;
use crate::{Run, SettingError, Stopped};

/// What an operator can do about a row.
const MEND: &str = "correct the export, or the settings that name its columns";

/// How a CSV file is read.
#[derive(Debug)]
pub(crate) struct TableForm {
    /// How its rows become resources.
    pub mapping: Mapping,
    delimiter: u8,
    is_complete: bool,
}

impl TableForm {
    /// The settings that it reads besides the mapping's.
    pub(crate) const SETTINGS: [&str; 2] = ["delimiter", "complete"];

    /// Reads the settings.
    pub(crate) fn from_settings(settings: &Settings<'_>) -> Result<Self, SettingError> {
        let delimiter = settings.text("delimiter")?.unwrap_or(",");
        let &[delimiter] = delimiter.as_bytes() else {
            return Err(settings.refuse(
                "delimiter",
                format!("`{delimiter}`"),
                "one ASCII character, as `;`",
            ));
        };
        Ok(Self {
            mapping: Mapping::from_settings(settings)?,
            delimiter,
            is_complete: settings.flag("complete")?,
        })
    }

    /// Begins reading.
    pub(crate) fn begin(&self) -> TableReader<'_> {
        TableReader { form: self, keys: HashSet::new(), hasher: RandomState::new() }
    }
}

/// One run through files of one table.
pub(crate) struct TableReader<'f> {
    form: &'f TableForm,
    /// Hashes of the keys: the keys themselves would hold the whole file in memory.
    keys: HashSet<u64>,
    hasher: RandomState,
}

impl Reader for TableReader<'_> {
    fn file(&mut self, file: &Opened, coverage: &mut Coverage, run: &mut Run<'_>) -> Result<(), Stopped> {
        let (capped, mark) = Capped::new(file.reader(), RECORD_MAX);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(self.form.delimiter)
            .flexible(true)
            // With its default, the crate counts a line too few after a carriage return; cells are trimmed anyway.
            .terminator(csv::Terminator::Any(b'\n'))
            .trim(csv::Trim::Headers)
            .from_reader(capped);
        let header = match self.header(&mut reader) {
            Ok(header) => header,
            Err(what) => {
                let reason = UnknownReason::new(Why::Failed, what);
                coverage.broken(run, &format!("{}:1", file.name), reason, MEND);
                return Ok(());
            }
        };
        let mut record = csv::ByteRecord::new();
        loop {
            mark.record();
            let more = match reader.read_byte_record(&mut record) {
                Ok(more) => more,
                Err(error) => {
                    let line = reader.position().line();
                    let reason = UnknownReason::new(Why::Failed, format!("{error} (is a quote not closed?)"));
                    coverage.broken(run, &format!("{}:{line}", file.name), reason, MEND);
                    return Ok(());
                }
            };
            if !more {
                return Ok(());
            }
            if record.len() == 1 && record.get(0).is_some_and(|cell| cell.trim_ascii().is_empty()) {
                continue;
            }
            let place = format!("{}:{}", file.name, record.position().map_or(0, csv::Position::line));
            if self.keys.len() as u64 >= RECORDS_MAX {
                let reason = UnknownReason::new(Why::Failed, format!("more than {RECORDS_MAX} rows"));
                coverage.broken(run, &place, reason, "split the file into several sources");
                return Ok(());
            }
            self.row(&record, &header, &place, file, coverage, run)?;
        }
    }

    fn end(&mut self, coverage: &mut Coverage, _: &mut Run<'_>) -> Result<(), Stopped> {
        let reason = (!self.form.is_complete).then(|| {
            let what = "the setting `complete` does not say that the file holds them all";
            UnknownReason::new(Why::NotCollected, what)
        });
        coverage.told(ScopeReport {
            kind: self.form.mapping.kind.clone(),
            scope: String::new(),
            complete: self.form.is_complete,
            resources: 0,
            pages: 1,
            reason,
        });
        Ok(())
    }
}

/// The columns of a file.
struct Header {
    places: HashMap<String, usize>,
    width: usize,
}

impl TableReader<'_> {
    fn header<R: std::io::Read>(&self, reader: &mut csv::Reader<R>) -> Result<Header, String> {
        let header = reader.headers().map_err(|error| format!("the header cannot be read: {error}"))?;
        let mut places = HashMap::new();
        let mut twice = HashSet::new();
        for (place, name) in header.iter().enumerate() {
            let name = if place == 0 { name.trim_start_matches('\u{feff}').trim_matches('"') } else { name };
            if places.insert(name.to_owned(), place).is_some() {
                twice.insert(name.to_owned());
            }
        }
        for column in self.form.mapping.columns() {
            if twice.contains(column) {
                return Err(format!("the column `{column}` is there twice; expected it once"));
            }
            if !places.contains_key(column) {
                let found = header.iter().collect::<Vec<_>>().join(", ");
                return Err(format!("there is no column `{column}`; expected one of {found}"));
            }
        }
        Ok(Header { places, width: header.len() })
    }

    fn row(
        &mut self,
        record: &csv::ByteRecord,
        header: &Header,
        place: &str,
        file: &Opened,
        coverage: &mut Coverage,
        run: &mut Run<'_>,
    ) -> Result<(), Stopped> {
        let mapping = &self.form.mapping;
        let mapped = if record.len() == header.width {
            let cells = |column: &str| {
                let bytes = record.get(*header.places.get(column)?)?;
                Some(String::from_utf8_lossy(bytes))
            };
            match self.misread(record, header) {
                Some(what) => Err(what),
                None => mapping.read(&cells, "", file.modified),
            }
        } else {
            let (found, width) = (record.len(), header.width);
            Err(format!("it has {found} fields; expected {width} as in the header (is a quote not closed?)"))
        };
        let mapped = mapped.and_then(|mapped| {
            let hash = self.hasher.hash_one(&mapped.observation.key);
            if self.keys.insert(hash) {
                return Ok(mapped);
            }
            let key = &mapped.observation.key;
            Err(format!("the key `{key}` has been there already; expected another (see the setting `key`)"))
        });
        match mapped {
            Ok(mapped) => {
                for what in &mapped.unread {
                    coverage.remark(run, place, what, MEND);
                }
                coverage.saw(&mapping.kind, "");
                run.observe(mapped.observation)
            }
            Err(what) => {
                coverage.skip(run, Some(mapping.kind.clone()), place, &what, MEND);
                Ok(())
            }
        }
    }

    /// A column that is read and is not UTF-8.
    fn misread(&self, record: &csv::ByteRecord, header: &Header) -> Option<String> {
        let is_misread = |column: &&str| {
            let cell = header.places.get(*column).and_then(|place| record.get(*place));
            cell.is_some_and(|cell| std::str::from_utf8(cell).is_err())
        };
        let column = self.form.mapping.columns().find(is_misread)?;
        Some(format!("the column `{column}` is not UTF-8; expected the file to be saved as UTF-8"))
    }
}
