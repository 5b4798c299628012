//! Reading the files that users name, and the shared config files above all; what is in these is decided in `profile`.

use crate::error::{Error, told};
use crate::profile::ProfileSet;
use crate::vars::Vars;
use std::fs::File;
use std::io::{self, Read as _};
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
/// A file that does not exist is an empty one, as for every AWS tool.
///
/// # Errors
/// A file that is there but cannot be read, or does not keep the format.
pub(crate) fn read(vars: &Vars) -> Result<ConfigFiles, Error> {
    let [config, credentials] = places(vars);
    let config_text = text(config.as_deref(), "the config file")?;
    let credentials_text = text(credentials.as_deref(), "the credentials file")?;
    let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let profiles = ProfileSet::parse((&path(&config), &config_text), (&path(&credentials), &credentials_text))?;
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

fn text(path: Option<&Path>, what: &str) -> Result<Vec<u8>, Error> {
    let Some(path) = path else { return Ok(Vec::new()) };
    match read_at_most(path, MOST_BYTES) {
        Ok(text) => Ok(text),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(Error::File { what: what.to_owned(), path: path.to_owned(), reason: told(&error) }),
    }
}

/// Reads a file, a pipe or a device, unless it holds more than `most` bytes.
///
/// # Errors
/// The system's, or that there is more.
pub(crate) fn read_at_most(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(most).min(most);
    // So much more that the end is found without a larger buffer.
    let mut bytes = Vec::with_capacity(length + 64);
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {most} bytes")));
    }
    Ok(bytes)
}

/// Reads a file of text.
///
/// # Errors
/// As for [`read_at_most`], or that it is no text.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_at_most(path, MOST_BYTES)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_not_read_to_its_end() {
        let error = read_at_most(Path::new("/dev/zero"), 1000).expect_err("endless");
        assert_eq!(error.to_string(), "it is larger than 1000 bytes");
        assert_eq!(read_at_most(Path::new("/dev/null"), 0).expect("empty"), b"");
        let this = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/files.rs");
        let whole = std::fs::read(&this).expect("this file");
        assert_eq!(read_at_most(&this, whole.len()).expect("this file"), whole);
        assert!(read_at_most(&this, whole.len() - 1).is_err());
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
