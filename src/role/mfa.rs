//! The words of multi-factor authentication: the code, and how long the session lasts that it buys.

use super::Invalid;
use super::options::parse_duration;
use crate::session::Secret;
use std::time::Duration;

/// `TokenCode`: six digits, which AWS takes once. They are shown nowhere, not even when they are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MfaCode(Secret);

impl MfaCode {
    /// Reads a code, with or without white space around it.
    ///
    /// # Errors
    /// When it is anything but six digits; the reason does not quote it.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let code = text.trim_ascii();
        if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::new(code)))
        } else {
            Err(Invalid::new("is not a code of six digits"))
        }
    }

    /// The digits. Only the calls of STS ask for them.
    pub(crate) fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// How long an MFA session of `GetSessionToken` lasts unless the user says otherwise: STS's own default.
pub(crate) const MFA_SESSION: Duration = Duration::from_hours(12);

/// Parses the duration of an MFA session: `DurationSeconds` of `GetSessionToken`, 900 to 129600 for a user.
///
/// # Errors
/// When it is no duration, holds a fraction of a second, or is outside 15 minutes to 36 hours.
pub(crate) fn parse_mfa_session(text: &str) -> Result<Duration, Invalid> {
    let duration = parse_duration(text)?;
    if duration.subsec_nanos() != 0 {
        return Err(Invalid::new("holds a fraction of a second; STS counts in whole seconds").hint("for example 12h"));
    }
    if (Duration::from_mins(15)..=Duration::from_hours(36)).contains(&duration) {
        Ok(duration)
    } else {
        Err(Invalid::new("is outside what STS allows for an MFA session: 15m to 36h").hint("leave it out for 12h"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_and_is_never_shown() {
        for good in ["123456", " 000000\n", "\t654321 \r\n"] {
            assert_eq!(MfaCode::parse(good).expect(good).reveal(), good.trim());
        }
        for bad in ["", "12345", "1234567", "12345a", "123 456", "-12345", "１２３４５６", "123456\n654321"] {
            let invalid = MfaCode::parse(bad).expect_err(bad);
            assert!(bad.is_empty() || !format!("{invalid:?}{invalid}").contains(bad));
        }
        assert!(!format!("{:?}", MfaCode::parse("123456")).contains("123456"));
    }

    #[test]
    fn an_mfa_session_lasts_15_minutes_to_36_hours() {
        assert_eq!(parse_mfa_session("36h"), Ok(Duration::from_hours(36)));
        assert_eq!(parse_mfa_session("900"), Ok(Duration::from_mins(15)));
        for bad in ["", "899s", "36h 1s", "1h 1ms", "max"] {
            assert!(parse_mfa_session(bad).is_err(), "{bad}");
        }
    }
}
