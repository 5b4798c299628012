//! The memory of a supervising xassume, which only root can read, contains no session that was replaced.

use super::xassume;
use crate::support::{FakeSts, Running, probe, skipped};
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

/// Enough characters of a secret or a token to distinguish it from those of other sessions.
const TELLING: usize = 44;

/// All writable memory of a process, by area, with the name of the area.
fn memory(running: &Running) -> Option<Vec<(String, Vec<u8>)>> {
    let maps = fs::read_to_string(format!("/proc/{}/maps", running.pid())).ok()?;
    let memory = File::open(format!("/proc/{}/mem", running.pid())).ok()?;
    let areas = maps.lines().filter(|line| line.contains(" rw")).filter_map(|line| {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).expect("an address"));
        let mut bytes = vec![0; usize::try_from(to - from).expect("an area fits")];
        memory.read_exact_at(&mut bytes, from).ok()?;
        Some((line.to_owned(), bytes))
    });
    Some(areas.collect())
}

#[test]
fn a_replaced_session_is_no_longer_in_memory() {
    let flag_sets = [
        &["--on-expiry", "restart"][..],
        &["--on-expiry", "restart", "--refresh-hook", "true"],
        &["--via", "file"],
        &["--via", "endpoint"],
        &["--via", "process"],
    ];
    let running = flag_sets.map(|flags| {
        let sts = FakeSts::builder().lifetime(Duration::from_secs(2)).start();
        let world = xassume(&sts).args(flags).env("XASSUME_NO_CACHE", "true");
        (flags, world.arg("--").args(probe()).arg("print-signals").spawn(), sts)
    });
    for (flags, running, sts) in running {
        for _ in 0..2 {
            running.error_line("refreshed: ");
        }
        // STS may have issued another session that has not arrived yet, so use xassume's own log of replaced sessions.
        let refreshes = running.stderr.so_far().matches("refreshed: ").count();
        let areas = memory(&running);
        let issued = sts.issued();
        let Some(areas) = areas.filter(|areas| !areas.is_empty()) else {
            return skipped("the memory of another process cannot be read here");
        };
        let (before, current) = issued.split_at(refreshes);
        let places = |secret: &str| {
            let part = &secret.as_bytes()[..secret.len().min(TELLING)];
            let at = |(name, bytes): &(String, Vec<u8>)| {
                let found = bytes.windows(part.len()).filter(|window| *window == part).count();
                (found > 0).then(|| format!("{found} × {name}"))
            };
            areas.iter().filter_map(at).collect::<Vec<_>>()
        };
        let is_found = current.iter().any(|issued| !places(&issued.secret_access_key).is_empty());
        assert!(is_found, "the search finds the one that is in use");
        for issued in before {
            for secret in [&issued.secret_access_key, &issued.session_token] {
                let found = places(secret);
                assert!(found.is_empty(), "{flags:?}, session {} of {refreshes}: {found:#?}", issued.generation);
            }
        }
    }
}
