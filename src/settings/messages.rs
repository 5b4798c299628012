//! The flags about messages.

use super::conflicts::MESSAGES;
use super::values::FlagValues;
use crate::conflicts::settle;
use crate::error::Error;
use crate::event::Level;
use crate::flags::{LOG_FORMAT, QUIET, VERBOSE};
use crate::log_options::{LogFormat, LogOptions};
use crate::role::{Invalid, one_of};
use crate::terminal::Screen;
use crate::vars::Vars;

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
        0 => Level::Warning,
        1 => Level::Info,
        _ => Level::Debug,
    };
    flags.refuse_empty(&LOG_FORMAT)?;
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let in_words = |invalid: Invalid| invalid.hint("json has one object per line");
    let format = flags.parsed(&LOG_FORMAT, |text| one_of(&formats, text).map_err(in_words))?;
    Ok(LogOptions { verbosity, format: format.unwrap_or(LogFormat::Text), screen: Screen::of(vars) })
}
