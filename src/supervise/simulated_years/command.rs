//! The simulated kernel: processes of the command, and signals.

use super::life::{Child, Last, REFRESH, State};
use super::world::{Fault as Failure, World};
use super::{ME, Xassume};
use crate::error::Reason;
use crate::event::{CommandEvent, Problem};
use crate::process::signal::Signal;
use crate::process::{ChildChange, End, Member, Pid, ProcessGroup, Remaining, Target};
use crate::supervise::driver::CommandHost;
use crate::supervise::forwarding::ProcessFacts;
use crate::supervise::machine::{CommandInput, Fault};
use crate::supervise::policy::{Duty, Policy, ReadySign};
use std::ffi::CString;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn fault(errno: i32) -> Fault {
    Fault { errno, text: format!("error {errno}") }
}

impl World {
    fn ready_time(&mut self, policy: &Policy) -> Option<Duration> {
        let late = self.fails(Failure::Unready, 20);
        let time = self.upto(if late { 3 * policy.ready_timeout } else { policy.ready_timeout / 2 });
        let is_shown = matches!(policy.ready, Some(ReadySign::Newline(_)));
        is_shown.then(|| self.now.boot + time)
    }

    /// Plans the end of a process that got a signal which asks it to exit.
    fn ask_to_exit(&mut self, at: usize, pid: Pid, signal: Signal) {
        let ignores = self.fails(Failure::IgnoredStops, 10);
        let end = if self.roll(2) == 0 { End::Exited(0) } else { End::Killed(signal) };
        let dies = self.now.boot + self.upto(3 * SECOND);
        let leaves = self.fails(Failure::Leftovers, 20);
        let leftovers_until = dies + self.upto(20 * SECOND);
        if let Some(child) = self.lives[at].child(pid) {
            if leaves {
                child.leftovers_until = leftovers_until;
            }
            if !ignores {
                child.dies(dies, end);
            }
        }
    }

    fn kill(&mut self, at: usize, (pid, target): (Pid, Target)) {
        let is_stuck = self.fails(Failure::StuckProcesses, 10);
        let delay = self.upto(2 * SECOND);
        let dies = self.now.boot + if is_stuck { delay } else { Duration::ZERO };
        if let Some(child) = self.lives[at].child(pid) {
            child.is_killed = true;
            child.dies(dies, End::Killed(Signal::KILL));
            if target != Target::Process && !is_stuck {
                child.leftovers_until = Duration::ZERO;
            }
        }
    }

    /// Returns the first exit that xassume does not know yet, of one child or of all.
    fn change(&mut self, at: usize, of: Option<Pid>) -> Option<(Pid, ChildChange)> {
        let boot = self.now.boot;
        let mut children = self.lives[at].children.iter_mut().filter(|child| of.is_none_or(|pid| child.pid == pid));
        let (pid, end) = children.find_map(|child| match (child.state, child.dies) {
            (State::Runs, Some((dies, end))) if dies <= boot => {
                child.state = State::Zombie(boot, end);
                Some((child.pid, end))
            }
            _ => None,
        })?;
        self.log(format_args!("xassume {at}: {pid} {end}"));
        Some((pid, ChildChange::Ended(end)))
    }

    fn outcome(&mut self, at: usize) -> Option<CommandInput> {
        let boot = self.now.boot;
        let life = &mut self.lives[at];
        let (place, pid, outcome) = life.children.iter().enumerate().find_map(|(place, child)| match child.state {
            State::Starting((known, outcome)) if known <= boot => Some((place, child.pid, outcome)),
            _ => None,
        })?;
        life.changed = boot;
        let input = match outcome {
            Ok(()) => {
                life.children[place].state = State::Runs;
                life.failed_start = None;
                CommandInput::Started(Ok(pid))
            }
            Err(errno) => {
                life.children.remove(place);
                life.failed_start = Some(errno);
                CommandInput::Started(Err(fault(errno)))
            }
        };
        self.log(format_args!("xassume {at}: started {pid}: {outcome:?}"));
        Some(input)
    }

    fn readiness(&mut self, at: usize) -> Option<CommandInput> {
        let boot = self.now.boot;
        let mut children = self.lives[at].children.iter_mut();
        let child =
            children.find(|child| child.state == State::Runs && child.ready.is_some_and(|ready| ready <= boot))?;
        child.ready = None;
        let pid = child.pid;
        Some(CommandInput::Ready(pid))
    }

    fn input(&mut self, at: usize) -> Option<CommandInput> {
        if let Some((pid, change)) = self.change(at, None) {
            return Some(CommandInput::Changed(pid, change));
        }
        if let Some(input) = self.outcome(at) {
            return Some(input);
        }
        if let Some(arrival) = self.lives[at].signals.pop_front() {
            self.lives[at].receive(arrival);
            return Some(CommandInput::Signal(arrival));
        }
        if let Some(input) = self.readiness(at) {
            return Some(input);
        }
        for place in 0..self.lives[at].children.len() {
            let child = self.lives[at].children[place];
            match child.state {
                State::Starting((known, _)) => self.wake_at(known),
                State::Runs => {
                    let dies = child.dies.map(|(dies, _)| dies);
                    dies.into_iter().chain(child.ready).for_each(|at| self.wake_at(at));
                }
                State::Zombie(..) => {}
            }
        }
        None
    }
}

impl super::life::Life {
    fn child(&mut self, pid: Pid) -> Option<&mut Child> {
        self.children.iter_mut().find(|child| child.pid == pid)
    }
}

impl CommandHost for Xassume {
    fn facts(&self) -> ProcessFacts {
        ProcessFacts { me: ME, group: ProcessGroup::Own, leads_session: false }
    }

    fn caveats(&self, _: &Policy) -> Vec<CommandEvent> {
        Vec::new()
    }

    fn start(&mut self, environment: Vec<CString>) -> Result<Pid, Fault> {
        let mut world = self.world.borrow_mut();
        let number = environment[0].to_str().unwrap_or_default().parse().unwrap_or_default();
        world.check_start(self.at, number);
        let (boot, policy) = (world.now.boot, world.lives[self.at].policy);
        world.lives[self.at].changed = boot;
        if world.fails(Failure::FailedForks, 100) {
            world.lives[self.at].failed_start = Some(libc::EAGAIN);
            return Err(fault(libc::EAGAIN));
        }
        let errno = [libc::ETXTBSY, libc::EIO, libc::ENOENT][usize::try_from(world.roll(3)).unwrap_or_default()];
        let outcome = if world.fails(Failure::FailedStarts, 100) { Err(errno) } else { Ok(()) };
        let is_slow = world.fails(Failure::SlowStarts, 10);
        let time = world.upto(if is_slow { 20 * SECOND } else { SECOND / 10 });
        let known = boot + time;
        let ready = world.ready_time(&policy).map(|ready| ready + time);
        let pid = world.new_pid();
        let state = State::Starting((known, outcome));
        let (dies, stop_sent, is_killed, leftovers_until) = (None, None, false, Duration::ZERO);
        let child = Child { pid, number, state, dies, stop_sent, is_killed, ready, leftovers_until };
        world.lives[self.at].children.push(child);
        world.restarts += 1;
        world.attract_trouble();
        world.log(format_args!("xassume {}: start {pid} with {number}", self.at));
        Ok(pid)
    }

    fn abort(&mut self) {
        let mut world = self.world.borrow_mut();
        let (boot, life) = (world.now.boot, &mut world.lives[self.at]);
        let before = life.children.len();
        life.children.retain(|child| !matches!(child.state, State::Starting(_)));
        life.changed = boot;
        let is_one = before == life.children.len() + 1;
        world.claim(is_one, "only a child that is being started is aborted");
    }

    fn stop(&mut self, pid: Pid, signal: Signal) -> Result<(), Problem> {
        let mut world = self.world.borrow_mut();
        let (at, boot) = (self.at, world.now.boot);
        world.log(format_args!("xassume {at}: stop {pid}"));
        let child = world.lives[at].child(pid);
        let is_used = child.as_ref().is_some_and(|child| child.is_used());
        if let Some(child) = child {
            child.stop_sent = Some(boot);
        }
        world.claim(is_used, format_args!("xassume {at}: a command that runs is stopped once"));
        if world.fails(Failure::FailedSignals, 100) {
            return Err(Problem::new(Reason::System, "not permitted"));
        }
        world.ask_to_exit(at, pid, signal);
        world.attract_trouble();
        Ok(())
    }

    fn signal(&mut self, pid: Pid, target: Target, signal: Signal) -> Result<(), Problem> {
        let mut world = self.world.borrow_mut();
        let at = self.at;
        world.log(format_args!("xassume {at}: {signal} to {pid}"));
        let boot = world.now.boot;
        let life = &mut world.lives[at];
        let exists = life.child(pid).is_some();
        let mut is_owed = true;
        if signal == REFRESH && target == Target::Process {
            life.owed = None;
            is_owed = match life.policy.duty() {
                // Of two sessions that are replaced at the same moment, one may be reported after the signal.
                Duty::Refresh => {
                    let still = life.replaced.filter(|at| *at == boot);
                    std::mem::replace(&mut life.replaced, still).is_some()
                }
                Duty::Notice => life.notices == 0,
                Duty::None => false,
            };
            life.notices += 1;
        }
        world.claim(exists, format_args!("xassume {at}: a signal goes to a process that is not reaped"));
        world.claim(is_owed, format_args!("xassume {at}: one refresh signal follows a new session"));
        match signal {
            Signal::KILL => world.kill(at, (pid, target)),
            Signal::TERM if target != Target::Strays => world.ask_to_exit(at, pid, signal),
            Signal::INT | Signal::QUIT if world.roll(2) == 0 => world.ask_to_exit(at, pid, signal),
            _ => {}
        }
        Ok(())
    }

    fn remaining(&mut self, pid: Pid) -> Remaining {
        let mut world = self.world.borrow_mut();
        let boot = world.now.boot;
        let child = world.lives[self.at].child(pid).copied();
        world.claim(
            child.is_some_and(|child| matches!(child.state, State::Zombie(..))),
            "remaining processes are looked for after the exit",
        );
        let remains = child.is_some_and(|child| child.leftovers_until > boot);
        Remaining { in_group: remains.then(|| Member { pid: 1, name: "left".to_owned() }), stray: None }
    }

    fn kill_group(&mut self, pid: Pid) {
        let mut world = self.world.borrow_mut();
        let is_zombie = world.lives[self.at].child(pid).is_some_and(|child| matches!(child.state, State::Zombie(..)));
        world.claim(is_zombie, "a group is killed before its leader is reaped");
    }

    fn reap(&mut self, pid: Pid) {
        let mut world = self.world.borrow_mut();
        let (at, boot) = (self.at, world.now.boot);
        world.log(format_args!("xassume {at}: reap {pid}"));
        let life = &mut world.lives[at];
        life.changed = boot;
        let place = life.children.iter().position(|child| child.pid == pid);
        let child = place.map(|place| life.children.remove(place));
        if let Some(Child { state: State::Zombie(_, end), number, stop_sent, .. }) = child {
            life.last = Some(Last { number, was_stopped: stop_sent.is_some(), end });
        } else {
            world.claim(false, "only a child that has exited is reaped");
        }
    }

    fn change(&mut self) -> Option<(Pid, ChildChange)> {
        self.world.borrow_mut().change(self.at, None)
    }

    fn change_of(&mut self, pid: Pid) -> Option<ChildChange> {
        Some(self.world.borrow_mut().change(self.at, Some(pid))?.1)
    }

    async fn next_input(&mut self) -> CommandInput {
        poll_fn(|_| self.world.borrow_mut().input(self.at).map_or(Poll::Pending, Poll::Ready)).await
    }

    fn includes(&self, _: Pid, _: Pid) -> bool {
        false
    }

    fn restore_terminal(&mut self) {}

    fn pause(&mut self, _: Signal) {}
}
