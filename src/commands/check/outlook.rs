//! The steps behind the session: what the command would get, when it would be refreshed, what could shadow it. Pure.

use super::findings::Findings;
use super::steps::{State, Step};
use crate::commands::check::leftovers::{SharedFiles, shadows};
use crate::deliver::Via;
use crate::session::{Session, rfc3339, whole_seconds};
use crate::settings::Mode;
use crate::supervise::policy::{Duty, OnExpiry, OnRefreshFailure, Policy};
use crate::supervise::schedule::RefreshKind;
use serde_json::json;
use std::fmt::Write as _;

pub(super) fn delivery(findings: &Findings<'_>, step: &mut Step) {
    let settings = findings.settings;
    let (via, text) = match (&settings.delivery.via, &settings.mode) {
        (Via::Env, Mode::Exec) => ("env", "in the environment of the command, which xassume becomes".to_owned()),
        (Via::Env, Mode::Supervise(_)) => ("env", "in the environment of each start".to_owned()),
        (Via::File { path: Some(path), mode }, _) => {
            ("file", format!("in the credentials file {}, mode {mode:04o}", path.display()))
        }
        (Via::File { path: None, .. }, _) => ("file", "in a private credentials file".to_owned()),
        (Via::Endpoint { token_file }, _) => {
            let also = token_file.as_ref().map(|path| format!("; its token is in {} as well", path.display()));
            ("endpoint", format!("at an address on the loopback interface, which SDKs ask{}", also.unwrap_or_default()))
        }
        (Via::Process, _) => ("process", "by a credential_process, which SDKs run".to_owned()),
    };
    step.text = format!("--via {via}: the session is {text}");
    step.fact("via", via);
}

pub(super) fn expiry(findings: &Findings<'_>, step: &mut Step) {
    let session = findings.session();
    let Mode::Supervise(policy) = findings.settings.mode else {
        step.text = "--on-expiry none: the session is not refreshed".into();
        if let Some(Session { validity, .. }) = session {
            let _ = write!(
                step.text,
                "; it ends in {}, at {}",
                whole_seconds(validity.lifetime),
                rfc3339(validity.expiration)
            );
        }
        step.fact("on_expiry", "none");
        return;
    };
    let (name, action) = match policy.on_expiry {
        OnExpiry::None => ("none", "the session is replaced while the command runs".to_owned()),
        OnExpiry::Restart => {
            let (signal, patience) = (policy.stop_signal, whole_seconds(policy.stop_timeout));
            ("restart", format!("the command gets {signal}, after {patience} SIGKILL, and is started again"))
        }
        OnExpiry::Signal(signal) if policy.duty() == Duty::Notice => {
            ("signal", format!("{signal} announces the expiry: an environment cannot be changed from outside"))
        }
        OnExpiry::Signal(signal) => ("signal", format!("the file is replaced, then the command gets {signal}")),
    };
    step.text = format!("--on-expiry {name}: {action}");
    step.fact("on_expiry", name);
    if policy.duty() == Duty::Notice {
        step.state(State::Warning, "use --via file to have the new credentials delivered");
    }
    if let Some(session) = session {
        first_refresh(policy, session, step);
    }
    if policy.on_refresh_failure == OnRefreshFailure::Stop {
        step.details.push("a command whose session expires all the same is stopped".into());
    }
}

/// When the refresh of a session that is new at the start comes; its place in that span is drawn at random.
fn first_refresh(policy: Policy, session: &Session, step: &mut Step) {
    let lifetime = session.validity.lifetime;
    let (least, most) = policy.timing().leads(lifetime, RefreshKind::First);
    let (from, to) = (lifetime.saturating_sub(most), lifetime.saturating_sub(least));
    let when = if from == to {
        whole_seconds(from).to_string()
    } else {
        format!("{} to {}", whole_seconds(from), whole_seconds(to))
    };
    let what = if policy.duty() == Duty::Notice { "notice" } else { "first refresh" };
    step.details.push(format!("{what} {when} after the start, of a lifetime of {}", whole_seconds(lifetime)));
    step.fact("first_refresh_seconds", json!([from.as_secs(), to.as_secs()]));
}

pub(super) fn environment(findings: &Findings<'_>, step: &mut Step) {
    if findings.profiles.is_none() {
        return;
    }
    let found = shadows(findings.settings, findings.profiles, findings.vars);
    step.fact("removed", found.removed.clone());
    step.fact("kept", found.kept.clone());
    step.text = match found.removed.as_slice() {
        [] if found.kept.is_empty() => "no variable leads the command to another identity".to_owned(),
        [] => "no variable is removed".to_owned(),
        removed => format!("removed, since they lead to other identities: {}", removed.join(", ")),
    };
    let files = match found.files {
        SharedFiles::Filtered => "the command sees a copy of the config file without identities",
        SharedFiles::Harmless => "the command sees the shared config files; they have no default credentials",
        SharedFiles::DefaultProfile => "the default profile of the shared files has credentials of its own",
    };
    step.details.push(files.to_owned());
    if found.files == SharedFiles::DefaultProfile {
        step.state(State::Note, "most SDKs take the session first; --isolate hides the files from those that do not");
    }
    if !found.kept.is_empty() {
        step.details.push(format!("kept by --keep-env, and may win over the session: {}", found.kept.join(", ")));
        step.state(State::Warning, "leave --keep-env out unless the command needs that identity");
    }
}
