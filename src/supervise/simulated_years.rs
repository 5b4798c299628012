//! Simulates years of several xassumes in random worlds: the real driver, machine and schedule, with a simulated kernel,
//! clock, STS, delivery and cache. A seed determines a world, with all its faults.
//!
//! No time passes while a future can continue. Once all of them wait, the claims are checked, and time passes until the next
//! one is ready, or until the next trouble.

mod command;
mod life;
mod source;
mod term;
mod trouble;
mod world;

use super::driver::{FirstSessions, Ports, keep, supervise};
use super::machine::Final;
use super::policy::{DeliveryTime, OnExpiry, Policy};
use crate::event::RunEvent;
use crate::process::Pid;
use life::Life;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, UNIX_EPOCH};
use term::{Held, Lease};
use world::{Fault, World};

/// The process ID of each xassume.
const ME: Pid = 100;
/// The number of xassumes in a world.
const XASSUMES: usize = 3;
/// The most steps of a world. Time passes once in each step.
const STEPS: usize = 20_000;

/// One of the xassumes of a world.
#[derive(Clone)]
struct Xassume {
    world: Rc<RefCell<World>>,
    at: usize,
}

/// An xassume that runs. Returns `None` if its first sessions cannot be delivered.
type Run = Pin<Box<dyn Future<Output = Option<Final>>>>;

impl Xassume {
    /// Starts this xassume, if its first sessions are available.
    fn launch(&self) -> Option<Run> {
        let mut world = self.world.borrow_mut();
        let (policy, is_keeper) = world.policy();
        // The rules of the flags: a command that is restarted, or gets its session at its start, has one session.
        let can_have_more = policy.on_expiry != OnExpiry::Restart && policy.delivery_time == DeliveryTime::Live;
        let count = if world.roll(2) == 0 && can_have_more { 3 } else { 1 };
        let leases = (0..count).map(|id| world.first_lease(id)).collect::<Option<Vec<_>>>()?;
        let now = world.now;
        let held = leases.iter().map(|lease| Held::first(*lease, &policy, now)).collect();
        world.lives[self.at] = Life::new(policy, is_keeper, held, now.boot);
        let mut sessions = leases.iter().map(|lease| lease.session(now));
        let default = sessions.next()?;
        let others = ["a", "b"].into_iter().zip(sessions).collect();
        let numbers = leases.iter().map(|lease| lease.number).collect::<Vec<_>>();
        world.log(format_args!("xassume {}: launch with {numbers:?} {policy:?}", self.at));
        let run = self.clone().run(policy, is_keeper, FirstSessions { default, others });
        Some(Box::pin(run))
    }

    async fn run(self, policy: Policy, is_keeper: bool, first: FirstSessions) -> Option<Final> {
        let dice = self.world.borrow_mut().dice();
        let (mut delivery, mut host) = (self.clone(), self.clone());
        let ports = Ports {
            source: &self,
            delivery: &mut delivery,
            host: &mut host,
            clock: &self,
            dice,
            named: None,
            notifier: None,
            hook: None,
            events: &self,
        };
        if is_keeper {
            keep(policy, first, ports, RunEvent::Serving { at: String::new() }).await.ok()
        } else {
            Some(supervise(policy, first, ports).await)
        }
    }
}

impl World {
    /// Returns the first session of an xassume, from the cache or from STS.
    fn first_lease(&mut self, id: usize) -> Option<Lease> {
        let now = self.now;
        if let Some(cached) = self.keys[id].cached.filter(|lease| lease.left(now) > lease.lifetime / 10) {
            return Some(cached.received(now));
        }
        let lifetime = Duration::from_mins(15 + self.roll(60));
        let is_free = !self.keys[id].is_locked && now.boot >= self.outage_until;
        let lease = is_free.then(|| self.new_lease(lifetime))?;
        self.keys[id].cached = Some(lease);
        Some(lease)
    }
}

/// What happened in a world.
struct Outcome {
    steps: usize,
    refreshes: u64,
    restarts: u64,
    time: Duration,
    broken: Option<String>,
    log: Vec<String>,
}

fn play(seed: u64, without: &[Fault], steps: usize, is_recorded: bool) -> Outcome {
    let world = Rc::new(RefCell::new(World::new(seed, without, is_recorded)));
    let xassumes = (0..XASSUMES).map(|at| Xassume { world: world.clone(), at }).collect::<Vec<_>>();
    let idle = || Life::new(Policy::usual(OnExpiry::None, DeliveryTime::Live), true, Vec::new(), Duration::ZERO);
    world.borrow_mut().lives = xassumes.iter().map(|_| idle()).collect();
    let mut runs: Vec<(Option<Run>, Duration)> = xassumes.iter().map(|_| (None, Duration::ZERO)).collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut step = 0;
    while step < steps && world.borrow().broken.is_none() {
        step += 1;
        let killed = world.borrow_mut().begin_step();
        for (xassume, (run, launch_at)) in xassumes.iter().zip(&mut runs) {
            let now = world.borrow().now.boot;
            if killed == Some(xassume.at) && run.take().is_some() {
                *launch_at = now + world.borrow_mut().upto(Duration::from_mins(10));
            }
            if run.is_none() && now >= *launch_at {
                *run = xassume.launch();
                *launch_at = now + Duration::from_secs(30);
            }
            let Some(running) = run else {
                world.borrow_mut().wake_at(*launch_at);
                continue;
            };
            if let Poll::Ready(end) = running.as_mut().poll(&mut context) {
                *run = None;
                let mut world = world.borrow_mut();
                world.log(format_args!("xassume {}: end {end:?}", xassume.at));
                if let Some(end) = end {
                    world.check_end(xassume.at, end);
                }
                *launch_at = now + world.upto(Duration::from_mins(10));
                world.wake_at(*launch_at);
            }
        }
        let mut world = world.borrow_mut();
        for (xassume, _) in xassumes.iter().zip(&runs).filter(|(_, (run, _))| run.is_some()) {
            world.check(xassume.at);
        }
        world.advance();
    }
    drop(runs);
    let mut world = world.borrow_mut();
    let log = world.take_log();
    let (refreshes, restarts, time) = (world.refreshes, world.restarts, world.now.boot);
    Outcome { steps: step, refreshes, restarts, time, broken: world.broken.take(), log }
}

/// Leaves out each kind of fault without which a claim still breaks. Returns the rest of the log, and the call that repeats
/// it.
fn shrink(seed: u64) -> String {
    let mut without = Vec::new();
    let mut least = play(seed, &[], STEPS, true);
    for fault in Fault::ALL {
        without.push(fault);
        let played = play(seed, &without, STEPS, true);
        if played.broken.is_some() { least = played } else { without.truncate(without.len() - 1) }
    }
    let mut text = String::new();
    for line in &least.log[least.log.len().saturating_sub(60)..] {
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "broken: {:?}", least.broken);
    let _ = write!(text, "to repeat it: play({seed}, &{without:?}, {}, true)", least.steps);
    text
}

#[test]
fn random_worlds_satisfy_the_claims() {
    for seed in 0..20 {
        assert!(play(seed, &[], STEPS / 4, false).broken.is_none(), "{}", shrink(seed));
    }
}

#[test]
fn a_seed_determines_the_log() {
    for seed in 0..5 {
        let [first, second] = [0, 1].map(|_| play(seed, &[], 1000, true).log);
        assert!(!first.is_empty());
        assert_eq!(first, second, "seed {seed}");
    }
}

/// Without faults, each session is refreshed and each restart is made.
#[test]
fn a_world_without_faults_has_no_failure() {
    let played = play(1, &Fault::ALL, STEPS, true);
    assert_eq!(played.broken, None);
    let failure = played.log.iter().find(|line| line.contains("Failing") || line.contains("Expired"));
    assert_eq!(failure, None);
    assert!(played.refreshes > 500 && played.restarts > 100, "{} {}", played.refreshes, played.restarts);
}

/// Run by `.ci/release years`, with the time or the number of refreshes in a variable.
#[test]
#[ignore = "takes minutes: see .ci/release"]
#[allow(clippy::print_stdout, reason = "the figures are the result")]
fn many_random_worlds_satisfy_the_claims() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = number("XASSUME_SIMULATED_SECONDS").unwrap_or(u64::MAX);
    let refreshes = number("XASSUME_SIMULATED_REFRESHES").unwrap_or(u64::MAX);
    assert!(seconds.min(refreshes) < u64::MAX, "set XASSUME_SIMULATED_SECONDS or XASSUME_SIMULATED_REFRESHES");
    let begun = Instant::now();
    let clock = UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
    let first = number("XASSUME_SIMULATED_SEED").unwrap_or(clock << 20);
    let (mut seed, mut total, mut restarts, mut time) = (first, 0, 0, Duration::ZERO);
    while begun.elapsed().as_secs() < seconds && total < refreshes {
        let played = play(seed, &[], STEPS, false);
        assert!(played.broken.is_none(), "{}", shrink(seed));
        (seed, total, restarts, time) =
            (seed + 1, total + played.refreshes, restarts + played.restarts, time + played.time);
    }
    let (took, years) = (begun.elapsed(), time.as_secs() / (365 * 24 * 3600));
    let rate = u128::from(total) * 1000 / took.as_millis().max(1);
    println!(
        "seeds {first} to {}: {years} years of {XASSUMES} xassumes, {total} refreshes, {restarts} starts",
        seed - 1
    );
    println!("{} s, {rate} refreshes per second", took.as_secs());
}
