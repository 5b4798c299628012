//! Exec mode: execve(2), with the signal state, descriptors and limits that xassume inherited.

use super::listen::{ListenSockets, SocketMode};
use super::lookup::{Command, SHELL};
use super::signals;
use nix::errno::Errno;
use nix::unistd::execve;
use std::ffi::CString;

/// Replaces this process with the command, which gets the sockets. Returns only if execve(2) fails, with the error.
///
/// First restores the signal dispositions, the signal mask and the other parts of [`signals::InheritedState`]. The
/// umask and the niceness need no restoring, because xassume never changes them.
pub(crate) fn replace(command: &Command, environment: &[CString], sockets: &ListenSockets) -> Errno {
    sockets.hand_over(SocketMode::Restored);
    signals::inherited().restore();
    let Err(error) = execve(&command.path, &command.arguments, environment);
    if error != Errno::ENOEXEC {
        return error;
    }
    let mut arguments = vec![SHELL.to_owned(), command.path.clone()];
    arguments.extend(command.arguments.iter().skip(1).cloned());
    let Err(error) = execve(SHELL, &arguments, environment);
    error
}
