//! Checks of the cache with malicious files. See `crate::hostile`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a violated property is reported by a panic"
)]

use super::super::key::Key;
use super::super::stamp::{Clocks, Stamp, found};
use super::{Form, decode, encode, expiration, title};
use crate::hostile::{Bound, bounded, is_recognizable, redacted, seen};
use crate::session::{Keys, Secret, Session, Title, Validity, rfc3339};
use std::time::{Duration, SystemTime};

/// The memory limit for each check. It is large because encoding a session allocates a buffer for the largest file.
const BOUND: Bound = Bound { room: 256 << 10, per_byte: 64 };

/// Uses the input in three ways: as a file of the cache, as such a file with its checksum corrected, and as the fields
/// of a session that is encoded and then damaged.
pub fn cache_file(bytes: &[u8]) {
    let key = Key::for_tests(1);
    check(&key, bytes);
    bounded(bytes.len(), BOUND, || (expiration(bytes, SystemTime::UNIX_EPOCH), title(bytes)));
    if let Ok(form) = serde_json::from_slice::<Form<'_>>(bytes) {
        let sum = form.sum(&key);
        let signed = serde_json::to_vec(&Form { sum: &sum, ..form }).expect("a form is JSON");
        check(&key, &signed);
        assert!(decode(&Key::for_tests(2), &signed).is_none(), "another key's file is a miss");
    }
    altered(&key, bytes);
}

/// Checks that a session that was read can be used and encoded again, and that it never has more time left than when
/// STS answered.
fn check(key: &Key, bytes: &[u8]) {
    let Some((session, stamp)) = bounded(bytes.len(), BOUND, || decode(key, bytes)) else { return };
    let titled = title(bytes).expect("a session that was read has a title");
    let again = encode(key, &titled, &session, &stamp).expect("a session that was read can be written");
    assert_eq!(decode(key, &again), Some((session.clone(), stamp.clone())));
    assert_eq!(title(&again), Some(titled));
    shows_no_secret(&session, bytes);
    let boots = [Some(stamp.boot_id.clone()), None, Some("another".into())];
    for boot_id in boots {
        for (boottime, wall) in times(&session, &stamp) {
            let now = Clocks { boot_id: boot_id.clone(), boottime, wall };
            let Some(found) = found(session.clone(), &stamp, &now) else { continue };
            let (Validity { left, lifetime, .. }, stored) = (found.validity.clone(), expiring(&session).left);
            assert!(!left.is_zero() && left <= stored && left <= lifetime, "{left:?} of {lifetime:?}");
            assert!(rfc3339(found.validity.local_expiration()).ends_with('Z'));
        }
    }
}

fn expiring(session: &Session) -> &Validity {
    session.validity.as_ref().expect("a session in the cache expires")
}

/// Returns readings of the boot clock and the wall clock at which the session is checked. They include extreme times,
/// the times in the file, and times an hour later.
fn times(session: &Session, stamp: &Stamp) -> Vec<(Duration, SystemTime)> {
    let hour = Duration::from_hours(1);
    let walls = [stamp.wall, expiring(session).expiration, SystemTime::UNIX_EPOCH, stamp.wall + hour];
    let boots = [stamp.answered, stamp.asked, Duration::ZERO, Duration::MAX, stamp.answered.saturating_add(hour)];
    boots.into_iter().flat_map(|boot| walls.map(|wall| (boot, wall))).collect()
}

fn shows_no_secret(session: &Session, bytes: &[u8]) {
    let input = String::from_utf8_lossy(bytes);
    let secrets = [Some(&session.keys.secret_access_key), session.keys.session_token.as_ref()];
    let secrets = secrets.into_iter().flatten().map(Secret::reveal).filter(|secret| is_recognizable(secret, &input));
    redacted(secrets, &seen(session));
}

/// Encodes a session whose fields are made of the input, and checks that it is read back. If one byte of the file is
/// changed or the end is missing, the file must be rejected, unless its meaning is unchanged (other white space or
/// another spelling).
fn altered(key: &Key, bytes: &[u8]) {
    let mut numbers = bytes.chunks(8).map(|chunk| chunk.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    let mut number = |limit: u64| numbers.next().unwrap_or(7) % limit;
    let (skew, left, more) = (number(1 << 40), number(1 << 26), number(1 << 26));
    let (asked, waited, wall, expiration) = (number(1 << 40), number(1 << 20), number(1 << 48), number(1 << 48));
    let millis = Duration::from_millis;
    let text = |part: usize| {
        let part = bytes.chunks((bytes.len() / 6).max(1)).nth(part).unwrap_or_default();
        String::from_utf8_lossy(part).into_owned()
    };
    let session = Session {
        keys: Keys {
            access_key_id: text(0),
            secret_access_key: Secret::new(text(1)),
            session_token: Some(Secret::new(text(2))).filter(|_| left % 2 == 0),
        },
        validity: Some(Validity {
            expiration: SystemTime::UNIX_EPOCH + millis(expiration),
            left: millis(left),
            lifetime: millis(left + more),
            skew_secs: skew.cast_signed() - (1 << 39),
        }),
        assumed_role_arn: Some(text(3)).filter(|arn| !arn.is_empty()),
        account_id: None,
        instance_region: Some(text(4)).filter(|_| left % 3 == 0),
    };
    let (asked, answered) = (millis(asked), millis(asked + waited));
    let titled = Title { label: text(3), account: None, role: Some(text(4)).filter(|role| !role.is_empty()) };
    let stamp = Stamp { boot_id: text(5), asked, answered, wall: SystemTime::UNIX_EPOCH + millis(wall) };
    let Some(whole) = bounded(bytes.len(), BOUND, || encode(key, &titled, &session, &stamp)) else { return };
    let written = Some((session, stamp));
    assert_eq!(decode(key, &whole), written);
    let spots = bytes.iter().scan(0, |at, step| {
        *at = (*at + usize::from(*step) + 1) % (whole.len() - 1);
        Some((*at, *step | 1))
    });
    for (at, flip) in spots.take(64) {
        assert!(decode(key, &whole[..at]).is_none(), "cut at {at}");
        let mut changed = whole.to_vec();
        changed[at] ^= flip;
        let read = decode(key, &changed);
        assert!(read.is_none() || read == written, "byte {at} changed by {flip}");
    }
}
