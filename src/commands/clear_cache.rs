//! `--clear-cache`: removes the cached sessions of this user.

use crate::cache::{Cache, CacheSettings};
use crate::error::Error;
use crate::event::{CacheEvent, EventSink as _};
use crate::process::End;
use crate::report::Report;
use crate::vars::Vars;

/// Removes the cached sessions in each cache directory, and reports each directory.
///
/// # Errors
/// Sessions may remain in a directory. The error names the first such directory, and the reason. The other sessions are
/// removed and reported nevertheless.
pub(crate) fn run(settings: &CacheSettings, vars: &Vars, report: Report) -> Result<End, Error> {
    let (cleared, failed) = Cache::new(settings.directory.as_deref(), vars).clear();
    let (directories, total) = (cleared.len(), cleared.iter().map(|cleared| cleared.sessions).sum());
    let failed_inside = cleared.iter().any(|cleared| failed.as_ref().is_some_and(|it| it.path == cleared.directory));
    for cleared in cleared {
        report.emit(CacheEvent::Cleared { path: cleared.directory, sessions: cleared.sessions }.into());
    }
    if directories > 1 {
        report.emit(CacheEvent::ClearedInTotal { sessions: total }.into());
    }
    if let Some(failed) = failed {
        let hint = if failed_inside {
            format!("remove the directory manually: {}", failed.path.display())
        } else {
            failed.hint("")
        };
        return Err(Error::Cache { what: "clear", directory: failed.path, reason: failed.reason, hint });
    }
    if directories == 0 {
        report.emit(CacheEvent::NothingToClear.into());
    }
    Ok(End::Exited(0))
}
