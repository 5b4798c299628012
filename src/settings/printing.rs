//! What goes with `--print`, which has no command: not the flags that are about one.

use super::conduct::{DeliverySettings, Via};
use super::given::Words;
use crate::error::Error;
use crate::print::Format;

/// Flags about a command, and the values of theirs that ask for nothing.
const ABOUT_A_COMMAND: &[(&str, &[&str])] = &[
    ("on-expiry", &["none"]),
    ("signal", &[]),
    ("refresh-margin", &[]),
    ("stop-signal", &[]),
    ("stop-timeout", &[]),
    ("on-refresh-failure", &[]),
    ("process-group", &[]),
    ("via", &["env"]),
    ("credentials-file", &[]),
    ("file-mode", &[]),
    ("isolate", &["false", "0"]),
];

/// Reads the flags of the delivery, as far as there is one.
///
/// # Errors
/// A flag that would be without effect. A variable may hold a default for other runs: there is a note on it.
pub(super) fn printing(words: &Words<'_>, format: Format, notes: &mut Vec<String>) -> Result<DeliverySettings, Error> {
    for &(flag, idle) in ABOUT_A_COMMAND {
        // A switch has no value, and is on when it is typed.
        let asks =
            flag == "isolate" || words.one(flag).is_some_and(|given| !idle.iter().any(|idle| given.value == *idle));
        if words.is_typed(flag) && asks {
            return Err(Error::usage(
                format!("--{flag} has no effect: --print runs no command"),
                "leave out one of them",
            ));
        }
        if let Some((variable, value)) = words.only_variable(flag)
            && !idle.iter().any(|idle| value == *idle)
        {
            notes.push(format!("{variable} is not heeded: --print runs no command"));
        }
    }
    let mut keep = words.many("keep-env");
    if !format.removes() {
        let name = format.name();
        match keep.first() {
            Some(given) if given.typed => {
                return Err(Error::usage(
                    format!("--keep-env has no effect: --print {name} removes no variable"),
                    "leave out one of them; export, fish and powershell remove variables",
                ));
            }
            Some(given) => notes.push(format!("{} is not heeded: --print {name} removes no variable", given.origin)),
            None => {}
        }
        keep.clear();
    }
    let keep = keep.into_iter().map(|given| given.value).collect();
    Ok(DeliverySettings { via: Via::Env, keep, isolate: false, notes: Vec::new() })
}
