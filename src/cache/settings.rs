//! The settings of the session cache.

use crate::error::Error;
use crate::event::Ignored;
use crate::origin::Origin;
use crate::role::Invalid;
use std::path::PathBuf;
use std::time::Duration;

/// Whether and how sessions are cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    pub(crate) mode: CacheMode,
    /// The only directory in which sessions are cached. `None` means the default directories.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) min_ttl: Option<MinTtl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// A cached session is used if it has enough time left.
    Used,
    /// A new session is always requested. It is stored in the cache.
    Refreshed(Origin),
    /// The cache is neither read nor written.
    Off(Origin),
}

/// `--min-ttl`: how much time a cached session must have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MinTtl {
    pub(crate) origin: Origin,
    pub(crate) text: String,
    pub(crate) least: Duration,
    /// The flag or variable that sets the session's duration. If neither is set, this is the flag.
    pub(crate) duration: Origin,
    /// What happens if no session of the plan can last longer than the minimum. If this is `true`, the minimum is
    /// ignored, otherwise it is an error. It is `true` if the minimum comes from a variable, and the user has typed a
    /// session duration or has set one that is longer than the minimum.
    pub(crate) gives_way: bool,
}

impl CacheSettings {
    /// Returns the minimum time that a cached session must have left. Returns `None` if no minimum is set or if the
    /// minimum is ignored. If it is ignored, adds a note to `notes`.
    ///
    /// # Errors
    /// The longest session that the plan can give is not longer than the minimum, and the minimum may not be ignored.
    pub(crate) fn min_ttl(&self, longest: Duration, notes: &mut Vec<Ignored>) -> Result<Option<Duration>, Error> {
        let Some(MinTtl { origin, text, least, duration, gives_way }) = &self.min_ttl else { return Ok(None) };
        if *least < longest {
            return Ok(Some(*least));
        }
        let longest = humantime::format_duration(longest);
        if *gives_way {
            let setting = format_args!("{origin}={text}");
            notes.push(Ignored::new(setting, format!("the session lasts only {longest}")));
            return Ok(None);
        }
        let hint = format!("use a longer {duration}, or --no-cache instead");
        let invalid = Invalid::new(format!("must be shorter than the session duration ({longest})")).hint(hint);
        Err(Error::Value { origin: origin.to_string(), value: Some(text.clone()), invalid })
    }
}
