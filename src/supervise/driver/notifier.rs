//! The notification sockets of a supervision: one for each generation of the command, and the service manager's.
//!
//! The rules are in [`crate::supervise::notify`].

use super::{CommandHost, Driver};
use crate::event::RunEvent;
use crate::moment::Now;
use crate::process::signal::Signal;
use crate::process::{ChildChange, Pid, Sender};
use crate::supervise::machine::{CommandInput, Fault, Input};
use crate::supervise::notify::{Notification, Outbox, Relay};
use crate::sys::boot;
use crate::sys::clock::Clock;
use crate::sys::notify::{ManagerSocket, NotifySocket, Received};
use std::ffi::CString;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// The most datagrams that are read before a generation is stopped or its end is handled. More than this many wait only
/// if processes keep sending.
const LAST_READS: usize = 1024;
/// The time after which no more of them are read, because a flood of them must not delay the stop.
const LAST_READS_TIME: Duration = Duration::from_millis(50);
/// At the end, how long xassume waits for room for the last notifications.
const LAST_SENDS: Duration = Duration::from_millis(100);

const VARIABLE: &[u8] = b"NOTIFY_SOCKET=";

/// Relays the notifications of the command to the service manager.
#[derive(Debug)]
pub(crate) struct Notifier {
    relay: Relay<OwnedFd>,
    manager: ManagerSocket,
    /// The directory for the sockets. `None` if there is none, so that their addresses are abstract.
    directory: Option<PathBuf>,
    /// The number of the current generation.
    generation: u64,
    /// The socket of the current generation. `None` between two generations.
    socket: Option<NotifySocket>,
    trouble: Trouble,
}

/// Whether a notification could not be sent.
#[derive(Debug)]
enum Trouble {
    None,
    New(io::Error),
    Reported,
}

impl Notifier {
    /// `watchdog` is the interval of the service's watchdog, or `None` if the service has none. Other users must be able
    /// to reach files in `directory`.
    pub(crate) fn new(
        manager: ManagerSocket,
        directory: Option<PathBuf>,
        watchdog: Option<Duration>,
        stop_timeout: Duration,
    ) -> Self {
        let relay = Relay::new(watchdog, stop_timeout);
        Self { relay, manager, directory, generation: 0, socket: None, trouble: Trouble::None }
    }

    /// Creates the socket of the next generation, and puts its address into the environment of that generation.
    fn begin_generation(&mut self, environment: &mut Vec<CString>, now: Now) -> io::Result<()> {
        self.generation += 1;
        let socket = NotifySocket::bind(self.directory.as_deref(), &format!("notify-{}", self.generation))?;
        environment.retain(|variable| !variable.as_bytes().starts_with(VARIABLE));
        environment.extend(CString::new([VARIABLE, socket.address().as_bytes()].concat()));
        self.socket = Some(socket);
        self.relay.begin_generation(now);
        Ok(())
    }

    /// Returns when all that waited has been sent, or when a datagram of the current generation can be read.
    pub(super) async fn next(notifier: &mut Option<Self>) {
        let Some(Self { relay, manager, socket, trouble, .. }) = notifier else { return pending().await };
        let has_room = !relay.outbox.is_full();
        let is_readable = async {
            match socket {
                Some(socket) if has_room => socket.is_readable().await,
                Some(_) | None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = send_all(manager, &mut relay.outbox, trouble), if relay.outbox.first().is_some() => {}
            () = is_readable => {}
        }
    }

    /// Waits a little for room for the last notifications.
    async fn finish(&mut self) {
        let Self { relay, manager, trouble, .. } = self;
        let _ = tokio::time::timeout(LAST_SENDS, send_all(manager, &mut relay.outbox, trouble)).await;
    }
}

/// Sends waiting datagrams in order, as long as there is room. A datagram that cannot be sent for another reason is
/// dropped with its descriptors.
fn send_some(manager: &mut ManagerSocket, outbox: &mut Outbox<OwnedFd>, trouble: &mut Trouble) {
    while let Some(first) = outbox.first() {
        match manager.send(&first.text, &first.descriptors) {
            Ok(()) => {
                if let Trouble::Reported = trouble {
                    *trouble = Trouble::None;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                if let Trouble::None = trouble {
                    *trouble = Trouble::New(error);
                }
            }
        }
        outbox.remove_first();
    }
}

/// Sends all waiting datagrams. If the future is dropped, the rest waits on.
async fn send_all(manager: &mut ManagerSocket, outbox: &mut Outbox<OwnedFd>, trouble: &mut Trouble) {
    loop {
        send_some(manager, outbox, trouble);
        if outbox.first().is_none() {
            return;
        }
        manager.has_room().await;
    }
}

impl<S, D, H: CommandHost, C: Clock> Driver<'_, S, D, H, C> {
    /// Handles the next datagram of the current generation, if there is one. Returns whether there was one. `refused` has
    /// processes that are known not to belong to the command.
    pub(super) fn handle_notification(&mut self, refused: &mut Vec<Pid>) -> bool {
        let Some(Notifier { socket: Some(socket), relay, .. }) = &mut self.ports.notifier else { return false };
        let Some(waiting) = socket.peek() else { return false };
        let me = nix::unistd::geteuid().as_raw();
        let is_accepted = waiting.sender.is_some_and(|sender| {
            sender.is_accepted(me, |pid| {
                let belongs = !refused.contains(&pid) && self.ports.host.includes(pid);
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
            if relay.receive(notification, self.ports.clock.now(), boot::monotonic()) {
                self.answers.push_back(Input::Command(CommandInput::EndAnnounced));
            }
            self.send_notifications();
        }
        true
    }

    /// Handles the datagrams that the current generation has sent so far, while `goes_on` returns `true`.
    fn handle_notifications(&mut self, goes_on: impl Fn(&Outbox<OwnedFd>) -> bool) {
        let (begun, mut refused) = (boot::monotonic(), Vec::new());
        for _ in 0..LAST_READS {
            let is_possible = self.ports.notifier.as_ref().is_some_and(|notifier| goes_on(&notifier.relay.outbox));
            if !is_possible
                || boot::monotonic().saturating_sub(begun) > LAST_READS_TIME
                || !self.handle_notification(&mut refused)
            {
                return;
            }
        }
    }

    /// Prepares for an input of the machine: what the command sent before its end is handled before the end. Returns
    /// `None` if the machine gets the input later, because it is a HUP for which the command is not ready.
    pub(super) fn before_input(&mut self, input: Input, now: Now) -> Option<Input> {
        if let Input::Command(CommandInput::Changed(ChildChange::Ended(_))) = input {
            self.handle_notifications(|_| true);
        }
        let Some(Notifier { relay, .. }) = &mut self.ports.notifier else { return Some(input) };
        match &input {
            Input::Command(CommandInput::Started(Ok(_))) => relay.started(),
            Input::Command(CommandInput::Signal(arrival))
                if arrival.signal == Signal::HUP && arrival.sender != Sender::Kernel =>
            {
                if relay.hang_up(*arrival, now) {
                    return None;
                }
            }
            Input::Wake => relay.wake(now),
            Input::Command(_) | Input::Session(_) => {}
        }
        Some(input)
    }

    /// Returns a HUP that was held, once the command is ready for it.
    pub(super) fn released_hang_up(&mut self) -> Option<Input> {
        let now = self.ports.clock.now();
        let released = self.ports.notifier.as_mut()?.relay.release_hang_up(now)?;
        Some(Input::Command(CommandInput::Signal(released)))
    }

    /// Reports to the service manager what the machine has decided.
    pub(super) fn after_input(&mut self, now: Now) {
        let Some(notifier) = &mut self.ports.notifier else { return };
        if self.machine.is_ending() {
            notifier.relay.end();
        } else {
            notifier.relay.session_is(self.machine.session_outlook(), now);
        }
        self.send_notifications();
    }

    /// Sends what there is room for. Emits a warning for the first notification that cannot be sent.
    pub(super) fn send_notifications(&mut self) {
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
    pub(super) fn begin_generation(&mut self, environment: &mut Vec<CString>) -> Result<(), Fault> {
        let now = self.ports.clock.now();
        let Some(notifier) = &mut self.ports.notifier else { return Ok(()) };
        let fault =
            |error: io::Error| Fault { errno: error.raw_os_error().unwrap_or_default(), text: error.to_string() };
        notifier.begin_generation(environment, now).map_err(fault)
    }

    /// The command is about to get the stop signal.
    pub(super) fn before_stop(&mut self) {
        self.handle_notifications(|outbox| !outbox.is_full());
        let now = self.ports.clock.now();
        if let Some(notifier) = &mut self.ports.notifier
            && !self.machine.is_ending()
        {
            notifier.relay.replace(now);
            self.send_notifications();
        }
    }

    /// Handles what the current generation has sent, and closes its socket.
    pub(super) fn end_generation(&mut self) {
        self.handle_notifications(|_| true);
        if let Some(notifier) = &mut self.ports.notifier {
            notifier.socket = None;
        }
    }

    /// Waits a little for room for the last notifications.
    pub(super) async fn finish_notifications(&mut self) {
        if let Some(notifier) = &mut self.ports.notifier {
            notifier.finish().await;
        }
        self.report_trouble();
    }

    /// Returns when the relay must be woken up.
    pub(super) fn notifier_deadline(&self) -> Option<Duration> {
        self.ports.notifier.as_ref().and_then(|notifier| notifier.relay.deadline())
    }
}
