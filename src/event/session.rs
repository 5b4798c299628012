//! Events before the command starts, about the plan, the source credentials, the MFA session and the roles.

use super::record::{Level, Record, info, notice, span};
use crate::claims::Claims;
use crate::error::shortened;
use crate::session::{Granted, KeyKind, Session, Share, Title, TokenSize, Validity, account_of, difference, rfc3339};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum SessionEvent {
    /// The source, the roles and the STS endpoint are known. Each line describes one of them.
    Plan { lines: Vec<String> },
    /// The user has signed in to IAM Identity Center. `session` is the name or the start URL of the session.
    SignedIn { session: String, expiration: SystemTime },
    /// The session of IAM Identity Center has expired, and the user is not asked to sign in.
    SignInNotOffered { reason: &'static str },
    /// The source has returned credentials.
    SourceCredentials { access_key_id: String, keys: KeyKind },
    /// The source has returned a web identity token. `claims` is what the token says about itself, which is not verified,
    /// or `None` if the token is not a JWT. `left_secs` is the time until it expires, negative if it has expired.
    WebIdentityToken { claims: Option<Claims>, left_secs: Option<i64> },
    /// This MFA session signs the first call to assume a role.
    MfaSession { access_key_id: String, expiration: SystemTime, from: MfaSessionFrom },
    /// One role of the chain was assumed. `number` counts from 1.
    RoleAssumed { number: usize, role: AssumedRole },
    /// The size of this role's session token is known.
    SessionToken { number: usize, token: TokenSize },
    /// The region of the EC2 instance is known. It is used because no region is set.
    InstanceRegion { region: String },
    /// The run has its first session. `role` is the ARN of the role, and `session` that of its session.
    Assumed { role: String, session: String, first: FirstSession },
    /// The run has its first session, which consists of the credentials of a profile without a role.
    Obtained { account: Option<String>, first: FirstSession },
    /// The run has its first session, and the command is an interactive shell. `until` is the expiration and the time
    /// left, or `None` if no expiry is known. `is_refreshed` is true if the shell gets the credentials by a way on which
    /// xassume refreshes them.
    Shell { title: Title, until: Option<(SystemTime, Duration)>, is_refreshed: bool },
}

/// The first session of a run. `validity` is `None` if no expiry is known.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct FirstSession {
    pub(crate) source: String,
    pub(crate) is_cached: bool,
    pub(crate) validity: Option<Validity>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum MfaSessionFrom {
    /// The MFA session was in the cache, from an earlier run or from an earlier session of this run.
    Cache,
    /// The MFA session is new, and a code was used to get it.
    Code,
}

/// STS's answer for one role, without the keys.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct AssumedRole {
    pub(crate) arn: String,
    pub(crate) account: Option<String>,
    pub(crate) expiration: SystemTime,
    pub(crate) lifetime: Duration,
    pub(crate) token: TokenSize,
}

impl From<&Granted> for AssumedRole {
    fn from(granted: &Granted) -> Self {
        let Granted { validity, arn, token, .. } = granted;
        Self {
            arn: arn.clone(),
            account: account_of(arn).map(str::to_owned),
            expiration: validity.expiration,
            lifetime: validity.lifetime,
            token: *token,
        }
    }
}

impl SessionEvent {
    /// Returns the event about an MFA session. Returns `None` if the session has no expiry. Every MFA session has one.
    pub(crate) fn mfa_session(session: &Session, from: MfaSessionFrom) -> Option<Self> {
        let expiration = session.validity.as_ref()?.local_end();
        let access_key_id = session.keys.access_key_id.clone();
        Some(Self::MfaSession { access_key_id, expiration, from })
    }

    /// Returns the event about a new web identity token.
    pub(crate) fn web_identity_token(token: &str, now: SystemTime) -> Self {
        let claims = Claims::read(token);
        let end = claims.as_ref().and_then(|claims| claims.expiration);
        Self::WebIdentityToken { claims, left_secs: end.map(|end| difference(end, now)) }
    }

    pub(super) fn record(&self) -> Record {
        match self {
            Self::Plan { lines } => info("plan", format!("plan:\n  {}", lines.join("\n  "))),
            Self::SignedIn { session, expiration } => {
                let text = format!("signed in to IAM Identity Center ({session}), until {}", rfc3339(*expiration));
                info("signed_in", text).text("sso_session", session).time("expiration", *expiration)
            }
            Self::SignInNotOffered { reason } => {
                info("sign_in_not_offered", format!("not asking to sign in, because {reason}")).text("reason", reason)
            }
            Self::SourceCredentials { access_key_id, keys } => {
                let text = format!("source credentials: {access_key_id} ({keys})");
                info("source_credentials", text).text("access_key_id", access_key_id).text("keys", keys)
            }
            Self::WebIdentityToken { claims, left_secs } => token_record(claims.as_ref(), *left_secs),
            Self::MfaSession { access_key_id, expiration, from } => {
                let from = match from {
                    MfaSessionFrom::Cache => "cache",
                    MfaSessionFrom::Code => "code",
                };
                let text = format!("MFA session: {access_key_id}, expires at {}", rfc3339(*expiration));
                let record = info("mfa_session", text).text("access_key_id", access_key_id);
                record.time("expiration", *expiration).text("from", from)
            }
            Self::RoleAssumed { number, role } => {
                let AssumedRole { arn, expiration, lifetime, .. } = role;
                let text = format!("role {number}: assumed {arn}, expires at {}", rfc3339(*expiration));
                let record =
                    Record::new(Level::Debug, "role_assumed", text).text("role", arn).number("number", *number);
                record.time("expiration", *expiration).seconds("lifetime", *lifetime)
            }
            Self::SessionToken { number, token } => session_token(*number, *token),
            Self::InstanceRegion { region } => {
                info("instance_region", format!("region of the instance: {region}")).text("region", region)
            }
            Self::Assumed { role, session, first } => {
                let name = session.rsplit('/').next().unwrap_or_default();
                let text = match first {
                    FirstSession { is_cached: true, .. } => format!("using the cached session of {role} as {name}"),
                    FirstSession { source, .. } => format!("assumed {role} as {name} with {source}"),
                };
                first.end(info("assumed", text).text("role", session))
            }
            Self::Obtained { account, first } => {
                let cached = if first.is_cached { "cached credentials of " } else { "" };
                let record = info("obtained", format!("no role: {cached}{}", first.source));
                first.end(match account {
                    Some(account) => record.text("account", account),
                    None => record,
                })
            }
            Self::Shell { title, until, is_refreshed } => shell(title, *until, *is_refreshed),
        }
    }
}

impl FirstSession {
    /// Adds where the session comes from and when it expires.
    fn end(&self, mut record: Record) -> Record {
        let from = if self.is_cached { "cache" } else { "source" };
        record = record.text("source", &self.source).text("from", from);
        let Some(Validity { expiration, left, lifetime, .. }) = self.validity else {
            record.message += ", no known expiry";
            return record;
        };
        let _ = write!(record.message, ", expires at {} (in {})", rfc3339(expiration), span(left));
        record.time("expiration", expiration).seconds("left", left).seconds("lifetime", lifetime)
    }
}

fn session_token(number: usize, token: TokenSize) -> Record {
    let text = format!("session token of role {number}: {token}");
    let record = info("session_token", text).number("number", number).number("bytes", token.bytes);
    match token.share {
        Some(Share::Token(percent)) => record.number("percent", percent),
        Some(Share::PackedPolicy(percent)) => record.number("packed_policy_percent", percent),
        None => record,
    }
}

fn shell(title: &Title, until: Option<(SystemTime, Duration)>, is_refreshed: bool) -> Record {
    let Title { label, account, role } = title;
    let mut text = match role {
        Some(role) => format!("role {role}"),
        None => format!("profile {label}"),
    };
    if let Some(account) = account {
        let _ = write!(text, " in account {account}");
    }
    if let Some((at, left)) = until {
        // In whole minutes, so that an hour is not shown as `59m 59s`.
        let minutes = Duration::from_mins((left.as_secs() + 30) / 60);
        let _ = write!(text, " until {} ({} left)", rfc3339(at), span(if minutes.is_zero() { left } else { minutes }));
        text += if is_refreshed {
            "; xassume refreshes the credentials before that"
        } else {
            "; for a shell whose credentials are refreshed, use --via endpoint"
        };
    }
    let mut record = notice("shell", text).text("label", label);
    for (key, value) in [("account", account), ("role_name", role)] {
        if let Some(value) = value {
            record = record.text(key, value);
        }
    }
    match until {
        Some((at, left)) => record.time("expiration", at).seconds("left", left),
        None => record,
    }
}

fn token_record(claims: Option<&Claims>, left_secs: Option<i64>) -> Record {
    let Some(claims) = claims else { return info("web_identity_token", "web identity token: not a JWT") };
    let named = claims.named().map(|(name, value)| (name, value.as_deref().map(shortened)));
    let mut text =
        named.each_ref().map(|(name, value)| format!("{name} {}", value.as_deref().unwrap_or("-"))).join(", ");
    if let Some(end) = claims.expiration {
        let _ = write!(text, ", expires at {}", rfc3339(end));
    }
    let mut record = info("web_identity_token", format!("web identity token: {text}"));
    for (name, value) in named {
        if let Some(value) = value {
            record = record.text(name, &value);
        }
    }
    if let Some(end) = claims.expiration {
        record = record.time("expiration", end);
    }
    match left_secs {
        Some(left) => record.seconds("left", Duration::from_secs(left.max(0).unsigned_abs())),
        None => record,
    }
}
