//! Becoming the command: execve(2), with everything as xassume inherited it.

use super::lookup::Command;
use super::signals;
use crate::error::Error;
use nix::errno::Errno;
use nix::unistd::execve;
use std::ffi::{CStr, CString};

/// The shell that runs a file without `#!`, as execvp(3) does.
const SHELL: &CStr = c"/bin/sh";

/// Replaces this process by the command. Comes back only with the reason why it could not.
///
/// Signal dispositions and the mask are put back first; descriptors, umask, niceness and limits were never touched.
pub(crate) fn replace(command: &Command, environment: &[CString]) -> Error {
    signals::inherited().restore();
    let Err(error) = execve(&command.path, &command.arguments, environment);
    let error = if error == Errno::ENOEXEC {
        let mut arguments = vec![SHELL.to_owned(), command.path.clone()];
        arguments.extend(command.arguments.iter().skip(1).cloned());
        let Err(error) = execve(SHELL, &arguments, environment);
        error
    } else {
        error
    };
    not_runnable(command, error)
}

/// Why a command that was found could not be started, as status 126.
pub(crate) fn not_runnable(command: &Command, error: Errno) -> Error {
    let (reason, hint) = match error {
        Errno::ENOENT => {
            ("its interpreter does not exist", Some("look at its first line (`#!…`), or at its dynamic linker"))
        }
        Errno::E2BIG => {
            (error.desc(), Some("the arguments and the environment together are larger than the kernel takes"))
        }
        Errno::ETXTBSY => ("its file is being written", Some("wait until whoever writes it has closed it")),
        _ => (error.desc(), Some("is it made for this processor, and is its file system mounted without noexec?")),
    };
    Error::CommandNotRunnable { name: command.name(), reason: reason.to_owned(), hint: hint.map(str::to_owned) }
}
