//! The datagrams that wait until the service manager reads its socket. All of them are sent in order. If a datagram has
//! only a status or a watchdog message, it replaces an older one that is still waiting.

use crate::sys::notify::MAX_DESCRIPTORS;
use std::collections::VecDeque;

/// While this many datagrams wait, no more are read from the command, so the command waits too.
const FULL: usize = 16;

/// A datagram: lines of the form `NAME=value`, and file descriptors.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Notification<D> {
    pub(crate) text: Vec<u8>,
    pub(crate) descriptors: Vec<D>,
}

/// The datagrams that wait, in order.
#[derive(Debug)]
pub(crate) struct Outbox<D>(VecDeque<Notification<D>>);

impl<D> Default for Outbox<D> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<D> Outbox<D> {
    pub(super) fn push(&mut self, new: Notification<D>) {
        let waiting: usize = self.0.iter().map(|old| old.descriptors.len()).sum();
        // Not more than one datagram can have, because xassume needs descriptors itself.
        if waiting + new.descriptors.len() > MAX_DESCRIPTORS {
            return;
        }
        if let Some(new) = newest_only(&new) {
            self.0.retain(|old| !newest_only(old).is_some_and(|old| old.is_covered_by(new)));
        }
        self.0.push_back(new);
    }

    pub(crate) fn first(&self) -> Option<&Notification<D>> {
        self.0.front()
    }

    pub(crate) fn remove_first(&mut self) {
        self.0.pop_front();
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= FULL || self.0.iter().any(|waiting| !waiting.descriptors.is_empty())
    }
}

/// The contents of a datagram of which only the newest is needed.
#[derive(Clone, Copy)]
struct NewestOnly {
    status: bool,
    watchdog: bool,
}

impl NewestOnly {
    fn is_covered_by(self, newer: Self) -> bool {
        (newer.status || !self.status) && (newer.watchdog || !self.watchdog)
    }
}

/// Returns `None` if each datagram of this kind must be sent.
fn newest_only<D>(notification: &Notification<D>) -> Option<NewestOnly> {
    let mut contents = NewestOnly { status: false, watchdog: false };
    for line in notification.text.split(|byte| *byte == b'\n') {
        match line {
            b"WATCHDOG=1" => contents.watchdog = true,
            line if line.starts_with(b"STATUS=") => contents.status = true,
            _ => return None,
        }
    }
    notification.descriptors.is_empty().then_some(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(outbox: &Outbox<u32>) -> Vec<&str> {
        outbox.0.iter().map(|waiting| std::str::from_utf8(&waiting.text).unwrap()).collect()
    }

    fn push(outbox: &mut Outbox<u32>, text: &str, descriptors: usize) {
        outbox.push(Notification { text: text.into(), descriptors: vec![0; descriptors] });
    }

    #[test]
    fn only_the_newest_status_and_watchdog_message_wait() {
        let mut outbox = Outbox::default();
        for text in ["STATUS=1", "WATCHDOG=1", "READY=1", "WATCHDOG=1\nSTATUS=2", "STATUS=3", "X=1", "STATUS=4"] {
            push(&mut outbox, text, 0);
        }
        assert_eq!(waiting(&outbox), ["READY=1", "WATCHDOG=1\nSTATUS=2", "X=1", "STATUS=4"]);
        push(&mut outbox, "WATCHDOG=1\nSTATUS=5", 0);
        assert_eq!(waiting(&outbox), ["READY=1", "X=1", "WATCHDOG=1\nSTATUS=5"]);
        push(&mut outbox, "WATCHDOG=trigger", 0);
        push(&mut outbox, "STATUS=6", 1);
        push(&mut outbox, "WATCHDOG=1\nSTATUS=7", 0);
        assert_eq!(waiting(&outbox)[2..], ["WATCHDOG=trigger", "STATUS=6", "WATCHDOG=1\nSTATUS=7"]);
    }

    #[test]
    fn a_message_is_replaced_only_if_a_newer_one_has_all_its_contents() {
        let kinds = ["STATUS=1", "WATCHDOG=1", "WATCHDOG=1\nSTATUS=1"];
        let replaced = kinds.map(|newer| {
            kinds.map(|older| {
                let mut outbox = Outbox::default();
                push(&mut outbox, older, 0);
                push(&mut outbox, newer, 0);
                waiting(&outbox) == [newer]
            })
        });
        assert_eq!(replaced, [[true, false, false], [false, true, false], [true; 3]]);
    }

    #[test]
    fn a_cleared_outbox_is_empty() {
        let mut outbox = Outbox::default();
        push(&mut outbox, "READY=1", 1);
        outbox.clear();
        assert_eq!(outbox.first(), None);
        assert!(!outbox.is_full());
    }

    #[test]
    fn messages_and_descriptors_that_wait_are_limited() {
        let mut outbox = Outbox::default();
        for _ in 1..FULL {
            push(&mut outbox, "X=1", 0);
        }
        assert!(!outbox.is_full());
        push(&mut outbox, "X=1", 0);
        assert!(outbox.is_full());
        let mut outbox = Outbox::default();
        push(&mut outbox, "FDSTORE=1", 200);
        assert!(outbox.is_full());
        push(&mut outbox, "FDSTORE=1\nFDNAME=dropped", 54);
        push(&mut outbox, "FDSTORE=1", 53);
        assert_eq!(waiting(&outbox), ["FDSTORE=1", "FDSTORE=1"]);
    }
}
