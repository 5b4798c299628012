//! Every history of a bounded length, played against a toy world that knows what must never happen.
//!
//! The world keeps account of a child, an STS call and two clocks, offers whatever could happen next, and checks
//! each action when it is asked for. Worlds that different histories make alike are played on once.

use super::*;
use crate::supervise::happening::Problem;
use crate::supervise::policy::{OnRefreshFailure, Reach};
use crate::supervise::process::{Arrival, Group, Sender, Target};
use crate::supervise::relay::SessionRole;
use crate::supervise::schedule::CLOSEST;
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::SystemTime;

/// How many things happen in one history, the answers to spawn and publish included.
const LENGTH: usize = 10;

const ME: Pid = 100;
const CHILD: Pid = 200;
const LIFETIME: Duration = Duration::from_hours(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Signals that only the machine itself sends, so that a forward is not taken for one of them.
fn stop_signal() -> Signal {
    "USR2".parse().unwrap()
}
fn refresh_signal() -> Signal {
    "USR1".parse().unwrap()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Child {
    None,
    Alive,
    Zombie,
}

/// Something that could happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Move {
    Start,
    LingerStart,
    FailStart(i32),
    Exit,
    Die(Signal),
    Pause,
    Receive(Arrival),
    Obtain,
    Refuse,
    Publish,
    FailPublish,
    /// The deadline comes.
    Wait,
    /// A timer fires too early.
    WakeEarly,
    /// The machine sleeps for eight hours.
    Suspend,
    /// The wall clock is set, by this many hours.
    SetClock(i64),
}

/// The moves that led here, for the message of a failed check; no part of what makes two worlds alike.
#[derive(Clone, Default)]
struct Trail(Option<Rc<(Move, Trail)>>);

impl PartialEq for Trail {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Trail {}
impl Hash for Trail {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
impl Trail {
    fn moves(&self) -> Vec<Move> {
        let mut moves: Vec<_> =
            std::iter::successors(self.0.as_deref(), |step| step.1.0.as_deref()).map(|step| step.0).collect();
        moves.reverse();
        moves
    }
}

/// The account that is kept; its facts are independent of one another.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    machine: Machine,
    now: Now,
    child: Child,
    call: bool,
    spawn_asked: Option<Remains>,
    publish_asked: bool,
    started_before: bool,
    /// The command ended without having been told to.
    ended_by_itself: bool,
    /// TERM came from outside.
    terminated: bool,
    /// A session was published and the command neither restarted nor signalled for it yet.
    session_unused: bool,
    /// When the child was sent the stop signal.
    stopped_at: Option<Duration>,
    /// A refresh failed, or its answer was not waited for, since a session was published.
    failing: bool,
    /// When the session in effect expires.
    expiry: Deadline,
    /// When the one expires that was obtained last.
    obtained: Deadline,
    /// The call in flight began when that had passed.
    late: bool,
    /// How often a clock may still jump.
    steps_left: u8,
    over: Option<Final>,
    trail: Trail,
}

impl World {
    fn new(policy: Policy, group: Group) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * LIFETIME };
        let facts = Facts { me: ME, group, session: SessionRole::Member };
        Self {
            machine: Machine::new(policy, facts, &validity(now), now, Dice::Loaded(0)),
            now,
            child: Child::None,
            call: false,
            spawn_asked: None,
            publish_asked: false,
            started_before: false,
            ended_by_itself: false,
            terminated: false,
            session_unused: false,
            stopped_at: None,
            failing: false,
            expiry: Term::of(&validity(now), now).expiry(),
            obtained: Term::of(&validity(now), now).expiry(),
            late: false,
            steps_left: 1,
            over: None,
            trail: Trail::default(),
        }
    }

    /// All that could happen next.
    fn moves(&self) -> Vec<Move> {
        if self.over.is_some() {
            return Vec::new();
        }
        if let Some(remains) = self.spawn_asked {
            let mut answers = vec![Move::Start, Move::FailStart(libc::EAGAIN), Move::FailStart(libc::ENOENT)];
            if remains == Remains::Await {
                answers.push(Move::LingerStart);
            }
            return answers;
        }
        let mut moves = Vec::new();
        if self.child == Child::Alive {
            moves.extend([Move::Exit, Move::Die(refresh_signal())]);
        }
        if self.publish_asked {
            moves.extend([Move::Publish, Move::FailPublish]);
        }
        if self.child == Child::Alive {
            moves.push(Move::Pause);
        }
        if self.call {
            moves.extend([Move::Obtain, Move::Refuse]);
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

    /// The world after this move.
    fn after(&self, step: Move) -> Self {
        let mut world = self.clone();
        world.trail = Trail(Some(Rc::new((step, self.trail.clone()))));
        let before = world.machine.state_names();
        let event = world.happen(step);
        let woken = matches!(event, Event::Wake);
        for action in world.machine.handle(event, world.now) {
            world.perform(action);
        }
        world.check(woken, before);
        world
    }

    fn happen(&mut self, step: Move) -> Event {
        let problem = Problem { text: "no".into(), hint: None };
        match step {
            Move::Start => {
                self.spawn_asked = None;
                self.child = Child::Alive;
                self.started_before = true;
                self.stopped_at = None;
                Event::Command(CommandEvent::Started(CHILD))
            }
            Move::LingerStart => {
                self.spawn_asked = None;
                Event::Command(CommandEvent::NotStarted(Fault::Lingering))
            }
            Move::FailStart(errno) => {
                self.spawn_asked = None;
                Event::Command(CommandEvent::NotStarted(Fault::Failed { errno, text: String::new() }))
            }
            Move::Exit => self.end(End::Exited(0)),
            Move::Die(signal) => self.end(End::Killed(signal)),
            Move::Pause => Event::Command(CommandEvent::Paused(Signal::TTIN)),
            Move::Receive(arrival) => {
                let from_child = arrival.sender == Sender::Process { pid: CHILD, group: None };
                // Without a child nobody can tell that the sender was one.
                self.terminated |= arrival.signal == Signal::TERM && (!from_child || self.child == Child::None);
                Event::Command(CommandEvent::Signal(arrival))
            }
            Move::Obtain => {
                self.call = false;
                self.obtained = Term::of(&validity(self.now), self.now).expiry();
                Event::Session(SessionEvent::Obtained(validity(self.now)))
            }
            Move::Refuse => {
                self.call = false;
                self.failing = true;
                Event::Session(SessionEvent::Refused(problem))
            }
            Move::Publish => {
                self.publish_asked = false;
                self.session_unused = true;
                self.failing = false;
                self.expiry = self.obtained;
                Event::Session(SessionEvent::Published)
            }
            Move::FailPublish => {
                self.publish_asked = false;
                self.failing = true;
                Event::Session(SessionEvent::Unpublished(problem))
            }
            Move::Wait => {
                let deadline = self.machine.deadline().unwrap();
                let by_wall = deadline.wall.map(|wall| wall.duration_since(self.now.wall).unwrap_or_default());
                let by_boot = deadline.boot.saturating_sub(self.now.boot);
                self.pass(by_wall.map_or(by_boot, |by_wall| by_wall.min(by_boot)));
                Event::Wake
            }
            Move::WakeEarly => Event::Wake,
            Move::Suspend => {
                self.steps_left -= 1;
                self.pass(8 * LIFETIME);
                Event::Wake
            }
            Move::SetClock(hours) => {
                self.steps_left -= 1;
                let step = Duration::from_hours(hours.unsigned_abs());
                self.now.wall = if hours > 0 { self.now.wall + step } else { self.now.wall - step };
                Event::Wake
            }
        }
    }

    fn end(&mut self, end: End) -> Event {
        self.child = Child::Zombie;
        self.ended_by_itself = self.stopped_at.is_none();
        Event::Command(CommandEvent::Ended(end))
    }

    fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }

    fn perform(&mut self, action: Action) {
        self.claim(self.over.is_none(), "nothing follows the exit");
        match action {
            Action::Assume => {
                self.claim(!self.call && !self.publish_asked, "one STS call in flight");
                self.call = true;
                self.late = self.expiry.passed(self.now);
            }
            Action::Abandon => {
                self.claim(self.call || self.publish_asked, "only a call or a delivery in flight can be dropped");
                self.failing |= self.call && !self.late;
                (self.call, self.publish_asked) = (false, false);
            }
            Action::Publish => {
                self.claim(!self.publish_asked, "a session is published once");
                self.publish_asked = true;
            }
            Action::Spawn(remains) => {
                self.claim(self.child == Child::None && self.spawn_asked.is_none(), "one child");
                self.claim(!self.terminated, "no spawn after a terminate");
                self.claim(!self.ended_by_itself, "no spawn after the command's own end");
                self.claim(!self.started_before || self.stopped_at.is_some(), "a restart follows a stop");
                self.spawn_asked = Some(remains);
            }
            Action::Signal(target, signal) => self.receive_signal(target, signal),
            Action::Sweep => {
                self.claim(self.child == Child::Zombie, "a group is swept while its leader is not reaped");
                self.claim(self.machine.facts.group == Group::Own, "only a group of its own is swept");
                self.claim(self.stopped_at.is_some(), "only what was stopped is swept");
            }
            Action::Reap => {
                self.claim(self.child == Child::Zombie, "a child is reaped once, when it has ended");
                self.child = Child::None;
            }
            Action::RestoreTerminal => {
                self.claim(self.machine.facts.group == Group::Shared, "the terminal is restored where it is shared");
                self.claim(self.child == Child::None, "the terminal is not taken from a child");
            }
            Action::Tell(Happening::Lapsed) => {
                self.claim(self.expiry.passed(self.now), "a session is not lost before its expiry");
                self.claim(self.failing, "a session is lost only when a refresh failed, or took too long");
            }
            Action::Pause(_) | Action::Tell(_) => {}
            Action::Exit(end) => {
                self.claim(self.child == Child::None, "no exit with a live child");
                let asked = self.call || self.publish_asked || self.spawn_asked.is_some();
                self.claim(!asked, "no exit with a question open");
                self.claim(end != Final::Lapsed || self.failing, "the end for want of a session follows a failure");
                self.over = Some(end);
            }
        }
    }

    fn receive_signal(&mut self, target: Target, signal: Signal) {
        self.claim(self.child == Child::Alive, "no signal without a child");
        self.claim(target == Target::Process || self.machine.facts.group == Group::Own, "no signal to a shared group");
        if signal == stop_signal() {
            self.claim(self.stopped_at.is_none(), "a child is told to stop once");
            self.claim(self.session_unused || self.failing, "the new session comes first, then the stop");
            self.stopped_at = Some(self.now.boot);
            self.session_unused = false;
        }
        if signal == refresh_signal() {
            let notice = self.machine.policy.reach == Reach::AtStart;
            self.claim(self.session_unused || notice, "the refresh signal follows the published session");
            self.claim(target == Target::Process, "the refresh signal goes to the command alone");
            self.session_unused = false;
        }
        if signal == Signal::KILL {
            let patient = self.stopped_at.is_some_and(|at| self.now.boot >= at + STOP_TIMEOUT);
            self.claim(patient, "no SIGKILL before the stop timeout");
        }
    }

    /// What holds between any two events.
    fn check(&self, woken: bool, before: (&str, &str)) {
        let (command, session) = self.machine.state_names();
        self.claim(self.over.is_some() == (command == "Ended"), "the end is told exactly when it comes");
        if self.over.is_some() {
            self.claim(session == "Idle", "no session is wanted after the end");
            return;
        }
        let deadline = self.machine.deadline();
        let answer = self.call || self.publish_asked || self.spawn_asked.is_some();
        self.claim(self.child == Child::Alive || answer || deadline.is_some(), "no state waits for nothing");
        self.claim(command != "Stopping" || deadline.is_some(), "a stop has its timeout");
        self.claim(session != "Waiting" || deadline.is_some(), "a refresh that is waited for comes");
        self.claim((session == "Assuming") == self.call, "the machine knows of its call");
        self.claim((session == "Publishing") == self.publish_asked, "the machine knows of its delivery");
        self.claim((command == "Starting") == (self.child == Child::None), "the machine knows of its child");
        let spins = woken && before == (command, session) && deadline.is_some_and(|at| at.passed(self.now));
        self.claim(!spins, "a wake-up moves its deadline");
        if woken && self.machine.policy.on_refresh_failure == OnRefreshFailure::Stop && self.expiry.passed(self.now) {
            let refresh = match session {
                // No two begin within a second.
                "Waiting" => !self.failing && deadline.is_some_and(|at| at.boot <= self.now.boot + CLOSEST),
                "Assuming" => !self.failing && self.late,
                _ => true,
            };
            self.claim(refresh, "at the wake-up after the expiry the command stops, or the first refresh is asked for");
        }
    }

    fn claim(&self, holds: bool, claim: &str) {
        assert!(holds, "{claim}\n  after {:?}\n  in {:?}", self.trail.moves(), self.machine);
    }
}

fn validity(now: Now) -> Validity {
    Validity { expiration: now.wall + LIFETIME, left: LIFETIME, lifetime: LIFETIME, skew_secs: 0 }
}

fn policies() -> Vec<Policy> {
    let signal = OnExpiry::Signal(refresh_signal());
    let ways = [
        (OnExpiry::None, Reach::Live),
        (OnExpiry::Restart, Reach::AtStart),
        (OnExpiry::Restart, Reach::Live),
        (signal, Reach::Live),
        (signal, Reach::AtStart),
    ];
    let mut policies = Vec::new();
    for (on_expiry, reach) in ways {
        for on_refresh_failure in [OnRefreshFailure::Keep, OnRefreshFailure::Stop] {
            let (stop_signal, stop_timeout) = (stop_signal(), STOP_TIMEOUT);
            let usual = Policy::usual(on_expiry, reach);
            policies.push(Policy { stop_signal, stop_timeout, on_refresh_failure, ..usual });
        }
    }
    policies
}

/// The arrows of the picture in `supervise`'s head.
fn picture() -> BTreeSet<(String, String)> {
    include_str!("../mod.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("//!")?.split_once(" --> "))
        .filter(|(from, _)| !from.contains("[*]"))
        .map(|(from, rest)| (from.trim().into(), rest.split(':').next().unwrap_or(rest).trim().into()))
        .collect()
}

#[test]
fn every_history_keeps_the_promises_and_the_picture_shows_them_all() {
    let mut seen = BTreeSet::new();
    for policy in policies() {
        for group in [Group::Own, Group::Shared] {
            let mut worlds = HashSet::from([World::new(policy, group)]);
            for _ in 0..LENGTH {
                let mut later = HashSet::new();
                for world in &worlds {
                    let before = world.machine.state_names();
                    for step in world.moves() {
                        let next = world.after(step);
                        let after = next.machine.state_names();
                        for (from, to) in [(before.0, after.0), (before.1, after.1)] {
                            if from != to {
                                seen.insert((from.to_owned(), to.to_owned()));
                            }
                        }
                        later.insert(next);
                    }
                }
                worlds = later;
            }
        }
    }
    assert_eq!(seen, picture());
}
