//! Whether what lies on a block device is encrypted: the device's whole lineage below `/sys/dev/block` decides.
//!
//! The kernel's device mapper names its targets in `dm/uuid`, but the prefix `CRYPT-` alone proves nothing: dm-verity
//! and dm-integrity carry it too, and a null cipher encrypts nothing. So the cipher is asked for as well, and every leg
//! of a RAID or volume group counts. A loop device is as good as what holds its file, never evidence by itself.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use octro_model::{UnknownReason, Why};
use serde_json::{Value, json};

use super::commands::output;
use super::mounts::{Mount, holding};
use super::roots::Fact;
use super::{Commands, Roots};

/// How deep one lineage may be.
const DEPTH_MAX: usize = 16;
/// How many devices one lineage may show.
const LEGS_MAX: usize = 512;
/// The device mapper's encrypting targets, as `dm/uuid` names them after `CRYPT-`.
const ENCRYPTING: [&str; 6] = ["LUKS1", "LUKS2", "PLAIN", "BITLK", "TCRYPT", "FVAULT2"];

/// A device's number: major, minor.
pub(crate) type Number = (u32, u32);

/// What a lineage says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every path to a physical device passes an encrypting layer.
    Encrypted,
    /// Some path reaches a physical device in the clear.
    Clear,
    /// It could not be determined.
    Unknown(UnknownReason),
}

impl Verdict {
    fn unknown(why: Why, detail: impl Into<String>) -> Self {
        Self::Unknown(UnknownReason::new(why, detail))
    }

    /// Of two legs of which both hold the data: one clear leg is enough to read it.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Clear, _) | (_, Self::Clear) => Self::Clear,
            (Self::Unknown(reason), _) | (_, Self::Unknown(reason)) => Self::Unknown(reason),
            (Self::Encrypted, Self::Encrypted) => Self::Encrypted,
        }
    }

    /// As the value of an attribute.
    pub(crate) fn known(self) -> Result<bool, UnknownReason> {
        match self {
            Self::Encrypted => Ok(true),
            Self::Clear => Ok(false),
            Self::Unknown(reason) => Err(reason),
        }
    }
}

/// All block devices of a machine.
pub(crate) struct Blocks<'a> {
    roots: &'a Roots,
    commands: &'a dyn Commands,
    mounts: &'a [Mount],
    folders: BTreeMap<Number, String>,
    names: BTreeMap<String, Number>,
    /// Why `/sys/dev/block` could not be read whole.
    unreadable: Option<UnknownReason>,
    ciphers: OnceCell<Result<BTreeMap<String, Vec<Target>>, UnknownReason>>,
}

/// One line of the device mapper's table, without anything that could be a key.
struct Target {
    form: String,
    cipher: Option<String>,
}

impl<'a> Blocks<'a> {
    /// Reads which devices there are.
    pub(crate) fn read(roots: &'a Roots, commands: &'a dyn Commands, mounts: &'a [Mount]) -> Self {
        let mut blocks = Self {
            roots,
            commands,
            mounts,
            folders: BTreeMap::new(),
            names: BTreeMap::new(),
            unreadable: None,
            ciphers: OnceCell::new(),
        };
        let entries = roots.list("/sys/dev/block").unwrap_or_else(|reason| {
            blocks.unreadable = Some(reason);
            None
        });
        for entry in entries.unwrap_or_default() {
            let Some(number) = number(&entry) else { continue };
            match roots.resolve(&format!("/sys/dev/block/{entry}")) {
                Ok(Some(folder)) => {
                    blocks.names.insert(base_name(&folder).to_owned(), number);
                    blocks.folders.insert(number, folder);
                }
                Ok(None) => {}
                Err(reason) => blocks.unreadable = Some(reason),
            }
        }
        blocks
    }

    /// The number of the device that a path names. Asked of the device itself, since names like `/dev/mapper/vg0-swap`
    /// have no entry below `/sys`; a copy of a machine's files has no devices, so there the names have to do.
    pub(crate) fn number_of(&self, path: &str) -> Fact<Number> {
        if let Some(number) = self.roots.device_number(path)? {
            return Ok(Some(number));
        }
        if self.roots.is_this_machine() {
            return Ok(None);
        }
        let real = self.roots.resolve(path)?.unwrap_or_else(|| path.to_owned());
        if let Some(number) = self.names.get(base_name(&real)) {
            return Ok(Some(*number));
        }
        for (number, folder) in &self.folders {
            if self.roots.line(&format!("{folder}/dm/name"))?.is_some_and(|name| name == base_name(path)) {
                return Ok(Some(*number));
            }
        }
        Ok(None)
    }

    /// A device's folder below `/sys`.
    pub(crate) fn folder(&self, number: Number) -> Option<&str> {
        self.folders.get(&number).map(String::as_str)
    }

    /// The number of a device by the kernel's name.
    pub(crate) fn named(&self, name: &str) -> Option<Number> {
        self.names.get(name).copied()
    }

    /// What the lineage of a device says, and the lineage itself.
    pub(crate) fn judge(&self, number: Number, legs: &mut Vec<Value>) -> Verdict {
        self.step(number, None, 0, legs)
    }

    fn step(&self, number: Number, parent: Option<&str>, depth: usize, legs: &mut Vec<Value>) -> Verdict {
        let Some(folder) = self.folder(number) else {
            let (major, minor) = number;
            return Verdict::Unknown(self.unreadable.clone().unwrap_or_else(|| {
                let detail = format!("/sys/dev/block has no {major}:{minor}; inside a container or sandbox?");
                UnknownReason::new(Why::Unsupported, detail)
            }));
        };
        if depth >= DEPTH_MAX || legs.len() >= LEGS_MAX {
            return Verdict::unknown(
                Why::Failed,
                format!("the devices below {folder} are nested too deeply"),
            );
        }
        let name = base_name(folder).to_owned();
        let mut leg = Leg { name: &name, number, parent, form: "disk".to_owned(), dm: None, cipher: None };
        let place = legs.len();
        legs.push(Value::Null);
        let verdict = match self.inspect(folder, &mut leg) {
            Err(reason) => Verdict::Unknown(reason),
            Ok(Layer::Encrypting) => Verdict::Encrypted,
            Ok(Layer::Backing(file)) => self.behind_file(&file, &name, depth, legs),
            Ok(Layer::Below(below)) if below.is_empty() => Verdict::Clear,
            Ok(Layer::Below(below)) => below
                .into_iter()
                .map(|number| self.step(number, Some(&name), depth + 1, legs))
                .reduce(Verdict::and)
                .unwrap_or(Verdict::Clear),
        };
        if let Some(slot) = legs.get_mut(place) {
            *slot = leg.shown(&verdict);
        }
        verdict
    }

    /// What one device is, and what is below it.
    fn inspect(&self, folder: &str, leg: &mut Leg<'_>) -> Result<Layer, UnknownReason> {
        if let Some(uuid) = self.roots.line(&format!("{folder}/dm/uuid"))? {
            let dm_name = self.roots.line(&format!("{folder}/dm/name"))?.unwrap_or_default();
            // `CRYPT-LUKS2-<id>-<name>`: the id names the header, so only the form is kept.
            leg.form = uuid.split('-').take(2).collect::<Vec<_>>().join("-");
            if !uuid.starts_with("CRYPT-") {
                leg.form = uuid.split('-').next().unwrap_or("dm").to_owned();
            }
            leg.dm = Some(dm_name.clone());
            let encrypting = uuid
                .strip_prefix("CRYPT-")
                .and_then(|rest| rest.split_once('-'))
                .is_some_and(|(form, _)| ENCRYPTING.contains(&form));
            if encrypting {
                let cipher = self.cipher(&dm_name)?;
                let null = is_null(&cipher);
                leg.cipher = Some(cipher);
                if !null {
                    return Ok(Layer::Encrypting);
                }
            }
            let below = self.slaves(folder)?;
            return if below.is_empty() {
                Err(UnknownReason::new(
                    Why::Failed,
                    format!("{folder}/slaves names nothing below a mapped device"),
                ))
            } else {
                Ok(Layer::Below(below))
            };
        }
        if let Some(file) = self.roots.line(&format!("{folder}/loop/backing_file"))? {
            leg.form = "loop".to_owned();
            return Ok(Layer::Backing(file));
        }
        if self.roots.exists(&format!("{folder}/md"))? {
            leg.form = "raid".to_owned();
        }
        let below = self.slaves(folder)?;
        if below.is_empty() && self.roots.exists(&format!("{folder}/partition"))? {
            leg.form = "partition".to_owned();
            // The disk that it is a part of may itself be made of others: RAID, bcache, a loop file.
            let disk = folder.rsplit_once('/').map_or("", |(disk, _)| disk);
            return Ok(Layer::Below(self.names.get(base_name(disk)).copied().into_iter().collect()));
        }
        Ok(Layer::Below(below))
    }

    fn slaves(&self, folder: &str) -> Result<Vec<Number>, UnknownReason> {
        let path = format!("{folder}/slaves");
        self.roots
            .list(&path)?
            .unwrap_or_default()
            .iter()
            .map(|name| {
                self.named(name).ok_or_else(|| {
                    UnknownReason::new(Why::Failed, format!("{path}/{name} is not listed in /sys/dev/block"))
                })
            })
            .collect()
    }

    fn behind_file(&self, file: &str, parent: &str, depth: usize, legs: &mut Vec<Value>) -> Verdict {
        match holding(self.mounts, file) {
            Some(mount) if mount.device.0 != 0 => self.step(mount.device, Some(parent), depth + 1, legs),
            _ => Verdict::unknown(
                Why::Unsupported,
                format!("{parent} is the file {file}, which lies on no block device that can be seen"),
            ),
        }
    }

    /// The cipher of a mapped device. Only root may ask.
    fn cipher(&self, dm_name: &str) -> Result<String, UnknownReason> {
        let table = self
            .ciphers
            .get_or_init(|| output(self.commands, "dmsetup", &["table"]).map(|text| table(&text)));
        let targets = table.as_ref().map_err(Clone::clone)?.get(dm_name);
        let crypt: Vec<&Target> =
            targets.into_iter().flatten().filter(|target| target.form == "crypt").collect();
        let all = targets.is_some_and(|targets| crypt.len() == targets.len());
        // Several segments: a null cipher in any of them counts.
        let found = crypt.iter().find(|t| t.cipher.as_deref().is_some_and(is_null)).or(crypt.first());
        match found.and_then(|target| target.cipher.clone()) {
            Some(cipher) if all => Ok(cipher),
            _ => Err(UnknownReason::new(
                Why::Unsupported,
                format!(
                    "the device mapper does not say how {dm_name} is encrypted; by the disk's own hardware?"
                ),
            )),
        }
    }
}

/// What a device is with regard to what it lies on.
enum Layer {
    Encrypting,
    Backing(String),
    Below(Vec<Number>),
}

/// One device of a lineage, as it is shown.
struct Leg<'a> {
    name: &'a str,
    number: Number,
    parent: Option<&'a str>,
    form: String,
    dm: Option<String>,
    cipher: Option<String>,
}

impl Leg<'_> {
    fn shown(&self, verdict: &Verdict) -> Value {
        let mut shown = json!({
            "name": self.name,
            "number": format!("{}:{}", self.number.0, self.number.1),
            "on": self.parent,
            "form": self.form,
            "mapped_as": self.dm,
            "cipher": self.cipher,
        });
        if let (Some(fields), Ok(encrypted)) = (shown.as_object_mut(), verdict.clone().known()) {
            fields.insert("encrypted".to_owned(), encrypted.into());
        }
        shown
    }
}

/// `dmsetup table`: `name: start length form arguments`. Of an encrypting target only the cipher is kept.
fn table(text: &str) -> BTreeMap<String, Vec<Target>> {
    let mut devices: BTreeMap<String, Vec<Target>> = BTreeMap::new();
    for line in text.lines() {
        let Some((name, target)) = line.split_once(": ") else { continue };
        let mut words = target.split_whitespace().skip(2);
        let Some(form) = words.next() else { continue };
        let cipher = if form == "crypt" { words.next().map(str::to_owned) } else { None };
        devices.entry(name.to_owned()).or_default().push(Target { form: form.to_owned(), cipher });
    }
    devices
}

fn is_null(cipher: &str) -> bool {
    cipher.contains("cipher_null")
}

/// `254:1` as a number.
pub(crate) fn number(text: &str) -> Option<Number> {
    let (major, minor) = text.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The last part of a path.
pub(crate) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
