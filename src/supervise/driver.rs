//! The loop of a supervision: wait for what happens, ask the machine, do as it says. It decides nothing.
//!
//! What happens is polled in one order: the child, the signals, the STS call, the delivery, the timer. So an end that is already
//! there is never missed for a refresh, and a TERM that is already there is heard before the next start.

mod host;

pub(crate) use host::ProcessHost;

use super::machine::{Action, CommandInput, Fault, Final, Input, Machine, SessionInput};
use super::policy::Policy;
use super::ports::{Deliver, Publishing, SessionSource};
use super::schedule::Dice;
use crate::event::{Event, EventSink, Problem};
use crate::moment::Deadline;
use crate::process::signal::Signal;
use crate::process::{ChildChange, Remaining, Target};
use crate::session::Session;
use crate::supervise::forwarding::ProcessFacts;
use crate::sys::clock::Clock;
use std::collections::VecDeque;
use std::ffi::CString;
use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;

/// The system's side of a supervision: one child at most, and the signals that xassume receives.
pub(crate) trait CommandHost {
    fn facts(&self) -> ProcessFacts;
    /// What the user should know before the command starts.
    fn caveats(&self, policy: &Policy) -> Vec<Event>;
    /// Makes a child that becomes the command; whether it does is next_input.
    fn start(&mut self, environment: Vec<CString>) -> Result<(), Fault>;
    /// Kills the child that is not the command yet, and forgets it.
    fn abort(&mut self);
    /// Sends the stop signal, and CONT, to the child and its family in its group.
    fn stop(&mut self, signal: Signal) -> Result<(), Problem>;
    fn signal(&mut self, target: Target, signal: Signal) -> Result<(), Problem>;
    /// Who is left of the ended child's group and family.
    fn look(&mut self) -> Remaining;
    /// Kills the members of the ended child's own group.
    fn sweep(&mut self);
    fn reap(&mut self);
    /// How the child has changed, without waiting. Its end is said once.
    fn change(&mut self) -> Option<ChildChange>;
    /// The next change or signal, in that order. Loses none when it is dropped.
    async fn next_input(&mut self) -> CommandInput;
    fn restore_terminal(&mut self);
    fn pause(&mut self, signal: Signal);
}

/// Everyone whom the driver works with.
pub(crate) struct Ports<'a, S, D, H, C> {
    pub(crate) source: &'a S,
    /// Has been given the first session.
    pub(crate) delivery: &'a mut D,
    pub(crate) host: &'a mut H,
    pub(crate) clock: &'a C,
    pub(crate) events: &'a mut dyn EventSink,
}

/// Runs the command, and keeps its session fresh until it ends.
pub(crate) async fn supervise<S, D, H, C>(policy: Policy, first: Session, ports: Ports<'_, S, D, H, C>) -> Final
where
    S: SessionSource,
    D: Deliver,
    H: CommandHost,
    C: Clock,
{
    for caveat in ports.host.caveats(&policy) {
        ports.events.emit(&caveat);
    }
    // Seeded by the system; spreading load needs no better randomness.
    let dice = Dice::Seeded(RandomState::new().hash_one(()));
    let machine = Machine::new(policy, ports.host.facts(), &first.validity, ports.clock.now(), dice);
    let (call, publishing, answers) = (None, None, VecDeque::new());
    let driver = Driver { machine, ports, session: first, obtained: None, call, publishing, answers };
    driver.run().await
}

/// An answer that is waited for.
type PendingAnswer<'a, T> = Option<Pin<Box<dyn Future<Output = Result<T, Problem>> + 'a>>>;

struct Driver<'a, S, D, H, C> {
    machine: Machine,
    ports: Ports<'a, S, D, H, C>,
    /// The session in effect: the next start takes it.
    session: Session,
    /// The one that was obtained and is not published yet.
    obtained: Option<Session>,
    /// The STS call in flight.
    call: PendingAnswer<'a, Session>,
    /// The delivery in progress.
    publishing: PendingAnswer<'a, ()>,
    /// Answers to actions; they come before anything else.
    answers: VecDeque<Input>,
}

impl<S: SessionSource, D: Deliver, H: CommandHost, C: Clock> Driver<'_, S, D, H, C> {
    async fn run(mut self) -> Final {
        loop {
            let event = match self.answers.pop_front() {
                Some(answer) => answer,
                None => self.next().await,
            };
            for action in self.machine.handle(event, self.ports.clock.now()) {
                if let Some(end) = self.perform(action) {
                    return end;
                }
            }
        }
    }

    /// Waits for what happens next.
    async fn next(&mut self) -> Input {
        let deadline = self.machine.deadline();
        tokio::select! {
            biased;
            next_input = self.ports.host.next_input() => Input::Command(next_input),
            answer = answered(&mut self.call) => {
                self.call = None;
                Input::Session(match answer {
                    Ok(session) => {
                        let validity = session.validity.clone();
                        self.obtained = Some(session);
                        SessionInput::Obtained(validity)
                    }
                    Err(problem) => SessionInput::Refused(problem),
                })
            }
            answer = answered(&mut self.publishing) => {
                self.publishing = None;
                self.published(answer)
            }
            () = until(self.ports.clock, deadline) => Input::Wake,
        }
    }

    /// Does as the machine says; gives the end when there is one.
    fn perform(&mut self, action: Action) -> Option<Final> {
        let host = &mut *self.ports.host;
        match action {
            Action::Assume => self.call = Some(Box::pin(self.ports.source.assume())),
            Action::Abandon => (self.call, self.publishing, self.obtained) = (None, None, None),
            Action::Publish => self.publish(),
            Action::Spawn => {
                let environment = self.ports.delivery.environment(&self.session);
                if let Err(fault) = host.start(environment) {
                    self.answers.push_back(Input::Command(CommandInput::NotStarted(fault)));
                }
            }
            Action::AbortStart => host.abort(),
            Action::Stop(signal) => self.stop(signal),
            Action::Signal(target, signal) => {
                let sent = host.signal(target, signal);
                self.report_if_not_sent(signal, sent);
            }
            Action::CheckRemaining => self.answers.push_back(Input::Command(CommandInput::Remaining(host.look()))),
            Action::KillGroup => host.sweep(),
            Action::Reap => host.reap(),
            Action::RestoreTerminal => host.restore_terminal(),
            Action::Pause(signal) => host.pause(signal),
            Action::Emit(event) => self.ports.events.emit(&event),
            Action::Exit(end) => return Some(end),
        }
        None
    }

    /// Asks the command to stop. One that ended before, while a message was written for one, has ended by itself.
    fn stop(&mut self, signal: Signal) {
        let answer = match self.ports.host.change() {
            Some(ChildChange::Ended(end)) => CommandInput::Ended(end),
            Some(ChildChange::Paused(_)) | None => {
                let sent = self.ports.host.stop(signal);
                self.report_if_not_sent(signal, sent);
                CommandInput::StopSent
            }
        };
        self.answers.push_back(Input::Command(answer));
    }

    fn report_if_not_sent(&mut self, signal: Signal, sent: Result<(), Problem>) {
        if let Err(problem) = sent {
            self.ports.events.emit(&Event::CannotSignal { signal, problem });
        }
    }

    /// Hands the new session on. A command that ended before the answer has ended by itself, and the machine hears of
    /// that first.
    fn publish(&mut self) {
        let Some(session) = &self.obtained else { return };
        match self.ports.delivery.publish(session) {
            Publishing::Done(answer) => {
                let answer = self.published(answer);
                self.answers.extend(self.ports.host.change().map(|change| Input::Command(change.into())));
                self.answers.push_back(answer);
            }
            Publishing::Begun(publishing) => self.publishing = Some(publishing),
        }
    }

    /// The session that was handed on is the one in effect.
    fn published(&mut self, answer: Result<(), Problem>) -> Input {
        let session = self.obtained.take();
        Input::Session(match answer {
            Ok(()) => {
                if let Some(session) = session {
                    self.session = session;
                }
                SessionInput::Published
            }
            Err(problem) => SessionInput::Unpublished(problem),
        })
    }
}

/// The answer to a question; never, when there is none.
async fn answered<T>(question: &mut PendingAnswer<'_, T>) -> Result<T, Problem> {
    match question {
        Some(answer) => answer.await,
        None => pending().await,
    }
}

async fn until(clock: &impl Clock, deadline: Option<Deadline>) {
    match deadline {
        Some(deadline) => clock.until(deadline).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
