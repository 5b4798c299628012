//! Reading the files that users name, and the shared config files above all; what is in these is decided in `profile`.

use crate::error::{Error, reason_of};
use crate::profile::ProfileSet;
use crate::vars::Vars;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The most that is read of a file that a flag, a variable or a home names: some hundred times a large one.
pub(crate) const MOST_BYTES: usize = 16 << 20;

/// The shared config files, as found. Reading them is the caller's first effect.
#[derive(Debug)]
pub(crate) struct ConfigFiles {
    pub(crate) profiles: ProfileSet,
    /// The config file's bytes, for the command's copy of it; empty when there is none.
    pub(crate) config_text: Vec<u8>,
}

/// Reads `~/.aws/config` and `~/.aws/credentials`, or what `AWS_CONFIG_FILE` and `AWS_SHARED_CREDENTIALS_FILE` name.
///
/// A file that does not exist is an empty one, as for every AWS tool; so is a directory, as for the AWS CLI. A container
/// runtime makes one where the file that it is to mount does not exist.
///
/// # Errors
/// A file that is there but cannot be read, or does not keep the format.
pub(crate) fn read(vars: &Vars) -> Result<ConfigFiles, Error> {
    let [config, credentials] = places(vars);
    let mut directories = Vec::new();
    let config_text = text(config.as_deref(), "the config file", &mut directories)?;
    let credentials_text = text(credentials.as_deref(), "the credentials file", &mut directories)?;
    let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let mut profiles = ProfileSet::parse((&path(&config), &config_text), (&path(&credentials), &credentials_text))?;
    for directory in directories {
        profiles.note(format!("{} is not read: it is a directory", directory.display()));
    }
    Ok(ConfigFiles { profiles, config_text })
}

/// Where the config file and the credentials file are looked for; nowhere without a home.
pub(crate) fn places(vars: &Vars) -> [Option<PathBuf>; 2] {
    [("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")]
        .map(|(variable, default)| location(vars, variable, default))
}

/// Where a file is: the variable's path, with a leading `~/` for the home, else the default in the home.
fn location(vars: &Vars, variable: &str, default: &str) -> Option<PathBuf> {
    let home = vars.get("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    match vars.get(variable).filter(|path| !path.is_empty()).map(PathBuf::from) {
        Some(path) => Some(match (path.strip_prefix("~"), home) {
            (Ok(below), Some(home)) => home.join(below),
            _ => path,
        }),
        None => Some(home?.join(".aws").join(default)),
    }
}

fn text<'p>(path: Option<&'p Path>, what: &str, directories: &mut Vec<&'p Path>) -> Result<Vec<u8>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    read_at_most(path, MOST_BYTES).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(Vec::new()),
        io::ErrorKind::IsADirectory => {
            directories.push(path);
            Ok(Vec::new())
        }
        _ => Err(Error::File { what: what.to_owned(), path: path.to_owned(), reason: reason_of(&error) }),
    })
}

/// Reads a regular file, or `/dev/null`, unless it holds more than `most` bytes. Anything else may block, or never end.
///
/// # Errors
/// The system's, that it is another kind of file, or that there is more.
pub(crate) fn read_at_most(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    // Without waiting for the other end of a FIFO, nor for a device.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ENXIO) => irregular(io::ErrorKind::InvalidInput, "a socket or a device that cannot be opened"),
        _ => error,
    })?;
    let found = file.metadata()?;
    match other_kind(&found) {
        Some((kind, what)) => Err(irregular(kind, what)),
        None => read_all(file, &found, most),
    }
}

/// Reads a file of text that a flag names: once, before anything else is done. It may be a pipe, as `<(…)` is.
///
/// # Errors
/// The system's, that there is too much of it, or that it is not text.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    let bytes = read_all(file, &found, MOST_BYTES)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not valid UTF-8"))
}

fn read_all(file: File, found: &Metadata, most: usize) -> io::Result<Vec<u8>> {
    let length = usize::try_from(found.len()).unwrap_or(most).min(most);
    // So much more that the end is found without a larger buffer.
    let mut bytes = Vec::with_capacity(length + 64);
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes")));
    }
    Ok(bytes)
}

/// What it is, if it is neither a regular file nor `/dev/null`, which stands for an empty one.
fn other_kind(found: &Metadata) -> Option<(io::ErrorKind, &'static str)> {
    let kind = found.file_type();
    let is_null = kind.is_char_device() && found.rdev() == libc::makedev(1, 3);
    let what = match () {
        () if kind.is_file() || is_null => return None,
        () if kind.is_dir() => return Some((io::ErrorKind::IsADirectory, "a directory")),
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Some((io::ErrorKind::InvalidInput, what))
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
    fn what_is_no_regular_file_is_named_at_once() {
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
    fn files_are_where_the_variables_say_or_in_the_home() {
        let at = |pairs: &[(&str, &str)]| location(&pairs.iter().copied().collect(), "AWS_CONFIG_FILE", "config");
        assert_eq!(at(&[("HOME", "/h")]), Some("/h/.aws/config".into()));
        assert_eq!(at(&[("HOME", "/h"), ("AWS_CONFIG_FILE", "/c")]), Some("/c".into()));
        assert_eq!(at(&[("HOME", "/h"), ("AWS_CONFIG_FILE", "~/c")]), Some("/h/c".into()));
        assert_eq!(at(&[("AWS_CONFIG_FILE", "~/c")]), Some("~/c".into()));
        assert_eq!(at(&[("HOME", "")]), None);
    }
}
