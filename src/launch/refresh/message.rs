//! The answer with which the process that does a refresh ends. It is JSON, sent through a pipe that no other process
//! can read.

use crate::event::Problem;
use crate::mfa::MfaKey;
use crate::role::MfaCode;
use crate::session::Session;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zeroize::Zeroizing;

/// The maximum size in bytes of a message. Two sessions take a third of it. A problem whose text and hint have the
/// maximum length takes most of it if all of their characters must be escaped.
pub(super) const MOST_BYTES: usize = 32 << 10;
/// The maximum length in characters of a problem's text or hint. No line of the log is longer.
const LONGEST: usize = 2048;

/// The outcome of a refresh, and the state that later refreshes need. The receiver's copies of secrets are zeroed when
/// they are freed, because a supervisor zeroes all memory that it frees.
#[derive(Serialize, Deserialize)]
pub(super) struct Message {
    /// The session, or the problem that explains why there is none.
    pub(super) result: Result<Session, Problem>,
    pub(super) mfa_session: Option<(MfaKey, Session)>,
    /// The last MFA code that was used.
    pub(super) used: Option<MfaCode>,
    /// Whether the user has been warned that the cache cannot be used.
    pub(super) cache_warned: bool,
    /// When the message was sent, by the boot clock.
    pub(super) sent: Duration,
}

impl Message {
    /// Encodes the message as bytes. Returns `None` if a time cannot be represented or if the message is too long.
    pub(super) fn encode(mut self) -> Option<Zeroizing<Vec<u8>>> {
        if let Err(Problem { text, hint, .. }) = &mut self.result {
            for text in [Some(text), hint.as_mut()].into_iter().flatten() {
                if let Some((end, _)) = text.char_indices().nth(LONGEST) {
                    text.truncate(end);
                }
            }
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
        serde_json::to_writer(&mut *bytes, &self).ok()?;
        (bytes.len() <= MOST_BYTES).then_some(bytes)
    }

    /// Decodes a message that was received at the time `now` (boot clock). `now` is later than the time at which the
    /// message was sent, so the session has less time left, by this difference. Returns `None` if the message is
    /// incomplete.
    pub(super) fn decode(bytes: &[u8], now: Duration) -> Option<Self> {
        let mut message: Self = serde_json::from_slice(bytes).ok()?;
        if let Ok(Session { validity: Some(validity), .. }) = &mut message.result {
            validity.left = validity.left.saturating_sub(now.saturating_sub(message.sent));
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Reason;
    use crate::role::MfaSerial;
    use crate::session::{Keys, Secret, Validity};
    use std::time::SystemTime;

    const SENT: Duration = Duration::from_secs(100);

    fn keys(id: &str) -> Keys {
        Keys {
            access_key_id: id.into(),
            secret_access_key: Secret::new("with \"quotes\" and \\"),
            session_token: Some(Secret::new("token")),
        }
    }

    fn validity() -> Validity {
        let hour = Duration::from_hours(1);
        Validity { expiration: SystemTime::UNIX_EPOCH + hour, left: hour, lifetime: hour, skew_secs: -7 }
    }

    fn session(keys: Keys, validity: Validity, assumed_role_arn: Option<String>) -> Session {
        Session { keys, validity: Some(validity), assumed_role_arn, account_id: None, instance_region: None }
    }

    fn message(result: Result<Session, Problem>) -> Message {
        Message { result, mfa_session: None, used: None, cache_warned: false, sent: SENT }
    }

    fn mfa_session() -> (MfaKey, Session) {
        let serial = MfaSerial::parse("device-01").expect("a serial");
        let key = MfaKey { access_key_id: "AKIA".into(), serial, duration: Duration::from_hours(12) };
        (key, session(keys("ASIAM"), validity(), None))
    }

    #[test]
    fn a_session_arrives_with_the_time_of_the_message_taken_off() {
        let session = session(keys("ASIA"), validity(), Some("arn".into()));
        let (mfa_session, code) = (Some(mfa_session()), MfaCode::parse("123456").ok());
        assert!(code.is_some());
        let (result, used) = (Ok(session.clone()), code.clone());
        let sent = Message { result, mfa_session: mfa_session.clone(), used, cache_warned: true, sent: SENT };
        let bytes = sent.encode().expect("bytes");
        let message = Message::decode(&bytes, SENT + Duration::from_secs(2)).expect("a message");
        assert_eq!((message.mfa_session, message.used), (mfa_session, code));
        assert!(message.cache_warned);
        let received = message.result.expect("a session");
        let left = Duration::from_secs(3598);
        let validity = session.validity.clone().map(|validity| Validity { left, ..validity });
        assert_eq!(received, Session { validity, ..session });
    }

    #[test]
    fn a_problem_arrives_whole_and_a_cut_message_does_not() {
        let problem = Problem::new(Reason::Denied, "no\nway").with_hint("hint");
        let bytes = message(Err(problem.clone())).encode().expect("bytes");
        let message = Message::decode(&bytes, SENT).expect("a message");
        assert_eq!((message.mfa_session, message.used), (None, None));
        assert_eq!(message.result, Err(problem));
        for length in 0..bytes.len() {
            assert!(Message::decode(&bytes[..length], SENT).is_none(), "cut at {length}");
        }
    }

    #[test]
    fn the_longest_problem_fits() {
        let long = "\u{1}".repeat(100_000);
        let longest = message(Err(Problem::new(Reason::Denied, long.clone()).with_hint(long)));
        assert!(Message { mfa_session: Some(mfa_session()), ..longest }.encode().is_some());
    }
}
