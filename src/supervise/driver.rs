//! The loop of a supervision: waits for an input, asks the state machine, and performs its actions. It decides nothing.
//!
//! The order of the inputs is: the child, the signals, the STS call, the delivery, the pid file, the timer, the hook, the
//! notifications. Because of this order, a command that has exited is not stopped for a refresh, a pending TERM is
//! handled before the next start, and a flood of notifications delays nothing.

mod host;
mod keeper;
mod notifier;
mod pid_file;
mod waiting;

pub(crate) use host::ProcessHost;
pub(crate) use keeper::keep;
pub(crate) use notifier::Notifier;
pub(crate) use pid_file::{PidFile, rehearse as rehearse_signal};

use super::hook::Hook;
use super::machine::{Action, CommandInput, Fault, Final, Input, Machine, SessionInput};
use super::policy::Policy;
use super::ports::{CacheUse, Deliver, SessionSource, SignalNamed};
use super::schedule::Dice;
use crate::error::Reason;
use crate::event::{CommandEvent, EventSink, Problem, RefreshEvent};
use crate::moment::Deadline;
use crate::process::signal::Signal;
use crate::process::{ChildChange, Pid, Remaining, Target};
use crate::session::{Session, Validity};
use crate::supervise::forwarding::ProcessFacts;
use crate::sys::clock::Clock;
use std::collections::VecDeque;
use std::ffi::CString;
use std::hash::{BuildHasher, RandomState};
use waiting::{PendingAnswer, answered, until};

/// The operating system, as the supervision sees it: at most two children, and the signals that xassume receives.
pub(crate) trait CommandHost {
    fn facts(&self) -> ProcessFacts;
    /// Returns the warnings that are shown before the command starts.
    fn caveats(&self, policy: &Policy) -> Vec<CommandEvent>;
    /// Forks a child that executes the command, and returns its process ID. Fails if no child can be forked. Whether the child could execute the
    /// command is reported later, by [`Self::next_input`].
    fn start(&mut self, environment: Vec<CString>) -> Result<Pid, Fault>;
    /// Kills a child that has been forked but does not run the command yet.
    fn abort(&mut self);
    /// Sends the stop signal, and then CONT, to the child and to the members of its family that are in its group.
    /// [`Target`] defines the family.
    fn stop(&mut self, pid: Pid, signal: Signal) -> Result<(), Problem>;
    fn signal(&mut self, pid: Pid, target: Target, signal: Signal) -> Result<(), Problem>;
    /// Returns which processes remain in the group and the family of the child, which has exited.
    fn remaining(&mut self, pid: Pid) -> Remaining;
    /// Kills the process group of the child, which has exited. Must not be called if the group is xassume's own.
    fn kill_group(&mut self, pid: Pid);
    fn reap(&mut self, pid: Pid);
    /// Returns the exit or the stop of a child, without waiting. Each exit and each stop is returned only once. `None`
    /// means that there is no new exit and no new stop.
    fn change(&mut self) -> Option<(Pid, ChildChange)>;
    /// The same for one child.
    fn change_of(&mut self, pid: Pid) -> Option<ChildChange>;
    /// Waits for a change of a child, the outcome of a start, a signal, or the readiness of a child by its pipe. If there
    /// are several of them, they are returned in this order. No input is lost if the future is dropped.
    async fn next_input(&mut self) -> CommandInput;
    /// Checks whether a process is the child `command`, is in its process group, or descends from it.
    fn includes(&self, command: Pid, pid: Pid) -> bool;
    fn restore_terminal(&mut self);
    fn pause(&mut self, signal: Signal);
}

/// The parts that the driver connects.
pub(crate) struct Ports<'a, S, D, H, C> {
    pub(crate) source: &'a S,
    /// The delivery. It has already delivered the first session.
    pub(crate) delivery: &'a mut D,
    pub(crate) host: &'a mut H,
    pub(crate) clock: &'a C,
    /// Signals the process of `--signal-pid-file`. `None` without this flag.
    pub(crate) named: Option<&'a dyn SignalNamed>,
    /// The relay for the command's notifications. `None` without a service manager.
    pub(crate) notifier: Option<Notifier>,
    pub(crate) hook: Option<Hook<'a>>,
    pub(crate) events: &'a dyn EventSink,
}

/// Runs the command and refreshes its session until the command ends. Returns how the supervision ended.
pub(crate) async fn supervise<S, D, H, C>(policy: Policy, first: Session, ports: Ports<'_, S, D, H, C>) -> Final
where
    S: SessionSource,
    D: Deliver,
    H: CommandHost,
    C: Clock,
{
    for caveat in ports.host.caveats(&policy) {
        ports.events.emit(caveat.into());
    }
    let machine = Machine::new(policy, ports.host.facts(), first.validity.as_ref(), ports.clock.now(), dice());
    Driver::new(machine, first, ports).run().await
}

/// Returns random numbers that are good enough to spread the load on STS. They must not be used for secrets.
fn dice() -> Dice {
    Dice::Seeded(RandomState::new().hash_one(()))
}

struct Driver<'a, S, D, H, C> {
    machine: Machine,
    ports: Ports<'a, S, D, H, C>,
    /// The session with which the command will be started next.
    session: Session,
    /// A session that has been fetched but not delivered yet.
    new_session: Option<Session>,
    call: PendingAnswer<'a, Session>,
    publishing: PendingAnswer<'a, ()>,
    signaling: PendingAnswer<'a, Pid>,
    /// Inputs that answer actions. They are handled before other inputs.
    answers: VecDeque<Input>,
}

impl<'a, S: SessionSource, D: Deliver, H: CommandHost, C: Clock> Driver<'a, S, D, H, C> {
    fn new(machine: Machine, session: Session, ports: Ports<'a, S, D, H, C>) -> Self {
        let (call, publishing, signaling, answers) = (None, None, None, VecDeque::new());
        Self { machine, ports, session, new_session: None, call, publishing, signaling, answers }
    }

    async fn run(mut self) -> Final {
        loop {
            let input = self.next().await;
            let now = self.ports.clock.now();
            let Some(input) = self.before_input(input, now) else { continue };
            let actions = self.machine.handle(input, now);
            self.after_input(now);
            for action in actions {
                if let Some(end) = self.perform(action) {
                    self.finish_notifications().await;
                    Hook::finish(self.ports.hook).await;
                    return end;
                }
            }
        }
    }

    async fn next(&mut self) -> Input {
        loop {
            if let Some(input) = self.answers.pop_front().or_else(|| self.released_hang_up()) {
                return input;
            }
            let relayed = self.notifier_deadline().map(Deadline::at);
            let deadline = self.machine.deadline().into_iter().chain(relayed).reduce(Deadline::or);
            tokio::select! {
                biased;
                next_input = self.ports.host.next_input() => return Input::Command(next_input),
                answer = answered(&mut self.call) => {
                    self.call = None;
                    let assumed = answer.map_or_else(|problem| SessionInput::Assumed(Err(problem)), |new| self.assumed(new));
                    return Input::Session(assumed);
                }
                answer = answered(&mut self.publishing) => {
                    self.publishing = None;
                    return self.published(answer);
                }
                answer = answered(&mut self.signaling) => {
                    self.signaling = None;
                    return Input::NamedSignaled(answer);
                }
                () = until(self.ports.clock, deadline) => return Input::Wake,
                () = Hook::next(&mut self.ports.hook) => {}
                () = Notifier::next(&mut self.ports.notifier) => {}
            }
            self.handle_one_of_each();
            self.send_notifications();
            // If there is a flood of datagrams, none of the futures above ever waits. The runtime gets its turn here.
            tokio::task::yield_now().await;
        }
    }

    /// Keeps a session that was fetched, unless it is the one that is already in effect.
    fn assumed(&mut self, session: Session) -> SessionInput {
        let Some(validity) = session.validity.clone() else {
            let problem = Problem::new(Reason::SourceFailed, "the source no longer says when its credentials expire");
            let hint = "restart xassume if the source now has credentials that do not expire";
            return SessionInput::Assumed(Err(problem.with_hint(hint)));
        };
        let lasts_longer = |current: &Validity| validity.expiration > current.expiration;
        let is_newer = session.keys.access_key_id != self.session.keys.access_key_id
            || self.session.validity.as_ref().is_none_or(lasts_longer);
        if !is_newer {
            return SessionInput::Unchanged;
        }
        self.new_session = Some(session);
        SessionInput::Assumed(Ok(validity))
    }

    /// Performs an action. Returns how the supervision ended if this was the last action, else `None`.
    fn perform(&mut self, action: Action) -> Option<Final> {
        let host = &mut *self.ports.host;
        match action {
            Action::Assume => self.call = Some(Box::pin(self.ports.source.assume(CacheUse::Allowed))),
            Action::AssumeNew => self.call = Some(Box::pin(self.ports.source.assume(CacheUse::Skipped))),
            Action::Abandon => (self.call, self.publishing, self.new_session) = (None, None, None),
            Action::Publish => self.publish(),
            Action::Spawn => {
                let mut environment = self.ports.delivery.environment(&self.session);
                let begun = self.begin_generation(&mut environment);
                match begun.and_then(|()| self.ports.host.start(environment)) {
                    Ok(pid) => self.generation_starts(pid),
                    Err(fault) => self.answers.push_back(Input::Command(CommandInput::Started(Err(fault)))),
                }
            }
            Action::AbortStart => {
                host.abort();
                self.start_failed();
            }
            Action::Stop(pid, signal) => self.stop(pid, signal),
            Action::Signal(pid, target, signal) => {
                let sent = host.signal(pid, target, signal);
                self.report_if_not_sent(signal, sent);
            }
            Action::SignalNamed(signal) => self.signaling = self.ports.named.map(|named| named.send(signal)),
            Action::CheckRemaining(pid) => {
                self.answers.push_back(Input::Command(CommandInput::Remaining(pid, host.remaining(pid))));
            }
            Action::KillGroup(pid) => host.kill_group(pid),
            Action::Reap(pid) => {
                self.end_generation(pid);
                self.ports.host.reap(pid);
            }
            Action::ReportReady => self.report_ready(),
            Action::HandOver => self.hand_over(),
            Action::RunHook => {
                let environment = |number| self.ports.delivery.hook_environment(&self.session, number);
                Hook::run(&mut self.ports.hook, environment);
            }
            Action::RestoreTerminal => host.restore_terminal(),
            Action::Pause(signal) => host.pause(signal),
            Action::Emit(event) => self.ports.events.emit(event),
            Action::Exit(end) => return Some(end),
        }
        None
    }

    /// Sends the stop signal, unless the command has exited since the last input.
    fn stop(&mut self, pid: Pid, signal: Signal) {
        self.before_stop(pid);
        let answer = match self.ports.host.change_of(pid) {
            Some(change @ ChildChange::Ended(_)) => CommandInput::Changed(pid, change),
            Some(ChildChange::Paused(_)) | None => {
                let sent = self.ports.host.stop(pid, signal);
                self.report_if_not_sent(signal, sent);
                CommandInput::StopSent(pid)
            }
        };
        self.answers.push_back(Input::Command(answer));
    }

    fn report_if_not_sent(&mut self, signal: Signal, sent: Result<(), Problem>) {
        if let Err(problem) = sent {
            self.ports.events.emit(RefreshEvent::CannotSignal { signal, problem }.into());
        }
    }

    /// Delivers the new session. If this is complete at once, an exit in the meantime is handled before its end.
    fn publish(&mut self) {
        let Some(session) = &self.new_session else { return };
        self.publishing = self.ports.delivery.publish(session);
        if self.publishing.is_none() {
            let answer = self.published(Ok(()));
            self.changes_first();
            self.answers.push_back(answer);
        }
    }

    /// Records the delivered session for the next start, if the delivery succeeded. Returns the input for the machine.
    fn published(&mut self, answer: Result<(), Problem>) -> Input {
        if let (Some(session), Ok(())) = (self.new_session.take(), &answer) {
            self.session = session;
        }
        Input::Session(SessionInput::Published(answer))
    }
}

impl<S, D, H: CommandHost, C> Driver<'_, S, D, H, C> {
    /// Handles what has happened to the children before the next answer.
    fn changes_first(&mut self) {
        while let Some((pid, change)) = self.ports.host.change() {
            self.answers.push_back(Input::Command(CommandInput::Changed(pid, change)));
        }
    }
}

#[cfg(test)]
mod tests;
