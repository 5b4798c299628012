//! The parameters of an `AssumeRole` call, with the limits from the STS API reference.

use super::invalid::Invalid;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Checks whether the character is allowed in role names, session names and source identities. The set is `[\w+=,.@-]`,
/// in which `\w` means ASCII characters only.
pub(super) fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

pub(super) const NAME_SET: &str = "letters, digits and +=,.@_-";

fn is_id_char(c: char) -> bool {
    is_name_char(c) || ":/".contains(c)
}

/// Checks the length of a text, in characters, and its character set. Returns the text.
pub(super) fn check(
    text: &str,
    lengths: RangeInclusive<usize>,
    allowed: fn(char) -> bool,
    set: &str,
) -> Result<String, Invalid> {
    let (least, most, length) = (lengths.start(), lengths.end(), text.chars().count());
    if !lengths.contains(&length) {
        let other = if length < *least { "more" } else { "fewer" };
        let invalid = Invalid::new(format!("must have {least} to {most} characters, not {length}"));
        return Err(invalid.hint(format!("use {other} characters; allowed: {set}")));
    }
    match text.chars().find(|&c| !allowed(c)) {
        Some(c) => Err(Invalid::new(format!("contains an invalid character: {c:?}")).hint(format!("allowed: {set}"))),
        None => Ok(text.to_owned()),
    }
}

/// Defines a type for a text. The text is checked when it is parsed, so each value of the type is valid. `$parse`
/// returns the text that the value contains.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// Fails if the text is not allowed.
            pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
                let parse: fn(&str) -> Result<String, Invalid> = $parse;
                parse(text).map(Self)
            }

            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(super) use checked_text;

checked_text!(
    /// The `RoleSessionName` parameter, which identifies the session in `CloudTrail`. It has 2 to 64 characters.
    RoleSessionName, |text| check(text, 2..=64, is_name_char, NAME_SET)
);
impl RoleSessionName {
    /// Checks whether AWS allows the character in a session name.
    pub(crate) fn allows(c: char) -> bool {
        is_name_char(c)
    }

    /// Returns the session name to use if none is configured and none can be made from the user and the host.
    pub(crate) fn fallback() -> Self {
        Self("xassume".to_owned())
    }
}

checked_text!(
    /// The `ExternalId` parameter, which a trust policy for another account can require. It has 2 to 1224 characters.
    ExternalId, |text| check(text, 2..=1224, is_id_char, "letters, digits and +=,.@:/_-")
);
checked_text!(
    /// The `SerialNumber` parameter: the ARN of a virtual MFA device, or the number of a hardware device. It has 9 to
    /// 256 characters.
    #[derive(serde::Serialize, serde::Deserialize)]
    MfaSerial, |text| check(text, 9..=256, is_id_char, "letters, digits and +=,.@:/_-")
);
checked_text!(
    /// The `PolicyArns.member.N.arn` parameter: the ARN of a managed policy that restricts the session. It has 20 to
    /// 2048 characters.
    PolicyArn, |text| check(text, 20..=2048, |c| ('!'..='~').contains(&c), "printable characters without spaces")
);

checked_text!(
    /// The `SourceIdentity` parameter. It is also in effect for all later roles of the chain. It has 2 to 64 characters
    /// and must not start with `aws:`.
    SourceIdentity, |text| {
        if text.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:")) {
            return Err(Invalid::new("must not start with 'aws:' (reserved)").hint("for example alice"));
        }
        check(text, 2..=64, is_name_char, NAME_SET)
    }
);

/// The requested duration of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SessionDuration {
    /// The `DurationSeconds` parameter, from 900 to 43200 seconds.
    Exactly(Duration),
    /// The longest duration that STS grants. xassume requests shorter and shorter durations until STS accepts one.
    Max,
}

impl SessionDuration {
    pub(crate) const HOUR: Duration = Duration::from_hours(1);
    const LEAST: Duration = Duration::from_mins(15);
    pub(crate) const MOST: Duration = Duration::from_hours(12);

    /// Parses `max`, or a duration such as `1h`, `90m` or `3600s`. A number without a unit is in seconds, as in
    /// `duration_seconds` of a profile.
    ///
    /// # Errors
    /// Fails if the text is not a duration, or if the duration is not a whole number of seconds or not between 15
    /// minutes and 12 hours.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        if text == "max" {
            return Ok(Self::Max);
        }
        Self::from_duration(parse_duration(text)?).map_err(|invalid| {
            let unit = match text.parse::<u32>() {
                Ok(1..=12) => 'h',
                Ok(15..=720) => 'm',
                Ok(_) | Err(_) => return invalid,
            };
            invalid.hint(format!("{text} means {text} seconds; did you mean {text}{unit}?"))
        })
    }

    pub(crate) fn from_duration(duration: Duration) -> Result<Self, Invalid> {
        if duration.subsec_nanos() != 0 {
            return Err(Invalid::new("must be a whole number of seconds").hint("for example 15m or 1h"));
        }
        if !(Self::LEAST..=Self::MOST).contains(&duration) {
            let hint = if duration < Self::LEAST {
                "no session is shorter than 15m"
            } else {
                "no session is longer than 12h; for a longer command use --via endpoint or --on-expiry restart"
            };
            return Err(Invalid::new("must be between 15m and 12h").hint(hint));
        }
        Ok(Self::Exactly(duration))
    }
}

/// Parses a duration in the format of `humantime`, for example `1h 30m`. A number without a unit is in seconds.
///
/// # Errors
/// Fails if the text is neither a number nor in this format.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, Invalid> {
    if let Ok(seconds) = text.parse::<u32>() {
        return Ok(Duration::from_secs(seconds.into()));
    }
    humantime::parse_duration(text)
        .map_err(|_| Invalid::new("not a duration").hint("for example 1h, 90m, 1h 30m or 3600s"))
}

/// Parses a duration and checks its limits.
///
/// # Errors
/// Fails if the text is not a duration. Also fails if the duration is outside the limits. This second error has the
/// given `reason` and `hint`.
pub(crate) fn duration_within(
    text: &str,
    limits: RangeInclusive<Duration>,
    reason: &str,
    hint: &str,
) -> Result<Duration, Invalid> {
    let duration = parse_duration(text)?;
    if limits.contains(&duration) { Ok(duration) } else { Err(Invalid::new(reason).hint(hint)) }
}

checked_text!(
    /// A session policy in JSON. It can only restrict the permissions of the role. It has at most 2048 characters, and no
    /// white space around it.
    SessionPolicy, session_policy
);

/// Returns the policy in the text, without the white space around it.
///
/// # Errors
/// Fails if the text is not a JSON object, contains a character that STS does not allow, or is too long.
fn session_policy(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    let example =
        r#"a policy looks like {"Version":"2012-10-17","Statement":[…]}; to read a file: --policy file://PATH"#;
    if let Err(error) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        return Err(Invalid::new(format!("not a JSON policy document: {error}")).hint(example));
    }
    let length = text.chars().count();
    if length > 2048 {
        return Err(Invalid::new(format!("must have at most 2048 characters, not {length}"))
            .hint("shorten the policy, or use a managed policy with --policy-arn"));
    }
    // STS documents the set of allowed characters as [\u0009\u000A\u000D\u0020-\u00FF]+.
    match text.chars().find(|&c| !matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')) {
        Some(c) => Err(Invalid::new(format!("contains an invalid character: {c:?}"))
            .hint("only Latin-1 characters are allowed; escape others as \\uXXXX")),
        None => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_names_keep_the_set_and_the_length() {
        for good in ["ab", "a+=,.@-_9", &"x".repeat(64)] {
            assert_eq!(RoleSessionName::parse(good).expect(good).as_str(), good);
        }
        for bad in ["", "a", "a b", "a/b", "ü1", &"x".repeat(65)] {
            assert!(RoleSessionName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_whole_seconds_from_15m_to_12h() {
        let ok = |text: &str| SessionDuration::parse(text).expect(text);
        assert_eq!(ok("1h"), SessionDuration::Exactly(SessionDuration::HOUR));
        assert_eq!(ok("3600"), ok("1h"));
        assert_eq!(ok("1h 30m"), ok("90m"));
        assert_eq!(ok("12h"), ok("43200s"));
        assert_eq!(ok("max"), SessionDuration::Max);
        for bad in ["", "899", "12h 1s", "1h 1ms", "-1h", "soon", "99999999999999999999h", "4294967296"] {
            assert!(SessionDuration::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_that_is_meant_as_hours_or_minutes_has_a_hint() {
        let meant = |text: &str| {
            let hint = SessionDuration::parse(text).expect_err(text).hint.expect(text);
            hint.split_once("; did you mean ").map(|(_, meant)| meant.to_owned())
        };
        assert_eq!(
            ["1", "12", "15", "720"].map(meant),
            ["1h?", "12h?", "15m?", "720m?"].map(|hint| Some(hint.to_owned()))
        );
        assert_eq!(["0", "13", "721", "43201", "8s"].map(meant), [const { None }; 5]);
    }

    #[test]
    fn policies_are_json_objects_of_a_known_size() {
        assert!(SessionPolicy::parse(r#" {"Version":"2012-10-17","Statement":[]} "#).is_ok());
        for bad in ["", "[]", "{", "{\"a\":\"\u{2014}\"}", &format!("{{\"a\":\"{}\"}}", "x".repeat(2048))] {
            assert!(SessionPolicy::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn source_identities_must_not_start_with_aws() {
        assert!(SourceIdentity::parse("alice@example.com").is_ok());
        for bad in ["a", "aws:alice", "AWS:alice", "a b"] {
            assert!(SourceIdentity::parse(bad).is_err(), "{bad}");
        }
    }
}
