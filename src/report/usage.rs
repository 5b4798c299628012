//! Clap's messages: the output of `--version`, and usage errors.

use super::output;
use crate::error::Error;
use crate::flags::{COMPLETIONS, Flag, PRINT, PROFILE, ROLE_ARN, all_flags, equivalent, without_equivalent};
use crate::role::Invalid;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Flags of the command are often typed before the command.
const AFTER: &str = "flags of the command go after --";

/// Flags that need a value, each with a command line that has one.
const EXAMPLES: [(&Flag, &str); 4] = [
    (&COMPLETIONS, "source <(xassume --completions bash)"),
    (&PRINT, "text=$(xassume -p production --print export) && eval \"$text\""),
    (&PROFILE, "xassume -p production -- aws s3 ls"),
    (&ROLE_ARN, "xassume -r 521111111144:DeployMaster -- aws s3 ls"),
];

/// Prints clap's message if it is the output of `--version`.
///
/// # Errors
/// Returns any other message as a usage error of xassume. Also fails if standard output cannot be written.
pub(crate) fn print_clap_message(answer: &clap::Error) -> Result<(), Error> {
    let text = answer.render().to_string();
    if !answer.use_stderr() {
        return output::print_until_closed(text.as_bytes());
    }
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let message = message.replace("found; no more were expected", "(this flag takes no value)");
    Err(match flag_without_value(answer) {
        Some(flag) => without_value(message, flag),
        None => Error::usage(message, hint(answer)),
    })
}

/// Returns the flag that lacks its value, if this is the error.
fn flag_without_value(answer: &clap::Error) -> Option<&'static Flag> {
    // clap names the flag as `--print <FORMAT>`.
    let argument = text(answer, ContextKind::InvalidArg).filter(|_| answer.kind() == ErrorKind::InvalidValue)?;
    let long = argument.strip_prefix("--")?.split(' ').next()?;
    all_flags().find(|flag| flag.long == long)
}

/// Returns the error for a flag without its value. Adds the words that the flag accepts, in clap's form.
fn without_value(message: String, flag: &Flag) -> Error {
    let words: Vec<_> = flag.values.iter().map(|(word, _)| *word).collect();
    let message = if words.is_empty() { message } else { format!("{message}{}", Invalid::not_one_of(words)) };
    let example =
        EXAMPLES.iter().find(|(known, _)| *known == flag).map(|(_, example)| format!("for example: {example}"));
    Error::usage(message, example.unwrap_or_else(|| "see xassume --help".into()))
}

fn text(answer: &clap::Error, kind: ContextKind) -> Option<&str> {
    match answer.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// Returns the hint for a usage error. Clap's own tips are not shown, because one of them says to put an unknown flag after
/// `--`, where xassume would treat the flag as the command.
fn hint(answer: &clap::Error) -> String {
    let unknown = text(answer, ContextKind::InvalidArg).filter(|_| answer.kind() == ErrorKind::UnknownArgument);
    let Some(unknown) = unknown else { return format!("see xassume --help; {AFTER}") };
    let name = unknown.trim_start_matches('-');
    if let Some(hint) = without_equivalent(name) {
        return hint.into();
    }
    let similar = || text(answer, ContextKind::SuggestedArg).filter(|_| !name.is_empty()).map(str::to_owned);
    let equivalent = equivalent(name).map(|(flag, value)| format!("--{} {value}", flag.long));
    match equivalent.or_else(similar) {
        Some(suggestion) => format!("did you mean {}? {AFTER}", suggestion.trim_end()),
        None => format!("see xassume --help; {AFTER}"),
    }
}
