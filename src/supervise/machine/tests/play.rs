//! A machine and its clock. Tests pass one input after the other to the machine.

use super::super::*;
use crate::error::Reason;
use crate::event::{Event, Problem};
use crate::process::signal::Signal;
use crate::process::{Arrival, End, Member, Pid, ProcessGroup, Remaining, Sender, Target};
use crate::supervise::policy::DeliveryTime;
use crate::supervise::ports::SessionId;
use std::time::{Duration, SystemTime};

pub(super) const FIRST: SessionId = SessionId::DEFAULT;
pub(super) const CHILD: Pid = 200;
pub(super) const OTHER: Pid = 201;
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const USER: Sender = Sender::Process { pid: 7, group: Some(7) };
pub(super) const RESTART: OnExpiry = OnExpiry::Restart;
pub(super) const HUP: OnExpiry = OnExpiry::Signal(Signal::HUP);
pub(super) const TERMED: Action = Action::Signal(CHILD, Target::Group, Signal::TERM);
pub(super) const STOP: Action = Action::Stop(CHILD, Signal::TERM);
pub(super) const KILLED: Action = Action::Signal(CHILD, Target::Family, Signal::KILL);

/// A machine, its clock, and the actions that followed the last input. Emitted events are stored separately.
pub(super) struct Play {
    pub(super) machine: Machine,
    pub(super) now: Now,
    pub(super) asked: Vec<Action>,
    /// The names of the emitted events, and the events.
    pub(super) emitted: Vec<&'static str>,
    pub(super) events: Vec<Event>,
}

impl Play {
    pub(super) fn of(policy: Policy, group: ProcessGroup) -> Self {
        Self::as_process(100, policy, group)
    }

    pub(super) fn as_process(me: Pid, policy: Policy, group: ProcessGroup) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * HOUR };
        let facts = ProcessFacts { me, group, leads_session: false };
        let machine = Machine::new(policy, facts, Some(&validity(now)), now, Dice::Loaded(0));
        Self { machine, now, asked: Vec::new(), emitted: Vec::new(), events: Vec::new() }
    }

    /// Creates a play in which the command has its own group. With `--on-expiry restart`, sessions are delivered
    /// through the environment, and otherwise through a file.
    pub(super) fn new(on_expiry: OnExpiry) -> Self {
        let delivery_time = if on_expiry == RESTART { DeliveryTime::AtStart } else { DeliveryTime::Live };
        Self::of(Policy::usual(on_expiry, delivery_time), ProcessGroup::Own)
    }

    pub(super) fn early(on_expiry: OnExpiry) -> Self {
        Self::early_of(Self::new(on_expiry).machine.policy)
    }

    /// Creates a play in which the second session is fetched as long as possible before it takes effect, and pauses are as
    /// long as possible.
    pub(super) fn early_of(policy: Policy) -> Self {
        let play = Self::of(policy, ProcessGroup::Own);
        let facts = play.machine.facts;
        let machine = Machine::new(policy, facts, Some(&validity(play.now)), play.now, Dice::Loaded(u64::MAX));
        Self { machine, ..play }.wake().started()
    }

    /// Creates a play without a command.
    pub(super) fn keeper() -> Self {
        Self::keeper_of(Policy::usual(OnExpiry::None, DeliveryTime::Live))
    }

    pub(super) fn keeper_of(policy: Policy) -> Self {
        let play = Self::of(policy, ProcessGroup::Shared);
        let machine = Machine::keeper(policy, play.machine.facts, Some(&validity(play.now)), play.now, Dice::Loaded(0));
        Self { machine, ..play }
    }

    pub(super) fn running(on_expiry: OnExpiry) -> Self {
        Self::new(on_expiry).wake().started()
    }

    pub(super) fn stopping() -> Self {
        Self::running(RESTART).refreshed().stop_sent()
    }

    pub(super) fn event(mut self, event: Input) -> Self {
        self.asked.clear();
        self.emitted.clear();
        self.events.clear();
        for action in self.machine.handle(event, self.now) {
            match action {
                Action::Emit(event) => {
                    self.emitted.push(event.record().name);
                    self.events.push(event);
                }
                other => self.asked.push(other),
            }
        }
        self
    }

    pub(super) fn wake(self) -> Self {
        self.event(Input::Wake)
    }
    pub(super) fn started(self) -> Self {
        self.event(Input::Command(CommandInput::Started(Ok(CHILD))))
    }
    pub(super) fn not_started(self, errno: i32) -> Self {
        self.event(Input::Command(CommandInput::Started(Err(Fault { errno, text: "no".into() }))))
    }
    pub(super) fn stop_sent(self) -> Self {
        self.event(Input::Command(CommandInput::StopSent(CHILD)))
    }
    pub(super) fn ended(self, end: End) -> Self {
        self.event(Input::Command(CommandInput::Changed(CHILD, ChildChange::Ended(end))))
    }
    pub(super) fn remaining(self, in_group: Option<Pid>, stray: Option<Pid>) -> Self {
        let member = |pid| Member { pid, name: "worker".into() };
        let remaining = Remaining { in_group: in_group.map(member), stray: stray.map(member) };
        self.event(Input::Command(CommandInput::Remaining(CHILD, remaining)))
    }
    /// The command exits, and no other process remains.
    pub(super) fn gone(self, end: End) -> Self {
        self.ended(end).asks(&[Action::CheckRemaining(CHILD)]).remaining(None, None)
    }
    /// An input about the new process of a handover.
    pub(super) fn of_other(self, input: CommandInput) -> Self {
        self.event(Input::Command(input))
    }

    pub(super) fn other_started(self) -> Self {
        self.of_other(CommandInput::Started(Ok(OTHER)))
    }

    pub(super) fn other_ended(self, end: End) -> Self {
        self.of_other(CommandInput::Changed(OTHER, ChildChange::Ended(end))).asks(&[Action::CheckRemaining(OTHER)])
    }

    /// The new process exits, and no other process remains.
    pub(super) fn other_gone(self, end: End) -> Self {
        self.other_ended(end).of_other(CommandInput::Remaining(OTHER, Remaining::default()))
    }

    /// Checks the state of the other generation.
    pub(super) fn beside(self, state: &str) -> Self {
        assert_eq!(self.machine.state_names()[1], state);
        self
    }

    pub(super) fn signal(self, signal: Signal, sender: Sender) -> Self {
        self.event(Input::Command(CommandInput::Signal(Arrival { signal, sender })))
    }
    pub(super) fn assumed(self) -> Self {
        let event = SessionInput::Assumed(Ok(validity(self.now)));
        self.event(Input::Session(FIRST, event))
    }
    pub(super) fn published(self) -> Self {
        self.event(Input::Session(FIRST, SessionInput::Published(Ok(()))))
    }
    pub(super) fn refused(self) -> Self {
        self.failed(Reason::Denied)
    }
    pub(super) fn failed(self, reason: Reason) -> Self {
        let problem = Problem::new(reason, "no");
        self.event(Input::Session(FIRST, SessionInput::Assumed(Err(problem))))
    }
    pub(super) fn unchanged(self) -> Self {
        self.event(Input::Session(FIRST, SessionInput::Unchanged))
    }
    pub(super) fn after(mut self, time: Duration) -> Self {
        self.now.boot += time;
        self.now.wall += time;
        self.wake()
    }
    /// Time passes until the deadline.
    pub(super) fn due(self) -> Self {
        let at = self.machine.deadline().unwrap().boot;
        let time = at.saturating_sub(self.now.boot);
        self.after(time)
    }
    /// A refresh succeeds, from its deadline to the publication of the new session.
    pub(super) fn refreshed(self) -> Self {
        self.due().assumed().published()
    }

    pub(super) fn is(self, command: &str, session: &str) -> Self {
        let [current, _, of_session] = self.machine.state_names();
        assert_eq!((current, of_session), (command, session));
        self
    }
    pub(super) fn asks(self, actions: &[Action]) -> Self {
        assert_eq!(self.asked, actions);
        self
    }
    pub(super) fn emits(self, names: &[&str]) -> Self {
        assert_eq!(self.emitted, names);
        self
    }
    pub(super) fn exits(self, end: End) {
        assert_eq!(self.asked.last(), Some(&Action::Exit(Final::Ended(end))));
    }
}

pub(super) fn validity(now: Now) -> Validity {
    Validity { expiration: now.wall + HOUR, left: HOUR, lifetime: HOUR, skew_secs: 0 }
}
