//! Role ARNs, and their short form `ACCOUNT:ROLE-NAME`.
//!
//! A partition is checked against a pattern, not against a list, so that xassume also accepts partitions that AWS adds
//! later. The limits are those of IAM's `arnType` (20 to 2048 characters), `roleNameType` (1 to 64 characters,
//! `[\w+=,.@-]`) and `pathType`.

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
        (Self::parse(&short).as_ref() == Ok(self)).then_some(short)
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
/// Fails if the text is not a role ARN. For the ARN of a session or of an instance profile, the hint suggests the role
/// that was probably meant.
fn parse(text: &str) -> Result<String, Invalid> {
    let text = text.trim();
    match text.split_once(':') {
        Some((account, name)) if is_account(account) => {
            check_name(name).map_err(|invalid| {
                let full = format!("if the role has a path, use arn:aws:iam::{account}:role/{name}");
                if name.contains('/') { invalid.hint(full) } else { invalid }
            })?;
            checked_arn(&format!("arn:aws:iam::{account}:role/{name}"))
        }
        Some((account, _)) if !account.is_empty() && account.bytes().all(|byte| byte.is_ascii_digit()) => {
            Err(Invalid::new(format!("the account ID must have 12 digits, not {}", account.len())).hint(SHAPE))
        }
        _ => checked_arn(text),
    }
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
            let meant = format!("arn:{partition}:iam::{account}:role/{role} (with its path, if it has one)");
            ("a session", format!("did you mean {meant}?"))
        }
        ("iam", "instance-profile") => {
            ("an instance profile", format!("did you mean arn:{partition}:iam::{account}:role/{name}?"))
        }
        ("iam", "user") => ("a user", "pass the ARN of the role".to_owned()),
        ("iam", "group") => ("a group", SHAPE.to_owned()),
        ("iam", "policy") => ("a policy", SHAPE.to_owned()),
        ("iam", "root") => ("the root user of an account", SHAPE.to_owned()),
        _ => return None,
    };
    Some(Invalid::new(format!("this is {what}, not a role")).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_every_partition_paths_and_long_names() {
        for (text, partition, account) in [
            ("arn:aws:iam::521111111144:role/DeployMaster", "aws", "521111111144"),
            ("arn:aws-cn:iam::123456789012:role/r", "aws-cn", "123456789012"),
            ("arn:aws-us-gov:iam::123456789012:role/a/b/c", "aws-us-gov", "123456789012"),
            ("arn:aws-iso-b:iam::123456789012:role/x+=,.@-_y", "aws-iso-b", "123456789012"),
            ("arn:aws-eusc:iam::123456789012:role/aws-service-role/x:y/Name", "aws-eusc", "123456789012"),
        ] {
            let role = RoleArn::parse(text).expect(text);
            assert_eq!((role.partition(), role.account()), (partition, account));
            assert_eq!(role.as_str(), text);
        }
        let longest = format!("arn:aws:iam::123456789012:role/{}", "n".repeat(64));
        assert!(RoleArn::parse(&longest).is_ok(), "64 characters");
    }

    #[test]
    fn accepts_the_short_form() {
        let role = RoleArn::parse(" 521111111144:DeployMaster ").expect("short form");
        assert_eq!(role.as_str(), "arn:aws:iam::521111111144:role/DeployMaster");
    }

    #[test]
    fn the_short_form_is_the_same_role_or_there_is_none() {
        let short = |text: &str| RoleArn::parse(text).expect(text).short();
        assert_eq!(short("arn:aws:iam::521111111144:role/Deploy,Master"), Some("521111111144:Deploy,Master".into()));
        for text in [
            "arn:aws-cn:iam::123456789012:role/r",
            "arn:aws:iam::123456789012:role/path/r",
            "arn:aws:iam::123456789012:role/x:y/r",
        ] {
            assert_eq!(short(text), None, "{text}");
        }
    }

    #[test]
    fn explains_what_is_not_a_role() {
        for (text, reason, hint) in [
            ("DeployMaster", "not a role ARN", "123456789012:NAME"),
            ("", "not a role ARN", "123456789012:NAME"),
            (
                "arn:aws:sts::123456789012:assumed-role/Admin/me",
                "a session, not a role",
                "arn:aws:iam::123456789012:role/Admin",
            ),
            ("arn:aws:iam::123456789012:user/alice", "a user, not a role", "pass the ARN of the role"),
            (
                "arn:aws-cn:iam::123456789012:instance-profile/p/Web",
                "instance profile",
                "arn:aws-cn:iam::123456789012:role/Web",
            ),
            ("arn:aws:iam::123456789012:policy/P", "a policy, not a role", "role ARN looks like"),
            ("arn:aws:iam::123456789012:root", "root user", "role ARN looks like"),
            ("arn:aws:s3:::bucket", "not the ARN of an IAM role", "role ARN looks like"),
            ("arn:aws:iam:us-east-1:123456789012:role/x", "not the ARN of an IAM role", "role ARN looks like"),
            ("arn:azure:iam::123456789012:role/x", "is not an AWS partition", "aws-cn"),
            ("arn:aws-:iam::123456789012:role/x", "is not an AWS partition", "aws-cn"),
            ("arn:aws:iam::12345678901:role/x", "12 digits", "role ARN looks like"),
            ("arn:aws:iam::123456789012:role/", "the role name is missing", "role ARN looks like"),
            ("123456789012:", "the role name is missing", "role ARN looks like"),
            ("arn:aws:iam::123456789012:role/a b", "' '", "letters, digits"),
            ("123456789012:path/name", "'/'", "use arn:aws:iam::123456789012:role/path/name"),
            ("12345678901:name", "12 digits, not 11", "123456789012:NAME"),
            ("arn:aws:iam::123456789012:role/naïve", "'ï'", "letters, digits"),
            ("arn:aws:iam::123456789012:role/pa th/x", "role path", "512"),
        ] {
            let invalid = RoleArn::parse(text).expect_err(text);
            assert!(invalid.to_string().contains(reason), "{text}{invalid}");
            assert!(invalid.hint.as_deref().unwrap_or_default().contains(hint), "{text}: {:?}", invalid.hint);
        }
        let long = format!("123456789012:{}", "n".repeat(65));
        assert!(RoleArn::parse(&long).expect_err("65").to_string().contains("not 65"));
    }

    #[test]
    fn splits_a_list_only_before_a_role() {
        assert_eq!(
            split_list("arn:aws:iam::123456789012:role/a,b,arn:aws:iam::123456789012:role/c, 210987654321:d"),
            ["arn:aws:iam::123456789012:role/a,b", "arn:aws:iam::123456789012:role/c", "210987654321:d"]
        );
        assert_eq!(split_list("123456789012:a\n\n123456789012:b\n"), ["123456789012:a", "123456789012:b"]);
        assert_eq!(split_list(" "), Vec::<&str>::new());
    }
}
