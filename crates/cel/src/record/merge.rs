//! Several sources' records of one resource, as one.

use super::bytes::{Decode, Slot, WORD, slot, value};
use super::write::Writer;
use super::{RECORD_MAX, Record};
use crate::layout::Layout;

/// The largest merged record, in bytes: as much as several sources may each say, and far from what a slot can point at.
const MERGED_MAX: usize = 16 * RECORD_MAX;

/// See [`Record::merge`].
pub(crate) fn merge(layout: &Layout, newest_first: &[&Record]) -> Record {
    match newest_first {
        [] => return Record::empty(layout),
        [only] => return (*only).clone(),
        _ => {}
    }
    let mut writer = Writer::default();
    writer.table(layout.fields(), Slot::NotCollected);
    for (number, field) in layout.fields().all.iter().enumerate() {
        let known =
            |record: &&&Record| !matches!(slot(&record.0, number), Slot::NotCollected | Slot::Reason(_));
        let Some(from) = newest_first.iter().find(known).or(newest_first.first()) else { continue };
        let found = slot(&from.0, number);
        let place = writer.bytes.len();
        let copied = match found {
            Slot::NotCollected | Slot::Absent | Slot::Bool(_) => found,
            Slot::At(at) => {
                let bytes = extent(from.0.get(at..).unwrap_or_default(), Decode::from(&field.shape));
                // Many sources together may say more than one record holds: the rest is unknown, as if nobody had said it.
                if place + bytes.len() > MERGED_MAX {
                    Slot::NotCollected
                } else {
                    writer.bytes.extend_from_slice(bytes);
                    Slot::At(place)
                }
            }
            Slot::Reason(at) => {
                // A reason is a byte and a text.
                let bytes = from.0.get(at..).unwrap_or_default();
                let text = extent(bytes.get(1..).unwrap_or_default(), Decode::List).len();
                writer.bytes.extend_from_slice(bytes.get(..text + 1).unwrap_or_default());
                Slot::Reason(place)
            }
        };
        writer.set(0, number, copied);
    }
    debug_assert!(writer.bytes.len() >= layout.fields().all.len() * WORD);
    Record(writer.bytes.into_boxed_slice())
}

/// The bytes of the value at the start of `bytes`.
fn extent(bytes: &[u8], decode: Decode) -> &[u8] {
    let rest = value(bytes, decode).map_or(0, |(_, rest)| rest.len());
    bytes.get(..bytes.len() - rest).unwrap_or_default()
}
