//! The clock of the server, by the `Date` of its answers.

use crate::sys::boot::boottime;
use crate::sys::clock::wall;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// The `Date` of the last answer: the server's clock, beside the local one.
#[derive(Debug, Clone, Default)]
pub(super) struct ServerDate(Arc<Mutex<Option<Dated>>>);

impl ServerDate {
    /// `sent`: when its request left, by the boot clock.
    pub(super) fn note(&self, response: &HttpResponse, sent: Duration) {
        let date = response.headers().get("date").and_then(|date| {
            aws_smithy_types::DateTime::from_str(date, aws_smithy_types::date_time::Format::HttpDate).ok()
        });
        if let Some(server) = date.and_then(|date| SystemTime::try_from(date).ok()) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Dated { server, sent, ..Dated::now() });
        }
    }

    /// The server's clock less the local one, in whole seconds.
    pub(super) fn skew(&self) -> Option<i64> {
        self.last().map(|dated| dated.skew())
    }

    pub(super) fn last(&self) -> Option<Dated> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment of the server's clock, and the local ones around it. The server wrote it between the request and the
/// answer, and that may be long ago: the answer waited for xassume where that was stopped (^Z), or where the machine slept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dated {
    pub(super) server: SystemTime,
    /// When the request left (boot clock).
    sent: Duration,
    /// When the answer came, by both clocks.
    came: Duration,
    local: SystemTime,
}

impl Dated {
    /// For want of a date: the local clock, now.
    pub(super) fn now() -> Self {
        let (now, local) = (boottime(), wall());
        Self { server: local, sent: now, came: now, local }
    }

    /// The server's clock less the local one, in whole seconds: what the time between request and answer does not explain.
    pub(super) fn skew(&self) -> i64 {
        let way = i64::try_from(self.came.saturating_sub(self.sent).as_secs()).unwrap_or(i64::MAX);
        match difference(self.server, self.local) {
            behind @ ..0 => behind.saturating_add(way).min(0),
            ahead => ahead,
        }
    }

    /// How long ago the server can have written it, at the most.
    pub(super) fn age(&self) -> Duration {
        boottime().saturating_sub(self.sent)
    }
}

/// The first moment less the second, in whole seconds.
fn difference(one: SystemTime, other: SystemTime) -> i64 {
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match one.duration_since(other) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_spent_on_its_way_is_no_difference_of_clocks() {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_hours(480_012);
        let sent = Duration::from_secs(1000);
        // The server's clock, the way and the local clock at its end, in seconds, and the difference that is left.
        for (server, way, local, skew) in [
            (0, 0, 0, 0),
            // It slept for an hour before it read the answer.
            (0, 3600, 3600, 0),
            (1, 3600, 3600, 0),
            // The local clock is an hour ahead, and the answer took ten seconds.
            (0, 10, 3610, -3600),
            // It is an hour behind.
            (3600, 10, 10, 3590),
        ] {
            let at = |seconds| noon + Duration::from_secs(seconds);
            let came = sent + Duration::from_secs(way);
            assert_eq!(Dated { server: at(server), sent, came, local: at(local) }.skew(), skew);
        }
    }
}
