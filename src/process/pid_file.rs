//! The rules for a pid file (`--signal-pid-file`): which process it names, and whether that process may be signaled.
//!
//! The ID of a process that has exited can be reused, and then the file names a process for which it was not written.
//! Such a process was started after the file was modified. To compare the two times, both must be times of the boot
//! clock, and the kernel knows only the present difference between the clocks. So if the wall clock was set, the time of
//! the file may be wrong.

use super::Pid;
use crate::moment::Now;
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// The maximum size of a pid file in bytes.
pub(crate) const MOST_BYTES: usize = 64;
/// How much later than the file's modification time a process may have been started. Some file systems store times with a
/// resolution of two seconds.
const TOLERANCE: Duration = Duration::from_secs(2);

/// Facts about a process that a pid file names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FoundProcess {
    /// Whether the process is not a zombie.
    pub(crate) is_alive: bool,
    /// Whether the ID is that of a thread that is not the first one of its process.
    pub(crate) is_thread: bool,
    /// The real user ID.
    pub(crate) user: u32,
    /// When the process was started, by the boot clock.
    pub(crate) started: Duration,
}

/// A process that was found to be the one for which the pid file was written. During a boot, no other process has the
/// same ID and start time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct NamedProcess {
    pub(crate) pid: Pid,
    /// By the boot clock.
    pub(crate) started: Duration,
}

/// Returns the process ID in the first line of a pid file. As the Filesystem Hierarchy Standard (3.15) requires, white
/// space, leading zeros, further lines and the lack of a newline are accepted. Returns `None` if the line is not the ID of
/// a process.
pub(crate) fn pid_in(contents: &[u8]) -> Option<Pid> {
    let line = contents.split(|byte| *byte == b'\n').next()?.trim_ascii();
    let is_decimal = line.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(line).ok().filter(|_| is_decimal)?.parse().ok()
}

/// Checks whether a file of this owner may name a process of this user. `me` is xassume's user. Because of this rule, a
/// user can name only processes that this user can signal anyway.
pub(crate) fn may_name(owner: u32, me: u32, process_user: u32) -> bool {
    [0, me, process_user].contains(&owner)
}

/// A time at which xassume knew something about the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Earlier {
    pub(crate) at: Now,
    /// Whether the file has been replaced since then, because it named another process.
    pub(crate) is_replaced: bool,
}

/// Checks whether a process was started after the file was modified, so that the file was written for an earlier process.
/// `earlier` is the last time at which the file named the right process, or else the time at which xassume was started.
///
/// If the wall clock was set since then, the file's time is by the clock from before or from after that. Each of the two
/// that is possible must show that the process is the right one. Whether the clock was set before is not known.
pub(crate) fn is_stale(started: Duration, modified: SystemTime, earlier: Earlier, now: Now) -> bool {
    let tolerance = nanoseconds(TOLERANCE);
    let is_later = |modified: i128| nanoseconds(started) > modified + tolerance;
    let is_past = |modified: &i128| *modified <= nanoseconds(now.boot) + tolerance;
    let is_since = |modified: &i128| *modified >= nanoseconds(earlier.at.boot) - tolerance;
    let [before, after] = [earlier.at, now].map(|now| boot_time(modified, now));
    if (before - after).abs() <= tolerance {
        return is_later(after) || !is_past(&after);
    }
    let before = Some(before).filter(|before| !earlier.is_replaced || is_since(before));
    let possible: Vec<_> = before.into_iter().chain(Some(after).filter(is_since)).filter(is_past).collect();
    possible.is_empty() || possible.into_iter().any(is_later)
}

/// Checks whether a file was modified later than now, because the wall clock was set back.
pub(crate) fn is_in_future(modified: SystemTime, now: Now) -> bool {
    modified.duration_since(now.wall).is_ok_and(|ahead| ahead > TOLERANCE)
}

/// Returns a wall time as nanoseconds of the boot clock. The result is negative if the time was before the boot.
fn boot_time(wall: SystemTime, now: Now) -> i128 {
    let since = match wall.duration_since(now.wall) {
        Ok(ahead) => nanoseconds(ahead),
        Err(error) => -nanoseconds(error.duration()),
    };
    nanoseconds(now.boot) + since
}

fn nanoseconds(time: Duration) -> i128 {
    i128::try_from(time.as_nanos()).unwrap_or(i128::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Returns a time of the boot clock. The wall clock is `ahead` seconds further than that of [`at`] with 0.
    fn at(boot: u64, ahead: i64) -> Now {
        let wall = SystemTime::UNIX_EPOCH + seconds(1_000_000_000 + boot);
        let step = seconds(ahead.unsigned_abs());
        Now { boot: seconds(boot), wall: if ahead < 0 { wall - step } else { wall + step } }
    }

    #[test]
    fn the_first_line_is_a_process_id() {
        for (text, pid) in [
            ("77", Some(77)),
            ("77\n", Some(77)),
            ("  0077\r\nmore\n", Some(77)),
            ("1\n", Some(1)),
            ("0\n", Some(0)),
            ("", None),
            ("\n77\n", None),
            ("-77\n", None),
            ("+77\n", None),
            ("7 7\n", None),
            ("0x4d\n", None),
            ("77\0\n", None),
            ("99999999999\n", None),
            ("٧٧\n", None),
        ] {
            assert_eq!(pid_in(text.as_bytes()), pid, "{text:?}");
        }
        assert_eq!(pid_in(b"7\xff"), None);
    }

    #[test]
    fn a_file_belongs_to_root_to_this_user_or_to_the_user_of_the_process() {
        for (owner, allowed) in [(0, true), (1000, true), (2000, true), (3000, false)] {
            assert_eq!(may_name(owner, 1000, 2000), allowed, "{owner}");
        }
        assert!(!may_name(1000, 0, 0), "another user's file does not name a process of root");
    }

    fn stale(started: u64, modified: Now, began: Now, now: Now) -> bool {
        is_stale(seconds(started), modified.wall, Earlier { at: began, is_replaced: false }, now)
    }

    #[test]
    fn a_process_that_is_more_than_two_seconds_younger_than_the_file_is_another_one() {
        let (began, now) = (at(500, 0), at(4000, 0));
        for (started, expected) in [(3, false), (100, false), (102, false), (103, true), (3999, true)] {
            assert_eq!(stale(started, at(100, 0), began, now), expected, "{started}");
        }
        // A file from an earlier boot, and one from the future.
        let earlier = Earlier { at: began, is_replaced: false };
        assert!(is_stale(seconds(3), SystemTime::UNIX_EPOCH, earlier, now));
        assert!(stale(3, at(4003, 0), began, now) && !stale(3, at(4002, 0), began, now));
        assert!(is_in_future(at(4003, 0).wall, now) && !is_in_future(at(4002, 0).wall, now));
    }

    #[test]
    fn a_file_from_before_a_step_of_the_clock_has_the_time_of_the_earlier_clock() {
        for step in [3600, 30 * 365 * 86400, -600, -3600, -86400] {
            let (began, now) = (at(500, 0), at(4000, step));
            for (started, expected) in [(99, false), (3990, true)] {
                assert_eq!(stale(started, at(100, 0), began, now), expected, "{started} {step}");
                assert_eq!(stale(started, at(600, 0), began, now), expected, "{started} {step}");
            }
            assert!(stale(110, at(100, 0), began, now), "{step}");
        }
    }

    #[test]
    fn a_file_from_after_a_step_of_the_clock_has_the_time_of_the_later_clock() {
        let now = |step| at(4000, step);
        for (started, expected) in [(2999, false), (3003, true)] {
            assert_eq!(stale(started, at(3000, 7200), at(500, 0), now(7200)), expected, "{started}");
            // The clock was set back, so the file could also be from before the boot. It is not if it named another
            // process before.
            assert!(stale(started, at(3000, -7200), at(500, 0), now(-7200)), "{started}");
            let earlier = Earlier { at: at(500, 0), is_replaced: true };
            let modified = at(3000, -7200).wall;
            assert_eq!(is_stale(seconds(started), modified, earlier, now(-7200)), expected, "{started}");
        }
    }

    #[test]
    fn if_both_clocks_are_possible_both_must_fit() {
        // Twenty minutes back. The file may have been modified 1000 or 2200 seconds after the boot.
        for (started, expected) in [(999, false), (1500, true), (2300, true)] {
            assert_eq!(stale(started, at(1000, 0), at(500, 0), at(4000, -1200)), expected, "{started}");
        }
    }
}
