//! Logs the plan and the ignored settings with `-v`.

use crate::deliver::Via;
use crate::event::{EventSink as _, Level, SessionEvent};
use crate::mfa::mode::{code_source, device};
use crate::profile::{Plan, Region, Source};
use crate::report::Report;
use crate::settings::{Mode, Settings};
use crate::sts;
use crate::supervise::policy::{Duty, GroupPolicy, Margin, OnExpiry, OnRefreshFailure, Policy};
use humantime::format_duration;

/// Emits the ignored settings and the plan. The lines that describe the plan are built only if the log level shows
/// them.
pub(super) fn emit(plan: &Plan, settings: &Settings, report: Report) {
    if !report.wants(Level::Info) {
        return;
    }
    for ignored in settings.notes.iter().chain(&plan.notes) {
        report.emit(ignored.clone().into());
    }
    let mut lines = lines(plan, settings);
    let has_recipient = !settings.command.is_empty() || matches!(settings.mode, Mode::Serve(_));
    if has_recipient && settings.request.also.is_none() {
        lines.push(command(plan, settings));
    }
    report.emit(SessionEvent::Plan { lines }.into());
}

/// Returns the lines that describe the plan: the source, each role, the MFA device, the region, the endpoint and the
/// proxy.
fn lines(plan: &Plan, settings: &Settings) -> Vec<String> {
    let mut lines = vec![format!("source: {}", plan.source)];
    let of = plan.hops.len();
    lines.extend(plan.hops.iter().enumerate().map(|(at, hop)| {
        let from = if plan.inherits_role && at == 0 { " (AWS_ROLE_ARN)" } else { "" };
        format!("role {} of {of}: {hop}{from}", at + 1)
    }));
    if plan.hops.is_empty() {
        lines.push("no role: the command gets these credentials".to_owned());
    }
    if let Some((_, serial)) = device(plan) {
        lines.push(format!("MFA: device {serial}, code from {}", code_source(plan, &settings.mfa)));
    }
    lines.push(match &plan.region {
        Some(Region { name, from }) => format!("region: {name} ({from})"),
        None if matches!(plan.source, Source::InstanceMetadata) => "region: that of the instance".to_owned(),
        None => "region: not set".to_owned(),
    });
    let endpoint = sts::endpoint(plan, settings.sts.endpoint.as_deref(), None);
    let mut line = format!("endpoint: {}", endpoint.as_deref().unwrap_or("in the region of the instance"));
    line += &plan.network.variants();
    if settings.sts.ca_bundle.is_some() || plan.network.ca_bundle.is_some() {
        line += ", with additional CA certificates";
    }
    lines.push(line);
    match endpoint.map(|url| plan.network.proxies.of_request(&url)) {
        Some(Ok(Some(proxy))) => lines.push(format!("proxy: {proxy}")),
        // An invalid proxy is not an error yet, because a launch with a session from the cache does not use the proxy.
        Some(Err(error)) => lines.push(format!("proxy: {error}")),
        Some(Ok(None)) | None => {}
    }
    lines
}

/// Returns the line that says how the command gets the credentials, and what is done before they expire.
fn command(plan: &Plan, settings: &Settings) -> String {
    let mut parts = vec![match &settings.delivery.via {
        Via::Env => "credentials via env".to_owned(),
        Via::File { path: None, mode: 0o600 } => "credentials via file".to_owned(),
        Via::File { path: None, mode } => format!("credentials via file ({mode:04o})"),
        Via::File { path: Some(path), mode } => format!("credentials via file {} ({mode:04o})", path.display()),
        Via::Endpoint { address, token_file } => {
            let at = address.map(|address| format!(" {address}")).unwrap_or_default();
            let token = token_file.as_ref().map(|path| format!(", token also in {}", path.display()));
            format!("credentials via endpoint{at}{}", token.unwrap_or_default())
        }
        Via::Process => "credentials via process".to_owned(),
    }];
    parts.extend(settings.delivery.env_file.as_ref().map(|path| format!("variables in {}", path.display())));
    parts.extend(settings.delivery.isolate.then(|| "isolated".to_owned()));
    match settings.mode {
        Mode::Supervise(policy) if !plan.has_no_expiry() => parts.extend(supervision(policy)),
        // With --serve, credentials without an expiry are an error.
        Mode::Serve(policy) => {
            parts.push("refreshed until a signal ends xassume".to_owned());
            parts.extend(margin(policy));
        }
        Mode::Supervise(_) | Mode::Exec => parts.push("no refresh".to_owned()),
    }
    parts.extend(settings.listen.iter().map(|address| format!("listens on {address}")));
    let who = if settings.command.is_empty() { "other programs" } else { "command" };
    format!("{who}: {}", parts.join(", "))
}

fn margin(policy: Policy) -> Option<String> {
    match policy.margin {
        Margin::Auto => None,
        Margin::Fixed(margin) => Some(format!("refresh margin {}", format_duration(margin))),
    }
}

fn supervision(policy: Policy) -> Vec<String> {
    let Policy { on_expiry, stop_signal, stop_timeout, on_refresh_failure, process_group, .. } = policy;
    let stop = format!("{stop_signal}, then SIGKILL after {}", format_duration(stop_timeout));
    let mut parts = vec![match (on_expiry, policy.duty()) {
        (OnExpiry::Restart, _) => format!("restarted after each refresh ({stop})"),
        (OnExpiry::Signal(signal), Duty::Notice) => format!("{signal} before the expiry"),
        (OnExpiry::Signal(signal), _) => format!("{signal} after each refresh"),
        (OnExpiry::None, _) => "refreshed while it runs".to_owned(),
    }];
    parts.extend(margin(policy));
    if on_refresh_failure == OnRefreshFailure::Stop {
        parts.push(if on_expiry == OnExpiry::Restart {
            "stopped if no refresh succeeds".to_owned()
        } else {
            format!("stopped if no refresh succeeds ({stop})")
        });
    }
    parts.extend(match process_group {
        GroupPolicy::Auto => None,
        GroupPolicy::Same => Some("in xassume's process group".to_owned()),
        GroupPolicy::New => Some("in a new process group".to_owned()),
    });
    parts
}
