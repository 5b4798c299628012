//! The XML of the query protocol, exactly as STS writes it.

use std::fmt::Write as _;

use super::super::http::Response;
use super::super::times::iso;
use super::oidc::Holder;
use super::world::Issued;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// Real IDs are random. A constant lets tests compare whole outputs.
pub(super) const REQUEST_ID: &str = "c6104cbe-af31-11e0-8154-cbc7ccf896c7";

/// The limit for a session token.
const MOST_TOKEN_BYTES: usize = 4096;

/// An error of STS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Fault {
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into() }
    }

    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }
}

pub(super) fn not_authorized(caller: &str, role: &str) -> String {
    not_authorized_to("sts:AssumeRole", caller, role)
}

pub(super) fn not_authorized_to(action: &str, caller: &str, role: &str) -> String {
    format!("User: {caller} is not authorized to perform: {action} on resource: {role}")
}

/// The session in an answer, and the fields that only some answers have.
pub(super) struct Grant<'a> {
    pub issued: &'a Issued,
    pub packed_policy: bool,
    /// Whether the answer has no field about the size of the session token, like that of an older endpoint.
    pub older: bool,
    pub source_identity: Option<&'a str>,
}

pub(super) fn assume_role(grant: &Grant<'_>) -> Response {
    success("AssumeRole", &grant_body(grant))
}

pub(super) fn web_identity(grant: &Grant<'_>, holder: Option<&Holder>) -> Response {
    let (subject, audience, issuer) = match holder {
        Some(Holder { subject, audience, issuer }) => (subject.as_str(), audience.as_str(), issuer.as_str()),
        None => ("system:serviceaccount:default:app", "sts.amazonaws.com", "https://oidc.example.com"),
    };
    let body = grant_body(grant)
        + &format!(
            "<SubjectFromWebIdentityToken>{}</SubjectFromWebIdentityToken><Audience>{}</Audience>\
             <Provider>arn:aws:iam::222222222222:oidc-provider/{}</Provider>",
            escape(subject),
            escape(audience),
            escape(issuer.trim_start_matches("https://"))
        );
    success("AssumeRoleWithWebIdentity", &body)
}

fn grant_body(grant: &Grant<'_>) -> String {
    let Issued { arn, session_name, .. } = grant.issued;
    let mut body = format!(
        "<AssumedRoleUser><AssumedRoleId>AROA3XFRBF535PLBIFPI4:{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser>",
        escape(session_name),
        escape(arn)
    );
    body += &credentials(grant.issued);
    if grant.packed_policy {
        body += "<PackedPolicySize>6</PackedPolicySize>";
    }
    if !grant.older {
        let bytes = grant.issued.session_token.len();
        let percent = bytes * 100 / MOST_TOKEN_BYTES;
        let _ = write!(
            body,
            "<SessionTokenUtilization>{percent}</SessionTokenUtilization><SessionTokenSize>{bytes}</SessionTokenSize>"
        );
    }
    if let Some(identity) = grant.source_identity {
        let _ = write!(body, "<SourceIdentity>{}</SourceIdentity>", escape(identity));
    }
    body
}

pub(super) fn session_token(issued: &Issued) -> Response {
    success("GetSessionToken", &credentials(issued))
}

pub(super) fn caller_identity(arn: &str) -> Response {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let body = format!("<Arn>{}</Arn><UserId>AIDACKCEVSQ6C2EXAMPLE</UserId><Account>{account}</Account>", escape(arn));
    success("GetCallerIdentity", &body)
}

fn credentials(issued: &Issued) -> String {
    format!(
        "<Credentials><AccessKeyId>{}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>{}</SessionToken><Expiration>{}</Expiration></Credentials>",
        issued.access_key_id,
        issued.secret_access_key,
        issued.session_token,
        iso(issued.expiration)
    )
}

fn success(action: &str, body: &str) -> Response {
    answer(
        200,
        &format!(
            "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{body}</{action}Result>\
             <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

pub(super) fn refusal(fault: &Fault) -> Response {
    let blame = if fault.status < 500 { "Sender" } else { "Receiver" };
    answer(
        fault.status,
        &format!(
            "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{blame}</Type><Code>{}</Code>\
             <Message>{}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>",
            escape(&fault.code),
            escape(&fault.message)
        ),
    )
}

fn answer(status: u16, body: &str) -> Response {
    Response::new(status, "text/xml", body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
