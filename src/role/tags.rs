//! Session tags.

use super::invalid::Invalid;
use super::options::{check, checked_text};
use std::fmt;

/// A session tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) key: TagKey,
    pub(crate) value: String,
}

/// Checks whether AWS allows the character in a tag. The set is `[\p{L}\p{Z}\p{N}_.:/=+\-@]`.
fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

const TAG_SET: &str = "letters, digits, spaces and _.:/=+-@";

checked_text!(
    /// The key of a session tag. It has 1 to 128 characters, which are letters, digits, spaces and `_.:/=+-@`. It must
    /// not start with `aws:`.
    TagKey, |text| {
        let key = check(text, 1..=128, is_tag_char, TAG_SET)?;
        if key.to_lowercase().starts_with("aws:") {
            return Err(Invalid::new("must not start with 'aws:' (reserved)").hint("use another key"));
        }
        Ok(key)
    }
);

impl TagKey {
    /// Checks whether both keys are the same key for AWS, which ignores case.
    fn same(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl Tag {
    /// Parses `KEY=VALUE`. The value may be empty and may contain `=`.
    ///
    /// # Errors
    /// Fails if the text contains no `=`, or if the key or the value is not allowed.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(Invalid::new("expected KEY=VALUE").hint("for example --tag team=payments"));
        };
        let key = TagKey::parse(key).map_err(|invalid| invalid.of("the key"))?;
        let value = check(value, 0..=256, is_tag_char, TAG_SET).map_err(|invalid| invalid.of("the value"))?;
        Ok(Self { key, value })
    }
}

/// Parses the value of a profile's `session_tags`: `KEY=VALUE,KEY=VALUE`, as aws-vault does. A value cannot contain a
/// comma. White space around a key or a value is ignored.
///
/// # Errors
/// Fails if a part has no `=`, if a key or a value is not allowed, or if the tags together are not allowed.
pub(crate) fn parse_session_tags(text: &str) -> Result<Vec<Tag>, Invalid> {
    let tag = |part: &str| match part.split_once('=') {
        Some((key, value)) => Tag::parse(&format!("{}={}", key.trim(), value.trim())),
        None => Err(Invalid::new("expected KEY=VALUE,KEY=VALUE").hint("for example team=payments,env=prod")),
    };
    let tags = text.split(',').map(tag).collect::<Result<Vec<_>, _>>()?;
    check_tags(&tags, &[]).map(|()| tags)
}

/// Parses the value of a profile's `transitive_session_tags`: keys, separated by commas, as aws-vault does.
///
/// # Errors
/// Fails if a key is not allowed.
pub(crate) fn parse_transitive_session_tags(text: &str) -> Result<Vec<TagKey>, Invalid> {
    text.split(',').map(str::trim).filter(|key| !key.is_empty()).map(TagKey::parse).collect()
}

/// Checks the rules for a set of tags. There are at most 50 tags, no key occurs twice, and each transitive key is the
/// key of a tag.
///
/// # Errors
/// Fails at the first violated rule.
pub(crate) fn check_tags(tags: &[Tag], transitive: &[TagKey]) -> Result<(), Invalid> {
    let most = tags.len().max(transitive.len());
    if most > 50 {
        return Err(Invalid::new(format!("too many tags: {most}")).hint("AWS allows 50 session tags"));
    }
    let keys: Vec<&TagKey> = tags.iter().map(|tag| &tag.key).collect();
    let transitive: Vec<&TagKey> = transitive.iter().collect();
    for keys in [&keys, &transitive] {
        let repeated = (1..keys.len()).find(|at| keys[..*at].iter().any(|before| before.same(keys[*at])));
        if let Some(at) = repeated {
            let invalid = Invalid::new(format!("duplicate tag key '{}'", keys[at]));
            return Err(invalid.hint("tag keys are case-insensitive"));
        }
    }
    for key in transitive {
        if !tags.iter().any(|tag| tag.key.same(key)) {
            return Err(Invalid::new(format!("no --tag with the key '{key}'")).hint(format!("add --tag {key}=VALUE")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_profile_are_lists() {
        let tags =
            |text| parse_session_tags(text).map(|tags| tags.into_iter().map(|tag| (tag.key.to_string(), tag.value)));
        let tags = |text| tags(text).map(Iterator::collect::<Vec<_>>);
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(tags("a=1, b = x=y ,c="), Ok(vec![pair("a", "1"), pair("b", "x=y"), pair("c", "")]));
        for bad in ["a", "a=1,", "a=1,A=2", "=1", "a=*"] {
            assert!(tags(bad).is_err(), "{bad}");
        }
        let keys = |text| parse_transitive_session_tags(text).map(|keys| keys.len());
        assert_eq!((keys("a, b,,"), keys(",")), (Ok(2), Ok(0)));
        assert!(keys("a*").is_err());
    }

    #[test]
    fn tags_are_unique_without_case_and_transitive_ones_have_values() {
        let tags = |list: &[&str]| list.iter().map(|t| Tag::parse(t).expect(t)).collect::<Vec<_>>();
        let keys = |list: &[&str]| list.iter().map(|t| TagKey::parse(t).expect(t)).collect::<Vec<_>>();
        assert_eq!(tags(&["team=a=b"])[0].value, "a=b");
        assert_eq!(tags(&["Größe 2=x y"])[0].key.as_str(), "Größe 2");
        assert!(check_tags(&tags(&["a=1", "b="]), &keys(&["A"])).is_ok());
        assert!(check_tags(&tags(&["a=1", "A=2"]), &[]).is_err());
        assert!(check_tags(&tags(&["a=1"]), &keys(&["b"])).is_err());
        assert!(check_tags(&tags(&["a=1"]), &keys(&["a", "A"])).is_err());
        let many: Vec<_> = (0..51).map(|n| Tag::parse(&format!("k{n}=")).expect("tag")).collect();
        assert!(check_tags(&many, &[]).is_err());
        for bad in [
            "novalue",
            "=x",
            "aws:x=1",
            "a*b=1",
            "a=b*",
            &format!("{}=x", "k".repeat(129)),
            &format!("k={}", "v".repeat(257)),
        ] {
            assert!(Tag::parse(bad).is_err(), "{bad}");
        }
    }
}
