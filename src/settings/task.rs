//! What a run is to do: run a command with a session, or something in place of a command.

use super::cache::settle_min_ttl;
use super::{CacheSettings, Host, Purpose, Settings, settings};
use crate::error::Error;
use crate::print::Format;
use crate::settings::conflicts;
use crate::settings::values::FlagValues;
use crate::vars::Vars;
use clap::ArgMatches;
use std::path::Path;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Task {
    /// Run the command with a session.
    Run(Box<Settings>),
    /// Print a session.
    Print(Box<Settings>, Format),
    /// Walk the way to a session and tell of each step.
    Check(Box<Settings>),
    /// Remove the cached sessions.
    ClearCache(CacheSettings),
}

/// Decides what is to be done.
///
/// # Errors
/// The first word that does not keep its limits, or that does not go with another; no command, or one too many.
pub(crate) fn task(
    matches: &ArgMatches,
    vars: &Vars,
    machine: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Task, Error> {
    let mut flags = FlagValues::new(matches, vars);
    flags.refuse_empty_values()?;
    let instead = instead_of_a_command(&flags)?;
    let mut notes = Vec::new();
    conflicts::settle(&mut flags, conflicts::SPEECH, &mut notes)?;
    conflicts::settle(&mut flags, conflicts::RULES, &mut notes)?;
    settle_min_ttl(&mut flags, &mut notes);
    let settings = |purpose| settings(&flags, notes, purpose, vars, machine, read).map(Box::new);
    match instead {
        Some("clear-cache") => CacheSettings::read(&flags).map(Task::ClearCache),
        Some("check") => settings(Purpose::Run).map(Task::Check),
        _ => match flags.one("print") {
            Some(given) => {
                let format = given.parse(Format::parse)?;
                settings(Purpose::Print).map(|settings| Task::Print(settings, format))
            }
            None if flags.command().is_empty() => Err(Error::usage(
                "no command given",
                "for example: xassume -p production -- aws s3 ls; for a shell: xassume -p production -- $SHELL",
            )),
            None => settings(Purpose::Run).map(Task::Run),
        },
    }
}

/// What stands in place of a command, and what to do when there is a command as well.
const INSTEAD: [(&str, &str); 3] = [
    ("check", "remove the command"),
    ("clear-cache", "remove the command; for a command with a new session: --force-refresh"),
    ("print", "remove the command, or remove --print"),
];

/// The flag in place of a command. Typed or not at all: a variable that did so at each run would be a trap.
fn instead_of_a_command(flags: &FlagValues<'_>) -> Result<Option<&'static str>, Error> {
    let mut typed = INSTEAD.into_iter().filter(|(flag, _)| flags.is_typed(flag));
    let Some((flag, hint)) = typed.next() else { return Ok(None) };
    if let Some((other, _)) = typed.next() {
        return Err(Error::usage(format!("--{flag} cannot be used with --{other}"), "remove one of them"));
    }
    if !flags.command().is_empty() {
        return Err(Error::usage(format!("--{flag} does not run a command"), hint));
    }
    Ok(Some(flag))
}
