//! The refresh hook (`--refresh-hook`): a shell command that runs after each session that was handed over.
//!
//! Only one run is in progress at a time. If sessions are handed over during a run, one run follows for each of them, with
//! its newest credentials.

use crate::error::{CHECK_LIMITS, Reason, reason_of};
use crate::event::{Event, EventSink, HookEvent, Problem};
use crate::process::End;
use crate::supervise::ports::SessionId;
use crate::sys::hook::{HookEnd, HookProcess};
use std::collections::VecDeque;
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
    /// The command's sessions, by their IDs.
    sessions: Vec<HandedOver>,
    turns: Turns<Run>,
    /// The session of the last run.
    last: SessionId,
    process: Option<HookProcess>,
}

/// A session of the command.
struct HandedOver {
    /// The name of the profile of `--also`. `None` for the default session.
    profile: Option<&'static str>,
    /// How many times the session has been handed over.
    count: u32,
}

/// One run of the hook.
#[derive(PartialEq, Eq)]
struct Run {
    id: SessionId,
    /// 0 if this is the first session with this ID.
    number: u32,
    environment: Vec<CString>,
}

impl<'a> Hook<'a> {
    /// `profiles` has the names of the profiles of `--also`, in the order of their IDs.
    pub(crate) fn new(
        settings: &'a HookSettings,
        profiles: impl Iterator<Item = &'static str>,
        events: &'a dyn EventSink,
    ) -> Self {
        let profiles = std::iter::once(None).chain(profiles.map(Some));
        let sessions = profiles.map(|profile| HandedOver { profile, count: 0 }).collect();
        Self { settings, events, sessions, turns: Turns::Idle, last: SessionId::DEFAULT, process: None }
    }

    /// Runs the hook, if there is a hook, because a session was handed over. If a run is in progress, the new run
    /// follows it. `environment` gets the number of the session, which is 0 for the first session with this ID, and
    /// returns the environment of the hook. Must be called on the main thread, within a Tokio runtime.
    pub(crate) fn run(hook: &mut Option<Self>, id: SessionId, environment: impl FnOnce(u32) -> Vec<CString>) {
        let Some(hook) = hook else { return };
        let count = &mut hook.sessions[id.0].count;
        let number = *count;
        *count = number.saturating_add(1);
        let run = hook.turns.request(id, Run { id, number, environment: environment(number) });
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
            hook.emit(HookEvent::Stopped { pid: process.pid() });
            process.over().await;
        } else {
            // It has ended at the same time, or it is being stopped at its limit.
            hook.report(process.over().await);
        }
    }

    /// Starts a run. If the start fails, the run is over, and the next one is started.
    fn start(&mut self, mut run: Option<Run>) {
        let HookSettings { command, timeout } = self.settings;
        while let Some(Run { id, number, environment }) = run {
            self.last = id;
            match HookProcess::start(command, &environment, *timeout) {
                Ok(process) => {
                    self.emit(HookEvent::Started { pid: process.pid(), session: number });
                    self.process = Some(process);
                    return;
                }
                Err(error) => self.fail(not_started(&error)),
            }
            run = self.turns.ended();
        }
    }

    fn report(&self, end: HookEnd) {
        match end {
            HookEnd::Ended(End::Exited(0)) => self.emit(HookEvent::Finished),
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
        self.emit(HookEvent::Failed { problem });
    }

    /// Emits an event about the last run.
    fn emit(&self, event: HookEvent) {
        let profile = self.sessions[self.last.0].profile;
        self.events.emit(Event::from(event).of_profile(profile));
    }
}

fn not_started(error: &io::Error) -> Problem {
    let problem = Problem::new(Reason::System, format!("cannot start the refresh hook: {}", reason_of(error)));
    let hint = if error.kind() == io::ErrorKind::NotFound { "it needs /bin/sh and /dev/null" } else { CHECK_LIMITS };
    problem.with_hint(hint)
}

/// Which run is next. Only one run is in progress at a time, and only the newest request of each session during that run
/// is kept.
#[derive(Debug, PartialEq, Eq)]
enum Turns<R> {
    Idle,
    /// A run is in progress. The values are the runs that follow it, at most one for each session.
    Busy(VecDeque<(SessionId, R)>),
}

impl<R> Turns<R> {
    /// Requests a run. Returns the run if it may begin now. Otherwise the run waits, in place of an earlier one for the
    /// same session.
    fn request(&mut self, id: SessionId, run: R) -> Option<R> {
        match self {
            Self::Idle => {
                *self = Self::Busy(VecDeque::new());
                Some(run)
            }
            Self::Busy(waiting) => {
                match waiting.iter_mut().find(|(other, _)| *other == id) {
                    Some((_, earlier)) => *earlier = run,
                    None => waiting.push_back((id, run)),
                }
                None
            }
        }
    }

    /// Ends the run in progress. Returns the run that begins now, or `None` if no run waits.
    fn ended(&mut self) -> Option<R> {
        let next = match self {
            Self::Busy(waiting) => waiting.pop_front(),
            Self::Idle => None,
        };
        if next.is_none() {
            *self = Self::Idle;
        }
        next.map(|(_, run)| run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use std::cell::RefCell;

    #[test]
    fn a_request_begins_at_once_unless_a_run_is_in_progress() {
        let (mut turns, id) = (Turns::Idle, SessionId::DEFAULT);
        assert_eq!(turns.request(id, 0), Some(0));
        assert_eq!(turns.ended(), None);
        assert_eq!(turns.request(id, 1), Some(1));
    }

    #[test]
    fn requests_during_a_run_are_joined_into_one_with_the_newest() {
        let (mut turns, id) = (Turns::Idle, SessionId::DEFAULT);
        turns.request(id, 0);
        assert_eq!([1, 2, 3].map(|run| turns.request(id, run)), [None; 3]);
        assert_eq!(turns.ended(), Some(3));
        // The joined run is in progress now.
        assert_eq!(turns.request(id, 4), None);
        assert_eq!(turns.ended(), Some(4));
        assert_eq!(turns.ended(), None);
        assert_eq!(turns, Turns::Idle);
    }

    #[test]
    fn requests_of_other_sessions_are_not_joined() {
        let (mut turns, [a, b]) = (Turns::Idle, [0, 1].map(SessionId));
        turns.request(a, "a0");
        assert_eq!([(b, "b0"), (a, "a1"), (b, "b1")].map(|(id, run)| turns.request(id, run)), [None; 3]);
        assert_eq!([turns.ended(), turns.ended(), turns.ended()], [Some("b1"), Some("a1"), None]);
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

    /// Starts a hook once, does something with it, and returns its events.
    fn messages_while(
        command: &str,
        environment: Vec<CString>,
        then: impl AsyncFnOnce(Option<Hook<'_>>),
    ) -> Vec<(&'static str, String)> {
        let (messages, timeout) = (Messages::default(), Duration::from_secs(30));
        let settings = HookSettings { command: command.into(), timeout };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut hook = Some(Hook::new(&settings, std::iter::empty(), &messages));
            Hook::run(&mut hook, SessionId::DEFAULT, |_| environment);
            then(hook).await;
        });
        messages.0.into_inner()
    }

    /// Runs a hook once, and returns its events.
    fn messages_of(command: &str, environment: Vec<CString>) -> Vec<(&'static str, String)> {
        messages_while(command, environment, async |mut hook| {
            if hook.as_ref().is_some_and(|hook| hook.process.is_some()) {
                Hook::next(&mut hook).await;
            }
            assert!(hook.is_some_and(|hook| hook.turns == Turns::Idle), "the next session runs the hook again");
        })
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
    fn the_hint_depends_on_what_a_hook_lacks() {
        let hint = |errno| not_started(&io::Error::from_raw_os_error(errno)).hint;
        assert_eq!(hint(libc::ENOENT).as_deref(), Some("it needs /bin/sh and /dev/null"));
        assert_eq!(hint(libc::EMFILE).as_deref(), Some(CHECK_LIMITS));
    }

    #[test]
    fn a_hook_that_runs_at_the_end_is_stopped() {
        let stopped = messages_while("exec sleep 600", Vec::new(), async |hook| Hook::finish(hook).await);
        assert!(matches!(stopped[..], [("hook_started", _), ("hook_stopped", _)]), "{stopped:?}");
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
