//! Reading the shared config files; what is in them is decided in `profile`.

use crate::error::{Error, told};
use crate::profile::ProfileSet;
use crate::vars::Vars;
use std::io;
use std::path::{Path, PathBuf};

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
    match std::fs::read(path) {
        Ok(text) => Ok(text),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(Error::File { what: what.to_owned(), path: path.to_owned(), reason: told(&error) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
