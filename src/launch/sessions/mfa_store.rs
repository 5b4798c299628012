//! MFA sessions between runs: in the cache where there is one, and always for the life of the process.

use super::Sessions;
use crate::cache::{Entry, Key, Moment, Stamp};
use crate::error::reason_of;
use crate::mfa::{MfaKey, MfaSession, MfaSessions};
use crate::settings::CacheMode;

/// Where the MFA sessions of a plan's source are kept.
pub(super) struct Kept<'a, 'b> {
    pub(super) sessions: &'a Sessions<'b>,
}

impl Kept<'_, '_> {
    /// The name in the cache; none where sessions are not kept there.
    fn key(&self, key: &MfaKey) -> Option<Key> {
        if let CacheMode::Off(_) = self.sessions.settings.cache.mode {
            return None;
        }
        let MfaKey { serial, duration, .. } = key;
        self.sessions.key_by(|source, around, reach| Key::of_mfa(source, around, reach, serial, Some(*duration)))
    }
}

impl MfaSessions for Kept<'_, '_> {
    fn get(&self, key: &MfaKey) -> Option<MfaSession> {
        self.sessions.bought.get(key).or_else(|| {
            let search = self.sessions.cache.find(&self.key(key)?, &|_| true);
            for passed in &search.sessions {
                self.sessions.report.detail(format_args!("cache: the MFA session is not used: {passed}"));
            }
            let Entry { keys, validity, .. } = search.found?.entry;
            Some(MfaSession { keys, validity })
        })
    }

    fn put(&self, key: &MfaKey, session: &MfaSession) {
        self.sessions.bought.put(key, session);
        let Some(name) = self.key(key) else { return };
        let now = Moment::now();
        let MfaSession { keys, validity } = session.clone();
        let entry = Entry { keys, validity, arn: String::new(), region: None };
        let stamp = Stamp {
            boot_id: now.boot_id.unwrap_or_default(),
            asked: now.boottime,
            answered: now.boottime,
            wall: now.wall,
        };
        if let Err(error) = self.sessions.cache.keep(&name, &entry, &stamp) {
            self.sessions.report.detail(format_args!("cache: the MFA session cannot be kept: {}", reason_of(&error)));
        }
    }

    fn forget(&self, key: &MfaKey) {
        self.sessions.bought.forget(key);
        if let Some(name) = self.key(key) {
            self.sessions.cache.forget(&name);
        }
    }
}
