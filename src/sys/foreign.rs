//! Facts about a process that xassume has not started, from `/proc`; see `proc_pid_status(5)`.

use super::pidfd::Pidfd;
use super::processes::{has_our_ids, of};
use crate::process::pid_file::FoundProcess;
use nix::unistd::{SysconfVar, sysconf};
use std::fs;
use std::io;
use std::time::Duration;

/// Returns facts about a process. They are those of this process or of a later one with the same ID, and then
/// [`Pidfd::signal`] fails. Returns `None` if the process is not visible in `/proc`.
pub(crate) fn facts(process: &Pidfd) -> Option<FoundProcess> {
    let stat = of(process.pid)?;
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
    let value = |name: &str| status.lines().find_map(|line| line.strip_prefix(name))?.split_ascii_whitespace().next();
    Some(FoundProcess {
        is_alive: stat.is_alive,
        is_thread: value("Tgid:")?.parse() != Ok(process.pid),
        user: value("Uid:")?.parse().ok()?,
        started: since_boot(stat.started),
    })
}

/// Converts clock ticks. The kernel has a hundred of them per second on all architectures that xassume supports.
fn since_boot(ticks: u64) -> Duration {
    let per_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok());
    let per_second = per_second.filter(|ticks| *ticks > 0).unwrap_or(100);
    Duration::from_nanos((ticks % per_second) * 1_000_000_000 / per_second) + Duration::from_secs(ticks / per_second)
}

/// Checks whether other processes can be signaled by a descriptor, after a look at them in `/proc`.
///
/// # Errors
/// Returns which of the two is not available.
pub(crate) fn check_support() -> Result<(), (&'static str, io::Error)> {
    let me = Pidfd::open(nix::unistd::getpid().as_raw()).map_err(|error| ("pidfd_open", error))?;
    me.check().map_err(|error| ("pidfd_send_signal", error))?;
    let visible = has_our_ids() && facts(&me).is_some();
    if visible { Ok(()) } else { Err(("/proc", io::Error::from_raw_os_error(libc::ENOENT))) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::signal::Signal;
    use crate::sys::child::Child;

    #[test]
    fn the_facts_of_a_process_are_read_and_a_zombie_is_not_alive() {
        check_support().expect("support");
        let me = facts(&Pidfd::open(nix::unistd::getpid().as_raw()).expect("a descriptor")).expect("facts");
        assert_eq!((me.is_alive, me.is_thread, me.user), (true, false, nix::unistd::getuid().as_raw()));
        assert!(me.started > Duration::ZERO && me.started <= crate::sys::boot::boottime());
        let child = Child::start("/bin/sh", &["sh", "-c", "exec sleep 1000"]).expect("a child");
        let pidfd = Pidfd::open(child.pid()).expect("a descriptor");
        pidfd.signal(Signal::KILL).expect("sent");
        while child.change().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(facts(&pidfd).map(|facts| facts.is_alive), Some(false));
        child.reap();
        assert_eq!(pidfd.signal(Signal::TERM).expect_err("reaped").raw_os_error(), Some(libc::ESRCH));
        assert!(facts(&pidfd).is_none());
    }

    #[test]
    fn a_thread_is_not_a_process() {
        let (send, receive) = std::sync::mpsc::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            tell.send(nix::unistd::gettid().as_raw()).expect("a reader");
            let _ = receive.recv();
        });
        let thread_id = told.recv().expect("an ID");
        let error = Pidfd::open(thread_id).expect_err("a thread").raw_os_error();
        assert!([Some(libc::EINVAL), Some(libc::ENOENT)].contains(&error), "{error:?}");
        drop(send);
        thread.join().expect("it ends");
    }
}
