//! Checks the command line and the variables, and makes the settings from them.
//!
//! The functions are pure: the caller passes a function that reads the file of `--policy file://…`. All limits that AWS
//! documents are checked here, so that an invalid value is found before STS is called. Which role is used is decided
//! later, by `profile::plan`.

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
pub(crate) use values::FlagValues;

use crate::cli;
use clap::ArgMatches;
use std::ffi::OsString;

/// Parses the command line.
///
/// # Errors
/// Returns clap's error, which is a usage error or the text of `--help` or `--version`.
pub(crate) fn parse(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    cli::command().try_get_matches_from(arguments)
}

#[cfg(test)]
mod tests {
    use super::values::FlagValues;
    use std::ffi::OsString;

    /// Returns the values of a command line and of variables. In `line`, spaces separate the arguments.
    pub(super) fn values(line: &str, vars: &[(&str, &str)]) -> FlagValues {
        let arguments: Vec<OsString> =
            std::iter::once("xassume").chain(line.split_whitespace()).map(Into::into).collect();
        FlagValues::new(&super::parse(&arguments).expect(line), &vars.iter().copied().collect())
    }
}
