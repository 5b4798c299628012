//! Checks the schedule for all pairs of boundary values of both clocks, with each lifetime and each kind of policy.

use super::*;
use std::collections::BTreeSet;

const NANO: Duration = Duration::from_nanos(1);
const DICE: [Dice; 4] = [LOW, Dice::Loaded(1 << 63), HIGH, Dice::Seeded(7)];
const LIFETIMES: [Duration; 9] = [
    Duration::ZERO,
    NANO,
    Duration::from_secs(1),
    Duration::from_secs(20),
    Duration::from_mins(15),
    HOUR,
    Duration::from_hours(12),
    Duration::from_hours(36),
    Duration::MAX,
];
/// The last time that the wall clock can show, since 1970.
const LAST: Duration = Duration::new(i64::MAX.unsigned_abs(), 999_999_999);
/// 2038-01-19, when the seconds no longer fit in 32 bits.
const OVERFLOW_OF_32_BITS: Duration = Duration::from_secs(1 << 31);

/// Returns policies with the shortest and the longest value of each setting that affects the margin.
fn policies() -> Vec<Policy> {
    let mut policies = vec![ACT, SERVE];
    for time in [Duration::ZERO, NANO, minutes(5), HOUR, Duration::MAX] {
        policies.push(Policy { stop_timeout: time, ..ACT });
        policies.push(Policy { restart_order: RestartOrder::StartFirst, ready_timeout: time, ..ACT });
        policies.extend([ACT, SERVE].map(|policy| Policy { margin: Margin::Fixed(time), ..policy }));
    }
    policies
}

/// Returns the leads of all refreshes of all policies, without duplicates.
fn all_leads(lifetime: Duration) -> BTreeSet<Duration> {
    let mut leads = BTreeSet::new();
    for policy in policies() {
        for kind in [RefreshKind::First, RefreshKind::Later] {
            leads.extend(DICE.map(|mut dice| policy.lead(lifetime, kind, &mut dice)));
        }
    }
    leads
}

#[test]
fn every_lead_is_within_its_part_of_the_lifetime_and_has_its_jitter() {
    for lifetime in LIFETIMES {
        for (policy, kind) in policies()
            .into_iter()
            .flat_map(|policy| [RefreshKind::First, RefreshKind::Later].map(|kind| (policy, kind)))
        {
            let (latest, earliest) = policy.leads(lifetime, kind);
            let case = format!("{lifetime:?} {kind:?} {policy:?}");
            assert!(policy.margin(lifetime) <= lifetime / 2, "{case}");
            let is_unnoticed = kind == RefreshKind::First && policy.on_expiry == OnExpiry::None;
            let most = if is_unnoticed { lifetime / 3 * 2 } else { lifetime / 2 };
            assert!(latest <= earliest && earliest <= most, "{latest:?} {earliest:?}: {case}");
            for mut dice in DICE {
                let lead = policy.lead(lifetime, kind, &mut dice);
                assert!(latest <= lead && lead <= earliest, "{lead:?}: {case}");
            }
            assert_eq!(policy.lead(lifetime, kind, &mut LOW.clone()), latest, "{case}");
            if lifetime < Duration::MAX {
                assert!(policy.lead(lifetime, kind, &mut HIGH.clone()) + NANO >= earliest, "{case}");
            }
            let Margin::Auto = policy.margin else {
                assert_eq!(latest, earliest, "{case}");
                continue;
            };
            let width = (lifetime / 10).min(minutes(10));
            let got = earliest.saturating_sub(latest);
            match kind {
                RefreshKind::First if is_unnoticed => assert_eq!(earliest, most, "{case}"),
                // The second session is held until the time of a later refresh.
                RefreshKind::First => {
                    let (from, to) = policy.first_effect(lifetime);
                    assert!(latest == from && to <= earliest && got <= 4 * width, "{from:?} {to:?}: {case}");
                    assert!(got >= width || policy.starts_first(), "{case}");
                }
                RefreshKind::Later if policy.starts_first() => assert!(got <= width, "{case}"),
                RefreshKind::Later => assert_eq!(got, width, "{case}"),
            }
        }
    }
}

/// Returns the times just before, at and after each of `times`, and the first and last times of the clock.
fn around(times: [Duration; 3], last: Duration) -> BTreeSet<Duration> {
    let near = times.into_iter().flat_map(|time| [time.saturating_sub(NANO), time, time.saturating_add(NANO)]);
    let far = [times[0].saturating_sub(HOUR), times[0].saturating_add(HOUR), Duration::ZERO, NANO, last];
    near.chain(far).map(|time| time.min(last)).collect()
}

/// The time left, in nanoseconds, computed with signed numbers.
fn left(expiry: Duration, now: Duration) -> i128 {
    let nanos = |time: Duration| i128::try_from(time.as_nanos()).expect("below 2^94");
    nanos(expiry) - nanos(now)
}

/// Checks a session with this much time left, for each lead and each pair of times.
fn every_due_time_is_in_time(lifetime: Duration, granted: Duration, boot: Duration, wall: Duration) {
    let at = |wall: Duration| SystemTime::UNIX_EPOCH + wall;
    let since_1970 = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    // The expiry may be beyond the last time of a clock.
    let by_boot = boot.saturating_add(granted);
    let by_wall = wall.checked_add(granted).filter(|time| *time <= LAST).unwrap_or(LAST);
    let validity = Validity { expiration: at(by_wall), left: granted, lifetime, skew_secs: 0 };
    let term = Term::of(&validity, Now { boot, wall: at(wall) });
    let expiry = term.expiry();
    assert_eq!(expiry, Deadline { boot: by_boot, wall: Some(at(by_wall)) });
    for lead in all_leads(lifetime) {
        let due = term.before_expiry(lead);
        let due_wall = due.wall.expect("no lead is longer than half of the range of the wall clock");
        assert!(due.boot <= by_boot && due_wall <= at(by_wall), "{due:?} {expiry:?}");
        let due_wall = due_wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        for now_boot in around([boot, due.boot, by_boot], Duration::MAX) {
            for now_wall in around([wall, due_wall, by_wall], LAST) {
                let now = Now { boot: now_boot, wall: at(now_wall) };
                let least = left(by_boot, now_boot).min(left(since_1970(term.wall_expiry), now_wall)).max(0);
                let left = term.left(now);
                let case = || format!("{lifetime:?} {granted:?} {lead:?} {term:?} {now:?}");
                assert_eq!(i128::try_from(left.as_nanos()), Ok(least), "{}", case());
                assert_eq!(expiry.passed(now), left.is_zero(), "{}", case());
                assert_eq!(due.passed(now), left <= lead, "{}", case());
            }
        }
    }
}

#[test]
fn every_refresh_is_due_before_the_expiry_by_either_clock() {
    let boots = [Duration::ZERO, NANO, Duration::from_secs(1000), Duration::MAX.saturating_sub(HOUR), Duration::MAX];
    let walls = [
        Duration::ZERO,
        NANO,
        OVERFLOW_OF_32_BITS.saturating_sub(NANO),
        OVERFLOW_OF_32_BITS,
        LAST.saturating_sub(HOUR),
        LAST,
    ];
    for lifetime in LIFETIMES {
        for granted in [Duration::ZERO, lifetime / 2, lifetime] {
            for (boot, wall) in boots.into_iter().flat_map(|boot| walls.map(|wall| (boot, wall))) {
                every_due_time_is_in_time(lifetime, granted, boot, wall);
            }
        }
    }
}

#[test]
fn every_wait_is_at_least_a_second_and_within_its_limits() {
    let second = Duration::from_secs(1);
    for left in LIFETIMES.into_iter().flat_map(|time| [time.saturating_sub(NANO), time, time.saturating_add(NANO)]) {
        for (mut dice, highest) in DICE.into_iter().map(|dice| (dice, dice == HIGH)) {
            let wait = unchanged_in(left, &mut dice.clone());
            let longest = (left / 2).min(minutes(5)).max(second);
            assert!(second <= wait && wait <= longest && wait >= longest / 2, "{wait:?} {left:?}");
            for (failures, longest) in [(0, 8), (1, 8), (2, 60), (3, 300), (4, 300), (u32::MAX, 300)] {
                for lifetime in LIFETIMES {
                    let wait = retry_in(failures, lifetime, left, &mut dice);
                    let before_expiry = if left.is_zero() { Duration::MAX } else { left.max(minutes(1)) };
                    let limit = Duration::from_secs(longest).min(lifetime / 3).min(before_expiry).max(second);
                    let case = format!("{wait:?}: {failures} {lifetime:?} {left:?}");
                    assert!(second <= wait && wait <= limit, "{case}");
                    assert!(!highest || wait + NANO >= limit, "the longest wait: {case}");
                    let wait = refresh_again_in(failures, lifetime, left, &mut dice);
                    let patient = if failures == 2 { (left / 2).clamp(minutes(1), minutes(5)) } else { minutes(5) };
                    let longest = if failures < 2 { Duration::from_secs(8) } else { patient };
                    let limit = longest.min(lifetime / 3).min(before_expiry).max(second);
                    let least = if failures < 3 { second } else { second.max(limit / 2) };
                    let case = format!("{wait:?}: {failures} {lifetime:?} {left:?}");
                    assert!(least <= wait && wait <= limit, "a refresh: {case}");
                    assert!(!highest || wait + NANO >= limit, "the longest wait of a refresh: {case}");
                }
            }
        }
    }
}
