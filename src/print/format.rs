//! The formats of `--print` and their names.

use crate::role::{Invalid, one_of};

/// A format of `--print`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The variables that a command would get.
    Variables(Syntax),
    /// The session as one JSON object.
    Json,
    /// The JSON document that AWS SDKs read from a `credential_process`.
    CredentialProcess,
}

/// The program that reads the variables. It decides how the variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Both `docker --env-file` and systemd's `EnvironmentFile=`. They have no form of quoting in common, so values are
    /// not quoted.
    Env,
    /// sh, bash, zsh and similar shells.
    Export,
    /// fish.
    Fish,
    /// `PowerShell`.
    PowerShell,
    /// The dotenv libraries.
    Dotenv,
}

impl Format {
    /// All formats with their names, in the order of `--help`.
    pub(crate) const ALL: &[(&str, Self)] = &[
        ("env", Self::Variables(Syntax::Env)),
        ("export", Self::Variables(Syntax::Export)),
        ("fish", Self::Variables(Syntax::Fish)),
        ("powershell", Self::Variables(Syntax::PowerShell)),
        ("dotenv", Self::Variables(Syntax::Dotenv)),
        ("json", Self::Json),
        ("credential-process", Self::CredentialProcess),
    ];

    /// Returns the format with this name.
    ///
    /// # Errors
    /// No format has this name.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        one_of(Self::ALL, text).map_err(|invalid| invalid.hint("export is for sh, bash and zsh"))
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Checks whether the output can also unset variables. This is possible only if a shell evaluates the output.
    pub(crate) fn removes(self) -> bool {
        matches!(self, Self::Variables(Syntax::Export | Syntax::Fish | Syntax::PowerShell))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::PRINT;

    #[test]
    fn the_formats_are_those_that_the_help_offers() {
        let names: Vec<_> = Format::ALL.iter().map(|(name, _)| *name).collect();
        assert_eq!(PRINT.values.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
        for (name, format) in Format::ALL {
            assert_eq!(Format::parse(name).expect("a format"), *format);
            assert_eq!(format.name(), *name);
        }
        assert!(Format::parse("Env").is_err() && Format::parse("").is_err());
    }
}
