//! The steps of the way to the session, in words: what was found, or before that what would be done. Pure.

use super::findings::{Findings, MfaFrom, Place, Unkept};
use super::steps::{State, Step};
use crate::deliver::Via;
use crate::mfa::mode::{KeyKind, Unattended, device, unattended as unattended_by};
use crate::profile::{DEFAULT, Region};
use crate::session::{Granted, rfc3339, whole_seconds};
use crate::settings::Mode;
use crate::supervise::policy::Duty;
use std::fmt::Write as _;
use std::time::Duration;

/// Off by no more than this, a clock is as right as the `Date` of an answer can tell: it is cut to whole seconds, and the
/// answer was under way.
const UNNOTICED_SECS: u64 = 5;
/// SDKs correct what is off by more, or warn of it.
const TOLERATED_SECS: u64 = 4 * 60;

pub(super) fn source(findings: &Findings<'_>, step: &mut Step) {
    let Some(plan) = findings.plan else { return };
    step.text = plan.source.to_string();
    step.fact("source", plan.source.to_string());
    let Some(found) = &findings.source else { return };
    let Some(id) = &found.access_key_id else {
        step.details.push("it proves itself to STS with the first role".into());
        return;
    };
    let kind = if found.kind == KeyKind::LongTerm { "long-term" } else { "temporary" };
    let _ = if step.text.contains(id.as_str()) {
        write!(step.text, ", {kind}")
    } else {
        write!(step.text, ": {id}, {kind}")
    };
    step.fact("access_key_id", id.as_str());
    step.fact("keys", kind);
}

/// Whether sessions could be refreshed with nobody there. Without a refresh that is good to know, and no more.
pub(super) fn unattended(findings: &Findings<'_>, step: &mut Step) {
    let (Some(plan), Some(found)) = (findings.plan, &findings.source) else { return };
    let lesser = match findings.settings.mode {
        Mode::Supervise(policy) if policy.duty() == Duty::Refresh => State::Warning,
        Mode::Supervise(_) | Mode::Exec => State::Note,
    };
    let possible = unattended_by(plan, &findings.settings.mfa, Some(found.kind));
    step.fact("possible", possible.is_ok());
    match possible {
        Ok(Unattended::Always) => step.text = "refreshes need nobody".into(),
        Ok(Unattended::ForMfaSession(time)) => {
            step.text = format!("refreshes need nobody for {}; then a new MFA code", whole_seconds(time));
            step.state(lesser, "--mfa-command is run for each code; --mfa-session-duration asks for up to 36h");
        }
        Ok(Unattended::WhileKeysHold) => {
            let ends = findings.vars.text("AWS_CREDENTIAL_EXPIRATION");
            let ends = ends.map(|ends| format!(", which ends at {ends}")).unwrap_or_default();
            step.text = format!("refreshes are possible while the keys hold: they are a session's{ends}");
            step.state(lesser, "a profile, a credential_process or an instance role gives new keys by itself");
        }
        Err(error) if lesser == State::Note => {
            step.text = "refreshes would need somebody: each session takes a new MFA code".into();
            step.state(State::Note, error.hint());
        }
        // A launch is refused for it, and so this is where the check fails.
        Err(_) => {}
    }
}

pub(super) fn sts(findings: &Findings<'_>, step: &mut Step) {
    let Some(plan) = findings.plan else { return };
    let found = findings.source.as_ref();
    let endpoint = findings.endpoint.as_deref();
    step.text.push_str(endpoint.unwrap_or("the endpoint of the instance's region"));
    if let Some(endpoint) = endpoint {
        step.fact("endpoint", endpoint);
    }
    let from = match &plan.region {
        Some(Region { name, from }) => Some((name, from.to_string())),
        None => found.map(|found| match &found.instance_region {
            Some(name) => (name, "the instance's".to_owned()),
            None => (&found.region, without_region(findings)),
        }),
    };
    if let Some((region, from)) = from {
        let _ = write!(step.text, ", region {region} ({from})");
        step.fact("region", region.as_str());
    }
    let variants = [(plan.network.fips, ", FIPS"), (plan.network.dualstack, ", dual-stack")];
    step.text.extend(variants.iter().filter(|(on, _)| *on).map(|(_, what)| *what));
    // One that cannot be used has failed the check already.
    if let Some(Ok(Some(proxy))) = endpoint.map(|url| plan.network.proxies.of_request(url)) {
        step.details.push(format!("through the proxy {proxy}"));
        step.fact("proxy", proxy.url);
    }
    if let Some(bundle) = findings.settings.sts.ca_bundle.as_ref().or(plan.network.ca_bundle.as_ref()) {
        step.details.push(format!("certificates of {} are trusted as well", bundle.display()));
    }
}

/// What the command gets where nobody names a region. The user's own files may have one that the used profile has not.
fn without_region(findings: &Findings<'_>) -> String {
    let delivery = &findings.settings.delivery;
    let sees_default = delivery.via == Via::Env
        && !delivery.isolate
        && !["AWS_PROFILE", "AWS_DEFAULT_PROFILE"].iter().any(|name| delivery.keep.iter().any(|kept| kept == name));
    let default = findings.profiles.and_then(|profiles| profiles.profile(DEFAULT));
    match default.and_then(|default| default.get("region")).filter(|_| sees_default) {
        Some(region) => format!("nobody names one; the command sees {region}, that of [default]"),
        None => "nobody names one; the command gets none".into(),
    }
}

pub(super) fn clock(findings: &Findings<'_>, step: &mut Step) {
    let Some(skew) = findings.skew_secs else { return };
    if findings.failed().is_some_and(|(place, _)| place == Place::Clock) {
        // What STS says of the signature is nearer to the truth.
        return;
    }
    step.fact("off_seconds", -skew);
    let off = skew.unsigned_abs();
    if off <= UNNOTICED_SECS {
        step.text = "this machine's clock agrees with STS's".into();
        return;
    }
    let way = if skew > 0 { "behind" } else { "ahead of" };
    step.text = format!("this machine's clock is {} {way} STS's", whole_seconds(Duration::from_secs(off)));
    if off > TOLERATED_SECS {
        step.state(State::Warning, "set it right (timedatectl, chrony): requests signed 15 minutes off are refused");
    }
}

pub(super) fn caller(findings: &Findings<'_>, step: &mut Step) {
    match &findings.caller {
        Some(Ok(caller)) => {
            step.text.clone_from(&caller.arn);
            step.fact("arn", caller.arn.as_str());
            step.fact("account", caller.account.as_str());
            if caller.arn.ends_with(":root") {
                step.state(State::Warning, "use the keys of a user or of a role: root users cannot assume roles");
            }
        }
        Some(Err(error)) => {
            step.text = error.to_string();
            step.state(State::Warning, "a launch does not ask this, so the check goes on");
        }
        None if findings.plan.is_some_and(|plan| plan.source.is_web_identity()) => {
            step.text = "a web identity token is nobody of AWS's before the first role".into();
            step.state = State::Note;
        }
        None => {}
    }
}

pub(super) fn mfa(findings: &Findings<'_>, step: &mut Step) {
    let Some((_, at, serial)) = findings.plan.and_then(|plan| device(&plan.hops)) else { return };
    let code = &findings.settings.mfa.code;
    step.fact("serial", serial.to_string());
    let Some(mfa) = &findings.mfa else {
        step.text = format!("{serial}, its code from {code}");
        if findings.granted.len() >= at {
            let _ = write!(step.text, ", went with role {at}");
        }
        return;
    };
    let ends = rfc3339(mfa.ends);
    step.text = match mfa.from {
        MfaFrom::Cache => format!("{serial}: no code is needed, its session is kept from an earlier run"),
        MfaFrom::Code => {
            let kept = match &findings.unkept {
                None => "which is kept",
                Some(Unkept::ByWish) => "which is not kept: --no-cache",
                Some(Unkept::Unnamed | Unkept::NoDirectory(_)) => "which cannot be kept",
            };
            format!("{serial}: a code from {code} has bought a session, {kept}")
        }
    };
    step.details.push(format!("session {}, until {ends}", mfa.access_key_id));
    step.fact("access_key_id", mfa.access_key_id.as_str());
    step.fact("expiration", ends);
}

/// The hop at this place, counted from 1.
pub(super) fn role(findings: &Findings<'_>, at: usize, step: &mut Step) {
    let Some(plan) = findings.plan else { return };
    let Some(hop) = plan.hops.iter().nth(at - 1) else { return };
    step.text = hop.to_string();
    step.fact("role", hop.role.as_str());
    step.fact("session_name", hop.session_name.as_str());
    step.fact("number", at);
    let Some(granted) = findings.granted.get(at - 1) else { return };
    let validity = &granted.session.validity;
    let ends = rfc3339(validity.expiration);
    step.details.push(format!("granted for {}, until {ends}{}", whole_seconds(validity.lifetime), space(granted)));
    for (key, percent) in
        [("packed_policy_percent", granted.packed_policy), ("session_token_percent", granted.token_size)]
    {
        if let Some(percent) = percent {
            step.fact(key, percent);
        }
    }
    step.fact("arn", granted.session.role_arn());
    step.fact("lifetime_seconds", validity.lifetime.as_secs());
    step.fact("expiration", ends);
}

/// What the session takes of the space that STS has for it: a request that takes more than all is refused.
fn space(granted: &Granted) -> String {
    let taken = [("policies and tags", granted.packed_policy), ("session token", granted.token_size)];
    let taken = taken.iter().filter_map(|(what, percent)| Some(format!("{what} {}%", (*percent)?)));
    let taken = taken.collect::<Vec<_>>().join(", ");
    if taken.is_empty() { taken } else { format!("; space taken: {taken}") }
}

pub(super) fn session(findings: &Findings<'_>, step: &mut Step) {
    let Some(session) = findings.session() else { return };
    step.text = format!("the command would be {}", session.role_arn());
    step.fact("arn", session.role_arn());
    if let Some(account) = session.account() {
        step.fact("account", account);
    }
    if let Some(expected) = &findings.settings.expect_account {
        step.fact("expected_account", expected.as_str());
        if findings.failure.is_none() {
            step.details.push(format!("in account {expected}, as --expect-account asks"));
        }
    }
    if let Some(Unkept::NoDirectory(Some((fault, hint)))) = &findings.unkept {
        step.details.push(format!("it cannot be kept in the cache: {fault}"));
        step.state(State::Warning, hint.clone());
    }
}
