//! Logs the plan and the ignored settings with `-v`.

use crate::event::{EventSink as _, Level, SessionEvent};
use crate::mfa::mode::{code_source, device};
use crate::profile::{Plan, Region};
use crate::report::Report;
use crate::settings::Settings;
use crate::sts;

/// Emits the ignored settings and the plan. The lines that describe the plan are built only if the log level shows
/// them.
pub(super) fn emit(plan: &Plan, settings: &Settings, report: Report) {
    if !report.wants(Level::Info) {
        return;
    }
    for ignored in settings.notes.iter().chain(&plan.notes) {
        report.emit(ignored.clone().into());
    }
    report.emit(SessionEvent::Plan { lines: lines(plan, settings) }.into());
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
