//! Two clocks, and waiting for a moment by either.
//!
//! Two timers of the kernel: one that counts suspend, one on the wall clock that tells when that was set. Nothing
//! ticks. Where the kernel has them not (a sandbox), the clocks are read again every 30 seconds.

use super::poll::polled;
use crate::moment::{Deadline, Now};
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::future::pending;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::time::{Duration, SystemTime};
use tokio::io::unix::AsyncFd;

/// The wall clock. It can be wrong, and it can be set.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Both clocks.
pub(crate) fn now() -> Now {
    let boot = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    Now { boot: boot.map_or(Duration::ZERO, Duration::from), wall: wall() }
}

/// Time, as the driver needs it. A test has a clock of its own.
pub(crate) trait Clock {
    fn now(&self) -> Now;

    /// Waits until the moment may have come: by the boot clock, by the wall clock, or because a clock was set. The
    /// caller looks again.
    async fn until(&self, deadline: Deadline);
}

/// The clocks of this machine.
#[derive(Debug)]
pub(crate) struct SystemClock {
    timers: Option<Timers>,
}

#[derive(Debug)]
struct Timers {
    boot: AsyncFd<Timer>,
    wall: AsyncFd<Timer>,
}

/// nix's timer, as the runtime wants its descriptors.
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

/// How often the clocks are read where no timer tells of changes.
const TICK: Duration = Duration::from_secs(30);

impl SystemClock {
    /// Within a runtime of tokio.
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
            // The clock was set since the timer was last: see timerfd_settime(2).
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
    /// Sets both to absolute moments. Setting a timer forgets what it had to tell.
    fn set(&self, deadline: Deadline) -> nix::Result<()> {
        let absolute = TimerSetTimeFlags::TFD_TIMER_ABSTIME;
        self.boot.get_ref().0.set(Expiration::OneShot(moment(deadline.boot)), absolute)?;
        match deadline.wall.map(|wall| wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()) {
            Some(wall) => {
                let told_when_set = absolute | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
                self.wall.get_ref().0.set(Expiration::OneShot(moment(wall)), told_when_set)
            }
            None => Ok(()),
        }
    }

    async fn fired(&self, deadline: Deadline) {
        let wall = async {
            match deadline.wall {
                Some(_) => fired(&self.wall).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = fired(&self.boot) => {}
            () = wall => {}
        }
    }
}

/// Zero would disarm a timer; a nanosecond is as far in the past.
fn moment(since: Duration) -> TimeSpec {
    TimeSpec::from_duration(since.max(Duration::from_nanos(1)))
}

/// Waits for a timer; one that was cancelled because its clock was set (`ECANCELED`) has fired as well.
async fn fired(timer: &AsyncFd<Timer>) {
    loop {
        match timer.readable().await {
            Ok(mut ready) => {
                if ready.try_io(|timer| Ok(timer.get_ref().0.wait()?)).is_ok() {
                    return;
                }
            }
            Err(_) => return tokio::time::sleep(TICK).await,
        }
    }
}
