//! `--print`: writes a session to standard output.

use crate::error::Error;
use crate::event::{EventSink as _, RunEvent};
use crate::launch::Launch;
use crate::print::{self, Format};
use crate::process::End;
use crate::report::{Report, output};
use crate::settings::Settings;
use crate::vars::Vars;
use std::io::IsTerminal as _;

/// Gets a session, or with JSON several sessions, and prints them in this format.
///
/// # Errors
/// No session is available, or the format cannot represent a variable.
pub(crate) fn run(settings: &Settings, format: Format, vars: &Vars, report: Report) -> Result<End, Error> {
    output::expect_open()?;
    let launch = Launch::prepare(settings, vars, report)?;
    let session = launch.session()?;
    let mut others = Vec::new();
    for other in launch.others_in_turn() {
        others.push((other.profile, other.session().map_err(|error| other.named(error))?, other));
    }
    let others: Vec<_> = others
        .iter()
        .map(|(profile, session, other)| (*profile, session, other.region(session.instance_region.as_deref())))
        .collect();
    let region = session.instance_region.as_deref();
    let change = launch.change(&session, region);
    let text = print::text(format, (&session, &others), launch.region(region), &change)?;
    if std::io::stdout().is_terminal() {
        report.emit(RunEvent::warning("standard output is a terminal, which now shows secret credentials").into());
    }
    output::print(&text)?;
    Ok(End::Exited(0))
}
