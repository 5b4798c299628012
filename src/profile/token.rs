//! Where a web identity token comes from, and which setting says so.

use super::set::Settings;
use crate::claims::contain_token;
use crate::error::ConfigError;
use crate::origin::Origin;
use crate::role::Invalid;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// The key of a profile that names a token file.
pub(super) const TOKEN_FILE: &str = "web_identity_token_file";
/// The key of a profile that contains a command which prints a token. It is a key of aws-vault.
pub(super) const TOKEN_PROCESS: &str = "web_identity_token_process";

/// Where the web identity token comes from. It is fetched again for each request to STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenSource {
    File(PathBuf),
    /// A shell command that prints the token. Its arguments may be secret.
    Command(String),
    /// The OIDC provider of GitHub Actions.
    GitHub {
        audience: Audience,
    },
}

/// The audience for which a provider issues a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Audience(String);

/// The setting that selects the web identity token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenFrom {
    /// `--web-identity-token-file`, `--web-identity-token-command` or `--web-identity-provider`, or the variable of one
    /// of them.
    Flag(Origin),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`.
    Variable,
    /// The key of the profile with this name.
    Profile { name: String, key: &'static str },
}

impl Audience {
    /// The audience that AWS recommends for an OIDC provider in IAM.
    pub(crate) const USUAL: &str = "sts.amazonaws.com";
    /// The maximum number of characters in the client ID of an OIDC provider in IAM.
    const MOST: usize = 255;

    /// Parses an audience.
    ///
    /// # Errors
    /// The audience is too long, or contains white space or a control character.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let hint = "an audience is a word such as sts.amazonaws.com or a URL";
        if text.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Invalid::new("not one word").hint(hint));
        }
        if text.chars().count() > Self::MOST {
            return Err(Invalid::new(format!("longer than {} characters", Self::MOST)).hint(hint));
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Audience {
    fn default() -> Self {
        Self(Self::USUAL.to_owned())
    }
}

impl TokenSource {
    /// Checks that a path or a command does not contain a token. Such a token would appear in messages.
    ///
    /// # Errors
    /// It contains one.
    pub(super) fn check(&self, from: &TokenFrom) -> Result<(), ConfigError> {
        let (bytes, expected) = match self {
            Self::File(path) => (path.as_os_str().as_bytes(), "a path"),
            Self::Command(command) => (command.as_bytes(), "a command that prints one"),
            Self::GitHub { .. } => return Ok(()),
        };
        if contain_token(bytes) {
            return Err(ConfigError::ContainsToken { named_by: from.to_string(), expected });
        }
        Ok(())
    }

    /// Returns the environment variable with the token if the source is a command that only prints a variable.
    pub(crate) fn variable(&self) -> Option<&str> {
        let Self::Command(command) = self else { return None };
        let name = command.trim().strip_prefix("printenv ")?.trim();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(name)
    }

    /// Writes the source for `-v`. Of a command, only the program is written, because the arguments can be secret.
    pub(super) fn write(&self, from: &TokenFrom, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "web identity token {}", path.display())?,
            Self::Command(command) => write!(f, "web identity token from the command {}", program(command))?,
            Self::GitHub { audience: Audience(audience) } => {
                write!(f, "web identity token from GitHub Actions (audience {audience})")?;
            }
        }
        match from {
            TokenFrom::Flag(Origin::Flag(_)) => Ok(()),
            TokenFrom::Flag(_) | TokenFrom::Variable => write!(f, " ({from})"),
            TokenFrom::Profile { name, .. } => write!(f, " of profile {name}"),
        }
    }
}

impl fmt::Display for TokenFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(origin) => origin.fmt(f),
            Self::Variable => f.write_str("AWS_WEB_IDENTITY_TOKEN_FILE"),
            Self::Profile { name, key } => write!(f, "{key} of profile '{name}'"),
        }
    }
}

/// Returns the program of a shell command, without its arguments. If the command begins with an assignment, returns
/// `sh`, because the value of the assignment may be secret.
pub(super) fn program(command: &str) -> &str {
    command.split_whitespace().next().filter(|first| !first.contains('=')).unwrap_or("sh")
}

/// Returns the key with which a profile selects a web identity token, or `None` if it selects none.
pub(super) fn token_key(settings: &Settings) -> Option<&'static str> {
    [TOKEN_FILE, TOKEN_PROCESS].into_iter().find(|key| settings.get(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audience_is_one_word() {
        for text in ["sts.amazonaws.com", "https://github.com/octo-org", "ü", &"a".repeat(255)] {
            assert_eq!(Audience::parse(text).expect(text).as_str(), text);
        }
        for text in ["", "a b", "a\n", "a\u{7f}", &"a".repeat(256)] {
            assert!(Audience::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_printed_variable_is_known() {
        let variable = |command: &str| TokenSource::Command(command.into()).variable().map(str::to_owned);
        assert_eq!(variable(" printenv  AWS_ID_TOKEN\n").as_deref(), Some("AWS_ID_TOKEN"));
        for command in ["printenv", "printenv ", "printenv A B", "printenv A; id", "printenv $A", "cat A"] {
            assert_eq!(variable(command), None, "{command}");
        }
    }

    #[test]
    fn of_a_command_only_the_program_is_shown() {
        for (command, shown) in [("printenv TOKEN", "printenv"), (" /a/b", "/a/b"), ("A=secret b", "sh"), ("", "sh")] {
            assert_eq!(program(command), shown);
        }
    }
}
