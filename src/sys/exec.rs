//! Exec mode: execve(2), with signals, descriptors and limits as xassume inherited them.

use super::lookup::{Command, SHELL};
use super::signals;
use nix::errno::Errno;
use nix::unistd::execve;
use std::ffi::CString;

/// Replaces this process with the command. Returns only the error.
///
/// Signal dispositions and the mask are restored first; descriptors, umask, niceness and limits were never changed.
pub(crate) fn replace(command: &Command, environment: &[CString]) -> Errno {
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
