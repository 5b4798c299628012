//! Lists the cached sessions, for `--list-sessions`.

use super::directory::{Directory, Kind, Place};
use super::file;
use super::key::Key;
use super::skipped::Skipped;
use super::stamp::{Clocks, Found, found};
use super::store::Cache;
use crate::session::{Title, Validity};
use std::collections::BTreeMap;
use std::io;

/// A cached session, without its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedSession {
    pub(crate) title: Title,
    /// The session name of the role's session. `None` if xassume has assumed no role.
    pub(crate) session_name: Option<String>,
    pub(crate) validity: Validity,
}

impl Cache {
    /// Returns the sessions that have not expired, sorted by label, account, role, session name and time, and the
    /// directories that cannot be read. A file that no run of this version would use is left out. Never waits for a lock.
    pub(crate) fn list(&self) -> (Vec<ListedSession>, Vec<Skipped>) {
        let (mut sessions, mut skipped) = (BTreeMap::new(), Vec::new());
        for place in &self.places {
            match list(place) {
                Ok(listed) => listed.into_iter().for_each(|(name, session)| {
                    sessions.entry(name).or_insert(session);
                }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => skipped.push(Skipped::of(place, &error)),
            }
        }
        let mut sessions: Vec<_> = sessions.into_values().collect();
        sessions.sort_by_cached_key(|ListedSession { title, session_name, validity }| {
            (title.clone(), session_name.clone(), validity.left)
        });
        (sessions, skipped)
    }
}

/// Returns the sessions in a directory, with the names of their files.
fn list(place: &Place) -> io::Result<Vec<(String, ListedSession)>> {
    let directory = Directory::open(&place.path)?;
    let now = Clocks::now();
    let files = directory.names()?.into_iter().filter(|(_, kind)| *kind == Kind::Session);
    Ok(files.filter_map(|(name, _)| listed(&directory, &name, &now).map(|listed| (name, listed))).collect())
}

fn listed(directory: &Directory, name: &str, now: &Clocks) -> Option<ListedSession> {
    let bytes = directory.read_name(name).ok()?;
    let (session, stamp) = file::decode(&Key::of_name(name)?, &bytes)?;
    let Found { session, validity, .. } = found(session, &stamp, now)?;
    let arn = session.assumed_role_arn.as_deref();
    let session_name = arn.and_then(|arn| arn.rsplit('/').next()).map(str::to_owned);
    Some(ListedSession { title: file::title(&bytes)?, session_name, validity })
}
