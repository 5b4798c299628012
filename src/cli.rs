//! The command line: the clap command for the flags, and two special command lines that only programs use.

pub use crate::flags::{Flag, GROUPS, Kind, all_flags};

mod help;
mod version;

pub(crate) use help::{Form, asked, text};

use crate::flags::{FROM_SOCKET, TAG, USAGE};
use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command};
use help::{LONG, SHORT};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use version::{LONG_VERSION, VERSION};

/// Returns the path of the socket if the command line is `xassume --print credential-process --from-socket PATH`, and
/// `None` for any other command line. Only SDKs use `--from-socket`, so it is missing from [`GROUPS`], from the help and
/// from the completions.
pub(crate) fn from_socket(arguments: &[OsString]) -> Option<&Path> {
    match arguments {
        [_, flags @ .., path] if flags == FROM_SOCKET => Some(Path::new(path)),
        _ => None,
    }
}

/// Returns the argument of `--list` if the command line is `xassume --list ARGUMENT`, and `None` for any other command
/// line. Only the shell completions use `--list`, to get their candidates.
pub(crate) fn list(arguments: &[OsString]) -> Option<&OsStr> {
    match arguments {
        [_, flag, list] if flag == "--list" => Some(list),
        _ => None,
    }
}

/// Returns the clap command that parses the command line. It contains no help texts, because it is built at each start.
pub(crate) fn parser() -> Command {
    // The texts of `-h` and `--help` are what `help::asked` recognizes.
    let command = with_flags(base(), argument);
    command.help_template("{before-help}").before_help(SHORT).before_long_help(LONG)
}

/// Returns the clap command for all flags, with the texts of `--help`.
#[must_use]
pub fn command() -> Command {
    help::long()
}

/// Returns the command without any flags.
fn base() -> Command {
    Command::new("xassume")
        .version(VERSION)
        .long_version(LONG_VERSION)
        .override_usage(USAGE)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(0..)
                .trailing_var_arg(true)
                .value_parser(OsStringValueParser::new()),
        )
}

/// Adds all flags in their groups. `--help` and `--version` are in the last group.
fn with_flags(command: Command, argument: impl Fn(&'static Flag) -> Arg) -> Command {
    let add = |command: Command, (heading, flags): &(&'static str, &'static [Flag])| {
        command.next_help_heading(*heading).args(flags.iter().map(&argument))
    };
    with_help(GROUPS.iter().fold(command, add))
}

/// Adds `--help` and `--version`.
fn with_help(command: Command) -> Command {
    command
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help))
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version))
}

/// Returns the argument for a flag, without its help text.
fn argument(flag: &Flag) -> Arg {
    let arg = Arg::new(flag.long).long(flag.long).short(flag.short);
    match flag.kind {
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Count => arg.action(ArgAction::Count),
        Kind::One | Kind::Many => arg
            .action(if flag.kind == Kind::One { ArgAction::Set } else { ArgAction::Append })
            .value_name(flag.value)
            .value_parser(OsStringValueParser::new())
            .allow_hyphen_values(*flag == TAG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_command() {
        command().debug_assert();
    }

    #[test]
    fn the_command_begins_at_the_first_positional_or_after_two_dashes() {
        let command_of = |line: &[&str]| -> Vec<String> {
            let matches = command().try_get_matches_from(line).expect("parses");
            let all = matches.get_many::<std::ffi::OsString>("command");
            all.into_iter().flatten().map(|argument| argument.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(
            command_of(&["xassume", "-v", "aws", "--profile", "x", "--", "-v"]),
            ["aws", "--profile", "x", "--", "-v"]
        );
        assert_eq!(command_of(&["xassume", "--", "--help"]), ["--help"]);
        assert_eq!(command_of(&["xassume", "--", "a", "--", "b", ""]), ["a", "--", "b", ""]);
        assert_eq!(command_of(&["xassume", "-q"]), Vec::<String>::new());
    }

    #[test]
    fn from_socket_is_known_in_one_form_only() {
        let socket = |line: &str| from_socket(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).is_some();
        assert!(socket("x --print credential-process --from-socket /s"));
        for line in [
            "x",
            "x --print credential-process",
            "x --from-socket /s --print credential-process",
            "x --print credential-process --from-socket /s true",
            "x -v --print credential-process --from-socket /s",
        ] {
            assert!(!socket(line), "{line}");
        }
    }

    #[test]
    fn list_is_known_in_one_form_only() {
        let listed = |line: &str| list(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).map(OsStr::to_owned);
        assert_eq!(listed("x --list profiles"), Some("profiles".into()));
        assert_eq!(listed("x --list nonsense"), Some("nonsense".into()));
        for line in ["x", "x --list", "x -v --list profiles", "x --list profiles true", "x -- --list profiles"] {
            assert_eq!(listed(line), None, "{line}");
        }
    }

    #[test]
    fn help_lines_of_short_help_fit_a_terminal() {
        for flag in all_flags() {
            let first = flag.help.lines().next().unwrap_or_default();
            assert!(first.len() <= 95 && !first.ends_with('.'), "{}: {first}", flag.long);
        }
    }
}
