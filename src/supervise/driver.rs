//! The loop of a supervision: waits for an input, asks the state machine, and performs its actions. It decides nothing.
//!
//! The order of the inputs is: the child, the signals, the STS call, the delivery, the pid file, the timer, the hook, the
//! notifications. Because of this order, a command that has exited is not stopped for a refresh, a pending TERM is
//! handled before the next start, and a flood of notifications delays nothing.

mod host;
mod keeper;
mod notifier;
mod pid_file;
mod sessions;
mod waiting;

pub(crate) use host::ProcessHost;
pub(crate) use keeper::keep;
pub(crate) use notifier::Notifier;
pub(crate) use pid_file::{PidFile, rehearse as rehearse_signal};
pub(crate) use sessions::{FirstSessions, dice};

use super::hook::Hook;
use super::machine::{Action, CommandInput, Fault, Final, Input, Machine, SessionInput};
use super::policy::Policy;
use super::ports::{CacheUse, Deliver, SessionId, SessionSource, SignalNamed};
use super::schedule::Dice;
use crate::event::{CommandEvent, EventSink, Problem, RefreshEvent};
use crate::moment::Deadline;
use crate::process::signal::Signal;
use crate::process::{ChildChange, Pid, Remaining, Target};
use crate::supervise::forwarding::ProcessFacts;
use crate::sys::clock::Clock;
use sessions::Sessions;
use std::collections::VecDeque;
use std::ffi::CString;
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
    /// The delivery. It has already delivered the first sessions.
    pub(crate) delivery: &'a mut D,
    pub(crate) host: &'a mut H,
    pub(crate) clock: &'a C,
    /// The random numbers of the schedule.
    pub(crate) dice: Dice,
    /// Signals the process of `--signal-pid-file`. `None` without this flag.
    pub(crate) named: Option<&'a dyn SignalNamed>,
    /// The relay for the command's notifications. `None` without a service manager.
    pub(crate) notifier: Option<Notifier>,
    pub(crate) hook: Option<Hook<'a>>,
    pub(crate) events: &'a dyn EventSink,
}

/// Runs the command and refreshes its sessions until the command ends. Returns how the supervision ended.
pub(crate) async fn supervise<S, D, H, C>(policy: Policy, first: FirstSessions, ports: Ports<'_, S, D, H, C>) -> Final
where
    S: SessionSource,
    D: Deliver,
    H: CommandHost,
    C: Clock,
{
    for caveat in ports.host.caveats(&policy) {
        ports.events.emit(caveat.into());
    }
    let now = ports.clock.now();
    let mut machine = Machine::new(policy, ports.host.facts(), first.default.validity.as_ref(), now, ports.dice);
    first.add_others(&mut machine, now, ports.dice);
    Driver::new(machine, first, ports).run().await
}

struct Driver<'a, S, D, H, C> {
    machine: Machine,
    ports: Ports<'a, S, D, H, C>,
    sessions: Sessions<'a>,
    publishing: PendingAnswer<'a, ()>,
    signaling: PendingAnswer<'a, Pid>,
    /// Inputs that answer actions. They are handled before other inputs.
    answers: VecDeque<Input>,
}

impl<'a, S: SessionSource, D: Deliver, H: CommandHost, C: Clock> Driver<'a, S, D, H, C> {
    fn new(machine: Machine, first: FirstSessions, ports: Ports<'a, S, D, H, C>) -> Self {
        let (publishing, signaling, answers) = (None, None, VecDeque::new());
        Self { machine, ports, sessions: Sessions::new(first), publishing, signaling, answers }
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
                (id, answer) = self.sessions.assumed() => return Input::Session(id, self.sessions.accept(id, answer)),
                answer = answered(&mut self.publishing) => {
                    self.publishing = None;
                    self.published(&answer);
                    self.publish();
                    continue;
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

    /// Performs an action. Returns how the supervision ended if this was the last action, else `None`.
    fn perform(&mut self, action: Action) -> Option<Final> {
        let host = &mut *self.ports.host;
        match action {
            Action::Assume(id) => self.assume(id, CacheUse::Allowed),
            Action::AssumeNew(id) => self.assume(id, CacheUse::Skipped),
            Action::Abandon(id) => self.abandon(id),
            Action::Publish(id) => {
                self.sessions.add_delivery(id);
                self.publish();
            }
            Action::Spawn => {
                let mut environment = self.ports.delivery.environment(self.sessions.current(SessionId::DEFAULT));
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
            Action::RunHook(id) => {
                let session = self.sessions.current(id);
                let environment = |number| self.ports.delivery.hook_environment(id, session, number);
                Hook::run(&mut self.ports.hook, id, environment);
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

    fn assume(&mut self, id: SessionId, cache: CacheUse) {
        self.sessions.call(id, Some(Box::pin(self.ports.source.assume(id, cache))));
    }

    /// Drops the call or the delivery of a session. Then begins the next delivery, if one waits.
    fn abandon(&mut self, id: SessionId) {
        if self.sessions.abandon(id) {
            self.publishing = None;
            self.publish();
        }
    }

    /// Delivers the new sessions that wait, unless a delivery is in progress. If this is complete at once, an exit in the
    /// meantime is handled before its end.
    fn publish(&mut self) {
        let Some((sessions, new)) = self.sessions.begin_delivery() else { return };
        self.publishing = self.ports.delivery.publish(&sessions, new);
        if self.publishing.is_none() {
            self.changes_first();
            self.published(&Ok(()));
        }
    }

    /// Records the end of a delivery.
    fn published(&mut self, answer: &Result<(), Problem>) {
        for id in self.sessions.end_delivery(answer.is_ok()) {
            self.answers.push_back(Input::Session(id, SessionInput::Published(answer.clone())));
        }
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
