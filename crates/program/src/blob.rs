//! A program as one run of bytes: what the database keeps of every version, and what its hash is taken of.
//!
//! The form: a line that names it, then for each file in the order of paths the length of the path (4 bytes, big
//! endian), the path, the length of the content (8 bytes), the content.

use std::collections::BTreeMap;

use octro_model::hex;
use sha2::{Digest, Sha256};

use crate::files::{BYTES_MAX, FILES_MAX, Files, check_path};

const MAGIC: &[u8] = b"octro-program 1\n";

/// Bytes that are no program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// They begin differently.
    #[error("the bytes are no program; expected them to begin with `octro-program 1`")]
    Magic,
    /// They end in the midst of a file.
    #[error("the bytes end early, at {0}; the program was cut off")]
    Short(usize),
    /// A path is not what a path must be.
    #[error("file {0} of the program has a path that cannot be: {1}")]
    Path(usize, &'static str),
    /// Paths do not ascend, so the same program would have two hashes.
    #[error("file {0} of the program is out of order")]
    Order(usize),
    /// There is more than a program may have.
    #[error("the program is too large; expected at most 20,000 files and 64 MiB")]
    Large,
}

impl Files {
    /// All files as one run of bytes; the same files give the same bytes.
    pub fn to_blob(&self) -> Vec<u8> {
        let size = self.iter().map(|(path, bytes)| path.len() + bytes.len() + 12).sum::<usize>();
        let mut blob = Vec::with_capacity(MAGIC.len() + size);
        self.pieces(|piece| blob.extend_from_slice(piece));
        blob
    }

    /// The SHA-256 of [`Files::to_blob`] in hexadecimal.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        self.pieces(|piece| hasher.update(piece));
        hex(&hasher.finalize())
    }

    /// Reads what [`Files::to_blob`] made.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_blob(blob: &[u8]) -> Result<Self, BlobError> {
        let mut rest = blob.strip_prefix(MAGIC).ok_or(BlobError::Magic)?;
        if rest.len() as u64 > BYTES_MAX + (FILES_MAX as u64) * 1_012 {
            return Err(BlobError::Large);
        }
        let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        while !rest.is_empty() {
            let number = files.len() + 1;
            let short = |rest: &[u8]| BlobError::Short(blob.len() - rest.len());
            let (length, tail) = rest.split_first_chunk::<4>().ok_or_else(|| short(rest))?;
            let (path, tail) =
                take(tail, u64::from(u32::from_be_bytes(*length))).ok_or_else(|| short(tail))?;
            let (length, tail) = tail.split_first_chunk::<8>().ok_or_else(|| short(tail))?;
            let (bytes, tail) = take(tail, u64::from_be_bytes(*length)).ok_or_else(|| short(tail))?;
            let path = std::str::from_utf8(path).map_err(|_| BlobError::Path(number, "it is not UTF-8"))?;
            check_path(path).map_err(|why| BlobError::Path(number, why))?;
            if files.last_key_value().is_some_and(|(last, _)| last.as_str() >= path) {
                return Err(BlobError::Order(number));
            }
            if number > FILES_MAX {
                return Err(BlobError::Large);
            }
            files.insert(path.to_owned(), bytes.to_vec());
            rest = tail;
        }
        Ok(Self::new(files))
    }

    fn pieces(&self, mut piece: impl FnMut(&[u8])) {
        piece(MAGIC);
        for (path, bytes) in self.iter() {
            piece(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_be_bytes());
            piece(path.as_bytes());
            piece(&(bytes.len() as u64).to_be_bytes());
            piece(bytes);
        }
    }
}

fn take(bytes: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(length).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_come_back_and_broken_ones_are_refused() {
        let files = Files::new(BTreeMap::from([
            ("program.toml".to_owned(), b"name = 'x'".to_vec()),
            ("tests/a.toml".to_owned(), vec![0, 255]),
        ]));
        let blob = files.to_blob();
        assert_eq!(Files::from_blob(&blob), Ok(files.clone()));
        assert_eq!(hex(&Sha256::digest(&blob)), files.hash());
        assert_eq!(Files::from_blob(b"PK"), Err(BlobError::Magic));
        for end in MAGIC.len() + 1..blob.len() {
            let cut = Files::from_blob(&blob[..end]);
            assert!(
                matches!(&cut, Err(BlobError::Short(_))) || cut.is_ok_and(|files| files.len() == 1),
                "{end}"
            );
        }
        let outside = Files::new(BTreeMap::from([("../x".to_owned(), Vec::new())])).to_blob();
        assert!(matches!(Files::from_blob(&outside), Err(BlobError::Path(1, _))));
    }
}
