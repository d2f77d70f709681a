//! What a proof claims.

use crate::fault::{Fault, quoted};
use crate::hash::{Hash, hex};
use crate::json::Value;
use crate::leaf_text::int;
use crate::members::Members;

/// The longest key of a resource and the longest body that is opened, in bytes.
const TEXT_MAX: usize = 64 * 1024;

/// What a proof claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The statuses of a control over an interval, with nothing left out.
    Interval {
        /// The control.
        control: String,
        /// When the interval begins.
        from: u64,
        /// When it ends.
        to: u64,
    },
    /// A resource was in the population that a seal rests on.
    Member {
        /// The resource's kind.
        kind: String,
        /// Its key.
        key: String,
        /// The moment of the seal.
        at: u64,
    },
    /// A resource was not.
    Absent {
        /// The resource's kind.
        kind: String,
        /// Its key.
        key: String,
        /// The moment of the seal.
        at: u64,
    },
    /// A leaf is in the log.
    Entry {
        /// Its index.
        index: u64,
        /// A text that one of the leaf's commitments opens to, and the salt that opens it.
        opened: Option<(String, Hash)>,
    },
}

impl Claim {
    pub(crate) fn read(value: Value) -> Result<Self, Fault> {
        let mut members = Members::of(value)?;
        let claim = match members.text("type")?.as_str() {
            "interval" => {
                let (control, from, to) =
                    (members.id("control")?, members.integer("from")?, members.integer("to")?);
                if from > to {
                    return Err(Fault::new(format!("`from` is {from}, after `to`, {to}")));
                }
                Self::Interval { control, from, to }
            }
            "member" => {
                let (kind, key, at) =
                    (members.id("kind")?, text(&mut members, "key")?, members.integer("at")?);
                Self::Member { kind, key, at }
            }
            "absent" => {
                let (kind, key, at) =
                    (members.id("kind")?, text(&mut members, "key")?, members.integer("at")?);
                Self::Absent { kind, key, at }
            }
            "entry" => {
                let index = members.index("index")?;
                let opened = match (members.has("body"), members.has("salt")) {
                    (false, false) => None,
                    (true, true) => Some((text(&mut members, "body")?, members.hash("salt")?)),
                    _ => return Err(Fault::new("has one of `body` and `salt`; expected both or none")),
                };
                Self::Entry { index, opened }
            }
            other => {
                return Err(Fault::new(format!(
                    "`type` is {}; expected `interval`, `member`, `absent` or `entry`",
                    quoted(other)
                )));
            }
        };
        members.end()?;
        Ok(claim)
    }

    pub(crate) fn value(&self) -> Value {
        let of_resource = |of: &str, kind: &str, key: &str, at: u64| {
            Value::object([
                ("type", Value::text(of)),
                ("kind", Value::text(kind)),
                ("key", Value::text(key)),
                ("at", int(at)),
            ])
        };
        match self {
            Self::Interval { control, from, to } => Value::object([
                ("type", Value::text("interval")),
                ("control", Value::text(control)),
                ("from", int(*from)),
                ("to", int(*to)),
            ]),
            Self::Member { kind, key, at } => of_resource("member", kind, key, *at),
            Self::Absent { kind, key, at } => of_resource("absent", kind, key, *at),
            Self::Entry { index, opened } => {
                let mut members = vec![("type", Value::text("entry")), ("index", int(*index))];
                if let Some((body, salt)) = opened {
                    members.extend([("body", Value::text(body)), ("salt", Value::text(hex(salt)))]);
                }
                Value::object(members)
            }
        }
    }
}

fn text(members: &mut Members, name: &str) -> Result<String, Fault> {
    let text = members.text(name)?;
    if text.len() <= TEXT_MAX {
        Ok(text)
    } else {
        Err(Fault::new(format!("`{name}` has {} bytes; expected at most {TEXT_MAX}", text.len())))
    }
}
