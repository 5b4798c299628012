//! The terminal as a person types on it: one line, waited for without blocking the thread.
//!
//! Its mode is left as it is, so nothing has to be put back, however the wait ends.

use super::poll::polled;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

const TERMINAL: &str = "/dev/tty";

/// The controlling terminal. It is opened again: no other process has the flags of this description.
pub(crate) struct Keyboard(AsyncFd<File>);

impl Keyboard {
    /// # Errors
    /// ENXIO when there is none.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        Ok(Self(polled(OpenOptions::new().read(true).write(true).custom_flags(flags).open(TERMINAL)?)?))
    }

    /// Shows a text; waits while the output is held (^S).
    ///
    /// # Errors
    /// When the terminal is gone.
    pub(crate) async fn show(&self, text: &str) -> io::Result<()> {
        let mut left = text.as_bytes();
        while !left.is_empty() {
            match self.0.get_ref().write(left) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.0.writable().await?.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => left = &left[written?..],
            }
        }
        Ok(())
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

impl AsFd for Keyboard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}
