//! The format of the file that contains a cached session: JSON with a version and a checksum over all fields and the
//! key.
//!
//! A file is ignored if it is cut off, was changed, belongs to another key or has another version.

use super::key::{Fields, Key, VERSION};
use super::stamp::Stamp;
use crate::session::{Keys, Secret, Session, Title, Validity};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The maximum size in bytes of a file that is read. A session token has a few kilobytes at most.
pub(super) const MAX_BYTES: usize = 64 << 10;
/// The longest lifetime that a session can have: `GetSessionToken` gives up to 36 hours, and `AssumeRole` up to 12
/// hours.
const LONGEST: Duration = Duration::from_hours(36);

/// The fields of the file. The texts are borrowed from the bytes, because copies of secrets would remain in memory.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form<'a> {
    version: u32,
    sum: &'a str,
    /// The ARN of the assumed role. It is empty if no role was assumed.
    arn: &'a str,
    /// What `--list-sessions` shows. The role is empty if no role is known, and the account if no account is known.
    label: &'a str,
    account: &'a str,
    role: &'a str,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(borrow)]
    session_token: Option<&'a str>,
    #[serde(borrow)]
    region: Option<&'a str>,
    /// `expiration` and `wall` are times in milliseconds since 1970. `asked` and `answered` are times in milliseconds
    /// since the boot. `left` and `lifetime` are durations in milliseconds.
    expiration: u64,
    left: u64,
    lifetime: u64,
    skew_secs: i64,
    boot_id: &'a str,
    asked: u64,
    answered: u64,
    wall: u64,
}

impl Form<'_> {
    fn sum(&self, key: &Key) -> String {
        let Form { version, sum: _, arn, label, account, role, access_key_id, secret_access_key, .. } = self;
        let Form {
            session_token, region, expiration, left, lifetime, skew_secs, boot_id, asked, answered, wall, ..
        } = self;
        let mut sum = Fields::new("file");
        sum.text("key", key.as_str());
        sum.number("version", (*version).into());
        for text in [arn, label, account, role, access_key_id, secret_access_key, boot_id] {
            sum.text("text", text);
        }
        for text in [session_token, region] {
            sum.optional("optional", *text);
        }
        for number in [*expiration, *left, *lifetime, skew_secs.cast_unsigned(), *asked, *answered, *wall] {
            sum.number("number", number);
        }
        sum.hexadecimal()
    }
}

/// Returns the content of the file. Returns `None` if the session does not expire, or if [`decode`] would reject the
/// content.
pub(super) fn encode(key: &Key, title: &Title, session: &Session, stamp: &Stamp) -> Option<Zeroizing<Vec<u8>>> {
    let Session { keys, validity, assumed_role_arn, account_id: _, instance_region } = session;
    let validity = validity.as_ref()?;
    let mut form = Form {
        version: VERSION,
        sum: "",
        arn: assumed_role_arn.as_deref().unwrap_or_default(),
        label: &title.label,
        account: title.account.as_deref().unwrap_or_default(),
        role: title.role.as_deref().unwrap_or_default(),
        access_key_id: &keys.access_key_id,
        secret_access_key: keys.secret_access_key.reveal(),
        session_token: keys.session_token.as_ref().map(Secret::reveal),
        region: instance_region.as_deref(),
        expiration: since_1970(validity.expiration)?,
        left: millis(validity.left)?,
        lifetime: millis(validity.lifetime)?,
        skew_secs: validity.skew_secs,
        boot_id: &stamp.boot_id,
        asked: millis(stamp.asked)?,
        answered: millis(stamp.answered)?,
        wall: since_1970(stamp.wall)?,
    };
    let sum = form.sum(key);
    form.sum = &sum;
    // The buffer is large enough from the start, because a buffer that grows would leave a copy of the secrets in
    // memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    serde_json::to_writer(&mut *bytes, &form).ok()?;
    bytes.push(b'\n');
    (bytes.len() <= MAX_BYTES && decode(key, &bytes).is_some()).then_some(bytes)
}

/// Returns the session in a file, and the stamp that says when STS granted it. Returns `None` if any part of the file
/// is not as expected.
pub(super) fn decode(key: &Key, bytes: &[u8]) -> Option<(Session, Stamp)> {
    let form: Form<'_> = serde_json::from_slice(bytes).ok()?;
    if form.version != VERSION || form.sum != form.sum(key) {
        return None;
    }
    let validity = Validity {
        expiration: moment(form.expiration)?,
        left: Duration::from_millis(form.left),
        lifetime: Duration::from_millis(form.lifetime),
        skew_secs: form.skew_secs,
    };
    let sane = validity.left <= validity.lifetime && validity.lifetime <= LONGEST && form.asked <= form.answered;
    let texts = [form.arn, form.access_key_id, form.secret_access_key].into_iter().chain(form.session_token);
    // STS sends no control characters in these texts. They are rejected, because the command gets these texts in
    // environment variables or in the lines of a file. A NUL byte would make the variable invalid, and a line break
    // would begin a new line.
    if !sane || form.access_key_id.is_empty() || texts.into_iter().any(|text| text.contains(char::is_control)) {
        return None;
    }
    let keys = Keys {
        access_key_id: form.access_key_id.to_owned(),
        secret_access_key: Secret::new(form.secret_access_key),
        session_token: form.session_token.map(Secret::new),
    };
    let assumed_role_arn = Some(form.arn).filter(|arn| !arn.is_empty()).map(str::to_owned);
    let instance_region = form.region.map(str::to_owned);
    let session = Session { keys, validity: Some(validity), assumed_role_arn, account_id: None, instance_region };
    let stamp = Stamp {
        boot_id: form.boot_id.to_owned(),
        asked: Duration::from_millis(form.asked),
        answered: Duration::from_millis(form.answered),
        wall: moment(form.wall)?,
    };
    Some((session, stamp))
}

/// Returns the title of the session in a file whose content [`decode`] accepts.
pub(super) fn title(bytes: &[u8]) -> Option<Title> {
    let Form { label, account, role, .. } = serde_json::from_slice(bytes).ok()?;
    let known = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(Title { label: label.to_owned(), account: known(account), role: known(role) })
}

/// Returns what is wrong with content that [`decode`] rejects.
pub(super) fn flaw(bytes: &[u8]) -> &'static str {
    match serde_json::from_slice(bytes) {
        Ok(AnyForm { version, .. }) if version != VERSION => "it was written by another version of xassume",
        _ => "it is damaged, or was kept for another request",
    }
}

/// The fields that are in every version of the format.
#[derive(Deserialize)]
struct AnyForm {
    version: u32,
    expiration: Option<u64>,
}

/// Returns the expiration of the session in a file, by the server's clock. The key is not needed and the checksum is
/// not checked. Returns `None` if the file has no use, because an older version of xassume wrote it or because its
/// content does not have the form of such a file.
///
/// A newer version's file is in use by that version, so it counts until its expiration. If a newer version does not write
/// the expiration, the file counts for the longest lifetime of a session after `written`, when it was written.
pub(super) fn expiration(bytes: &[u8], written: SystemTime) -> Option<SystemTime> {
    match serde_json::from_slice(bytes).ok()? {
        AnyForm { version, .. } if version < VERSION => None,
        AnyForm { expiration: Some(millis), .. } => moment(millis),
        AnyForm { version, expiration: None } => (version > VERSION).then(|| written.checked_add(LONGEST)).flatten(),
    }
}

/// Checks whether the content has the form of a session of any version.
pub(super) fn is_session(bytes: &[u8]) -> bool {
    serde_json::from_slice::<AnyForm>(bytes).is_ok()
}

fn millis(duration: Duration) -> Option<u64> {
    u64::try_from(duration.as_millis()).ok()
}

fn since_1970(moment: SystemTime) -> Option<u64> {
    millis(moment.duration_since(SystemTime::UNIX_EPOCH).ok()?)
}

fn moment(millis: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;

#[cfg(test)]
mod tests {
    use super::super::stamp::tests::{session, stamp, title as title_of, validity};
    use super::*;

    fn written() -> Zeroizing<Vec<u8>> {
        encode(&Key::for_tests(1), &title_of("prod"), &session(-7), &stamp(-7)).expect("encoded")
    }

    #[test]
    fn a_written_session_is_read_back() {
        assert_eq!(decode(&Key::for_tests(1), &written()), Some((session(-7), stamp(-7))));
        let keys = Keys { session_token: None, ..session(0).keys };
        let bare = Session { assumed_role_arn: None, instance_region: None, keys, ..session(0) };
        let bytes = encode(&Key::for_tests(1), &title_of("prod"), &bare, &stamp(0)).expect("encoded");
        assert_eq!(decode(&Key::for_tests(1), &bytes), Some((bare, stamp(0))));
        assert_eq!(title(&written()), Some(title_of("prod")));
        assert_eq!(title(&bytes), Some(title_of("prod")));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let (key, whole) = (Key::for_tests(1), written());
        // A file without the line break at its end is still accepted.
        for length in 0..whole.len() - 1 {
            assert_eq!(decode(&key, &whole[..length]), None, "cut at {length}");
        }
        for at in 0..whole.len() - 1 {
            for flip in [1, 0x20, 0x80] {
                let mut bytes = whole.to_vec();
                bytes[at] ^= flip;
                let read = decode(&key, &bytes);
                assert!(read.is_none() || read == Some((session(-7), stamp(-7))), "byte {at} flipped by {flip}");
            }
        }
    }

    #[test]
    fn another_key_another_version_and_another_field_are_ignored() {
        let key = Key::for_tests(1);
        assert_eq!(decode(&Key::for_tests(2), &written()), None);
        let text = String::from_utf8(written().to_vec()).expect("text");
        for (from, to) in
            [("\"version\":2", "\"version\":3"), ("{", "{\"more\":1,"), ("}", ",\"more\":1}"), ("\n", "x")]
        {
            assert_eq!(decode(&key, text.replacen(from, to, 1).as_bytes()), None, "{from} → {to}");
        }
        for nonsense in ["", "{}", "null", "[]", "\0\0\0\0"] {
            assert_eq!(decode(&key, nonsense.as_bytes()), None);
        }
    }

    #[test]
    fn a_newer_version_s_file_counts_until_it_expires_and_an_older_one_does_not() {
        let (expires, hour) = (validity(0).expiration, Duration::from_hours(1));
        let text = String::from_utf8(written().to_vec()).expect("text");
        let counts = |version: &str, text: &str| {
            expiration(text.replacen("\"version\":2", version, 1).as_bytes(), expires - hour)
        };
        assert_eq!(counts("\"version\":2", &text), Some(expires));
        assert_eq!(counts("\"version\":1", &text), None);
        assert_eq!(counts("\"version\":3,\"more\":[]", &text), Some(expires));
        let unknown = text.replacen("\"expiration\"", "\"end\"", 1);
        assert_eq!(counts("\"version\":3", &unknown), Some(expires - hour + LONGEST));
        assert_eq!(counts("\"version\":2", &unknown), None);
        assert!(is_session(text.as_bytes()) && is_session(unknown.as_bytes()));
        for nonsense in ["", "{}", "null", r#"{"version":-1,"expiration":1}"#, r#"{"version":3,"expiration":"x"}"#] {
            assert_eq!(expiration(nonsense.as_bytes(), expires), None, "{nonsense}");
            assert!(!is_session(nonsense.as_bytes()), "{nonsense}");
        }
    }

    #[test]
    fn a_session_that_could_not_be_read_is_not_written() {
        let odd = Session { assumed_role_arn: Some("with \"quotes\"".into()), ..session(0) };
        assert!(encode(&Key::for_tests(1), &title_of("prod"), &odd, &stamp(0)).is_none());
        let long = Session { assumed_role_arn: Some("a".repeat(MAX_BYTES)), ..session(0) };
        assert!(encode(&Key::for_tests(1), &title_of("prod"), &long, &stamp(0)).is_none());
        let nameless = Session { keys: Keys { access_key_id: String::new(), ..session(0).keys }, ..session(0) };
        assert!(encode(&Key::for_tests(1), &title_of("prod"), &nameless, &stamp(0)).is_none());
        let control = Session { assumed_role_arn: Some("arn\u{7f}".into()), ..session(0) };
        assert!(encode(&Key::for_tests(1), &title_of("prod"), &control, &stamp(0)).is_none());
        let long = Validity { lifetime: Duration::from_secs(1 << 20), ..validity(0) };
        for validity in [Some(long), None] {
            assert!(
                encode(&Key::for_tests(1), &title_of("prod"), &Session { validity, ..session(0) }, &stamp(0)).is_none()
            );
        }
    }
}
