//! The terminal as a person types on it: one line, waited for without blocking the thread.
//!
//! Its mode is left as it is, so nothing has to be put back, however the wait ends.
#![allow(unsafe_code, reason = "tokio asks its caller to vouch for a descriptor")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

const TERMINAL: &str = "/dev/tty";

/// Opens the controlling terminal anew; flags of this description are nobody else's.
///
/// # Errors
/// ENXIO when there is none.
pub(crate) fn open_terminal() -> io::Result<File> {
    open(0)
}

fn open(flags: libc::c_int) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).custom_flags(flags | libc::O_NOCTTY).open(TERMINAL)
}

/// The controlling terminal, for reading.
pub(crate) struct Keyboard(AsyncFd<File>);

impl Keyboard {
    /// # Errors
    /// As [`open_terminal`].
    pub(crate) fn open() -> io::Result<Self> {
        let file = open(libc::O_NONBLOCK)?;
        // SAFETY: a File's descriptor is open and the same until the File is dropped, and nothing takes it out.
        let registered = unsafe { AsyncFd::register_with_interest(file, Interest::READABLE) };
        Ok(Self(registered.map_err(io::Error::from)?))
    }

    /// One line with its ending, or what came before the end of input; cut off after `most` bytes or a little more.
    ///
    /// Return counts as an ending, for a terminal that was left in raw mode.
    ///
    /// # Errors
    /// When the terminal is gone. A background job is stopped by the kernel instead (SIGTTIN).
    pub(crate) async fn line(&self, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(2 * most));
        let mut buffer = Zeroizing::new(vec![0; most]);
        loop {
            // A read before the first wait, so that a background job is stopped here, as by any read of a terminal.
            let read = match self.0.get_ref().read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.0.readable().await?.clear_ready();
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            line.extend_from_slice(&buffer[..read]);
            if read == 0 || line.len() >= most || line.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
                return Ok(line);
            }
        }
    }
}
