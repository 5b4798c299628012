//! What would allow a role that STS denied: which policies have a say, and the statements that they lack.

use super::assume::AssumeError;
use crate::role::HopOptions;
use std::fmt::Write as _;

/// The policy that STS names as the reason of a denial, and what it does.
///
/// IAM's user guide, "Troubleshoot access denied error messages". Across accounts STS often names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blame {
    pub(crate) policy: PolicyKind,
    pub(crate) lack: Lack,
}

/// How a policy stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// No statement of it allows the call.
    NoAllow,
    /// A statement of it denies the call, and no allow elsewhere counts against that.
    Deny,
}

/// The kinds of policies that decide about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    Identity,
    /// The role's trust policy, which is its resource-based policy.
    Trust,
    ServiceControl,
    ResourceControl,
    Boundary,
    Session,
    VpcEndpoint,
}

/// The mark of the statement that STS did not find.
const MISSING: &str = " (missing)";

/// The caller, as far as STS named it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Caller<'a> {
    Unknown,
    /// The ARN that policies name: a user's, or for a session that of its role.
    Named(String),
    /// A permission set of IAM Identity Center. Its role has a path that the session does not tell.
    PermissionSet {
        partition: &'a str,
        account: &'a str,
        role: &'a str,
    },
}

impl<'a> Caller<'a> {
    fn of(arn: Option<&'a str>) -> Self {
        let Some(arn) = arn else { return Self::Unknown };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "sts", _, account, resource] = parts[..] else { return Self::Named(arn.to_owned()) };
        let Some((role, _)) = resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/')) else {
            return Self::Named(arn.to_owned());
        };
        if role.starts_with("AWSReservedSSO_") {
            return Self::PermissionSet { partition, account, role };
        }
        Self::Named(format!("arn:{partition}:iam::{account}:role/{role}"))
    }

    /// Whose identity policy it is.
    fn holder(&self) -> String {
        match self {
            Self::Unknown => "THE-CALLER'S-ARN".to_owned(),
            Self::Named(arn) => arn.clone(),
            Self::PermissionSet { role, .. } => {
                // AWSReservedSSO_NAME_0123456789abcdef
                let name = role.trim_start_matches("AWSReservedSSO_");
                format!("the permission set {}", name.rsplit_once('_').map_or(name, |(name, _)| name))
            }
        }
    }

    /// What a trust policy names, and the condition that narrows it to the caller.
    fn principal(&self) -> (String, Option<String>) {
        match self {
            Self::Unknown | Self::Named(_) => (self.holder(), None),
            Self::PermissionSet { partition, account, role } => (
                format!("arn:{partition}:iam::{account}:root"),
                Some(format!(
                    "\"ArnLike\":{{\"aws:PrincipalArn\":\
                     \"arn:{partition}:iam::{account}:role/aws-reserved/sso.amazonaws.com/*{role}\"}}"
                )),
            ),
        }
    }
}

/// What to do about a denied `AssumeRole`.
///
/// `caller` and `action` are what STS named, and so is `blame`.
pub(super) fn hint(error: &AssumeError, caller: Option<&str>, action: Option<&str>, blame: Option<Blame>) -> String {
    let caller = Caller::of(caller);
    let actions = actions(&error.options, action);
    let holder = caller.holder();
    let role = &error.role;
    let own = |policy: &str, mark: &str| {
        let statement = format!("{{\"Effect\":\"Allow\",\"Action\":{actions},\"Resource\":\"{role}\"}}");
        format!("\n  {policy} of {holder}{mark}:\n    {statement}")
    };
    let identity = |mark: &str| own("identity policy", mark);
    let trust = |mark: &str| {
        let (principal, condition) = caller.principal();
        let condition = conditions(&error.options, condition);
        let statement = format!(
            "{{\"Effect\":\"Allow\",\"Action\":{actions},\"Principal\":{{\"AWS\":\"{principal}\"}}{condition}}}"
        );
        format!("\n  trust policy of {role}{mark}:\n    {statement}")
    };
    // What else can stand in the way is a reason to deny sts:AssumeRole, which STS would have named.
    let (what, others) = match action {
        Some("sts:TagSession") => ("the session tags need sts:TagSession: ", String::new()),
        Some("sts:SetSourceIdentity") => ("the source identity needs sts:SetSourceIdentity: ", String::new()),
        _ => ("", other_reasons(&error.options)),
    };
    match blame {
        None => {
            format!("{what}the caller and the role must both allow it:{}{}{others}", identity(""), trust(""))
        }
        Some(Blame { policy: PolicyKind::Identity, lack: Lack::NoAllow }) => {
            format!("{what}the caller's own policies lack a statement:{}{}", identity(MISSING), trust(""))
        }
        Some(Blame { policy: PolicyKind::Trust, lack: Lack::NoAllow }) => format!(
            "{what}the role's trust policy lacks a statement, or a condition in it is not met:{}{}{others}",
            trust(" (missing, or not met)"),
            identity("")
        ),
        Some(Blame { policy: PolicyKind::Boundary, lack: Lack::NoAllow }) => {
            format!(
                "{what}the caller's permissions boundary must allow it too:{}",
                own("permissions boundary", MISSING)
            )
        }
        Some(Blame { policy: PolicyKind::Session, lack: Lack::NoAllow }) => format!(
            "{what}the caller's session was made with a session policy, which must allow it too:{}",
            own("session policy of a session", MISSING)
        ),
        Some(Blame { policy, lack: Lack::NoAllow }) => {
            format!("{what}{} must allow {actions}\n  on {role}; ask whoever keeps that policy", policy.described())
        }
        Some(Blame { policy, lack: Lack::Deny }) => {
            let mut hint = format!(
                "{what}a Deny in {} outweighs every Allow\n  the Deny must except {}",
                policy.described(),
                match policy {
                    // These are about the caller alone, and a trust policy about the role alone.
                    PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => format!("the role, {role}"),
                    PolicyKind::Trust => format!("the caller, {holder}"),
                    PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => {
                        format!("the caller, {holder}\n  or the role, {role}")
                    }
                }
            );
            if matches!(policy, PolicyKind::Identity | PolicyKind::Trust) && error.options.mfa_serial.is_none() {
                hint.push_str("\n  if it denies what is done without MFA, give --mfa-serial");
            }
            hint
        }
    }
}

/// The statement of a role that is assumed with a web identity token: the caller has no policy of its own.
pub(super) fn web_identity_hint(error: &AssumeError) -> String {
    let role = &error.role;
    let (partition, account) = (role.partition(), role.account());
    format!(
        "the role must trust the token's issuer:\n  trust policy of {role}:\n    {{\"Effect\":\"Allow\",\
         \"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Principal\":{{\"Federated\":\
         \"arn:{partition}:iam::{account}:oidc-provider/ISSUER\"}}}}\n  \
         and its conditions must fit the token's `aud` and `sub`"
    )
}

impl PolicyKind {
    fn described(self) -> &'static str {
        match self {
            Self::Identity => "the caller's identity policy",
            Self::Trust => "the role's trust policy",
            Self::ServiceControl => "a service control policy of the caller's organisation",
            Self::ResourceControl => "a resource control policy of the role's organisation",
            Self::Boundary => "the caller's permissions boundary",
            Self::Session => "the session policy of the caller's session",
            Self::VpcEndpoint => "the policy of the VPC endpoint that leads to STS",
        }
    }
}

/// The actions that the call needs, in JSON: what was asked for, and what STS named since an earlier role asked for it.
fn actions(options: &HopOptions, named: Option<&str>) -> String {
    let mut actions = vec!["sts:AssumeRole"];
    if !options.tags.is_empty() || named == Some("sts:TagSession") {
        actions.push("sts:TagSession");
    }
    if options.source_identity.is_some() || named == Some("sts:SetSourceIdentity") {
        actions.push("sts:SetSourceIdentity");
    }
    match actions.as_slice() {
        [one] => format!("\"{one}\""),
        several => format!("[\"{}\"]", several.join("\",\"")),
    }
}

/// The condition that a trust policy may have and that this call meets.
fn conditions(options: &HopOptions, caller: Option<String>) -> String {
    let mut conditions: Vec<String> = caller.into_iter().collect();
    if let Some(id) = &options.external_id {
        conditions.push(format!("\"StringEquals\":{{\"sts:ExternalId\":\"{id}\"}}"));
    }
    if options.mfa_serial.is_some() {
        conditions.push("\"Bool\":{\"aws:MultiFactorAuthPresent\":\"true\"}".to_owned());
    }
    if conditions.is_empty() { String::new() } else { format!(",\"Condition\":{{{}}}", conditions.join(",")) }
}

/// What else may be the reason that STS does not name.
fn other_reasons(options: &HopOptions) -> String {
    let mut hint = String::new();
    match &options.external_id {
        None => hint.push_str("\n  a condition on sts:ExternalId needs --external-id"),
        Some(id) => {
            let _ = write!(hint, "\n  a condition on sts:ExternalId must name exactly `{id}`");
        }
    }
    if options.mfa_serial.is_none() {
        hint.push_str("\n  a condition on aws:MultiFactorAuthPresent needs --mfa-serial");
    }
    hint.push_str("\n  a role that does not exist, or has a path that its ARN here lacks, is denied alike");
    hint
}

#[cfg(test)]
mod tests;
