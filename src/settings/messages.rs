//! The flags about messages.

use super::conflicts::MESSAGES;
use super::values::FlagValues;
use crate::conflicts::settle;
use crate::error::Error;
use crate::flags::{LOG_FORMAT, QUIET, VERBOSE};
use crate::log_options::{LogFormat, LogOptions, Verbosity};
use crate::role::Invalid;
use crate::terminal::Screen;
use crate::vars::Vars;
use clap::ArgMatches;

/// Reads the flags about messages, which are needed before all others.
///
/// # Errors
/// An invalid value, or both `-v` and `-q` on the command line.
pub(crate) fn log_options(matches: &ArgMatches, vars: &Vars) -> Result<LogOptions, Error> {
    let mut flags = FlagValues::new(matches, vars);
    settle(&mut flags, MESSAGES, &mut Vec::new())?;
    let verbosity = match flags.count(&VERBOSE)? {
        _ if flags.switch(&QUIET)? => Verbosity::Quiet,
        0 => Verbosity::Normal,
        1 => Verbosity::Verbose,
        _ => Verbosity::Everything,
    };
    flags.refuse_empty(&LOG_FORMAT)?;
    let format = flags.parsed(&LOG_FORMAT, |text| match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(Invalid::not_one_of(["text", "json"]).hint("json has one object per line")),
    })?;
    Ok(LogOptions { verbosity, format: format.unwrap_or(LogFormat::Text), screen: Screen::of(vars) })
}
