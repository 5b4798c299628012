//! Simulates a day of a large fleet with the program's own schedule: how many calls STS gets, and when.
//!
//! A hundred thousand hosts start within one minute; sessions last an hour. For ten minutes (or half an hour) STS fails
//! every call. The attempts of a client within a refresh count as calls too, with full jitter and a backoff that doubles
//! from a quarter of a second (see `src/sts/mod.rs`). A call takes no time, and STS never throttles: the simulation
//! counts the calls that the fleet wants to make. The calls at the start of the hosts do not count: their times do not
//! depend on xassume.

use std::ops::Range;
use std::time::Duration;

use xassume::simulation::{ATTEMPTS, HostKind, Jitter, SimulatedHost};

use crate::measure::Effort;
use crate::report::Report;
use crate::subject::Subject;

/// AWS's quota of `AssumeRole` calls per second, per account and Region.
const QUOTA: u32 = 600;
const LIFETIME: Duration = HOUR;
const DAY: Duration = Duration::from_hours(24);
const STARTS_WITHIN: Duration = Duration::from_mins(1);
const OUTAGE: Duration = Duration::from_mins(10);
/// Longer than the time over which the first refreshes of restarted commands are spread.
const LONG_OUTAGE: Duration = Duration::from_mins(30);
/// The target for the time without a session after an outage of ten minutes.
const LAPSE: Duration = Duration::from_mins(1);
/// By then the refreshes no longer depend on the common start.
const NOON: Duration = Duration::from_hours(12);
const FLEET: u32 = 100_000;
const FIRST_BACKOFF: Duration = Duration::from_millis(250);

const HOUR: Duration = Duration::from_hours(1);

/// Simulates days without and with an outage, for both kinds of hosts.
pub(crate) fn fleet(_: &Subject, effort: Effort, report: &mut Report) {
    let sample = effort.choose(Sample::Whole, Sample::Tenth);
    for (kind, name) in [(HostKind::Act, "restart and signal"), (HostKind::Serve, "endpoint")] {
        let fleet = Fleet { kind, jitter: Jitter::Spread, sample };
        let quiet = Day::simulate(fleet, None, DAY);
        let mean = quiet.mean(NOON, DAY);
        let settled = quiet.settled(4.0 * mean).as_secs_f64() / 3600.0;
        let together = Day::simulate(Fleet { jitter: Jitter::None, ..fleet }, None, DAY);
        let noon = Day::simulate(fleet, Some(&(NOON..NOON + OUTAGE)), DAY);
        let after = noon.peak(NOON + OUTAGE, DAY);
        let worst = Worst::of(fleet, OUTAGE, &quiet);
        let long = Worst::of(fleet, LONG_OUTAGE, &quiet);
        let rough = effort.choose("", "rough: a tenth of the fleet");
        let mut row = |what: &str, unit, figure: f64, note: &str| {
            let note = if note.is_empty() { rough } else { note };
            report.figure("scale", &format!("{name}: {what}"), unit, figure, note);
        };
        row("mean", "calls/s", mean, "");
        row("peak without jitter", "calls/s", together.peak(Duration::ZERO, DAY).into(), "");
        row("peak of the first refreshes", "calls/s", quiet.peak(Duration::ZERO, 2 * HOUR).into(), "");
        row("peak in the second half of the day", "calls/s", quiet.peak(NOON, DAY).into(), "");
        row("never more than 4 × mean after", "h", settled, "");
        row("peak after an outage of 10 minutes at noon", "calls/s", after.into(), &noon.lapses());
        row("the same at the worst time of the day", "calls/s", worst.peak.into(), &worst.note);
        row("the same after an outage of 30 minutes", "calls/s", long.peak.into(), &long.note);
        let peak = f64::from(quiet.peak(NOON, DAY));
        report.target(&format!("steady peak of 100,000 hosts, {name}"), peak / mean, 4.0, "× mean");
        report.target(&format!("peak after the worst outage, {name}"), worst.peak.into(), QUOTA.into(), "calls/s");
        let lapse = worst.longest_lapse.as_secs_f64();
        report.target(&format!("longest time without a session, {name}"), lapse, LAPSE.as_secs_f64(), "s");
    }
}

/// What happens after an outage that ends at the worst time around the first refreshes of all hosts.
#[derive(Default)]
struct Worst {
    peak: u32,
    /// The longest time without a valid session, also after other ends of the outage.
    longest_lapse: Duration,
    note: String,
}

impl Worst {
    /// Tries an end in each minute from the first refresh to the first expiry of a session.
    fn of(fleet: Fleet, length: Duration, quiet: &Day) -> Self {
        let first = quiet.calls.iter().position(|&calls| calls > 0).unwrap_or(0) as u64 / 60;
        let last = LIFETIME.as_secs() / 60;
        let mut worst = Self::default();
        for minute in first + 1..=last {
            let end = Duration::from_mins(minute);
            let day = Day::simulate(fleet, Some(&(end.saturating_sub(length)..end)), end + HOUR);
            worst.longest_lapse = worst.longest_lapse.max(day.longest_lapse);
            let peak = day.peak(end, end + HOUR);
            if peak > worst.peak {
                worst.peak = peak;
                worst.note = format!("until {minute} min after the start; {}", day.lapses());
            }
        }
        worst
    }
}

/// The hosts that are simulated.
#[derive(Debug, Clone, Copy)]
struct Fleet {
    kind: HostKind,
    jitter: Jitter,
    sample: Sample,
}

/// The part of the fleet that is simulated. With a tenth, each host counts ten times.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Sample {
    Whole,
    Tenth,
}

/// Calls in each second of the day, without the calls at the start.
struct Day {
    calls: Vec<u32>,
    /// The number of sessions that expired before their refresh, and the longest time without a valid session.
    lapsed: u32,
    longest_lapse: Duration,
}

impl Day {
    /// Simulates the day of each host until `end`. Hosts affect each other only through the count of calls.
    fn simulate(fleet: Fleet, outage: Option<&Range<Duration>>, end: Duration) -> Self {
        let Fleet { kind, jitter, sample } = fleet;
        let weight = match sample {
            Sample::Whole => 1,
            Sample::Tenth => 10,
        };
        let seconds = usize::try_from(DAY.as_secs()).expect("a day is short");
        let mut day = Self { calls: vec![0; seconds], lapsed: 0, longest_lapse: Duration::ZERO };
        for number in 0..FLEET / weight {
            let mut chance = Chance(u64::from(number) + 1);
            let start = STARTS_WITHIN.mul_f64(chance.fraction());
            let mut host = SimulatedHost::start(kind, jitter, LIFETIME, start, chance.number());
            let mut expiry = start + LIFETIME;
            while let Some(mut at) = host.next_call().filter(|at| *at < end) {
                let mut granted = None;
                for attempt in 0..ATTEMPTS {
                    day.count(at, weight);
                    if outage.is_none_or(|outage| !outage.contains(&at)) {
                        granted = Some(LIFETIME);
                        break;
                    }
                    if attempt + 1 < ATTEMPTS {
                        at += (FIRST_BACKOFF * 2_u32.pow(attempt)).mul_f64(chance.fraction());
                    }
                }
                if granted.is_some() {
                    if at > expiry {
                        day.lapsed += weight;
                        day.longest_lapse = day.longest_lapse.max(at.saturating_sub(expiry));
                    }
                    expiry = at + LIFETIME;
                }
                host.answer(granted, at);
            }
        }
        day
    }

    fn count(&mut self, at: Duration, weight: u32) {
        let second = usize::try_from(at.as_secs()).expect("a day is short");
        if let Some(calls) = self.calls.get_mut(second) {
            *calls += weight;
        }
    }

    fn lapses(&self) -> String {
        format!("{} sessions expired before their refresh, by at most {} s", self.lapsed, self.longest_lapse.as_secs())
    }

    /// The maximum of calls in one second of that time.
    fn peak(&self, from: Duration, to: Duration) -> u32 {
        self.part(from, to).iter().copied().max().unwrap_or(0)
    }

    fn mean(&self, from: Duration, to: Duration) -> f64 {
        self.part(from, to).iter().map(|&calls| f64::from(calls)).sum::<f64>() / to.saturating_sub(from).as_secs_f64()
    }

    fn part(&self, from: Duration, to: Duration) -> &[u32] {
        let index = |at: Duration| usize::try_from(at.as_secs()).expect("a day is short");
        &self.calls[index(from)..index(to)]
    }

    /// The time after which no second has more than `most` calls.
    fn settled(&self, most: f64) -> Duration {
        let last = self.calls.iter().rposition(|&calls| f64::from(calls) > most);
        Duration::from_secs(last.map_or(0, |second| second as u64 + 1))
    }
}

/// splitmix64, for the random times that the program's schedule does not set: starts, and the client's backoff.
struct Chance(u64);

impl Chance {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from zero to one.
    fn fraction(&mut self) -> f64 {
        f64::from(u32::try_from(self.number() >> 32).expect("half of it")) / f64::from(u32::MAX)
    }
}
