//! Decides how an MFA code is used, and whether refreshes need more codes. All functions here are pure.

use super::settings::{CodeSource, MfaSettings};
use crate::error::{MfaError, MfaFailure};
use crate::profile::{Plan, Source};
use crate::role::{MfaSerial, SessionDuration};
pub(crate) use crate::session::KeyKind;
use std::time::Duration;

impl KeyKind {
    /// Returns the kind of the source's access keys. Returns `None` for a `credential_process`, because the kind of its
    /// keys is not known before it has run.
    pub(crate) fn expected(source: &Source) -> Option<Self> {
        match source {
            Source::EnvironmentKeys(keys) | Source::ProfileKeys { keys, .. } => Some(Self::of(keys)),
            Source::Process { .. } => None,
            Source::Sso { .. }
            | Source::Login { .. }
            | Source::WebIdentity { .. }
            | Source::Container
            | Source::InstanceMetadata => Some(Self::Temporary),
        }
    }
}

/// How an MFA code is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MfaMode<'a> {
    /// No code is used, because no device is configured.
    None,
    /// The code is sent to `GetSessionToken`, and the first role is assumed with the MFA session. Without roles, the
    /// command gets the MFA session.
    Session(&'a MfaSerial),
    /// The code is sent in the call that assumes the role for which the device is configured.
    WithRole,
}

/// Returns the MFA device of a plan, and the number of the role that has it, counted from 1. The number is 1 if no role is
/// assumed. Returns `None` if there is no device. A plan has at most one device.
pub(crate) fn device(plan: &Plan) -> Option<(usize, &MfaSerial)> {
    let of_role = plan.hops.iter().enumerate().find_map(|(at, hop)| Some((at + 1, hop.options.mfa_serial.as_ref()?)));
    of_role.or(plan.device.as_ref().map(|serial| (1, serial)))
}

/// Returns where the codes come from. A flag or its variable takes precedence over `mfa_process` of the profile with the
/// device. Without these, the user is prompted.
pub(crate) fn code_source(plan: &Plan, settings: &MfaSettings) -> CodeSource {
    let of_role = plan.hops.iter().find_map(|hop| hop.options.mfa_process.as_ref());
    match (&settings.code, of_role.or(plan.mfa_process.as_ref())) {
        (CodeSource::Prompt, Some(command)) => CodeSource::Process(command.clone()),
        (source, _) => source.clone(),
    }
}

/// Decides how an MFA code is used. A role that is assumed with the keys of an MFA session can have a session of at
/// most one hour. So for a longer session, the code must be sent in the call that assumes the role.
pub(crate) fn mfa_mode(plan: &Plan, keys: KeyKind) -> MfaMode<'_> {
    let more_than_an_hour = match plan.hops.first().and_then(|first| first.options.duration) {
        Some(SessionDuration::Exactly(duration)) => duration > SessionDuration::HOUR,
        Some(SessionDuration::Max) => true,
        None => false,
    };
    match device(plan) {
        None => MfaMode::None,
        Some((_, serial)) if keys == KeyKind::LongTerm && !more_than_an_hour => MfaMode::Session(serial),
        Some(_) => MfaMode::WithRole,
    }
}

/// How long sessions can be refreshed without user input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unattended {
    /// As long as the source of the access keys returns credentials.
    Always,
    /// Until the MFA session expires. The duration is counted from when the code was used.
    ForMfaSession(Duration),
    /// Until the temporary keys in the environment variables expire. xassume cannot renew these keys.
    WhileKeysHold,
}

/// Returns how long sessions can be refreshed without user input.
///
/// `keys` is the kind of the source's keys. Before the keys are fetched, the caller passes [`KeyKind::expected`]. This
/// may be `None`, for a `credential_process`. Then this function assumes long-term keys, and must be called again after
/// the first session.
///
/// # Errors
/// Each refresh would need a new code from the user.
pub(crate) fn unattended(plan: &Plan, settings: &MfaSettings, keys: Option<KeyKind>) -> Result<Unattended, MfaError> {
    let keys = keys.unwrap_or(KeyKind::LongTerm);
    let by_command = code_source(plan, settings).is_program();
    match (mfa_mode(plan, keys), device(plan)) {
        (MfaMode::Session(_), _) if !by_command && !plan.hops.is_empty() => {
            Ok(Unattended::ForMfaSession(settings.session_duration))
        }
        (MfaMode::Session(_) | MfaMode::WithRole, Some((_, serial))) if !by_command => Err(MfaError {
            serial: serial.to_string(),
            kind: MfaFailure::Unattended { has_role: !plan.hops.is_empty() },
        }),
        _ => match &plan.source {
            Source::EnvironmentKeys(keys) if KeyKind::of(keys) == KeyKind::Temporary => Ok(Unattended::WhileKeysHold),
            _ => Ok(Unattended::Always),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{ProfileSet, Request, plan};
    use crate::role::{HopOptions, MFA_SESSION, MfaCode, RoleSessionName};
    use std::path::Path;

    /// Returns the plan for profile `a` of a config file, with these environment variables.
    fn planned(config: &str, variables: &[(&str, &str)], duration: Option<SessionDuration>) -> Plan {
        let request = Request {
            roles: Vec::new(),
            profile: Some("a".into()),
            session_name: None,
            default_session_name: RoleSessionName::parse("me").expect("name"),
            options: HopOptions { duration, ..HopOptions::default() },
            web_identity: None,
            also: None,
            region: None,
            origins: Vec::new(),
            needs_expiry: None,
        };
        let files = ProfileSet::parse((Path::new("c"), config.as_bytes()), (Path::new("d"), b"")).expect("parses");
        plan(&request, &files, &variables.iter().copied().collect()).expect(config)
    }

    const USER: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "s")];
    const ONE: &str = "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/A\ncredential_source = Environment\n";
    const TWO: &str = "[profile b]\nrole_arn = arn:aws:iam::123456789012:role/B\ncredential_source = Environment\n\
                       [profile a]\nrole_arn = arn:aws:iam::123456789012:role/A\nsource_profile = b\n";
    const DEVICE: &str = "mfa_serial = device-01\n";
    const LONG: &str = "duration_seconds = 3601\n";

    #[test]
    fn a_users_code_is_for_a_session_unless_a_role_is_assumed_for_more_than_an_hour() {
        use KeyKind::{LongTerm, Temporary};
        let serial = MfaSerial::parse("device-01").expect("serial");
        let session = MfaMode::Session(&serial);
        let hour = "duration_seconds = 3600\n";
        let (first, second) = TWO.split_at(TWO.find("[profile a]").expect("a"));
        for (config, keys, expected) in [
            (ONE.to_owned(), LongTerm, MfaMode::None),
            ([ONE, DEVICE].concat(), LongTerm, session),
            ([ONE, DEVICE, hour].concat(), LongTerm, session),
            ([ONE, DEVICE, LONG].concat(), LongTerm, MfaMode::WithRole),
            ([ONE, DEVICE].concat(), Temporary, MfaMode::WithRole),
            ([first, DEVICE, LONG, second].concat(), LongTerm, MfaMode::WithRole),
            ([first, DEVICE, second].concat(), LongTerm, session),
            ([first, second, DEVICE].concat(), LongTerm, session),
            ([first, LONG, second, DEVICE].concat(), LongTerm, MfaMode::WithRole),
        ] {
            assert_eq!(mfa_mode(&planned(&config, USER, None), keys), expected, "{config} {keys:?}");
        }
        let max = planned(&[first, DEVICE, second].concat(), USER, Some(SessionDuration::Max));
        assert_eq!(mfa_mode(&max, LongTerm), session, "the last of two gets an hour without asking");
    }

    #[test]
    fn a_refresh_without_user_input_needs_a_session_or_a_command() {
        let temporary = &[USER, &[("AWS_SESSION_TOKEN", "t")]].concat()[..];
        let instance = ONE.replace("Environment", "Ec2InstanceMetadata");
        let process = ONE.replace("credential_source = Environment", "source_profile = p");
        let process = format!("[profile p]\ncredential_process = c\n{process}");
        let typed = || CodeSource::Typed(MfaCode::parse("123456").expect("code"));
        let command = || CodeSource::Command("c".into());
        let (user, half_a_day) = (USER, Ok(Unattended::ForMfaSession(MFA_SESSION)));
        let device = |config: &str| format!("{config}{DEVICE}");
        for (config, variables, code, expected) in [
            (ONE.to_owned(), user, CodeSource::Prompt, Ok(Unattended::Always)),
            (device(ONE), user, CodeSource::Prompt, half_a_day),
            (device(ONE), user, typed(), half_a_day),
            (device(ONE), user, command(), Ok(Unattended::Always)),
            (device(ONE) + LONG, user, CodeSource::Prompt, Err(())),
            (device(ONE) + LONG, user, command(), Ok(Unattended::Always)),
            (ONE.to_owned(), temporary, CodeSource::Prompt, Ok(Unattended::WhileKeysHold)),
            (device(ONE), temporary, typed(), Err(())),
            (device(ONE), temporary, command(), Ok(Unattended::WhileKeysHold)),
            (instance.clone(), &[], CodeSource::Prompt, Ok(Unattended::Always)),
            (device(&instance), &[], CodeSource::Prompt, Err(())),
            (device(&process), &[], CodeSource::Prompt, half_a_day),
        ] {
            let plan = planned(&config, variables, None);
            let settings = MfaSettings { code, session_duration: MFA_SESSION };
            let found = unattended(&plan, &settings, KeyKind::expected(&plan.source));
            assert_eq!(found.map_err(|_| ()), expected, "{config} {:?}", settings.code);
        }
        let plan = planned(&device(&process), &[], None);
        let settings = MfaSettings { code: CodeSource::Prompt, session_duration: MFA_SESSION };
        let refused = unattended(&plan, &settings, Some(KeyKind::Temporary)).expect_err("known by now");
        assert!(refused.to_string().contains("device-01: each refresh needs a new code"), "{refused}");
    }
}
