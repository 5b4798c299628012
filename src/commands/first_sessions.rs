//! The first sessions of a run that refreshes them.

use crate::error::Error;
use crate::event::{EventSink as _, RefreshEvent, RunEvent};
use crate::launch::Launch;
use crate::mfa::mode::{KeyKind, Unattended, unattended};
use crate::session::{Need, Session, Validity};
use crate::supervise::driver::FirstSessions;
use crate::supervise::policy::{Duty, OnExpiry, Policy};
use crate::sys::boot::boottime;
use std::iter::once;
use std::time::Duration;

/// Gets the first sessions, one after the other, so that at most one cache key is locked at a time.
///
/// # Errors
/// A session is not available, or each refresh would need an MFA code.
pub(super) async fn first_sessions(launch: &Launch<'_>, policy: Policy) -> Result<FirstSessions, Error> {
    launch.context.report.write_by_a_thread();
    let fetch = async |one: &Launch<'_>| {
        let session = first_session(one, policy).await.map_err(|error| one.named(error))?;
        Ok::<_, Error>((session, boottime()))
    };
    let default = fetch(launch).await?;
    let mut others = Vec::new();
    for other in launch.others_in_turn() {
        others.push((other, fetch(other).await?));
    }
    // The later ones may have taken long, for example because of a prompt.
    let now = boottime();
    let aged = |(session, at): (Session, Duration)| session.after(now.saturating_sub(at));
    let mut default = aged(default);
    let is_late = |validity: &Validity| validity.left < policy.margin(validity.lifetime);
    if !others.is_empty() && default.validity.as_ref().is_some_and(is_late) {
        default = first_session(launch, policy).await?;
    }
    launch.report_to_shell(&default);
    let others = others.into_iter().map(|(other, fetched)| (other.profile, aged(fetched))).collect();
    Ok(FirstSessions { default, others })
}

/// Gets the first session of this launch.
///
/// # Errors
/// No session is available, or each refresh would need an MFA code.
async fn first_session(launch: &Launch<'_>, policy: Policy) -> Result<Session, Error> {
    let (first, source_keys) = launch.first_session(need(launch, policy)).await?;
    // The kind of access keys that a credential_process returns is not known before the first session, so this check
    // could not be done earlier.
    if let Some(keys) = source_keys
        && KeyKind::expected(&launch.planned.plan.source).is_none()
    {
        check_unattended(launch, policy, Some(keys))?;
    }
    launch.report_first(&first, source_keys);
    Ok(first)
}

/// Returns how much of its lifetime the first session must have left. A command that is restarted for each new session
/// needs most of a lifetime, because otherwise the first restart would come soon. Any other command needs little,
/// because its session is refreshed while it runs.
fn need(launch: &Launch<'_>, policy: Policy) -> Need {
    match policy.on_expiry {
        OnExpiry::Restart => Need::ThreeQuarters,
        OnExpiry::None | OnExpiry::Signal(_) => {
            Need::AtLeast(policy.margin(launch.planned.plan.hops.longest_lifetime()))
        }
    }
}

/// Calls [`check_unattended`] for each session, before the first call to STS.
///
/// # Errors
/// The errors of [`check_unattended`], with the profile.
pub(super) fn check_all_unattended(launch: &Launch<'_>, policy: Policy) -> Result<(), Error> {
    once(launch).chain(&launch.others).try_for_each(|one| {
        let keys = KeyKind::expected(&one.planned.plan.source);
        check_unattended(one, policy, keys).map_err(|error| one.named(error))
    })
}

/// Fails if a refresh would need an MFA code that the user must type. Otherwise, if refreshes are possible only until a
/// certain time, reports that time.
fn check_unattended(launch: &Launch<'_>, policy: Policy, keys: Option<KeyKind>) -> Result<(), Error> {
    if policy.duty() != Duty::Refresh {
        return Ok(());
    }
    match unattended(&launch.planned.plan, &launch.context.settings.mfa, keys)? {
        Unattended::Always => {}
        Unattended::ForMfaSession(time) => {
            launch.context.report.emit(RefreshEvent::Limited { within: time }.into());
        }
        Unattended::WhileKeysHold => {
            let text = match launch.context.vars.text("AWS_CREDENTIAL_EXPIRATION") {
                Some(time) => format!("the source credentials are temporary (expire at {time}); no refresh after that"),
                None => "the source credentials are temporary; no refresh after their expiry".to_owned(),
            };
            launch.context.report.emit(RunEvent::warning(text).into());
        }
    }
    Ok(())
}
