//! Values that conflict: what a rule is, and how a table of rules is applied.
//!
//! A flag takes precedence over a variable, which is then ignored. Two flags are an error. Two variables may each be a
//! default for other runs, so the rule decides about them. The tables are in `settings::conflicts`, and for what depends
//! on the profiles in `profile::conflicts`.

use crate::error::Error;
use crate::event::Ignored;
use crate::flags::Flag;
use crate::origin::Origin;

/// A row of a table: one value, and the others that it excludes.
pub(crate) struct Rule<V: 'static> {
    pub(crate) one: Side<V>,
    pub(crate) others: &'static [Side<V>],
    pub(crate) otherwise: Otherwise<V>,
}

/// Returns the value if the rule applies to it.
pub(crate) type Side<V> = fn(&V) -> Option<Given>;

/// A value to which a rule applies.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) origin: Origin,
    /// The origin, with the value where the rule is about that value only.
    pub(crate) shown: String,
    /// Whether a flag can replace it. Without the variable of a role there would be another role, or none.
    pub(crate) replaceable: bool,
}

impl From<Origin> for Given {
    fn from(origin: Origin) -> Self {
        Self { origin, shown: origin.to_string(), replaceable: true }
    }
}

/// What happens where neither value takes precedence.
pub(crate) enum Otherwise<V> {
    /// Two flags are an error, for this reason if it is not empty. Of two variables the first one counts: the others have
    /// an effect only with another value of it.
    FirstCounts(&'static str),
    /// An error, for this reason.
    Error(&'static str),
    /// Both are kept. A later check, which knows the roles, may reject them.
    Later(IgnoredReason<V>),
}

/// The reason why a variable is ignored, if it is not just the flag.
pub(crate) type IgnoredReason<V> = Option<fn(&V) -> String>;

/// What rules apply to.
pub(crate) trait Values {
    /// Removes the value of a variable.
    fn remove(&mut self, flag: &'static Flag);
}

/// Applies the rules: removes the variables that must give way, each with a note.
///
/// Flags are compared with variables first: a variable that gives way to a flag removes no other variable.
///
/// # Errors
/// The first conflict in which neither value gives way.
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
    let separator = if because.is_empty() { "" } else { ": " };
    let message = format!("{} cannot be used with {}{separator}{because}", second.shown, first.shown);
    Error::usage(message, format!("{} one of them", first.origin.leave_out()))
}
