//! The registration of xassume as a client of IAM Identity Center, which a sign-in needs. It is valid for some months and
//! is stored as the AWS CLI stores its own registration, so that both can use it.

use super::login_file::{LoginContext, LoginFile};
use super::oidc::{answered, failed, post};
use crate::error::SourceError;
use crate::profile::SsoSession;
use crate::session::{Secret, rfc3339, shifted};
use crate::sys::clock::wall;
use ring::digest::SHA1_FOR_LEGACY_USE_ONLY;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// A registration that expires within this time is replaced, as in the AWS CLI.
const RENEWED_BEFORE: Duration = Duration::from_mins(15);

/// The scope that allows getting the credentials of a role. It is requested if an `sso-session` section has no scopes, as
/// by the AWS CLI.
const DEFAULT_SCOPE: &str = "sso:account:access";

/// A registered client.
pub(super) struct Registration {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    /// When the registration expires, in the format of RFC 3339.
    pub(super) expires: String,
}

impl Registration {
    /// Returns the stored registration for a session. Returns `None` if there is none, or if the registration is not
    /// valid, expires soon, or is for another kind of sign-in.
    pub(super) fn stored(session: &SsoSession, context: &LoginContext<'_>) -> Option<Self> {
        let file = LoginFile::read(path(session, context)?, &session.profile).ok()??;
        let usable = file.time("/expiresAt").is_ok_and(|end| end > wall() + RENEWED_BEFORE)
            && !file.lists("/grantTypes", "authorization_code");
        let text = |pointer| file.text(pointer).filter(|_| usable);
        Some(Self {
            client_id: text("/clientId")?.to_owned(),
            client_secret: Secret::new(text("/clientSecret")?),
            expires: text("/expiresAt")?.to_owned(),
        })
    }

    /// Registers xassume for a session, and stores the registration.
    ///
    /// # Errors
    /// The service does not answer, refuses the request, or sends an invalid answer.
    pub(super) async fn new(session: &SsoSession, context: &LoginContext<'_>) -> Result<Self, SourceError> {
        let named = session.name.is_some().then(|| vec![DEFAULT_SCOPE.to_owned()]);
        let scopes = session.scopes.clone().filter(|scopes| !scopes.is_empty());
        let name = format!("xassume-{}", session.name.as_deref().unwrap_or(&session.profile));
        let mut body = json!({ "clientName": name, "clientType": "public" });
        if let Some(scopes) = scopes.clone().or(named) {
            body["scopes"] = json!(scopes);
        }
        let reply = post(session, context, "client/register", body.to_string().as_bytes()).await?;
        let new: Registered = answered(session, &reply)?;
        let end = i64::try_from(new.end).ok();
        let end = end.and_then(|secs| shifted(SystemTime::UNIX_EPOCH, secs));
        let expires = rfc3339(end.ok_or_else(|| failed(session, "invalid response"))?);
        if let Some(path) = path(session, context) {
            let mut document = json!({
                "clientId": new.id,
                "clientSecret": new.secret.as_str(),
                "expiresAt": expires,
            });
            if let Some(scopes) = scopes {
                document["scopes"] = json!(scopes);
            }
            // A registration that cannot be stored can still be used for this sign-in. The error is ignored here, because
            // storing the token in the same directory will fail, too, and that error is reported.
            let _ = LoginFile::new(path, &session.profile, document).save();
        }
        let client_secret = Secret::new(new.secret.as_str());
        Ok(Self { client_id: new.id, client_secret, expires })
    }
}

#[derive(Deserialize)]
struct Registered {
    #[serde(rename = "clientId")]
    id: String,
    #[serde(rename = "clientSecret")]
    secret: Zeroizing<String>,
    /// In seconds since 1970.
    #[serde(rename = "clientSecretExpiresAt")]
    end: u64,
}

/// Returns the path of the registration, which the AWS CLI uses, too. Returns `None` if there is no home directory.
fn path(session: &SsoSession, context: &LoginContext<'_>) -> Option<PathBuf> {
    let login = session.path(context.vars)?;
    Some(LoginFile::path(login.parent()?, &SHA1_FOR_LEGACY_USE_ONLY, &identifier(session)))
}

/// Returns the text whose hash is the name of the file: what `_registration_cache_key` of botocore writes with Python's
/// `json.dumps`.
fn identifier(session: &SsoSession) -> String {
    let text = |text: &str| python_json(&json!(text));
    let optional = |value: Option<String>| value.unwrap_or_else(|| "null".into());
    let scopes = session.scopes.as_ref().map(|scopes| {
        let scopes: Vec<String> = scopes.iter().map(|scope| text(scope)).collect();
        format!("[{}]", scopes.join(", "))
    });
    format!(
        r#"{{"region": {}, "scopes": {}, "session_name": {}, "startUrl": {}, "tool": "botocore"}}"#,
        text(&session.region),
        optional(scopes),
        optional(session.name.as_deref().map(text)),
        text(&session.start_url),
    )
}

/// Returns the JSON form of a value in ASCII.
fn python_json(value: &serde_json::Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if matches!(c, ' '..='~') {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected texts were written by `json.dumps(…, sort_keys=True)` of Python 3.11.
    #[test]
    fn the_name_of_the_file_is_the_one_that_botocore_uses() {
        let legacy = SsoSession {
            profile: "dev".into(),
            name: None,
            start_url: "https://corp.awsapps.example/start".into(),
            region: "us-east-1".into(),
            scopes: None,
        };
        let text = r#"{"region": "us-east-1", "scopes": null, "session_name": null, "startUrl": "https://corp.awsapps.example/start", "tool": "botocore"}"#;
        assert_eq!(identifier(&legacy), text);
        let scopes = Some(vec!["sso:account:access".into(), "b".into()]);
        let named = SsoSession { name: Some("büro \"\u{1f600}\u{7f}\t".into()), scopes, ..legacy };
        let text = r#"{"region": "us-east-1", "scopes": ["sso:account:access", "b"], "session_name": "b\u00fcro \"\ud83d\ude00\u007f\t", "startUrl": "https://corp.awsapps.example/start", "tool": "botocore"}"#;
        assert_eq!(identifier(&named), text);
        assert!(identifier(&SsoSession { scopes: Some(Vec::new()), ..named }).contains(r#""scopes": [], "#));
    }
}
