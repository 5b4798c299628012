//! Decides what a run does: it runs a command with a session, or performs another task.

use super::cache::cache;
use super::conflicts::RULES;
use super::mode::{Mode, delivery, mode};
use super::run::{Settings, settings};
use super::session_name::Host;
use super::values::FlagValues;
use crate::cache::CacheSettings;
use crate::claims::{contain_token, may_be_secret};
use crate::conflicts::settle;
use crate::deliver::Via;
use crate::error::{Error, deceives};
use crate::flags::{
    CACHE_DIR, CHECK, CLEAR_CACHE, COMPLETIONS, Flag, LIST_SESSIONS, LOG_FORMAT, PRINT, PROFILE, QUIET, ROLE_ARN,
    SERVE, VERBOSE, all_flags,
};
use crate::print::{Format, completions, flag_and_value};
use crate::role::RoleArn;
use crate::vars::Vars;
use std::path::Path;

#[derive(Debug)]
pub(crate) enum Task {
    /// Run the command with a session, or keep a session fresh without a command.
    Run(Box<Settings>),
    /// Print a session.
    Print(Box<Settings>, Format),
    /// Report on each step of getting a session.
    Check(Box<Settings>),
    /// Print the completion script of a shell.
    Completions(&'static str),
    /// List the cached sessions.
    ListSessions(CacheSettings),
    /// Remove the cached sessions.
    ClearCache(CacheSettings),
}

/// Decides what this run does.
///
/// # Errors
/// Fails at the first invalid value or the first conflict. Also fails if the command is missing, or if there is a
/// command where none is allowed.
pub(crate) fn task(
    mut flags: FlagValues,
    vars: &Vars,
    host: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Task, Error> {
    flags.refuse_empty_values()?;
    let other_mode = other_mode(&flags)?;
    // The variables do not matter here, because this mode runs whenever a shell starts.
    if let Some(script) = flags.parsed(&COMPLETIONS, completions::script)? {
        return Ok(Task::Completions(script));
    }
    let mut notes = std::mem::take(&mut flags.removed);
    settle(&mut flags, RULES, &mut notes)?;
    let settings = |mode| settings(&flags, notes, mode, vars, host, read).map(Box::new);
    match other_mode {
        Some(&LIST_SESSIONS) => cache(&flags).map(Task::ListSessions),
        Some(&CLEAR_CACHE) => cache(&flags).map(Task::ClearCache),
        Some(&CHECK) => settings(mode(&flags, vars)?).map(Task::Check),
        _ => match flags.parsed(&PRINT, Format::parse)? {
            Some(format) => {
                // `--print` runs no command. The rules have already rejected or ignored all flags about a command, so
                // their defaults apply.
                let mode = (Mode::Exec, delivery(&flags, Via::Env)?);
                settings(mode).map(|settings| Task::Print(settings, format))
            }
            None if flags.command.is_empty() && other_mode != Some(&SERVE) => Err(no_command(&flags)),
            None => settings(mode(&flags, vars)?).map(Task::Run),
        },
    }
}

/// Returns the error for a command line without a command. The examples in the hint have the profile or the role of the
/// command line.
fn no_command(flags: &FlagValues) -> Error {
    let typed = |(flag, short): (&'static Flag, &str)| {
        let [given] = flags.many(flag) else { return None };
        let value =
            given.value.to_str().filter(|value| !value.contains(deceives) && !contain_token(value.as_bytes()))?;
        flags.is_typed(flag).then(|| flag_and_value(short, value))
    };
    let selected = [(&PROFILE, "-p"), (&ROLE_ARN, "-r")].into_iter().filter_map(typed).collect::<Vec<_>>().join(" ");
    let start = format!("xassume {} --", if selected.is_empty() { "-p production" } else { &selected });
    Error::usage("no command given", format!("for example: {start} aws s3 ls; for a shell: {start} $SHELL"))
}

/// The flags for tasks that run no command. Each has the hint that is shown if there is a command anyway.
const OTHER_MODES: [(&Flag, &str); 6] = [
    (&CHECK, "remove the command"),
    (&COMPLETIONS, "remove the command"),
    (&LIST_SESSIONS, "remove the command"),
    (&CLEAR_CACHE, "remove the command, or use --force-refresh to run the command with a new session"),
    (&PRINT, "remove the command, or remove --print"),
    (&SERVE, "remove the command, or use --via endpoint without --serve"),
];

/// The flags that have an effect with `--list-sessions` and `--clear-cache`.
const OF_THE_CACHE: [&Flag; 4] = [&CACHE_DIR, &LOG_FORMAT, &QUIET, &VERBOSE];

/// Returns the flag for a task that runs no command, or `None` if a command is to be run. Such a flag has no variable,
/// because a variable that disables the command in every run would be a trap.
///
/// # Errors
/// Fails if there are two such flags, or such a flag and a command or a flag without an effect.
fn other_mode(flags: &FlagValues) -> Result<Option<&'static Flag>, Error> {
    // `--check` checks the settings of `--serve` as it checks those of a command.
    let is_checked = |flag: &Flag| *flag == SERVE && flags.is_typed(&CHECK);
    let mut typed = OTHER_MODES.into_iter().filter(|(flag, _)| flags.is_typed(flag) && !is_checked(flag));
    let Some((flag, hint)) = typed.next() else { return Ok(None) };
    if let Some((other, _)) = typed.next() {
        let message = format!("--{} cannot be used with --{}", flag.long, other.long);
        return Err(Error::Conflict { message, hint: "remove one of them".into() });
    }
    if !flags.command.is_empty() {
        let meant = suggestion(flags, flag).map(|meant| format!("; if it was meant as {meant}")).unwrap_or_default();
        let hint = format!("{hint}{meant}");
        return Err(Error::Conflict { message: format!("--{} does not run a command", flag.long), hint });
    }
    if [&LIST_SESSIONS, &CLEAR_CACHE].contains(&flag) {
        let mut others = all_flags().filter(|other| *other != flag && !OF_THE_CACHE.contains(other));
        if let Some(other) = others.find(|other| flags.is_typed(other)) {
            let message = format!("--{} cannot be used with --{}, which uses no session", other.long, flag.long);
            return Err(Error::Conflict { message, hint: "remove one of them".into() });
        }
    }
    Ok(Some(flag))
}

/// Returns what a single word in the place of the command was probably meant as, which is a role or a profile. Returns
/// `None` if a flag selects one of them.
fn suggestion(flags: &FlagValues, mode: &Flag) -> Option<String> {
    let [word] = flags.command.as_slice() else { return None };
    let selects_none = ![&ROLE_ARN, &PROFILE].into_iter().any(|flag| flags.is_typed(flag));
    let word = word.to_str().filter(|_| selects_none && [CHECK, PRINT, SERVE].contains(mode))?;
    let (what, flag) = match RoleArn::parse(word) {
        Ok(_) => ("role", "-r"),
        Err(_) if may_be_secret(word) => return None,
        Err(_) => ("profile", "-p"),
    };
    Some(format!("a {what}, use {}", flag_and_value(flag, word)))
}
