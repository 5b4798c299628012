//! The bounded queue of messages for standard error.
//!
//! Messages that do not fit are dropped and counted. As soon as half of the queue is free again, one message reports
//! how many were dropped. Until then, all further messages are dropped, so that a slow reader does not get many
//! reports.

use std::collections::VecDeque;

/// The maximum number of bytes in the queue, including `OVERHEAD` for each message.
const LIMIT: usize = 64 * 1024;
/// The bytes that the allocator and the queue need for one message, rounded up.
const OVERHEAD: usize = 64;

pub(super) struct Message {
    pub(super) bytes: Box<[u8]>,
    /// Whether SIGTTOU is blocked while the message is written, as for the progress line (see `screen::undisturbed`).
    pub(super) undisturbed: bool,
}

pub(super) struct Queue {
    messages: VecDeque<Message>,
    /// The number of bytes of the messages in the queue and of the message that is being written.
    bytes: usize,
    /// The number of messages that were dropped and have not been reported yet.
    dropped: u32,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { messages: VecDeque::new(), bytes: 0, dropped: 0 }
    }

    /// Checks whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Removes the message to write next and returns it, or returns `None` if there is no message. After writing, the
    /// caller must call [`Self::written`].
    pub(super) fn next(&mut self) -> Option<Message> {
        self.messages.pop_front()
    }

    /// Adds a message, or drops it if it does not fit or if dropped messages must be reported first.
    pub(super) fn push(&mut self, bytes: &[u8], undisturbed: bool, notice: impl FnOnce(u32) -> Option<String>) {
        self.give_notice(notice);
        // If the queue is empty, a message of any length fits.
        let room = self.bytes == 0 || self.bytes + cost(bytes) <= LIMIT;
        if self.dropped == 0 && room {
            self.add(bytes.into(), undisturbed);
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    /// Records that a message from [`Self::next`] has been written.
    pub(super) fn written(&mut self, message: &Message, notice: impl FnOnce(u32) -> Option<String>) {
        self.bytes -= cost(&message.bytes);
        self.give_notice(notice);
    }

    fn give_notice(&mut self, notice: impl FnOnce(u32) -> Option<String>) {
        if self.dropped == 0 || self.bytes > LIMIT / 2 {
            return;
        }
        if let Some(text) = notice(self.dropped) {
            self.add(text.into_bytes().into(), false);
        }
        self.dropped = 0;
    }

    fn add(&mut self, bytes: Box<[u8]>, undisturbed: bool) {
        self.bytes += cost(&bytes);
        self.messages.push_back(Message { bytes, undisturbed });
    }
}

fn cost(message: &[u8]) -> usize {
    message.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count_of(dropped: u32) -> String {
        format!("{dropped} dropped")
    }

    fn push(queue: &mut Queue, message: &str) {
        queue.push(message.as_bytes(), false, |dropped| Some(count_of(dropped)));
    }

    fn push_all(queue: &mut Queue, messages: &[&str]) {
        for message in messages {
            push(queue, message);
        }
    }

    /// Writes the first message, and returns it.
    fn write(queue: &mut Queue) -> Option<String> {
        let message = queue.next()?;
        queue.written(&message, |dropped| Some(count_of(dropped)));
        Some(String::from_utf8(message.bytes.into()).expect("text"))
    }

    fn all(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| write(queue)).collect()
    }

    #[test]
    fn messages_keep_their_order() {
        let mut queue = Queue::new();
        push_all(&mut queue, &["a", "b", "c"]);
        assert_eq!(write(&mut queue).as_deref(), Some("a"));
        push(&mut queue, "d");
        assert_eq!(all(&mut queue), ["b", "c", "d"]);
        assert_eq!((queue.bytes, queue.dropped), (0, 0));
    }

    #[test]
    fn dropped_messages_are_counted_at_their_place() {
        let mut queue = Queue::new();
        let long = "x".repeat(LIMIT / 4 - OVERHEAD);
        (0..4).for_each(|_| push(&mut queue, &long));
        push_all(&mut queue, &["lost", "too"]);
        write(&mut queue);
        // There is room for the message, but less than half of the queue is free. The message is dropped to keep the
        // order.
        push(&mut queue, "and this");
        write(&mut queue);
        push(&mut queue, "kept");
        assert_eq!(all(&mut queue), [&long, &long, "3 dropped", "kept"]);
        assert_eq!((queue.bytes, queue.dropped), (0, 0));
    }

    #[test]
    fn the_count_needs_no_further_message() {
        let mut queue = Queue::new();
        push(&mut queue, &"x".repeat(LIMIT));
        let message = queue.next().expect("one alone has room");
        // The first message is still being written, so it still counts.
        push(&mut queue, "lost");
        queue.written(&message, |dropped| Some(count_of(dropped)));
        assert_eq!(all(&mut queue), ["1 dropped"]);
    }

    #[test]
    fn short_messages_do_not_take_memory_without_bound() {
        let mut queue = Queue::new();
        (0..LIMIT).for_each(|_| push(&mut queue, "x"));
        assert!(queue.messages.len() <= LIMIT / OVERHEAD, "{}", queue.messages.len());
    }

    #[test]
    fn an_unwanted_count_is_dropped() {
        let mut queue = Queue::new();
        push(&mut queue, &"x".repeat(LIMIT));
        push(&mut queue, "lost");
        let message = queue.next().expect("one alone has room");
        queue.written(&message, |_| None);
        push(&mut queue, "kept");
        assert_eq!(all(&mut queue), ["kept"]);
    }
}
