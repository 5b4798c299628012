//! Asking STS for its own sake: no cached session will do.

use super::{Outage, Sessions, entry};
use crate::cache::{Key, Skipped};
use crate::error::{Error, reason_of};
use crate::settings::CacheMode;
use crate::sts::{Obtained, Sts};
use std::time::Duration;

impl Sessions<'_> {
    /// Asks STS whatever the cache holds, in the caller's own steps, and takes nobody's turn.
    ///
    /// # Errors
    /// What stands in the way of asking; what comes of it is the caller's.
    pub(crate) async fn directly<T>(
        &self,
        key: Option<&Key>,
        steps: impl AsyncFnOnce(&Sts<'_>) -> T,
    ) -> Result<T, Error> {
        key.map_or(Ok(()), |key| self.check_circle(key))?;
        self.with_sts(self.settings.sts.timeout, Outage::Fail.attempts(), key, steps).await
    }

    /// Finds out whether there is a directory that takes a session.
    ///
    /// # Errors
    /// Why each directory does not.
    pub(crate) fn try_to_keep(&self, key: &Key) -> Result<(), Vec<Skipped>> {
        self.cache.try_to_keep(key)
    }

    /// Keeps a session that nobody waits for; `asked` is when STS was asked, since boot.
    pub(crate) fn keep_for_later(&self, key: Option<&Key>, obtained: &Obtained, asked: Duration) {
        if let CacheMode::Off(_) = self.settings.cache.mode {
            return;
        }
        let Some(key) = key else { return };
        let (entry, stamp) = entry(obtained, asked);
        if let Err(error) = self.cache.keep(key, &entry, &stamp) {
            self.report.detail(format_args!("cache: the session cannot be kept: {}", reason_of(&error)));
        }
    }
}
