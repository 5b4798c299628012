//! What was asked for about cached sessions.

use crate::error::Error;
use crate::origin::{Counts, Word};
use crate::profile::RoleChain;
use crate::role::{Invalid, SessionDuration, parse_duration};
use crate::settings::values::{Given, Words};
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
    Refreshed(Word),
    /// None is looked for and none is kept.
    Off(Word),
}

/// `--min-ttl`, or its variable.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MinTtl {
    word: Word,
    text: String,
    least: Duration,
    /// What the duration is asked for by, or would be.
    duration: Word,
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
    pub(super) fn read(words: &Words<'_>) -> Result<Self, Error> {
        let min_ttl = words.one("min-ttl").map(|given| {
            let (least, text) = (given.parse(parse_duration)?, given.text()?.to_owned());
            let duration = words.one("duration");
            let beside = match &duration {
                Some(duration) if !given.word.is_typed() && leaves_room(duration, least) => Beside::Yields,
                Some(_) | None => Beside::Stands,
            };
            let duration = duration.map_or(Word::Flag("duration"), |duration| duration.word);
            Ok::<_, Error>(MinTtl { word: given.word, text, least, duration, beside })
        });
        let by = |flag| words.word(flag).unwrap_or(Word::Flag(flag));
        let mode = match (words.switch("no-cache")?, words.switch("force-refresh")?) {
            (true, _) => CacheMode::Off(by("no-cache")),
            (false, true) => CacheMode::Refreshed(by("force-refresh")),
            (false, false) => CacheMode::Used,
        };
        let folder = words.one("cache-dir").map(|given| PathBuf::from(given.value));
        Ok(Self { mode, folder, min_ttl: min_ttl.transpose()? })
    }

    /// `--min-ttl`, unless it is a variable that stands back for a shorter duration.
    ///
    /// # Errors
    /// When no session that is asked for could have so much left.
    pub(crate) fn min_ttl(&self, hops: &RoleChain, notes: &mut Vec<String>) -> Result<Option<Duration>, Error> {
        let Some(MinTtl { word, text, least, duration, beside }) = &self.min_ttl else { return Ok(None) };
        let longest = hops.longest_lifetime();
        if *least < longest {
            return Ok(Some(*least));
        }
        let longest = humantime::format_duration(longest);
        if *beside == Beside::Yields {
            notes.push(format!("{word}={text} is not used: the session is asked for {longest}"));
            return Ok(None);
        }
        let hint =
            format!("no cached session could be used; ask for a longer {duration}, or use --no-cache in its place");
        let invalid = Invalid::new(format!("is not below the session's duration of {longest}")).hint(hint);
        Err(Error::Value { origin: word.to_string(), value: text.clone(), invalid })
    }
}

/// Whether `least` of a session could be left, by this duration alone. What was typed may not be, and still counts.
fn leaves_room(duration: &Given, least: Duration) -> bool {
    duration.word.is_typed()
        || match duration.parse(SessionDuration::parse) {
            Ok(SessionDuration::Exactly(asked)) => asked > least,
            Ok(SessionDuration::Max) => true,
            Err(_) => false,
        }
}

/// Drops the variable of a duration that a typed `--min-ttl` would be too much for.
///
/// Values that are none are left for [`CacheSettings::read`] and its like to complain of.
pub(super) fn settle_min_ttl(words: &mut Words<'_>, notes: &mut Vec<String>) {
    let (Some(min_ttl), Some(duration)) = (words.one("min-ttl"), words.one("duration")) else { return };
    if min_ttl.word.beside(duration.word) != Counts::This {
        return;
    }
    if min_ttl.parse(parse_duration).is_ok_and(|least| !leaves_room(&duration, least)) {
        notes.push(duration.word.stands_back(min_ttl.word));
        words.drop("duration");
    }
}
