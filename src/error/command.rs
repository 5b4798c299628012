//! Why the file of a command cannot be run.

/// Why the file of a command cannot be run. The texts are the system's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotRunnable {
    Directory,
    NotRegular,
    /// access(2) does not allow to execute it.
    NotExecutable(String),
    /// Its metadata cannot be read.
    Unreachable(String),
    /// A NUL byte is in its path or its arguments.
    NulByte,
    /// execve(2): `ENOENT`, `E2BIG`, `ETXTBSY`, or another error.
    NoInterpreter,
    TooLarge(String),
    BeingWritten,
    Refused(String),
}

impl NotRunnable {
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Directory => "it is a directory",
            Self::NotRegular => "it is no regular file",
            Self::NulByte => "a word of it holds a NUL byte",
            Self::NoInterpreter => "its interpreter does not exist",
            Self::BeingWritten => "its file is being written",
            Self::NotExecutable(text) | Self::Unreachable(text) | Self::TooLarge(text) | Self::Refused(text) => text,
        }
    }

    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Directory | Self::NotRegular => Some("name a file that can be run"),
            Self::NotExecutable(_) => Some("make it executable (chmod +x), or name its interpreter: sh FILE"),
            Self::Unreachable(_) => Some("check the permissions of the folders that lead to it"),
            Self::NulByte => None,
            Self::NoInterpreter => Some("look at its first line (`#!…`), or at its dynamic linker"),
            Self::TooLarge(_) => Some("the arguments and the environment together are larger than the kernel takes"),
            Self::BeingWritten => Some("wait until whoever writes it has closed it"),
            Self::Refused(_) => Some("is it made for this processor, and is its file system mounted without noexec?"),
        }
    }
}
