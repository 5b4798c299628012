//! Reads the JSON document with which a container endpoint or the instance metadata service returns access keys. All
//! functions here are pure.

use crate::error::shortened;
use crate::session::{Keys, parse_time};
use serde::Deserialize;
use serde_json::Value;
use std::time::SystemTime;
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    /// In a document without keys, `code` and `message` are texts that say why there are none. In a document with keys,
    /// they may be any JSON value.
    code: Option<Value>,
    message: Option<Value>,
    access_key_id: Option<Zeroizing<String>>,
    secret_access_key: Option<Zeroizing<String>>,
    token: Option<Zeroizing<String>>,
    expiration: Option<String>,
}

/// Reads the access keys and the time at which they expire. An expiration in the past is accepted here, because STS
/// later checks it by its own clock.
///
/// # Errors
/// The document does not contain valid keys. The text says what is wrong and contains no secrets.
pub(super) fn keys(body: &[u8]) -> Result<(Keys, SystemTime), String> {
    let document: Document = serde_json::from_slice(body).map_err(|_| "invalid response")?;
    // If the document contains keys, its code is ignored, as in botocore.
    let code = document.code.as_ref().and_then(Value::as_str).filter(|code| *code != "Success");
    if let (None, Some(code)) = (&document.access_key_id, code) {
        let message = document.message.as_ref().and_then(Value::as_str);
        let message = message.map(|message| format!(": {}", shortened(message))).unwrap_or_default();
        return Err(format!("{}{message}", shortened(code)));
    }
    let lacks = |name: &str| format!("invalid response: {name} is missing");
    let id = document.access_key_id.ok_or_else(|| lacks("AccessKeyId"))?;
    let secret = document.secret_access_key.ok_or_else(|| lacks("SecretAccessKey"))?;
    let token = document.token.ok_or_else(|| lacks("Token"))?;
    let expiration = document.expiration.ok_or_else(|| lacks("Expiration"))?;
    let expiration = parse_time(&expiration).ok_or("invalid response: Expiration is not a valid RFC 3339 time")?;
    Ok((checked(&id, &secret, &token)?, expiration))
}

/// The access keys in the answer of IAM Identity Center or of AWS Sign-In.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeysOfService {
    pub(super) access_key_id: Zeroizing<String>,
    pub(super) secret_access_key: Zeroizing<String>,
    pub(super) session_token: Zeroizing<String>,
    /// In milliseconds since 1970. Only IAM Identity Center sends it.
    pub(super) expiration: Option<u64>,
}

/// Checks the parts of access keys, and returns the keys.
///
/// # Errors
/// A part of the keys is not valid. The text names that part.
pub(super) fn checked(id: &str, secret: &str, token: &str) -> Result<Keys, String> {
    Keys::checked(("access key ID", id), ("secret access key", secret), Some(("session token", token)))
        .map_err(|(part, flaw)| format!("invalid response: the {part} {flaw}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        keys(text.as_bytes()).map(|(keys, _)| keys.access_key_id)
    }

    #[test]
    fn keys_are_read_with_each_form_of_their_expiration() {
        for end in ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00+0000", "2026-01-01T00:00:00.5+00:00"] {
            let text = format!(
                r#"{{"Code":"Success","AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"{end}"}}"#
            );
            assert_eq!(read(&text), Ok("A".into()), "{end}");
        }
    }

    #[test]
    fn keys_count_whatever_the_code_is() {
        for code in ["\"success\"", "200", "null", "\"Failed\", \"Message\": 5"] {
            let keys = r#""AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T00:00:00Z""#;
            assert_eq!(read(&format!(r#"{{"Code":{code},{keys}}}"#)), Ok("A".into()), "{code}");
        }
    }

    #[test]
    fn what_is_wrong_is_one_line_without_secrets() {
        for (text, reason) in [
            ("", "invalid response"),
            ("<html>", "invalid response"),
            (r#"{"Code":"Failed","Message":"no\nrole"}"#, "Failed: no role"),
            (r#"{"AccessKeyId":"A","SecretAccessKey":"s"}"#, "invalid response: Token is missing"),
            (
                r#"{"AccessKeyId":"A","SecretAccessKey":"s","Token":"t","Expiration":"soon"}"#,
                "invalid response: Expiration is not a valid RFC 3339 time",
            ),
            (
                r#"{"AccessKeyId":"","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T00:00:00Z"}"#,
                "invalid response: the access key ID is empty",
            ),
        ] {
            assert_eq!(read(text), Err(reason.into()), "{text}");
        }
    }
}
