//! A password in a file that only its owner can read.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use octro_model::{UnknownReason, Why};

/// The longest file, in bytes.
const PASSWORD_MAX: u64 = 4_096;
/// What people can do about one that cannot be used.
pub(crate) const MEND: &str = "give the file to Octro's user alone: chmod 600";

/// The password in a file; if it cannot be used, the file's name and why.
pub(crate) fn read(path: &Path) -> Result<String, (String, UnknownReason)> {
    let failed = |why: Why, what: String| (path.display().to_string(), UnknownReason::new(why, what));
    let fault = |error: std::io::Error| {
        let is_denied = error.kind() == std::io::ErrorKind::PermissionDenied;
        failed(if is_denied { Why::Denied } else { Why::Failed }, error.to_string())
    };
    let file = fs::File::open(path).map_err(fault)?;
    let mode = file.metadata().map_err(fault)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(failed(Why::Failed, format!("others may read it (mode {mode:o}); expected 600")));
    }
    let mut text = String::new();
    file.take(PASSWORD_MAX + 1).read_to_string(&mut text).map_err(fault)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() || text.len() as u64 > PASSWORD_MAX {
        return Err(failed(Why::Failed, format!("expected one password of at most {PASSWORD_MAX} bytes")));
    }
    Ok(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "sesame\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(read(&path).unwrap_err().1.to_string().contains("mode 640"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&path).unwrap(), "sesame");
        fs::write(&path, "\n").unwrap();
        assert!(read(&path).is_err());
    }
}
