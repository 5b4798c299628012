//! AWS access keys, and a check that their parts are valid. All functions here are pure.

use super::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;

/// Access keys, which sign requests. With a session token, they are temporary keys. Without one, they are the long-term
/// keys of an IAM user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keys {
    /// The access key ID. It is not secret, because `CloudTrail` logs it.
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: Secret,
    pub(crate) session_token: Option<Secret>,
}

/// Whether access keys expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum KeyKind {
    /// Keys of an IAM user, without a session token. `GetSessionToken` accepts only such keys.
    LongTerm,
    /// Keys of a session, with a session token. They expire.
    Temporary,
}

impl KeyKind {
    pub(crate) fn of(keys: &Keys) -> Self {
        if keys.session_token.is_none() { Self::LongTerm } else { Self::Temporary }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LongTerm => "long-term",
            Self::Temporary => "temporary",
        })
    }
}

/// A part of access keys: its name in messages, and its value.
pub(crate) type Named<'a> = (&'static str, &'a str);

/// Why a value is not valid as a part of access keys. The flaw does not contain the value, which may be secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Flaw {
    #[error("is empty")]
    Empty,
    #[error("contains a line break")]
    LineBreak,
    #[error("contains a space")]
    Space,
    #[error("contains a control character")]
    Control,
    #[error("contains a character that is not ASCII")]
    NotAscii,
}

impl Keys {
    /// Checks access keys that come from outside xassume, and returns them. As in botocore, an empty session token
    /// counts as none, because some programs print an empty token with the long-term keys of a user.
    ///
    /// # Errors
    /// The ID or the secret is empty, or a part contains a character outside the range `!` to `~`. Such a character can
    /// neither be used to sign a request nor be sent in a header. White space is an error too, because AWS's own tools
    /// do not remove it either. The error contains the name of the first invalid part.
    pub(crate) fn checked(
        id: Named<'_>,
        secret: Named<'_>,
        token: Option<Named<'_>>,
    ) -> Result<Self, (&'static str, Flaw)> {
        let token = token.filter(|(_, token)| !token.is_empty());
        let flawed = [id, secret].into_iter().chain(token).find_map(|(name, text)| Some((name, flaw(text)?)));
        match flawed {
            Some(flawed) => Err(flawed),
            None => Ok(Self {
                access_key_id: id.1.to_owned(),
                secret_access_key: Secret::new(secret.1),
                session_token: token.map(|(_, token)| Secret::new(token)),
            }),
        }
    }
}

fn flaw(text: &str) -> Option<Flaw> {
    if text.is_empty() {
        return Some(Flaw::Empty);
    }
    text.chars().find_map(|c| match c {
        '!'..='~' => None,
        '\n' | '\r' => Some(Flaw::LineBreak),
        ' ' | '\t' => Some(Flaw::Space),
        c if c.is_control() => Some(Flaw::Control),
        _ => Some(Flaw::NotAscii),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_of_visible_ascii_characters() {
        let flaw = |id, secret, token: Option<&'static str>| {
            Keys::checked(("id", id), ("secret", secret), token.map(|token| ("token", token))).err()
        };
        assert_eq!(flaw("AKIA", "wJalr/XUt+n=~!", None), None);
        assert_eq!(flaw("ASIA", "s", Some("IQoJb3JpZ2luX2Vj//8=")), None);
        for (text, expected) in [
            ("", Flaw::Empty),
            ("AKIA\n", Flaw::LineBreak),
            ("AKIA\r", Flaw::LineBreak),
            (" AKIA", Flaw::Space),
            ("AK\tIA", Flaw::Space),
            ("AKIA\u{1}", Flaw::Control),
            ("AKIA\u{7f}", Flaw::Control),
            ("AKI\u{e4}", Flaw::NotAscii),
            ("AKIA\u{a0}", Flaw::NotAscii),
        ] {
            assert_eq!(flaw(text, "s", Some("t")), Some(("id", expected)), "{text:?}");
            assert_eq!(flaw("AKIA", text, None), Some(("secret", expected)), "{text:?}");
            let of_token = Some(("token", expected)).filter(|_| !text.is_empty());
            assert_eq!(flaw("ASIA", "s", Some(text)), of_token, "{text:?}");
        }
    }

    #[test]
    fn an_empty_token_is_none() {
        let (id, secret) = (("id", "AKIA"), ("secret", "s"));
        assert_eq!(Keys::checked(id, secret, Some(("token", ""))), Keys::checked(id, secret, None));
    }
}
