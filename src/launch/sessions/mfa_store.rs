//! Stores MFA sessions. They are always stored in memory for this run. If the cache is used, they are also stored
//! there.

use super::Sessions;
use crate::cache::{CacheMode, Key};
use crate::event::{CacheEvent, EventSink as _};
use crate::mfa::{MfaKey, MfaSessions};
use crate::profile::label;
use crate::role::MfaSerial;
use crate::session::{Session, Title, account_of};
use crate::sys::boot::boottime;

/// Returns the title of an MFA session. Its label is not that of a role, because all roles that are assumed with the
/// device share the session.
pub(super) fn title(serial: &MfaSerial) -> Title {
    let device = serial.as_str().rsplit('/').next().unwrap_or_default();
    let account = account_of(serial.as_str()).map(str::to_owned);
    Title { label: label(&format!("mfa/{device}")), account, role: None }
}

impl Sessions<'_> {
    /// Returns the key under which the MFA session is cached. Returns `None` if sessions are not cached, or in the cases
    /// in which [`Self::key`] fails.
    fn cache_key(&self, MfaKey { serial, duration, .. }: &MfaKey) -> Option<Key> {
        match self.context.settings.cache.mode {
            CacheMode::Off(_) => None,
            CacheMode::Used | CacheMode::Refreshed(_) => self.mfa_key(serial, *duration).ok(),
        }
    }
}

impl MfaSessions for Sessions<'_> {
    fn mfa_session(&self, key: &MfaKey) -> Option<Session> {
        self.context.mfa_sessions.get(key).or_else(|| {
            let search = self.cache.find(&self.cache_key(key)?, &|_| true);
            for unusable in &search.sessions {
                let reason = format!("MFA session {unusable}");
                self.context.report.emit(CacheEvent::MissUnusable { reason }.into());
            }
            Some(search.found?.session)
        })
    }

    fn store_mfa_session(&self, key: &MfaKey, session: &Session) {
        self.context.mfa_sessions.put(key, session);
        self.store_as("MFA session", &title(&key.serial), self.cache_key(key).as_ref(), session, boottime());
    }

    fn remove_mfa_session(&self, key: &MfaKey) {
        self.context.mfa_sessions.forget(key);
        if let Some(name) = self.cache_key(key) {
            self.cache.remove(&name);
        }
    }
}
