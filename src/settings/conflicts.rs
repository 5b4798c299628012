//! Which flags do not go together: one table, and what becomes of the two.
//!
//! Of a flag and a variable the flag counts, and the variable is as good as unset. Two flags are an error. Of two
//! variables, which may each hold a default for other runs, the table tells. What takes the profile to be seen (roles in
//! a chain, a device, a token) is settled in `profile::hops`, by the same rule.

use crate::deliver::environment::{CommandCredentials, is_set};
use crate::error::Error;
use crate::origin::{Origin, Precedence};
use crate::print::Format;
use crate::settings::values::FlagValues;
use std::path::Path;

/// One flag, and the others that do not go with it.
pub(super) struct Rule {
    one: Side,
    others: &'static [Side],
    variables: Variables,
    /// Why, as the error ends.
    because: &'static str,
}

/// A flag, with those of its values that the rule is about.
struct Side {
    flag: &'static str,
    values: Values,
}

enum Values {
    Any,
    /// The values of which this is true; messages show them.
    Such(fn(&str) -> bool),
}

/// What becomes of two variables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    /// The rule's first flag decides, the others only add to what another value of it would mean.
    FirstCounts,
    /// They contradict each other.
    Contradict,
}

const fn any(flag: &'static str) -> Side {
    Side { flag, values: Values::Any }
}

const fn such(flag: &'static str, values: fn(&str) -> bool) -> Side {
    Side { flag, values: Values::Such(values) }
}

/// The rule that is needed before anything is said.
pub(super) const SPEECH: &[Rule] =
    &[Rule { one: any("quiet"), others: &[any("verbose")], variables: Variables::FirstCounts, because: "" }];

pub(super) const RULES: &[Rule] = &[
    Rule {
        one: any("no-cache"),
        others: &[any("force-refresh"), any("min-ttl"), any("cache-dir")],
        variables: Variables::FirstCounts,
        because: "the cache is disabled",
    },
    Rule { one: any("mfa-token"), others: &[any("mfa-command")], variables: Variables::FirstCounts, because: "" },
    Rule {
        one: such("on-expiry", |text| ["none", "restart"].contains(&text)),
        others: &[any("signal")],
        variables: Variables::FirstCounts,
        because: "no signal is sent",
    },
    Rule {
        one: such("via", |text| ["env", "endpoint", "process"].contains(&text)),
        others: &[any("credentials-file"), any("file-mode")],
        variables: Variables::FirstCounts,
        because: "it requires --via file",
    },
    Rule {
        one: such("via", |text| ["env", "file", "process"].contains(&text)),
        others: &[any("endpoint-token-file")],
        variables: Variables::FirstCounts,
        because: "it requires --via endpoint",
    },
    Rule {
        one: such("via", fetches),
        others: &[such("on-expiry", |text| text == "restart")],
        variables: Variables::Contradict,
        because: "the command fetches each new session by itself, so there is no need to restart it",
    },
    Rule {
        one: such("via", fetches),
        others: &[such("on-expiry", |text| text == "signal")],
        variables: Variables::Contradict,
        because: "the command fetches each new session by itself, so there is no need to signal it",
    },
    Rule {
        one: such("via", |text| text == "file"),
        others: &[such("keep-env", set_by_file)],
        variables: Variables::Contradict,
        because: SETS_IT,
    },
    Rule {
        one: such("via", |text| text == "endpoint"),
        others: &[such("keep-env", set_by_endpoint)],
        variables: Variables::Contradict,
        because: SETS_IT,
    },
    Rule {
        one: such("via", |text| text == "process"),
        others: &[such("keep-env", set_by_process)],
        variables: Variables::Contradict,
        because: SETS_IT,
    },
    Rule {
        one: any("isolate"),
        others: &[such("keep-env", set_by_isolation)],
        variables: Variables::Contradict,
        because: SETS_IT,
    },
    Rule {
        one: any("print"),
        others: ABOUT_A_COMMAND,
        variables: Variables::FirstCounts,
        because: "no command is run",
    },
    Rule {
        one: such("print", |text| Format::parse(text).is_ok_and(|format| !format.removes())),
        others: &[any("keep-env")],
        variables: Variables::FirstCounts,
        because: "it removes no variable; export, fish and powershell do",
    },
];

/// What `--print` has no use for. Values that ask for nothing may stand.
const ABOUT_A_COMMAND: &[Side] = &[
    such("on-expiry", |text| text != "none"),
    any("signal"),
    any("refresh-margin"),
    any("stop-signal"),
    any("stop-timeout"),
    any("on-refresh-failure"),
    any("process-group"),
    such("via", |text| text != "env"),
    any("credentials-file"),
    any("file-mode"),
    any("endpoint-token-file"),
    any("isolate"),
];

const SETS_IT: &str = "it sets that variable itself";

fn fetches(via: &str) -> bool {
    ["endpoint", "process"].contains(&via)
}

fn set_by_file(name: &str) -> bool {
    let (credentials_file, config_file) = (Path::new(""), Path::new(""));
    is_set(name, &CommandCredentials::File { credentials_file, config_file })
}

fn set_by_endpoint(name: &str) -> bool {
    let (empty_credentials_file, config_file) = (Path::new(""), Path::new(""));
    is_set(
        name,
        &CommandCredentials::Endpoint { url: "", token: "", token_file: None, empty_credentials_file, config_file },
    )
}

fn set_by_process(name: &str) -> bool {
    let (credentials_file, config_file) = (Path::new(""), Path::new(""));
    is_set(name, &CommandCredentials::Process { credentials_file, config_file })
}

/// Without the keys, which are set with and without isolation.
fn set_by_isolation(name: &str) -> bool {
    is_set(name, &CommandCredentials::EnvIsolated { config_file: Path::new("") })
        && !is_set(name, &CommandCredentials::Env)
}

/// A flag that was given so that a rule is about it.
struct Asked {
    flag: &'static str,
    origin: Origin,
    /// The origin, with its value where that matters.
    shown: String,
}

impl Side {
    fn asked(&self, flags: &FlagValues<'_>) -> Option<Asked> {
        let origin = flags.origin(self.flag)?;
        let shown = match self.values {
            Values::Any => origin.to_string(),
            Values::Such(is_meant) => {
                let values = flags.many(self.flag);
                let value = values.iter().filter_map(|given| given.value.to_str()).find(|text| is_meant(text))?;
                let between = if origin.is_typed() { ' ' } else { '=' };
                format!("{origin}{between}{value}")
            }
        };
        Some(Asked { flag: self.flag, origin, shown })
    }
}

/// Holds the flags against the rules. Variables that stand back are dropped, with a note each.
///
/// What was typed is settled first: a variable that has to stand back for it takes no other one with it.
///
/// # Errors
/// Two that do not go together, where neither ranks above the other.
pub(super) fn settle(flags: &mut FlagValues<'_>, rules: &[Rule], notes: &mut Vec<String>) -> Result<(), Error> {
    let mut drop = |flags: &mut FlagValues<'_>, out: &Asked, stays: &Asked| {
        notes.push(out.origin.stands_back(&stays.shown));
        flags.drop(out.flag);
    };
    let mut between_variables = Vec::new();
    for rule in rules {
        for other in rule.others {
            let Some(one) = rule.one.asked(flags) else { break };
            let Some(other) = other.asked(flags) else { continue };
            match one.origin.beside(other.origin) {
                Precedence::This => drop(flags, &other, &one),
                Precedence::Other => drop(flags, &one, &other),
                Precedence::Neither if one.origin.is_typed() => return Err(rule.refused(&one, &other)),
                Precedence::Neither => between_variables.push((rule, one, other)),
            }
        }
    }
    for (rule, one, other) in between_variables {
        if flags.origin(one.flag).is_none() || flags.origin(other.flag).is_none() {
            continue;
        }
        match rule.variables {
            Variables::FirstCounts => drop(flags, &other, &one),
            Variables::Contradict => return Err(rule.refused(&one, &other)),
        }
    }
    Ok(())
}

impl Rule {
    fn refused(&self, one: &Asked, other: &Asked) -> Error {
        let separator = if self.because.is_empty() { "" } else { ": " };
        let message = format!("{} cannot be used with {}{separator}{}", other.shown, one.shown, self.because);
        Error::usage(message, format!("{} one of them", one.origin.leave_out()))
    }
}
