//! What the driver does with the notifications: it reads them, and tells the relay what the machine has decided.

use super::{Generation, Notifier, Trouble, send_some};
use crate::event::RunEvent;
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{ChildChange, Pid, Sender};
use crate::supervise::driver::{CommandHost, Driver};
use crate::supervise::machine::{CommandInput, Fault, Input};
use crate::supervise::notify::{Heard, Notification, Outbox, Role};
use crate::sys::boot;
use crate::sys::clock::Clock;
use crate::sys::notify::Received;
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

/// The most datagrams that are read before a generation is stopped or its end is handled. More than this many wait only
/// if processes keep sending.
const LAST_READS: usize = 1024;
/// The time after which no more of them are read, because a flood of them must not delay the stop.
const LAST_READS_TIME: Duration = Duration::from_millis(50);

impl<S, D, H: CommandHost, C: Clock> Driver<'_, S, D, H, C> {
    /// Handles the next datagram of each generation.
    pub(in crate::supervise::driver) fn handle_one_of_each(&mut self) {
        let generations = self.ports.notifier.iter().flat_map(|notifier| &notifier.generations);
        for generation in generations.map(|generation| generation.pid).collect::<Vec<_>>() {
            self.handle_notification(generation, &mut Vec::new());
        }
    }

    /// Handles the next datagram of a generation, if there is one. Returns whether there was one. `refused` has processes
    /// that are known not to belong to the command.
    fn handle_notification(&mut self, generation: Pid, refused: &mut Vec<Pid>) -> bool {
        let Some(Notifier { generations, relay, starting, .. }) = &mut self.ports.notifier else { return false };
        let known = generations.iter().find(|one| one.pid == generation && *starting != Some(one.pid));
        let Some(Generation { socket, .. }) = known else { return false };
        let Some(waiting) = socket.peek() else { return false };
        let me = nix::unistd::geteuid().as_raw();
        let is_accepted = waiting.sender.is_some_and(|sender| {
            sender.is_accepted(me, |pid| {
                let belongs = !refused.contains(&pid) && self.ports.host.includes(generation, pid);
                if !belongs {
                    refused.push(pid);
                }
                belongs
            })
        });
        if !is_accepted {
            socket.discard(&waiting);
            return true;
        }
        if let Some(Received { text, descriptors, is_truncated: false }) = socket.receive() {
            let notification = Notification { text, descriptors };
            let role = self.machine.role(generation);
            match relay.receive(role, notification, self.ports.clock.now(), boot::monotonic()) {
                Heard::Nothing => {}
                Heard::Ending => self.answers.push_back(Input::Command(CommandInput::EndAnnounced)),
                Heard::Ready if !self.machine.expects_notification(role) => {}
                // The exit of the current generation must be handled first.
                Heard::Ready => {
                    self.changes_first();
                    self.answers.push_back(Input::Command(CommandInput::Ready(generation)));
                }
            }
            self.send_notifications();
        }
        true
    }

    /// Handles the datagrams that a generation has sent so far, while `goes_on` returns `true`.
    fn handle_notifications(&mut self, generation: Pid, goes_on: impl Fn(&Outbox<OwnedFd>) -> bool) {
        let (begun, mut refused) = (boot::monotonic(), Vec::new());
        for _ in 0..LAST_READS {
            let is_possible = self.ports.notifier.as_ref().is_some_and(|notifier| goes_on(&notifier.relay.outbox));
            if !is_possible
                || boot::monotonic().saturating_sub(begun) > LAST_READS_TIME
                || !self.handle_notification(generation, &mut refused)
            {
                return;
            }
        }
    }

    /// Prepares for an input of the machine: what the command sent before its end is handled before the end. Returns
    /// `None` if the machine gets the input later, because it is a HUP for which the command is not ready.
    pub(in crate::supervise::driver) fn before_input(&mut self, input: Input, now: Now) -> Option<Input> {
        if let Input::Command(CommandInput::Changed(pid, ChildChange::Ended(_))) = input {
            self.handle_notifications(pid, |_| true);
        }
        if let Input::Command(CommandInput::Started(Err(_))) = input {
            self.start_failed();
        }
        let Some(Notifier { relay, starting, .. }) = &mut self.ports.notifier else { return Some(input) };
        match &input {
            Input::Command(CommandInput::Started(Ok(_))) => {
                *starting = None;
                relay.started();
            }
            Input::Command(CommandInput::Signal(arrival))
                if arrival.signal == Signal::HUP && arrival.sender != Sender::Kernel =>
            {
                if self.machine.is_keeper() {
                    relay.owe_reload();
                } else if relay.hang_up(*arrival, now) {
                    return None;
                }
            }
            Input::Wake => relay.wake(now),
            Input::Command(_) | Input::Session(..) | Input::NamedSignaled(_) => {}
        }
        Some(input)
    }

    /// Returns a HUP that was held, once the command is ready for it.
    pub(in crate::supervise::driver) fn released_hang_up(&mut self) -> Option<Input> {
        let now = self.ports.clock.now();
        let released = self.ports.notifier.as_mut()?.relay.release_hang_up(now)?;
        Some(Input::Command(CommandInput::Signal(released)))
    }

    /// Reports to the service manager what the machine has decided.
    pub(in crate::supervise::driver) fn after_input(&mut self, now: Now) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        if self.machine.is_ending() {
            notifier.relay.end();
        } else {
            notifier.relay.session_is(self.machine.session_outlook(), now);
        }
        self.send_notifications();
    }

    /// Sends what there is room for. Emits a warning for the first notification that cannot be sent.
    pub(in crate::supervise::driver) fn send_notifications(&mut self) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        send_some(&mut notifier.manager, &mut notifier.relay.outbox, &mut notifier.trouble);
        self.report_trouble();
    }

    fn report_trouble(&mut self) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        if let Trouble::New(error) = &notifier.trouble {
            let text = format!("cannot send notifications to NOTIFY_SOCKET: {error}");
            notifier.trouble = Trouble::Reported;
            self.ports.events.emit(RunEvent::warning(text).into());
        }
    }

    /// Opens the socket of the next generation, if there is a service manager.
    pub(in crate::supervise::driver) fn begin_generation(
        &mut self,
        environment: &mut Vec<CString>,
    ) -> Result<(), Fault> {
        let now = self.ports.clock.now();
        let role = self.machine.next_role();
        let Some(notifier) = &mut self.ports.notifier else { return Ok(()) };
        let fault =
            |error: io::Error| Fault { errno: error.raw_os_error().unwrap_or_default(), text: error.to_string() };
        notifier.begin_generation(environment, role, now).map_err(fault)
    }

    /// The generation has been forked.
    pub(in crate::supervise::driver) fn generation_starts(&mut self, pid: Pid) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        notifier.starting = Some(pid);
        notifier.generations.extend(notifier.upcoming.take().map(|socket| Generation { pid, socket }));
    }

    /// The generation that was starting will not run the command.
    pub(in crate::supervise::driver) fn start_failed(&mut self) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        notifier.upcoming = None;
        if let Some(pid) = notifier.starting.take() {
            notifier.remove(pid);
        }
    }

    /// The current generation has become ready.
    pub(in crate::supervise::driver) fn report_ready(&mut self) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        notifier.relay.report_ready(self.ports.clock.now(), boot::monotonic());
        self.send_notifications();
    }

    /// The new generation is the current one.
    pub(in crate::supervise::driver) fn hand_over(&mut self) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        notifier.relay.hand_over(self.ports.clock.now(), boot::monotonic());
        self.send_notifications();
    }

    /// A generation is about to get the stop signal.
    pub(in crate::supervise::driver) fn before_stop(&mut self, pid: Pid) {
        self.handle_notifications(pid, |outbox| !outbox.is_full());
        let now = self.ports.clock.now();
        if let Some(notifier) = &mut self.ports.notifier
            && !self.machine.is_ending()
            && self.machine.role(pid) == Role::Current
        {
            notifier.relay.replace(now);
            self.send_notifications();
        }
    }

    /// Handles what a generation has sent, and closes its socket.
    pub(in crate::supervise::driver) fn end_generation(&mut self, pid: Pid) {
        self.handle_notifications(pid, |_| true);
        if let Some(notifier) = &mut self.ports.notifier {
            notifier.remove(pid);
        }
    }

    /// Waits a little for room for the last notifications.
    pub(in crate::supervise::driver) async fn finish_notifications(&mut self) {
        if let Some(notifier) = &mut self.ports.notifier {
            notifier.finish().await;
        }
        self.report_trouble();
    }

    /// Returns when the relay must be woken up.
    pub(in crate::supervise::driver) fn notifier_deadline(&self) -> Option<Duration> {
        self.ports.notifier.as_ref().and_then(|notifier| notifier.relay.deadline())
    }
}
