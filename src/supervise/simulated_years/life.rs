//! The model of one xassume: its command, its sessions, and what it must have done.

use super::term::Held;
use super::world::World;
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Pid, Sender};
use crate::supervise::machine::Final;
use crate::supervise::policy::{DeliveryTime, Duty, OnExpiry, OnRefreshFailure, Policy, RestartOrder};
use std::collections::VecDeque;
use std::time::Duration;

/// The refresh signal of the policies.
pub(super) const REFRESH: Signal = Signal::USR1;
const ONE_SECOND: Duration = Duration::from_secs(1);
/// The longest pause between two handovers, and a reserve.
const HANDOVER_PAUSE: Duration = Duration::from_secs(302);
/// The longest time between the end of a stop and the next check for remaining processes.
const LOOK: Duration = Duration::from_millis(1200);

/// The outcome of an execve(2), and when it is known.
pub(super) type Outcome = (Duration, Result<(), i32>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Starting(Outcome),
    Runs,
    /// It has exited at this time, and xassume knows it.
    Zombie(Duration, End),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Child {
    pub(super) pid: Pid,
    /// The number of the session that it was started with.
    pub(super) number: u32,
    pub(super) state: State,
    pub(super) dies: Option<(Duration, End)>,
    pub(super) stop_sent: Option<Duration>,
    pub(super) is_killed: bool,
    /// When it becomes ready. `None` if never, or if it is ready already.
    pub(super) ready: Option<Duration>,
    /// Until when it has processes in its group, after its exit.
    pub(super) leftovers_until: Duration,
}

impl Child {
    pub(super) fn is_used(&self) -> bool {
        self.state == State::Runs && self.stop_sent.is_none()
    }

    /// Plans an exit, unless an earlier one is planned.
    pub(super) fn dies(&mut self, at: Duration, end: End) {
        if self.dies.is_none_or(|(before, _)| at < before) {
            self.dies = Some((at, end));
        }
    }
}

/// How the last process of the command ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    pub(super) number: u32,
    pub(super) was_stopped: bool,
    pub(super) end: End,
}

/// One run of xassume.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Life {
    pub(super) policy: Policy,
    pub(super) is_keeper: bool,
    /// Whether a keeper has delivered its first sessions.
    pub(super) is_serving: bool,
    pub(super) held: Vec<Held>,
    pub(super) is_delivering: bool,
    pub(super) children: Vec<Child>,
    pub(super) last: Option<Last>,
    /// The error of the last failed start. `None` after a successful one.
    pub(super) failed_start: Option<i32>,
    /// When the model last saw a change that another start or handover may follow.
    pub(super) changed: Duration,
    pub(super) signals: VecDeque<Arrival>,
    /// Whether xassume has got TERM.
    pub(super) is_terminated: bool,
    /// Whether a signal may have canceled restarts.
    pub(super) may_be_canceled: bool,
    /// By when the refresh signal must be sent.
    pub(super) owed: Option<Duration>,
    /// When a session was replaced since the last refresh signal.
    pub(super) replaced: Option<Duration>,
    pub(super) notices: u32,
}

impl Life {
    pub(super) fn new(policy: Policy, is_keeper: bool, held: Vec<Held>, now: Duration) -> Self {
        Self {
            policy,
            is_keeper,
            is_serving: !is_keeper,
            held,
            is_delivering: false,
            children: Vec::new(),
            last: None,
            failed_start: None,
            changed: now,
            signals: VecDeque::new(),
            is_terminated: false,
            may_be_canceled: false,
            owed: None,
            replaced: None,
            notices: 0,
        }
    }

    pub(super) fn starts_first(&self) -> bool {
        self.policy.restart_order == RestartOrder::StartFirst
    }

    fn restarts(&self) -> bool {
        self.policy.on_expiry == OnExpiry::Restart && !self.may_be_canceled
    }

    /// Records that xassume reads a signal.
    pub(super) fn receive(&mut self, arrival: Arrival) {
        let runs = matches!(&self.children[..], [child] if child.is_used());
        let hang_up = (arrival.signal, arrival.sender) == (Signal::HUP, Sender::Kernel);
        match arrival.signal {
            Signal::TERM => (self.is_terminated, self.may_be_canceled) = (true, true),
            Signal::INT | Signal::QUIT => self.may_be_canceled |= !runs,
            Signal::HUP if hang_up => self.may_be_canceled |= !runs,
            Signal::HUP if self.is_serving && self.is_keeper => {
                for held in &mut self.held {
                    held.is_requested = true;
                }
            }
            _ => {}
        }
    }

    /// Records that a new session is in effect, so that the command gets the refresh signal.
    pub(super) fn adopted(&mut self, id: usize, now: Duration) {
        self.held[id].adopt(&self.policy);
        self.changed = now;
        self.replaced = Some(now);
        // A command that is being started finds the new session by itself.
        if self.children.iter().any(Child::is_used) && matches!(self.policy.on_expiry, OnExpiry::Signal(_)) {
            let joined = if self.held.len() > 1 { ONE_SECOND } else { Duration::ZERO };
            self.owed.get_or_insert(now + joined);
        }
    }
}

impl World {
    /// Checks what must hold for an xassume once it waits.
    pub(super) fn check(&mut self, at: usize) {
        let (now, jumped, life) = (self.now, self.jumped, &mut self.lives[at]);
        for held in &mut life.held {
            held.has_expired |= held.in_effect.left(now).is_zero();
        }
        let policy = &life.policy;
        let mut claims: Vec<(bool, &str)> = Vec::new();
        claims.push((life.signals.is_empty(), "a signal is handled at once"));
        let is_expired = life.held.iter().any(|held| held.has_expired);
        let is_lapsing = is_expired && policy.on_refresh_failure == OnRefreshFailure::Stop;
        let is_ending = life.last.is_some_and(|last| !last.was_stopped)
            || life.children.iter().any(|child| matches!(child.state, State::Zombie(..)) && child.stop_sent.is_none());
        // With start-first, both generations are stopped if the session of the older one expires.
        let is_given_up = life.starts_first() && !life.children.iter().any(Child::is_used);
        let is_canceled = life.may_be_canceled && policy.delivery_time == DeliveryTime::AtStart;
        let is_closed = is_canceled || is_given_up;
        let refreshes = policy.duty() == Duty::Refresh && life.is_serving && !is_ending && !is_lapsing && !is_closed;
        let is_late = life.held.iter().any(|held| held.is_late(now, life.is_delivering));
        claims.push((!refreshes || !is_late, "a refresh that is due is made"));
        let has_newer = |child: &Child| child.is_used() && child.number != life.held[0].in_effect.number;
        match (life.is_keeper, &life.children[..]) {
            (false, []) if !is_lapsing => {
                let is_waiting = now.boot < life.changed.max(jumped) + ONE_SECOND;
                claims.push((is_waiting, "a stopped command is started again"));
            }
            (false, [child]) if !life.starts_first() => {
                let is_missing = life.restarts() && has_newer(child);
                claims.push((!is_missing || is_lapsing, "no restart is lost"));
            }
            (false, [child]) if has_newer(child) && life.restarts() && !is_lapsing => {
                let held = &life.held[0];
                let may_wait = held.is_busy() || held.in_effect.left(now).is_zero();
                let is_soon = now.boot < life.changed.max(jumped) + HANDOVER_PAUSE;
                claims.push((may_wait || is_soon, "no handover is lost"));
            }
            _ => {}
        }
        for child in &life.children {
            let end_by = |sent: Duration| now.boot < sent + policy.stop_timeout;
            let is_overdue = child.stop_sent.is_some_and(|sent| !end_by(sent)) && !child.is_killed;
            claims.push((child.state != State::Runs || !is_overdue, "a command that ignores the stop is killed"));
            if let State::Zombie(since, _) = child.state {
                let killed = child.stop_sent.map_or(since, |sent| since.max(sent + policy.stop_timeout));
                let limit = killed.max(since + policy.stop_timeout).max(jumped) + 2 * LOOK;
                claims.push((now.boot < limit, "a command that has exited is reaped"));
            }
            // After TERM, a command without further refreshes keeps its session.
            let must_stop = is_lapsing
                && !is_closed
                && child.is_used()
                && life
                    .held
                    .iter()
                    .any(|held| held.failures > 0 && held.fetched.is_none() && held.in_effect.left(now).is_zero());
            claims.push((
                !must_stop || policy.duty() != Duty::Refresh,
                "no command runs with an expired session after a failure",
            ));
            let is_owed =
                life.owed.is_some_and(|by| now.boot >= by) && child.is_used() && policy.duty() == Duty::Refresh;
            claims.push((!is_owed || is_lapsing, "no refresh signal is lost"));
        }
        if let Some((_, claim)) = claims.into_iter().find(|(holds, _)| !holds) {
            self.claim(false, format_args!("xassume {at}: {claim}"));
        }
    }

    /// Checks a start with the session of this number.
    pub(super) fn check_start(&mut self, at: usize, number: u32) {
        let life = &self.lives[at];
        let newest = life.held[0].in_effect.number;
        let (is_terminated, starts_first) = (life.is_terminated, life.starts_first());
        let is_alone = match &life.children[..] {
            [] => true,
            [old] => starts_first && old.is_used() && old.number != number,
            _ => false,
        };
        let follows_stop = life.last.is_none_or(|last| last.was_stopped || starts_first);
        let is_doubled = !starts_first && life.last.is_some_and(|last| last.number == number);
        self.claim(number == newest, format_args!("xassume {at}: a start has the session in effect"));
        self.claim(!is_terminated, format_args!("xassume {at}: no start after TERM"));
        self.claim(
            is_alone,
            format_args!("xassume {at}: a start without a gap follows a newer session, others a stop"),
        );
        self.claim(follows_stop, format_args!("xassume {at}: no start after the command has exited by itself"));
        self.claim(!is_doubled, format_args!("xassume {at}: a restart has a newer session"));
    }

    /// Checks how an xassume has ended.
    pub(super) fn check_end(&mut self, at: usize, end: Final) {
        let (now, life) = (self.now, &self.lives[at]);
        let are_gone = life.children.is_empty();
        let is_true = match end {
            Final::Ended(End::Exited(0)) if life.is_keeper => true,
            Final::Ended(end) => match life.last {
                Some(last) => last.end == end || life.starts_first(),
                None => matches!(end, End::Killed(_)),
            },
            Final::NotStarted { errno } => errno == libc::ETIMEDOUT || life.failed_start == Some(errno),
            Final::Lapsed => {
                let expired = life.held.iter().any(|held| held.has_expired || held.in_effect.left(now).is_zero());
                let handover = life.starts_first();
                (expired || handover) && life.policy.on_refresh_failure == OnRefreshFailure::Stop
            }
        };
        self.claim(are_gone, format_args!("xassume {at}: it ends without a child"));
        self.claim(is_true, format_args!("xassume {at}: it ends as the command: {end:?}"));
    }
}
