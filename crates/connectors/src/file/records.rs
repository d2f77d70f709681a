//! JSON records one after the other: the elements of one array, or one on each line. One record is in memory at a time.

use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use super::capped::{Capped, Mark};
use super::place::Opened;
use super::{RECORD_MAX, RECORDS_MAX};
use crate::Stopped;
use crate::lines::{Line, Lines};

/// How the records stand in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// They are the elements of an array.
    Array,
    /// Each has its line.
    Lines,
}

/// Why a file was not read to its end.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The run is over.
    Stopped,
    /// What is wrong, and where.
    Off(String),
}

impl From<Stopped> for Broken {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

/// What is done with each record: where it is, how the records stand, and the record, or what is wrong with it.
pub(crate) type Each<'a> = dyn FnMut(&str, Shape, Result<Value, String>) -> Result<(), Stopped> + 'a;

/// Reads every record of a file, and answers how they stand.
pub(crate) fn each(file: &Opened, on: &mut Each<'_>) -> Result<Shape, Broken> {
    let mut reader = BufReader::with_capacity(64 << 10, file.reader());
    let off = |error: std::io::Error| Broken::Off(error.to_string());
    if reader.fill_buf().map_err(off)?.starts_with(b"\xef\xbb\xbf") {
        reader.consume(3);
    }
    loop {
        let buffered = reader.fill_buf().map_err(off)?;
        let Some(first) = buffered.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            let length = buffered.len();
            if length == 0 {
                return Err(Broken::Off("it is empty; expected a JSON array or JSON Lines".to_owned()));
            }
            reader.consume(length);
            continue;
        };
        let is_array = buffered.get(first) == Some(&b'[');
        reader.consume(if is_array { first } else { 0 });
        return if is_array {
            array(reader, on).map(|()| Shape::Array)
        } else {
            lines(reader, on).map(|()| Shape::Lines)
        };
    }
}

fn lines(mut reader: impl BufRead, on: &mut Each<'_>) -> Result<(), Broken> {
    let mut lines = Lines::new(usize::try_from(RECORD_MAX).unwrap_or(usize::MAX));
    let records = Cell::new(0_u64);
    let mut take = |number: u64, line: Line<'_>| {
        records.set(records.get() + 1);
        if records.get() > RECORDS_MAX {
            return Err(Stopped);
        }
        let record = match line {
            Line::TooLong => {
                Err(format!("the line is longer than {RECORD_MAX} bytes; expected a shorter one"))
            }
            Line::Text(text) => serde_json::from_slice(text).map_err(|error| {
                let error = error.to_string().replace(" at line 1 column ", " at column ");
                format!("it is no JSON: {error}; expected one JSON object a line")
            }),
        };
        on(&format!("line {number}"), Shape::Lines, record)
    };
    let read = loop {
        let chunk = reader.fill_buf().map_err(|error| Broken::Off(error.to_string()))?;
        let length = chunk.len();
        if length == 0 {
            break lines.end(&mut take);
        }
        let fed = lines.feed(chunk, &mut take);
        reader.consume(length);
        if fed.is_err() {
            break fed;
        }
    };
    if records.get() > RECORDS_MAX {
        return Err(Broken::Off(format!("it has more than {RECORDS_MAX} records")));
    }
    Ok(read?)
}

fn array(reader: impl Read, on: &mut Each<'_>) -> Result<(), Broken> {
    let (capped, mark) = Capped::new(reader, RECORD_MAX);
    let mut json = serde_json::Deserializer::from_reader(capped);
    let mut stopped = false;
    let elements = Elements { mark: &mark, on, stopped: &mut stopped };
    let read = elements.deserialize(&mut json).and_then(|()| {
        mark.record();
        json.end()
    });
    match read {
        Ok(()) => Ok(()),
        Err(_) if stopped => Err(Broken::Stopped),
        Err(error) => Err(Broken::Off(format!("{error}; expected one JSON array to its closing bracket"))),
    }
}

/// Hands on the elements of an array.
struct Elements<'e, 'o> {
    mark: &'e Mark,
    on: &'e mut Each<'o>,
    stopped: &'e mut bool,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let mut number: u64 = 0;
        loop {
            self.mark.record();
            let Some(record) = elements.next_element::<Value>()? else { return Ok(()) };
            number += 1;
            if number > RECORDS_MAX {
                return Err(A::Error::custom(format!("it has more than {RECORDS_MAX} records")));
            }
            let place = format!("record {number} (line {})", self.mark.line());
            if (self.on)(&place, Shape::Array, Ok(record)).is_err() {
                *self.stopped = true;
                return Err(A::Error::custom("stopped"));
            }
        }
    }
}
