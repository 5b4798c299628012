//! The texts of `-h` and `--help`. They are built only if the user asks for them.

use super::base::{argument, base, with_flags, with_help};
use crate::flags::{COMMON, Flag, GROUPS, Kind};
use crate::terminal::{Color, Screen};
use clap::builder::{PossibleValue, PossibleValuesParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, ValueHint};
use std::fmt::Write as _;

/// A form of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `-h`: the common flags, and the names of all others.
    Short,
    /// `--help`: everything.
    Long,
}

/// The parser's own help is only one of these words, because clap's answer does not say which form was requested.
pub(super) const SHORT: &str = "-h";
pub(super) const LONG: &str = "--help";

const ABOUT: &str = "Run a command with the temporary credentials of an AWS IAM role";

const AFTER_LONG_HELP: &str = "\
Every option except --serve, --check, --list-sessions, --clear-cache, --print, --completions, --mfa-token, --help and \
--version can be set as XASSUME_<OPTION>, for example --role-arn as XASSUME_ROLE_ARN. Switches take true, false, 1 or 0; \
options that can be repeated take one value per line.

Values:
  TIME    90s, 15m, 1h or \"1h 30m\"; a plain number counts seconds
  SIGNAL  a name or a number: TERM, SIGUSR1, RTMIN+1 or 12

Exit status:
  The command's own; 125 when xassume fails, 126 when the command cannot be run, 127 when it is not found.

Examples:
  xassume --profile production -- aws s3 ls
  xassume -r 521111111144:DeployMaster -- ./deploy.sh
  xassume --role-arn arn:aws:iam::521111111144:role/DeployMaster -- aws ec2 describe-instances
  xassume --check -p production
  xassume -p production -- $SHELL
  xassume --on-expiry restart -- ./worker
  xassume --via endpoint -- ./server

Credentials for the current shell (in a script; without the exit at a prompt):
  session=$(xassume --print export …) && eval \"$session\" || exit
  set session (xassume --print fish … | string collect); and eval $session; or exit
  xassume --print powershell … | Invoke-Expression";

/// Returns which form of the help was requested. Returns `None` if it is an error, or the version.
pub(crate) fn requested_form(answer: &clap::Error) -> Option<Form> {
    let form = || if answer.to_string().trim_end() == LONG { Form::Long } else { Form::Short };
    (answer.kind() == ErrorKind::DisplayHelp).then(form)
}

/// Returns the text of a form of the help. Its lines fit the terminal, but have at most 80 columns in the short form and
/// 100 in the long form.
pub(crate) fn text(form: Form, screen: Screen) -> String {
    let text = match form {
        Form::Short => short().render_help(),
        Form::Long => long().render_long_help(),
    };
    text.to_string().lines().map(|line| painted(line.trim_end(), screen) + "\n").collect()
}

/// Returns the command of `-h`.
fn short() -> Command {
    let mut others = "Example: xassume -p production -- aws s3 ls\n\nOther options, explained by --help:".to_owned();
    for (group, flags) in GROUPS {
        let names = flags.iter().filter(|flag| !COMMON.contains(flag)).map(|flag| format!("--{}", flag.long));
        let names: Vec<_> = names.collect();
        if !names.is_empty() {
            let _ = write!(others, "\n  {group}:\n      {}", names.join(" "));
        }
    }
    let common = COMMON.iter().map(|flag| described(argument(flag), flag).hide_env(true));
    explained(with_help(base().args(common)).after_help(others)).max_term_width(80)
}

/// Returns the command of `--help`.
pub(super) fn long() -> Command {
    let command = with_flags(base(), |flag| described(argument(flag), flag)).after_long_help(AFTER_LONG_HELP);
    explained(command).max_term_width(100)
}

/// Returns the line in clap's default style: headings are bold and underlined, flags and the words for a flag are bold.
/// clap itself does this only with its feature `color`, which needs more crates.
fn painted(line: &str, screen: Screen) -> String {
    let heading = |text| screen.paint(text, Some(Color::HEADING));
    let literal = |text| screen.paint(text, Some(Color::LITERAL));
    let (indent, text) = line.split_at(line.len() - line.trim_start().len());
    match indent.len() {
        0 if text.ends_with(':') => heading(text),
        0 => match text.split_once(' ') {
            Some(("Usage:", usage)) => format!("{} {usage}", heading("Usage:")),
            _ => line.to_owned(),
        },
        // The short and the long form of a flag, or the names of several flags.
        2 | 6 => {
            let mut names = true;
            let words = text.split(' ').map(|word| {
                names &= word.starts_with('-');
                if names { literal(word) } else { word.to_owned() }
            });
            format!("{indent}{}", words.collect::<Vec<_>>().join(" "))
        }
        _ => match text.strip_prefix("- ").and_then(|value| value.split_once(':')) {
            Some((word, meaning)) => format!("{indent}- {}:{meaning}", literal(word)),
            None => line.to_owned(),
        },
    }
}

/// Adds what both forms contain.
fn explained(command: Command) -> Command {
    command
        .about(ABOUT)
        .mut_arg("command", |arg| {
            arg.value_hint(ValueHint::CommandWithArguments)
                .help("Command to run, with its arguments (no shell is involved)")
        })
        .mut_arg("help", |arg| arg.help("Print help; --help explains every option").long_help("Print help"))
        .mut_arg("version", |arg| {
            arg.help("Print version; --version also prints the build")
                .long_help("Print version, with the build (-V: without)")
        })
}

/// Adds the help of a flag.
fn described(mut arg: Arg, flag: &'static Flag) -> Arg {
    arg = match flag.help.split_once("\n\n") {
        Some((short, _)) => arg.help(short).long_help(flag.help),
        None => arg.help(flag.help),
    };
    if let Some(variable) = flag.variable() {
        // clap needs a name that lives as long as the program, which ends after the help. The value may be a secret.
        arg = arg.env(&*variable.leak()).hide_env_values(true);
    }
    if matches!(flag.kind, Kind::Switch | Kind::Count) {
        return arg;
    }
    if !flag.default.is_empty() {
        arg = arg.default_value(flag.default);
    }
    if !flag.values.is_empty() {
        let values = flag.values.iter().map(|(word, meaning)| PossibleValue::new(word).help(*meaning));
        arg = arg.value_parser(PossibleValuesParser::new(values));
    }
    arg.value_hint(flag.hint)
}
