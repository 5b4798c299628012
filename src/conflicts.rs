//! Defines rules for values that conflict, and applies a table of rules.
//!
//! A flag takes precedence over a variable, and the variable is then ignored. Two flags that conflict are an error. Two
//! variables that conflict may each be a default for other runs, so the rule decides what happens.
//! `settings::conflicts` contains the tables, except for the conflicts that depend on the profiles, which are in
//! `profile::conflicts`.

use crate::error::Error;
use crate::event::Ignored;
use crate::flags::Flag;
use crate::origin::Origin;

/// A rule: one value, and the other values that conflict with it.
pub(crate) struct Rule<V: 'static> {
    pub(crate) one: Side<V>,
    pub(crate) others: &'static [Side<V>],
    pub(crate) otherwise: Otherwise<V>,
}

/// A function that finds the value of one flag. It returns `None` if the value is not given, or if the rule does not
/// apply to it.
pub(crate) type Side<V> = fn(&V) -> Option<Given>;

/// A value to which a rule applies.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) origin: Origin,
    /// The origin in the form in which messages show it. If the rule applies only to particular values, it includes the
    /// value.
    pub(crate) shown: String,
    /// Whether the variable with this value can be ignored in favor of a flag. This is false for a value that selects
    /// the roles, because without it, xassume would assume other roles, or none.
    pub(crate) replaceable: bool,
}

impl From<Origin> for Given {
    fn from(origin: Origin) -> Self {
        Self { origin, shown: origin.to_string(), replaceable: true }
    }
}

/// What happens if the two values that conflict are both flags, or both variables.
pub(crate) enum Otherwise<V> {
    /// Two flags are an error. The field is the reason that the message gives (empty for no reason). Of two variables,
    /// the one in `others` is ignored, because it would have an effect only if `one` were unset or had another value.
    FirstCounts(&'static str),
    /// Two flags are an error, and so are two variables. The field is the reason that the message gives (empty for no
    /// reason).
    Error(&'static str),
    /// Two flags are both kept, and so are two variables. A later check, which knows the roles, may reject them. If one
    /// value is a flag and the other is a variable, the variable is ignored, and the field gives the reason for the
    /// note about it.
    Later(IgnoredReason<V>),
}

/// A function that returns the reason for which a variable is ignored. If there is no function, the reason is that the
/// variable conflicts with a flag.
pub(crate) type IgnoredReason<V> = Option<fn(&V) -> String>;

/// The values to which rules are applied, with the origin of each value.
pub(crate) trait Values {
    /// Removes the value that comes from the variable of this flag.
    fn remove(&mut self, flag: &'static Flag);
}

/// Applies the rules. Removes each variable that is ignored, and adds a note about it.
///
/// Flags are compared with variables first, so a variable that is ignored in favor of a flag causes no other variable
/// to be ignored.
///
/// # Errors
/// Fails at the first conflict that is an error.
pub(crate) fn settle<V: Values>(values: &mut V, rules: &[Rule<V>], notes: &mut Vec<Ignored>) -> Result<(), Error> {
    let mut variables = Vec::new();
    for rule in rules {
        for other in rule.others {
            let Some(first) = (rule.one)(values) else { break };
            let Some(second) = other(values) else { continue };
            match (first.origin.is_typed(), second.origin.is_typed(), &rule.otherwise) {
                (true, false, _) => rule.remove(values, &second, &first, notes),
                (false, true, _) => rule.remove(values, &first, &second, notes),
                (false, false, _) => variables.push((rule, *other)),
                (true, true, Otherwise::Later(_)) => {}
                (true, true, Otherwise::FirstCounts(because) | Otherwise::Error(because)) => {
                    return Err(error(&first, &second, because));
                }
            }
        }
    }
    for (rule, other) in variables {
        let (Some(first), Some(second)) = ((rule.one)(values), other(values)) else { continue };
        match rule.otherwise {
            Otherwise::FirstCounts(_) => rule.remove(values, &second, &first, notes),
            Otherwise::Error(because) => return Err(error(&first, &second, because)),
            Otherwise::Later(_) => {}
        }
    }
    Ok(())
}

impl<V: Values> Rule<V> {
    fn remove(&self, values: &mut V, ignored: &Given, counts: &Given, notes: &mut Vec<Ignored>) {
        if !ignored.replaceable {
            return;
        }
        let reason = match self.otherwise {
            Otherwise::Later(Some(reason)) => reason(values),
            _ => format!("conflicts with {}", counts.shown),
        };
        notes.push(Ignored::new(ignored.origin, reason));
        values.remove(ignored.origin.flag());
    }
}

fn error(first: &Given, second: &Given, because: &str) -> Error {
    let separator = if because.is_empty() { "" } else { ", " };
    let message = format!("{} cannot be used with {}{separator}{because}", second.shown, first.shown);
    Error::Conflict { message, hint: format!("{} one of them", first.origin.leave_out()) }
}
