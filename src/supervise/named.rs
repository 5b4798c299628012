//! When the signal to the process of `--signal-pid-file` is sent, and when it is tried again.
//!
//! After each refreshed session was delivered, an attempt to send the signal begins. A failed attempt is repeated with
//! the backoff of refreshes until the signal is sent, or until the next session begins a new attempt.

use super::policy::{OnExpiry, Policy, SignalTarget};
use super::schedule::{Dice, Term, retry_in};
use crate::event::{NamedEvent, Problem};
use crate::moment::{Deadline, Now};
use crate::process::Pid;
use crate::process::signal::Signal;
use std::time::Duration;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct NamedSignal {
    signal: Signal,
    state: State,
    /// The number of failed attempts in a row, including attempts for earlier sessions.
    failures: u32,
    /// Why the last attempt failed. `None` if it succeeded.
    last_failure: Option<Problem>,
    dice: Dice,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum State {
    /// The signal was sent for the session in effect, or need not be sent.
    Idle,
    Sending,
    /// The next attempt is at this time of the boot clock.
    Waiting(Duration),
}

impl NamedSignal {
    /// Returns the state before the first refresh, or `None` if the policy does not signal the process of a pid file.
    pub(crate) fn of(policy: Policy, dice: Dice) -> Option<Self> {
        let (SignalTarget::PidFile, OnExpiry::Signal(signal)) = (policy.signal_target, policy.on_expiry) else {
            return None;
        };
        Some(Self { signal, state: State::Idle, failures: 0, last_failure: None, dice })
    }

    pub(crate) fn signal(&self) -> Signal {
        self.signal
    }

    /// Records that an attempt begins, because a refreshed session was delivered. The caller must start the attempt,
    /// and drop an earlier attempt that is still in progress.
    pub(crate) fn begin(&mut self) {
        self.state = State::Sending;
    }

    /// Handles a wake-up. Returns whether the caller must start an attempt now.
    pub(crate) fn wake(&mut self, now: Now) -> bool {
        let is_due = matches!(self.state, State::Waiting(at) if now.boot >= at);
        if is_due {
            self.state = State::Sending;
        }
        is_due
    }

    /// Returns when the next attempt is due. Returns `None` if no attempt is planned, or if one is in progress.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        match self.state {
            State::Waiting(at) => Some(Deadline::at(at)),
            State::Idle | State::Sending => None,
        }
    }

    /// Handles the result of an attempt: the process that got the signal, or why no process did. `term` belongs to the
    /// session in effect. Returns the events that report the result. They include a warning if the reason or the hint
    /// differs from that of the failure before, or if the signal was sent after failures.
    pub(crate) fn answered(&mut self, result: Result<Pid, Problem>, term: Term, now: Now) -> Vec<NamedEvent> {
        let signal = self.signal;
        let problem = match result {
            Ok(pid) => {
                self.state = State::Idle;
                self.last_failure = None;
                let failures = std::mem::take(&mut self.failures);
                let recovered = (failures > 0).then_some(NamedEvent::Recovered { failures });
                return recovered.into_iter().chain([NamedEvent::Signaled { signal, pid }]).collect();
            }
            Err(problem) => problem,
        };
        self.failures = self.failures.saturating_add(1);
        let failures = self.failures;
        let retry_in = retry_in(failures, term.lifetime, term.left(now), &mut self.dice);
        self.state = State::Waiting(now.boot.saturating_add(retry_in));
        let last = self.last_failure.replace(problem.clone());
        // The text is not compared, because it may have the ID of a process that is started again and again.
        let is_new = last.is_none_or(|last| last.reason != problem.reason || last.hint != problem.hint);
        vec![NamedEvent::Failed { signal, problem, failures, retry_in, is_new }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::session::Validity;
    use crate::supervise::policy::DeliveryTime;
    use std::time::SystemTime;

    const HOUR: Duration = Duration::from_hours(1);

    fn now(at: u64) -> Now {
        let boot = Duration::from_secs(at);
        Now { boot, wall: SystemTime::UNIX_EPOCH + boot }
    }

    fn term() -> Term {
        let validity = Validity { expiration: now(3600).wall, left: HOUR, lifetime: HOUR, skew_secs: 0 };
        Term::of(&validity, now(0))
    }

    fn named() -> NamedSignal {
        let usual = Policy::usual(OnExpiry::Signal(Signal::HUP), DeliveryTime::Live);
        let policy = Policy { signal_target: SignalTarget::PidFile, ..usual };
        NamedSignal::of(policy, Dice::Loaded(u64::MAX)).expect("it is for a pid file")
    }

    fn names(events: &[NamedEvent]) -> Vec<&'static str> {
        events.iter().map(|event| crate::event::Event::from(event.clone()).record().name).collect()
    }

    fn fail(named: &mut NamedSignal, problem: Problem, at: u64) -> Vec<&'static str> {
        names(&named.answered(Err(problem), term(), now(at)))
    }

    fn gone(pid: Pid) -> Problem {
        Problem::new(Reason::NoProcess, format!("process {pid} is not running"))
    }

    #[test]
    fn a_failure_is_retried_with_backoff_until_the_signal_is_sent() {
        let mut named = named();
        assert!(named.deadline().is_none() && !named.wake(now(9)));
        named.begin();
        assert!(named.deadline().is_none() && !named.wake(now(9)), "one attempt at a time");
        let mut at = 10;
        for longest in [8, 60, 300, 300] {
            fail(&mut named, gone(7), at);
            let deadline = named.deadline().expect("a retry").boot.as_secs();
            assert!(deadline > at && deadline <= at + longest, "{deadline}");
            assert!(!named.wake(now(at)) && named.wake(now(deadline + 1)));
            at = deadline + 1;
        }
        assert_eq!(names(&named.answered(Ok(77), term(), now(at))), ["signal_recovered", "signalled"]);
        assert!(named.deadline().is_none());
        named.begin();
        assert_eq!(names(&named.answered(Ok(77), term(), now(at))), ["signalled"]);
    }

    #[test]
    fn each_change_is_one_warning() {
        let mut named = named();
        named.begin();
        let file = || Problem::new(Reason::File, "pid is empty");
        for (problem, event) in [
            (gone(7), "signal_failing"),
            (gone(7), "signal_retry"),
            // Another process is gone, but the state is the same.
            (gone(8), "signal_retry"),
            (file(), "signal_failing"),
            (file(), "signal_retry"),
            (file().with_hint("chmod o-w pid"), "signal_failing"),
            (gone(8), "signal_failing"),
        ] {
            assert_eq!(fail(&mut named, problem.clone(), 10), [event], "{problem:?}");
        }
        // A new session does not change that the signal cannot be sent.
        named.begin();
        assert_eq!(fail(&mut named, gone(8), 10), ["signal_retry"]);
    }

    #[test]
    fn a_new_session_begins_at_once() {
        let mut named = named();
        named.begin();
        fail(&mut named, gone(7), 10);
        named.begin();
        assert!(named.deadline().is_none() && !named.wake(now(1000)), "the attempt is in progress");
    }
}
