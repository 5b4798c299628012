//! The controlling terminal: whether xassume was started from it, and how to restore its settings.

use super::signals;
use crate::event::Stdin;
use crate::process::signal::{Signal, SignalSet};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::signal::killpg;
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{getpgrp, tcgetpgrp, tcsetpgrp};
use std::io::{IsTerminal as _, stderr, stdin, stdout};
use std::os::fd::OwnedFd;

/// The controlling terminal, and its settings when this value was created.
#[derive(Debug)]
pub(crate) struct Terminal {
    fd: OwnedFd,
    settings: Option<Termios>,
}

impl Terminal {
    /// Returns the controlling terminal if xassume was started from it, else `None`. xassume was started from the
    /// terminal if it is in the terminal's foreground, or if one of the descriptors 0 to 2 is the terminal. All three
    /// descriptors are checked, because some may be redirected (`</dev/null`, `| cat`). It is not enough that there is
    /// a controlling terminal, because xassume may run in an agent that was started from the terminal days ago.
    pub(crate) fn of_the_user() -> Option<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let fd = nix::fcntl::open("/dev/tty", flags, Mode::empty()).ok()?;
        let in_foreground = tcgetpgrp(&fd).is_ok_and(|foreground| foreground == getpgrp());
        // tcgetpgrp(3) works only for the controlling terminal. For any other file, it fails with `ENOTTY`.
        let connected = tcgetpgrp(stdin()).is_ok() || tcgetpgrp(stdout()).is_ok() || tcgetpgrp(stderr()).is_ok();
        (in_foreground || connected).then(|| Self { settings: tcgetattr(&fd).ok(), fd })
    }

    /// Checks whether the terminal has been closed.
    pub(crate) fn has_hung_up(&self) -> bool {
        tcgetattr(&self.fd) == Err(Errno::EIO)
    }

    /// Restores the settings if xassume is in the foreground, or if no process is left in the foreground group. The
    /// latter happens if the command was a shell that took the foreground for its own group and has exited. Does not
    /// wait for pending output first, because the output may be stopped (^S).
    pub(crate) fn restore(&self) {
        let (ours, foreground) = (getpgrp(), tcgetpgrp(&self.fd));
        let is_free = foreground.is_ok_and(|group| killpg(group, None) == Err(Errno::ESRCH));
        if foreground != Ok(ours) && !is_free {
            return;
        }
        // A shell may take the foreground after the check. In that case, these calls would stop xassume if SIGTTOU were
        // not blocked.
        let mask = signals::block(SignalSet::default().with(Signal::TTOU));
        if is_free {
            let _ = tcsetpgrp(&self.fd, ours);
        }
        if let Some(settings) = &self.settings {
            let _ = tcsetattr(&self.fd, SetArg::TCSANOW, settings);
        }
        signals::set_mask(mask);
    }
}

/// Returns the kind of standard input, for a warning: a restarted command continues to read the input where the
/// previous one stopped.
pub(crate) fn kind_of_stdin() -> Stdin {
    let input = stdin();
    if input.is_terminal() {
        return Stdin::Terminal;
    }
    let kind = fstat(&input).map(|stat| SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()));
    match kind {
        Ok(SFlag::S_IFIFO | SFlag::S_IFREG | SFlag::S_IFSOCK) => Stdin::Stream,
        Ok(_) | Err(_) => Stdin::Nothing,
    }
}
