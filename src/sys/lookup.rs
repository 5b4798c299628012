//! Finding the command's file before any call to STS, so that 126 and 127 cost nothing.
//!
//! The search is execvp(3)'s, through the `PATH` that xassume itself inherited: what the user sees at the prompt is
//! what runs, whatever the command's own environment will be.

use crate::error::{Error, reason_of};
use nix::unistd::{AccessFlags, access};
use std::ffi::{CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// glibc's `confstr(_CS_PATH)`: where execvp(3) looks when there is no `PATH`.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// A command that was found: its file, and its arguments as they were typed, the name first.
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
pub(crate) fn find(words: &[OsString], path: Option<&OsStr>) -> Result<Command, Error> {
    let name = words.first().map(OsString::as_os_str).unwrap_or_default();
    let shown = || name.to_string_lossy().into_owned();
    let file = if name.as_bytes().contains(&b'/') {
        check(Path::new(name)).map(|()| PathBuf::from(name))
    } else {
        search(name, path.unwrap_or(OsStr::new(DEFAULT_PATH)))
    };
    let file = file.map_err(|miss| match miss {
        Miss::NotFound => Error::CommandNotFound { name: shown() },
        Miss::NotRunnable { reason, hint } => {
            Error::CommandNotRunnable { name: shown(), reason, hint: Some(hint.to_owned()) }
        }
    })?;
    let c_string = |word: Vec<u8>| {
        CString::new(word).map_err(|_| Error::CommandNotRunnable {
            name: shown(),
            reason: "a word of it holds a NUL byte".into(),
            hint: None,
        })
    };
    Ok(Command {
        path: c_string(file.into_os_string().into_vec())?,
        arguments: words.iter().map(|word| c_string(word.as_bytes().to_vec())).collect::<Result<_, _>>()?,
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Miss {
    NotFound,
    NotRunnable { reason: String, hint: &'static str },
}

/// The first file in `PATH` that can be run. One that cannot is passed over, as execvp(3) does, and told only when
/// no other is found.
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
    let not_runnable = |reason: &str, hint| Miss::NotRunnable { reason: reason.to_owned(), hint };
    match std::fs::metadata(file) {
        Ok(found) if found.is_dir() => Err(not_runnable("it is a directory", "name a file that can be run")),
        Ok(found) if !found.is_file() => Err(not_runnable("it is no regular file", "name a file that can be run")),
        Ok(_) => access(file, AccessFlags::X_OK).map_err(|error| {
            not_runnable(error.desc(), "make it executable (chmod +x), or name its interpreter: sh FILE")
        }),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Err(Miss::NotFound)
        }
        Err(error) => Err(not_runnable(&reason_of(&error), "check the permissions of the folders that lead to it")),
    }
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
    fn searches_path_and_passes_over_what_cannot_run() {
        let directory = tempfile::tempdir().expect("a folder");
        let (first, second) = (directory.path().join("first"), directory.path().join("second"));
        for (dir, mode) in [(&first, 0o644), (&second, 0o755)] {
            std::fs::create_dir(dir).expect("a folder");
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
    fn tells_missing_from_not_runnable() {
        assert!(matches!(look(&["/"], None), Err(Error::CommandNotRunnable { .. })));
        assert!(matches!(look(&["/dev/null"], None), Err(Error::CommandNotRunnable { .. })));
        for missing in ["", "no-such-command", "/no/such/command", "/dev/null/x", "./no-such-command"] {
            assert!(matches!(look(&[missing], Some("/nowhere")), Err(Error::CommandNotFound { .. })), "{missing}");
        }
        assert!(look(&["sh"], None).is_ok(), "the default path holds sh");
    }
}
