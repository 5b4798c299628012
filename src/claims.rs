//! The claims of a web identity token. An OIDC token is a JSON Web Token (RFC 7519).
//!
//! The claims are only for messages. They are not verified, because only STS has the keys of the issuer.

use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};

/// The maximum length in bytes of a web identity token that STS accepts.
pub(crate) const MAX_TOKEN: usize = 20_000;

/// What a token says about itself. A field is `None` or empty if the token has no such claim of the right type.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Claims {
    /// `iss`, usually a URL.
    pub(crate) issuer: Option<String>,
    /// `aud`, which is one text or a list of them.
    pub(crate) audiences: Vec<String>,
    /// `azp`. If it is set, IAM's condition key `aud` has the value of `azp` instead of the claim `aud`. See "IAM and AWS
    /// STS condition context keys" in the IAM User Guide.
    pub(crate) authorized_party: Option<String>,
    /// `sub`.
    pub(crate) subject: Option<String>,
    /// `exp`. A time before 1970 is replaced by 1970.
    pub(crate) expiration: Option<SystemTime>,
    /// Whether the token contains session tags for STS.
    pub(crate) tags: bool,
    /// Whether the token contains a source identity for STS.
    pub(crate) source_identity: bool,
}

impl Claims {
    /// Reads the claims of a token. Returns `None` if the token is too long or is not a signed JSON Web Token.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        if token.len() > MAX_TOKEN {
            return None;
        }
        decoded(header)?;
        decoded(signature)?;
        let claims: Map<String, Value> = serde_json::from_slice(&decoded(payload)?).ok()?;
        let text = |name| claims.get(name).and_then(nonempty);
        let audiences = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().filter_map(nonempty).collect(),
            Some(one) => nonempty(one).into_iter().collect(),
            None => Vec::new(),
        };
        Some(Self {
            issuer: text("iss"),
            audiences,
            authorized_party: text("azp"),
            subject: text("sub"),
            expiration: claims.get("exp").and_then(numeric_date),
            tags: claims.contains_key("https://aws.amazon.com/tags"),
            source_identity: claims.contains_key("https://aws.amazon.com/source_identity"),
        })
    }

    /// Returns the claims that identify the token, each with its name in messages. Several audiences are joined.
    pub(crate) fn named(&self) -> [(&'static str, Option<String>); 3] {
        let audience = (!self.audiences.is_empty()).then(|| self.audiences.join(", "));
        [("issuer", self.issuer.clone()), ("audience", audience), ("subject", self.subject.clone())]
    }

    /// Returns the values that IAM compares with the audiences of a provider and of a trust policy.
    pub(crate) fn compared_audiences(&self) -> &[String] {
        self.authorized_party.as_ref().map_or(&self.audiences, std::slice::from_ref)
    }
}

/// Checks whether the bytes contain a JSON Web Token, which is then probably a secret in the wrong place. The header and
/// the claims begin with `{"`, which is `eyJ` in base64url.
pub(crate) fn contain_token(bytes: &[u8]) -> bool {
    let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    bytes.split(|byte| !in_token(byte)).any(|word| {
        let header = word.windows(3).position(|start| start == b"eyJ");
        header.is_some_and(|at| word[at..].windows(4).any(|start| start == b".eyJ"))
    })
}

/// Checks whether a word that should be the name of a program or of a profile may be a secret: a token, a variable with
/// its value, an address with a password, or a word as long as a secret access key.
pub(crate) fn may_be_secret(word: &str) -> bool {
    word.len() >= 40 || word.contains(['=', '@']) || contain_token(word.as_bytes())
}

fn nonempty(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Reads a `NumericDate`: seconds since 1970, which may have a fraction. Returns `None` if the system cannot represent
/// the time.
fn numeric_date(value: &Value) -> Option<SystemTime> {
    let since_1970 = Duration::try_from_secs_f64(value.as_f64()?.max(0.0)).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(since_1970)
}

/// Decodes base64url (RFC 4648, section 5). JSON Web Tokens have no padding, but padding is accepted. Returns `None` if
/// there is any other character.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            let [.., byte] = (bits >> count).to_be_bytes();
            bytes.push(byte);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &[u8]) -> String {
        let payload = aws_smithy_types::base64::encode(payload).replace('+', "-").replace('/', "_");
        format!("e30.{payload}.c2ln")
    }

    fn claims(payload: &str) -> Claims {
        Claims::read(&token(payload.as_bytes())).expect("claims")
    }

    #[test]
    fn claims_are_read_with_each_form_of_audience_and_time() {
        let one = claims(r#"{"iss":"https://i.example","aud":"a","sub":"s/ü~??>>","exp":1600000000,"iat":true}"#);
        assert_eq!((one.issuer.as_deref(), one.subject.as_deref()), (Some("https://i.example"), Some("s/ü~??>>")));
        assert_eq!(one.audiences, ["a"]);
        assert_eq!(one.expiration, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000)));
        let several = claims(r#"{"aud":["a","","b",3],"azp":"c","exp":1.5,"https://aws.amazon.com/tags":{}}"#);
        assert_eq!(
            (several.audiences.as_slice(), several.compared_audiences()),
            (&["a", "b"].map(String::from)[..], &["c".to_owned()][..])
        );
        assert_eq!(several.expiration, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)));
        assert!(several.tags && !several.source_identity);
    }

    #[test]
    fn absurd_claims_are_as_if_they_were_missing() {
        for payload in [
            "{}",
            r#"{"iss":1,"aud":{},"sub":[],"exp":"1600000000","azp":""}"#,
            r#"{"iss":null,"aud":[[]],"exp":1e300,"sub":""}"#,
            r#"{"exp":99999999999999999999999999}"#,
        ] {
            assert_eq!(claims(payload), Claims::default(), "{payload}");
        }
        assert_eq!(claims(r#"{"exp":-1e300}"#).expiration, Some(SystemTime::UNIX_EPOCH));
    }

    #[test]
    fn a_token_is_found_in_a_path_and_in_a_command() {
        let token = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJpIn0.c2ln";
        for text in [token, &format!("echo '{token}'"), &format!("TOKEN={token} ./get"), "token.eyJh.eyJh"] {
            assert!(contain_token(text.as_bytes()), "{text}");
        }
        for text in ["", "/run/token", "printenv TOKEN", "/eyJ/.eyJ", "eyJhbGciOiJub25lIn0", "\u{fffd}eyJ"] {
            assert!(!contain_token(text.as_bytes()), "{text}");
        }
        assert!(!contain_token(b"\xff.eyJ"));
    }

    #[test]
    fn a_token_that_is_not_a_jwt_has_no_claims() {
        let long = token(format!("{{\"sub\":\"{}\"}}", "x".repeat(MAX_TOKEN)).as_bytes());
        let deep = token(&[b'['; 9000]);
        let not_utf_8 = token(b"{\"sub\":\"\xff\"}");
        for text in [
            "",
            "..",
            "a.b",
            "a.e30.c.d",
            "\"a.e30.c\"",
            "a.e3 0.c",
            "a.e30+.c",
            "a.W10.c",
            "a.bnVsbA.c",
            &long,
            &deep,
            &not_utf_8,
        ] {
            assert_eq!(Claims::read(text), None, "{}", &text[..text.len().min(80)]);
        }
        assert_eq!(Claims::read("a.e30.c"), Some(Claims::default()));
    }
}
