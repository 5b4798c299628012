//! The refresh hook (`--refresh-hook`): a shell command that runs after each session that was handed over.
//!
//! Only one run is in progress at a time. If sessions are handed over during a run, one run for the newest of them
//! follows.

use crate::error::{CHECK_LIMITS, Reason, reason_of};
use crate::event::{EventSink, HookEvent, Problem};
use crate::process::End;
use crate::sys::hook::{HookEnd, HookProcess};
use std::ffi::CString;
use std::future::pending;
use std::io;
use std::time::Duration;

/// The settings of the hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookSettings {
    /// The command line for the shell.
    pub(crate) command: String,
    /// How long a run may take (`--refresh-hook-timeout`).
    pub(crate) timeout: Duration,
}

/// The hook of a supervised command, and the hook's process while it runs.
pub(crate) struct Hook<'a> {
    settings: &'a HookSettings,
    events: &'a dyn EventSink,
    /// How many sessions have been handed over.
    sessions: u32,
    turns: Turns<Run>,
    process: Option<HookProcess>,
}

/// One run of the hook.
#[derive(PartialEq, Eq)]
struct Run {
    /// The number of the session: 0 for the first session.
    session: u32,
    environment: Vec<CString>,
}

impl<'a> Hook<'a> {
    pub(crate) fn new(settings: &'a HookSettings, events: &'a dyn EventSink) -> Self {
        Self { settings, events, sessions: 0, turns: Turns::Idle, process: None }
    }

    /// Runs the hook, if there is a hook, because a session was handed over. If a run is in progress, the new run
    /// follows it. `environment` gets the number of the session, which is 0 for the first session, and returns the
    /// environment of the hook. Must be called on the main thread, within a Tokio runtime.
    pub(crate) fn run(hook: &mut Option<Self>, environment: impl FnOnce(u32) -> Vec<CString>) {
        let Some(hook) = hook else { return };
        let session = hook.sessions;
        hook.sessions = session.saturating_add(1);
        let run = hook.turns.request(Run { session, environment: environment(session) });
        hook.start(run);
    }

    /// Waits until the hook has ended, reports the end, and begins the run that waits. Never returns while no hook
    /// runs. Nothing is lost if the future is dropped.
    pub(crate) async fn next(hook: &mut Option<Self>) {
        let Some(hook) = hook else { return pending().await };
        let Some(process) = &mut hook.process else { return pending().await };
        let end = process.over().await;
        hook.process = None;
        hook.report(end);
        let next = hook.turns.ended();
        hook.start(next);
    }

    /// Stops the hook that is running, because xassume is about to exit. Takes little more than a second at most.
    pub(crate) async fn finish(hook: Option<Self>) {
        let Some(mut hook) = hook else { return };
        let Some(mut process) = hook.process.take() else { return };
        if process.stop() {
            hook.events.emit(HookEvent::Stopped { pid: process.pid() }.into());
            process.over().await;
        } else {
            // It has ended at the same time, or it is being stopped at its limit.
            hook.report(process.over().await);
        }
    }

    /// Starts a run. If the start fails, the run is over. No other run waits then, because runs wait only for a running
    /// hook.
    fn start(&mut self, run: Option<Run>) {
        let Some(Run { session, environment }) = run else { return };
        let HookSettings { command, timeout } = self.settings;
        match HookProcess::start(command, &environment, *timeout) {
            Ok(process) => {
                self.events.emit(HookEvent::Started { pid: process.pid(), session }.into());
                self.process = Some(process);
            }
            Err(error) => {
                self.fail(not_started(&error));
                self.turns.ended();
            }
        }
    }

    fn report(&self, end: HookEnd) {
        match end {
            HookEnd::Ended(End::Exited(0)) => self.events.emit(HookEvent::Finished.into()),
            HookEnd::Ended(end) => self.fail(Problem::new(Reason::HookFailed, format!("the refresh hook {end}"))),
            HookEnd::NotExecuted(error) => self.fail(not_started(&error)),
            HookEnd::Stopped => {
                let limit = humantime::format_duration(self.settings.timeout);
                let problem = Problem::new(Reason::Timeout, format!("the refresh hook timed out after {limit}"));
                self.fail(problem.with_hint("set a longer --refresh-hook-timeout if the hook needs more time"));
            }
        }
    }

    fn fail(&self, problem: Problem) {
        self.events.emit(HookEvent::Failed { problem }.into());
    }
}

fn not_started(error: &io::Error) -> Problem {
    let problem = Problem::new(Reason::System, format!("cannot start the refresh hook: {}", reason_of(error)));
    let hint = if error.kind() == io::ErrorKind::NotFound { "it needs /bin/sh and /dev/null" } else { CHECK_LIMITS };
    problem.with_hint(hint)
}

/// Which run is next. Only one run is in progress at a time, and only the newest request during that run is kept.
#[derive(Debug, PartialEq, Eq)]
enum Turns<R> {
    Idle,
    /// A run is in progress. The value is the run that follows it.
    Busy(Option<R>),
}

impl<R> Turns<R> {
    /// Requests a run. Returns the run if it may begin now. Otherwise the run waits, in place of any earlier one.
    fn request(&mut self, run: R) -> Option<R> {
        match self {
            Self::Idle => {
                *self = Self::Busy(None);
                Some(run)
            }
            Self::Busy(next) => {
                *next = Some(run);
                None
            }
        }
    }

    /// Ends the run in progress. Returns the run that begins now, or `None` if no run waits.
    fn ended(&mut self) -> Option<R> {
        match self {
            Self::Busy(next) if next.is_some() => next.take(),
            Self::Busy(_) | Self::Idle => {
                *self = Self::Idle;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use std::cell::RefCell;

    #[test]
    fn a_request_begins_at_once_unless_a_run_is_in_progress() {
        let mut turns = Turns::Idle;
        assert_eq!(turns.request(0), Some(0));
        assert_eq!(turns.ended(), None);
        assert_eq!(turns.request(1), Some(1));
    }

    #[test]
    fn requests_during_a_run_are_joined_into_one_with_the_newest() {
        let mut turns = Turns::Idle;
        turns.request(0);
        assert_eq!([turns.request(1), turns.request(2), turns.request(3)], [None; 3]);
        assert_eq!(turns.ended(), Some(3));
        // The joined run is in progress now.
        assert_eq!(turns.request(4), None);
        assert_eq!(turns.ended(), Some(4));
        assert_eq!(turns.ended(), None);
        assert_eq!(turns, Turns::Idle);
    }

    /// Collects the names and the messages of events.
    #[derive(Default)]
    struct Messages(RefCell<Vec<(&'static str, String)>>);

    impl EventSink for Messages {
        fn emit(&self, event: Event) {
            let record = event.record();
            self.0.borrow_mut().push((record.name, record.message));
        }
    }

    /// Runs a hook once, and returns its events.
    fn messages_of(command: &str, environment: Vec<CString>) -> Vec<(&'static str, String)> {
        let (messages, timeout) = (Messages::default(), Duration::from_secs(30));
        let settings = HookSettings { command: command.into(), timeout };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut hook = Some(Hook::new(&settings, &messages));
            Hook::run(&mut hook, |_| environment);
            if hook.as_ref().is_some_and(|hook| hook.process.is_some()) {
                Hook::next(&mut hook).await;
            }
            assert!(hook.is_some_and(|hook| hook.turns == Turns::Idle), "the next session runs the hook again");
        });
        messages.0.into_inner()
    }

    #[test]
    fn a_hook_that_cannot_be_started_is_one_warning() {
        let failed = messages_of("a\0b", Vec::new());
        assert!(
            matches!(failed[..], [("hook_failed", ref text)] if text.starts_with("cannot start the refresh hook: "))
        );
        let failed = messages_of("true", vec![CString::new([b'x'; 1 << 20]).unwrap()]);
        let text = "cannot start the refresh hook: Argument list too long";
        assert!(matches!(failed[..], [("hook_started", _), ("hook_failed", ref last)] if last == text), "{failed:?}");
    }

    #[test]
    fn the_end_of_a_hook_is_reported() {
        assert_eq!(messages_of("true", Vec::new())[1].0, "hook_finished");
        let text = "the refresh hook exited with status 3".to_owned();
        assert_eq!(messages_of("exit 3", Vec::new())[1], ("hook_failed", text));
        let text = "the refresh hook was killed by SIGKILL".to_owned();
        assert_eq!(messages_of("kill -KILL $$", Vec::new())[1], ("hook_failed", text));
    }
}
