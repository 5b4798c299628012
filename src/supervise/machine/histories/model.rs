//! The model: which steps are possible, and their effects.

use super::super::*;
use crate::error::Reason;
use crate::event::Problem;
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Member, Pid, ProcessGroup, Remaining, Sender};
use crate::supervise::policy::{DeliveryTime, ReadySign};
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
    pub(super) processes: [ModelProcess; 2],
    /// The process ID of the current generation.
    pub(super) current: Pid,
    pub(super) call: bool,
    pub(super) publish_pending: bool,
    pub(super) started_before: bool,
    /// Whether the last generation got the stop signal.
    pub(super) stopped_before: bool,
    /// Whether the command exited before xassume sent a stop signal.
    pub(super) ended_by_itself: bool,
    /// Whether TERM arrived from a process other than the command.
    pub(super) terminated: bool,
    /// Whether a session was published for which the command has not been restarted or signaled yet.
    pub(super) session_unused: bool,
    /// The expiry of the session for which the refresh hook was last run.
    pub(super) hooked: Option<Deadline>,
    /// When a handover failed. `None` once the next attempt has begun, or if there is a newer session.
    pub(super) failed_at: Option<Duration>,
    /// Whether the session of the current generation has expired without a handover, and the command is stopped.
    pub(super) lapsed_in_handover: bool,
    /// The processes that have got the signal which is being forwarded.
    pub(super) forwarded_to: Vec<Pid>,
    /// The new generation that must get HUP at the handover.
    pub(super) owed_hang_up: Option<Pid>,
    /// Whether the process of the pid file is being signaled.
    pub(super) naming: bool,
    /// Whether an attempt to signal it has failed since the last session was delivered.
    pub(super) naming_failed: bool,
    /// Whether a refresh has failed or was answered too late since the source last answered in time.
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

/// A generation of the command. The fields are independent of each other.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct ModelProcess {
    pub(super) pid: Pid,
    pub(super) child: ModelChild,
    pub(super) left: Left,
    pub(super) stop_pending: bool,
    pub(super) check_pending: bool,
    /// When the stop signal was sent.
    pub(super) stopped_at: Option<Duration>,
    pub(super) ended_at: Option<Duration>,
    /// When SIGKILL was sent for the first time.
    pub(super) killed_at: Option<Duration>,
    /// Whether the stop signal was sent to the members of the family outside the command's group.
    pub(super) strays_signaled: bool,
    pub(super) started_at: Option<Duration>,
    /// Whether it has shown that it is ready.
    pub(super) is_ready: bool,
    /// Whether HUP was not forwarded, because the generation was not ready.
    pub(super) is_owed_hang_up: bool,
    /// The expiry of the session with which it was started.
    pub(super) given: Option<Deadline>,
}

impl ModelProcess {
    pub(super) fn none(pid: Pid) -> Self {
        Self {
            pid,
            child: ModelChild::None,
            left: Left::NONE,
            stop_pending: false,
            check_pending: false,
            stopped_at: None,
            ended_at: None,
            killed_at: None,
            strays_signaled: false,
            started_at: None,
            is_ready: false,
            is_owed_hang_up: false,
            given: None,
        }
    }

    pub(super) fn is_born(&self) -> bool {
        match self.child {
            ModelChild::None | ModelChild::Starting => false,
            ModelChild::Alive | ModelChild::Zombie => true,
        }
    }

    /// Returns the steps of this process that do not answer an action.
    fn moves(&self, is_current: bool, policy: &Policy) -> Vec<Move> {
        let pid = self.pid;
        let mut moves = Vec::new();
        match self.child {
            ModelChild::None => {}
            ModelChild::Starting => {
                moves.extend([Move::Start, Move::FailStart(libc::EAGAIN), Move::FailStart(libc::ENOENT)]);
            }
            ModelChild::Alive => {
                moves.extend([Move::Exit(pid, Left::NONE), Move::Exit(pid, Left::BOTH), Move::Pause(pid)]);
                if is_current {
                    moves.extend([Move::Die(pid, refresh_signal()), Move::AnnounceEnd]);
                }
                if !self.is_ready && matches!(policy.ready, Some(ReadySign::Notification | ReadySign::Newline(_))) {
                    moves.extend([Move::Ready(pid), Move::CloseReady(pid)]);
                }
            }
            ModelChild::Zombie => {
                moves.extend(self.left.in_group.then_some(Move::GroupEnds(pid)));
                moves.extend(self.left.stray.then_some(Move::StrayEnds(pid)));
            }
        }
        moves
    }
}

impl Model {
    pub(super) fn new(policy: Policy, group: ProcessGroup, me: Pid) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * LIFETIME };
        let facts = ProcessFacts { me, group, leads_session: false };
        Self {
            machine: Machine::new(policy, facts, Some(&validity(now)), now, Dice::Loaded(0)),
            now,
            processes: CHILDREN.map(ModelProcess::none),
            current: CHILDREN[0],
            call: false,
            publish_pending: false,
            started_before: false,
            stopped_before: false,
            ended_by_itself: false,
            terminated: false,
            session_unused: false,
            hooked: None,
            failed_at: None,
            lapsed_in_handover: false,
            forwarded_to: Vec::new(),
            owed_hang_up: None,
            naming: false,
            naming_failed: false,
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

    /// Returns a model in which the second session is fetched as long as possible before it takes effect.
    pub(super) fn early(policy: Policy) -> Self {
        let model = Self::new(policy, ProcessGroup::Own, ME);
        let Machine { facts, .. } = model.machine;
        let dice = Dice::Loaded(u64::MAX);
        Self { machine: Machine::new(policy, facts, Some(&validity(model.now)), model.now, dice), ..model }
    }

    /// Returns the model of a run without a command.
    pub(super) fn keeper() -> Self {
        let policy = Policy::usual(OnExpiry::None, DeliveryTime::Live);
        let model = Self::new(policy, ProcessGroup::Shared, ME);
        let Machine { facts, .. } = model.machine;
        let machine = Machine::keeper(policy, facts, Some(&validity(model.now)), model.now, Dice::Loaded(0));
        Self { machine, ..model }
    }

    /// Returns all possible next steps.
    pub(super) fn moves(&self) -> Vec<Move> {
        if self.over.is_some() {
            return Vec::new();
        }
        // The driver handles the answers to its actions first.
        if let Some(process) = self.processes.iter().find(|process| process.check_pending) {
            return vec![Move::Look(process.pid)];
        }
        if let Some(process) = self.processes.iter().find(|process| process.stop_pending) {
            let pid = process.pid;
            return vec![Move::StopSent(pid), Move::Exit(pid, Left::NONE), Move::Exit(pid, Left::BOTH)];
        }
        let of_processes = self.processes.iter();
        let of_processes =
            of_processes.flat_map(|process| process.moves(process.pid == self.current, &self.machine.policy));
        let mut moves: Vec<_> = of_processes.collect();
        if self.machine.policy.starts_first() {
            moves.push(Move::StrayReady);
        }
        if self.publish_pending {
            moves.extend([Move::Publish, Move::FailPublish]);
        }
        if self.naming {
            moves.extend([true, false].map(Move::AnswerNaming));
        }
        if self.call {
            moves.extend([Move::Grant, Move::Repeat, Move::Refuse]);
        }
        let user = Sender::Process { pid: 7, group: Some(7) };
        let child = Sender::Process { pid: self.current, group: None };
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
        let living = model.living();
        let input = model.apply(step);
        let woken = matches!(input, Input::Wake);
        for action in model.machine.handle(input, model.now) {
            model.perform(&action);
        }
        model.check_forwarding(step, &living);
        model.check(woken, before);
        model
    }

    /// Performs a step in the model, and returns the input that it causes.
    pub(super) fn apply(&mut self, step: Move) -> Input {
        let problem = Problem::new(Reason::Denied, "no");
        match step {
            Move::Start => {
                (self.started_before, self.stopped_before) = (true, false);
                let now = self.now.boot;
                let process = self.starting();
                (process.child, process.started_at) = (ModelChild::Alive, Some(now));
                Input::Command(CommandInput::Started(Ok(process.pid)))
            }
            Move::FailStart(errno) => {
                let process = self.starting();
                *process = ModelProcess::none(process.pid);
                Input::Command(CommandInput::Started(Err(Fault { errno, text: String::new() })))
            }
            Move::StopSent(pid) => {
                let now = self.now.boot;
                let process = self.process(pid);
                (process.stop_pending, process.stopped_at) = (false, Some(now));
                self.stopped_before = true;
                Input::Command(CommandInput::StopSent(pid))
            }
            Move::Exit(pid, left) => self.end(pid, End::Exited(0), left),
            Move::Die(pid, signal) => self.end(pid, End::Killed(signal), Left::NONE),
            Move::Look(pid) => {
                let process = self.process(pid);
                process.check_pending = false;
                let member = |lives: bool| lives.then(|| Member { pid: 300, name: String::new() });
                let Left { in_group, stray } = process.left;
                let remaining = Remaining { in_group: member(in_group), stray: member(stray) };
                Input::Command(CommandInput::Remaining(pid, remaining))
            }
            Move::GroupEnds(pid) => {
                self.process(pid).left.in_group = false;
                Input::Command(CommandInput::OrphanReaped)
            }
            Move::StrayEnds(pid) => {
                self.process(pid).left.stray = false;
                Input::Command(CommandInput::OrphanReaped)
            }
            Move::Pause(pid) => Input::Command(CommandInput::Changed(pid, ChildChange::Paused(Signal::TTIN))),
            Move::Ready(pid) => {
                self.process(pid).is_ready = true;
                Input::Command(CommandInput::Ready(pid))
            }
            Move::StrayReady => Input::Command(CommandInput::Ready(ME)),
            Move::CloseReady(pid) => Input::Command(CommandInput::ReadyClosed(pid, 5)),
            Move::Receive(arrival) => self.receive(arrival),
            Move::AnnounceEnd => {
                self.end_announced = true;
                Input::Command(CommandInput::EndAnnounced)
            }
            Move::Grant => {
                (self.call, self.newest) = (false, Term::of(&validity(self.now), self.now).expiry());
                self.failing &= self.expiry.passed(self.now);
                Input::Session(FIRST, SessionInput::Assumed(Ok(validity(self.now))))
            }
            Move::Repeat => {
                self.call = false;
                self.failing = self.expiry.passed(self.now);
                Input::Session(FIRST, SessionInput::Unchanged)
            }
            Move::Refuse => {
                self.call = false;
                self.failing = true;
                Input::Session(FIRST, SessionInput::Assumed(Err(problem)))
            }
            Move::Publish => {
                self.publish_pending = false;
                self.session_unused = true;
                self.failed_at = None;
                self.failing = false;
                self.expiry = self.newest;
                Input::Session(FIRST, SessionInput::Published(Ok(())))
            }
            Move::FailPublish => {
                self.publish_pending = false;
                self.failing = true;
                Input::Session(FIRST, SessionInput::Published(Err(problem)))
            }
            Move::AnswerNaming(sent) => self.answer_naming(if sent { Ok(self.current) } else { Err(problem) }),
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

    fn answer_naming(&mut self, result: Result<Pid, Problem>) -> Input {
        (self.naming, self.naming_failed) = (false, result.is_err());
        Input::NamedSignaled(result)
    }

    fn receive(&mut self, arrival: Arrival) -> Input {
        let sender = Sender::Process { pid: self.current, group: None };
        let is_born = self.processes.iter().any(|process| process.pid == self.current && process.is_born());
        // While no child runs the command, the sender cannot be the command.
        self.terminated |= arrival.signal == Signal::TERM && (arrival.sender != sender || !is_born);
        Input::Command(CommandInput::Signal(arrival))
    }

    pub(super) fn end(&mut self, pid: Pid, end: End, left: Left) -> Input {
        let (now, is_current) = (self.now.boot, pid == self.current);
        let process = self.process(pid);
        // If a stop is pending after a handover, this is the previous generation, which was not stopped yet.
        let was_in_use = is_current || process.stop_pending && process.is_ready;
        let by_itself = process.stopped_at.is_none() && was_in_use;
        (process.child, process.left, process.stop_pending, process.ended_at) =
            (ModelChild::Zombie, left, false, Some(now));
        self.ended_by_itself |= by_itself;
        Input::Command(CommandInput::Changed(pid, ChildChange::Ended(end)))
    }

    pub(super) fn process(&mut self, pid: Pid) -> &mut ModelProcess {
        let process = self.processes.iter_mut().find(|process| process.pid == pid);
        process.unwrap_or_else(|| panic!("no process {pid}"))
    }

    fn starting(&mut self) -> &mut ModelProcess {
        let process = self.processes.iter_mut().find(|process| process.child == ModelChild::Starting);
        process.unwrap_or_else(|| panic!("no process is starting"))
    }

    /// Returns the processes that run the command or have left others behind.
    pub(super) fn living(&self) -> Vec<Pid> {
        self.processes.iter().filter(|process| process.is_born()).map(|process| process.pid).collect()
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }
}

pub(super) fn validity(now: Now) -> Validity {
    Validity { expiration: now.wall + LIFETIME, left: LIFETIME, lifetime: LIFETIME, skew_secs: 0 }
}
