//! Delivery by standard output, for whoever called xassume and reads it.

use crate::error::Error;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;

/// Prints a document, with one write(2) where it is taken whole, and past the standard library's buffer: secrets would
/// be left in it.
///
/// # Errors
/// Nobody reads it any more, or there is no room for it.
pub(crate) fn print(document: &[u8]) -> Result<(), Error> {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let written = stdout.and_then(|mut stdout| stdout.write_all(document));
    written.map_err(Error::Output)
}
