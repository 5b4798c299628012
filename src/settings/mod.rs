//! Checks the command line and the variables, and makes the settings from them.
//!
//! The functions are pure: the caller passes a function that reads the file of `--policy file://…`. All limits that AWS
//! documents are checked here, so that an invalid value is found before STS is called. Which role is used is decided
//! later, by `profile::plan`.

mod also;
mod cache;
mod conflicts;
mod handover;
mod hook;
mod lints;
mod mode;
mod request;
mod run;
mod serve;
mod session_name;
mod shell;
mod signal;
mod task;
mod unknown_variables;
mod unparsed;
mod values;
mod web_identity;

pub(crate) use mode::Mode;
pub(crate) use run::{Also, Settings};
pub(crate) use session_name::Host;
pub(crate) use task::{Task, task};
pub(crate) use unknown_variables::unknown_variables;
pub(crate) use unparsed::log_options_of_unparsed;
pub(crate) use values::FlagValues;

use crate::cli;
use crate::conflicts::settle;
use crate::error::Error;
use crate::event::Level;
use crate::flags::{LOG_FORMAT, QUIET, VERBOSE};
use crate::log_options::{LogFormat, LogOptions};
use crate::role::{Invalid, one_of};
use crate::terminal::Screen;
use crate::vars::Vars;
use clap::ArgMatches;
use conflicts::MESSAGES;
use std::ffi::OsString;

/// Parses the command line.
///
/// # Errors
/// Returns clap's answer, which is a usage error, the text of `--version`, or a request for the help.
pub(crate) fn parse(arguments: &[OsString]) -> Result<ArgMatches, clap::Error> {
    cli::parser().try_get_matches_from(arguments)
}

/// Reads the flags about messages. They are read before all other flags, because they decide how an error in another
/// flag is shown.
///
/// # Errors
/// Fails if a value is invalid, or if both `-v` and `-q` are on the command line.
pub(crate) fn log_options(flags: &mut FlagValues, vars: &Vars) -> Result<LogOptions, Error> {
    let mut removed = Vec::new();
    settle(flags, MESSAGES, &mut removed)?;
    flags.removed = removed;
    let verbosity = match flags.count(&VERBOSE)? {
        _ if flags.switch(&QUIET)? => Level::Error,
        0 => Level::Notice,
        1 => Level::Info,
        _ => Level::Debug,
    };
    flags.refuse_empty(&LOG_FORMAT)?;
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let in_words = |invalid: Invalid| invalid.hint("json has one object per line");
    let format = flags.parsed(&LOG_FORMAT, |text| one_of(&formats, text).map_err(in_words))?;
    let first_session = verbosity > Level::Error && !flags.are_for_an_sdk() && vars.ci().is_some();
    Ok(LogOptions { verbosity, format: format.unwrap_or(LogFormat::Text), screen: Screen::of(vars), first_session })
}

#[cfg(test)]
mod tests;
