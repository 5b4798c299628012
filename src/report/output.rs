//! Standard output: the documents of `--print`, `--check` and `--help`.

use crate::error::Error;
use crate::sys::signals;
use nix::errno::Errno;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;

/// Checks that standard output is open. Called before xassume fetches a session to print it there.
///
/// # Errors
/// Standard output was closed when xassume started, for example with `>&-`. Rust's runtime has then opened `/dev/null`
/// in its place, so that printing would succeed although the document is lost.
pub(crate) fn expect_open() -> Result<(), Error> {
    if signals::inherited().lacks(libc::STDOUT_FILENO) { Err(Error::OutputClosed) } else { Ok(()) }
}

/// Prints a document for a reader that may close the pipe before the end, such as a pager.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn print_until_closed(document: &[u8]) -> Result<(), Error> {
    match print(document) {
        Err(Error::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Prints a document with one write(2) if possible. Does not use the buffer of the standard library, because secrets
/// would stay in it.
///
/// # Errors
/// Standard output is closed or full, or is a pipe without a reader.
pub(crate) fn print(document: &[u8]) -> Result<(), Error> {
    expect_open()?;
    let (stdout, mut rest) = (io::stdout(), document);
    while !rest.is_empty() {
        match nix::unistd::write(stdout.as_fd(), rest) {
            Ok(0) => return Err(Error::Output(ErrorKind::WriteZero.into())),
            Ok(count) => rest = &rest[count..],
            Err(Errno::EINTR) => {}
            Err(error) => return Err(Error::Output(error.into())),
        }
    }
    Ok(())
}
