//! Stores MFA sessions. They are always stored in memory for this run. If the cache is used, they are also stored
//! there.

use super::Sessions;
use crate::cache::{CacheMode, Found, Key};
use crate::event::{CacheEvent, EventSink as _};
use crate::mfa::mode::device;
use crate::mfa::{MfaKey, MfaSessions, can_sign};
use crate::profile::label;
use crate::role::MfaSerial;
use crate::session::{Need, Session, Title, account_of};
use crate::sys::boot::boottime;
use crate::sys::clock::wall;

/// Returns the title of an MFA session. Its label is not that of a role, because all roles that are assumed with the
/// device share the session.
pub(super) fn title(serial: &MfaSerial) -> Title {
    let device = serial.as_str().rsplit('/').next().unwrap_or_default();
    let account = account_of(serial.as_str()).map(str::to_owned);
    Title { label: label(&format!("mfa/{device}")), account, role: None }
}

impl Sessions<'_> {
    /// Checks whether the cache has the session of the plan, or the MFA session with which it is requested.
    pub(in crate::launch) fn are_stored(&self) -> bool {
        let is_used = self.mode == CacheMode::Used;
        let has = |key: Result<Key, String>, accepts: &dyn Fn(&Found) -> bool| {
            key.is_ok_and(|key| self.cache.find(&key, accepts).found.is_some_and(|found| accepts(&found)))
        };
        let need = self.need(Need::ThreeQuarters);
        let device = device(&self.planned.plan).map(|(_, serial)| serial);
        is_used && has(self.key(), &|found| found.validity.has(need))
            || device.is_some_and(|serial| {
                let key = self.mfa_key(serial, self.context.settings.mfa.session_duration);
                self.keeps_mfa_sessions() && has(key, &|found| can_sign(&found.session, wall()))
            })
    }

    fn keeps_mfa_sessions(&self) -> bool {
        match self.mode {
            CacheMode::Off(_) => false,
            CacheMode::Used | CacheMode::Refreshed(_) => true,
        }
    }

    /// Returns the key under which the MFA session is cached. Returns `None` if sessions are not cached, or in the cases
    /// in which [`Self::key`] fails.
    fn cache_key(&self, MfaKey { serial, duration, .. }: &MfaKey) -> Option<Key> {
        self.keeps_mfa_sessions().then(|| self.mfa_key(serial, *duration).ok()).flatten()
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
