//! Multi-factor authentication: the code, and the duration of an MFA session.

use super::invalid::Invalid;
use super::options::duration_within;
use crate::session::Secret;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The `TokenCode` parameter: six digits that are valid once. A code is never shown, even if it is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MfaCode(Secret);

impl MfaCode {
    /// Parses a code. White space around the code is ignored.
    ///
    /// # Errors
    /// Fails if the text is not six digits. The error does not quote the text.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let code = text.trim_ascii();
        if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::new(code)))
        } else {
            Err(Invalid::new("not a six-digit code"))
        }
    }

    /// Returns the digits. Only calls to STS may use them.
    pub(crate) fn reveal(&self) -> &str {
        self.0.reveal()
    }
}

/// The default duration of an MFA session. STS has the same default for `GetSessionToken`.
pub(crate) const MFA_SESSION: Duration = Duration::from_hours(12);

/// Parses the duration of an MFA session. `GetSessionToken` gets it as its `DurationSeconds` parameter, which must be
/// from 900 to 129600 for an IAM user.
///
/// # Errors
/// Fails if the text is not a duration, or if the duration is not a whole number of seconds or not between 15 minutes
/// and 36 hours.
pub(crate) fn parse_mfa_session(text: &str) -> Result<Duration, Invalid> {
    let limits = Duration::from_mins(15)..=Duration::from_hours(36);
    let duration = duration_within(text, limits, "must be between 15m and 36h", "the default is 12h")?;
    if duration.subsec_nanos() != 0 {
        return Err(Invalid::new("must be a whole number of seconds").hint("for example 12h"));
    }
    Ok(duration)
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
