//! Checks with malicious times. See `crate::hostile`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a violated property is reported by a panic"
)]

use super::{parse_time, rfc3339};
use crate::hostile::{Bound, bounded};

const BOUND: Bound = Bound { room: 4 << 10, per_byte: 4 };

/// Uses the input as the expiration of credentials or of a login. Checks that a time that is read can be written and
/// read again.
pub fn time(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let Some(moment) = bounded(text.len(), BOUND, || parse_time(text)) else { return };
    let written = rfc3339(moment);
    assert!(written.ends_with('Z') && humantime::parse_rfc3339(&written).is_ok(), "{text}: {written}");
    let again = parse_time(&written).expect("our own form");
    assert_eq!(rfc3339(again), written, "{text}");
    // If humantime also accepts the text, both must read the same time.
    if let Ok(other) = humantime::parse_rfc3339(text) {
        assert_eq!(rfc3339(other), written, "{text}");
    }
}
