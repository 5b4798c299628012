//! Errors that prevent the command from being run.

use super::text::reason_of;
use crate::claims::contain_token;
use crate::process::outcome::{NOT_FOUND, NOT_RUNNABLE};
use std::io;

/// A command that cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("cannot run '{}': {fault}", shown(.name))]
pub(crate) struct CommandError {
    /// The name of the command, as the user typed it.
    pub(crate) name: String,
    pub(crate) fault: CommandFault,
    /// The command line that the user probably meant. `None` if nothing suggests another one.
    pub(crate) suggestion: Option<String>,
}

/// What is wrong with the command or its file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandFault {
    #[error("the command is empty")]
    Empty,
    #[error("command not found")]
    NotFound,
    #[error("it is a directory")]
    Directory,
    #[error("not a regular file")]
    NotAFile,
    /// stat(2) failed with this error number.
    #[error("{}", text(*.0))]
    Unreachable(i32),
    /// access(2) denied the execution of the file with this error number.
    #[error("{}", text(*.0))]
    NotExecutable(i32),
    /// The file exists, but execve(2) reports ENOENT.
    #[error("the interpreter (#! line) or dynamic linker does not exist")]
    NoInterpreter,
    #[error("its file is being written")]
    Busy,
    /// execve(2) failed with another error number.
    #[error("{}", text(*.0))]
    Execve(i32),
}

/// Returns the name, unless it contains a token, which is then probably a value in the place of the command.
fn shown(name: &str) -> &str {
    if contain_token(name.as_bytes()) { "(a token)" } else { name }
}

/// Checks whether the name looks like that of an environment variable, such as `AWS_ID_TOKEN`.
fn is_variable(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn text(errno: i32) -> String {
    reason_of(&io::Error::from_raw_os_error(errno))
}

impl CommandFault {
    /// Translates the error number of execve(2) for a file that was found.
    pub(crate) fn of_execve(errno: i32) -> Self {
        match errno {
            libc::ENOENT => Self::NoInterpreter,
            libc::ETXTBSY => Self::Busy,
            errno => Self::Execve(errno),
        }
    }
}

impl CommandError {
    pub(crate) fn new(name: String, fault: CommandFault) -> Self {
        Self { name, fault, suggestion: None }
    }

    pub(super) fn status(&self) -> u8 {
        match self.fault {
            CommandFault::Empty | CommandFault::NotFound => NOT_FOUND,
            _ => NOT_RUNNABLE,
        }
    }

    pub(super) fn hint(&self) -> String {
        if let Some(suggestion) = &self.suggestion {
            return format!("did you mean: {suggestion}");
        }
        let hint = match self.fault {
            CommandFault::Empty => "if you passed a shell variable, check that it is set",
            CommandFault::NotFound if self.name.contains(char::is_whitespace) => {
                "no shell is involved: pass separate arguments (aws s3 ls), or use sh -c 'aws s3 ls'"
            }
            CommandFault::NotFound if self.name.starts_with('-') => "flags of xassume go before --",
            CommandFault::NotFound if is_variable(&self.name) => {
                return format!(
                    "if {0} belongs to the command of a flag, quote that command: --web-identity-token-command 'printenv \
                     {0}'",
                    self.name
                );
            }
            CommandFault::NotFound if self.name.contains('/') => "check the path",
            CommandFault::NotFound => {
                "check the spelling and PATH; for shell builtins, aliases and functions use: $SHELL -ic '…'"
            }
            CommandFault::Directory | CommandFault::NotAFile => "specify an executable file",
            CommandFault::Unreachable(_) => "check the permissions of the directories in its path",
            CommandFault::NotExecutable(_) => {
                return format!(
                    "make the file executable (chmod +x), or run it with its interpreter: sh {}",
                    self.name
                );
            }
            CommandFault::NoInterpreter => "check the first line of the script (#!…)",
            CommandFault::Busy => "wait until the program that writes it has closed it",
            CommandFault::Execve(libc::E2BIG) => "the arguments and the environment together are too large",
            CommandFault::Execve(_) => {
                "is the program built for this processor, and is its file system mounted without noexec?"
            }
        };
        hint.to_owned()
    }
}
