//! What the flags mean: from the command line and the variables to checked settings.
//!
//! Pure: `--policy file://…` is read by a function of the caller's. Every limit that AWS documents is checked here, so
//! an invalid value costs no call. `profile::plan` decides which role is used.

mod cache;
mod conflicts;
mod lints;
mod messages;
mod mode;
mod request;
mod run;
mod session_name;
mod task;
mod values;

pub(crate) use messages::log_options;
pub(crate) use mode::Mode;
pub(crate) use run::Settings;
pub(crate) use session_name::Host;
pub(crate) use task::{Task, task};

use crate::cli;
use clap::ArgMatches;
use std::ffi::OsString;

/// Parses the command line.
///
/// # Errors
/// clap's: a usage error, or the text of `--help` or `--version`.
pub(crate) fn parse(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    cli::command().try_get_matches_from(arguments)
}

#[cfg(test)]
mod tests {
    use super::values::FlagValues;
    use std::ffi::OsString;

    /// The values in a command line, whose arguments are separated by spaces, and in variables.
    pub(super) fn values(line: &str, vars: &[(&str, &str)]) -> FlagValues {
        let arguments: Vec<OsString> =
            std::iter::once("xassume").chain(line.split_whitespace()).map(Into::into).collect();
        FlagValues::new(&super::parse(&arguments).expect(line), &vars.iter().copied().collect())
    }
}
