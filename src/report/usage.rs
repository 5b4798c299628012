//! Clap's messages: the output of `--version`, and usage errors.

use super::output;
use crate::error::Error;
use crate::flags::{Flag, all_flags, equivalent};
use clap::error::{ContextKind, ContextValue};

/// Flags of the command are often typed before the command.
const AFTER: &str = "flags of the command go after --";

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
    let message = format!("{message}{}", possible_values(&message));
    Err(Error::usage(message, hint(answer)))
}

/// Returns the words that a flag accepts, in clap's form, if clap's message says that the flag needs a value.
fn possible_values(message: &str) -> String {
    let needs_value = |flag: &&Flag| message.starts_with(&format!("a value is required for '--{} ", flag.long));
    match all_flags().find(needs_value) {
        Some(flag) if !flag.values.is_empty() => {
            let words: Vec<_> = flag.values.iter().map(|(word, _)| *word).collect();
            format!(" [possible values: {}]", words.join(", "))
        }
        _ => String::new(),
    }
}

/// Returns the hint for a usage error. Clap's own tips are not shown, because one of them says to put an unknown flag after
/// `--`, where xassume would treat the flag as the command.
fn hint(answer: &clap::Error) -> String {
    let text = |kind| match answer.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let unknown = text(ContextKind::InvalidArg).filter(|_| answer.kind() == clap::error::ErrorKind::UnknownArgument);
    let Some(unknown) = unknown else { return format!("see xassume --help; {AFTER}") };
    let name = unknown.trim_start_matches('-');
    if name == "no-session" || name == "n" {
        return "remove the flag: xassume calls GetSessionToken only for MFA".into();
    }
    match equivalent(name).or(text(ContextKind::SuggestedArg).filter(|_| !name.is_empty())) {
        Some(meant) => format!("did you mean {meant}? {AFTER}"),
        None => format!("see xassume --help; {AFTER}"),
    }
}
