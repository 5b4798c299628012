//! The model: which steps are possible, and their effects.

use super::super::*;
use crate::error::Reason;
use crate::event::Problem;
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Member, Pid, ProcessGroup, Remaining, Sender};
use std::hash::Hash;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::moves::*;

/// The state of the machine and of its surroundings. The fields are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Model {
    pub(super) machine: Machine,
    pub(super) now: Now,
    pub(super) child: ModelChild,
    pub(super) left: Left,
    pub(super) call: bool,
    pub(super) stop_pending: bool,
    pub(super) check_pending: bool,
    pub(super) publish_pending: bool,
    pub(super) started_before: bool,
    /// Whether the command exited before xassume sent a stop signal.
    pub(super) ended_by_itself: bool,
    /// Whether TERM arrived from a process other than the command.
    pub(super) terminated: bool,
    /// Whether a session was published for which the command has not been restarted or signaled yet.
    pub(super) session_unused: bool,
    /// When the stop signal was sent.
    pub(super) stopped_at: Option<Duration>,
    pub(super) ended_at: Option<Duration>,
    /// When SIGKILL was sent for the first time.
    pub(super) killed_at: Option<Duration>,
    /// Whether the stop signal was sent to the members of the family outside the command's group.
    pub(super) strays_signaled: bool,
    /// Whether a refresh has failed or was answered too late since the last session was published.
    pub(super) failing: bool,
    /// The expiry of the session that was delivered last.
    pub(super) expiry: Deadline,
    /// The expiry of the session that STS granted last, which may not be delivered yet.
    pub(super) newest: Deadline,
    /// Whether the STS call in progress began after `expiry`.
    pub(super) late: bool,
    /// How many more times a clock may jump.
    pub(super) steps_left: u8,
    /// Whether the command announced its end to the service manager.
    pub(super) end_announced: bool,
    /// Whether the machine has decided that the command will not run again.
    pub(super) end_decided: bool,
    pub(super) over: Option<Final>,
    pub(super) trail: Trail,
}

impl Model {
    pub(super) fn new(policy: Policy, group: ProcessGroup, me: Pid) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * LIFETIME };
        let facts = ProcessFacts { me, group, leads_session: false };
        Self {
            machine: Machine::new(policy, facts, Some(&validity(now)), now, Dice::Loaded(0)),
            now,
            child: ModelChild::None,
            left: Left::NONE,
            call: false,
            stop_pending: false,
            check_pending: false,
            publish_pending: false,
            started_before: false,
            ended_by_itself: false,
            terminated: false,
            session_unused: false,
            stopped_at: None,
            ended_at: None,
            killed_at: None,
            strays_signaled: false,
            failing: false,
            expiry: Term::of(&validity(now), now).expiry(),
            newest: Term::of(&validity(now), now).expiry(),
            late: false,
            steps_left: 1,
            end_announced: false,
            end_decided: false,
            over: None,
            trail: Trail::default(),
        }
    }

    /// Returns all possible next steps.
    pub(super) fn moves(&self) -> Vec<Move> {
        if self.over.is_some() {
            return Vec::new();
        }
        if self.check_pending {
            return vec![Move::Look];
        }
        let ends = [Move::Exit(Left::NONE), Move::Exit(Left::BOTH)];
        if self.stop_pending {
            return [vec![Move::StopSent], ends.to_vec()].concat();
        }
        let mut moves = Vec::new();
        match self.child {
            ModelChild::None => {}
            ModelChild::Starting => {
                moves.extend([Move::Start, Move::FailStart(libc::EAGAIN), Move::FailStart(libc::ENOENT)]);
            }
            ModelChild::Alive => {
                moves.extend(ends);
                moves.extend([Move::Die(refresh_signal()), Move::AnnounceEnd]);
            }
            ModelChild::Zombie => {
                moves.extend(self.left.in_group.then_some(Move::GroupEnds));
                moves.extend(self.left.stray.then_some(Move::StrayEnds));
            }
        }
        if self.publish_pending {
            moves.extend([Move::Publish, Move::FailPublish]);
        }
        if self.child == ModelChild::Alive {
            moves.push(Move::Pause);
        }
        if self.call {
            moves.extend([Move::Grant, Move::Repeat, Move::Refuse]);
        }
        let user = Sender::Process { pid: 7, group: Some(7) };
        let child = Sender::Process { pid: CHILD, group: None };
        for (signal, sender) in [
            (Signal::TERM, user),
            (Signal::TERM, child),
            (Signal::INT, Sender::Kernel),
            (Signal::HUP, Sender::OutsideNamespace),
            (Signal::TSTP, user),
        ] {
            moves.push(Move::Receive(Arrival { signal, sender }));
        }
        if self.machine.deadline().is_some() {
            moves.push(Move::Wait);
        }
        moves.push(Move::WakeEarly);
        if self.steps_left > 0 {
            moves.extend([Move::Suspend, Move::SetClock(1), Move::SetClock(-1)]);
        }
        moves
    }

    /// Returns the model after this step.
    pub(super) fn after(&self, step: Move) -> Self {
        let mut model = self.clone();
        model.trail = Trail(Some(Rc::new((step, self.trail.clone()))));
        let before = model.machine.state_names();
        let input = model.apply(step);
        let woken = matches!(input, Input::Wake);
        for action in model.machine.handle(input, model.now) {
            model.perform(action);
        }
        model.check(woken, before);
        model
    }

    /// Performs a step in the model, and returns the input that it causes.
    pub(super) fn apply(&mut self, step: Move) -> Input {
        let problem = Problem::new(Reason::Denied, "no");
        match step {
            Move::Start => {
                self.child = ModelChild::Alive;
                self.started_before = true;
                (self.stopped_at, self.ended_at, self.killed_at, self.strays_signaled) = (None, None, None, false);
                Input::Command(CommandInput::Started(Ok(CHILD)))
            }
            Move::FailStart(errno) => {
                self.child = ModelChild::None;
                Input::Command(CommandInput::Started(Err(Fault { errno, text: String::new() })))
            }
            Move::StopSent => {
                self.stop_pending = false;
                self.stopped_at = Some(self.now.boot);
                Input::Command(CommandInput::StopSent)
            }
            Move::Exit(left) => self.end(End::Exited(0), left),
            Move::Die(signal) => self.end(End::Killed(signal), Left::NONE),
            Move::Look => {
                self.check_pending = false;
                let member = |lives: bool| lives.then(|| Member { pid: 300, name: String::new() });
                let Left { in_group, stray } = self.left;
                let remaining = Remaining { in_group: member(in_group), stray: member(stray) };
                Input::Command(CommandInput::Remaining(remaining))
            }
            Move::GroupEnds => {
                self.left.in_group = false;
                Input::Command(CommandInput::OrphanReaped)
            }
            Move::StrayEnds => {
                self.left.stray = false;
                Input::Command(CommandInput::OrphanReaped)
            }
            Move::Pause => Input::Command(CommandInput::Changed(ChildChange::Paused(Signal::TTIN))),
            Move::Receive(arrival) => {
                let from_child = arrival.sender == Sender::Process { pid: CHILD, group: None };
                // While no child runs the command, the sender cannot be the command.
                self.terminated |= arrival.signal == Signal::TERM && (!from_child || !self.is_born());
                Input::Command(CommandInput::Signal(arrival))
            }
            Move::AnnounceEnd => {
                self.end_announced = true;
                Input::Command(CommandInput::EndAnnounced)
            }
            Move::Grant => {
                self.call = false;
                self.newest = Term::of(&validity(self.now), self.now).expiry();
                Input::Session(SessionInput::Assumed(Ok(validity(self.now))))
            }
            Move::Repeat => {
                self.call = false;
                Input::Session(SessionInput::Unchanged)
            }
            Move::Refuse => {
                self.call = false;
                self.failing = true;
                Input::Session(SessionInput::Assumed(Err(problem)))
            }
            Move::Publish => {
                self.publish_pending = false;
                self.session_unused = true;
                self.failing = false;
                self.expiry = self.newest;
                Input::Session(SessionInput::Published(Ok(())))
            }
            Move::FailPublish => {
                self.publish_pending = false;
                self.failing = true;
                Input::Session(SessionInput::Published(Err(problem)))
            }
            Move::Wait => {
                let deadline = self.machine.deadline().unwrap();
                let by_wall = deadline.wall.map(|wall| wall.duration_since(self.now.wall).unwrap_or_default());
                let by_boot = deadline.boot.saturating_sub(self.now.boot);
                self.pass(by_wall.map_or(by_boot, |by_wall| by_wall.min(by_boot)));
                Input::Wake
            }
            Move::WakeEarly => Input::Wake,
            Move::Suspend => {
                self.steps_left -= 1;
                self.pass(8 * LIFETIME);
                Input::Wake
            }
            Move::SetClock(hours) => {
                self.steps_left -= 1;
                let step = Duration::from_hours(hours.unsigned_abs());
                self.now.wall = if hours > 0 { self.now.wall + step } else { self.now.wall - step };
                Input::Wake
            }
        }
    }

    pub(super) fn end(&mut self, end: End, left: Left) -> Input {
        self.child = ModelChild::Zombie;
        self.left = left;
        self.stop_pending = false;
        self.ended_at = Some(self.now.boot);
        self.ended_by_itself = self.stopped_at.is_none();
        Input::Command(CommandInput::Changed(ChildChange::Ended(end)))
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }
}

pub(super) fn validity(now: Now) -> Validity {
    Validity { expiration: now.wall + LIFETIME, left: LIFETIME, lifetime: LIFETIME, skew_secs: 0 }
}
