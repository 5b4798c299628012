//! Checks with malicious answers of STS, malicious output of a `credential_process` and malicious lists of roles. See
//! `crate::hostile`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a violated property is reported by a panic"
)]

use super::call::{Call, CallContext, Code};
use super::connection::StsConnection;
use super::date::ServerDate;
use super::http::received;
use super::limits::Limits;
use super::network::Network;
use super::source::SourceKeys;
use super::source::instance::role_name;
use super::source::process::{Helpers, process_keys};
use super::source::web_identity::Tokens;
use crate::error::{AssumeError, Error, MetadataFailure, ProcessFailure, SourceError, StsCall};
use crate::hostile::{Bound, bounded, checked_page, is_recognizable, redacted, seen};
use crate::log_options::LogOptions;
use crate::mfa::can_sign;
use crate::print::document::container;
use crate::profile::{TokenFrom, TokenSource};
use crate::report::Report;
use crate::role::{Hop, HopOptions, MfaCode, MfaSerial, RoleArn, RoleSessionName};
use crate::session::{CallerIdentity, Keys, Secret, Session, rfc3339};
use crate::supervise::policy::{DeliveryTime, OnExpiry, Policy};
use crate::supervise::schedule::{Dice, RefreshKind, Term};
use crate::sys::boot::boottime;
use crate::sys::helper::Attendance;
use crate::vars::Vars;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// Most of this memory is for the SDK, which builds a client for each call.
const BOUND: Bound = Bound { room: 4 << 20, per_byte: 512 };

/// Uses the input as an answer of STS, which the SDK's client reads. The first line contains the call (`role`, `web`,
/// `mfa` or `who`) and the status. Headers, an empty line and the body follow.
pub fn sts_answer(bytes: &[u8]) {
    let text = &String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (first, headers) = head.split_once('\n').unwrap_or((head, ""));
    let (call, status) = first.split_once(' ').unwrap_or((first, "200"));
    let headers = headers.lines().filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect();
    let canned = Canned { status: status.parse().unwrap_or(200), headers, body: body.to_owned() };
    let secrets = ["SecretAccessKey", "SessionToken"].into_iter().filter_map(|tag| content(body, tag));
    let secrets: Vec<&str> = secrets.filter(|secret| is_recognizable(secret, text)).collect();
    let shown = match bounded(text.len(), BOUND, || asked(call, canned)) {
        Ok(answer) => {
            if let Answer::Session(session) = &answer {
                can_be_used(session);
            }
            seen(&answer)
        }
        Err(error) => {
            let seen = seen(&error);
            let told = checked_page(&Error::Assume(error));
            let subject = match call {
                "who" => "GetCallerIdentity failed",
                _ => "arn:aws:iam::521111111144:role/DeployMaster",
            };
            assert!(told.contains(subject), "{told}");
            seen + &told
        }
    };
    redacted(secrets, &shown);
}

/// Returns the text of the first element with this tag.
fn content<'a>(body: &'a str, tag: &str) -> Option<&'a str> {
    let (_, rest) = body.split_once(&format!("<{tag}>"))?;
    Some(rest.split_once('<').map_or(rest, |(content, _)| content).trim())
}

/// Checks that a session can be shown, scheduled and served.
fn can_be_used(session: &Session) {
    let Session { keys, validity, assumed_role_arn, .. } = session;
    let validity = validity.as_ref().expect("a session from STS expires");
    let Keys { access_key_id, secret_access_key, session_token } = keys;
    let token = session_token.as_ref().map(Secret::reveal).expect("a session has a token");
    for text in [access_key_id, secret_access_key.reveal(), token, assumed_role_arn.as_deref().unwrap_or("none")] {
        assert!(!text.is_empty() && !text.contains(char::is_control), "{text:?}");
    }
    assert!(validity.left <= validity.lifetime);
    for moment in [validity.expiration, validity.local_expiration()] {
        assert!(humantime::parse_rfc3339(&rfc3339(moment)).is_ok());
    }
    let document = container(session);
    let document: serde_json::Value = serde_json::from_slice(&document).expect("the document is JSON");
    assert_eq!((&document["SecretAccessKey"], &document["Token"]), (&secret_access_key.reveal().into(), &token.into()));
    let now = crate::sys::clock::now();
    let term = Term::of(validity, now);
    assert!(term.left(now) <= validity.left);
    for on_expiry in [OnExpiry::None, OnExpiry::Restart] {
        let policy = Policy::usual(on_expiry, DeliveryTime::Live);
        let lead = policy.lead(validity.lifetime, RefreshKind::First, &mut Dice::Seeded(1));
        assert!(lead <= validity.lifetime / 2 + Duration::from_mins(10));
        let _ = term.before_expiry(lead).passed(now);
    }
}

#[derive(Debug)]
#[allow(dead_code, reason = "an identity is only shown")]
enum Answer {
    Session(Session),
    Identity(CallerIdentity),
}

fn asked(call: &str, canned: Canned) -> Result<Answer, Box<AssumeError>> {
    let hop = Hop {
        role: RoleArn::parse("521111111144:DeployMaster").expect("a role"),
        session_name: RoleSessionName::parse("name").expect("a name"),
        options: HopOptions::default(),
    };
    let network = Network {
        endpoint: Some("http://sts.test".into()),
        ca_bundle: None,
        fips: false,
        dualstack: false,
        proxies: crate::profile::Proxies::default(),
        timeout: Duration::from_mins(1),
    };
    let date = ServerDate::default();
    let client = SharedHttpClient::new(InMemory { canned, date: date.clone() });
    let action = match call {
        "web" => StsCall::AssumeRoleWithWebIdentity,
        "mfa" => StsCall::GetSessionToken,
        "who" => StsCall::GetCallerIdentity,
        _ => StsCall::AssumeRole,
    };
    let events = Report::new(LogOptions::usual(&Vars::default()));
    let progress = events.progress();
    let connection = StsConnection { client, date, ..StsConnection::new(&network, "eu-central-1".into(), 1) };
    let deadline = Instant::now() + network.timeout;
    let context = CallContext { connection: &connection, deadline, progress: &progress, events: &events };
    let call = Call { context, hop: Some(&hop), place: (1, 1), action };
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (source, from, vars) = (TokenSource::Command("exit 1".into()), TokenFrom::Variable, Vars::default());
    let tokens = Tokens {
        source: &source,
        from: &from,
        vars: &vars,
        network: &network,
        helpers: Helpers { environment: &[], attendance: Attendance::Detached },
        limits: Limits { attempts: 1, time: network.timeout, program_timeout: None },
        first: RefCell::new(Some(Secret::new("token"))),
        ran: Cell::default(),
    };
    runtime.block_on(async {
        match action {
            StsCall::AssumeRole => return Ok(Answer::Session(call.longest(&hop, &caller(), None).await?.into())),
            StsCall::AssumeRoleWithWebIdentity => {
                let granted = call.longest_with_tokens(&hop, &tokens).await;
                return match granted {
                    Ok((granted, _)) => Ok(Answer::Session(granted.into())),
                    Err(Error::Assume(error)) => Err(error),
                    Err(other) => panic!("{other}"),
                };
            }
            StsCall::GetCallerIdentity => return Ok(Answer::Identity(call.get_caller_identity(&caller()).await?)),
            StsCall::GetSessionToken => {}
        }
        let (serial, code) = (MfaSerial::parse("device-01"), MfaCode::parse("123456"));
        let code = Code { serial: &serial.expect("a serial"), code: &code.expect("a code") };
        let session = call.get_session_token(&caller(), code, Duration::from_hours(1)).await?;
        let ends = session.validity.as_ref().expect("an MFA session expires").local_end();
        assert!(rfc3339(ends).ends_with('Z') && !can_sign(&session, ends));
        Ok(Answer::Session(session))
    })
}

fn caller() -> Keys {
    let secret_access_key = Secret::new("the caller's own");
    Keys { access_key_id: "AKIACALLER".into(), secret_access_key, session_token: None }
}

/// A prepared answer.
#[derive(Debug, Clone)]
struct Canned {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Canned {
    fn response(&self) -> Result<HttpResponse, ConnectorError> {
        let response = hyper::Response::builder().status(self.status);
        let response = self.headers.iter().fold(response, |response, (name, value)| {
            let fits = hyper::header::HeaderName::try_from(name).is_ok();
            if fits && hyper::header::HeaderValue::try_from(value).is_ok() {
                response.header(name, value)
            } else {
                response
            }
        });
        let response = response.body(SdkBody::from(self.body.as_str()));
        let response = response.map_err(|error| ConnectorError::other(error.into(), None))?;
        HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
    }
}

/// A connection that returns a prepared answer.
#[derive(Debug, Clone)]
struct InMemory {
    canned: Canned,
    date: ServerDate,
}

impl HttpConnector for InMemory {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(
            self.canned.response().and_then(|response| received(response, &self.date, boottime())),
        )
    }
}

impl HttpClient for InMemory {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Uses the input as the output of a `credential_process`.
pub fn credential_process(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let bound = Bound { room: 64 << 10, per_byte: 16 };
    match bounded(bytes.len(), bound, || process_keys(bytes)) {
        Ok(SourceKeys { keys, .. }) => {
            let secrets = [Some(&keys.secret_access_key), keys.session_token.as_ref()];
            let secrets = secrets.into_iter().flatten().map(Secret::reveal);
            redacted(secrets.filter(|secret| is_recognizable(secret, &text)), &seen(&keys));
        }
        Err(failure) => {
            let of_nothing = refused(process_keys(b"").expect_err("nothing is no answer"));
            let words = text.split('"').filter(|word| is_recognizable(word, &text));
            // Two kinds of words may be shown: those of the hint, which shows the expected format, and an expiration in
            // the past, which is the reason for the error.
            redacted(words.filter(|word| !of_nothing.contains(word) && !is_moment(word)), &refused(failure));
        }
    }
}

/// Uses the input as the list of roles in instance metadata. Checks that a role name that is read is in the list and is
/// one segment of a URL.
pub fn role_list(bytes: &[u8]) {
    let bound = Bound { room: 4 << 10, per_byte: 4 };
    match bounded(bytes.len(), bound, || role_name(bytes)) {
        Ok(name) => {
            let url: hyper::Uri = format!("http://169.254.169.254/roles/{name}").parse().expect("a URL");
            assert_eq!((url.path(), url.query()), (format!("/roles/{name}").as_str(), None));
            assert!(!name.is_empty() && name.len() <= 128 && ![".", ".."].contains(&name), "{name}");
            let first = String::from_utf8_lossy(bytes).trim_start().lines().next().map(|line| line.trim().to_owned());
            assert_eq!(first.as_deref(), Some(name));
        }
        Err(reason) => {
            let failure = MetadataFailure::Unusable(reason);
            drop(checked_page(&Error::Source(SourceError::InstanceMetadata { failure, last_resort: None })));
        }
    }
}

fn refused(failure: ProcessFailure) -> String {
    let error = Error::Source(SourceError::Process { profile: "me".into(), failure });
    seen(&error) + &checked_page(&error)
}

fn is_moment(word: &str) -> bool {
    word.len() <= 40 && word.starts_with(|c: char| c.is_ascii_digit())
}
