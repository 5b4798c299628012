//! The command line: the clap command for the flags, and two special command lines that only programs use.

pub use crate::flags::{Flag, GROUPS, Kind, all_flags};

mod base;
mod help;

pub(crate) use help::{Form, requested_form, text};

use crate::flags::FROM_SOCKET;
use base::{argument, base, with_flags};
use clap::Command;
use help::{LONG, SHORT};
use std::ffi::{OsStr, OsString};
use std::path::Path;

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
    // The texts of `-h` and `--help` are what `help::requested_form` recognizes.
    let command = with_flags(base(), argument);
    command.help_template("{before-help}").before_help(SHORT).before_long_help(LONG)
}

/// Returns the clap command for all flags, with the texts of `--help`.
#[must_use]
pub fn command() -> Command {
    help::long()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_both_commands() {
        parser().debug_assert();
        command().debug_assert();
    }

    #[test]
    fn the_command_begins_at_the_first_positional_or_after_two_dashes() {
        let command_of = |line: &[&str]| -> Vec<String> {
            let matches = parser().try_get_matches_from(line).expect("parses");
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
