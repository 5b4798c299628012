//! Where xassume's own file is, for a helper that is run later.

use crate::error::{Error, reason_of};
use std::io;
use std::path::PathBuf;

/// The file that this process runs, by its real path: links are followed, and its name at the start does not count.
///
/// # Errors
/// When /proc is not mounted, or the file was removed since.
pub(crate) fn own() -> Result<PathBuf, Error> {
    // The kernel appends ` (deleted)` to the path of a file that is gone; such a path does not exist.
    let found = std::fs::read_link("/proc/self/exe")
        .and_then(|path| if path.try_exists()? { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) });
    found.map_err(|error| Error::Missing {
        what: "find the file of xassume itself",
        reason: reason_of(&error),
        hint: "/proc must be mounted",
    })
}
