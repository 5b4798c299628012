//! The simulated STS, cache, delivery and clock.
//!
//! The cache is a model of the real one: a session and a lock for each key, which survive the end of an xassume. A killed
//! xassume releases its lock, because flock(2) does. The tests of `cache` check the real one.

use super::Xassume;
use super::term::Lease;
use super::world::{Fault, World};
use crate::error::Reason;
use crate::event::{Event, EventSink, Problem};
use crate::moment::{Deadline, Now};
use crate::session::Session;
use crate::supervise::policy::DeliveryTime;
use crate::supervise::ports::{CacheUse, Deliver, Publishing, SessionId, SessionSource};
use crate::sys::clock::Clock;
use std::ffi::CString;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// The time limit of a refresh, which includes the wait for the lock.
const LIMIT: Duration = Duration::from_mins(1);

impl Xassume {
    async fn sleep_until(&self, boot: Duration) {
        poll_fn(|_| {
            let mut world = self.world.borrow_mut();
            if world.now.boot >= boot {
                return Poll::Ready(());
            }
            world.wake_at(boot);
            Poll::Pending
        })
        .await;
    }

    /// Waits for another xassume's session, or for the lock of a key. `None` if this xassume has the lock.
    async fn lock(&self, call: &mut Call<'_>, cache: CacheUse) -> Result<Option<Lease>, Problem> {
        let limit = self.world.borrow().now.boot + LIMIT;
        poll_fn(|_| {
            let mut world = self.world.borrow_mut();
            let now = world.now;
            let cached = world.keys[call.id].cached.filter(|lease| is_accepted(lease, now));
            if let (Some(lease), CacheUse::Allowed) = (cached, cache) {
                return Poll::Ready(Ok(Some(lease)));
            }
            if !world.keys[call.id].is_locked {
                world.keys[call.id].is_locked = true;
                call.has_lock = true;
                return Poll::Ready(Ok(None));
            }
            if now.boot >= limit {
                return Poll::Ready(Err(Problem::new(Reason::Timeout, "another xassume has the lock")));
            }
            world.wake_at(limit);
            Poll::Pending
        })
        .await
    }
}

/// Checks whether a refresh uses a session of the cache.
fn is_accepted(lease: &Lease, now: Now) -> bool {
    lease.left(now) > lease.lifetime / 4 * 3
}

/// A call in progress.
struct Call<'a> {
    xassume: &'a Xassume,
    id: usize,
    has_lock: bool,
}

impl<'a> Call<'a> {
    fn begin(xassume: &'a Xassume, id: usize, cache: CacheUse) -> Self {
        let at = xassume.at;
        let mut world = xassume.world.borrow_mut();
        world.log(format_args!("xassume {at}: call {id} {cache:?}"));
        world.attract_trouble();
        let boot = world.now.boot;
        let held = world.held(at, id);
        let is_one = !held.is_busy();
        let is_patient = boot >= held.began + Duration::from_secs(1);
        (held.calls, held.began) = (held.calls + 1, boot);
        held.is_requested &= cache == CacheUse::Allowed;
        // A session that was held, but has less time left than planned, is replaced. Its arrival was a success.
        if is_one && held.fetched.take().is_some() {
            held.failures = 0;
        }
        world.claim(is_one, format_args!("xassume {at}: one refresh of a session is in progress"));
        world.claim(is_patient, format_args!("xassume {at}: there is a second between two refreshes"));
        Self { xassume, id, has_lock: false }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut world = self.xassume.world.borrow_mut();
        world.held(self.xassume.at, self.id).calls -= 1;
        let boot = world.now.boot;
        world.lives[self.xassume.at].changed = boot;
        if self.has_lock {
            world.keys[self.id].is_locked = false;
            // The others that wait for the lock are polled.
            world.wake_at(boot);
        }
    }
}

impl World {
    /// Decides what a call to STS returns, and when.
    fn plan_call(&mut self, at: usize, id: usize) -> (Duration, Option<Lease>) {
        let is_slow = self.fails(Fault::SlowAnswers, 50);
        let latency = self.upto(if is_slow { 2 * LIMIT } else { Duration::from_secs(1) });
        let is_refused = self.fails(Fault::Refusals, 50);
        let fails = is_refused || latency > LIMIT || self.now.boot < self.outage_until;
        let is_same = self.fails(Fault::SameSessions, 100);
        let lifetime = Duration::from_mins(15 + self.roll(12 * 60 - 14));
        let lease = if is_same { self.held(at, id).in_effect } else { self.new_lease(lifetime) };
        (self.now.boot + latency.min(LIMIT), (!fails).then_some(lease))
    }

    /// Hands a session to an xassume.
    fn answer(&mut self, at: usize, id: usize, lease: Option<Lease>) -> Result<Session, Problem> {
        let now = self.now;
        let held = self.held(at, id);
        let received = match lease {
            Some(lease) if lease.number == held.in_effect.number => {
                held.unchanged(now);
                Some(lease)
            }
            // In a suspend, a new session can expire before it is received.
            Some(lease) if !lease.left(now).is_zero() => {
                held.fetched = Some(lease.received(now));
                held.fetched
            }
            _ => {
                held.fail(now);
                None
            }
        };
        self.attract_trouble();
        self.log(format_args!("xassume {at}: answer {id}: {:?}", received.map(|lease| lease.number)));
        let session = received.map(|lease| lease.session(now));
        session.ok_or_else(|| Problem::new(Reason::Unavailable, "no session"))
    }
}

impl SessionSource for Xassume {
    async fn assume(&self, id: SessionId, cache: CacheUse) -> Result<Session, Problem> {
        let mut call = Call::begin(self, id.0, cache);
        let lease = match self.lock(&mut call, cache).await {
            Ok(Some(cached)) => Some(cached),
            Ok(None) => {
                let (at, lease) = self.world.borrow_mut().plan_call(self.at, id.0);
                self.sleep_until(at).await;
                if lease.is_some() {
                    self.world.borrow_mut().keys[id.0].cached = lease;
                }
                lease
            }
            Err(_) => None,
        };
        self.world.borrow_mut().answer(self.at, id.0, lease)
    }
}

/// A delivery in progress.
struct Delivering(Xassume);

impl Drop for Delivering {
    fn drop(&mut self) {
        self.0.world.borrow_mut().lives[self.0.at].is_delivering = false;
    }
}

impl Xassume {
    fn delivered(&self, new: &[SessionId], succeeded: bool) {
        let mut world = self.world.borrow_mut();
        let (at, now) = (self.at, world.now);
        world.log(format_args!("xassume {at}: delivered {new:?}: {succeeded}"));
        if !world.lives[at].is_serving {
            world.lives[at].is_serving = succeeded;
            return;
        }
        for id in new {
            if succeeded {
                world.lives[at].adopted(id.0, now.boot);
                world.refreshes += 1;
            } else {
                world.held(at, id.0).fail(now);
            }
        }
    }
}

impl Deliver for Xassume {
    fn environment(&self, session: &Session) -> Vec<CString> {
        vec![CString::new(session.keys.access_key_id.clone()).unwrap_or_default()]
    }

    fn hook_environment(&self, _: SessionId, session: &Session, _: u32) -> Vec<CString> {
        self.environment(session)
    }

    fn publish(&mut self, sessions: &[&Session], new: &[SessionId]) -> Option<Publishing> {
        let mut world = self.world.borrow_mut();
        let (at, boot) = (self.at, world.now.boot);
        let life = &world.lives[at];
        let is_one = !life.is_delivering;
        let is_newest = |id: &SessionId| {
            let wanted = life.held[id.0].fetched.map(|lease| lease.number.to_string());
            wanted.is_some_and(|wanted| wanted == sessions[id.0].keys.access_key_id) || !life.is_serving
        };
        let are_newest = new.iter().all(is_newest);
        let is_at_start = life.policy.delivery_time == DeliveryTime::AtStart;
        for id in new {
            world.held(at, id.0).deliver(boot);
        }
        world.claim(is_one, format_args!("xassume {at}: one delivery is in progress"));
        world.claim(are_newest, format_args!("xassume {at}: the sessions that were fetched are delivered"));
        let fails = world.fails(Fault::FailedDeliveries, 50);
        let is_slow = world.fails(Fault::SlowDeliveries, 5);
        let until = boot + world.upto(if is_slow { LIMIT } else { Duration::ZERO });
        if is_at_start || !fails && !is_slow {
            drop(world);
            self.delivered(new, true);
            return None;
        }
        world.lives[at].is_delivering = true;
        drop(world);
        let (delivering, new) = (Delivering(self.clone()), new.to_vec());
        Some(Box::pin(async move {
            delivering.0.sleep_until(until).await;
            delivering.0.delivered(&new, !fails);
            if fails { Err(Problem::new(Reason::File, "disk full")) } else { Ok(()) }
        }))
    }
}

impl Clock for Xassume {
    fn now(&self) -> Now {
        self.world.borrow().now
    }

    /// Returns early if the wall clock was set, as the real clock does.
    async fn until(&self, deadline: Deadline) {
        let sets = self.world.borrow().sets;
        poll_fn(|_| {
            let mut world = self.world.borrow_mut();
            if deadline.passed(world.now) || deadline.wall.is_some() && world.sets != sets {
                world.spins += 1;
                let is_calm = world.spins < 1000;
                world.claim(is_calm, format_args!("xassume {}: no deadline is always in the past", self.at));
                return if is_calm { Poll::Ready(()) } else { Poll::Pending };
            }
            world.wake_by(deadline);
            Poll::Pending
        })
        .await;
    }
}

impl EventSink for Xassume {
    fn emit(&self, event: Event) {
        self.world.borrow_mut().log_event(self.at, &event);
    }
}

impl World {
    fn log_event(&mut self, at: usize, event: &Event) {
        if self.is_recorded() {
            self.log(format_args!("xassume {at}: {event:?}"));
        }
    }
}
