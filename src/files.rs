//! Reads files, such as the shared config files, whose contents `profile` parses.

use crate::error::{Error, reason_of};
use crate::event::Ignored;
use crate::profile::ProfileSet;
use crate::vars::Vars;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The maximum size in bytes of a file from the user. It is about a hundred times the size of a large config file.
pub(crate) const MAX_BYTES: usize = 16 << 20;

/// The contents of the shared config files.
#[derive(Debug)]
pub(crate) struct ConfigFiles {
    pub(crate) profiles: ProfileSet,
    /// The content of the config file, for the copy that the command gets. It is empty if there is no file.
    pub(crate) config_text: Vec<u8>,
}

/// Reads `~/.aws/config` and `~/.aws/credentials`, or the files that `AWS_CONFIG_FILE` and
/// `AWS_SHARED_CREDENTIALS_FILE` name.
///
/// A missing file counts as empty, as in every AWS tool. A directory also counts as empty, as in the AWS CLI: if a file
/// is to be mounted into a container but does not exist, the container runtime creates a directory instead.
///
/// # Errors
/// A file cannot be read or has syntax errors.
pub(crate) fn read(vars: &Vars) -> Result<ConfigFiles, Error> {
    let [config, credentials] = places(vars);
    let mut directories = Vec::new();
    let config_text = bytes(config.as_deref(), "the config file", &mut directories)?;
    let credentials_text = bytes(credentials.as_deref(), "the credentials file", &mut directories)?.unwrap_or_default();
    let absent = config.clone().filter(|_| config_text.is_none());
    let config_text = config_text.unwrap_or_default();
    let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let mut profiles = ProfileSet::parse((&path(&config), &config_text), (&path(&credentials), &credentials_text))?;
    profiles.absent = absent;
    for directory in directories {
        profiles.notes.push(Ignored::new(directory.display(), "it is a directory"));
    }
    Ok(ConfigFiles { profiles, config_text })
}

/// Returns the profiles of the shared config files, or `None` if the files cannot be used.
pub(crate) fn profiles(vars: &Vars) -> Option<ProfileSet> {
    read(vars).ok().map(|files| files.profiles)
}

/// Returns the paths of the config file and of the credentials file. A path is `None` if no variable sets it and there
/// is no home directory.
pub(crate) fn places(vars: &Vars) -> [Option<PathBuf>; 2] {
    [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")]
        .map(|(variable, default)| location(vars, variable, default))
}

/// Returns the path in the variable, in which a leading `~/` means the home directory. If the variable is not set,
/// returns the default path in the home directory, or `None` if there is no home directory.
fn location(vars: &Vars, variable: &str, default: &str) -> Option<PathBuf> {
    let home = home(vars);
    match vars.nonempty(variable).map(PathBuf::from) {
        Some(path) => Some(match (path.strip_prefix("~"), home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => path,
        }),
        None => Some(home?.join(".aws").join(default)),
    }
}

/// Returns the home directory, or `None` if there is none.
pub(crate) fn home(vars: &Vars) -> Option<PathBuf> {
    vars.nonempty("HOME").map(PathBuf::from)
}

/// Returns the contents of a shared file, or `None` if there is no such file. Adds a directory to `directories`.
///
/// # Errors
/// The file cannot be read.
fn bytes<'p>(path: Option<&'p Path>, what: &str, directories: &mut Vec<&'p Path>) -> Result<Option<Vec<u8>>, Error> {
    let Some(path) = path else { return Ok(None) };
    read_at_most(path, MAX_BYTES).map(Some).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(None),
        io::ErrorKind::IsADirectory => {
            directories.push(path);
            Ok(Some(Vec::new()))
        }
        _ => Err(Error::File { what: what.to_owned(), path: path.to_owned(), reason: reason_of(&error) }),
    })
}

/// Reads a regular file of at most `most` bytes, or `/dev/null`. Other kinds of files are rejected because reading them
/// may block or never end.
///
/// # Errors
/// The file cannot be read, is not a regular file, or is too large.
pub(crate) fn read_at_most(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let (file, found) = open_regular(path, 0)?;
    read_all(file, &found, most)
}

/// Does the same as [`read_at_most`], but rejects a symbolic link too, and also returns the status of the file.
///
/// # Errors
/// The same errors as for [`read_at_most`]. Also fails if the path is a symbolic link.
pub(crate) fn read_not_linked(path: &Path, most: usize) -> io::Result<(Vec<u8>, Metadata)> {
    let (file, found) = open_regular(path, libc::O_NOFOLLOW)?;
    read_all(file, &found, most).map(|bytes| (bytes, found))
}

fn open_regular(path: &Path, flags: i32) -> io::Result<(File, Metadata)> {
    // With these flags, opening a FIFO or a device does not block.
    let flags = flags | libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => irregular(io::ErrorKind::InvalidInput, "a socket or a device that cannot be opened"),
        Some(libc::ELOOP) if path.is_symlink() => irregular(io::ErrorKind::InvalidInput, "a symbolic link"),
        _ => error,
    })?;
    let found = file.metadata()?;
    check_regular(&found)?;
    Ok((file, found))
}

/// Reads the text file that a flag names. The file may be a pipe, as in `<(…)`, so it can be read only once.
///
/// # Errors
/// The file cannot be read, is too large, or is not valid UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    let bytes = read_all(file, &found, MAX_BYTES)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not valid UTF-8"))
}

fn read_all(file: File, found: &Metadata, most: usize) -> io::Result<Vec<u8>> {
    let length = usize::try_from(found.len()).unwrap_or(most).min(most);
    // The buffer is larger than the file, because otherwise `read_to_end` would enlarge it before it notices the end of
    // the file.
    let mut bytes = Vec::with_capacity(length + 64);
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes")));
    }
    Ok(bytes)
}

/// Rejects a file that is neither a regular file nor `/dev/null`. `/dev/null` counts as an empty file.
fn check_regular(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    let is_null = kind.is_char_device() && found.rdev() == libc::makedev(1, 3);
    let what = match () {
        () if kind.is_file() || is_null => return Ok(()),
        () if kind.is_dir() => return Err(irregular(io::ErrorKind::IsADirectory, "a directory")),
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(irregular(io::ErrorKind::InvalidInput, what))
}

fn irregular(kind: io::ErrorKind, what: &str) -> io::Error {
    io::Error::new(kind, format!("it is {what}, not a regular file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_its_end() {
        let endless = File::open("/dev/zero").expect("a device");
        let found = endless.metadata().expect("its status");
        assert_eq!(read_all(endless, &found, 1000).expect_err("endless").to_string(), "larger than 1000 bytes");
        assert_eq!(read_at_most(Path::new("/dev/null"), 0).expect("empty"), b"");
        let this = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/files.rs");
        let whole = std::fs::read(&this).expect("this file");
        assert_eq!(read_at_most(&this, whole.len()).expect("this file"), whole);
        assert!(read_at_most(&this, whole.len() - 1).is_err());
    }

    #[test]
    fn a_special_file_is_an_error_and_does_not_block() {
        let directory = tempfile::tempdir().expect("a directory");
        let at = |name: &str| directory.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
        for (path, kind) in [
            (at("fifo"), "a FIFO"),
            (at("socket"), "a socket or a device that cannot be opened"),
            (at("."), "a directory"),
            ("/dev/zero".into(), "a device"),
        ] {
            let error = read_at_most(&path, 1000).expect_err(kind).to_string();
            assert_eq!(error, format!("it is {kind}, not a regular file"));
        }
        std::os::unix::fs::symlink("/dev/null", at("link")).expect("a link");
        assert_eq!(read_at_most(&at("link"), 0).expect("an empty file"), b"");
    }

    #[test]
    fn files_are_at_the_paths_of_variables_or_in_the_home_directory() {
        let at = |pairs: &[(&str, &str)]| location(&pairs.iter().copied().collect(), "AWS_CONFIG_FILE", "config");
        assert_eq!(at(&[("HOME", "/h")]), Some("/h/.aws/config".into()));
        assert_eq!(at(&[("HOME", "/h"), ("AWS_CONFIG_FILE", "/c")]), Some("/c".into()));
        assert_eq!(at(&[("HOME", "/h"), ("AWS_CONFIG_FILE", "~/c")]), Some("/h/c".into()));
        assert_eq!(at(&[("AWS_CONFIG_FILE", "~/c")]), Some("~/c".into()));
        assert_eq!(at(&[("HOME", "")]), None);
    }
}
