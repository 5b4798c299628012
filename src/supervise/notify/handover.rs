//! The notifications of two generations. Only those of the current generation change the state of the service.

use super::lines::name_and_value;
use super::{Course, Readiness, Relay};
use crate::moment::Now;
use std::time::Duration;

/// What a generation is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Current,
    /// It was started beside the current one, and is not ready yet.
    Successor,
    /// It is being stopped beside the current one.
    Leaving,
}

/// What a datagram means for the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    Nothing,
    /// The current generation has announced its end, so it must not be replaced.
    Ending,
    /// The successor is ready, or the current generation has sent `READY=1`.
    Ready,
}

impl<D> Relay<D> {
    /// Handles the lines of a datagram of a generation beside the current one. Lines about the state of the service count
    /// only from the current generation.
    pub(super) fn receive_beside(&mut self, role: Role, lines: &[&[u8]], descriptors: Vec<D>, now: Now) -> Heard {
        let (mut kept, mut heard) = (Vec::new(), Heard::Nothing);
        for line in lines {
            match name_and_value(line) {
                (
                    b"MAINPID" | b"MAINPIDFD" | b"MAINPIDFDID" | b"NOTIFYACCESS" | b"STOPPING" | b"RELOADING"
                    | b"MONOTONIC_USEC" | b"WATCHDOG",
                    Some(_),
                ) => {}
                (b"READY", Some(value)) => {
                    if role == Role::Successor && value == b"1" {
                        heard = Heard::Ready;
                    }
                }
                (b"STATUS", Some(value)) => {
                    if role == Role::Successor {
                        self.next_status = value.to_vec();
                    }
                }
                (b"WATCHDOG_USEC", Some(value)) => {
                    if role == Role::Successor {
                        self.next_interval = Some(value.to_vec());
                    }
                }
                _ => kept.push(line.to_vec()),
            }
        }
        self.send(kept, None, descriptors, now);
        heard
    }

    /// The successor is ready, and is the current generation from now on.
    pub(crate) fn hand_over(&mut self, now: Now, monotonic: Duration) {
        if self.course != Course::Running {
            return;
        }
        if let Some(interval) = self.next_interval.take() {
            self.watchdog.set_interval(&interval);
            self.send_line(&[b"WATCHDOG_USEC=", &interval[..]].concat());
        }
        self.leave_to_next(now);
        let status = std::mem::take(&mut self.next_status);
        if self.status.set_text(&status) {
            self.send(Vec::new(), Some(0), Vec::new(), now);
        }
        let ready = self.ready(false, monotonic);
        self.send(ready, None, Vec::new(), now);
    }

    /// The current generation has become ready, which it has not sent itself.
    pub(crate) fn report_ready(&mut self, now: Now, monotonic: Duration) {
        let is_reloading = self.readiness == Readiness::Reloading && !self.owes_reload;
        if self.course == Course::Running && !is_reloading {
            let ready = self.ready(false, monotonic);
            self.send(ready, None, Vec::new(), now);
        }
    }
}
