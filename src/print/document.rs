//! A session as a JSON document: for a container endpoint, for a `credential_process`, and xassume's own.
//!
//! `Expiration` is in UTC with `Z` and whole seconds, the only form that every SDK reads: Rust's and JavaScript's
//! reject an offset, and Go's takes a session without `Expiration` for one that never expires.

use crate::session::{Secret, Session, rfc3339};
use serde::Serialize;
use zeroize::Zeroizing;

/// More than the longest session token of STS: growing would leave copies of the secret.
const ROOM: usize = 16 * 1024;

/// The answer of a container endpoint (ECS, EKS): `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Container<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    token: &'a str,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// The output of a `credential_process`; the version is a number, and always 1.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Process<'a> {
    version: u8,
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
}

/// The document of `--print json`; names that a `credential_process` also has are the same.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Whole<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    session_token: &'a str,
    expiration: String,
    assumed_role_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
}

/// The document of a container endpoint.
pub(crate) fn container(session: &Session) -> Zeroizing<Vec<u8>> {
    json(&Container {
        access_key_id: &session.keys.access_key_id,
        secret_access_key: session.keys.secret_access_key.reveal(),
        token: token(session),
        expiration: rfc3339(session.validity.local_expiration()),
        account_id: session.account(),
    })
}

/// The document of a `credential_process`, with a line feed at its end.
pub(crate) fn process(session: &Session) -> Zeroizing<Vec<u8>> {
    let mut text = json(&Process {
        version: 1,
        access_key_id: &session.keys.access_key_id,
        secret_access_key: session.keys.secret_access_key.reveal(),
        session_token: token(session),
        expiration: rfc3339(session.validity.local_expiration()),
        account_id: session.account(),
    });
    text.push(b'\n');
    text
}

/// The session with all its attributes, with a line feed at the end.
pub(crate) fn whole(session: &Session, region: Option<&str>) -> Zeroizing<Vec<u8>> {
    let mut text = json(&Whole {
        access_key_id: &session.keys.access_key_id,
        secret_access_key: session.keys.secret_access_key.reveal(),
        session_token: token(session),
        expiration: rfc3339(session.validity.local_expiration()),
        assumed_role_arn: session.role_arn(),
        account_id: session.account(),
        region,
    });
    text.push(b'\n');
    text
}

fn token(session: &Session) -> &str {
    session.keys.session_token.as_ref().map_or("", Secret::reveal)
}

fn json(document: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    // Writing strings to memory cannot fail.
    let _ = serde_json::to_writer(&mut *text, document);
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
            validity: Validity {
                expiration: SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000_900),
                left: hour,
                lifetime: hour,
                skew_secs: 3600,
            },
            assumed_role_arn: Some("arn:aws:sts::111111111111:assumed-role/R/me".into()),
            instance_region: None,
        }
    }

    #[test]
    fn the_documents_are_what_their_readers_read() {
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
            text(whole(&session(), Some("eu-west-1"))),
            "{\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s/\\\"+\",\"SessionToken\":\"t==\",\"Expiration\":\"1970-01-12T12:46:40Z\",\"AssumedRoleArn\":\"arn:aws:sts::111111111111:assumed-role/R/me\",\"AccountId\":\"111111111111\",\"Region\":\"eu-west-1\"}\n"
        );
        assert!(!text(whole(&session(), None)).contains("Region"));
    }

    #[test]
    fn the_longest_token_is_written_without_a_move() {
        let mut session = session();
        // AWS documents no limit; what it gives stays well below 4 KiB.
        session.keys.session_token = Some(Secret::new("t".repeat(12 * 1024)));
        assert_eq!(process(&session).capacity(), ROOM);
    }
}
