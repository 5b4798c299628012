//! Asking STS for its own sake: no cached session will do.

use super::{Outage, Sessions, entry};
use crate::error::Error;
use crate::settings::CacheMode;
use crate::sts::{Obtained, Sts};
use std::time::Duration;

impl Sessions<'_> {
    /// Asks STS whatever the cache holds, in the caller's own steps, and takes nobody's turn.
    ///
    /// # Errors
    /// What stands in the way of asking; what comes of it is the caller's.
    pub(crate) async fn directly<T>(&self, steps: impl AsyncFnOnce(&Sts<'_>) -> T) -> Result<T, Error> {
        let key = self.key();
        key.as_ref().map_or(Ok(()), |key| self.check_circle(key))?;
        self.with_sts(self.settings.sts.timeout, Outage::Fail.attempts(), key.as_ref(), steps).await
    }

    /// Keeps a session that nobody waits for; `asked` is when STS was asked, since boot.
    pub(crate) fn keep_for_later(&self, obtained: &Obtained, asked: Duration) {
        if self.settings.cache.mode == CacheMode::Off {
            return;
        }
        let Some(key) = self.key() else { return };
        let (entry, stamp) = entry(obtained, asked);
        self.tell_unless_kept(self.cache.keep(&key, &entry, &stamp));
    }
}
