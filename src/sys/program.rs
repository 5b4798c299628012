//! The path of xassume's own program file. xassume writes this path to a configuration file, so that other programs can
//! run xassume.

use std::io;
use std::path::PathBuf;

/// Returns the real path of the file that this process executes, whatever name it was started with.
///
/// # Errors
/// Fails if `/proc` is not mounted, or if the file has since been removed.
pub(crate) fn own() -> io::Result<PathBuf> {
    // If the file was removed, the kernel appends ` (deleted)` to its path. No file exists at that longer path, so
    // `try_exists` returns `false`.
    let path = std::fs::read_link("/proc/self/exe")?;
    if path.try_exists()? { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) }
}
