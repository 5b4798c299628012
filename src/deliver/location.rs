//! The location of a file whose path the user gives. The directory must be trusted. An existing file may be replaced
//! only if it comes from an earlier run, because xassume must not destroy other files.

use super::trusted::{GroupWrite, STICKY, directory};
use crate::error::{Error, reason_of};
use crate::files::{MAX_BYTES, read_at_most};
use nix::unistd::geteuid;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// A kind of file whose path the user gives.
pub(crate) struct FileKind {
    /// The name of the file in errors.
    pub(super) what: &'static str,
    /// The flag that gives the path.
    pub(super) flag: &'static str,
    /// A description of what an existing file is allowed to contain, for error messages.
    pub(super) contents: &'static str,
    /// Checks whether a file with these contents comes from an earlier run, so that it may be replaced.
    pub(super) is_replaceable: fn(&[u8]) -> bool,
    /// The maximum size of the file, in bytes.
    pub(super) max_bytes: usize,
}

/// Returns the absolute path of the file. In the path of its directory, all symbolic links are resolved.
///
/// # Errors
/// Fails if the directory is missing, is itself a symbolic link, or is one in which another user could replace the
/// file. Also fails if the file exists and may not be replaced.
pub(super) fn locate(path: &Path, kind: &FileKind, group: GroupWrite) -> Result<PathBuf, Error> {
    let FileKind { what, flag, .. } = *kind;
    let refused = |reason, hint| Error::Place { what, flag, path: path.to_owned(), reason, hint };
    let failed = |reason| refused(reason, None);
    let absolute = std::path::absolute(path).map_err(|error| failed(reason_of(&error)))?;
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(failed("it is a directory".into()));
    };
    let found = std::fs::symlink_metadata(parent);
    let found = found.map_err(|error| failed(format!("cannot read the parent directory: {}", reason_of(&error))))?;
    if found.is_symlink() {
        return Err(failed("the parent directory is a symlink".into()));
    }
    let parent = directory(parent, group).map_err(|problem| refused(problem.text, problem.hint))?;
    let path = parent.join(name);
    // In a sticky directory, another user can create the file before xassume does, and other programs would read it.
    let owner = path.symlink_metadata().map_or(0, |found| found.uid());
    if found.mode() & STICKY != 0 && owner != 0 && owner != geteuid().as_raw() {
        return Err(failed(format!("the file belongs to another user (uid {owner})")));
    }
    if let Ok(found) = path.metadata()
        && !found.is_file()
    {
        return Err(failed(if found.is_dir() { "it is a directory" } else { "it is not a regular file" }.into()));
    }
    match read_at_most(&path, MAX_BYTES).map(Zeroizing::new) {
        Ok(text) if !(kind.is_replaceable)(&text) => Err(failed(format!(
            "the file exists and does not contain {}, so it will not be overwritten",
            kind.contents
        ))),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(reason_of(&error))),
        Ok(_) | Err(_) => Ok(path),
    }
}
