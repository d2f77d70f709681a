//! The text of a leaf: canonical JSON of at most 4,096 bytes. Reading refuses whatever its type does not know.

use crate::base64;
use crate::fault::{Fault, quoted};
use crate::flat::Flat;
use crate::hash::{Hash, hex};
use crate::json::{Value, read_canonical};
use crate::leaf::{After, Collection, KeyChange, LEAF_MAX, Leaf, Population, Salts, Seal, Transition, What};
use crate::members::Members;
use crate::note::VerifierKey;
use crate::state::status;

/// The longest free text within a leaf, in bytes.
const TEXT_MAX: usize = 255;

pub(crate) fn int(value: u64) -> Value {
    Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
}

fn hash(hash: &Hash) -> Value {
    Value::text(hex(hash))
}

impl Leaf {
    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, mut members) = self.what.members();
        members.extend([("v", Value::Int(1)), ("k", Value::text(kind)), ("t", int(self.written))]);
        Value::object(members).canonical().into_bytes()
    }

    /// Reads a leaf; whatever is not exactly as the format has it is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > LEAF_MAX {
            return Err(Fault::new(format!("has {} bytes; expected at most {LEAF_MAX}", bytes.len())));
        }
        let text = str::from_utf8(bytes).map_err(|_| Fault::new("is not UTF-8"))?;
        let members = match Flat::read(text) {
            Some(flat) => Members::flat(flat),
            None => Members::of(read_canonical(text)?)?,
        };
        Self::of(members)
    }

    fn of(mut members: Members<'_>) -> Result<Self, Fault> {
        let version = members.integer("v")?;
        if version != 1 {
            return Err(Fault::new(format!("`v` is {version}; expected 1")));
        }
        let kind = members.borrowed("k")?;
        let written = members.integer("t")?;
        let what = What::read(&kind, &mut members)?;
        members.end()?;
        let leaf = Self { written, what };
        leaf.orderly()?;
        Ok(leaf)
    }

    /// Nothing that a leaf speaks of lies after the moment at which it was written.
    fn orderly(&self) -> Result<(), Fault> {
        let not_after = |name: &str, at: u64, limit: u64, of: &str| {
            if at <= limit {
                Ok(())
            } else {
                Err(Fault::new(format!("`{name}` is {at}, after `{of}`, {limit}")))
            }
        };
        match &self.what {
            What::Transition(transition) => not_after("at", transition.at, self.written, "t"),
            What::Population(population) => match population.enumerated {
                Some(at) => not_after("enumerated", at, self.written, "t"),
                None if population.complete => {
                    Err(Fault::new("`complete` is true without `enumerated`; only an enumeration says so"))
                }
                None => Ok(()),
            },
            What::Collection(collection) => {
                not_after("started", collection.started, collection.finished, "finished")?;
                not_after("finished", collection.finished, self.written, "t")
            }
            What::Open { .. }
            | What::Seal(_)
            | What::Program { .. }
            | What::Decision { .. }
            | What::Key(_)
            | What::Erasure { .. }
            | What::Export { .. } => Ok(()),
        }
    }
}

impl What {
    /// Its type's name in the format.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Transition(_) => "transition",
            Self::Population(_) => "population",
            Self::Seal(_) => "seal",
            Self::Program { .. } => "program",
            Self::Collection(_) => "collection",
            Self::Decision { .. } => "decision",
            Self::Key(_) => "key",
            Self::Erasure { .. } => "erasure",
            Self::Export { .. } => "export",
        }
    }

    fn members(&self) -> (&'static str, Vec<(&'static str, Value)>) {
        let members = match self {
            Self::Open { origin, after } => {
                let mut members = vec![("origin", Value::text(origin))];
                members.extend(after.as_ref().map(|after| {
                    let After { origin, size, root } = after;
                    let after = [("origin", Value::text(origin)), ("size", int(*size)), ("root", hash(root))];
                    ("after", Value::object(after))
                }));
                members
            }
            Self::Transition(Transition { control, n, before, to, at, program }) => {
                let mut members = vec![
                    ("control", Value::text(control)),
                    ("n", int(*n)),
                    ("to", Value::text(to.as_str())),
                    ("at", int(*at)),
                    ("program", hash(program)),
                ];
                if let Some((prev, from)) = before {
                    members.extend([("prev", hash(prev)), ("from", Value::text(from.as_str()))]);
                }
                members
            }
            Self::Population(Population { kind, count, complete, enumerated, root, key, salts }) => {
                let salts = match salts {
                    Salts::Key => "key",
                    Salts::Own => "own",
                };
                let mut members = vec![
                    ("kind", Value::text(kind)),
                    ("count", int(*count)),
                    ("complete", Value::Bool(*complete)),
                    ("root", hash(root)),
                    ("key", hash(key)),
                    ("salts", Value::text(salts)),
                ];
                members.extend(enumerated.map(|at| ("enumerated", int(at))));
                members
            }
            Self::Seal(Seal { n, prev, controls, root, program, signer }) => {
                let mut members = vec![
                    ("n", int(*n)),
                    ("controls", int(*controls)),
                    ("root", hash(root)),
                    ("program", hash(program)),
                    ("signer", Value::text(signer)),
                ];
                members.extend(prev.as_ref().map(|prev| ("prev", hash(prev))));
                members
            }
            Self::Program { hash: program, name, ord } => {
                vec![("hash", hash(program)), ("name", Value::text(name)), ("ord", int(*ord))]
            }
            Self::Collection(of) => vec![
                ("source", Value::text(&of.source)),
                ("ord", int(of.ord)),
                ("started", int(of.started)),
                ("finished", int(of.finished)),
                ("complete", Value::Bool(of.complete)),
                ("changed", int(of.changed)),
                ("unchanged", int(of.unchanged)),
                ("gone", int(of.gone)),
                ("refused", int(of.refused)),
                ("facts", hash(&of.facts)),
            ],
            Self::Decision { what, subject, by, body } => {
                vec![
                    ("what", Value::text(what)),
                    ("subject", hash(subject)),
                    ("by", hash(by)),
                    ("body", hash(body)),
                ]
            }
            Self::Key(change) => vec![
                ("old", Value::text(change.old.to_string())),
                ("new", Value::text(change.new.to_string())),
                ("by_old", Value::text(base64::encode(&change.by_old))),
                ("by_new", Value::text(base64::encode(&change.by_new))),
            ],
            Self::Erasure { subject, records, basis } => {
                vec![("subject", hash(subject)), ("records", int(*records)), ("basis", Value::text(basis))]
            }
            Self::Export { what, digest, by } => {
                let mut members = vec![("what", Value::text(what)), ("digest", hash(digest))];
                members.extend(by.as_ref().map(|by| ("by", hash(by))));
                members
            }
        };
        (self.kind(), members)
    }

    fn read(kind: &str, members: &mut Members) -> Result<Self, Fault> {
        Ok(match kind {
            "open" => {
                let origin = members.line("origin", TEXT_MAX)?;
                let after = match members.take("after") {
                    None => None,
                    Some(value) => Some(after(value).map_err(|fault| fault.within("`after`"))?),
                };
                Self::Open { origin, after }
            }
            "transition" => Self::Transition(transition(members)?),
            "population" => Self::Population(Population {
                kind: members.id("kind")?,
                count: members.integer("count")?,
                complete: members.flag("complete")?,
                enumerated: members.optional_integer("enumerated")?,
                root: members.hash("root")?,
                key: members.hash("key")?,
                salts: match members.borrowed("salts")?.as_ref() {
                    "key" => Salts::Key,
                    "own" => Salts::Own,
                    other => {
                        return Err(Fault::new(format!(
                            "`salts` is {}; expected `key` or `own`",
                            quoted(other)
                        )));
                    }
                },
            }),
            "seal" => Self::Seal(seal(members)?),
            "program" => Self::Program {
                hash: members.hash("hash")?,
                name: members.line("name", TEXT_MAX)?,
                ord: members.integer("ord")?,
            },
            "collection" => Self::Collection(Collection {
                source: members.id("source")?,
                ord: members.integer("ord")?,
                started: members.integer("started")?,
                finished: members.integer("finished")?,
                complete: members.flag("complete")?,
                changed: members.integer("changed")?,
                unchanged: members.integer("unchanged")?,
                gone: members.integer("gone")?,
                refused: members.integer("refused")?,
                facts: members.hash("facts")?,
            }),
            "decision" => Self::Decision {
                what: members.id("what")?,
                subject: members.hash("subject")?,
                by: members.hash("by")?,
                body: members.hash("body")?,
            },
            "key" => Self::Key(Box::new(KeyChange {
                old: key(members, "old")?,
                new: key(members, "new")?,
                by_old: signature(members, "by_old")?,
                by_new: signature(members, "by_new")?,
            })),
            "erasure" => Self::Erasure {
                subject: members.hash("subject")?,
                records: members.integer("records")?,
                basis: members.line("basis", TEXT_MAX)?,
            },
            "export" => Self::Export {
                what: members.id("what")?,
                digest: members.hash("digest")?,
                by: members.optional_hash("by")?,
            },
            other => return Err(Fault::new(format!("`k` is {}, which is no type of leaf", quoted(other)))),
        })
    }
}

fn after(value: Value) -> Result<After, Fault> {
    let mut members = Members::of(value)?;
    let after = After {
        origin: members.line("origin", TEXT_MAX)?,
        size: members.integer("size")?,
        root: members.hash("root")?,
    };
    members.end()?;
    Ok(after)
}

fn transition(members: &mut Members) -> Result<Transition, Fault> {
    let control = members.id("control")?;
    let n = number(members)?;
    let before = if n == 1 { None } else { Some((members.hash("prev")?, status(members, "from")?)) };
    let (to, at, program) = (status(members, "to")?, members.integer("at")?, members.hash("program")?);
    Ok(Transition { control, n, before, to, at, program })
}

fn seal(members: &mut Members) -> Result<Seal, Fault> {
    let n = number(members)?;
    let prev = if n == 1 { None } else { Some(members.hash("prev")?) };
    let (controls, root) = (members.integer("controls")?, members.hash("root")?);
    let (program, signer) = (members.hash("program")?, members.text("signer")?);
    if signer.len() != 8 || !signer.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(Fault::new(format!(
            "`signer` is {}; expected 8 lower-case hexadecimal digits",
            quoted(&signer)
        )));
    }
    Ok(Seal { n, prev, controls, root, program, signer })
}

fn number(members: &mut Members) -> Result<u64, Fault> {
    match members.integer("n")? {
        0 => Err(Fault::new("`n` is 0; the first has the number 1")),
        n => Ok(n),
    }
}

fn key(members: &mut Members, name: &str) -> Result<VerifierKey, Fault> {
    VerifierKey::parse(&members.text(name)?).map_err(|fault| Fault::new(format!("`{name}` {fault}")))
}

fn signature(members: &mut Members, name: &str) -> Result<[u8; 64], Fault> {
    base64::decode(&members.text(name)?)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| Fault::new(format!("`{name}` must be 64 bytes in base64")))
}
