//! Finds the command. If there is no such command, or if the value of `--role-arn` is not a role, finds out what the user
//! probably meant.
//!
//! Other tools (aws-vault, granted, aws-runas, saml2aws) have subcommands, and take the name of a profile where xassume
//! expects the command. The config files are read only after the command was not found.

use crate::claims::may_be_secret;
use crate::error::{CommandFault, ConfigError, Error, deceives};
use crate::files::profiles;
use crate::flags::{PROFILE, ROLE_ARN};
use crate::origin::Origin;
use crate::print::{flag_and_value, shell_word};
use crate::profile::ProfileSet;
use crate::role::RoleArn;
use crate::settings::Settings;
use crate::sys::lookup::{self, Command};
use crate::vars::Vars;
use std::ffi::OsString;

/// The maximum length in bytes of a name that is compared with the names of profiles.
const LONGEST_NAME: usize = 160;

/// Subcommands of other tools that run a command or select a profile.
const SUBCOMMANDS: [&str; 7] = ["assume", "exec", "login", "run", "shell", "switch", "use"];
/// Subcommands that have a flag of xassume as their equivalent.
const EQUIVALENTS: [(&str, &str); 7] = [
    ("list", "--list-sessions"),
    ("status", "--check"),
    ("help", "--help"),
    ("version", "--version"),
    ("clear", "--clear-cache"),
    ("completion", "--completions SHELL"),
    ("completions", "--completions SHELL"),
];
/// The same, but with a profile before the flag.
const EQUIVALENTS_WITH_PROFILE: [(&str, &str); 3] =
    [("check", "--check"), ("export", "--print export"), ("print", "--print export")];
/// Flags that are followed by a profile. `-a` is the one of saml2aws.
const PROFILE_FLAGS: [&str; 4] = ["-p", "-a", "--profile", "--idp-account"];
/// Stands for what the suggested command line leaves out.
const LEFT_OUT: &str = " …";

/// Finds the file of the command.
///
/// # Errors
/// No file can be run. If no file was found, the error suggests what the user probably meant.
pub(crate) fn find_command(settings: &Settings, vars: &Vars) -> Result<Command, Error> {
    lookup::find(&settings.command, vars.get("PATH")).map_err(|mut error| {
        if error.fault == CommandFault::NotFound {
            error.suggestion = suggestion(settings, vars);
        }
        error.into()
    })
}

/// Replaces the hint if nothing specifies a role, but the command line shows what was probably meant: the command is also
/// the subcommand of another tool, such as `clear`, or there is `--also`. Returns any other error unchanged.
pub(crate) fn suggest_command_line(mut error: Error, settings: &Settings, vars: &Vars) -> Error {
    if let Error::Config(config) = &mut error
        && let ConfigError::NoRole { hint, .. } = config.as_mut()
    {
        let better = match suggestion(settings, vars) {
            Some(suggestion) => Some(format!("did you mean: {suggestion}")),
            None if settings.also.is_empty() => None,
            None => Some("--also adds profiles to a default session; select its role with -p NAME or -r ARN".into()),
        };
        *hint = better.or(hint.take());
    }
    error
}

/// Returns the command line that the user probably meant, or `None` if the command is not one of the other tools' forms.
fn suggestion(settings: &Settings, vars: &Vars) -> Option<String> {
    let request = &settings.request;
    let is_typed = |flag| request.given(flag).is_some_and(Origin::is_typed);
    let typed = match (&request.profile, request.roles.as_slice()) {
        (Some(name), _) if is_typed(&PROFILE) && !is_typed(&ROLE_ARN) => Some(("-p", name.as_str())),
        (_, [role]) if is_typed(&ROLE_ARN) && !is_typed(&PROFILE) => Some(("-r", role.as_str())),
        _ => None,
    };
    let profiles = if is_typed(&PROFILE) { None } else { profiles(vars) };
    let flags = request.origins.iter().filter(|origin| origin.is_typed()).count();
    command_line(&settings.command, profiles.as_ref(), typed.filter(|(_, value)| !value.contains(deceives)), flags)
}

/// Replaces the hint if the value of `--role-arn` or of its variable is the name of a profile. Returns any other error
/// unchanged.
pub(crate) fn suggest_profile(error: Error, vars: &Vars) -> Error {
    let (flag, variable) = (Origin::Flag(&ROLE_ARN).to_string(), Origin::Variable(&ROLE_ARN).to_string());
    match error {
        Error::Value { origin, value: Some(value), invalid }
            if (origin == flag || origin == variable) && is_profile(&value, profiles(vars).as_ref()) =>
        {
            let suggestion = if origin == flag {
                flag_and_value("-p", &value)
            } else {
                format!("{}={}", Origin::Variable(&PROFILE), shell_word(&value))
            };
            Error::Value { origin, invalid: invalid.hint(format!("did you mean: {suggestion}")), value: Some(value) }
        }
        error => error,
    }
}

/// Checks whether there is a profile with this name. A name that a terminal would not show as it is does not count.
fn is_profile(name: &str, profiles: Option<&ProfileSet>) -> bool {
    profiles.is_some_and(|profiles| profiles.profile(name).is_some()) && !name.contains(deceives)
}

/// Returns the profile whose name the user has probably misspelled, or `None` if no name is similar.
fn similar<'a>(name: &str, profiles: Option<&'a ProfileSet>) -> Option<&'a str> {
    let is_comparable = |known: &&str| name.len().max(known.len()) <= LONGEST_NAME && !known.contains(deceives);
    let known = profiles.into_iter().flat_map(ProfileSet::names).filter(is_comparable);
    let distances = known.map(|known| (strsim::levenshtein(name, known), known));
    // In a short name, two changes would make another word of it.
    distances.min().filter(|(distance, _)| *distance <= (name.len() / 3).min(2)).map(|(_, known)| known)
}

/// What selects the credentials in a command line of another tool.
struct Selected<'a> {
    /// `-p` or `-r`.
    flag: &'static str,
    value: &'a str,
    /// The words after the value.
    rest: &'a [OsString],
    /// Whether there are words before the value that the suggested command line leaves out.
    skipped: bool,
}

/// Returns the command line that the user probably meant, or `None` if the command is not one of the other tools' forms.
/// `typed` is the flag before the command that selects the credentials. `flags` is the number of all flags before the
/// command. The others are not repeated, because their values may be secret.
fn command_line(
    command: &[OsString],
    profiles: Option<&ProfileSet>,
    typed: Option<(&'static str, &str)>,
    flags: usize,
) -> Option<String> {
    let (name, rest) = command.split_first()?;
    let name = name.to_str()?;
    let mode = EQUIVALENTS_WITH_PROFILE.iter().find(|(word, _)| *word == name).map(|(_, mode)| *mode);
    let is_subcommand = mode.is_some() || SUBCOMMANDS.contains(&name);
    let of_flag = || typed.map(|(flag, value)| (Selected { flag, value, rest, skipped: false }, flags > 1));
    let found = selected(command, 1, profiles)
        .or_else(|| selected(rest, rest.len(), profiles).filter(|_| is_subcommand))
        .map(|selected| (selected, flags > 0))
        .or_else(|| of_flag().filter(|_| is_subcommand));
    let Some((Selected { flag, value, rest, skipped }, has_flags)) = found else {
        let alone = EQUIVALENTS.iter().find(|(word, _)| *word == name).map(|(_, flag)| format!("xassume {flag}"));
        let placeholders = || is_subcommand.then(|| general(mode));
        return alone.or_else(placeholders);
    };
    let (words, has_more) = without_flags(rest);
    let left_out = if has_flags || skipped || has_more { LEFT_OUT } else { "" };
    let start = format!("xassume{left_out} {}", flag_and_value(flag, value));
    Some(match mode {
        Some(mode) => format!("{start} {mode}"),
        None if words.is_empty() => format!("{start} -- $SHELL"),
        None => format!("{start} --{}", shown(words)),
    })
}

/// Returns the general form of a command line.
fn general(mode: Option<&str>) -> String {
    format!("xassume -p PROFILE {}", mode.unwrap_or("-- COMMAND"))
}

/// Returns the first of at most `most` words that is a profile or a role, up to the first `--`. Only flags and their values
/// may precede it. The name of a profile may be misspelled if `--` follows it.
fn selected<'a>(words: &'a [OsString], most: usize, profiles: Option<&'a ProfileSet>) -> Option<Selected<'a>> {
    let mut skipped = false;
    let mut follows_flag = false;
    for (at, word) in words.iter().enumerate().take(most).take_while(|(_, word)| *word != "--") {
        let word = word.to_str()?;
        let value = word.split_once('=').filter(|_| word.starts_with('-')).map_or(word, |(_, value)| value);
        let flag = if is_profile(value, profiles) { Some("-p") } else { RoleArn::parse(value).is_ok().then_some("-r") };
        if let Some(flag) = flag {
            return Some(Selected { flag, value, rest: &words[at + 1..], skipped });
        }
        if !word.starts_with('-')
            && words.get(at + 1).is_some_and(|next| next == "--")
            && let Some(value) = similar(value, profiles)
        {
            return Some(Selected { flag: "-p", value, rest: &words[at + 1..], skipped });
        }
        if !word.starts_with('-') && !follows_flag {
            return None;
        }
        skipped |= !PROFILE_FLAGS.contains(&word);
        follows_flag = word.starts_with('-');
    }
    None
}

/// Returns the command in the words after a profile, and whether flags before it were left out.
fn without_flags(words: &[OsString]) -> (&[OsString], bool) {
    let is_flag = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    if !words.first().is_some_and(is_flag) {
        return (words, false);
    }
    match words.iter().position(|word| word == "--") {
        Some(at) => (&words[at + 1..], at > 0),
        None => (&[], true),
    }
}

/// Returns the program of a command as a user would type it in a shell, after a space. The arguments are left out, because
/// nothing shows which of them are secret. The program is left out too if a terminal would not show it as it is, or if it
/// may be a secret.
fn shown(command: &[OsString]) -> String {
    let program = command.first().and_then(|word| word.to_str());
    match program.filter(|word| !word.contains(deceives) && !may_be_secret(word)) {
        None => LEFT_OUT.to_owned(),
        Some(program) => format!(" {}{}", shell_word(program), if command.len() > 1 { LEFT_OUT } else { "" }),
    }
}
