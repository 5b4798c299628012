//! What is asked for of roles: chain, profile, options, session name, region.

use super::Host;
use crate::error::{Error, reason_of};
use crate::origin::Precedence;
use crate::profile::{ProfileChoice, ProfileFrom, Request, TokenFrom, region_name};
use crate::role::{
    ExternalId, HopOptions, Invalid, MAX_HOPS, MfaSerial, PolicyArn, RoleArn, RoleSessionName, SessionDuration,
    SessionPolicy, SourceIdentity, Tag, TagKey, check_tags,
};
use crate::settings::session_name;
use crate::settings::values::{FlagValue, FlagValues};
use crate::vars::Vars;
use std::path::{Path, PathBuf};

/// Flags of a request that can turn out not to go with another one.
const RANKED: &[&str] = &[
    "role-arn",
    "profile",
    "web-identity-token-file",
    "external-id",
    "duration",
    "tag",
    "transitive-tag",
    "source-identity",
    "mfa-serial",
];

pub(super) fn request(
    flags: &FlagValues<'_>,
    vars: &Vars,
    machine: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
    notes: &mut Vec<String>,
) -> Result<Request, Error> {
    let roles = flags.many("role-arn");
    if roles.len() > MAX_HOPS {
        return Err(Error::usage(
            format!("role chain too long: {} roles (maximum {MAX_HOPS})", roles.len()),
            "check --role-arn and XASSUME_ROLE_ARN",
        ));
    }
    let typed = flags.is_typed("role-arn");
    let roles = roles.iter().map(|given| given.parse(RoleArn::parse)).collect::<Result<Vec<_>, _>>()?;
    let (roles, roles_variable) = if typed { (roles, Vec::new()) } else { (Vec::new(), roles) };
    Ok(Request {
        roles,
        roles_variable,
        profile: flags.one("profile").map(|given| profile(&given)).transpose()?,
        session_name: flags.one("role-session-name").map(|given| given.parse(RoleSessionName::parse)).transpose()?,
        default_session_name: session_name::default_session_name(vars, machine.uid, &machine.host),
        options: hop_options(flags, read, notes)?,
        by_variable: flags.by_variable(RANKED),
        web_identity_token_file: flags.one("web-identity-token-file").map(|given| {
            let from = if given.origin.is_typed() { TokenFrom::Flag } else { TokenFrom::FlagsVariable };
            (PathBuf::from(given.value), from)
        }),
        region: flags.one("region").map(|given| given.parse(region_name)).transpose()?,
    })
}

fn profile(given: &FlagValue) -> Result<ProfileChoice, Error> {
    let from = if given.origin.is_typed() { ProfileFrom::Flag } else { ProfileFrom::Variable };
    Ok(ProfileChoice { name: given.text()?.to_owned(), from })
}

fn hop_options(
    flags: &FlagValues<'_>,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
    notes: &mut Vec<String>,
) -> Result<HopOptions, Error> {
    let tags = flags.many("tag");
    let transitive = flags.many("transitive-tag");
    let policy_arns = flags.many("policy-arn");
    if let Some(eleventh) = policy_arns.get(10) {
        let invalid = Invalid::new(format!("too many policy ARNs: {}", policy_arns.len()))
            .hint("AWS allows 10; combine them into --policy");
        return Err(Error::Value { origin: eleventh.origin.to_string(), value: String::new(), invalid });
    }
    let mut options = HopOptions {
        external_id: flags.one("external-id").map(|given| given.parse(ExternalId::parse)).transpose()?,
        duration: flags.one("duration").map(|given| given.parse(SessionDuration::parse)).transpose()?,
        policy: flags.one("policy").map(|given| policy(&given, read)).transpose()?,
        policy_arns: policy_arns.iter().map(|given| given.parse(policy_arn)).collect::<Result<_, _>>()?,
        tags: tags.iter().map(|given| given.parse(Tag::parse)).collect::<Result<_, _>>()?,
        transitive_tags: transitive.iter().map(|given| given.parse(TagKey::parse)).collect::<Result<_, _>>()?,
        source_identity: flags.one("source-identity").map(|given| given.parse(SourceIdentity::parse)).transpose()?,
        mfa_serial: flags.one("mfa-serial").map(|given| given.parse(device)).transpose()?,
    };
    // Keys of the variable may be meant for its own tags, which those that were typed have replaced.
    if let (Some(keys), Some(typed)) = (flags.origin("transitive-tag"), flags.origin("tag"))
        && keys.beside(typed) == Precedence::Other
        && check_tags(&options.tags, &options.transitive_tags).is_err()
        && check_tags(&options.tags, &[]).is_ok()
    {
        options.transitive_tags.clear();
        notes.push(keys.stands_back(typed));
    }
    if let Err(invalid) = check_tags(&options.tags, &options.transitive_tags) {
        let origin =
            transitive.first().or(tags.first()).map_or_else(|| "--tag".to_owned(), |given| given.origin.to_string());
        return Err(Error::Value { origin, value: String::new(), invalid });
    }
    Ok(options)
}

fn policy_arn(text: &str) -> Result<PolicyArn, Invalid> {
    PolicyArn::parse(text).map_err(|invalid| invalid.hint("for example arn:aws:iam::aws:policy/ReadOnlyAccess"))
}

fn device(text: &str) -> Result<MfaSerial, Invalid> {
    MfaSerial::parse(text).map_err(|invalid| invalid.hint("for example arn:aws:iam::123456789012:mfa/alice"))
}

fn policy(given: &FlagValue, read: &dyn Fn(&Path) -> std::io::Result<String>) -> Result<SessionPolicy, Error> {
    let Some(path) = given.text()?.strip_prefix("file://") else { return given.parse(SessionPolicy::parse) };
    let path = PathBuf::from(path);
    let text = read(&path).map_err(|error| Error::File {
        what: format!("the file of {}", given.origin),
        path,
        reason: reason_of(&error),
    })?;
    SessionPolicy::parse(&text).map_err(|invalid| given.invalid(invalid))
}
