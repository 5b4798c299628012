//! The state of the fake, and the normal answers to requests.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use super::super::http::Response;
use super::super::identities::{Chaining, Identity, secret_for, token_for};
use super::super::times::{basic, http_date, parse_basic, whole_seconds};
use super::accounts::{Accounts, Mfa, Principal};
use super::oidc::Providers;
use super::request::StsRequest;
use super::rules::{self, RoleName, RoleRules, UnknownRoles};
use super::xml::{self, Fault, Grant, not_authorized};

/// The limits on the age of a signature: 15 minutes in the past, 5 in the future.
const LATEST: Duration = Duration::from_mins(15);
const EARLIEST: Duration = Duration::from_mins(5);

/// Credentials that the fake issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Counted from 1, over all roles and actions.
    pub generation: u64,
    pub access_key_id: String,
    pub secret_access_key: String,
    pub session_token: String,
    /// The role that was assumed; empty for `GetSessionToken`.
    pub role_arn: String,
    pub session_name: String,
    /// The identity of these credentials: the assumed-role ARN, or the user.
    pub arn: String,
    pub lifetime: Duration,
    pub expiration: SystemTime,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SignatureTime {
    #[default]
    Ignored,
    Checked,
}

#[derive(Default)]
pub(super) struct World {
    pub accounts: Accounts,
    pub roles: HashMap<String, RoleRules>,
    pub unknown_roles: UnknownRoles,
    pub lifetime: Option<Duration>,
    pub mfa_codes: Vec<String>,
    pub web_tokens: Option<Vec<String>>,
    pub providers: Providers,
    /// The length of session tokens. `None` for the usual length.
    pub token_bytes: Option<usize>,
    pub older: bool,
    pub clock_offset: i64,
    pub signature_time: SignatureTime,
    pub issued: Vec<Issued>,
    /// The arrival time of the current request. `Date` and `Expiration` are relative to it.
    pub moment: Option<SystemTime>,
}

impl World {
    fn now(&self) -> SystemTime {
        let distance = Duration::from_secs(self.clock_offset.unsigned_abs());
        let now = self.moment.unwrap_or_else(SystemTime::now);
        if self.clock_offset < 0 { now - distance } else { now + distance }
    }

    /// Adds the headers that every answer of STS has.
    pub(super) fn add_headers(&self, response: Response) -> Response {
        response.header("Date", http_date(self.now())).header("x-amzn-RequestId", xml::REQUEST_ID)
    }

    /// The normal answer. `lifetime` is the script's lifetime for this request.
    pub(super) fn respond(&mut self, request: &StsRequest, lifetime: Option<Duration>) -> Response {
        let granted = lifetime.or(self.lifetime);
        self.moment = Some(SystemTime::now());
        let response = match request.action.as_str() {
            "AssumeRole" => self.assume_role(request, granted),
            "AssumeRoleWithWebIdentity" => self.web_identity(request, granted),
            "GetSessionToken" => self.session_token(request, granted),
            "GetCallerIdentity" => self.caller(request).map(|caller| xml::caller_identity(&caller.identity.arn)),
            other => {
                let message = format!("Could not find operation {other} for version 2011-06-15");
                Err(Fault::new(400, "InvalidAction", message))
            }
        };
        let response = self.add_headers(response.unwrap_or_else(|fault| xml::refusal(&fault)));
        self.moment = None;
        response
    }

    fn caller(&self, request: &StsRequest) -> Result<Principal, Fault> {
        if self.signature_time == SignatureTime::Checked {
            check_signature_time(request, self.now())?;
        }
        self.accounts.authenticate(request, self.now())
    }

    fn assume_role(&mut self, request: &StsRequest, granted: Option<Duration>) -> Result<Response, Fault> {
        let caller = self.caller(request)?;
        let (role, name, session_name) = role_and_session(request)?;
        let asked = asked_duration(request, granted, 3600, 43_200)?;
        let mfa = self.check_mfa(request)?;
        let rules = self.rules_for(role).ok_or_else(|| Fault::denied(not_authorized(&caller.identity.arn, role)))?;
        rules.admit(&caller, mfa, request, role)?;
        rules.check_duration(asked, caller.identity.chaining)?;
        // Role chaining keeps the source identity; changing it is an error.
        let source_identity = match (caller.source_identity, request.param("SourceIdentity")) {
            (Some(inherited), Some(asked)) if inherited != asked => {
                return Err(Fault::denied(not_authorized(&caller.identity.arn, role)));
            }
            (Some(inherited), _) => Some(inherited),
            (None, asked) => asked.map(str::to_owned),
        };
        let packed_policy = ["Policy", "Tags."].iter().any(|prefix| request.has_params(prefix));
        let issued = self.issue(
            NewSession { role, session_name, arn: name.session_arn(session_name), lifetime: granted.unwrap_or(asked) },
            Mfa::Absent,
            source_identity.clone(),
        );
        let (older, source_identity) = (self.older, source_identity.as_deref());
        Ok(xml::assume_role(&Grant { issued: &issued, packed_policy, older, source_identity }))
    }

    /// This request is unsigned: the token is the only proof.
    fn web_identity(&mut self, request: &StsRequest, granted: Option<Duration>) -> Result<Response, Fault> {
        let (role, name, session_name) = role_and_session(request)?;
        let token = rules::required(request, "WebIdentityToken")?;
        let asked = asked_duration(request, granted, 3600, 43_200)?;
        if self.web_tokens.as_ref().is_some_and(|valid| !valid.iter().any(|known| known == token)) {
            let message =
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Key)";
            return Err(Fault::new(400, "InvalidIdentityToken", message));
        }
        let holder = self.providers.are_configured().then(|| self.providers.check(token, request.order, self.now()));
        let holder = holder.transpose()?;
        let trusts = |rules: &RoleRules| {
            let subject = holder.as_ref().map(|holder| &holder.subject);
            rules.allowed && (rules.subject.is_none() || rules.subject.as_ref() == subject)
        };
        let denied = || Fault::denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
        let rules = self.rules_for(role).filter(trusts).ok_or_else(denied)?;
        rules.check_duration(asked, Chaining::Exempt)?;
        let packed_policy = request.has_params("Policy");
        let issued = self.issue(
            NewSession { role, session_name, arn: name.session_arn(session_name), lifetime: granted.unwrap_or(asked) },
            Mfa::Absent,
            None,
        );
        let grant = Grant { issued: &issued, packed_policy, older: self.older, source_identity: None };
        Ok(xml::web_identity(&grant, holder.as_ref()))
    }

    fn session_token(&mut self, request: &StsRequest, granted: Option<Duration>) -> Result<Response, Fault> {
        let caller = self.caller(request)?;
        if caller.identity.session_token.is_some() {
            return Err(Fault::denied("Cannot call GetSessionToken with session credentials"));
        }
        let asked = asked_duration(request, granted, 43_200, 129_600)?;
        let mfa = self.check_mfa(request)?;
        let lifetime = granted.unwrap_or(asked);
        let issued =
            self.issue(NewSession { role: "", session_name: "", arn: caller.identity.arn, lifetime }, mfa, None);
        Ok(xml::session_token(&issued))
    }

    fn rules_for(&self, role: &str) -> Option<RoleRules> {
        let unknown = (self.unknown_roles == UnknownRoles::Allowed).then(RoleRules::default);
        self.roles.get(role).cloned().or(unknown)
    }

    fn check_mfa(&mut self, request: &StsRequest) -> Result<Mfa, Fault> {
        match (request.param("SerialNumber"), request.param("TokenCode")) {
            (None, None) => Ok(Mfa::Absent),
            (Some(_), Some(code)) => {
                let known = self.mfa_codes.iter().position(|valid| valid == code);
                let known = known.ok_or_else(|| {
                    Fault::denied("MultiFactorAuthentication failed with invalid MFA one time pass code.")
                })?;
                self.mfa_codes.remove(known);
                Ok(Mfa::Present)
            }
            _ => Err(Fault::denied(
                "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
            )),
        }
    }

    fn issue(&mut self, new: NewSession<'_>, mfa: Mfa, source_identity: Option<String>) -> Issued {
        let generation = u64::try_from(self.issued.len()).expect("a test is not that long") + 1;
        let access_key_id = format!("ASIA{generation:012}FAKE");
        let issued = Issued {
            generation,
            secret_access_key: secret_for(&access_key_id),
            session_token: format!("{:+<1$}", token_for(&access_key_id), self.token_bytes.unwrap_or_default()),
            access_key_id,
            role_arn: new.role.to_owned(),
            session_name: new.session_name.to_owned(),
            arn: new.arn,
            lifetime: new.lifetime,
            expiration: whole_seconds(self.now()) + new.lifetime,
        };
        self.accounts.admit(Principal {
            identity: Identity {
                access_key_id: issued.access_key_id.clone(),
                secret_access_key: issued.secret_access_key.clone(),
                session_token: Some(issued.session_token.clone()),
                arn: issued.arn.clone(),
                chaining: Chaining::Capped,
            },
            expires: Some(issued.expiration),
            mfa,
            source_identity,
        });
        self.issued.push(issued.clone());
        issued
    }
}

/// A session to issue.
struct NewSession<'a> {
    role: &'a str,
    session_name: &'a str,
    arn: String,
    lifetime: Duration,
}

fn role_and_session(request: &StsRequest) -> Result<(&str, RoleName<'_>, &str), Fault> {
    let role = rules::required(request, "RoleArn")?;
    let session_name = rules::required(request, "RoleSessionName")?;
    rules::check_session_name(session_name)?;
    Ok((role, RoleName::parse(role)?, session_name))
}

/// The requested duration. If a test sets the lifetime of sessions, AWS's range does not apply.
fn asked_duration(
    request: &StsRequest,
    granted: Option<Duration>,
    usual: i64,
    longest: i64,
) -> Result<Duration, Fault> {
    let seconds = rules::duration(request)?.unwrap_or(usual);
    if granted.is_none() {
        rules::check_range(seconds, longest)?;
    }
    Ok(Duration::from_secs(seconds.unsigned_abs()))
}

fn check_signature_time(request: &StsRequest, now: SystemTime) -> Result<(), Fault> {
    let Some(signed) = request.amz_date.as_deref().and_then(parse_basic) else { return Ok(()) };
    let (at, server) = (basic(signed), basic(now));
    let message = if signed < now - LATEST {
        let limit = basic(now - LATEST);
        format!("Signature expired: {at} is now earlier than {limit} ({server} - 15 min.)")
    } else if signed > now + EARLIEST {
        let limit = basic(now + EARLIEST);
        format!("Signature not yet current: {at} is still later than {limit} ({server} + 5 min.)")
    } else {
        return Ok(());
    };
    Err(Fault::new(403, "SignatureDoesNotMatch", message))
}
