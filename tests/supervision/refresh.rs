//! When a session is refreshed: in time, not at the same time as others, and not more often than necessary.
//!
//! The lifetime of a session begins at xassume's request, which STS may see later on a busy machine. So whatever must
//! not happen too early is measured from before the start of xassume.

use super::{key, next_start, probing, restarting, xassume};
use crate::support::FakeSts;
use std::time::{Duration, Instant};

#[test]
fn a_fleet_that_starts_at_once_does_not_refresh_at_once() {
    let lifetime = Duration::from_secs(6);
    let sts = FakeSts::builder().lifetime(lifetime).start();
    let fleet: Vec<_> = (0..10)
        .map(|place| {
            let name = format!("member-{place}");
            let member = xassume(&sts).args(["--via", "file", "--role-session-name", &name]);
            let begun = Instant::now();
            (probing(member, &["print-signals"]).spawn(), name, begun)
        })
        .collect();
    sts.wait_for_requests(2 * fleet.len());
    // Relative to each run's own start, so that a slow start does not count.
    let requests = sts.requests();
    let waited: Vec<Duration> = fleet
        .iter()
        .map(|(_, name, begun)| {
            let mine = requests.iter().filter(|request| request.param("RoleSessionName") == Some(name));
            let arrivals: Vec<_> = mine.map(|request| request.arrived).collect();
            assert!(arrivals[1] - *begun >= lifetime / 3, "none before a third of the lifetime");
            arrivals[1] - arrivals[0]
        })
        .collect();
    let (first, last) = (waited.iter().min().expect("ten"), waited.iter().max().expect("ten"));
    // A tenth of the span. The chance that ten random times are closer is one in a few million.
    assert!(last.abs_diff(*first) >= lifetime / 60, "{waited:?}");
    assert!(*last < lifetime, "none after the expiry: {waited:?}");
}

#[test]
fn the_users_refresh_margin_is_used() {
    let lifetime = Duration::from_secs(6);
    let sts = FakeSts::builder().lifetime(lifetime).start();
    let begun = Instant::now();
    let xassume = probing(restarting(&sts).args(["--refresh-margin", "2s"]), &["print-keys"]).spawn();
    next_start(&xassume);
    assert_eq!(next_start(&xassume).key, key(&sts, 1));
    let requests = sts.requests();
    assert!(requests[1].arrived - begun >= Duration::from_secs(4));
    assert!(requests[1].arrived - requests[0].arrived < lifetime);
}

#[test]
fn a_refresh_is_never_earlier_than_half_the_lifetime() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(3)).start();
    let begun = Instant::now();
    let xassume = probing(restarting(&sts).args(["--refresh-margin", "1h"]), &["print-keys"]).spawn();
    next_start(&xassume);
    next_start(&xassume);
    assert!(sts.requests()[1].arrived - begun >= Duration::from_millis(1500));
}

#[test]
fn a_wrong_clock_here_does_not_matter() {
    let cases = [-7200, 7200].map(|offset| {
        let sts = FakeSts::builder().lifetime(super::SHORT).clock_offset(offset).start();
        let begun = Instant::now();
        (probing(restarting(&sts), &["print-keys"]).spawn(), sts, begun)
    });
    for (xassume, sts, begun) in cases {
        next_start(&xassume);
        assert_eq!(next_start(&xassume).key, key(&sts, 1));
        assert!(sts.requests()[1].arrived - begun >= Duration::from_secs(1), "measured with the server's clock");
    }
}
