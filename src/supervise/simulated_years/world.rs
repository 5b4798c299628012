//! What several xassumes share: the clocks, STS, the cache, and the faults that happen.

use super::life::Life;
use super::term::{Held, Lease};
use crate::moment::{Deadline, Now};
use crate::supervise::schedule::Dice;
use std::fmt;
use std::time::{Duration, SystemTime};

/// The number of keys of the cache. Each xassume has sessions with some of them.
pub(super) const KEYS: usize = 3;

/// A kind of fault. Each can be left out of a simulation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// STS fails for up to an hour.
    Outages,
    /// STS refuses one call.
    Refusals,
    /// STS answers after up to a minute, or not before the time limit.
    SlowAnswers,
    /// The source returns the session that is already in effect.
    SameSessions,
    FailedDeliveries,
    SlowDeliveries,
    ClockSteps,
    Suspends,
    /// xassume is killed, and started again later.
    Kills,
    Signals,
    /// The command exits by itself.
    Exits,
    IgnoredStops,
    /// A signal to the command cannot be sent.
    FailedSignals,
    /// A killed process exits only after a while.
    StuckProcesses,
    /// A stopped command leaves processes behind.
    Leftovers,
    FailedForks,
    FailedStarts,
    SlowStarts,
    /// A new generation is ready late, or never.
    Unready,
}

impl Fault {
    pub(super) const ALL: [Self; 19] = [
        Self::Outages,
        Self::Refusals,
        Self::SlowAnswers,
        Self::SameSessions,
        Self::FailedDeliveries,
        Self::SlowDeliveries,
        Self::ClockSteps,
        Self::Suspends,
        Self::Kills,
        Self::Signals,
        Self::Exits,
        Self::IgnoredStops,
        Self::FailedSignals,
        Self::StuckProcesses,
        Self::Leftovers,
        Self::FailedForks,
        Self::FailedStarts,
        Self::SlowStarts,
        Self::Unready,
    ];
}

/// A session that is shared through the cache, and its lock.
#[derive(Default)]
pub(super) struct Key {
    pub(super) cached: Option<Lease>,
    pub(super) is_locked: bool,
}

pub(super) struct World {
    pub(super) now: Now,
    /// The time by the clock of STS.
    pub(super) server: SystemTime,
    dice: Dice,
    without: Vec<Fault>,
    /// When the next future is ready, by the boot clock.
    wake: Duration,
    pub(super) next_trouble: Duration,
    /// How often the wall clock was set.
    pub(super) sets: u32,
    /// When time last passed in a suspend.
    pub(super) jumped: Duration,
    pub(super) outage_until: Duration,
    pub(super) keys: [Key; KEYS],
    pub(super) lives: Vec<Life>,
    /// The number of the newest session, and of the newest process.
    numbers: (u32, i32),
    /// How many deadlines in a row had passed already.
    pub(super) spins: u32,
    pub(super) refreshes: u64,
    pub(super) restarts: u64,
    pub(super) broken: Option<String>,
    log: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(seed: u64, without: &[Fault], is_recorded: bool) -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(400_000);
        let mut world = Self {
            now: Now { boot: Duration::from_secs(1), wall },
            server: wall,
            dice: Dice::Seeded(seed),
            without: without.to_vec(),
            wake: Duration::ZERO,
            next_trouble: Duration::ZERO,
            sets: 0,
            jumped: Duration::ZERO,
            outage_until: Duration::ZERO,
            keys: Default::default(),
            lives: Vec::new(),
            numbers: (0, 1000),
            spins: 0,
            refreshes: 0,
            restarts: 0,
            broken: None,
            log: is_recorded.then(Vec::new),
        };
        world.next_trouble = world.upto(Duration::from_hours(1));
        world
    }

    pub(super) fn roll(&mut self, below: u64) -> u64 {
        self.dice.roll() % below
    }

    pub(super) fn dice(&mut self) -> Dice {
        self.dice.another()
    }

    /// Returns a random duration of whole milliseconds.
    pub(super) fn upto(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(self.roll(most + 1))
    }

    /// Decides whether a fault happens that is as rare as one in `rarity`. The numbers that follow are the same if this kind
    /// of fault is left out.
    pub(super) fn fails(&mut self, fault: Fault, rarity: u64) -> bool {
        self.roll(rarity) == 0 && !self.without.contains(&fault)
    }

    pub(super) fn new_lease(&mut self, lifetime: Duration) -> Lease {
        self.numbers.0 += 1;
        let expiration = self.server + lifetime;
        Lease::new(self.numbers.0, expiration, lifetime, (lifetime, self.now))
    }

    pub(super) fn new_pid(&mut self) -> i32 {
        self.numbers.1 += 1;
        self.numbers.1
    }

    pub(super) fn held(&mut self, at: usize, id: usize) -> &mut Held {
        &mut self.lives[at].held[id]
    }

    /// Requests that all futures are polled at this time of the boot clock.
    pub(super) fn wake_at(&mut self, boot: Duration) {
        self.wake = self.wake.min(boot);
    }

    pub(super) fn wake_by(&mut self, deadline: Deadline) {
        let by_wall = deadline.wall.map(|wall| self.now.boot + wall.duration_since(self.now.wall).unwrap_or_default());
        self.wake_at(by_wall.map_or(deadline.boot, |by_wall| by_wall.min(deadline.boot)));
    }

    /// Begins a step, in which all futures are polled. Returns the xassume that is killed.
    pub(super) fn begin_step(&mut self) -> Option<usize> {
        let killed = self.trouble();
        (self.wake, self.spins) = (self.next_trouble, 0);
        killed
    }

    /// Lets time pass until the next future is ready, or until the next trouble.
    pub(super) fn advance(&mut self) {
        self.pass(self.wake.saturating_sub(self.now.boot));
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
        self.server += time;
    }

    /// Records that a claim does not hold.
    pub(super) fn claim(&mut self, holds: bool, claim: impl fmt::Display) {
        if !holds && self.broken.is_none() {
            self.log(format_args!("BROKEN: {claim}"));
            self.broken = Some(claim.to_string());
        }
    }

    pub(super) fn log(&mut self, what: impl fmt::Display) {
        if let Some(log) = &mut self.log {
            let boot = self.now.boot;
            log.push(format!("{:>9}.{:03} {what}", boot.as_secs(), boot.subsec_millis()));
        }
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.log.is_some()
    }

    pub(super) fn take_log(&mut self) -> Vec<String> {
        self.log.take().unwrap_or_default()
    }
}
