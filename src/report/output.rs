//! Delivery by standard output, for whoever called xassume and reads it.

use crate::error::Error;
use crate::sys::signals;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

/// Makes sure that there is a standard output, before anything is obtained for it.
///
/// # Errors
/// It was closed at the start, as by `>&-`. Rust's runtime has put `/dev/null` there, which would take all.
pub(crate) fn expect_open() -> Result<(), Error> {
    if signals::inherited().lacks(libc::STDOUT_FILENO) { Err(Error::OutputClosed) } else { Ok(()) }
}

/// Prints a document, with one write(2) where it is taken whole, and past the standard library's buffer: secrets would
/// be left in it.
///
/// # Errors
/// Nobody reads it any more, there is no room for it, or no standard output.
pub(crate) fn print(document: &[u8]) -> Result<(), Error> {
    expect_open()?;
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let written = stdout.and_then(|mut stdout| stdout.write_all(document));
    written.map_err(Error::Output)
}
