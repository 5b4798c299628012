//! The steps up to the session. Each function describes what the check has found, or what a launch would do. All
//! functions are pure.

use super::findings::{Findings, Place, Uncached, refreshes};
use super::step::{State, Step};
use crate::deliver::Via;
use crate::event::MfaSessionFrom;
use crate::mfa::mode::{Unattended, code_source, device, unattended as unattended_by};
use crate::profile::{DEFAULT, Region, Source, TokenSource};
use crate::session::{Share, rfc3339, whole_seconds};
use std::fmt::Write as _;
use std::time::Duration;

/// Clocks that differ by at most this number of seconds count as equal. A smaller difference cannot be measured,
/// because STS sends its time in whole seconds, and because the answer takes some time to arrive.
const UNNOTICED_SECS: u64 = 5;
/// Clocks that differ by at most this number of seconds cause no warning. If the difference is larger, SDKs correct it,
/// or warn about it.
const TOLERATED_SECS: u64 = 4 * 60;

pub(super) fn source(findings: &Findings<'_>, step: &mut Step) {
    let Some(plan) = findings.plan else { return };
    step.text = plan.source.to_string();
    step.fact("source", plan.source.to_string());
    if let Some(end) = findings.signed_in_until().map(rfc3339) {
        step.details.push(format!("signed in to IAM Identity Center, until {end}"));
        step.fact("signed_in_until", end);
    }
    let Some(found) = &findings.source else { return };
    let Some(id) = &found.access_key_id else {
        step.details.push("the token is verified when the first role is assumed".into());
        return;
    };
    let kind = found.kind.to_string();
    let _ = if step.text.contains(id.as_str()) {
        write!(step.text, ", {kind}")
    } else {
        write!(step.text, ": {id}, {kind}")
    };
    step.fact("access_key_id", id.as_str());
    step.fact("keys", kind);
}

/// Describes whether refreshes need user input. If they do, the step is a warning, or only a note if this launch would
/// not refresh its sessions. The step then does not apply.
pub(super) fn unattended(findings: &Findings<'_>, step: &mut Step) {
    step.applies = refreshes(findings.settings);
    let (Some(plan), Some(found)) = (findings.plan, &findings.source) else { return };
    if plan.has_no_expiry() {
        step.applies = false;
        step.text = "nothing to refresh: no expiry is known".into();
        step.state = State::Note;
        return;
    }
    let lesser = if refreshes(findings.settings) { State::Warning } else { State::Note };
    let possible = unattended_by(plan, &findings.settings.mfa, Some(found.kind));
    step.fact("possible", possible.is_ok());
    match possible {
        Ok(Unattended::Always) => match (&plan.source, findings.login_end.map(rfc3339)) {
            (Source::Sso { .. }, Some(end)) => {
                step.text = format!("refreshes work without user input until {end}, when the login expires");
                step.fact("until", end);
                step.state(lesser, "log in again before then; only the login of an [sso-session] section is refreshed");
            }
            (Source::WebIdentity { token, .. }, _) if token_ends_first(findings, token) => {
                step.text = "refreshes work without user input if there is a new token by then".into();
                let source = if matches!(token, TokenSource::File(_)) { "file" } else { "command" };
                step.state(
                    State::Note,
                    format!("this token expires before the first refresh: the {source} must give a new one by then"),
                );
            }
            (Source::Sso { .. } | Source::Login { .. }, None) => {
                step.text = "refreshes work without user input while the login lasts".into();
            }
            _ => step.text = "refreshes work without user input".into(),
        },
        Ok(Unattended::ForMfaSession(time)) => {
            step.text = format!("a new MFA code is needed after {}", whole_seconds(time));
            step.state(lesser, "use --mfa-command to provide codes, or --mfa-session-duration for up to 36h");
        }
        Ok(Unattended::WhileKeysHold) => {
            let ends = findings.vars.text("AWS_CREDENTIAL_EXPIRATION");
            let ends = ends.map(|ends| format!(" (at {ends})")).unwrap_or_default();
            step.text = format!("refreshes are possible until the source credentials expire{ends}");
            step.state(
                lesser,
                "use a profile, a credential_process or an instance role, which provide new credentials",
            );
        }
        Err(error) if lesser == State::Note => {
            step.text = "each refresh needs a new MFA code".into();
            step.state(State::Note, error.hint());
        }
        // A launch fails with this error. The check has failed with the same error at this step, so there is nothing to
        // add.
        Err(_) => {}
    }
}

/// Checks whether the token of the check expires before this launch would refresh the session. A provider gives a new
/// token for each request.
fn token_ends_first(findings: &Findings<'_>, token: &TokenSource) -> bool {
    let Some(policy) = findings.settings.mode.policy() else { return false };
    let Some((_, lifetime)) = findings.session.as_ref().and_then(|session| session.term) else { return false };
    let Some((_, Some(left_secs))) = findings.token() else { return false };
    let first_refresh = lifetime.saturating_sub(policy.first_effect(lifetime).1);
    let ends_first = u64::try_from(left_secs).unwrap_or(0) < first_refresh.as_secs();
    !matches!(token, TokenSource::GitHub { .. }) && refreshes(findings.settings) && ends_first
}

pub(super) fn sts(findings: &Findings<'_>, step: &mut Step) {
    let Some(plan) = findings.plan else { return };
    let found = findings.source.as_ref();
    let endpoint = findings.endpoint();
    step.text.push_str(endpoint.as_deref().unwrap_or("the endpoint in the region of the instance"));
    if let Some(endpoint) = endpoint.as_deref() {
        step.fact("endpoint", endpoint);
    }
    let from = match &plan.region {
        Some(Region { name, from }) => Some((name, from.clone())),
        None => found.map(|found| match &found.instance_region {
            Some(name) => (name, "from the instance".to_owned()),
            None => (&found.region, without_region(findings)),
        }),
    };
    if let Some((region, from)) = from {
        let _ = write!(step.text, ", region {region} ({from})");
        step.fact("region", region.as_str());
    }
    step.text += &plan.network.variants();
    // If the proxy cannot be used, the check has failed at an earlier step, so an invalid proxy is not reported here.
    if let Some(Ok(Some(proxy))) = endpoint.map(|url| plan.network.proxies.of_request(&url)) {
        step.details.push(format!("proxy {proxy}"));
        step.fact("proxy", proxy.url);
    }
    if let Some(bundle) = findings.settings.sts.ca_bundle.as_ref().or(plan.network.ca_bundle.as_ref()) {
        step.details.push(format!("additional CA certificates: {}", bundle.display()));
    }
}

/// Returns the text that says that no region is set for xassume. If the command gets a region from `[default]` of the
/// shared config file, the text also names that region.
fn without_region(findings: &Findings<'_>) -> String {
    let delivery = &findings.settings.delivery;
    let sees_default = delivery.via == Via::Env
        && !delivery.isolate
        && !["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].iter().any(|name| delivery.keep.iter().any(|kept| kept == name));
    let default = findings.profiles.and_then(|profiles| profiles.profile(DEFAULT));
    match default.and_then(|default| default.get("region")).filter(|_| sees_default) {
        Some(region) => format!("region not set; the command uses {region}, from [default]"),
        None => "region not set".into(),
    }
}

pub(super) fn clock(findings: &Findings<'_>, step: &mut Step) {
    let Some(skew) = findings.source.as_ref().and_then(|source| source.skew_secs) else { return };
    if matches!(findings.failure, Some((Place::Clock, _))) {
        // The check has failed at this step. The step already shows STS's message about the signature, which is more
        // exact than the measured difference.
        return;
    }
    step.fact("off_seconds", -skew);
    let off = skew.unsigned_abs();
    if off <= UNNOTICED_SECS {
        step.text = "system clock agrees with STS".into();
        return;
    }
    let direction = if skew > 0 { "behind" } else { "ahead of" };
    step.text = format!("system clock is {} {direction} STS", whole_seconds(Duration::from_secs(off)));
    if off > TOLERATED_SECS {
        step.state(
            State::Warning,
            "set the clock (timedatectl, chrony); STS rejects requests whose time is off by more than 15 minutes",
        );
    }
}

pub(super) fn caller(findings: &Findings<'_>, step: &mut Step) {
    match findings.source.as_ref().and_then(|source| source.caller.as_ref()) {
        Some(Ok(caller)) => {
            step.text.clone_from(&caller.arn);
            step.fact("arn", caller.arn.as_str());
            step.fact("account", caller.account.as_str());
            if caller.arn.ends_with(":root") {
                step.state(State::Warning, "use credentials of a user or a role: root users cannot assume roles");
            }
        }
        Some(Err(error)) => {
            step.text = error.to_string();
            step.state(State::Warning, "a launch does not need this call; the check continues");
        }
        None if findings.plan.is_some_and(|plan| plan.source.is_web_identity()) => {
            step.applies = false;
            step.text = "no AWS identity before the first role".into();
            step.state = State::Note;
        }
        None => {}
    }
}

pub(super) fn mfa(findings: &Findings<'_>, step: &mut Step) {
    let Some(plan) = findings.plan else { return };
    let Some((at, serial)) = device(plan) else { return };
    let code = code_source(plan, &findings.settings.mfa);
    step.fact("serial", serial.to_string());
    let Some((access_key_id, expiration, from)) = findings.mfa_session() else {
        step.text = format!("{serial}, code from {code}");
        if findings.roles().count() >= at {
            let _ = write!(step.text, ", used for role {at}");
        }
        return;
    };
    let cached = match &findings.uncached {
        None => "and cached",
        Some(Uncached::Disabled) => "and not cached (--no-cache)",
        Some(Uncached::Impossible(_)) => "and not cached",
    };
    step.text = match from {
        MfaSessionFrom::Cache => format!("{serial}: using cached MFA session"),
        MfaSessionFrom::Code => format!("{serial}: MFA session obtained (code from {code}) {cached}"),
    };
    let expiration = rfc3339(expiration);
    step.details.push(format!("session {access_key_id}, until {expiration}"));
    step.fact("access_key_id", access_key_id);
    step.fact("expiration", expiration);
}

/// Returns the step for the role with the number `at` in the chain, counted from 1.
pub(super) fn role(findings: &Findings<'_>, at: usize) -> Step {
    let Some(plan) = findings.plan else { return Step::new("role", "role") };
    let of = plan.hops.len();
    let mut step = Step::new(if of == 1 { "role".to_owned() } else { format!("role {at} of {of}") }, "role");
    let Some(hop) = plan.hops.iter().nth(at - 1) else { return step };
    step.text = hop.to_string();
    step.fact("role", hop.role.as_str());
    step.fact("session_name", hop.session_name.as_str());
    step.fact("number", at);
    let Some(role) = findings.roles().nth(at - 1) else { return step };
    let expiration = rfc3339(role.expiration);
    let validity = format!("valid for {}, until {expiration}", whole_seconds(role.lifetime));
    step.details.push(format!("{validity}; session token {}", role.token));
    step.fact("session_token_bytes", role.token.bytes);
    match role.token.share {
        Some(Share::Token(percent)) => step.fact("session_token_percent", percent),
        Some(Share::PackedPolicy(percent)) => step.fact("packed_policy_percent", percent),
        None => {}
    }
    step.fact("arn", role.arn.as_str());
    step.fact("lifetime_seconds", role.lifetime.as_secs());
    step.fact("expiration", expiration);
    step
}

pub(super) fn session(findings: &Findings<'_>, step: &mut Step) {
    let Some(session) = &findings.session else { return };
    if let Some(arn) = &session.arn {
        step.text.clone_from(arn);
        step.fact("arn", arn.as_str());
    } else {
        let account = session.account.as_ref().map(|account| format!(", account {account}"));
        step.text = format!("no role: the credentials of the source{}", account.unwrap_or_default());
    }
    if let Some(account) = &session.account {
        step.fact("account", account.as_str());
    }
    if let Some(expected) = &findings.settings.expect_account {
        step.fact("expected_account", expected.as_str());
        if !matches!(findings.failure, Some((Place::Session, _))) {
            step.details.push(format!("account {expected} (--expect-account)"));
        }
    }
    if let Some(Uncached::Impossible(Some((problem, hint)))) = &findings.uncached {
        step.details.push(format!("cannot store the session in the cache: {problem}"));
        step.state(State::Warning, hint.clone());
    }
}
