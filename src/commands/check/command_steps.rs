//! The steps after the session: the delivery, the refreshes and the command's environment. These functions are pure.

use super::findings::Findings;
use super::step::{State, Step};
use crate::deliver::Via;
use crate::deliver::environment::other_credentials;
use crate::profile::DEFAULT;
use crate::session::{rfc3339, whole_seconds};
use crate::settings::Mode;
use crate::supervise::policy::{Duty, OnExpiry, OnRefreshFailure, Policy, ReadySign};
use crate::sys::notify::ManagerSocket;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// The settings that give a profile its own credentials.
const CREDENTIALS: &[&str] = &[
    "aws_access_key_id",
    "credential_process",
    "login_session",
    "role_arn",
    "sso_account_id",
    "sso_session",
    "web_identity_token_file",
    "web_identity_token_process",
];

pub(super) fn delivery(findings: &Findings<'_>, step: &mut Step) {
    let settings = findings.settings;
    let (via, text) = match (&settings.delivery.via, &settings.mode) {
        (Via::Env, Mode::Exec) => ("env", "credentials in environment variables".to_owned()),
        (Via::Env, Mode::Supervise(_) | Mode::Serve(_)) => {
            ("env", "credentials in environment variables, new at each restart".to_owned())
        }
        (Via::File { path: Some(path), mode }, _) => {
            ("file", format!("credentials file {}, mode {mode:04o}", path.display()))
        }
        (Via::File { path: None, mode: 0o600 }, _) => ("file", "private credentials file".to_owned()),
        (Via::File { path: None, mode }, _) => ("file", format!("private credentials file, mode {mode:04o}")),
        (Via::Endpoint { address, token_file }, _) => {
            let at = address.map(|address| format!(" at {address}")).unwrap_or_default();
            let also = token_file.as_ref().map(|path| format!(", token also in {}", path.display()));
            ("endpoint", format!("local credentials endpoint{at}{}", also.unwrap_or_default()))
        }
        (Via::Process, _) => ("process", "credential_process in a private credentials file".to_owned()),
    };
    step.text = format!("{text} (--via {via})");
    let profiles: Vec<_> = settings.also.iter().map(|also| also.profile).collect();
    if !profiles.is_empty() {
        step.details.push(format!("profiles of the command: default, {}", profiles.join(", ")));
        step.fact("profiles", profiles);
    }
    let addresses: Vec<_> = settings.listen.iter().map(ToString::to_string).collect();
    if !addresses.is_empty() {
        step.details.push(format!("listens on {}", addresses.join(", ")));
        step.fact("listen", addresses);
    }
    if let Some(path) = &settings.delivery.env_file {
        step.details.push(format!("variables for other programs in {}", path.display()));
    }
    step.fact("via", via);
    if let Some(hook) = settings.hook.as_ref().filter(|_| settings.mode.policy().is_some()) {
        let limit = humantime::format_duration(hook.timeout);
        step.details.push(format!("a refresh hook runs after each new session, for at most {limit}"));
        step.fact("refresh_hook_timeout_seconds", hook.timeout.as_secs());
    }
}

pub(super) fn expiry(findings: &Findings<'_>, step: &mut Step) {
    let term = findings.session.as_ref().and_then(|session| session.term);
    if findings.session.is_some() && term.is_none() {
        step.applies = false;
        step.text = "nothing is done: no expiry is known".into();
        step.fact("on_expiry", "none");
        return;
    }
    let Some(policy) = findings.settings.mode.policy() else {
        step.text = "the session is not refreshed".into();
        if let Some((expiration, lifetime)) = term {
            let _ = write!(step.text, " and expires at {} (in {})", rfc3339(expiration), whole_seconds(lifetime));
        }
        step.fact("on_expiry", "none");
        return;
    };
    let is_keeper = matches!(findings.settings.mode, Mode::Serve(_));
    let (name, action) = match policy.on_expiry {
        OnExpiry::None if is_keeper => ("none", "the session is refreshed until a signal ends xassume".to_owned()),
        OnExpiry::None => ("none", "the session is refreshed while the command runs".to_owned()),
        OnExpiry::Restart if policy.starts_first() => ("restart", handover(policy)),
        OnExpiry::Restart => {
            let (signal, patience) = (policy.stop_signal, whole_seconds(policy.stop_timeout));
            ("restart", format!("the command is restarted ({signal}, then SIGKILL after {patience})"))
        }
        OnExpiry::Signal(signal) if policy.duty() == Duty::Notice => (
            "signal",
            format!(
                "{signal} is sent before the session expires; the command's environment variables cannot be updated"
            ),
        ),
        OnExpiry::Signal(signal) => {
            ("signal", format!("the credentials file is replaced, then {signal} is sent{}", to_named_process(findings)))
        }
    };
    step.text = action;
    step.fact("on_expiry", name);
    if policy.duty() == Duty::Notice {
        step.state(State::Warning, "use --via file, which delivers new credentials to the command");
    }
    if let Some((_, lifetime)) = term {
        first_refresh(policy, lifetime, step);
    }
    if findings.vars.get("NOTIFY_SOCKET").is_some_and(|address| ManagerSocket::at(address).is_some()) {
        let relayed =
            if is_keeper { "the state of the session is sent" } else { "the command's notifications are relayed" };
        step.details.push(format!("{relayed} to NOTIFY_SOCKET"));
        let sign = match policy.ready {
            Some(ReadySign::Newline(descriptor)) => Some(format!("writes a newline to descriptor {descriptor}")),
            Some(ReadySign::RunsFor(time)) => Some(format!("has run for {}", humantime::format_duration(time))),
            Some(ReadySign::Notification) | None => None,
        };
        step.details.extend(sign.map(|sign| format!("xassume sends READY=1 when the command {sign}")));
    }
    named_process(findings, step);
    if policy.on_refresh_failure == OnRefreshFailure::Stop {
        step.details.push("the command is stopped at the expiry if no refresh succeeded".into());
    }
}

/// Returns the end of a sentence, which says which process gets the signal if it is not the command.
fn to_named_process(findings: &Findings<'_>) -> String {
    let path = findings.settings.signal_pid_file.as_ref();
    path.map(|path| format!(" to the process in {}", path.display())).unwrap_or_default()
}

/// Describes the process that `--signal-pid-file` names now. That it cannot be signaled is a warning, because the file
/// may be written later.
fn named_process(findings: &Findings<'_>, step: &mut Step) {
    match &findings.named {
        Some(Ok(pid)) => {
            step.details.push(format!("the process is now {pid}"));
            step.fact("pid", *pid);
        }
        Some(Err(problem)) => {
            step.details.push(problem.text.clone());
            step.state = State::Warning;
            step.hint.clone_from(&problem.hint);
        }
        None => {}
    }
}

/// Describes a restart with `--restart-order start-first`.
fn handover(policy: Policy) -> String {
    let (signal, patience, limit) =
        (policy.stop_signal, whole_seconds(policy.stop_timeout), humantime::format_duration(policy.ready_timeout));
    let ready = match policy.ready {
        Some(ReadySign::Notification) => format!("must send READY=1 within {limit}"),
        Some(ReadySign::Newline(descriptor)) => {
            format!("must write a newline to descriptor {descriptor} within {limit}")
        }
        Some(ReadySign::RunsFor(time)) => format!("must run for {}", humantime::format_duration(time)),
        None => "runs".to_owned(),
    };
    format!(
        "a new process is started and {ready}; then the old one is stopped ({signal}, then SIGKILL after {patience})"
    )
}

/// Describes when the second session takes effect. This is a range, because the time varies at random.
fn first_refresh(policy: Policy, lifetime: Duration, step: &mut Step) {
    let (least, most) = policy.first_effect(lifetime);
    let (from, to) = (lifetime.saturating_sub(most), lifetime.saturating_sub(least));
    let when = if from == to {
        whole_seconds(from).to_string()
    } else {
        format!("{} to {}", whole_seconds(from), whole_seconds(to))
    };
    let what = if policy.duty() == Duty::Notice { "notice" } else { "first refresh" };
    step.details.push(format!("{what} after {when} (session lifetime {})", whole_seconds(lifetime)));
    step.fact("first_refresh_seconds", json!([from.as_secs(), to.as_secs()]));
}

/// Describes which inherited variables and shared files could give the command credentials other than those of the
/// session.
pub(super) fn environment(findings: &Findings<'_>, step: &mut Step) {
    let Some(profiles) = findings.profiles else { return };
    // Without a command, xassume changes no environment.
    step.applies = !matches!(findings.settings.mode, Mode::Serve(_));
    let delivery = &findings.settings.delivery;
    let is_kept = |name: &&str| delivery.keep.iter().any(|kept| kept == name);
    let (kept, removed): (Vec<&str>, Vec<&str>) = other_credentials(findings.vars, &delivery.via).partition(is_kept);
    step.text = match removed.as_slice() {
        [] if kept.is_empty() => "no conflicting variables".to_owned(),
        [] => "no variables removed".to_owned(),
        removed => format!("removed conflicting variables: {}", removed.join(", ")),
    };
    let default = profiles.profile(DEFAULT);
    let files = if delivery.via != Via::Env || delivery.isolate {
        "the command sees a copy of the config file without credentials"
    } else if default.is_some_and(|default| CREDENTIALS.iter().any(|key| default.get(key).is_some())) {
        step.state(State::Note, "most SDKs use the session first; --isolate hides the files from those that do not");
        "~/.aws is visible to the command; its default profile has credentials"
    } else {
        "~/.aws is visible to the command (no default credentials)"
    };
    step.details.push(files.to_owned());
    if !kept.is_empty() {
        step.details.push(format!("variables kept by --keep-env may override the session: {}", kept.join(", ")));
        step.state(State::Warning, "leave out --keep-env unless the command needs those credentials");
    }
    step.fact("removed", removed);
    step.fact("kept", kept);
}
