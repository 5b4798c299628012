//! The answer of a refresh's process: JSON, through a pipe that no other process can read.

use crate::event::Problem;
use crate::mfa::MfaKey;
use crate::role::{MfaCode, MfaSerial};
use crate::session::{Keys, Secret, Session, Validity};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use zeroize::Zeroizing;

/// The maximum size in bytes. Two sessions take a third of it; two texts of maximum length with escaped characters take
/// most of it.
pub(super) const MOST_BYTES: usize = 32 << 10;
/// The maximum length of a problem's text, in characters; no line of the log is longer.
const LONGEST: usize = 2048;

/// Texts are borrowed by the sender. The receiver's copies of secrets are zeroed when they are freed, as is all memory
/// of a supervision.
#[derive(Serialize, Deserialize)]
pub(super) struct Message<'a> {
    outcome: Outcome<'a>,
    mfa_session: Option<MfaForm<'a>>,
    used: Option<Cow<'a, str>>,
    /// Whether the user was warned of the cache.
    pub(super) cache_warned: bool,
    /// When it was sent, in time since boot.
    sent: Duration,
}

#[derive(Serialize, Deserialize)]
enum Outcome<'a> {
    Session { keys: KeysForm<'a>, validity: Validity, arn: Option<Cow<'a, str>> },
    Problem { text: Cow<'a, str>, hint: Option<Cow<'a, str>> },
}

/// An MFA session and its key.
#[derive(Serialize, Deserialize)]
struct MfaForm<'a> {
    by: Cow<'a, str>,
    serial: Cow<'a, str>,
    duration: Duration,
    keys: KeysForm<'a>,
    validity: Validity,
}

#[derive(Serialize, Deserialize)]
struct KeysForm<'a> {
    id: Cow<'a, str>,
    secret: Cow<'a, str>,
    token: Option<Cow<'a, str>>,
}

impl<'a> Message<'a> {
    /// Either outcome comes with the state that later refreshes need.
    pub(super) fn new(
        result: &'a Result<Session, Problem>,
        mfa_session: Option<&'a (MfaKey, Session)>,
        used: Option<&'a MfaCode>,
        cache_warned: bool,
        sent: Duration,
    ) -> Self {
        let outcome = match result {
            Ok(Session { keys, validity, assumed_role_arn, .. }) => {
                let arn = assumed_role_arn.as_deref().map(Cow::Borrowed);
                Outcome::Session { keys: keys.into(), validity: validity.clone(), arn }
            }
            Err(Problem { text, hint }) => {
                Outcome::Problem { text: shortened(text), hint: hint.as_deref().map(shortened) }
            }
        };
        let mfa_session = mfa_session.map(|(key, session)| MfaForm {
            by: (&key.access_key_id).into(),
            serial: key.serial.to_string().into(),
            duration: key.duration,
            keys: (&session.keys).into(),
            validity: session.validity.clone(),
        });
        Self { outcome, mfa_session, used: used.map(|code| code.reveal().into()), cache_warned, sent }
    }

    /// As bytes; `None` if a time cannot be represented or the message is too long.
    pub(super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES));
        serde_json::to_writer(&mut *bytes, self).ok()?;
        (bytes.len() <= MOST_BYTES).then_some(bytes)
    }

    /// From bytes; `None` if they are cut off.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The code that was used last.
    pub(super) fn used(&self) -> Option<MfaCode> {
        MfaCode::parse(self.used.as_deref()?).ok()
    }

    /// The current MFA session.
    pub(super) fn mfa_session(&mut self) -> Option<(MfaKey, Session)> {
        let MfaForm { by, serial, duration, keys, validity } = self.mfa_session.take()?;
        let serial = MfaSerial::parse(&serial).ok()?;
        let key = MfaKey { access_key_id: by.into_owned(), serial, duration };
        Some((key, session(keys.into(), validity, None)))
    }

    /// The session, with the lifetime left at this time since boot; or why there is none.
    pub(super) fn into_result(self, now: Duration) -> Result<Session, Problem> {
        match self.outcome {
            Outcome::Session { keys, mut validity, arn } => {
                validity.left = validity.left.saturating_sub(now.saturating_sub(self.sent));
                Ok(session(keys.into(), validity, arn.map(Cow::into_owned)))
            }
            Outcome::Problem { text, hint } => {
                Err(Problem { text: text.into_owned(), hint: hint.map(Cow::into_owned) })
            }
        }
    }
}

fn session(keys: Keys, validity: Validity, assumed_role_arn: Option<String>) -> Session {
    Session { keys, validity, assumed_role_arn, instance_region: None }
}

fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => Cow::Borrowed(&text[..end]),
        None => Cow::Borrowed(text),
    }
}

impl<'a> From<&'a Keys> for KeysForm<'a> {
    fn from(keys: &'a Keys) -> Self {
        Self {
            id: (&keys.access_key_id).into(),
            secret: keys.secret_access_key.reveal().into(),
            token: keys.session_token.as_ref().map(|token| token.reveal().into()),
        }
    }
}

impl From<KeysForm<'_>> for Keys {
    fn from(form: KeysForm<'_>) -> Self {
        Self {
            access_key_id: form.id.into_owned(),
            secret_access_key: Secret::new(form.secret),
            session_token: form.token.map(Secret::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn mfa_session() -> (MfaKey, Session) {
        let serial = MfaSerial::parse("device-01").expect("a serial");
        let key = MfaKey { access_key_id: "AKIA".into(), serial, duration: Duration::from_hours(12) };
        (key, session(keys("ASIAM"), validity(), None))
    }

    #[test]
    fn a_session_arrives_with_the_time_of_the_message_taken_off() {
        let session = session(keys("ASIA"), validity(), Some("arn".into()));
        let (result, mfa_session) = (Ok(session.clone()), mfa_session());
        let code = MfaCode::parse("123456").expect("a code");
        let bytes = Message::new(&result, Some(&mfa_session), Some(&code), true, SENT).encode().expect("bytes");
        let mut message = Message::decode(&bytes).expect("a message");
        assert_eq!((message.mfa_session(), message.used()), (Some(mfa_session), Some(code)));
        assert!(message.cache_warned);
        let received = message.into_result(SENT + Duration::from_secs(2)).expect("a session");
        let left = Duration::from_secs(3598);
        assert_eq!(received, Session { validity: Validity { left, ..session.validity }, ..session });
    }

    #[test]
    fn a_problem_arrives_whole_and_a_cut_message_does_not() {
        let problem = Problem { text: "no\nway".into(), hint: Some("hint".into()) };
        let result = Err(problem.clone());
        let bytes = Message::new(&result, None, None, false, SENT).encode().expect("bytes");
        let mut message = Message::decode(&bytes).expect("a message");
        assert_eq!((message.mfa_session(), message.used()), (None, None));
        assert_eq!(message.into_result(SENT), Err(problem));
        for length in 0..bytes.len() {
            assert!(Message::decode(&bytes[..length]).is_none(), "cut at {length}");
        }
    }

    #[test]
    fn the_longest_problem_fits() {
        let long = "\u{1}".repeat(100_000);
        let result = Err(Problem { text: long.clone(), hint: Some(long) });
        assert!(Message::new(&result, Some(&mfa_session()), None, false, SENT).encode().is_some());
    }
}
