//! What may be typed: the flags, as one table, and the clap command made from it.
//!
//! This file knows names, kinds and help texts. What a value means, and which flags go together, is decided in
//! `settings`; nothing here reads the environment or a file.

mod flags;

pub use flags::FLAGS;

use crate::origin::Origin;
use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command, ValueHint};
use flags::OUTPUT;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// How often a flag may stand and whether it takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// On or off.
    Switch,
    /// No value, but it counts how often.
    Count,
    /// One value.
    One,
    /// A value each time.
    Many,
}

/// One flag: a row of `--help`, of the README's table and of the completions.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// The name, without its dashes.
    pub long: &'static str,
    /// The letter, if it has one.
    pub short: Option<char>,
    /// What may follow it.
    pub kind: Kind,
    /// The name of the value, for flags that take one.
    pub value: &'static str,
    /// The heading in `--help`.
    pub group: &'static str,
    /// The first line is `-h`'s; all of it is `--help`'s.
    pub help: &'static str,
    /// What completions offer for the value.
    pub hint: ValueHint,
    /// Whether a variable can stand for it.
    pub settable: Settable,
}

/// Where a flag's value may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settable {
    /// The command line, or the flag's variable.
    LineOrVariable,
    /// The command line only: what is good for one run must not stand in an environment.
    Line,
}

impl Flag {
    /// The variable that stands for the flag, as `XASSUME_ROLE_ARN` for `--role-arn`.
    #[must_use]
    pub fn variable(&self) -> Option<String> {
        (self.settable == Settable::LineOrVariable).then(|| Origin::Variable(self.long).to_string())
    }
}

const fn flag(long: &'static str, kind: Kind, value: &'static str, group: &'static str, help: &'static str) -> Flag {
    Flag { long, short: None, kind, value, group, help, hint: ValueHint::Other, settable: Settable::LineOrVariable }
}

const fn switch(long: &'static str, group: &'static str, help: &'static str) -> Flag {
    flag(long, Kind::Switch, "", group, help)
}

impl Flag {
    const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    const fn path(mut self) -> Self {
        self.hint = ValueHint::FilePath;
        self
    }

    const fn directory(mut self) -> Self {
        self.hint = ValueHint::DirPath;
        self
    }

    const fn without_variable(mut self) -> Self {
        self.settable = Settable::Line;
        self
    }
}

impl Flag {
    const fn url(mut self) -> Self {
        self.hint = ValueHint::Url;
        self
    }
}

/// The words, before a path, with which SDKs run xassume for `--via process`.
pub(crate) const FROM_SOCKET: [&str; 3] = ["--print", "credential-process", "--from-socket"];

/// The socket of a run by exactly [`FROM_SOCKET`]. No flags for people, so they stand in no table, no help and no
/// completion; in any other form they are unknown.
pub(crate) fn from_socket(arguments: &[OsString]) -> Option<&Path> {
    match arguments {
        [_, words @ .., path] if words == FROM_SOCKET => Some(Path::new(path)),
        _ => None,
    }
}

/// The word of a run by exactly `--list WORD`, with which the shells' completions ask for candidates. No flag for people
/// either: it stands in no table, no help and no completion.
pub(crate) fn list(arguments: &[OsString]) -> Option<&OsStr> {
    match arguments {
        [_, flag, word] if flag == "--list" => Some(word),
        _ => None,
    }
}

const ABOUT: &str = "Assume an IAM role and run a command with its session";

const AFTER_HELP: &str = "\
Each flag but --check, --clear-cache, --print, --mfa-token, --help and --version has a variable: XASSUME_ROLE_ARN for --role-arn. Switches take true, false, 1 or 0; \
a flag that may be repeated takes one value a line.

Exit status: the command's own; 125 when xassume fails, 126 when the command cannot be run, 127 when it is not found.

Examples:
  xassume --role-arn arn:aws:iam::521111111144:role/DeployMaster -- aws ec2 describe-instances
  xassume -r 521111111144:DeployMaster -- ./deploy.sh
  xassume --profile production -- $SHELL";

/// The usage line, also shown with usage errors.
pub(crate) const USAGE: &str = "xassume [OPTIONS] [--] COMMAND [ARGUMENT]...";

/// The clap command for the table.
#[must_use]
pub fn command() -> Command {
    let mut command = Command::new("xassume")
        .version(env!("CARGO_PKG_VERSION"))
        .about(ABOUT)
        .after_long_help(AFTER_HELP)
        .after_help("`--help` tells more; examples are at its end.")
        .override_usage(USAGE)
        .max_term_width(100)
        .disable_help_flag(true)
        .disable_version_flag(true);
    for flag in FLAGS {
        command = command.arg(argument(flag));
    }
    command
        .arg(Arg::new("help").short('h').long("help").help_heading(OUTPUT).action(ArgAction::Help).help("Print help"))
        .arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .help_heading(OUTPUT)
                .action(ArgAction::Version)
                .help("Print version"),
        )
        .arg(
            Arg::new("command")
                .value_name("COMMAND")
                .num_args(0..)
                .trailing_var_arg(true)
                .value_parser(OsStringValueParser::new())
                .value_hint(ValueHint::CommandWithArguments)
                .help("The command and its arguments, passed on byte for byte, never through a shell"),
        )
}

fn argument(flag: &Flag) -> Arg {
    let (short_help, long_help) = match flag.help.split_once("\n\n") {
        Some((short, _)) => (short, Some(flag.help)),
        None => (flag.help, None),
    };
    let mut arg = Arg::new(flag.long).long(flag.long).help_heading(flag.group).help(short_help);
    if let Some(short) = flag.short {
        arg = arg.short(short);
    }
    if let Some(long) = long_help {
        arg = arg.long_help(long);
    }
    match flag.kind {
        Kind::Switch => arg.action(ArgAction::SetTrue),
        Kind::Count => arg.action(ArgAction::Count),
        Kind::One | Kind::Many => arg
            .action(if flag.kind == Kind::One { ArgAction::Set } else { ArgAction::Append })
            .value_name(flag.value)
            .value_hint(flag.hint)
            .value_parser(OsStringValueParser::new())
            .allow_hyphen_values(flag.long == "tag"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_makes_a_sound_command() {
        command().debug_assert();
    }

    #[test]
    fn the_command_begins_at_the_first_positional_or_after_two_dashes() {
        let words = |line: &[&str]| -> Vec<String> {
            let matches = command().try_get_matches_from(line).expect("parses");
            let all = matches.get_many::<std::ffi::OsString>("command");
            all.into_iter().flatten().map(|word| word.to_string_lossy().into_owned()).collect()
        };
        assert_eq!(
            words(&["xassume", "-v", "aws", "--profile", "x", "--", "-v"]),
            ["aws", "--profile", "x", "--", "-v"]
        );
        assert_eq!(words(&["xassume", "--", "--help"]), ["--help"]);
        assert_eq!(words(&["xassume", "--", "a", "--", "b", ""]), ["a", "--", "b", ""]);
        assert_eq!(words(&["xassume", "-q"]), Vec::<String>::new());
    }

    #[test]
    fn the_helpers_words_are_known_in_one_form_only() {
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
    fn a_list_is_asked_for_in_one_form_only() {
        let word = |line: &str| list(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).map(OsStr::to_owned);
        assert_eq!(word("x --list profiles"), Some("profiles".into()));
        assert_eq!(word("x --list nonsense"), Some("nonsense".into()));
        for line in ["x", "x --list", "x -v --list profiles", "x --list profiles true", "x -- --list profiles"] {
            assert_eq!(word(line), None, "{line}");
        }
    }

    #[test]
    fn help_lines_of_short_help_fit_a_terminal() {
        for flag in FLAGS {
            let first = flag.help.lines().next().unwrap_or_default();
            assert!(first.len() <= 95 && !first.ends_with('.'), "{}: {first}", flag.long);
        }
    }
}
