//! The settings of the cache.

use crate::error::Error;
use crate::event::Ignored;
use crate::origin::Origin;
use crate::profile::RoleChain;
use crate::role::Invalid;
use std::path::PathBuf;
use std::time::Duration;

/// How cached sessions are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    pub(crate) mode: CacheMode,
    /// Replaces the default directories.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) min_ttl: Option<MinTtl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// A cached session is accepted.
    Used,
    /// A new session is requested, and cached.
    Refreshed(Origin),
    /// The cache is neither read nor written.
    Off(Origin),
}

/// The minimum remaining lifetime of a cached session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MinTtl {
    pub(crate) origin: Origin,
    pub(crate) text: String,
    pub(crate) least: Duration,
    /// Where the session's duration comes from, or would come from.
    pub(crate) duration: Origin,
    /// Whether it is ignored, instead of an error, if no session lasts so long: it comes from a variable, and a longer
    /// duration was configured or the duration is typed.
    pub(crate) gives_way: bool,
}

impl CacheSettings {
    /// The minimum remaining lifetime, unless it is ignored.
    ///
    /// # Errors
    /// When no session lasts so long.
    pub(crate) fn min_ttl(&self, hops: &RoleChain, notes: &mut Vec<Ignored>) -> Result<Option<Duration>, Error> {
        let Some(MinTtl { origin, text, least, duration, gives_way }) = &self.min_ttl else { return Ok(None) };
        let longest = hops.longest_lifetime();
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
        Err(Error::Value { origin: origin.to_string(), value: text.clone(), invalid })
    }
}
