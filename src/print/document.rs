//! A session as a JSON document: for a container endpoint, for a `credential_process`, and for `--print json`.
//!
//! `Expiration` is in UTC with `Z` and whole seconds, because this is the only form that every SDK reads. Rust's and
//! JavaScript's SDKs reject an offset, and Go's SDK assumes that a session without `Expiration` never expires.

use crate::session::{Secret, Session, rfc3339};
use serde::Serialize;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The initial capacity of a document, in bytes. A document with STS's longest session token is smaller, so the buffer
/// never grows. Growing would leave copies of the secrets in memory.
const ROOM: usize = 16 * 1024;

/// The members of all three kinds of documents. Each kind leaves out those that are `None`.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Document<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u8>,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    /// The session token, under the name that a container endpoint gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assumed_role_arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    /// The sessions of `--also`, by the names of their profiles.
    #[serde(rename = "profiles", skip_serializing_if = "BTreeMap::is_empty")]
    profiles: BTreeMap<&'a str, Document<'a>>,
}

impl<'a> Document<'a> {
    fn of(session: &'a Session) -> Self {
        Self {
            access_key_id: &session.keys.access_key_id,
            secret_access_key: session.keys.secret_access_key.reveal(),
            session_token: token(session),
            expiration: session.validity.as_ref().map(|validity| rfc3339(validity.local_expiration())),
            account_id: session.account(),
            ..Self::default()
        }
    }
}

/// Returns the JSON document with which a container endpoint (as in ECS and EKS) answers.
pub(crate) fn container(session: &Session) -> Zeroizing<Vec<u8>> {
    json(&Document { session_token: None, token: token(session), ..Document::of(session) }, b"")
}

/// Returns the output of a `credential_process`, with a line feed at its end. `Version` is a number and always 1.
pub(crate) fn process(session: &Session) -> Zeroizing<Vec<u8>> {
    json(&Document { version: Some(1), ..Document::of(session) }, b"\n")
}

/// A session of `--also`, with the name of its profile and its region.
pub(crate) type ProfileSession<'a> = (&'a str, &'a Session, Option<&'a str>);

/// Returns the document of `--print json`, with all attributes of the sessions and a line feed at its end.
pub(crate) fn whole(session: &Session, region: Option<&str>, others: &[ProfileSession<'_>]) -> Zeroizing<Vec<u8>> {
    let profiles = others.iter().map(|(profile, session, region)| (*profile, attributes(session, *region))).collect();
    json(&Document { profiles, ..attributes(session, region) }, b"\n")
}

fn attributes<'a>(session: &'a Session, region: Option<&'a str>) -> Document<'a> {
    Document { assumed_role_arn: session.assumed_role_arn.as_deref(), region, ..Document::of(session) }
}

fn token(session: &Session) -> Option<&str> {
    session.keys.session_token.as_ref().map(Secret::reveal)
}

fn json(document: &Document<'_>, end: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM * (1 + document.profiles.len())));
    // Writing to memory cannot fail, and each member can be represented in JSON.
    let _ = serde_json::to_writer(&mut *text, document);
    text.extend_from_slice(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Keys, Validity};
    use std::time::{Duration, SystemTime};

    fn session() -> Session {
        let hour = Duration::from_hours(1);
        Session {
            keys: Keys {
                access_key_id: "ASIA1".into(),
                secret_access_key: Secret::new("s/\"+"),
                session_token: Some(Secret::new("t==")),
            },
            validity: Some(Validity {
                expiration: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_900),
                left: hour,
                lifetime: hour,
                skew_secs: 3600,
            }),
            assumed_role_arn: Some("arn:aws:sts::111111111111:assumed-role/R/me".into()),
            account_id: None,
            instance_region: None,
        }
    }

    #[test]
    fn each_document_has_the_form_that_its_readers_expect() {
        let text = |document: Zeroizing<Vec<u8>>| String::from_utf8(document.to_vec()).expect("text");
        assert_eq!(
            text(container(&session())),
            r#"{"AccessKeyId":"ASIA1","SecretAccessKey":"s/\"+","Token":"t==","Expiration":"1970-01-12T12:46:40Z","AccountId":"111111111111"}"#
        );
        assert_eq!(
            text(process(&session())),
            "{\"Version\":1,\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s/\\\"+\",\"SessionToken\":\"t==\",\"Expiration\":\"1970-01-12T12:46:40Z\",\"AccountId\":\"111111111111\"}\n"
        );
        assert_eq!(
            text(whole(&session(), Some("eu-west-1"), &[])),
            "{\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s/\\\"+\",\"SessionToken\":\"t==\",\"Expiration\":\"1970-01-12T12:46:40Z\",\"AssumedRoleArn\":\"arn:aws:sts::111111111111:assumed-role/R/me\",\"AccountId\":\"111111111111\",\"Region\":\"eu-west-1\"}\n"
        );
        assert!(!text(whole(&session(), None, &[])).contains("Region"));
    }

    #[test]
    fn the_longest_token_is_written_without_a_move() {
        let mut session = session();
        // AWS documents no limit for the token. The tokens that it issues stay well below 4 KiB, and this one is much
        // longer.
        session.keys.session_token = Some(Secret::new("t".repeat(12 * 1024)));
        assert_eq!(process(&session).capacity(), ROOM);
    }
}
