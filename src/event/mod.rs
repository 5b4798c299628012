//! What xassume reports about a run: one value for each event.
//!
//! An event has a level, a name and fields that never change (`--log-format json`; listed in `docs/supervision.md`), and
//! a sentence (`Display`) that may. An [`EventSink`] shows it: `report` as text or JSON, `--check` as a page. No event
//! contains a secret.

mod cache;
mod command;
mod record;
mod refresh;
mod run;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use cache::CacheEvent;
pub(crate) use command::{CommandEvent, Stdin, Stop};
pub(crate) use record::{Field, Level, Record};
pub(crate) use refresh::RefreshEvent;
pub(crate) use run::{Ignored, RunEvent};
pub(crate) use session::{AssumedRole, MfaSessionFrom, SessionEvent};

use std::fmt;
use std::time::Duration;

/// Receives events.
pub(crate) trait EventSink {
    fn emit(&self, event: Event);

    /// Whether an event of this level is used: a caller may skip work for one that is not.
    fn wants(&self, level: Level) -> bool;
}

/// Durations are counted from now, times are of the wall clock.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Event {
    Run(RunEvent),
    Cache(CacheEvent),
    Session(SessionEvent),
    Refresh(RefreshEvent),
    Command(CommandEvent),
}

impl Event {
    /// What programs read.
    pub(crate) fn record(&self) -> Record {
        match self {
            Self::Run(event) => event.record(),
            Self::Cache(event) => event.record(),
            Self::Session(event) => event.record(),
            Self::Refresh(event) => event.record(),
            Self::Command(event) => event.record(),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(event) => event.fmt(f),
            Self::Cache(event) => event.fmt(f),
            Self::Session(event) => event.fmt(f),
            Self::Refresh(event) => event.fmt(f),
            Self::Command(event) => event.fmt(f),
        }
    }
}

impl From<RunEvent> for Event {
    fn from(event: RunEvent) -> Self {
        Self::Run(event)
    }
}

impl From<CacheEvent> for Event {
    fn from(event: CacheEvent) -> Self {
        Self::Cache(event)
    }
}

impl From<SessionEvent> for Event {
    fn from(event: SessionEvent) -> Self {
        Self::Session(event)
    }
}

impl From<RefreshEvent> for Event {
    fn from(event: RefreshEvent) -> Self {
        Self::Refresh(event)
    }
}

impl From<CommandEvent> for Event {
    fn from(event: CommandEvent) -> Self {
        Self::Command(event)
    }
}

/// Why something failed, as a sentence.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Problem {
    pub(crate) text: String,
    /// What the user can do about it.
    pub(crate) hint: Option<String>,
}

/// A duration for people: in whole seconds, at least one.
fn span(duration: Duration) -> humantime::FormattedDuration {
    let whole = duration.as_secs() + u64::from(duration.subsec_millis() >= 500);
    humantime::format_duration(Duration::from_secs(whole.max(1)))
}
