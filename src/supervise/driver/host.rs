//! The real operating system: a child process, signals from the kernel, and the user's terminal.

mod children;

use super::CommandHost;
use crate::error::Reason;
use crate::event::{CommandEvent, Problem};
use crate::process::signal::Signal;
use crate::process::{Arrival, ChildChange, Pid, ProcessGroup, Remaining, Sender, Target};
use crate::supervise::forwarding::{self, EarlyEffect, ProcessFacts};
use crate::supervise::machine::{CommandInput, Fault};
use crate::supervise::policy::{GroupPolicy, Policy};
use crate::sys::child::{Child, CommandDescriptors, StartingChild};
use crate::sys::echo;
use crate::sys::family::Family;
use crate::sys::listen::{ListenSockets, SocketMode};
use crate::sys::lookup::Command;
use crate::sys::ready::ReadyPipe;
use crate::sys::reap;
use crate::sys::signals::{self, SignalReader};
use crate::sys::tty::{self, Terminal};
use children::{RunningChild, child};
use nix::errno::Errno;
use std::ffi::CString;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// How long to pause after an error while reading signals. No such error is known to occur.
const READ_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The command, its current child process and its family.
#[derive(Debug)]
pub(crate) struct ProcessHost<'a> {
    /// `None` if there is no command (`--serve`).
    command: Option<Command>,
    /// The listening sockets, which each child gets.
    sockets: &'a ListenSockets,
    facts: ProcessFacts,
    terminal: Option<Terminal>,
    signal_reader: SignalReader,
    /// A child that has been forked, while the outcome of its execve(2) is not known, and its pipe of `--ready fd:N`.
    starting: Option<(StartingChild, Option<ReadyPipe>)>,
    /// The children that run the command: one, or two during a handover.
    running: Vec<RunningChild>,
    family: Family,
    finish_messages: fn(),
}

impl<'a> ProcessHost<'a> {
    /// Begins to read signals. Must be called on the main thread, within the Tokio runtime, and before another thread
    /// is started. `finish_messages` must be a function that waits until all messages have been written.
    ///
    /// # Errors
    /// Fails if no file descriptor is available for signals.
    pub(crate) fn prepare(
        command: Option<Command>,
        sockets: &'a ListenSockets,
        process_group: GroupPolicy,
        finish_messages: fn(),
    ) -> io::Result<Self> {
        // From here on, this process has a session in its memory.
        signals::forbid_core_dumps();
        let terminal = Terminal::of_the_user();
        let group = match (process_group, &terminal) {
            (GroupPolicy::Same, _) | (GroupPolicy::Auto, Some(_)) => ProcessGroup::Shared,
            (GroupPolicy::New, _) | (GroupPolicy::Auto, None) => ProcessGroup::Own,
        };
        let me = nix::unistd::getpid();
        let leads_session = nix::unistd::getsid(None) == Ok(me);
        let facts = ProcessFacts { me: me.as_raw(), group, leads_session };
        let signal_reader = SignalReader::install(|signal| forwarding::captures(signal, group))?;
        reap::adopt_orphans();
        let family = Family::default();
        Ok(Self {
            command,
            sockets,
            facts,
            terminal,
            signal_reader,
            starting: None,
            running: Vec::new(),
            family,
            finish_messages,
        })
    }

    /// Waits for a signal that ends xassume, and returns the signal. This is for the time while the first session is
    /// fetched. During this time, a signal of job control (such as ^Z) stops xassume until it is continued.
    pub(crate) async fn fatal_signal(&self) -> Signal {
        loop {
            let Ok(arrival) = self.signal_reader.next().await else {
                tokio::time::sleep(READ_RETRY_PAUSE).await;
                continue;
            };
            match forwarding::before_start(arrival.signal) {
                EarlyEffect::End => return arrival.signal,
                EarlyEffect::Pause => {
                    echo::before_stop();
                    signals::pause(Signal::STOP);
                    echo::after_stop();
                }
                EarlyEffect::Ignore => {
                    if arrival.signal == Signal::CONT {
                        echo::after_stop();
                    }
                    self.reap_orphans();
                }
            }
        }
    }

    /// If a terminal hangs up, the kernel sends HUP only to the shell, and the shell sends HUP to its jobs. Without a
    /// command, such a HUP from the shell counts as HUP from the kernel.
    fn with_real_sender(&self, arrival: Arrival) -> Arrival {
        let has_hung_up = || self.terminal.as_ref().is_some_and(Terminal::has_hung_up);
        if self.command.is_none() && arrival.signal == Signal::HUP && has_hung_up() {
            return Arrival { sender: Sender::Kernel, ..arrival };
        }
        arrival
    }

    fn reap_orphans(&self) {
        let starting = self.starting.iter().map(|(starting, _)| starting.pid());
        let commands: Vec<_> = starting.chain(self.running.iter().map(|running| running.child.pid())).collect();
        reap::orphans(&commands);
    }

    /// Forks a child. Its pipe of `--ready fd:N` is the second value.
    fn fork(&self, environment: &[CString]) -> io::Result<(StartingChild, Option<ReadyPipe>)> {
        let command = self.command.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let (pipe, writer) = self.sockets.ready().map(|_| ReadyPipe::new()).transpose()?.unzip();
        let mode = if self.running.is_empty() { SocketMode::Restored } else { SocketMode::Unchanged };
        let ready = writer.as_ref().map(AsFd::as_fd);
        let descriptors = CommandDescriptors { sockets: self.sockets, mode, ready };
        Ok((StartingChild::start(command, environment, self.facts.group, descriptors)?, pipe))
    }

    /// Returns the input for the outcome of a start, and records the child if the start succeeded.
    fn start_outcome(&mut self, outcome: io::Result<Child>) -> CommandInput {
        let starting = self.starting.take();
        let started = match outcome {
            Ok(child) => {
                let (pid, ready) = (child.pid(), starting.and_then(|(_, ready)| ready));
                self.running.push(RunningChild { child, ended: false, ready, is_ready: false });
                Ok(pid)
            }
            Err(error) => {
                if let Some((starting, _)) = starting {
                    self.family.remove(starting.pid());
                }
                Err(fault(&error))
            }
        };
        CommandInput::Started(started)
    }
}

fn fault(error: &io::Error) -> Fault {
    let errno = error.raw_os_error().unwrap_or_default();
    Fault { errno, text: Errno::from_raw(errno).desc().to_owned() }
}

fn problem(error: &io::Error) -> Problem {
    let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
    let hint = (errno == Errno::EPERM).then(|| "the command runs as another user".to_owned());
    Problem { hint, ..Problem::new(Reason::System, errno.desc()) }
}

impl CommandHost for ProcessHost<'_> {
    fn facts(&self) -> ProcessFacts {
        self.facts
    }

    fn caveats(&self, policy: &Policy) -> Vec<CommandEvent> {
        policy.caveats(self.terminal.is_some(), tty::kind_of_stdin())
    }

    fn start(&mut self, environment: Vec<CString>) -> Result<Pid, Fault> {
        // Messages from before the start must appear before the command's output.
        (self.finish_messages)();
        self.reap_orphans();
        self.family.begin();
        let (starting, pipe) = self.fork(&environment).map_err(|error| fault(&error))?;
        let pid = starting.pid();
        self.family.add(pid);
        self.starting = Some((starting, pipe));
        Ok(pid)
    }

    fn abort(&mut self) {
        if let Some((starting, _)) = self.starting.take() {
            self.family.remove(starting.pid());
            starting.abort();
        }
    }

    fn stop(&mut self, pid: Pid, signal: Signal) -> Result<(), Problem> {
        let Self { running, family, .. } = self;
        let Some(child) = child(running, pid) else { return Ok(()) };
        family.stop(child, signal).map_err(|error| problem(&error))
    }

    fn signal(&mut self, pid: Pid, target: Target, signal: Signal) -> Result<(), Problem> {
        let Self { running, family, .. } = self;
        let Some(child) = child(running, pid) else { return Ok(()) };
        let sent = match target {
            Target::Process => child.signal(ProcessGroup::Shared, signal),
            Target::Group => family.signal_group(child, signal),
            Target::Strays => {
                family.signal_strays(child, signal);
                Ok(())
            }
            Target::Family => family.signal(child, signal),
        };
        sent.map_err(|error| problem(&error))
    }

    fn remaining(&mut self, pid: Pid) -> Remaining {
        let Self { running, family, .. } = self;
        child(running, pid).map(|child| family.remaining(child)).unwrap_or_default()
    }

    fn kill_group(&mut self, pid: Pid) {
        if let Some(child) = child(&mut self.running, pid) {
            // Nothing can be done about an error: at the end of a stop, the group contains only zombies, processes that
            // cannot be killed, and processes that are not visible without `/proc`.
            let _ = child.signal(ProcessGroup::Own, Signal::KILL);
        }
    }

    fn reap(&mut self, pid: Pid) {
        if let Some(place) = self.running.iter().position(|running| running.child.pid() == pid) {
            self.running.remove(place).child.reap();
        }
        self.family.reaped(pid);
        self.reap_orphans();
    }

    fn change(&mut self) -> Option<(Pid, ChildChange)> {
        self.running.iter_mut().find_map(|running| Some((running.child.pid(), running.change()?)))
    }

    fn change_of(&mut self, pid: Pid) -> Option<ChildChange> {
        self.running.iter_mut().find(|running| running.child.pid() == pid)?.change()
    }

    async fn next_input(&mut self) -> CommandInput {
        loop {
            if let Some((pid, change)) = self.change() {
                return CommandInput::Changed(pid, change);
            }
            let arrival = tokio::select! {
                biased;
                outcome = self.outcome() => return self.start_outcome(outcome),
                arrival = self.arrival() => arrival,
                readiness = self.readiness() => return self.readiness_input(readiness),
            };
            match arrival {
                Ok(arrival) if arrival.signal == Signal::CHLD => {
                    self.reap_orphans();
                    if self.running.iter().any(|running| running.ended) {
                        return CommandInput::OrphanReaped;
                    }
                }
                Ok(arrival) => return CommandInput::Signal(self.with_real_sender(arrival)),
                Err(_) => tokio::time::sleep(READ_RETRY_PAUSE).await,
            }
        }
    }

    fn includes(&self, command: Pid, pid: Pid) -> bool {
        self.family.includes(command, pid)
    }

    fn restore_terminal(&mut self) {
        if let Some(terminal) = &self.terminal {
            terminal.restore();
        }
    }

    fn pause(&mut self, signal: Signal) {
        signals::pause(signal);
    }
}
