//! What was asked for about cached sessions.

use crate::error::Error;
use crate::origin::{Origin, Precedence};
use crate::profile::RoleChain;
use crate::role::{Invalid, SessionDuration, parse_duration};
use crate::settings::values::{FlagValue, FlagValues};
use std::path::PathBuf;
use std::time::Duration;

/// How cached sessions are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CacheSettings {
    pub(crate) mode: CacheMode,
    /// In place of the usual directories.
    pub(crate) directory: Option<PathBuf>,
    min_ttl: Option<MinTtl>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheMode {
    /// A cached session will do.
    Used,
    /// Only a session that was asked for from now on will do; it is kept for others.
    Refreshed(Origin),
    /// None is looked for and none is kept.
    Off(Origin),
}

/// `--min-ttl`, or its variable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MinTtl {
    origin: Origin,
    text: String,
    least: Duration,
    /// What the duration is asked for by, or would be.
    duration: Origin,
    beside: Beside,
}

/// What `--min-ttl` does when it does not go with the duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// Fail.
    Stands,
    /// Stand back: it is a variable, and the duration is a flag, or that of another variable which does not count.
    Yields,
}

impl CacheSettings {
    /// Reads the flags.
    ///
    /// # Errors
    /// A value that is no duration or no switch.
    pub(super) fn read(flags: &FlagValues<'_>) -> Result<Self, Error> {
        let min_ttl = flags.one("min-ttl").map(|given| {
            let (least, text) = (given.parse(parse_duration)?, given.text()?.to_owned());
            let duration = flags.one("duration");
            let beside = match &duration {
                Some(duration) if !given.origin.is_typed() && leaves_room(duration, least) => Beside::Yields,
                Some(_) | None => Beside::Stands,
            };
            let duration = duration.map_or(Origin::Flag("duration"), |duration| duration.origin);
            Ok::<_, Error>(MinTtl { origin: given.origin, text, least, duration, beside })
        });
        let by = |flag| flags.origin(flag).unwrap_or(Origin::Flag(flag));
        let mode = match (flags.switch("no-cache")?, flags.switch("force-refresh")?) {
            (true, _) => CacheMode::Off(by("no-cache")),
            (false, true) => CacheMode::Refreshed(by("force-refresh")),
            (false, false) => CacheMode::Used,
        };
        let directory = flags.one("cache-dir").map(|given| PathBuf::from(given.value));
        Ok(Self { mode, directory, min_ttl: min_ttl.transpose()? })
    }

    /// `--min-ttl`, unless it is a variable that stands back for a shorter duration.
    ///
    /// # Errors
    /// When no session that is asked for could have so much left.
    pub(crate) fn min_ttl(&self, hops: &RoleChain, notes: &mut Vec<String>) -> Result<Option<Duration>, Error> {
        let Some(MinTtl { origin, text, least, duration, beside }) = &self.min_ttl else { return Ok(None) };
        let longest = hops.longest_lifetime();
        if *least < longest {
            return Ok(Some(*least));
        }
        let longest = humantime::format_duration(longest);
        if *beside == Beside::Yields {
            notes.push(format!("{origin}={text} is not used: the session is asked for {longest}"));
            return Ok(None);
        }
        let hint = format!("use a longer {duration}, or --no-cache instead");
        let invalid = Invalid::new(format!("must be shorter than the session duration ({longest})")).hint(hint);
        Err(Error::Value { origin: origin.to_string(), value: text.clone(), invalid })
    }
}

/// Whether `least` of a session could be left, by this duration alone. What was typed may not be, and still counts.
fn leaves_room(duration: &FlagValue, least: Duration) -> bool {
    duration.origin.is_typed()
        || match duration.parse(SessionDuration::parse) {
            Ok(SessionDuration::Exactly(asked)) => asked > least,
            Ok(SessionDuration::Max) => true,
            Err(_) => false,
        }
}

/// Drops the variable of a duration that a typed `--min-ttl` would be too much for.
///
/// Values that are none are left for [`CacheSettings::read`] and its like to complain of.
pub(super) fn settle_min_ttl(flags: &mut FlagValues<'_>, notes: &mut Vec<String>) {
    let (Some(min_ttl), Some(duration)) = (flags.one("min-ttl"), flags.one("duration")) else { return };
    if min_ttl.origin.beside(duration.origin) != Precedence::This {
        return;
    }
    if min_ttl.parse(parse_duration).is_ok_and(|least| !leaves_room(&duration, least)) {
        notes.push(duration.origin.stands_back(min_ttl.origin));
        flags.drop("duration");
    }
}
