//! Looks up the command's file before any STS call. So if the file does not exist (exit status 127) or cannot be run
//! (exit status 126), STS is not called.
//!
//! The search works like that of execvp(3), in the `PATH` that xassume inherited. So the file is the same as at the
//! user's prompt, whatever the command's environment will contain.

use crate::error::{CommandError, CommandFault};
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// The value of glibc's `confstr(_CS_PATH)`, which execvp(3) searches if `PATH` is not set.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The shell that runs a file without `#!`, as in execvp(3).
pub(super) const SHELL: &CStr = c"/bin/sh";

/// The file of a command, and its arguments as the user typed them. The first argument is the command's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) path: CString,
    pub(crate) arguments: Vec<CString>,
}

impl Command {
    /// Returns the command's name as the user typed it, for messages.
    pub(crate) fn name(&self) -> String {
        self.arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Finds the file of a command in `path`, the value of `PATH`.
///
/// # Errors
/// Fails if no file can be run.
pub(crate) fn find(words: &[OsString], path: Option<&OsStr>) -> Result<Command, CommandError> {
    let name = words.first().map(OsString::as_os_str).unwrap_or_default();
    found(name, words, path).map_err(|fault| CommandError::new(name.to_string_lossy().into_owned(), fault))
}

fn found(name: &OsStr, words: &[OsString], path: Option<&OsStr>) -> Result<Command, CommandFault> {
    let file = if name.as_bytes().contains(&b'/') {
        check(Path::new(name)).map(|()| PathBuf::from(name))?
    } else {
        search(name, path.unwrap_or(OsStr::new(DEFAULT_PATH)))?
    };
    // Words from the command line contain no NUL byte, so this does not fail.
    let c_string = |word: Vec<u8>| CString::new(word).map_err(|_| CommandFault::Execve(libc::EINVAL));
    Ok(Command {
        path: c_string(file.into_os_string().into_vec())?,
        arguments: words.iter().map(|word| c_string(word.as_bytes().to_vec())).collect::<Result<_, _>>()?,
    })
}

/// Returns the first file in `PATH` that can be run. A file that cannot be run is reported only if no other file is
/// found.
fn search(name: &OsStr, path: &OsStr) -> Result<PathBuf, CommandFault> {
    if name.is_empty() {
        return Err(CommandFault::Empty);
    }
    let mut fault = CommandFault::NotFound;
    for directory in path.as_bytes().split(|&byte| byte == b':') {
        // An empty entry means the working directory (POSIX, XBD 8.3).
        let directory = if directory.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(directory)) };
        let file = directory.join(name);
        match check(&file) {
            Ok(()) => return Ok(file),
            Err(CommandFault::NotFound) => {}
            Err(not_runnable) => fault = not_runnable,
        }
    }
    Err(fault)
}

fn check(file: &Path) -> Result<(), CommandFault> {
    match nix::sys::stat::stat(file).map(|found| found.st_mode & libc::S_IFMT) {
        Ok(libc::S_IFDIR) => Err(CommandFault::Directory),
        Ok(libc::S_IFREG) => access(file, AccessFlags::X_OK).map_err(|error| CommandFault::NotExecutable(error as i32)),
        Ok(_) => Err(CommandFault::NotAFile),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Err(CommandFault::NotFound),
        Err(error) => Err(CommandFault::Unreachable(error as i32)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn look(words: &[&str], path: Option<&str>) -> Result<Command, CommandFault> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        find(&words, path.map(OsStr::new)).map_err(|error| error.fault)
    }

    #[test]
    fn searches_path_and_skips_files_that_cannot_run() {
        let directory = tempfile::tempdir().expect("a directory");
        let (first, second) = (directory.path().join("first"), directory.path().join("second"));
        for (dir, mode) in [(&first, 0o644), (&second, 0o755)] {
            std::fs::create_dir(dir).expect("a directory");
            std::fs::write(dir.join("tool"), "").expect("a file");
            std::fs::set_permissions(dir.join("tool"), std::fs::Permissions::from_mode(mode)).expect("a mode");
        }
        let both = format!("{}:{}", first.display(), second.display());
        let found = look(&["tool", "-x", ""], Some(&both)).expect("the second");
        assert_eq!(found.path.to_str().ok(), second.join("tool").to_str());
        assert_eq!(found.arguments.len(), 3);
        assert_eq!(found.name(), "tool");
        let only = first.display().to_string();
        assert!(matches!(look(&["tool"], Some(&only)), Err(CommandFault::NotExecutable(libc::EACCES))));
    }

    #[test]
    fn a_missing_command_and_one_that_cannot_run_differ() {
        assert_eq!(look(&["/"], None), Err(CommandFault::Directory));
        assert_eq!(look(&["/dev/null"], None), Err(CommandFault::NotAFile));
        assert_eq!(look(&[""], None), Err(CommandFault::Empty));
        for missing in ["no-such-command", "/no/such/command", "/dev/null/x", "./no-such-command"] {
            assert_eq!(look(&[missing], Some("/nowhere")), Err(CommandFault::NotFound), "{missing}");
        }
        assert!(look(&["sh"], None).is_ok(), "the default path has sh");
    }
}
