//! When a session is refreshed: in time, not all at once, not more often than needed.

use super::{generation, key, probing, restarting, xassume};
use crate::support::FakeSts;
use std::time::Duration;

#[test]
fn a_fleet_that_starts_at_once_does_not_refresh_at_once() {
    let lifetime = Duration::from_secs(6);
    let sts = FakeSts::builder().lifetime(lifetime).start();
    let fleet: Vec<_> = (0..10)
        .map(|place| {
            let name = format!("member-{place}");
            let member = xassume(&sts).args(["--via", "file", "--role-session-name", &name]);
            (probing(member, &["signals"]).spawn(), name)
        })
        .collect();
    sts.wait_for_requests(2 * fleet.len());
    // By each one's own start, so that a slow start does not count.
    let requests = sts.requests();
    let waited: Vec<Duration> = fleet
        .iter()
        .map(|(_, name)| {
            let mine = requests.iter().filter(|request| request.param("RoleSessionName") == Some(name));
            let arrivals: Vec<_> = mine.map(|request| request.arrived).collect();
            arrivals[1] - arrivals[0]
        })
        .collect();
    let (first, last) = (waited.iter().min().expect("ten"), waited.iter().max().expect("ten"));
    // A tenth of the span; that ten draws are nearer by chance takes a few million runs.
    assert!(last.abs_diff(*first) >= lifetime / 60, "{waited:?}");
    assert!(*first >= lifetime / 2, "none before half the lifetime: {waited:?}");
    assert!(*last < lifetime, "none after the expiry: {waited:?}");
}

#[test]
fn a_margin_of_the_users_choice_is_kept() {
    let lifetime = Duration::from_secs(6);
    let sts = FakeSts::builder().lifetime(lifetime).start();
    let xassume = probing(restarting(&sts).args(["--refresh-margin", "2s"]), &["generation"]).spawn();
    generation(&xassume);
    assert_eq!(generation(&xassume).key, key(&sts, 1));
    let requests = sts.requests();
    let waited = requests[1].arrived - requests[0].arrived;
    // STS counts in whole seconds from the last one on, xassume from the moment of the answer.
    assert!(waited >= Duration::from_secs(4) && waited < lifetime, "{waited:?}");
}

#[test]
fn a_refresh_is_never_earlier_than_half_the_lifetime() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(3)).start();
    let xassume = probing(restarting(&sts).args(["--refresh-margin", "1h"]), &["generation"]).spawn();
    generation(&xassume);
    generation(&xassume);
    let requests = sts.requests();
    assert!(requests[1].arrived - requests[0].arrived >= Duration::from_millis(1500));
}

#[test]
fn a_wrong_clock_here_does_not_matter() {
    let cases = [-7200, 7200].map(|offset| {
        let sts = FakeSts::builder().lifetime(super::SHORT).clock_offset(offset).start();
        (probing(restarting(&sts), &["generation"]).spawn(), sts)
    });
    for (xassume, sts) in cases {
        generation(&xassume);
        assert_eq!(generation(&xassume).key, key(&sts, 1));
        let requests = sts.requests();
        assert!(requests[1].arrived - requests[0].arrived >= Duration::from_secs(1), "by the server's clock");
    }
}
