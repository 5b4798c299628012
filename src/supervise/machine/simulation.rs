//! Simulates one host of a fleet. It uses the real rules for refreshing a session, with a clock and STS answers from
//! the caller. Only benches use it.
//!
//! The load of a fleet on STS depends on these rules, so a simulation runs the rules of the program instead of a copy.

use super::renewal::Renewal;
use crate::error::Reason;
use crate::event::Problem;
use crate::moment::{Deadline, Now};
use crate::session::Validity;
use crate::supervise::machine::actions::{Action, SessionInput};
use crate::supervise::policy::{DeliveryTime, Margin, OnExpiry, Policy};
use crate::supervise::ports::SessionId;
use crate::supervise::schedule::{Dice, Term};
use std::time::{Duration, SystemTime};

/// The number of STS calls per refresh while STS fails.
pub const ATTEMPTS: u32 = crate::supervise::schedule::REFRESH_ATTEMPTS;

/// How a host uses refreshed sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKind {
    /// The command is restarted or signaled: `--on-expiry restart` or `signal`.
    Act,
    /// Programs fetch the credentials themselves: `--via endpoint`, `file` or `process`, without an action on the
    /// command.
    Serve,
}

/// Whether the refreshes have jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jitter {
    /// The refreshes have the default jitter of the program.
    Spread,
    /// The refreshes have no jitter, as with `--refresh-margin`. The length of the margin is the default for this
    /// [`HostKind`].
    None,
}

/// A host that has its first session. All times are relative to the start of the simulation.
#[derive(Debug)]
pub struct SimulatedHost {
    renewal: Renewal,
    /// A buffer that is reused for each call, because a fleet makes millions of calls.
    actions: Vec<Action>,
}

impl SimulatedHost {
    /// Creates a host that gets its first session at the time `at`.
    #[must_use]
    pub fn start(kind: HostKind, jitter: Jitter, lifetime: Duration, at: Duration, seed: u64) -> Self {
        let on_expiry = match kind {
            HostKind::Act => OnExpiry::Restart,
            HostKind::Serve => OnExpiry::None,
        };
        let mut policy = Policy::usual(on_expiry, DeliveryTime::Live);
        if jitter == Jitter::None {
            policy.margin = Margin::Fixed(policy.margin(lifetime));
        }
        let term = Term::of(&validity(lifetime, at), now(at));
        Self { renewal: Renewal::new(policy, term, now(at), Dice::Seeded(seed)), actions: Vec::new() }
    }

    /// Returns the time of the next STS call. The caller must then call [`Self::answer`]. Returns `None` if there are
    /// no more calls.
    pub fn next_call(&mut self) -> Option<Duration> {
        while let Some(Deadline { boot: at, .. }) = self.renewal.deadline() {
            self.actions.clear();
            self.renewal.wake(now(at), &mut self.actions);
            if self.actions.contains(&Action::Assume(SessionId::DEFAULT)) {
                return Some(at);
            }
            // The session that is held takes effect.
            if self.actions.contains(&Action::Publish(SessionId::DEFAULT)) {
                self.renewal.handle(SessionInput::Published(Ok(())), now(at), &mut self.actions);
            }
        }
        None
    }

    /// Handles the answer to the call, which arrives at the time `at`. `granted` is the lifetime of the new session, or
    /// `None` if STS granted no session, although the client made all of its attempts.
    pub fn answer(&mut self, granted: Option<Duration>, at: Duration) {
        let inputs = match granted {
            Some(lifetime) => vec![SessionInput::Assumed(Ok(validity(lifetime, at))), SessionInput::Published(Ok(()))],
            None => vec![SessionInput::Assumed(Err(Problem::new(Reason::Unavailable, "")))],
        };
        self.actions.clear();
        for input in inputs {
            self.renewal.handle(input, now(at), &mut self.actions);
        }
    }
}

/// Returns the time by both clocks, which are both right.
fn now(at: Duration) -> Now {
    Now { boot: at, wall: SystemTime::UNIX_EPOCH + at }
}

fn validity(lifetime: Duration, at: Duration) -> Validity {
    Validity { expiration: now(at).wall + lifetime, left: lifetime, lifetime, skew_secs: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[test]
    fn a_host_refreshes_each_time_before_the_expiry() {
        for kind in [HostKind::Act, HostKind::Serve] {
            let mut host = SimulatedHost::start(kind, Jitter::Spread, HOUR, Duration::ZERO, 1);
            let mut expiry = HOUR;
            for _ in 0..24 {
                let at = host.next_call().expect("it continues");
                let left = expiry.saturating_sub(at);
                assert!(left > HOUR / 12 && left < HOUR / 3 * 2, "{kind:?} {left:?}");
                host.answer(Some(HOUR), at);
                expiry = at + HOUR;
            }
        }
    }

    #[test]
    fn without_jitter_hosts_that_start_together_stay_together() {
        for kind in [HostKind::Act, HostKind::Serve] {
            let first = |seed| SimulatedHost::start(kind, Jitter::None, HOUR, Duration::ZERO, seed).next_call();
            assert!((2..9).all(|seed| first(seed) == first(1)));
        }
    }

    #[test]
    fn a_host_without_a_session_retries_after_its_expiry() {
        let mut host = SimulatedHost::start(HostKind::Act, Jitter::Spread, HOUR, Duration::ZERO, 1);
        let mut last = Duration::ZERO;
        while last < 2 * HOUR {
            let at = host.next_call().expect("it continues");
            assert!(at > last);
            host.answer(None, at);
            last = at;
        }
    }
}
