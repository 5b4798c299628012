//! Checks the parsers of roles, durations and tags with malicious input. See `crate::hostile`.
#![allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "a broken promise is a panic")]

use super::arn::{RoleArn, split_list};
use super::mfa::parse_mfa_session;
use super::options::{SessionDuration, parse_duration};
use super::tags::{Tag, TagKey, check_tags};
use super::{Invalid, is_account};
use crate::error::{Error, shortened};
use crate::hostile::{Bound, bounded, checked_page};
use std::collections::HashSet;
use std::time::Duration;

const BOUND: Bound = Bound { room: 64 << 10, per_byte: 32 };

/// Parses a value. If this fails, checks that the error names the flag and the first characters of the value.
fn read<T>(flag: &str, text: &str, parse: impl FnOnce(&str) -> Result<T, Invalid>) -> Option<T> {
    match bounded(text.len(), BOUND, || parse(text)) {
        Ok(word) => Some(word),
        Err(invalid) => {
            let shown = shortened(text);
            let message =
                checked_page(&Error::Value { origin: flag.to_owned(), value: Some(text.to_owned()), invalid });
            let names_flag = message.contains(&format!(" for '{flag}'")) || message.contains(&format!(": {flag}: "));
            assert!(names_flag, "{message}");
            assert!(message.contains(&shown), "{message} does not name {shown}");
            None
        }
    }
}

/// Checks the parsers of `--role-arn` and of the list in `XASSUME_ROLE_ARN`.
pub fn role(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    if let Some(role) = read("--role-arn", text, RoleArn::parse) {
        keeps_the_limits(&role, text.trim());
    }
    let pieces = bounded(text.len(), BOUND, || split_list(text));
    nothing_is_lost(text, &pieces);
    for piece in &pieces {
        assert_eq!(split_list(piece), [*piece], "what is one role stays one");
    }
    assert_eq!(split_list(&pieces.join("\n")), pieces);
}

/// Checks IAM's limits, which are taken from the documentation of IAM and not from the code of xassume.
fn keeps_the_limits(role: &RoleArn, text: &str) {
    let arn = role.as_str();
    assert!((20..=2048).contains(&arn.len()) && arn.bytes().all(|byte| byte.is_ascii_graphic()), "{arn}");
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = fields[..] else { panic!("{arn}") };
    assert_eq!((role.partition(), role.account()), (partition, account));
    assert!(is_account(account) && partition.starts_with("aws"), "{arn}");
    let path_and_name = resource.strip_prefix("role/").expect("a role's resource");
    let name = path_and_name.rsplit('/').next().unwrap_or_default();
    let in_set = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    assert!((1..=64).contains(&name.len()) && name.chars().all(in_set), "{arn}");
    assert!(1 + path_and_name.len() - name.len() <= 512, "{arn}");
    assert_eq!(RoleArn::parse(arn).as_ref(), Ok(role), "an ARN is read as itself");
    if text.starts_with("arn:") {
        assert_eq!(arn, text);
    } else {
        assert_eq!(format!("{account}:{name}"), text, "the short form has an account and a name");
        assert_eq!(path_and_name, name);
    }
}

/// Checks that the pieces are in the text in their order, with only commas and white space between them.
fn nothing_is_lost(text: &str, pieces: &[&str]) {
    let mut rest = text;
    for piece in pieces {
        let at = rest.find(piece).expect("a piece of the text");
        assert!(rest[..at].chars().all(|c| c == ',' || c.is_whitespace()), "lost before {piece}: {:?}", &rest[..at]);
        rest = &rest[at + piece.len()..];
        assert!(!piece.is_empty() && piece.trim() == *piece, "{piece:?}");
    }
    assert!(rest.chars().all(|c| c == ',' || c.is_whitespace()), "lost at the end: {rest:?}");
}

/// Checks the parsers of `--duration`, `--mfa-session-duration` and all other durations.
pub fn duration(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    if let Some(span) = read("--stop-timeout", text, parse_duration) {
        let shown = humantime::format_duration(span).to_string();
        assert_eq!(parse_duration(&shown), Ok(span), "{shown}");
    }
    if let Some(SessionDuration::Exactly(span)) = read("--duration", text, SessionDuration::parse) {
        whole_seconds_within(span, 900..=43_200);
        assert_eq!(SessionDuration::parse(&span.as_secs().to_string()), Ok(SessionDuration::Exactly(span)));
    }
    if let Some(span) = read("--mfa-session-duration", text, parse_mfa_session) {
        whole_seconds_within(span, 900..=129_600);
    }
}

fn whole_seconds_within(span: Duration, limits: std::ops::RangeInclusive<u64>) {
    assert!(span.subsec_nanos() == 0 && limits.contains(&span.as_secs()), "{span:?}");
}

/// Checks the parsers of `--tag` and `--transitive-tag`. Each line of the input is one value. A line without `=` is the
/// key of a transitive tag.
pub fn tags(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let (mut tags, mut transitive) = (Vec::new(), Vec::new());
    for line in text.split('\n') {
        if line.contains('=') {
            tags.extend(read("--tag", line, Tag::parse).inspect(|tag| tag_keeps_the_limits(tag, line)));
        } else {
            transitive.extend(read("--transitive-tag", line, TagKey::parse).inspect(key_keeps_the_limits));
        }
    }
    let bound = Bound { room: BOUND.room, per_byte: 4 * 1024 };
    match bounded(text.len(), bound, || check_tags(&tags, &transitive)) {
        Ok(()) => {
            assert!(tags.len() <= 50 && transitive.len() <= 50);
            let keys: HashSet<String> = tags.iter().map(|tag| tag.key.as_str().to_lowercase()).collect();
            let passed_on: HashSet<String> = transitive.iter().map(|key| key.as_str().to_lowercase()).collect();
            assert_eq!((keys.len(), passed_on.len()), (tags.len(), transitive.len()), "no key twice");
            assert!(passed_on.is_subset(&keys), "a transitive key without a value");
        }
        Err(invalid) => drop(checked_page(&Error::Value { origin: "--tag".into(), value: None, invalid })),
    }
}

fn tag_keeps_the_limits(tag: &Tag, line: &str) {
    key_keeps_the_limits(&tag.key);
    assert!(tag.value.chars().count() <= 256 && !tag.value.chars().any(char::is_control));
    assert_eq!(format!("{}={}", tag.key.as_str(), tag.value), line, "both parts, byte for byte");
}

fn key_keeps_the_limits(key: &TagKey) {
    let text = key.as_str();
    assert!((1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control), "{text:?}");
    assert!(!text.to_lowercase().starts_with("aws:"), "{text}");
}
