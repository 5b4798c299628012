//! The flags about roles: the chain, the profile, the options, the session name, and the Region.

use super::session_name::{Host, default_session_name};
use super::values::{FlagValue, FlagValues};
use super::web_identity::web_identity;
use crate::error::{Error, reason_of};
use crate::flags::{
    DURATION, EXTERNAL_ID, MFA_SERIAL, ON_EXPIRY, ON_REFRESH_FAILURE, POLICY, POLICY_ARN, PROFILE, REFRESH_MARGIN,
    REGION, ROLE_ARN, ROLE_SESSION_NAME, SERVE, SOURCE_IDENTITY, TAG, TRANSITIVE_TAG, VIA,
};
use crate::origin::Origin;
use crate::profile::Request;
use crate::region::region_name;
use crate::role::{
    ExternalId, HopOptions, Invalid, MAX_HOPS, MfaSerial, PolicyArn, RoleArn, RoleSessionName, SessionDuration,
    SessionPolicy, SourceIdentity, Tag, TagKey, check_tags,
};
use crate::vars::Vars;
use std::path::{Path, PathBuf};

pub(super) fn request(
    flags: &FlagValues,
    vars: &Vars,
    host: &Host,
    read: &dyn Fn(&Path) -> std::io::Result<String>,
) -> Result<Request, Error> {
    let roles = flags.many(&ROLE_ARN);
    if roles.len() > MAX_HOPS {
        return Err(Error::usage(
            format!("role chain too long: {} roles (maximum {MAX_HOPS})", roles.len()),
            "check --role-arn and XASSUME_ROLE_ARN",
        ));
    }
    Ok(Request {
        roles: parse_all(roles, RoleArn::parse)?,
        profile: flags.one(&PROFILE).map(FlagValue::text).transpose()?.map(str::to_owned),
        session_name: flags.parsed(&ROLE_SESSION_NAME, RoleSessionName::parse)?,
        default_session_name: default_session_name(vars, host),
        options: hop_options(flags, read)?,
        origins: flags.origins(),
        web_identity: web_identity(flags)?,
        also: None,
        region: flags.parsed(&REGION, region_name)?,
        needs_expiry: needs_expiry(flags),
    })
}

/// Returns the first flag or variable that has an effect only on credentials that expire, and its text for messages.
/// Variables of flags that only adjust such an effect do not count, because they may be defaults for other runs.
fn needs_expiry(flags: &FlagValues) -> Option<(Origin, String)> {
    let typed = |flag| flags.given(flag).filter(|given| given.origin.is_typed());
    let effects = [
        flags.given_as(&ON_EXPIRY, |text| text != "none"),
        flags.given_as(&VIA, |text| text == "endpoint"),
        flags.given(&SERVE),
        typed(&REFRESH_MARGIN),
        typed(&ON_REFRESH_FAILURE),
        typed(&DURATION),
    ];
    effects.into_iter().flatten().next().map(|given| (given.origin, given.shown))
}

fn parse_all<T>(values: &[FlagValue], parse: fn(&str) -> Result<T, Invalid>) -> Result<Vec<T>, Error> {
    values.iter().map(|given| given.parse(parse)).collect()
}

fn hop_options(flags: &FlagValues, read: &dyn Fn(&Path) -> std::io::Result<String>) -> Result<HopOptions, Error> {
    let (tags, transitive, policy_arns) = (flags.many(&TAG), flags.many(&TRANSITIVE_TAG), flags.many(&POLICY_ARN));
    if let Some(eleventh) = policy_arns.get(10) {
        let invalid = Invalid::new(format!("too many policy ARNs: {}", policy_arns.len()))
            .hint("AWS allows 10; combine the policies into one --policy");
        return Err(Error::Value { origin: eleventh.origin.to_string(), value: None, invalid });
    }
    let options = HopOptions {
        external_id: flags.parsed(&EXTERNAL_ID, ExternalId::parse)?,
        duration: flags.parsed(&DURATION, SessionDuration::parse)?,
        policy: flags.one(&POLICY).map(|given| policy(given, read)).transpose()?,
        policy_arns: parse_all(policy_arns, policy_arn)?,
        tags: parse_all(tags, Tag::parse)?,
        transitive_tags: parse_all(transitive, TagKey::parse)?,
        source_identity: flags.parsed(&SOURCE_IDENTITY, SourceIdentity::parse)?,
        mfa_serial: flags.parsed(&MFA_SERIAL, device)?,
        ..HopOptions::default()
    };
    if let Err(invalid) = check_tags(&options.tags, &options.transitive_tags) {
        let origin = transitive.first().or(tags.first()).map_or(Origin::Flag(&TAG), |given| given.origin);
        return Err(Error::Value { origin: origin.to_string(), value: None, invalid });
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
