//! The watchdog of the service manager during a restart, in which the command cannot send watchdog messages.
//!
//! If the stopped generation had sent watchdog messages, xassume sends them from the stop signal until the first one of
//! the new generation. There is a time limit, so that a new generation that hangs is found.

use std::time::Duration;

/// The shortest time between two messages, whatever interval the command sets (`WATCHDOG_USEC=`).
const MIN_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Watchdog {
    /// The service manager acts if no message arrives in this time. `None` if it expects none.
    interval: Option<Duration>,
    /// Whether the current generation has sent a message.
    has_pinged: bool,
    bridge: Option<Bridge>,
    limit: Duration,
}

/// The messages that xassume sends. All times are those of the boot clock.
#[derive(Clone, Copy, Debug)]
struct Bridge {
    next: Duration,
    until: Duration,
}

impl Watchdog {
    /// `limit` is how long xassume sends messages for a new generation.
    pub(super) fn new(interval: Option<Duration>, limit: Duration) -> Self {
        Self { interval, has_pinged: false, bridge: None, limit }
    }

    /// The current generation has sent a message.
    pub(super) fn pinged(&mut self) {
        (self.has_pinged, self.bridge) = (true, None);
    }

    /// Handles the value of `WATCHDOG_USEC=`, with which a service changes the interval.
    pub(super) fn set_interval(&mut self, microseconds: &[u8]) {
        if let Some(new) = str::from_utf8(microseconds).ok().and_then(interval) {
            self.interval = Some(new);
        }
    }

    /// The current generation is about to be stopped for a restart.
    pub(super) fn bridge(&mut self, now: Duration) {
        if std::mem::take(&mut self.has_pinged) && self.interval.is_some() {
            self.bridge = Some(Bridge { next: now, until: now.saturating_add(self.limit) });
        }
    }

    /// Returns whether a message is due now.
    pub(super) fn wake(&mut self, now: Duration) -> bool {
        let (Some(interval), Some(bridge)) = (self.interval, self.bridge) else { return false };
        if now < bridge.next {
            return false;
        }
        let next = now.saturating_add((interval / 2).max(MIN_PAUSE));
        self.bridge = (now < bridge.until).then_some(Bridge { next, ..bridge });
        self.bridge.is_some()
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.bridge.map(|bridge| bridge.next)
    }
}

/// Reads an interval in microseconds. Returns `None` if it is not a positive number.
pub(super) fn interval(microseconds: &str) -> Option<Duration> {
    microseconds.parse().ok().filter(|number| *number > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn watchdog() -> Watchdog {
        Watchdog::new(Some(20 * SECOND), 90 * SECOND)
    }

    /// Returns the times of the messages in seconds.
    fn messages(watchdog: &mut Watchdog) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(at) = watchdog.deadline() {
            assert!(!watchdog.wake(at.saturating_sub(SECOND / 1000)), "a message is never early");
            times.extend(watchdog.wake(at).then_some(at.as_secs()));
        }
        times
    }

    #[test]
    fn a_restart_is_bridged_at_half_the_interval_up_to_the_limit() {
        let mut watchdog = watchdog();
        watchdog.pinged();
        watchdog.bridge(100 * SECOND);
        assert_eq!(messages(&mut watchdog), [100, 110, 120, 130, 140, 150, 160, 170, 180]);
        watchdog.bridge(200 * SECOND);
        assert!(messages(&mut watchdog).is_empty(), "the generation before has sent no message");
    }

    #[test]
    fn the_first_message_of_the_new_generation_ends_the_bridge() {
        let mut watchdog = watchdog();
        watchdog.pinged();
        watchdog.bridge(100 * SECOND);
        assert!(watchdog.wake(100 * SECOND));
        watchdog.pinged();
        assert_eq!((watchdog.deadline(), watchdog.wake(110 * SECOND)), (None, false));
    }

    #[test]
    fn the_command_can_change_the_interval() {
        let mut watchdog = watchdog();
        for (value, next) in [("4000000", 2), ("0", 2), ("x", 2), ("-1", 2), ("6000000", 3)] {
            watchdog.set_interval(value.as_bytes());
            watchdog.pinged();
            watchdog.bridge(100 * SECOND);
            watchdog.wake(100 * SECOND);
            assert_eq!(watchdog.deadline(), Some((100 + next) * SECOND), "{value}");
        }
        watchdog.set_interval(b"1");
        watchdog.bridge(100 * SECOND);
        watchdog.pinged();
        watchdog.bridge(100 * SECOND);
        assert!(watchdog.wake(100 * SECOND));
        assert_eq!(watchdog.deadline(), Some(100 * SECOND + MIN_PAUSE));
    }

    #[test]
    fn without_a_watchdog_nothing_is_sent() {
        let mut watchdog = Watchdog::new(None, SECOND);
        watchdog.pinged();
        watchdog.bridge(SECOND);
        assert_eq!((watchdog.deadline(), watchdog.wake(SECOND)), (None, false));
    }
}
