//! `--clear-cache`: removes the cached sessions of this user.

use crate::cache::{Cache, CacheSettings};
use crate::error::{Error, reason_of};
use crate::event::{CacheEvent, EventSink as _};
use crate::process::End;
use crate::report::Report;
use crate::vars::Vars;

/// Removes the cached sessions in each cache directory, and reports each directory.
///
/// # Errors
/// A directory cannot be cleared. The error names the first such directory, and the reason.
pub(crate) fn run(settings: &CacheSettings, vars: &Vars, report: Report) -> Result<End, Error> {
    let cleared = Cache::new(settings.directory.as_deref(), vars).clear();
    let cleared = cleared.map_err(|(directory, error)| {
        let hint = format!("remove the directory manually: {}", directory.display());
        Error::Cache { what: "clear", directory, reason: reason_of(&error), hint }
    })?;
    if cleared.is_empty() {
        report.emit(CacheEvent::NothingToClear.into());
    }
    let (directories, total) = (cleared.len(), cleared.iter().map(|cleared| cleared.sessions).sum());
    for cleared in cleared {
        report.emit(CacheEvent::Cleared { path: cleared.directory, sessions: cleared.sessions }.into());
    }
    if directories > 1 {
        report.emit(CacheEvent::ClearedInTotal { sessions: total }.into());
    }
    Ok(End::Exited(0))
}
