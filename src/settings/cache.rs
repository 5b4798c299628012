//! What was asked for about cached sessions.

use super::given::Words;
use crate::error::Error;
use crate::profile::RoleChain;
use crate::role::{Invalid, parse_duration};
use std::path::PathBuf;
use std::time::Duration;

/// How cached sessions are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    pub(crate) mode: CacheMode,
    /// In place of the usual folders.
    pub(crate) folder: Option<PathBuf>,
    min_ttl: Option<MinTtl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// A cached session will do.
    Used,
    /// Only a session that was asked for from now on will do; it is kept for others.
    Refreshed,
    /// None is looked for and none is kept.
    Off,
}

/// `--min-ttl`, or its variable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MinTtl {
    origin: String,
    text: String,
    least: Duration,
    beside: Beside,
}

/// What `--min-ttl` does when it does not go with the duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// Fail.
    Stands,
    /// Stand back: it is a variable, and the duration is a flag.
    Yields,
}

impl CacheSettings {
    /// Reads the flags.
    ///
    /// # Errors
    /// A value that is no duration or no switch.
    pub(super) fn read(words: &Words<'_>) -> Result<Self, Error> {
        let min_ttl = words.one("min-ttl").map(|given| {
            let beside = if !given.typed && words.is_typed("duration") { Beside::Yields } else { Beside::Stands };
            let (least, text) = (given.parse(parse_duration)?, given.text()?.to_owned());
            Ok::<_, Error>(MinTtl { origin: given.origin, text, least, beside })
        });
        let mode = match (words.switch("no-cache")?, words.switch("force-refresh")?) {
            (true, _) => CacheMode::Off,
            (false, true) => CacheMode::Refreshed,
            (false, false) => CacheMode::Used,
        };
        let folder = words.one("cache-dir").map(|given| PathBuf::from(given.value));
        Ok(Self { mode, folder, min_ttl: min_ttl.transpose()? })
    }

    /// `--min-ttl`, unless it yields to a shorter duration.
    ///
    /// # Errors
    /// When no session that is asked for could have so much left.
    pub(crate) fn min_ttl(&self, hops: &RoleChain, notes: &mut Vec<String>) -> Result<Option<Duration>, Error> {
        let Some(MinTtl { origin, text, least, beside }) = &self.min_ttl else { return Ok(None) };
        let longest = hops.longest_lifetime();
        if *least < longest {
            return Ok(Some(*least));
        }
        let longest = humantime::format_duration(longest);
        if *beside == Beside::Yields {
            notes.push(format!("{origin}={text} is not used: the session is asked for {longest}"));
            return Ok(None);
        }
        let hint = "no cached session could be used; ask for a longer --duration, or use --no-cache";
        let invalid = Invalid::new(format!("is not below the session's duration of {longest}")).hint(hint);
        Err(Error::Value { origin: origin.clone(), value: text.clone(), invalid })
    }
}
