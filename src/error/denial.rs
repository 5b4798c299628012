//! Hints for denied calls: which policies decide, and which statements they lack.

use crate::role::{HopOptions, RoleArn};

/// The policy that STS gives as the reason for a denial.
///
/// See "Troubleshoot access denied error messages" in the IAM User Guide. If the caller and the role are in different
/// accounts, STS often names no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PolicyDenial {
    pub(crate) policy: PolicyKind,
    pub(crate) effect: PolicyEffect,
}

/// How a policy denies the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyEffect {
    /// No statement allows the call.
    NoAllow,
    /// A statement explicitly denies the call. It overrides all statements that allow the call.
    Deny,
}

/// The kinds of policies that decide about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    Identity,
    /// The role's trust policy. STS calls it the resource-based policy of the role.
    Trust,
    ServiceControl,
    ResourceControl,
    Boundary,
    Session,
    VpcEndpoint,
}

/// The actions that tags and a source identity require.
pub(super) const TAG_SESSION: &str = "sts:TagSession";
pub(super) const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";

/// Hints append this to the name of a policy that lacks a statement, according to STS.
const MISSING: &str = " (the missing statement)";
/// Hints append this to the name of a policy that must also allow the call. STS does not say whether the policy already
/// does.
const ALSO: &str = " (must have this statement too)";

/// The last line of a hint about a denial that can have this reason, too.
pub(super) const WITHOUT_ROLE: &str =
    "\n  AWS gives the same error if the role does not exist or its path is missing from the ARN";

/// The caller, in the form in which hints name it.
enum Caller<'a> {
    /// The ARN to write in policies. For a user, this is the ARN of the user. For a session, it is the ARN of the
    /// session's role. If STS did not name the caller, it is a placeholder.
    Named(String),
    /// A permission set of IAM Identity Center. Its role has a path, which the ARN of the session does not contain.
    PermissionSet { partition: &'a str, account: &'a str, role: &'a str },
}

impl<'a> Caller<'a> {
    fn of(arn: Option<&'a str>) -> Self {
        let arn = arn.unwrap_or("THE-CALLER'S-ARN");
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

    /// Returns the user, the role or the permission set to which the caller's identity policy is attached.
    fn holder(&self) -> String {
        match self {
            Self::Named(arn) => arn.clone(),
            Self::PermissionSet { role, .. } => {
                // The name of the role has the form AWSReservedSSO_NAME_0123456789abcdef.
                let name = role.trim_start_matches("AWSReservedSSO_");
                format!("the permission set {}", name.rsplit_once('_').map_or(name, |(name, _)| name))
            }
        }
    }

    /// Returns a line for a role, whose path the ARN of its session does not contain. For other callers, it is empty.
    fn path_note(&self) -> String {
        let Self::Named(arn) = self else { return String::new() };
        arn.split_once(":role/").map_or_else(String::new, |(_, role)| {
            format!("\n    if the role {role} has a path, add it to this ARN (aws iam get-role --role-name {role})")
        })
    }

    /// Returns the principal for the suggested trust policy, and a condition that restricts the principal to the
    /// caller. The condition is `None` if the principal is already the caller alone.
    fn principal(&self) -> (String, Option<String>) {
        match self {
            Self::Named(arn) => (arn.clone(), None),
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

/// A denied `AssumeRole` call. `action` is the action that STS named.
pub(super) struct Denied<'a> {
    pub(super) role: &'a RoleArn,
    pub(super) options: &'a HopOptions,
    pub(super) action: Option<&'a str>,
}

impl Denied<'_> {
    /// Returns what the user can do about the denial. `caller` and `denial` are the caller and the policy that STS
    /// named.
    pub(super) fn hint(&self, caller: Option<&str>, denial: Option<PolicyDenial>) -> String {
        // The reasons that `other_reasons` names are reasons for a denial of sts:AssumeRole. If STS names another
        // action, they do not apply.
        let required = match self.action {
            Some(TAG_SESSION) => Some(("session_tags", "session tags require")),
            Some(SET_SOURCE_IDENTITY) => Some(("source_identity", "the source identity requires")),
            _ => None,
        };
        let others = if required.is_none() { other_reasons(self.options) } else { String::new() };
        let caller = Caller::of(caller);
        let text = match denial {
            None => {
                format!(
                    "the caller's policy and the role's trust policy must both allow the call:{}{}{others}",
                    self.identity(&caller, ""),
                    self.trust(&caller, "")
                )
            }
            Some(PolicyDenial { policy, effect: PolicyEffect::NoAllow }) => self.missing(policy, &caller, &others),
            Some(PolicyDenial { policy, effect: PolicyEffect::Deny }) => self.denied(policy, &caller),
        };
        let of_profiles = &self.options.of_profiles;
        let Some((key, usual)) = required else {
            let keys = of_profiles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
            return if keys.is_empty() { text } else { format!("{text}\n  the call includes {keys}") };
        };
        let key = of_profiles.iter().find(|of| of.key == key).map(|of| format!("{of} requires"));
        let (subject, action) = (key.unwrap_or_else(|| usual.to_owned()), self.action.unwrap_or_default());
        format!("{subject} {action}; {text}")
    }

    fn missing(&self, policy: PolicyKind, caller: &Caller<'_>, others: &str) -> String {
        let (role, (name, subject)) = (self.role, policy.names());
        match policy {
            PolicyKind::Identity => format!(
                "add this statement to the caller's policy:{}{}",
                self.identity(caller, MISSING),
                self.trust(caller, ALSO)
            ),
            PolicyKind::Trust => format!(
                "add this statement to the role's trust policy, or, if it is there, check its conditions:{}{}{others}",
                self.trust(caller, " (missing or condition not met)"),
                self.identity(caller, ALSO)
            ),
            PolicyKind::Boundary => format!(
                "the caller's permissions boundary must also allow the call:{}",
                self.statement("permissions boundary of", caller, MISSING)
            ),
            PolicyKind::Session => format!(
                "the caller's session has a session policy, which must also allow the call:{}",
                self.statement("session policy of a session of", caller, MISSING)
            ),
            PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => {
                format!("{subject} must allow {}\n  on {role}; ask the administrator of the {name}", self.actions())
            }
        }
    }

    fn denied(&self, policy: PolicyKind, caller: &Caller<'_>) -> String {
        let (role, holder, (name, subject)) = (self.role, caller.holder(), policy.names());
        let exempt = match policy {
            // These policies belong to the caller, so their Deny statement must exempt the role. A trust policy belongs
            // to the role, so its Deny statement must exempt the caller.
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => format!("the role {role}"),
            PolicyKind::Trust => format!("the caller {holder}"),
            PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => {
                format!("the caller {holder} or the role {role}")
            }
        };
        let mfa = matches!(policy, PolicyKind::Identity | PolicyKind::Trust) && self.options.mfa_serial.is_none();
        format!(
            "{subject} explicitly denies the call\n  exempt {exempt} from the Deny statement of the {name}{}",
            if mfa { "\n  if the Deny statement requires MFA, use --mfa-serial" } else { "" }
        )
    }

    fn identity(&self, caller: &Caller<'_>, mark: &str) -> String {
        self.statement("policy attached to", caller, mark)
    }

    /// Returns a line that names the policy of the caller, and below it the statement that this policy needs.
    fn statement(&self, policy: &str, caller: &Caller<'_>, mark: &str) -> String {
        let statement =
            format!("{{\"Effect\":\"Allow\",\"Action\":{},\"Resource\":\"{}\"}}", self.actions(), self.role);
        format!("\n  {policy} {}{mark}:\n    {statement}", caller.holder())
    }

    fn trust(&self, caller: &Caller<'_>, mark: &str) -> String {
        let (principal, condition) = caller.principal();
        let condition = conditions(self.options, condition);
        let statement = format!(
            "{{\"Effect\":\"Allow\",\"Action\":{},\"Principal\":{{\"AWS\":\"{principal}\"}}{condition}}}",
            self.actions()
        );
        format!("\n  trust policy of {}{mark}:\n    {statement}{}", self.role, caller.path_note())
    }

    /// Returns the actions that the call needs, as JSON. An action that STS named is included even if the options of
    /// this role do not need it, because tags or a source identity from an earlier role of the chain can make it
    /// necessary.
    fn actions(&self) -> String {
        let mut actions = vec!["sts:AssumeRole"];
        if !self.options.tags.is_empty() || self.action == Some(TAG_SESSION) {
            actions.push(TAG_SESSION);
        }
        if self.options.source_identity.is_some() || self.action == Some(SET_SOURCE_IDENTITY) {
            actions.push(SET_SOURCE_IDENTITY);
        }
        match actions.as_slice() {
            [one] => format!("\"{one}\""),
            several => format!("[\"{}\"]", several.join("\",\"")),
        }
    }
}

impl PolicyKind {
    /// Returns the name of the kind, and the policy as the subject of a sentence.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Identity => ("identity policy", "the caller's identity policy"),
            Self::Trust => ("trust policy", "the role's trust policy"),
            Self::ServiceControl => ("service control policy", "a service control policy of the caller's organization"),
            Self::ResourceControl => {
                ("resource control policy", "a resource control policy of the role's organization")
            }
            Self::Boundary => ("permissions boundary", "the caller's permissions boundary"),
            Self::Session => ("session policy", "the session policy of the caller's session"),
            Self::VpcEndpoint => ("VPC endpoint policy", "the policy of the VPC endpoint for STS"),
        }
    }
}

/// Returns the `Condition` element for the suggested trust policy. It contains the condition `caller`, and conditions
/// on the external ID and on MFA if the call has them. Returns an empty text if there are no conditions.
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

/// Returns hints about reasons that the denial can have, but that STS never names.
fn other_reasons(options: &HopOptions) -> String {
    let external_id = match &options.external_id {
        None => ", use --external-id".to_owned(),
        Some(id) => format!(", the condition must require exactly '{id}'"),
    };
    let mut hint = format!("\n  if the trust policy has a condition on sts:ExternalId{external_id}");
    if options.mfa_serial.is_none() {
        hint.push_str("\n  if the trust policy has a condition on aws:MultiFactorAuthPresent, use --mfa-serial");
    }
    hint + WITHOUT_ROLE
}

#[cfg(test)]
mod tests;
