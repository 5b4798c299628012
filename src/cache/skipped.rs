//! A cache directory that was skipped, with the reason, whether the user should fix it, and a hint.

use crate::cache::directory::{Make, Place};
use crate::error::reason_of;
use nix::unistd::geteuid;
use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The permission bits that a cache directory should have.
const PRIVATE: u32 = 0o700;

/// A cache directory that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
    /// Whether the user should fix the problem. This is `false` for problems that are usual in containers: the home
    /// directory is missing, is read-only or belongs to another user.
    pub(crate) fault: bool,
    full: bool,
}

impl Skipped {
    pub(super) fn of(place: &Place, error: &io::Error) -> Self {
        let fault = place.make == Make::Path || is_fault(&place.path, error);
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        Self { path: place.path.clone(), reason: reason_of(error), fault, full }
    }

    /// Returns a hint that says how to fix the problem. `or` is another way for a run that can do without this directory,
    /// and may be empty.
    pub(crate) fn hint(&self, or: &str) -> String {
        let own = |found: &std::fs::Metadata| found.is_dir() && found.uid() == geteuid().as_raw();
        match std::fs::symlink_metadata(&self.path) {
            _ if self.full => "free space there, or use another directory with --cache-dir".into(),
            Ok(found) if own(&found) && found.mode() & 0o777 != PRIVATE => {
                format!("chmod 700 {}", self.path.display())
            }
            _ => format!("use --cache-dir with a directory that you own (mode 700){or}"),
        }
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Checks whether the user should fix a default directory. Returns `false` if the directory cannot be created because
/// its parent directory is missing, is read-only or belongs to another user.
fn is_fault(path: &Path, error: &io::Error) -> bool {
    if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem) {
        return false;
    }
    let mut found = path.ancestors().map(std::fs::symlink_metadata);
    match found.next() {
        Some(Ok(_)) => true,
        _ => found.find_map(Result::ok).is_some_and(|around| around.uid() == geteuid().as_raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn a_home_that_is_missing_or_read_only_is_not_a_fault_unless_it_is_set() {
        let own = tempfile::tempdir().expect("a directory");
        let denied = ErrorKind::PermissionDenied;
        let (there, missing) = (own.path().to_owned(), own.path().join("xassume"));
        for (path, kind, fault) in [
            (&there, denied, true),
            (&missing, denied, true),
            (&missing, ErrorKind::StorageFull, true),
            (&missing, ErrorKind::ReadOnlyFilesystem, false),
            (&there, ErrorKind::ReadOnlyFilesystem, false),
            (&missing, ErrorKind::NotFound, false),
        ] {
            let place = |make| Place { path: path.clone(), make };
            for make in [Make::Directory, Make::OwnPath] {
                assert_eq!(Skipped::of(&place(make), &kind.into()).fault, fault, "{path:?} {kind:?}");
            }
            assert!(Skipped::of(&place(Make::Path), &kind.into()).fault, "it is set: {path:?} {kind:?}");
        }
    }

    #[test]
    fn the_hint_is_how_to_fix_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let own = tempfile::tempdir().expect("a directory");
        let place = Place { path: own.path().to_owned(), make: Make::Directory };
        let hint = |mode| {
            std::fs::set_permissions(own.path(), std::fs::Permissions::from_mode(mode)).expect("it is ours");
            Skipped::of(&place, &ErrorKind::PermissionDenied.into()).hint("")
        };
        let chmod = format!("chmod 700 {}", own.path().display());
        assert_eq!([hint(0o755), hint(0o500)], [chmod.clone(), chmod]);
        assert!(hint(0o700).starts_with("use --cache-dir"));
    }
}
