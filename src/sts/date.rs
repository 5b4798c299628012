//! The server's clock, read from the `Date` header of its answers.

use crate::session::{Validity, difference};
use crate::sys::boot::boottime;
use crate::sys::clock::wall;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The `Date` of the last answer, if there was an answer.
#[derive(Debug, Clone, Default)]
pub(super) struct ServerDate(Arc<Mutex<Option<Dated>>>);

impl ServerDate {
    /// Stores the `Date` of a response. `sent` is the time at which the request was sent (boot clock).
    pub(super) fn note(&self, response: &HttpResponse, sent: Duration) {
        let date = response.headers().get("date").and_then(|date| {
            aws_smithy_types::DateTime::from_str(date, aws_smithy_types::date_time::Format::HttpDate).ok()
        });
        if let Some(server) = date.and_then(|date| SystemTime::try_from(date).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Dated { server, sent, ..Dated::now() });
        }
    }

    /// Returns the server's clock minus the local clock, in whole seconds. Returns `None` if no answer with a `Date`
    /// has been received.
    pub(super) fn skew(&self) -> Option<i64> {
        self.dated().map(|dated| dated.skew())
    }

    /// Returns the date of the last answer. Returns the local time if there was no answer with a date.
    pub(super) fn last(&self) -> Dated {
        self.dated().unwrap_or_else(Dated::now)
    }

    fn dated(&self) -> Option<Dated> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A `Date` from the server, with the local times at which the request was sent and the answer was read. The server
/// read its clock between these two local times. Much time may have passed between them, for example because xassume
/// was stopped (^Z) or the host was suspended before the answer was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated {
    pub(super) server: SystemTime,
    /// When the request was sent (boot clock).
    sent: Duration,
    /// The time at which the answer was read. `read` is the boot clock at that time, and `local` is the wall clock.
    read: Duration,
    local: SystemTime,
}

impl Dated {
    /// Returns the local time, which is used if there is no `Date` from the server.
    pub(super) fn now() -> Self {
        let (now, local) = (boottime(), wall());
        Self { server: local, sent: now, read: now, local }
    }

    /// Returns the server's clock minus the local clock, in whole seconds. If the server's clock seems to be behind,
    /// the difference is reduced by the time between request and answer, because that time may be the only reason for
    /// the difference.
    pub(super) fn skew(&self) -> i64 {
        let elapsed = i64::try_from(self.read.saturating_sub(self.sent).as_secs()).unwrap_or(i64::MAX);
        match difference(self.server, self.local) {
            behind @ ..0 => behind.saturating_add(elapsed).min(0),
            ahead => ahead,
        }
    }

    /// Returns how old the server's `Date` can be at most. The server cannot have read its clock before the request was
    /// sent.
    pub(super) fn age(&self) -> Duration {
        boottime().saturating_sub(self.sent)
    }

    /// Returns the validity of keys that expire at `expiration`. No time is left if the keys have expired.
    pub(super) fn validity(&self, expiration: SystemTime) -> Validity {
        let lifetime = expiration.duration_since(self.server).unwrap_or_default();
        Validity { expiration, left: lifetime.saturating_sub(self.age()), lifetime, skew_secs: self.skew() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_until_an_answer_is_read_is_not_a_difference_of_clocks() {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_hours(480_012);
        let sent = Duration::from_secs(1000);
        // In seconds: the server's clock, the time from the request to the answer, the local clock when the answer was
        // read, and the expected skew.
        for (server, elapsed, local, skew) in [
            (0, 0, 0, 0),
            // The host was suspended for an hour before the answer was read.
            (0, 3600, 3600, 0),
            (1, 3600, 3600, 0),
            // The local clock is an hour ahead, and the answer took ten seconds.
            (0, 10, 3610, -3600),
            // The local clock is an hour behind.
            (3600, 10, 10, 3590),
        ] {
            let at = |seconds| noon + Duration::from_secs(seconds);
            let read = sent + Duration::from_secs(elapsed);
            assert_eq!(Dated { server: at(server), sent, read, local: at(local) }.skew(), skew);
        }
    }
}
