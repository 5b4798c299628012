//! Role ARNs, and their short form `ACCOUNT:ROLE-NAME`.
//!
//! A partition is checked against a pattern, not against a list, so that xassume also accepts partitions that AWS adds
//! later. The limits are those of IAM's `arnType` (20 to 2048 characters), `roleNameType` (1 to 64 characters,
//! `[\w+=,.@-]`) and `pathType`.

use super::MAX_HOPS;
use super::invalid::Invalid;
use super::options::{NAME_SET, check, checked_text, is_name_char};
use std::fmt;

checked_text!(
    /// The ARN of an IAM role, for example `arn:aws:iam::521111111144:role/team/DeployMaster`. It is also parsed from
    /// the short form `ACCOUNT:ROLE-NAME`.
    RoleArn, parse
);

const PREFIX: &str = "arn:";
const SHAPE: &str = "a role ARN looks like arn:aws:iam::123456789012:role/NAME; the short form is 123456789012:NAME";

impl RoleArn {
    /// Returns the partition, for example `aws`, `aws-cn` or `aws-us-gov`.
    pub(crate) fn partition(&self) -> &str {
        self.field(1)
    }

    /// Returns the short form `ACCOUNT:ROLE-NAME`. Returns `None` if the role has a path or is not in the partition
    /// `aws`.
    pub(crate) fn short(&self) -> Option<String> {
        let name = self.0.rsplit(':').next()?.strip_prefix("role/")?;
        let short = format!("{}:{name}", self.account());
        (parse_strict(&short).as_ref() == Ok(&self.0)).then_some(short)
    }

    /// Returns the name of the role, without its path. No other role of the account has this name.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Returns the account ID, which has twelve digits.
    pub(crate) fn account(&self) -> &str {
        self.field(4)
    }

    fn field(&self, at: usize) -> &str {
        self.0.split(':').nth(at).unwrap_or_default()
    }
}

/// Returns the ARN that the text is, or that the short form `ACCOUNT:ROLE-NAME` means.
///
/// # Errors
/// Fails if the text is not a role ARN. The hint suggests the role that was probably meant.
fn parse(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    if let Some(hint) = chain_hint(text) {
        return Err(Invalid::new("more than one role").hint(hint));
    }
    parse_strict(text).map_err(|invalid| match suggestion(text) {
        Some(suggestion) => invalid.hint(format!("did you mean {suggestion}?")),
        None if is_account(text) => invalid.hint(format!("put the role's name after the account ID: {text}:NAME")),
        None if check_name(text).is_ok() => {
            invalid.hint(format!("put the account ID before the role's name: 123456789012:{text}"))
        }
        None => invalid,
    })
}

/// Does what [`parse`] does, with general hints.
fn parse_strict(text: &str) -> Result<String, Invalid> {
    match text.split_once(':') {
        Some((account, name)) if is_account(account) => check_name(if name.ends_with('/') { "" } else { name })
            .and_then(|_| checked_arn(&format!("arn:aws:iam::{account}:role/{name}"))),
        Some((account, _)) if !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(Invalid::new(format!("the account ID must have 12 digits, not {}", account.len())).hint(SHAPE))
        }
        _ => checked_arn(text),
    }
}

/// Returns the hint if the text contains several roles or names of roles. Users of other tools separate the roles of a
/// chain with commas or spaces. Names with spaces are more likely those of profiles.
fn chain_hint(text: &str) -> Option<String> {
    if !text.contains([',', ' ', '\t', ';', '\n']) {
        return None;
    }
    let lines = text.replace([' ', '\t', ';'], "\n");
    let roles = split_list(&lines);
    let roles: Option<Vec<String>> = if roles.iter().all(|role| begins_role(role)) {
        let corrected =
            |role: &&str| if parse_strict(role).is_ok() { Some((*role).to_owned()) } else { suggestion(role) };
        roles.iter().map(corrected).collect()
    } else {
        let names = text.split(',').filter(|name| !name.is_empty());
        Some(
            names
                .map(|name| check_name(name).ok().map(|name| format!("123456789012:{name}")))
                .collect::<Option<_>>()?,
        )
    };
    let chain = match roles {
        Some(roles) if roles.len() < 2 => return None,
        Some(roles) => roles.iter().take(MAX_HOPS).map(|role| format!("-r {role}")).collect::<Vec<_>>().join(" "),
        None => "-r ROLE -r ROLE".to_owned(),
    };
    Some(format!("for a role chain, repeat the flag: {chain}"))
}

/// Returns the role that was probably meant, if the text has an account ID and the name of a role, but not in the right
/// form. Examples are `ACCOUNT/NAME`, `ACCOUNT:role/NAME` and `arn:aws:iam:ACCOUNT:role/NAME`.
fn suggestion(text: &str) -> Option<String> {
    let (account, name) = match text.split_once('/') {
        Some((account, name)) if is_account(account) => (account, name),
        _ => (text.split(':').find(|field| is_account(field))?, text.rsplit_once(':')?.1),
    };
    let role = name.strip_prefix("role/");
    let partition = match text.strip_prefix(PREFIX).and_then(|rest| rest.split(':').next()) {
        // An ARN of another kind is not the ARN of a role with this name.
        Some(partition) => role.map(|_| partition.to_ascii_lowercase())?,
        None => "aws".to_owned(),
    };
    let arn = checked_arn(&format!("arn:{partition}:iam::{account}:role/{}", role.unwrap_or(name))).ok()?;
    Some(RoleArn(arn.clone()).short().unwrap_or(arn))
}

fn checked_arn(text: &str) -> Result<String, Invalid> {
    let Some(rest) = text.strip_prefix(PREFIX) else {
        return Err(Invalid::new("not a role ARN").hint(SHAPE));
    };
    // There is one check for each part of the ARN, so that the error can name the part that is invalid.
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(Invalid::new(format!("contains an invalid character: {c:?}")).hint(SHAPE));
    }
    if text.len() > 2048 {
        return Err(Invalid::new("must have at most 2048 characters").hint(SHAPE));
    }
    let mut fields = rest.splitn(5, ':');
    let mut field = || fields.next().unwrap_or_default();
    let (partition, service, region, account, resource) = (field(), field(), field(), field(), field());
    if !is_partition(partition) {
        return Err(Invalid::new(format!("'{partition}' is not an AWS partition"))
            .hint("for example aws, aws-cn or aws-us-gov"));
    }
    if let Some(invalid) = look_alike(partition, service, account, resource) {
        return Err(invalid);
    }
    if service != "iam" || !region.is_empty() {
        return Err(Invalid::new("not the ARN of an IAM role").hint(SHAPE));
    }
    if !is_account(account) {
        return Err(Invalid::new(format!("the account ID must have 12 digits, not '{account}'")).hint(SHAPE));
    }
    let Some(path_and_name) = resource.strip_prefix("role/") else {
        return Err(Invalid::new("not the ARN of an IAM role").hint(SHAPE));
    };
    let name = path_and_name.rsplit('/').next().unwrap_or_default();
    check_name(name)?;
    check_path(&path_and_name[..path_and_name.len() - name.len()])?;
    Ok(text.to_owned())
}

/// Splits the value of a variable into roles. Two roles are separated by a line break, or by a comma before `arn:` or
/// `ACCOUNT:`. Any other comma is part of a role, because role names may contain commas.
pub(crate) fn split_list(value: &str) -> Vec<&str> {
    let mut roles = Vec::new();
    for line in value.lines() {
        let mut start = 0;
        for (at, _) in line.match_indices(',') {
            if begins_role(line[at + 1..].trim_start()) {
                roles.push(line[start..at].trim());
                start = at + 1;
            }
        }
        roles.push(line[start..].trim());
    }
    roles.retain(|role| !role.is_empty());
    roles
}

fn begins_role(text: &str) -> bool {
    text.starts_with(PREFIX) || text.split_once(':').is_some_and(|(account, _)| is_account(account))
}

/// Checks whether the text is an AWS account ID, which has twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks whether the text is `aws`, followed by any number of `-word`. All existing partitions have this form.
fn is_partition(text: &str) -> bool {
    let mut words = text.split('-');
    words.next() == Some("aws") && words.all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}

fn check_name(name: &str) -> Result<String, Invalid> {
    if name.is_empty() {
        return Err(Invalid::new("the role name is missing").hint(SHAPE));
    }
    check(name, 1..=64, is_name_char, NAME_SET).map_err(|invalid| invalid.of("the role name"))
}

fn check_path(path: &str) -> Result<(), Invalid> {
    // IAM allows 512 characters for a path, including the first and the last slash. `path` does not contain the first
    // slash.
    if path.len() > 511 || !path.bytes().all(|byte| (0x21..=0x7e).contains(&byte)) {
        return Err(Invalid::new("the role path is not valid")
            .hint("a path has at most 512 printable characters and no spaces"));
    }
    Ok(())
}

/// Returns the error for the ARN of something that is easily confused with a role, such as a user. If possible, its
/// hint suggests the role that was probably meant. Returns `None` for any other ARN.
fn look_alike(partition: &str, service: &str, account: &str, resource: &str) -> Option<Invalid> {
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    let name = rest.rsplit('/').next().unwrap_or_default();
    let (what, hint) = match (service, kind) {
        ("sts", "assumed-role") => {
            let role = rest.split('/').next().unwrap_or_default();
            if role.starts_with("AWSReservedSSO_") {
                let hint = "use a profile that `aws configure sso` has created: -p NAME";
                return Some(Invalid::new("only IAM Identity Center can assume this role").hint(hint));
            }
            let meant = format!("arn:{partition}:iam::{account}:role/{role} (with its path, if it has one)");
            ("a session", format!("did you mean {meant}?"))
        }
        ("iam", "instance-profile") => {
            ("an instance profile", format!("did you mean arn:{partition}:iam::{account}:role/{name}?"))
        }
        ("iam", "user") => {
            ("a user", format!("pass the ARN of a role, such as arn:{partition}:iam::{account}:role/NAME"))
        }
        ("iam", "group") => ("a group", SHAPE.to_owned()),
        ("iam", "policy") => ("a policy", SHAPE.to_owned()),
        ("iam", "root") => ("the root user of an account", SHAPE.to_owned()),
        _ => return None,
    };
    Some(Invalid::new(format!("this is {what}, not a role")).hint(hint))
}

#[cfg(test)]
mod tests;
