//! Looks up the command's file before any call to STS, so that status 126 or 127 costs no call.
//!
//! It searches as execvp(3) does, in the `PATH` that xassume inherited: the same file runs as at the user's prompt,
//! whatever the command's environment will contain.

use crate::error::{Error, NotRunnable, reason_of};
use nix::unistd::{AccessFlags, access};
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// glibc's `confstr(_CS_PATH)`: where execvp(3) looks when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A command that was found: its file, and its arguments as typed, the name first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Command {
    pub(crate) path: CString,
    pub(crate) arguments: Vec<CString>,
}

impl Command {
    /// The name as it was typed, for messages.
    pub(crate) fn name(&self) -> String {
        self.arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Finds the file of a command.
///
/// # Errors
/// [`Error::CommandNotFound`] (127) or [`Error::CommandNotRunnable`] (126).
pub(crate) fn find(arguments: &[OsString], path: Option<&OsStr>) -> Result<Command, Error> {
    let name = arguments.first().map(OsString::as_os_str).unwrap_or_default();
    let file = if name.as_bytes().contains(&b'/') {
        check(Path::new(name)).map(|()| PathBuf::from(name))
    } else {
        search(name, path.unwrap_or(OsStr::new(DEFAULT_PATH)))
    };
    file.and_then(|file| command(&file, arguments)).map_err(|miss| {
        let name = name.to_string_lossy().into_owned();
        match miss {
            Miss::NotFound => Error::CommandNotFound { name },
            Miss::NotRunnable(cause) => Error::CommandNotRunnable { name, cause },
        }
    })
}

fn command(file: &Path, arguments: &[OsString]) -> Result<Command, Miss> {
    let c_string = |text: &OsStr| CString::new(text.as_bytes()).map_err(|_| Miss::NotRunnable(NotRunnable::NulByte));
    let arguments = arguments.iter().map(|argument| c_string(argument)).collect::<Result<_, _>>()?;
    Ok(Command { path: c_string(file.as_os_str())?, arguments })
}

#[derive(Debug, PartialEq, Eq)]
enum Miss {
    NotFound,
    NotRunnable(NotRunnable),
}

/// The first file in `PATH` that can be run. Others are skipped, as execvp(3) does, and are reported only if no file in
/// `PATH` can be run.
fn search(name: &OsStr, path: &OsStr) -> Result<PathBuf, Miss> {
    if name.is_empty() {
        return Err(Miss::NotFound);
    }
    let mut miss = Miss::NotFound;
    for directory in path.as_bytes().split(|&byte| byte == b':') {
        // An empty entry is the working directory (POSIX, XBD 8.3).
        let directory = if directory.is_empty() { Path::new(".") } else { Path::new(OsStr::from_bytes(directory)) };
        let file = directory.join(name);
        match check(&file) {
            Ok(()) => return Ok(file),
            Err(Miss::NotFound) => {}
            Err(not_runnable) => miss = not_runnable,
        }
    }
    Err(miss)
}

fn check(file: &Path) -> Result<(), Miss> {
    let cause = match std::fs::metadata(file) {
        Ok(found) if found.is_dir() => NotRunnable::Directory,
        Ok(found) if !found.is_file() => NotRunnable::NotRegular,
        Ok(_) => match access(file, AccessFlags::X_OK) {
            Ok(()) => return Ok(()),
            Err(error) => NotRunnable::NotExecutable(error.desc().to_owned()),
        },
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(Miss::NotFound);
        }
        Err(error) => NotRunnable::Unreachable(reason_of(&error)),
    };
    Err(Miss::NotRunnable(cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn look(words: &[&str], path: Option<&str>) -> Result<Command, Error> {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        find(&words, path.map(OsStr::new))
    }

    #[test]
    fn the_first_file_in_path_that_can_run_is_found() {
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
        assert!(matches!(look(&["tool"], Some(&only)), Err(Error::CommandNotRunnable { .. })));
    }

    #[test]
    fn a_missing_file_differs_from_one_that_cannot_run() {
        assert!(matches!(look(&["/"], None), Err(Error::CommandNotRunnable { .. })));
        assert!(matches!(look(&["/dev/null"], None), Err(Error::CommandNotRunnable { .. })));
        for missing in ["", "no-such-command", "/no/such/command", "/dev/null/x", "./no-such-command"] {
            assert!(matches!(look(&[missing], Some("/nowhere")), Err(Error::CommandNotFound { .. })), "{missing}");
        }
        assert!(look(&["sh"], None).is_ok(), "sh is in the default path");
    }
}
