//! Sends notifications to the service manager (`sd_notify(3)`).

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::super::datagrams::{address, send};
use super::line;

/// Sends the lines as one datagram, with this many descriptors. A `MONOTONIC_USEC=now` gets the time.
pub(super) fn notify(descriptors: usize, lines: &[&str]) {
    let null = File::open("/dev/null").expect("there is /dev/null");
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).expect("there is a clock");
    let text = lines.join("\n").replace("MONOTONIC_USEC=now", &format!("MONOTONIC_USEC={}", now.as_micros()));
    send_to_manager(&text, &vec![null.as_fd(); descriptors]);
}

/// Sends `READY=1`, and waits until it was received.
pub(super) fn ready() {
    notify(0, &["READY=1"]);
    barrier(1);
}

/// Sends a barrier with this many descriptors, and waits until all of them are closed.
pub(super) fn barrier(descriptors: usize) {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    send_to_manager("BARRIER=1", &vec![writer.as_fd(); descriptors]);
    drop(writer);
    let _ = reader.read(&mut [0]);
    line("barrier");
}

fn send_to_manager(text: &str, descriptors: &[std::os::fd::BorrowedFd<'_>]) {
    let value = std::env::var_os("NOTIFY_SOCKET").expect("NOTIFY_SOCKET is set");
    if let Err(error) = send(&address(&value), text.as_bytes(), descriptors, true) {
        line(&format!("cannot notify: {error}"));
    }
}
