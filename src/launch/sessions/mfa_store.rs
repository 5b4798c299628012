//! MFA sessions: in the cache, if it is used, and always in memory for this run.

use super::Sessions;
use crate::cache::{CacheMode, Key, Stamp};
use crate::error::reason_of;
use crate::event::{CacheEvent, EventSink as _};
use crate::mfa::{MfaKey, MfaSessions};
use crate::session::Session;
use crate::sys::boot::boottime;

/// The MFA sessions of a plan's source.
pub(super) struct MfaStore<'a, 'b> {
    pub(super) sessions: &'a Sessions<'b>,
}

impl MfaStore<'_, '_> {
    /// The key in the cache; none if sessions are not cached.
    fn key(&self, key: &MfaKey) -> Option<Key> {
        if let CacheMode::Off(_) = self.sessions.context.settings.cache.mode {
            return None;
        }
        let MfaKey { serial, duration, .. } = key;
        self.sessions.key_by(|source, scope, address| Key::of_mfa(source, scope, address, serial, Some(*duration)))
    }
}

impl MfaSessions for MfaStore<'_, '_> {
    fn get(&self, key: &MfaKey) -> Option<Session> {
        self.sessions.context.mfa_sessions.get(key).or_else(|| {
            let search = self.sessions.cache.find(&self.key(key)?, &|_| true);
            for unusable in &search.sessions {
                let reason = format!("MFA session {unusable}");
                self.sessions.context.report.emit(CacheEvent::MissUnusable { reason }.into());
            }
            Some(search.found?.session)
        })
    }

    fn put(&self, key: &MfaKey, session: &Session) {
        self.sessions.context.mfa_sessions.put(key, session);
        let Some(name) = self.key(key) else { return };
        if let Err(error) = self.sessions.cache.store(&name, session, &Stamp::answered_now(boottime())) {
            let event = CacheEvent::MfaSessionNotStored { error: reason_of(&error) };
            self.sessions.context.report.emit(event.into());
        }
    }

    fn forget(&self, key: &MfaKey) {
        self.sessions.context.mfa_sessions.forget(key);
        if let Some(name) = self.key(key) {
            self.sessions.cache.remove(&name);
        }
    }
}
