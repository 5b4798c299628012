//! Reads a line from the terminal without blocking the thread.
//!
//! `echo` hides what the user types. Otherwise, the mode of the terminal is not changed.

use super::poll::{polled, read_when_ready};
use nix::sys::termios::{FlushArg, tcflush};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use tokio::io::unix::AsyncFd;
use zeroize::Zeroizing;

const TERMINAL: &str = "/dev/tty";

/// The controlling terminal. It is opened again here and not inherited, because other processes that share an inherited
/// file description would get its flag `O_NONBLOCK` too.
pub(crate) struct Keyboard(AsyncFd<File>);

impl Keyboard {
    /// Opens the controlling terminal.
    ///
    /// # Errors
    /// Fails with `ENXIO` if this process has no controlling terminal.
    pub(crate) fn open() -> io::Result<Self> {
        let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
        Ok(Self(polled(OpenOptions::new().read(true).write(true).custom_flags(flags).open(TERMINAL)?)?))
    }

    /// Writes a text, and waits while the output is stopped (^S).
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

    /// Discards what the user has typed so far. Must be called only in the foreground: the kernel stops a background job
    /// that calls this (SIGTTOU).
    pub(crate) fn discard_input(&self) -> io::Result<()> {
        Ok(tcflush(&self.0, FlushArg::TCIFLUSH)?)
    }

    /// Reads one line, and returns it with its line ending. If the input ends first, returns what has been read so far.
    ///
    /// A line of more than `most` bytes is read to its end, because the shell would run the rest as a command. Then only
    /// its last bytes are returned, after a NUL, so that they are not a valid answer.
    ///
    /// A carriage return also ends the line, because the terminal may be in raw mode.
    ///
    /// # Errors
    /// Fails if the terminal is gone. If xassume is a background job, the read does not fail: the kernel stops xassume
    /// instead (SIGTTIN).
    pub(crate) async fn line(&self, most: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        let mut line = Zeroizing::new(Vec::with_capacity(2 * most));
        let mut buffer = Zeroizing::new(vec![0; most]);
        loop {
            // The first read comes before the first wait, so that the kernel stops xassume at once if it is a
            // background job.
            let read = read_when_ready(&self.0, |mut terminal| terminal.read(&mut buffer)).await?;
            if line.len() + read > most {
                line.clear();
                line.push(0);
            }
            line.extend_from_slice(&buffer[..read]);
            if read == 0 || line.iter().any(|byte| matches!(byte, b'\n' | b'\r')) {
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
