//! The status line: what the command says about itself, and then the state of the session.

use crate::moment::{Deadline, Now};
use std::time::{SystemTime, UNIX_EPOCH};

/// When a session expires and when it will be refreshed, for the status line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SessionOutlook {
    /// The expiry by the local clock.
    pub(crate) expires: SystemTime,
    /// Whether the expiry was reported, which happens only if the session was not refreshed in time.
    pub(crate) has_expired: bool,
    /// When the next refresh is due. `None` if there is none.
    pub(crate) refresh: Option<Deadline>,
    /// Whether the last refresh failed.
    pub(crate) is_failing: bool,
}

#[derive(Default, Debug)]
pub(super) struct Status {
    text: String,
    session: Option<SessionOutlook>,
}

impl Status {
    /// Sets the text of the command. Returns whether it has changed. A text that is not UTF-8 counts as empty, because
    /// systemd would ignore the line.
    pub(super) fn set_text(&mut self, text: &[u8]) -> bool {
        let text = str::from_utf8(text).unwrap_or_default();
        let changed = self.text != text;
        text.clone_into(&mut self.text);
        changed
    }

    /// Sets the state of the session. Returns whether it has changed.
    pub(super) fn set_session(&mut self, state: Option<SessionOutlook>) -> bool {
        std::mem::replace(&mut self.session, state) != state
    }

    /// Returns the line in at most `room` bytes, or `None` if there is no room. If necessary, the text of the command is
    /// cut, and only then the state of the session.
    pub(super) fn line(&self, now: Now, room: usize) -> Option<Vec<u8>> {
        const NAME: &str = "STATUS=";
        let room = room.checked_sub(NAME.len())?;
        let session = self.session.map(|session| session.text(now)).unwrap_or_default();
        let separator = if self.text.is_empty() || session.is_empty() { "" } else { "; " };
        let text = cut(&self.text, room.saturating_sub(separator.len() + session.len()));
        let value = format!("{text}{separator}{session}");
        Some(format!("{NAME}{}", cut(&value, room)).into_bytes())
    }
}

/// Returns as much of the beginning of a text as fits into `room` bytes.
fn cut(text: &str, room: usize) -> &str {
    &text[..text.floor_char_boundary(room)]
}

impl SessionOutlook {
    fn text(self, now: Now) -> String {
        let end = if self.has_expired { "expired at" } else { "until" };
        let refresh = match self.refresh {
            None => String::new(),
            Some(due) => {
                let what = if self.is_failing { "refresh failing, next attempt" } else { "next refresh" };
                // A deadline without a wall time is by the boot clock only.
                let at = due.wall.unwrap_or_else(|| now.wall + due.boot.saturating_sub(now.boot));
                format!(", {what} {}", time_of_day(at))
            }
        };
        format!("session {end} {}{refresh} UTC", time_of_day(self.expires))
    }
}

/// Returns the hour and the minute in UTC, as `HH:MM`.
fn time_of_day(time: SystemTime) -> String {
    let minutes = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const NOW: Now = Now { boot: Duration::from_secs(100), wall: UNIX_EPOCH };

    fn minutes(minutes: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_mins(minutes)
    }

    fn state() -> SessionOutlook {
        let refresh = Deadline { boot: Duration::ZERO, wall: Some(minutes(13 * 60 + 10)) };
        SessionOutlook { expires: minutes(14 * 60 + 5), has_expired: false, refresh: Some(refresh), is_failing: false }
    }

    fn line(text: &str, session: Option<SessionOutlook>, room: usize) -> String {
        let status = Status { text: text.into(), session };
        status.line(NOW, room).map(|line| String::from_utf8(line).unwrap()).unwrap_or_default()
    }

    #[test]
    fn the_text_of_the_command_is_followed_by_the_state_of_the_session() {
        let shown = "STATUS=3 clients; session until 14:05, next refresh 13:10 UTC";
        assert_eq!(line("3 clients", Some(state()), 4096), shown);
        assert_eq!(line("", Some(state()), 4096), "STATUS=session until 14:05, next refresh 13:10 UTC");
        assert_eq!(line("3 clients", None, 4096), "STATUS=3 clients");
        let last = SessionOutlook { refresh: None, ..state() };
        assert_eq!(line("", Some(last), 4096), "STATUS=session until 14:05 UTC");
        let retry = Some(Deadline::at(Duration::from_secs(100 + 3660)));
        let failing = SessionOutlook { refresh: retry, is_failing: true, has_expired: true, ..state() };
        let shown = "STATUS=session expired at 14:05, refresh failing, next attempt 01:01 UTC";
        assert_eq!(line("", Some(failing), 4096), shown);
    }

    #[test]
    fn the_text_of_the_command_is_cut_first() {
        let session = "; session until 14:05, next refresh 13:10 UTC";
        let whole = format!("STATUS=ü{session}");
        assert_eq!(line("üü", Some(state()), whole.len()), whole);
        assert_eq!(line("üü", Some(state()), whole.len() + 1), whole, "a character is not divided");
        assert_eq!(line("üü", Some(state()), 18), "STATUS=; session u");
        assert_eq!(line("üü", Some(state()), 6), "");
    }

    #[test]
    fn a_text_that_is_not_utf_8_is_empty() {
        let mut status = Status::default();
        assert!(status.set_text(b"x") && !status.set_text(b"x") && status.set_text(b"\xff") && !status.set_text(b""));
    }
}
