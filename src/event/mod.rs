//! What xassume reports about a run, with one value for each event.
//!
//! An event has a level, a name and fields, which never change (they are for `--log-format json` and listed in
//! `docs/supervision.md`). It also has a message, which may change. All of these are in its [`Record`]. An
//! [`EventSink`] shows the event: `report` as text or JSON, `--check` as a page. No event contains a secret.

mod cache;
mod command;
mod hook;
mod named;
mod record;
mod refresh;
mod run;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use cache::CacheEvent;
pub(crate) use command::{CommandEvent, NotReady, Stdin, Stop, Stopped};
pub(crate) use hook::HookEvent;
pub(crate) use named::NamedEvent;
pub(crate) use record::{Field, Level, Problem, Record};
pub(crate) use refresh::RefreshEvent;
pub(crate) use run::{Ignored, RunEvent};
pub(crate) use session::{AssumedRole, FirstSession, MfaSessionFrom, SessionEvent};

/// Receives events.
pub(crate) trait EventSink {
    fn emit(&self, event: Event);
}

/// An event. A duration until something happens counts from the moment when the event is emitted. Times are by the wall
/// clock.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Event {
    Run(RunEvent),
    Cache(CacheEvent),
    Session(SessionEvent),
    Refresh(RefreshEvent),
    Named(NamedEvent),
    Command(CommandEvent),
    Hook(HookEvent),
    /// An event about the session of a profile (`--also`).
    OfProfile(&'static str, Box<Event>),
}

impl Event {
    /// Returns this event as one about the session of a profile. Returns it unchanged if `profile` is `None`.
    pub(crate) fn of_profile(self, profile: Option<&'static str>) -> Self {
        match profile {
            Some(profile) => Self::OfProfile(profile, Box::new(self)),
            None => self,
        }
    }

    /// Returns the event inside [`Self::OfProfile`], or this event.
    pub(crate) fn without_profile(&self) -> &Self {
        match self {
            Self::OfProfile(_, event) => event,
            _ => self,
        }
    }

    pub(crate) fn record(&self) -> Record {
        match self {
            Self::Run(event) => event.record(),
            Self::Cache(event) => event.record(),
            Self::Session(event) => event.record(),
            Self::Refresh(event) => event.record(),
            Self::Named(event) => event.record(),
            Self::Command(event) => event.record(),
            Self::Hook(event) => event.record(),
            Self::OfProfile(profile, event) => event.record().of_profile(profile),
        }
    }
}

macro_rules! event_from {
    ($($area:ident($event:ident)),*) => {$(
        impl From<$event> for Event {
            fn from(event: $event) -> Self {
                Self::$area(event)
            }
        }
    )*};
}

event_from!(
    Run(RunEvent),
    Cache(CacheEvent),
    Session(SessionEvent),
    Refresh(RefreshEvent),
    Named(NamedEvent),
    Command(CommandEvent),
    Hook(HookEvent)
);

impl From<Ignored> for Event {
    fn from(ignored: Ignored) -> Self {
        Self::Run(RunEvent::SettingIgnored(ignored))
    }
}
