//! Reads attributes, fields, map entries and list elements.

use super::elements::Elements;
use super::trace::{Trace, named};
use super::value::{Origin, Val};
use super::{Outer, Run, variable};
use crate::layout::Shape;
use crate::record::{Decode, Reading, Slot, Stored, entry, field, field_reading, slot, stored_json};
use crate::tree::{Base, Node, Path, Range};

/// The end of a path: the object before it, and the number of its field; none if the path ends at the object itself.
struct End<'a> {
    object: &'a [u8],
    step: Option<usize>,
    place: Origin,
}

impl<'a, T: Trace<'a>> Run<'a, T> {
    /// What is at the end of a path. Absent only if all before the end is there.
    #[inline]
    pub(super) fn path(&mut self, path: &'a Path, scope: Outer<'_, 'a>) -> Val<'a> {
        let Some(end) = self.walk(path, scope) else { return Val::Unknown };
        let Some(step) = end.step else { return Val::Object(end.object, end.place) };
        match field(end.object, step, path.decode) {
            Ok(stored) => Val::stored(stored, end.place),
            Err(Slot::Absent) => Val::Absent,
            Err(Slot::NotCollected | Slot::Reason(_) | Slot::Bool(_) | Slot::At(_)) => Val::Unknown,
        }
    }

    /// What the word at the end of a path says, without reading the value.
    #[inline]
    pub(super) fn path_slot(&mut self, path: &'a Path, scope: Outer<'_, 'a>) -> Slot {
        let Some(end) = self.walk(path, scope) else { return Slot::NotCollected };
        end.step.map_or(Slot::At(0), |step| slot(end.object, step))
    }

    /// Goes to the object that has the last step's field; none if something before it is not there.
    #[inline]
    fn walk(&mut self, path: &'a Path, scope: Outer<'_, 'a>) -> Option<End<'a>> {
        let (mut object, origin) = match &path.base {
            Base::Subject => (self.record, 0),
            Base::Variable(out) => match variable(scope, *out)? {
                Val::Object(object, origin) => (*object, *origin),
                _ => return None,
            },
            Base::Node(node) => match self.val(node, scope) {
                Val::Object(object, origin) => (object, origin),
                _ => return None,
            },
        };
        let Some((last, way)) = path.steps.split_last() else {
            return Some(End { object, step: None, place: origin });
        };
        for (done, step) in way.iter().enumerate() {
            match field(object, usize::from(*step), Decode::Object) {
                Ok(Stored::Object(inner)) => object = inner,
                _ => {
                    self.noted(path, done, object, *step, origin);
                    return None;
                }
            }
        }
        let place = self.noted(path, way.len(), object, *last, origin);
        Some(End { object, step: Some(usize::from(*last)), place })
    }

    /// Notes that a step of a path was read.
    #[inline]
    fn noted(&mut self, path: &'a Path, done: usize, object: &'a [u8], step: u16, origin: Origin) -> Origin {
        let place = self.trace.inside(origin, |way| {
            for (name, _) in path.named.iter().take(done + 1) {
                named(way, name);
            }
        });
        self.trace.read(place, || match path.named.get(done) {
            Some((_, shape)) => field_reading(object, usize::from(step), shape),
            None => Reading::Absent,
        });
        place
    }

    /// A map's value.
    pub(super) fn entry(
        &mut self,
        map: &'a Node,
        key: &'a Node,
        of: &'a Shape,
        decode: Decode,
        scope: Outer<'_, 'a>,
    ) -> Val<'a> {
        let Val::Map(map, origin) = self.val(map, scope) else { return Val::Unknown };
        let key = self.val(key, scope);
        let Some(key) = key.bytes() else { return Val::Unknown };
        if !self.spend(map.len() as u64 / 32) {
            return Val::Unknown;
        }
        let found = entry(map, key, decode);
        let place = self.trace.inside(origin, |way| {
            way.push_str(&format!("['{}']", String::from_utf8_lossy(key)));
        });
        self.trace
            .read(place, || found.map_or(Reading::Absent, |found| Reading::Value(stored_json(found, of))));
        found.map_or(Val::Absent, |found| Val::stored(found, place))
    }

    /// A list's element; one that is not there cannot be told.
    pub(super) fn element(
        &mut self,
        list: &'a Node,
        index: &'a Node,
        decode: Decode,
        scope: Outer<'_, 'a>,
    ) -> Val<'a> {
        let list = self.val(list, scope);
        let Val::Int(index) = self.val(index, scope) else { return Val::Unknown };
        let Ok(index) = usize::try_from(index) else { return Val::Unknown };
        let Some(mut elements) = Elements::over(list, Range::List(decode)) else { return Val::Unknown };
        if !elements.complete() || !self.spend(index as u64) {
            return Val::Unknown;
        }
        match elements.nth(index) {
            Some(Val::Absent) | None => Val::Unknown,
            Some(value) => value,
        }
    }
}
