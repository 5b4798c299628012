//! Checks with malicious output of an `--mfa-command`. See `crate::hostile`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a violated property is reported by a panic"
)]

use super::input::parse;
use crate::error::{CodeOrigin, Error, MfaError};
use crate::hostile::{Bound, bounded, checked_page, redacted, seen};

/// Uses the input as the output of `--mfa-command`.
pub fn mfa_command(bytes: &[u8]) {
    let bound = Bound { room: 4 << 10, per_byte: 4 };
    match bounded(bytes.len(), bound, || parse(bytes, CodeOrigin::Command)) {
        Ok(code) => {
            let digits = code.reveal();
            assert!(digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()));
            assert_eq!(bytes.trim_ascii(), digits.as_bytes(), "nothing but white space around it");
            redacted([digits], &seen(&code));
        }
        Err(kind) => {
            let error = Error::Mfa(MfaError { serial: "arn:aws:iam::123456789012:mfa/me".into(), kind });
            let shown = checked_page(&error) + &seen(&error);
            let text = String::from_utf8_lossy(bytes);
            // Digits in the output may be a code. The message itself contains only the digits of the device and those
            // of the time limit.
            let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 4);
            redacted(runs.filter(|run| !"123456789012".contains(run)), &shown);
        }
    }
}
