//! The command line: the clap command for the flags, and two special command lines that only programs use.

pub use crate::flags::{Flag, GROUPS, Kind, all_flags};

use crate::flags::{FROM_SOCKET, TAG, USAGE};
use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command, ValueHint};
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

const ABOUT: &str = "Run a command with the temporary credentials of an AWS IAM role";

const AFTER_HELP: &str = r#"Every option except --check, --clear-cache, --print, --mfa-token, --help and --version can be set as XASSUME_<OPTION>: XASSUME_ROLE_ARN for --role-arn. Switches take true, false, 1 or 0; options that can be repeated take one value per line.

A TIME is written as 90s, 15m, 1h or "1h 30m"; a plain number counts seconds.

Exit status: the command's own; 125 when xassume fails, 126 when the command cannot be run, 127 when it is not found.

Examples:
  xassume --role-arn arn:aws:iam::521111111144:role/DeployMaster -- aws ec2 describe-instances
  xassume -r 521111111144:DeployMaster -- ./deploy.sh
  xassume --profile production -- $SHELL

Credentials for the current shell (in a script; without the exit at a prompt):
  session=$(xassume --print export …) && eval "$session" || exit
  set session (xassume --print fish … | string collect); and eval $session; or exit
  xassume --print powershell … | Invoke-Expression"#;

/// Returns the clap command for all flags.
#[must_use]
pub fn command() -> Command {
    let command = Command::new("xassume")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_long_help(AFTER_HELP)
        .after_help("Use --help for details and examples.")
        .override_usage(USAGE)
        .max_term_width(100)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(0..)
                .trailing_var_arg(true)
                .value_parser(OsStringValueParser::new())
                .value_hint(ValueHint::CommandWithArguments)
                .help("Command to run, with its arguments (no shell is involved)"),
        );
    // `--help` and `--version` are in the last group.
    GROUPS
        .iter()
        .fold(command, |command, (heading, flags)| command.next_help_heading(*heading).args(flags.iter().map(argument)))
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print help"))
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Print version"))
}

fn argument(flag: &Flag) -> Arg {
    let (short_help, long_help) = match flag.help.split_once("\n\n") {
        Some((short, _)) => (short, Some(flag.help)),
        None => (flag.help, None),
    };
    let arg = Arg::new(flag.long).long(flag.long).short(flag.short);
    let arg = arg.help(short_help).long_help(long_help);
    match flag.kind {
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Count => arg.action(ArgAction::Count),
        Kind::One | Kind::Many => arg
            .action(if flag.kind == Kind::One { ArgAction::Set } else { ArgAction::Append })
            .value_name(flag.value)
            .value_hint(flag.hint)
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
