mod boundaries;

use super::*;
use crate::supervise::policy::{DeliveryTime, RestartOrder};

const LOW: Dice = Dice::Loaded(0);
const HIGH: Dice = Dice::Loaded(u64::MAX);
const HOUR: Duration = Duration::from_hours(1);
const ACT: Policy = Policy::usual(OnExpiry::Restart, DeliveryTime::Live);
const SERVE: Policy = Policy::usual(OnExpiry::None, DeliveryTime::Live);

fn minutes(count: u64) -> Duration {
    Duration::from_mins(count)
}

fn start() -> Now {
    Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) }
}

fn validity(lifetime: Duration) -> Validity {
    Validity { expiration: start().wall + lifetime, left: lifetime, lifetime, skew_secs: 0 }
}

fn seconds(duration: Duration) -> u64 {
    (duration + Duration::from_millis(500)).as_secs()
}

/// Returns how many seconds before the expiry a refresh is due, with the lowest and with the highest jitter.
fn leads(policy: Policy, lifetime: Duration, turn: RefreshKind) -> (u64, u64) {
    let lead = |mut dice| seconds(policy.lead(lifetime, turn, &mut dice));
    (lead(LOW), lead(HIGH))
}

#[test]
fn acting_waits_until_a_tenth_is_left_and_spreads_over_another_tenth() {
    assert_eq!(leads(ACT, HOUR, RefreshKind::Later), (360, 720));
    // The margin and the jitter are at most ten minutes each.
    assert_eq!(leads(ACT, 12 * HOUR, RefreshKind::Later), (600, 1200));
}

#[test]
fn the_second_session_of_a_command_is_fetched_at_a_wider_range_of_times_than_it_takes_effect() {
    assert_eq!(leads(ACT, HOUR, RefreshKind::First), (360, 1800));
    assert_eq!(leads(ACT, 12 * HOUR, RefreshKind::First), (600, 3000));
    assert_eq!(ACT.first_effect(HOUR), (minutes(6), minutes(12)));
    assert_eq!(SERVE.first_effect(HOUR), SERVE.leads(HOUR, RefreshKind::First));
    for dice in [LOW, Dice::Loaded(u64::MAX / 2), HIGH] {
        let fetched = ACT.lead(HOUR, RefreshKind::First, &mut dice.clone());
        assert!(ACT.held_until(HOUR, &mut dice.clone()).is_some_and(|until| until <= fetched));
    }
    // A notice of the expiry is the only thing that happens, so there is nothing to fetch.
    let notice = Policy::usual(ACT.on_expiry, DeliveryTime::AtStart);
    let notice = Policy { on_expiry: OnExpiry::Signal(crate::process::signal::Signal::HUP), ..notice };
    assert_eq!(leads(notice, HOUR, RefreshKind::First), (360, 720));
}

#[test]
fn acting_leaves_time_for_the_stop() {
    let slow = Policy { stop_timeout: minutes(8), ..ACT };
    assert_eq!(leads(slow, HOUR, RefreshKind::Later), (510, 870));
}

#[test]
fn serving_leaves_a_third_and_the_first_refresh_spreads_over_another_third() {
    assert_eq!(leads(SERVE, HOUR, RefreshKind::First), (1200, 2400));
    assert_eq!(leads(SERVE, HOUR, RefreshKind::Later), (1200, 1560));
    assert_eq!(leads(SERVE, 12 * HOUR, RefreshKind::First), (3600, 8 * 3600));
    assert_eq!(leads(SERVE, 12 * HOUR, RefreshKind::Later), (3600, 4200));
}

#[test]
fn no_refresh_of_a_command_comes_before_half_the_lifetime_and_short_sessions_still_spread() {
    let short = Duration::from_secs(20);
    assert_eq!(leads(ACT, short, RefreshKind::First), (8, 10));
    let stubborn = Policy { stop_timeout: minutes(60), ..ACT };
    assert_eq!(leads(stubborn, minutes(15), RefreshKind::First), (360, 450));
}

#[test]
fn a_fixed_margin_is_exact_up_to_half_the_lifetime() {
    for policy in [ACT, SERVE] {
        let fixed = |margin| Policy { margin: Margin::Fixed(margin), ..policy };
        assert_eq!(leads(fixed(minutes(5)), HOUR, RefreshKind::First), (300, 300));
        assert_eq!(leads(fixed(minutes(50)), HOUR, RefreshKind::Later), (1800, 1800));
    }
}

#[test]
fn ten_instances_spread_over_more_than_a_twentieth_of_the_lifetime() {
    let all: Vec<_> =
        (0..10).map(|seed| seconds(ACT.lead(HOUR, RefreshKind::First, &mut Dice::Seeded(seed)))).collect();
    let spread = all.iter().max().zip(all.iter().min()).map(|(last, first)| last - first);
    assert!(spread > Some(3600 / 20), "{all:?}");
}

/// The first numbers of the reference implementation for the seed 0 (<https://prng.di.unimi.it/splitmix64.c>).
#[test]
fn the_random_numbers_are_those_of_splitmix64() {
    let mut dice = Dice::Seeded(0);
    let rolled = [dice.roll(), dice.roll(), dice.roll()];
    assert_eq!(rolled, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
}

#[test]
fn the_boot_clock_counts_eight_hours_of_suspend() {
    let term = Term::of(&validity(HOUR), start());
    let due = term.before_expiry(minutes(6));
    assert!(!due.passed(start()));
    // The deadline has passed even if the wall clock has stopped.
    assert!(due.passed(Now { boot: start().boot + 8 * HOUR, wall: start().wall }));
}

#[test]
fn a_wall_clock_set_back_changes_nothing_and_one_set_ahead_counts() {
    let due = Term::of(&validity(HOUR), start()).before_expiry(minutes(6));
    let after = |passed: Duration, wall| Now { boot: start().boot + passed, wall };
    assert!(!due.passed(after(minutes(53), start().wall - HOUR)));
    assert!(due.passed(after(minutes(54), start().wall - HOUR)));
    assert!(due.passed(after(minutes(1), start().wall + HOUR)));
}

#[test]
fn a_constant_clock_error_does_no_harm() {
    for wall in [start().wall - 2 * HOUR, start().wall + 2 * HOUR] {
        let now = Now { boot: start().boot, wall };
        let term = Term::of(&validity(HOUR), now);
        assert_eq!(term.left(now), HOUR);
        assert_eq!(term.expiry().wall, Some(wall + HOUR));
    }
}

#[test]
fn the_time_left_is_that_of_the_clock_that_has_less() {
    let term = Term::of(&validity(HOUR), start());
    let now = Now { boot: start().boot + minutes(10), wall: start().wall + minutes(40) };
    assert_eq!(term.left(now), minutes(20));
    assert_eq!(term.left(Now { boot: start().boot + 2 * HOUR, wall: start().wall }), Duration::ZERO);
}

#[test]
fn retries_wait_at_least_a_second_and_spread_wider_each_time() {
    let longest = |failures| seconds(retry_in(failures, HOUR, minutes(12), &mut HIGH.clone()));
    assert!((1..9).all(|failures| retry_in(failures, HOUR, minutes(12), &mut LOW.clone()) == MIN_INTERVAL));
    assert_eq!([longest(1), longest(2), longest(3), longest(4)], [8, 60, 300, 300]);
}

#[test]
fn a_refresh_is_retried_soon_once_and_then_as_the_time_left_allows() {
    let waits = |left, dice: Dice| [1, 2, 3, 4].map(|n| seconds(refresh_again_in(n, HOUR, left, &mut dice.clone())));
    assert_eq!(waits(minutes(12), LOW), [1, 1, 150, 150]);
    assert_eq!(waits(minutes(12), HIGH), [8, 300, 300, 300]);
    assert_eq!(waits(minutes(3), HIGH), [8, 90, 180, 180]);
    // After the expiry, for example after a suspend, the second retry comes soon too.
    assert_eq!(waits(Duration::ZERO, LOW), [1, 1, 150, 150]);
    assert_eq!(waits(Duration::ZERO, HIGH), [8, 60, 300, 300]);
    let short = Duration::from_secs(3);
    assert_eq!(refresh_again_in(3, short, short, &mut HIGH.clone()), MIN_INTERVAL);
}

#[test]
fn retries_come_in_time_before_the_expiry_and_slow_down_after_it() {
    for retry_in in [retry_in, refresh_again_in] {
        let longest = |left| seconds(retry_in(9, HOUR, left, &mut HIGH.clone()));
        assert_eq!(longest(minutes(2)), 120);
        assert_eq!(longest(Duration::from_millis(1)), 60);
        assert_eq!(longest(Duration::ZERO), 300);
    }
}

#[test]
fn the_first_of_two_deadlines_is_the_first_by_each_clock() {
    let wall = Some(start().wall);
    let both = Deadline { boot: minutes(2), wall }.or(Deadline::at(minutes(1)));
    assert_eq!(both, Deadline { boot: minutes(1), wall });
}

#[test]
fn a_handover_leaves_time_for_two_attempts_and_the_stop() {
    let restart = Policy::usual(OnExpiry::Restart, DeliveryTime::AtStart);
    let handover = Policy { restart_order: RestartOrder::StartFirst, ready_timeout: minutes(8), ..restart };
    assert_eq!(handover.margin(HOUR), minutes(16) + Duration::from_secs(40));
    assert_eq!(Policy { ready_timeout: minutes(1), ..handover }.margin(HOUR), restart.margin(HOUR));
    assert_eq!(Policy { ready_timeout: HOUR, ..handover }.margin(HOUR), HOUR / 2);
    assert_eq!(Policy { ready_timeout: minutes(8), ..restart }.margin(HOUR), restart.margin(HOUR));
    // The jitter is only what is left up to half of the lifetime.
    let close = Policy { ready_timeout: minutes(3), ..handover };
    assert_eq!(leads(close, minutes(15), RefreshKind::First), (400, 450));
    assert_eq!(leads(close, HOUR, RefreshKind::First), (400, 1800));
    assert_eq!(leads(close, HOUR, RefreshKind::Later), (400, 760));
    assert_eq!(leads(handover, minutes(15), RefreshKind::First), (450, 450));
}
