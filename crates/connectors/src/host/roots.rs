//! Reading below one root, so that a copy of a machine's files can be looked at like the machine itself. Everything
//! that is read ends as a [`Fact`]: a value, absent, or unknown with the reason. A missing permission is never absence.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use octro_model::{Timestamp, UnknownReason, Why};

/// What was read: a value, `None` (the system says that it is not set), or why it is unknown.
pub(crate) type Fact<T> = Result<Option<T>, UnknownReason>;

/// The longest file that is read, in bytes.
const FILE_MAX: u64 = 8 << 20;
/// The most entries of a folder that are looked at.
const ENTRIES_MAX: usize = 200_000;
/// How many links one path may pass.
const LINKS_MAX: usize = 40;

/// The files of one machine.
#[derive(Debug, Clone)]
pub struct Roots {
    root: PathBuf,
    never_read: Vec<PathBuf>,
}

impl Roots {
    /// The files below `root`; `/` is the machine that Octro runs on.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), never_read: Vec::new() }
    }

    /// Never opens these absolute paths, nor what is below them: what they would tell is unknown (denied).
    #[must_use]
    pub fn never_read(mut self, paths: impl IntoIterator<Item = String>) -> Self {
        self.never_read = paths.into_iter().map(PathBuf::from).collect();
        self
    }

    /// Whether these are the files of the machine that Octro runs on.
    pub fn is_this_machine(&self) -> bool {
        self.root == Path::new("/")
    }

    /// Where an absolute path of the machine really is. Links are followed inside the root, as `chroot` would.
    fn locate(&self, path: &str) -> io::Result<PathBuf> {
        if self.never_read.iter().any(|banned| Path::new(path).starts_with(banned)) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the settings say never to read it"));
        }
        if self.is_this_machine() {
            return Ok(PathBuf::from(path));
        }
        Ok(self.root.join(relative(&self.resolve_inside(path)?)))
    }

    /// The absolute path, as the machine sees it, with every link followed.
    fn resolve_inside(&self, path: &str) -> io::Result<PathBuf> {
        let mut done = PathBuf::from("/");
        let mut todo: Vec<std::ffi::OsString> = parts(Path::new(path));
        let mut links = 0;
        while let Some(part) = todo.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            let next = done.join(&part);
            match fs::read_link(self.root.join(relative(&next))) {
                Ok(target) => {
                    links += 1;
                    if links > LINKS_MAX {
                        return Err(io::Error::other("too many links"));
                    }
                    if target.is_absolute() {
                        done = PathBuf::from("/");
                    }
                    todo.extend(parts(&target));
                }
                Err(_) => done = next,
            }
        }
        Ok(done)
    }

    /// The absolute path with every link followed; absent if it does not exist.
    pub(crate) fn resolve(&self, path: &str) -> Fact<String> {
        let found = if self.is_this_machine() {
            fs::canonicalize(path)
        } else {
            self.resolve_inside(path).and_then(|inside| {
                fs::symlink_metadata(self.root.join(relative(&inside)))?;
                Ok(inside)
            })
        };
        fact(path, found.map(|path| path.to_string_lossy().into_owned()))
    }

    /// A file's text; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self, path: &str) -> Fact<String> {
        Ok(self.bytes(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// A file's text without the white space around it: the form of most files below `/proc` and `/sys`.
    pub(crate) fn line(&self, path: &str) -> Fact<String> {
        Ok(self.text(path)?.map(|text| text.trim().to_owned()))
    }

    /// A file that holds one whole number.
    pub(crate) fn number(&self, path: &str) -> Fact<i64> {
        let Some(line) = self.line(path)? else { return Ok(None) };
        line.parse().map(Some).map_err(|_| {
            let shown: String = line.chars().take(40).collect();
            UnknownReason::new(Why::Failed, format!("{path} holds `{shown}`; expected a whole number"))
        })
    }

    /// A file's bytes.
    pub(crate) fn bytes(&self, path: &str) -> Fact<Vec<u8>> {
        let read = self.locate(path).and_then(|place| {
            // A pipe or a device must not be waited for.
            if !fs::metadata(&place)?.is_file() {
                return Err(io::Error::other("it is no regular file"));
            }
            let mut bytes = Vec::new();
            File::open(place)?.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > FILE_MAX {
                return Err(io::Error::other(format!("it is longer than {FILE_MAX} bytes")));
            }
            Ok(bytes)
        });
        fact(path, read)
    }

    /// The names in a folder, sorted; absent if there is no such folder.
    pub(crate) fn list(&self, path: &str) -> Fact<Vec<String>> {
        let read = self.locate(path).and_then(fs::read_dir).and_then(|entries| {
            let mut names = Vec::new();
            for entry in entries {
                if names.len() >= ENTRIES_MAX {
                    return Err(io::Error::other(format!("it has more than {ENTRIES_MAX} entries")));
                }
                names.push(entry?.file_name().to_string_lossy().into_owned());
            }
            names.sort_unstable();
            Ok(names)
        });
        fact(path, read)
    }

    /// Where a link points, unresolved; absent if there is nothing or no link.
    pub(crate) fn link(&self, path: &str) -> Fact<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let read = self.locate(if folder.is_empty() { "/" } else { folder }).and_then(|place| {
            let place = place.join(name);
            match fs::read_link(&place) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    Err(io::ErrorKind::NotFound.into())
                }
                other => other,
            }
        });
        fact(path, read.map(|target| target.to_string_lossy().into_owned()))
    }

    /// What the system says of a file itself.
    pub(crate) fn metadata(&self, path: &str) -> Fact<Metadata> {
        fact(path, self.locate(path).and_then(fs::metadata))
    }

    /// Whether there is something at this path.
    pub(crate) fn exists(&self, path: &str) -> Result<bool, UnknownReason> {
        Ok(self.metadata(path)?.is_some())
    }

    /// Whether one of these paths is there; a path that may not be looked at counts only if no other is there.
    pub(crate) fn any_exists<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p str>,
    ) -> Result<bool, UnknownReason> {
        let mut unknown = None;
        for path in paths {
            match self.exists(path) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(reason) => unknown = Some(reason),
            }
        }
        unknown.map_or(Ok(false), Err)
    }

    /// When a file's content last changed.
    pub(crate) fn modified(&self, path: &str) -> Fact<Timestamp> {
        let Some(metadata) = self.metadata(path)? else { return Ok(None) };
        let modified = metadata.modified().map_err(|error| unknown(path, &error))?;
        let micros = match modified.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => -i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX),
        };
        Ok(Some(Timestamp::from_micros(micros)))
    }

    /// The block device's number behind a path; absent if the path is no block device or not there.
    pub(crate) fn device_number(&self, path: &str) -> Fact<(u32, u32)> {
        use std::os::unix::fs::{FileTypeExt, MetadataExt};
        let Some(metadata) = self.metadata(path)? else { return Ok(None) };
        let rdev = metadata.rdev();
        let number = (rustix::fs::major(rdev), rustix::fs::minor(rdev));
        Ok(metadata.file_type().is_block_device().then_some(number))
    }
}

fn relative(path: &Path) -> &Path {
    path.strip_prefix("/").unwrap_or(path)
}

/// The parts of a path, last first.
fn parts(path: &Path) -> Vec<std::ffi::OsString> {
    path.components()
        .rev()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => None,
        })
        .collect()
}

fn fact<T>(path: &str, read: io::Result<T>) -> Fact<T> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(unknown(path, &error)),
    }
}

fn unknown(path: &str, error: &io::Error) -> UnknownReason {
    let why = if error.kind() == io::ErrorKind::PermissionDenied { Why::Denied } else { Why::Failed };
    UnknownReason::new(why, format!("{path}: {error}"))
}
