//! The path of xassume's own file, for a helper that is run later.

use std::io;
use std::path::PathBuf;

/// The real path of the file that this process runs, whatever name it was started with.
///
/// # Errors
/// /proc is not mounted, or the file was removed since.
pub(crate) fn own() -> io::Result<PathBuf> {
    // The kernel appends ` (deleted)` to the path of a removed file; such a path does not exist.
    let path = std::fs::read_link("/proc/self/exe")?;
    if path.try_exists()? { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) }
}
