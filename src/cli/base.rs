//! The clap command and its arguments, without help texts.

use crate::flags::{Flag, GROUPS, Kind, TAG, USAGE};
use clap::builder::OsStringValueParser;
use clap::{Arg, ArgAction, Command};

/// The text of `-V`, after the name of the program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The text of `--version`, after the name of the program. The build script finds out the commit and the target.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("BUILD_COMMIT"),
    "\ntarget: ",
    env!("BUILD_TARGET"),
    "\nlibc: ",
    env!("BUILD_LIBC"),
);

/// Returns the command without any flags.
pub(super) fn base() -> Command {
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
pub(super) fn with_flags(command: Command, argument: impl Fn(&'static Flag) -> Arg) -> Command {
    let add = |command: Command, (heading, flags): &(&'static str, &'static [Flag])| {
        command.next_help_heading(*heading).args(flags.iter().map(&argument))
    };
    with_help(GROUPS.iter().fold(command, add))
}

/// Adds `--help` and `--version`.
pub(super) fn with_help(command: Command) -> Command {
    command
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help))
        .arg(Arg::new("version").short('V').long("version").action(ArgAction::Version))
}

/// Returns the argument for a flag, without its help text.
pub(super) fn argument(flag: &Flag) -> Arg {
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
