//! The boot clock and the wall clock, and how to wait for a deadline by either clock.
//!
//! Two kernel timers are used: one also counts the time during a suspend, and the other reports when the wall clock was
//! set. If the kernel does not provide these timers (in a sandbox), the clocks are read every 30 seconds.

use super::boot::boottime;
use super::poll::{polled, read_when_ready};
use crate::moment::{Deadline, Now};
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, SystemTime};
use tokio::io::unix::AsyncFd;

/// Returns the time of the wall clock, which can be wrong and can be set.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Returns the time of both clocks.
pub(crate) fn now() -> Now {
    Now { boot: boottime(), wall: wall() }
}

/// The clock that `supervise::driver` uses. Tests replace it with a simulated clock.
pub(crate) trait Clock {
    fn now(&self) -> Now;

    /// Waits until the deadline has passed by either clock, or until the wall clock was set. Because it may return
    /// early, the caller must check the deadline again.
    async fn until(&self, deadline: Deadline);
}

/// The clocks of the system.
#[derive(Debug)]
pub(crate) struct SystemClock {
    timers: Option<Timers>,
}

#[derive(Debug)]
struct Timers {
    boot: AsyncFd<Timer>,
    wall: AsyncFd<Timer>,
}

/// A wrapper that implements the traits that Tokio requires.
#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl From<Timer> for OwnedFd {
    fn from(timer: Timer) -> Self {
        timer.0.into()
    }
}

/// The interval at which the clocks are read if there are no timers.
const TICK: Duration = Duration::from_secs(30);

impl SystemClock {
    /// Must be called within a Tokio runtime.
    pub(crate) fn new() -> Self {
        let timer = |clock| -> io::Result<AsyncFd<Timer>> {
            let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
            polled(Timer(TimerFd::new(clock, flags)?))
        };
        let timers = match (timer(ClockId::CLOCK_BOOTTIME), timer(ClockId::CLOCK_REALTIME)) {
            (Ok(boot), Ok(wall)) => Some(Timers { boot, wall }),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
        };
        Self { timers }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        now()
    }

    async fn until(&self, deadline: Deadline) {
        let now = self.now();
        if deadline.passed(now) {
            return;
        }
        let Some(timers) = &self.timers else { return self.tick(deadline).await };
        match timers.set(deadline) {
            Ok(()) => timers.fired(deadline).await,
            // The wall clock was set since the last call (see timerfd_settime(2)), so the caller has to check the
            // deadline again.
            Err(Errno::ECANCELED) => {}
            Err(_) => self.tick(deadline).await,
        }
    }
}

impl SystemClock {
    async fn tick(&self, deadline: Deadline) {
        tokio::time::sleep(deadline.boot.saturating_sub(self.now().boot).min(TICK)).await;
    }
}

impl Timers {
    /// Sets the boot timer, and the wall timer if the deadline has a wall time. Setting a timer discards an expiration
    /// that has not been read.
    fn set(&self, deadline: Deadline) -> nix::Result<()> {
        let absolute = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
        self.boot.get_ref().0.set(Expiration::OneShot(moment(deadline.boot)), absolute)?;
        let Some(wall) = deadline.wall else { return Ok(()) };
        let wall = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let canceled_when_set = absolute | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
        self.wall.get_ref().0.set(Expiration::OneShot(moment(wall)), canceled_when_set)
    }

    async fn fired(&self, deadline: Deadline) {
        tokio::select! {
            () = fired(&self.boot) => {}
            () = fired(&self.wall), if deadline.wall.is_some() => {}
        }
    }
}

/// Converts a time to the form that a timer needs. Zero becomes one nanosecond, which is also in the past, because zero
/// would disarm the timer.
fn moment(since: Duration) -> TimeSpec {
    TimeSpec::from_duration(since.max(Duration::from_nanos(1)))
}

/// Waits for a timer. A timer that was canceled because its clock was set (`ECANCELED`) counts as fired.
async fn fired(timer: &AsyncFd<Timer>) {
    if read_when_ready(timer, |timer| Ok(timer.0.wait()?)).await.is_err() {
        tokio::time::sleep(TICK).await;
    }
}
