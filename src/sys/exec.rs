//! Exec mode: execve(2) with everything as xassume inherited it.

use super::lookup::Command;
use super::signals;
use crate::error::{Error, NotRunnable};
use nix::errno::Errno;
use nix::unistd::execve;
use std::ffi::{CStr, CString};

/// The shell that runs a file without `#!`, as execvp(3) does.
const SHELL: &CStr = c"/bin/sh";

/// Replaces this process with the command. Returns only if that fails.
///
/// Restores signal dispositions and the mask first; descriptors, umask and niceness were never changed.
pub(crate) fn replace(command: &Command, environment: &[CString]) -> Error {
    signals::inherited().restore();
    let Err(error) = execve(&command.path, &command.arguments, environment);
    if error != Errno::ENOEXEC {
        return not_runnable(command, error);
    }
    let mut arguments = vec![SHELL.to_owned(), command.path.clone()];
    arguments.extend(command.arguments.iter().skip(1).cloned());
    let Err(error) = execve(SHELL, &arguments, environment);
    not_runnable(command, error)
}

/// The error for a command that was found and that execve(2) did not start.
pub(crate) fn not_runnable(command: &Command, error: Errno) -> Error {
    let cause = match error {
        Errno::ENOENT => NotRunnable::NoInterpreter,
        Errno::E2BIG => NotRunnable::TooLarge(error.desc().to_owned()),
        Errno::ETXTBSY => NotRunnable::BeingWritten,
        _ => NotRunnable::Refused(error.desc().to_owned()),
    };
    Error::CommandNotRunnable { name: command.name(), cause }
}
