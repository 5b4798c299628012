//! The rules of STS: who may assume a role, for how long, and which parameters are valid. All checks are pure functions
//! of one request.

use std::time::Duration;

use super::super::identities::Chaining;
use super::accounts::{Mfa, Principal};
use super::request::StsRequest;
use super::xml::{Fault, not_authorized_to};

const HOUR: Duration = Duration::from_hours(1);

/// The conditions for assuming a role.
#[derive(Debug, Clone)]
pub struct RoleRules {
    /// `MaxSessionDuration`: 1 to 12 hours.
    pub max_session: Duration,
    pub external_id: Option<String>,
    pub mfa_required: bool,
    /// ARNs of users, roles or accounts (`…:root`) in the trust policy. An empty list trusts all callers.
    pub trusts: Vec<String>,
    /// Whether the callers' own policies allow `sts:AssumeRole`.
    pub allowed: bool,
    /// Other actions that the policies do not allow: `sts:TagSession`, `sts:SetSourceIdentity`.
    pub without: &'static [&'static str],
    /// A policy that denies the call, in STS's words: `a service control policy`.
    pub denied_in: Option<&'static str>,
    pub wording: Wording,
    /// The subject that the trust policy requires of a web identity token. `None` accepts all.
    pub subject: Option<String>,
}

/// How much a denial says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Wording {
    /// The caller, the action and the role: what callers from other accounts get.
    #[default]
    Bare,
    /// Also the kind of policy that does not allow the action.
    WithPolicy,
}

impl Default for RoleRules {
    fn default() -> Self {
        Self {
            max_session: 12 * HOUR,
            external_id: None,
            mfa_required: false,
            trusts: Vec::new(),
            allowed: true,
            without: &[],
            denied_in: None,
            wording: Wording::Bare,
            subject: None,
        }
    }
}

/// How roles are treated that were not added to the fake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum UnknownRoles {
    #[default]
    Allowed,
    Denied,
}

impl RoleRules {
    /// Checks trust, external ID and MFA. For callers from other accounts all three denials have the same text, which
    /// does not say what is missing.
    pub(super) fn admit(&self, caller: &Principal, mfa: Mfa, request: &StsRequest, role: &str) -> Result<(), Fault> {
        let external_id = self.external_id.as_deref();
        let trusted = self.trusts(caller)
            && (external_id.is_none() || external_id == request.param("ExternalId"))
            && (!self.mfa_required || mfa == Mfa::Present || caller.mfa == Mfa::Present);
        let denied =
            |action: &str, why: &str| Err(Fault::denied(not_authorized_to(action, &caller.identity.arn, role) + why));
        let no_policy = |kind: &str| match self.wording {
            Wording::Bare => String::new(),
            Wording::WithPolicy => format!(" because no {kind} policy allows the sts:AssumeRole action"),
        };
        if let Some(policy) = self.denied_in {
            denied("sts:AssumeRole", &format!(" with an explicit deny in {policy}"))
        } else if !self.allowed {
            denied("sts:AssumeRole", &no_policy("identity-based"))
        } else if !trusted {
            denied("sts:AssumeRole", &no_policy("role trust"))
        } else {
            let asked = [
                ("sts:TagSession", request.has_params("Tags.")),
                ("sts:SetSourceIdentity", request.param("SourceIdentity").is_some()),
            ];
            let lacking = asked.iter().find(|(action, asked)| *asked && self.without.contains(action));
            lacking.map_or(Ok(()), |(action, _)| denied(action, ""))
        }
    }

    fn trusts(&self, caller: &Principal) -> bool {
        let arn = &caller.identity.arn;
        let account = arn.split(':').nth(4).unwrap_or_default();
        let role = caller.identity.role_arn();
        self.trusts.is_empty()
            || self.trusts.iter().any(|trusted| {
                trusted == arn || role.as_ref() == Some(trusted) || trusted.ends_with(&format!("::{account}:root"))
            })
    }

    pub(super) fn check_duration(&self, asked: Duration, chaining: Chaining) -> Result<(), Fault> {
        if chaining == Chaining::Capped && asked > HOUR {
            return Err(Fault::invalid(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
            ));
        }
        if asked > self.max_session {
            return Err(Fault::invalid(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        Ok(())
    }
}

/// The parts of a role ARN that appear in the ARNs of its sessions.
pub(super) struct RoleName<'a> {
    partition: &'a str,
    account: &'a str,
    name: &'a str,
}

impl<'a> RoleName<'a> {
    pub(super) fn parse(arn: &'a str) -> Result<Self, Fault> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", partition, "iam", "", account, resource]
                if account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                let path = resource.strip_prefix("role/").filter(|path| !path.ends_with('/'));
                path.and_then(|path| path.rsplit('/').next())
                    .map(|name| Self { partition, account, name })
                    .ok_or_else(|| Fault::invalid(format!("{arn} is invalid")))
            }
            _ => Err(Fault::invalid(format!("{arn} is invalid"))),
        }
    }

    /// The ARN of a session, in which the role's path does not appear.
    pub(super) fn session_arn(&self, session_name: &str) -> String {
        format!("arn:{}:sts::{}:assumed-role/{}/{session_name}", self.partition, self.account, self.name)
    }
}

pub(super) fn required<'a>(request: &'a StsRequest, name: &str) -> Result<&'a str, Fault> {
    request.param(name).ok_or_else(|| {
        let lower = lower_first(name);
        constraint("null", &lower, "Member must not be null")
    })
}

pub(super) fn check_session_name(name: &str) -> Result<(), Fault> {
    let complaint = if name.len() < 2 {
        "Member must have length greater than or equal to 2"
    } else if name.len() > 64 {
        "Member must have length less than or equal to 64"
    } else if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)) {
        r"Member must satisfy regular expression pattern: [\w+=,.@-]*"
    } else {
        return Ok(());
    };
    Err(constraint(&format!("'{name}'"), "roleSessionName", complaint))
}

/// `DurationSeconds`, if present.
pub(super) fn duration(request: &StsRequest) -> Result<Option<i64>, Fault> {
    let Some(text) = request.param("DurationSeconds") else { return Ok(None) };
    let seconds = text.parse();
    seconds.map(Some).map_err(|_| Fault::new(400, "MalformedInput", "Unexpected input for DurationSeconds"))
}

/// Checks the range that the API allows. The role's own limit is checked later.
pub(super) fn check_range(seconds: i64, longest: i64) -> Result<(), Fault> {
    let complaint = if seconds < 900 {
        "Member must have value greater than or equal to 900".to_owned()
    } else if seconds > longest {
        format!("Member must have value less than or equal to {longest}")
    } else {
        return Ok(());
    };
    Err(constraint(&format!("'{seconds}'"), "durationSeconds", &complaint))
}

fn constraint(value: &str, member: &str, complaint: &str) -> Fault {
    Fault::invalid(format!(
        "1 validation error detected: Value {value} at '{member}' failed to satisfy constraint: {complaint}"
    ))
}

fn lower_first(name: &str) -> String {
    let (first, rest) = name.split_at(1);
    first.to_lowercase() + rest
}
