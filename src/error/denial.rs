//! What to do about a denial: which policies decide, and the statements that are missing in them.

use crate::role::{HopOptions, RoleArn};

/// The policy that STS names as the reason of a denial.
///
/// IAM's user guide, "Troubleshoot access denied error messages". Across accounts STS often names none.
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
    /// A statement denies the call, whatever other policies allow.
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

/// The mark of a missing statement.
const MISSING: &str = " (missing)";

/// The caller.
enum Caller<'a> {
    /// The ARN for policies: a user's, or the role's of a session. A placeholder if STS named none.
    Named(String),
    /// A permission set of IAM Identity Center. The path of its role is not in the session.
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

    /// The owner of the identity policy.
    fn holder(&self) -> String {
        match self {
            Self::Named(arn) => arn.clone(),
            Self::PermissionSet { role, .. } => {
                // AWSReservedSSO_NAME_0123456789abcdef
                let name = role.trim_start_matches("AWSReservedSSO_");
                format!("the permission set {}", name.rsplit_once('_').map_or(name, |(name, _)| name))
            }
        }
    }

    /// The principal of a trust policy, and the condition that restricts it to the caller.
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

/// An `AssumeRole` that was denied. The action is the one that STS named.
pub(super) struct Denied<'a> {
    pub(super) role: &'a RoleArn,
    pub(super) options: &'a HopOptions,
    pub(super) action: Option<&'a str>,
}

impl Denied<'_> {
    /// What to do about it. STS named the caller and the policy.
    pub(super) fn hint(&self, caller: Option<&str>, denial: Option<PolicyDenial>) -> String {
        // Another reason would be a denial of sts:AssumeRole, which STS would have named.
        let (subject, others) = match self.action {
            Some("sts:TagSession") => ("session tags require sts:TagSession; ", String::new()),
            Some("sts:SetSourceIdentity") => ("the source identity requires sts:SetSourceIdentity; ", String::new()),
            _ => ("", other_reasons(self.options)),
        };
        let caller = Caller::of(caller);
        let text = match denial {
            None => {
                format!("both sides must allow this:{}{}{others}", self.identity(&caller, ""), self.trust(&caller, ""))
            }
            Some(PolicyDenial { policy, effect: PolicyEffect::NoAllow }) => self.missing(policy, &caller, &others),
            Some(PolicyDenial { policy, effect: PolicyEffect::Deny }) => self.denied(policy, &caller),
        };
        subject.to_owned() + &text
    }

    fn missing(&self, policy: PolicyKind, caller: &Caller<'_>, others: &str) -> String {
        let Self { role, .. } = self;
        match policy {
            PolicyKind::Identity => format!(
                "add this statement to the caller's policy:{}{}",
                self.identity(caller, MISSING),
                self.trust(caller, "")
            ),
            PolicyKind::Trust => format!(
                "add this statement to the role's trust policy, or check its conditions:{}{}{others}",
                self.trust(caller, " (missing or condition not met)"),
                self.identity(caller, "")
            ),
            PolicyKind::Boundary => format!(
                "the caller's permissions boundary must allow this too:{}",
                self.statement("permissions boundary of", caller, MISSING)
            ),
            PolicyKind::Session => format!(
                "the caller's session has a session policy, which must allow this too:{}",
                self.statement("session policy of a session of", caller, MISSING)
            ),
            PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => format!(
                "{} must allow {}\n  on {role}; ask the administrator of that policy",
                policy.described(),
                self.actions()
            ),
        }
    }

    fn denied(&self, policy: PolicyKind, caller: &Caller<'_>) -> String {
        let (role, holder) = (self.role, caller.holder());
        let exempt = match policy {
            // These are about the caller alone, and a trust policy about the role alone.
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => format!("the role {role}"),
            PolicyKind::Trust => format!("the caller {holder}"),
            PolicyKind::ServiceControl | PolicyKind::ResourceControl | PolicyKind::VpcEndpoint => {
                format!("the caller {holder} or the role {role}")
            }
        };
        let mfa = matches!(policy, PolicyKind::Identity | PolicyKind::Trust) && self.options.mfa_serial.is_none();
        format!(
            "{} explicitly denies this\n  exempt {exempt} from that Deny statement{}",
            policy.described(),
            if mfa { "\n  if the Deny requires MFA: --mfa-serial" } else { "" }
        )
    }

    fn identity(&self, caller: &Caller<'_>, mark: &str) -> String {
        self.statement("policy attached to", caller, mark)
    }

    /// The statement of a policy of the caller.
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
        format!("\n  trust policy of {}{mark}:\n    {statement}", self.role)
    }

    /// The actions that the call needs, in JSON. STS also names one that an earlier role of the chain made necessary.
    fn actions(&self) -> String {
        let mut actions = vec!["sts:AssumeRole"];
        if !self.options.tags.is_empty() || self.action == Some("sts:TagSession") {
            actions.push("sts:TagSession");
        }
        if self.options.source_identity.is_some() || self.action == Some("sts:SetSourceIdentity") {
            actions.push("sts:SetSourceIdentity");
        }
        match actions.as_slice() {
            [one] => format!("\"{one}\""),
            several => format!("[\"{}\"]", several.join("\",\"")),
        }
    }
}

/// The statement for a role that is assumed with a web identity token. The caller has no policy.
pub(super) fn web_identity_hint(role: &RoleArn) -> String {
    let (partition, account) = (role.partition(), role.account());
    format!(
        "the role's trust policy must allow the token's issuer, aud and sub:\n  trust policy of {role}:\n    \
         {{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Principal\":{{\"Federated\":\
         \"arn:{partition}:iam::{account}:oidc-provider/ISSUER\"}}}}"
    )
}

impl PolicyKind {
    fn described(self) -> &'static str {
        match self {
            Self::Identity => "the caller's identity policy",
            Self::Trust => "the role's trust policy",
            Self::ServiceControl => "a service control policy of the caller's organization",
            Self::ResourceControl => "a resource control policy of the role's organization",
            Self::Boundary => "the caller's permissions boundary",
            Self::Session => "the session policy of the caller's session",
            Self::VpcEndpoint => "the policy of the VPC endpoint for STS",
        }
    }
}

/// The conditions that a trust policy may have and that this call meets.
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

/// Other possible reasons, which STS does not name.
fn other_reasons(options: &HopOptions) -> String {
    let external_id = match &options.external_id {
        None => ": --external-id".to_owned(),
        Some(id) => format!(", it must be exactly '{id}'"),
    };
    let mut hint = format!("\n  if the trust policy has a condition on sts:ExternalId{external_id}");
    if options.mfa_serial.is_none() {
        hint.push_str("\n  if the trust policy has a condition on aws:MultiFactorAuthPresent: --mfa-serial");
    }
    hint + "\n  AWS gives the same error if the role does not exist or its path is missing from the ARN"
}

#[cfg(test)]
mod tests;
