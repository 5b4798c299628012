//! The flags about cached sessions.

use super::conflicts::leaves_room;
use super::values::FlagValues;
use crate::cache::{CacheMode, CacheSettings, MinTtl};
use crate::error::Error;
use crate::flags::{CACHE_DIR, DURATION, FORCE_REFRESH, MIN_TTL, NO_CACHE};
use crate::origin::Origin;
use crate::role::parse_duration;
use std::path::PathBuf;

/// Reads the flags about cached sessions.
///
/// # Errors
/// Fails if a duration or a switch is invalid.
pub(super) fn cache(flags: &FlagValues) -> Result<CacheSettings, Error> {
    let mode = match (flags.switch(&NO_CACHE)?, flags.switch(&FORCE_REFRESH)?) {
        (true, _) => CacheMode::Off(flags.origin(&NO_CACHE).unwrap_or(Origin::Flag(&NO_CACHE))),
        (false, true) => CacheMode::Refreshed(flags.origin(&FORCE_REFRESH).unwrap_or(Origin::Flag(&FORCE_REFRESH))),
        (false, false) => CacheMode::Used,
    };
    let directory = flags.one(&CACHE_DIR).map(|given| PathBuf::from(&given.value));
    Ok(CacheSettings { mode, directory, min_ttl: min_ttl(flags)? })
}

fn min_ttl(flags: &FlagValues) -> Result<Option<MinTtl>, Error> {
    let Some(given) = flags.one(&MIN_TTL) else { return Ok(None) };
    let (origin, least) = (given.origin, given.parse(parse_duration)?);
    Ok(Some(MinTtl {
        origin,
        text: given.text()?.to_owned(),
        least,
        duration: flags.one(&DURATION).map_or(Origin::Flag(&DURATION), |duration| duration.origin),
        gives_way: !origin.is_typed() && leaves_room(flags, least),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::tests::values;
    use super::*;
    use crate::profile::RoleChain;
    use crate::role::{Hop, HopOptions, RoleArn, RoleSessionName, SessionDuration};

    fn hop(duration: Option<&str>) -> Hop {
        let options = HopOptions {
            duration: duration.map(|text| SessionDuration::parse(text).expect(text)),
            ..HopOptions::default()
        };
        let role = RoleArn::parse("123456789012:A").expect("role");
        Hop { role, session_name: RoleSessionName::fallback(), options }
    }

    fn chain(durations: &[Option<&str>]) -> RoleChain {
        RoleChain::new(durations.iter().copied().map(hop).collect())
    }

    #[test]
    fn no_cache_takes_precedence_over_a_forced_refresh() {
        let mode = |line: &str, vars: &[(&str, &str)]| cache(&values(line, vars)).map(|cache| cache.mode).ok();
        assert_eq!(mode("", &[]), Some(CacheMode::Used));
        assert_eq!(mode("--force-refresh", &[]), Some(CacheMode::Refreshed(Origin::Flag(&FORCE_REFRESH))));
        let off = Some(CacheMode::Off(Origin::Variable(&NO_CACHE)));
        assert_eq!(mode("", &[("XASSUME_NO_CACHE", "1"), ("XASSUME_FORCE_REFRESH", "1")]), off);
        assert_eq!(mode("", &[("XASSUME_NO_CACHE", "yes")]), None);
    }

    #[test]
    fn a_minimum_that_no_session_has_is_an_error_or_ignored() {
        let min_ttl = |line: &str, vars: &[(&str, &str)], durations: &[Option<&str>]| {
            let mut notes = Vec::new();
            let settings = cache(&values(line, vars)).map_err(|error| error.to_string())?;
            let least =
                settings.min_ttl(chain(durations).longest_lifetime(), &mut notes).map_err(|error| error.to_string())?;
            let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
            Ok::<_, String>((least.map(|least| least.as_secs()), notes))
        };
        let ignored = |note: &str| Ok((None, vec![format!("ignoring XASSUME_MIN_TTL={note}")]));
        let fails = |line: &str, vars: &[(&str, &str)], durations: &[Option<&str>], expected: &str| {
            let error = min_ttl(line, vars, durations).expect_err(line);
            assert!(error.contains(expected), "{error}");
        };
        assert_eq!(min_ttl("", &[], &[None]), Ok((None, Vec::new())));
        assert_eq!(min_ttl("--min-ttl 30m", &[], &[None]), Ok((Some(1800), Vec::new())));
        fails(
            "--min-ttl 1h",
            &[],
            &[None],
            "invalid value '1h' for '--min-ttl': must be shorter than the session duration (1h)",
        );
        let variable = ("XASSUME_MIN_TTL", "2h");
        fails("", &[variable], &[None], "invalid value '2h' for 'XASSUME_MIN_TTL': must be shorter");
        let note = ignored("2h (the session lasts only 1h)");
        assert_eq!(min_ttl("--duration 1h", &[variable], &[Some("1h")]), note);
        // XASSUME_DURATION does not apply to this chain, whose sessions last one hour.
        assert_eq!(min_ttl("", &[variable, ("XASSUME_DURATION", "4h")], &[None, None]), note);
        fails(
            "",
            &[variable, ("XASSUME_DURATION", "1h")],
            &[Some("1h")],
            "invalid value '2h' for 'XASSUME_MIN_TTL': must be shorter",
        );
    }
}
