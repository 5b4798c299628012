//! Every history of a bounded length, played against a toy world that knows what must never happen.
//!
//! The world keeps account of a child, an STS call and two clocks, offers whatever could happen next, and checks
//! each action when it is asked for. Worlds that different histories make alike are played on once.

use super::words::LINGER_LIMIT;
use super::*;
use crate::supervise::happening::Problem;
use crate::supervise::policy::{OnRefreshFailure, Reach};
use crate::supervise::process::{Arrival, End, Group, Member, Remaining, Sender, Target};
use crate::supervise::relay::SessionRole;
use crate::supervise::schedule::CLOSEST;
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::time::SystemTime;

/// How many things happen in one history, the answers to what the machine asks included.
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
    /// Forked, and not the command yet.
    Unborn,
    Alive,
    Zombie,
}

/// Who lives on when the command has ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Left {
    in_group: bool,
    stray: bool,
}

impl Left {
    const NOBODY: Self = Self { in_group: false, stray: false };
    const BOTH: Self = Self { in_group: true, stray: true };
}

/// Something that could happen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Move {
    Start,
    FailStart(i32),
    /// The child had not ended, and was sent the stop signal.
    StopSent,
    Exit(Left),
    /// The answer to a look.
    Look,
    /// Those of the group who were left have ended.
    GroupEnds,
    /// The others have.
    StrayEnds,
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
    left: Left,
    call: bool,
    stop_asked: bool,
    look_asked: bool,
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
    ended_at: Option<Duration>,
    /// When SIGKILL was sent first.
    killed_at: Option<Duration>,
    /// The family outside the group was sent the stop signal.
    strays_asked: bool,
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
    fn new(policy: Policy, group: Group, me: Pid) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * LIFETIME };
        let facts = Facts { me, group, session: SessionRole::Member };
        Self {
            machine: Machine::new(policy, facts, &validity(now), now, Dice::Loaded(0)),
            now,
            child: Child::None,
            left: Left::NOBODY,
            call: false,
            stop_asked: false,
            look_asked: false,
            publish_asked: false,
            started_before: false,
            ended_by_itself: false,
            terminated: false,
            session_unused: false,
            stopped_at: None,
            ended_at: None,
            killed_at: None,
            strays_asked: false,
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
        if self.look_asked {
            return vec![Move::Look];
        }
        let ends = [Move::Exit(Left::NOBODY), Move::Exit(Left::BOTH)];
        if self.stop_asked {
            return [vec![Move::StopSent], ends.to_vec()].concat();
        }
        let mut moves = Vec::new();
        match self.child {
            Child::None => {}
            Child::Unborn => {
                moves.extend([Move::Start, Move::FailStart(libc::EAGAIN), Move::FailStart(libc::ENOENT)]);
            }
            Child::Alive => {
                moves.extend(ends);
                moves.push(Move::Die(refresh_signal()));
            }
            Child::Zombie => {
                moves.extend(self.left.in_group.then_some(Move::GroupEnds));
                moves.extend(self.left.stray.then_some(Move::StrayEnds));
            }
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
                self.child = Child::Alive;
                self.started_before = true;
                (self.stopped_at, self.ended_at, self.killed_at, self.strays_asked) = (None, None, None, false);
                Event::Command(CommandEvent::Started(CHILD))
            }
            Move::FailStart(errno) => {
                self.child = Child::None;
                Event::Command(CommandEvent::NotStarted(Fault { errno, text: String::new() }))
            }
            Move::StopSent => {
                self.stop_asked = false;
                self.stopped_at = Some(self.now.boot);
                Event::Command(CommandEvent::StopSent)
            }
            Move::Exit(left) => self.end(End::Exited(0), left),
            Move::Die(signal) => self.end(End::Killed(signal), Left::NOBODY),
            Move::Look => {
                self.look_asked = false;
                let member = |lives: bool| lives.then(|| Member { pid: 300, name: String::new() });
                let Left { in_group, stray } = self.left;
                let remaining = Remaining { in_group: member(in_group), stray: member(stray) };
                Event::Command(CommandEvent::Remaining(remaining))
            }
            Move::GroupEnds => {
                self.left.in_group = false;
                Event::Command(CommandEvent::OrphanReaped)
            }
            Move::StrayEnds => {
                self.left.stray = false;
                Event::Command(CommandEvent::OrphanReaped)
            }
            Move::Pause => Event::Command(CommandEvent::Paused(Signal::TTIN)),
            Move::Receive(arrival) => {
                let from_child = arrival.sender == Sender::Process { pid: CHILD, group: None };
                // Without a child nobody can tell that the sender was one.
                self.terminated |= arrival.signal == Signal::TERM && (!from_child || !self.is_born());
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

    fn end(&mut self, end: End, left: Left) -> Event {
        self.child = Child::Zombie;
        self.left = left;
        self.stop_asked = false;
        self.ended_at = Some(self.now.boot);
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
            Action::Spawn => {
                self.claim(self.child == Child::None, "one child");
                self.claim(!self.terminated, "no spawn after a terminate");
                self.claim(!self.ended_by_itself, "no spawn after the command's own end");
                self.claim(!self.started_before || self.stopped_at.is_some(), "a restart follows a stop");
                self.child = Child::Unborn;
            }
            Action::Abort => {
                self.claim(self.child == Child::Unborn, "a child that is the command is not aborted");
                self.child = Child::None;
            }
            Action::Stop(_) => {
                self.claim(self.child == Child::Alive, "no stop without a child");
                self.claim(self.stopped_at.is_none() && !self.stop_asked, "a child is asked to stop once");
                self.claim(self.session_unused || self.failing, "the new session comes first, then the stop");
                self.session_unused = false;
                self.stop_asked = true;
            }
            Action::Look => {
                self.claim(self.child == Child::Zombie, "the family is looked at when its leader has ended");
                self.look_asked = true;
            }
            Action::Signal(target, signal) => self.receive_signal(target, signal),
            Action::Sweep => {
                self.claim(self.child == Child::Zombie, "a group is swept while its leader is not reaped");
                self.claim(self.machine.facts.group == Group::Own, "only a group of its own is swept");
                self.claim(self.is_waited_for(), "only what was stopped is swept");
            }
            Action::Reap => {
                self.claim(self.child == Child::Zombie, "a child is reaped once, when it has ended");
                let unkillable = self.killed_at.is_some_and(|at| self.now.boot >= at + LINGER_LIMIT);
                let gone = self.left == Left::NOBODY || unkillable;
                self.claim(gone || !self.is_waited_for(), "a stop lasts until all have ended who can be ended");
                self.child = Child::None;
                self.left = Left::NOBODY;
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
                let asked = self.call || self.publish_asked || self.look_asked || self.stop_asked;
                self.claim(!asked, "no exit with a question open");
                self.claim(end != Final::Lapsed || self.failing, "the end for want of a session follows a failure");
                self.over = Some(end);
            }
        }
    }

    fn receive_signal(&mut self, target: Target, signal: Signal) {
        self.claim(self.is_born(), "no signal without a child, or after it was reaped");
        self.claim(target != Target::Group || self.machine.facts.group == Group::Own, "no signal to a shared group");
        if signal == stop_signal() {
            let leftover = target == Target::Strays && self.child == Child::Zombie && !self.left.in_group;
            self.claim(leftover, "the family outside the group is asked when the group has ended");
            self.claim(!self.strays_asked, "it is asked once");
            self.strays_asked = true;
        }
        if signal == refresh_signal() {
            let notice = self.machine.policy.reach == Reach::AtStart;
            self.claim(self.session_unused || notice, "the refresh signal follows the published session");
            self.claim(target == Target::Process, "the refresh signal goes to the command alone");
            self.session_unused = false;
        }
        if signal == Signal::KILL {
            let since = self.stopped_at.or(self.ended_at);
            let patient = since.is_some_and(|at| self.now.boot >= at + STOP_TIMEOUT);
            self.claim(patient && self.is_waited_for(), "no SIGKILL before the stop timeout");
            let again = self.killed_at.is_some_and(|at| self.now.boot >= at + LINGER_LIMIT);
            self.claim(target == Target::Family || again, "the command alone is killed when that did not help");
            self.killed_at = self.killed_at.or(Some(self.now.boot));
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
        let answer = self.call || self.publish_asked || self.stop_asked || self.look_asked;
        self.claim(self.child == Child::Alive || answer || deadline.is_some(), "no state waits for nothing");
        self.claim(command != "Stopping" || deadline.is_some(), "a stop has its timeout");
        self.claim(session != "Waiting" || deadline.is_some(), "a refresh that is waited for comes");
        self.claim((session == "Assuming") == self.call, "the machine knows of its call");
        self.claim((session == "Publishing") == self.publish_asked, "the machine knows of its delivery");
        self.claim((command == "Starting") != self.is_born(), "the machine knows of its child");
        let spins =
            woken && !self.look_asked && before == (command, session) && deadline.is_some_and(|at| at.passed(self.now));
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

    fn is_born(&self) -> bool {
        match self.child {
            Child::None | Child::Unborn => false,
            Child::Alive | Child::Zombie => true,
        }
    }

    /// Whether those whom the ended child left behind are waited for: it was stopped, or it was that of a container's
    /// first process, which got TERM.
    fn is_waited_for(&self) -> bool {
        self.stopped_at.is_some() || self.machine.facts.me == 1 && self.terminated
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

/// Plays on from this world, and adds the arrows of each machine that it sees.
fn play(begin: World, length: usize, seen: &mut BTreeSet<(String, String)>) {
    let mut worlds = HashSet::from([begin]);
    for _ in 0..length {
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

#[test]
fn every_history_keeps_the_promises_and_the_picture_shows_them_all() {
    let mut seen = BTreeSet::new();
    for policy in policies() {
        let first_process = (policy.on_expiry == OnExpiry::Restart).then_some((Group::Own, 1));
        for (group, me) in [(Group::Own, ME), (Group::Shared, ME)].into_iter().chain(first_process) {
            let begin = World::new(policy, group, me);
            // Once more from where a stop begins: what is left of a command may take long to end.
            if policy.on_expiry == OnExpiry::Restart {
                let to_a_stop = [Move::Wait, Move::Start, Move::Wait, Move::Obtain, Move::Publish];
                let begin = to_a_stop.into_iter().fold(begin.clone(), |world, step| world.after(step));
                play(begin, LENGTH - 2, &mut seen);
            }
            play(begin, LENGTH, &mut seen);
        }
    }
    assert_eq!(seen, picture());
}
