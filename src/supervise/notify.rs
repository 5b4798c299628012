//! The relay for notifications (`sd_notify(3)`): decides which lines of the command's datagrams reach the service
//! manager.
//!
//! By default, a service manager accepts only the notifications that the main process of the service sent, and that
//! process is xassume. So xassume receives the command's notifications on its own sockets and sends them on. Each
//! *generation*, which is one start of the command, has its own socket.
//!
//! All is pure. The type parameter `D` is a file descriptor, which is closed when it is dropped.

mod handover;
mod hang_up;
mod lines;
mod outbox;
mod status;
mod watchdog;

pub(crate) use handover::{Heard, Role};
pub(crate) use outbox::{Notification, Outbox};
pub(crate) use status::SessionOutlook;

use crate::moment::Now;
use crate::process::{Arrival, Pid};
use crate::sys::notify::MAX_BYTES;
use crate::vars::Vars;
use hang_up::HeldHangUp;
use lines::{lines, name_and_value};
use status::Status;
use std::time::Duration;
use watchdog::Watchdog;

/// More than the number of bytes that a reported reload adds to `READY=1`.
const RELOAD_BYTES: usize = 64;
/// If the command is stopped for a restart within this time after HUP, and has not sent `RELOADING=1` since, the new
/// generation completes the reload.
const RELOAD_ANSWER: Duration = Duration::from_secs(5);

/// Returns the watchdog interval of the service whose main process is `me`. Returns `None` if the service manager expects
/// no watchdog messages from that process.
pub(crate) fn watchdog_interval(vars: &Vars, me: Pid) -> Option<Duration> {
    let is_ours = vars.text("WATCHDOG_PID").is_none_or(|pid| pid == me.to_string());
    watchdog::interval(vars.text("WATCHDOG_USEC")?).filter(|_| is_ours)
}

/// The state of the relay, and the datagrams that the service manager has not received yet.
#[derive(Debug)]
pub(crate) struct Relay<D> {
    pub(crate) outbox: Outbox<D>,
    status: Status,
    watchdog: Watchdog,
    readiness: Readiness,
    course: Course,
    held_hang_up: HeldHangUp,
    /// When HUP was last forwarded, by the boot clock. `None` if the command has sent `RELOADING=1` since.
    hung_up_at: Option<Duration>,
    /// Whether the service manager waits for a reload that only the next generation can complete.
    owes_reload: bool,
    /// The status of the successor, which is shown once it is the current generation.
    next_status: Vec<u8>,
    /// The watchdog interval that the successor has set, which counts from then on. `None` if it has set none.
    next_interval: Option<Vec<u8>>,
    ready_timeout: Duration,
}

/// The last state of the service that was sent to the service manager.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Readiness {
    /// `READY=1` was never sent.
    Starting,
    Ready,
    /// `RELOADING=1` was sent after `READY=1`.
    Reloading,
}

/// What xassume does with the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Course {
    Running,
    /// xassume is stopping the command for a restart, or the new generation has not started yet.
    Replacing,
    /// `STOPPING=1` was sent. The command is not started again.
    Ending,
}

impl<D> Relay<D> {
    /// Creates the relay for a service whose watchdog has this interval. `None` means that the service has no watchdog.
    pub(crate) fn new(watchdog: Option<Duration>, stop_timeout: Duration, ready_timeout: Duration) -> Self {
        Self {
            outbox: Outbox::default(),
            status: Status::default(),
            watchdog: Watchdog::new(watchdog, stop_timeout.saturating_add(ready_timeout)),
            readiness: Readiness::Starting,
            course: Course::Running,
            held_hang_up: HeldHangUp::default(),
            hung_up_at: None,
            owes_reload: false,
            next_status: Vec::new(),
            next_interval: None,
            ready_timeout,
        }
    }

    /// Handles a datagram of a generation, and returns what it means for the command.
    ///
    /// A datagram that systemd would ignore is ignored. `monotonic` is the time by `CLOCK_MONOTONIC`.
    pub(crate) fn receive(&mut self, role: Role, received: Notification<D>, now: Now, monotonic: Duration) -> Heard {
        let Notification { text, descriptors } = received;
        let lines = self.lines_to_handle(&text);
        if lines.contains(&&b"BARRIER=1"[..]) {
            if lines.len() == 1 && descriptors.len() == 1 {
                self.send(vec![lines[0].to_vec()], None, descriptors, now);
            }
            return Heard::Nothing;
        }
        if role != Role::Current {
            return self.receive_beside(role, &lines, descriptors, now);
        }
        let reloads = lines.contains(&&b"RELOADING=1"[..]);
        if reloads {
            self.hung_up_at = None;
            if self.readiness == Readiness::Ready {
                self.readiness = Readiness::Reloading;
            }
        }
        let (mut kept, mut status_at, mut heard) = (Vec::new(), None, Heard::Nothing);
        for line in lines {
            match name_and_value(line) {
                // The main process is xassume, and xassume's unit says who may send notifications.
                (b"MAINPID" | b"MAINPIDFD" | b"MAINPIDFDID" | b"NOTIFYACCESS", Some(_)) => {}
                (b"READY", Some(b"1")) => {
                    heard = if heard == Heard::Ending { heard } else { Heard::Ready };
                    let ready = self.ready(reloads, monotonic);
                    if ready.len() < 2 || text.len() + RELOAD_BYTES <= MAX_BYTES {
                        kept.extend(ready);
                    } else {
                        self.send(ready, None, Vec::new(), now);
                    }
                }
                (b"STOPPING", Some(b"1")) => {
                    if self.course == Course::Running {
                        (self.course, heard) = (Course::Ending, Heard::Ending);
                        kept.push(line.to_vec());
                    }
                }
                (b"STATUS", Some(value)) if status_at.is_none() => {
                    self.status.set_text(value);
                    status_at = Some(kept.len());
                }
                (b"WATCHDOG", Some(b"1")) => {
                    if self.course != Course::Replacing {
                        self.watchdog.pinged();
                    }
                    kept.push(line.to_vec());
                }
                (b"WATCHDOG_USEC", Some(value)) => {
                    self.watchdog.set_interval(value);
                    kept.push(line.to_vec());
                }
                _ => kept.push(line.to_vec()),
            }
        }
        self.send(kept, status_at, descriptors, now);
        heard
    }

    /// Returns the lines of a text. Once `STOPPING=1` was sent, leaves out those with which the service manager would take
    /// the service for one that runs.
    fn lines_to_handle<'a>(&self, text: &'a [u8]) -> Vec<&'a [u8]> {
        let mut lines = lines(text);
        lines.retain(|line| self.course != Course::Ending || !matches!(*line, b"READY=1" | b"RELOADING=1"));
        lines
    }

    /// Returns the lines for `READY=1` of the command: none if it does not count. If the previous generation was
    /// stopped during a reload, the lines report that whole reload.
    fn ready(&mut self, reloads: bool, monotonic: Duration) -> Vec<Vec<u8>> {
        self.held_hang_up.ready();
        let completes_reload = std::mem::take(&mut self.owes_reload);
        if self.readiness == Readiness::Ready && !completes_reload {
            return Vec::new();
        }
        self.readiness = Readiness::Ready;
        let mut lines = Vec::new();
        if completes_reload && !reloads {
            lines = vec![b"RELOADING=1".to_vec(), format!("MONOTONIC_USEC={}", monotonic.as_micros()).into_bytes()];
        }
        lines.push(b"READY=1".to_vec());
        lines
    }

    /// Sends lines as one datagram, with the status as line number `status_at`.
    fn send(&mut self, mut lines: Vec<Vec<u8>>, status_at: Option<usize>, descriptors: Vec<D>, now: Now) {
        if let Some(at) = status_at {
            let others: usize = lines.iter().map(|line| line.len() + 1).sum();
            lines.splice(at..at, self.status.line(now, MAX_BYTES.saturating_sub(others)));
        }
        if !lines.is_empty() {
            self.outbox.push(Notification { text: lines.join(&b'\n'), descriptors });
        }
    }

    fn send_line(&mut self, line: &[u8]) {
        self.outbox.push(Notification { text: line.to_vec(), descriptors: Vec::new() });
    }

    /// Reports the state of the session, if it has changed. `None` means that the session does not expire.
    pub(crate) fn session_is(&mut self, state: Option<SessionOutlook>, now: Now) {
        if self.status.set_session(state) {
            self.send(Vec::new(), Some(0), Vec::new(), now);
        }
    }

    /// A new generation is about to be forked, and has not sent anything yet.
    pub(crate) fn begin_generation(&mut self, role: Role, now: Now) {
        self.next_status.clear();
        self.next_interval = None;
        if role != Role::Current {
            return;
        }
        if self.readiness != Readiness::Starting {
            self.held_hang_up.begin(now.boot, self.ready_timeout);
        }
        if self.status.set_text(b"") {
            self.send(Vec::new(), Some(0), Vec::new(), now);
        }
    }

    /// The new generation runs the command.
    pub(crate) fn started(&mut self) {
        if self.course == Course::Replacing {
            self.course = Course::Running;
        }
    }

    /// xassume is about to stop the current generation for a restart.
    pub(crate) fn replace(&mut self, now: Now) {
        if self.course != Course::Running {
            return;
        }
        self.course = Course::Replacing;
        self.leave_to_next(now);
    }

    /// The current generation is replaced: the next one completes its reload, and xassume sends watchdog messages.
    fn leave_to_next(&mut self, now: Now) {
        let recent = |at: Duration| now.boot.saturating_sub(at) <= RELOAD_ANSWER;
        let unanswered = self.hung_up_at.take().is_some_and(recent) && self.readiness == Readiness::Ready;
        let held = self.held_hang_up.discard();
        self.owes_reload |= unanswered || held || self.readiness == Readiness::Reloading;
        self.watchdog.bridge(now.boot);
        self.wake(now);
    }

    /// HUP has arrived, with which a service manager asks the service to reload its configuration. Returns whether it
    /// must be held until [`Self::release_hang_up`] returns it.
    pub(crate) fn hang_up(&mut self, arrival: Arrival, now: Now) -> bool {
        if self.course == Course::Replacing {
            self.owes_reload |= self.readiness != Readiness::Starting;
            return false;
        }
        let is_held = self.held_hang_up.hold(arrival, now.boot);
        self.hung_up_at = (!is_held).then_some(now.boot);
        is_held
    }

    /// Records that HUP has requested a reload from xassume itself. The next [`Self::report_ready`] reports that the
    /// reload is complete.
    pub(crate) fn owe_reload(&mut self) {
        self.owes_reload = true;
    }

    /// Returns a HUP that need not be held any longer.
    pub(crate) fn release_hang_up(&mut self, now: Now) -> Option<Arrival> {
        self.held_hang_up.release(now.boot)
    }

    /// It is decided that the command will not run again.
    pub(crate) fn end(&mut self) {
        if self.course != Course::Ending {
            self.course = Course::Ending;
            self.send_line(b"STOPPING=1");
        }
    }

    /// Sends a watchdog message in place of the command, if one is due.
    pub(crate) fn wake(&mut self, now: Now) {
        if self.watchdog.wake(now.boot) {
            self.send_line(b"WATCHDOG=1");
        }
    }

    /// Returns when [`Self::wake`] and [`Self::release_hang_up`] must be called, by the boot clock.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.watchdog.deadline().into_iter().chain(self.held_hang_up.deadline()).min()
    }
}

#[cfg(test)]
mod tests;
