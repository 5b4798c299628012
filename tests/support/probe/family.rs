//! The probe's descendants: workers that are left behind, and orphans for PID 1 to reap.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};

use nix::unistd::getpid;

use super::super::processes::{everyone, state_of};
use super::super::sys;
use super::{LIFETIME, line, signals};

/// Whether a worker can be ended by TERM, HUP and INT, or only by KILL.
pub(super) enum Manners {
    Obedient,
    Stubborn,
}

/// Starts a process that does nothing, in the same group; prints `worker pid=<pid>`. It holds none of our streams.
pub(super) fn fork_worker(manners: Manners) {
    line(&format!("worker pid={}", start_worker(manners, || ())));
}

/// The same, but in a group of the worker's, which the probe then joins.
pub(super) fn leave_group() {
    let worker = start_worker(Manners::Obedient, || set_group(0));
    set_group(worker);
    line(&format!("worker pid={worker}"));
}

/// Joins the group, or with 0 makes one.
pub(super) fn set_group(leader: i32) {
    // SAFETY: setpgid touches no memory.
    assert_eq!(unsafe { libc::setpgid(0, leader) }, 0, "setpgid: {}", io::Error::last_os_error());
}

fn start_worker(manners: Manners, first: impl FnOnce()) -> i32 {
    let (mut ready, holder) = io::pipe().expect("a pipe can be made");
    let pid = fork(move || {
        first();
        if matches!(manners, Manners::Stubborn) {
            for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
                // SAFETY: no handler is installed.
                unsafe { libc::signal(signal, libc::SIG_IGN) };
            }
        }
        let null = fs::OpenOptions::new().read(true).write(true).open("/dev/null").expect("there is a /dev/null");
        for fd in 0..3 {
            // SAFETY: the standard descriptors are replaced, and nothing here owns them.
            unsafe { libc::dup2(null.as_raw_fd(), fd) };
        }
        // The end of the stream tells the parent that everything is in place.
        drop(holder);
        std::thread::sleep(LIFETIME);
    });
    let _ = ready.read(&mut [0]);
    pid
}

/// Leaves that many processes to whoever reaps orphans. When `ready` is printed, all of them have ended. Waits for TERM.
pub(super) fn orphans(count: u32) {
    let (mut ended, holder) = io::pipe().expect("a pipe can be made");
    for _ in 0..count {
        let parent = fork(|| {
            let parent = sys::pidfd(getpid().as_raw()).expect("a process can refer to itself");
            fork(|| assert!(sys::wait_readable(parent.as_fd(), LIFETIME)));
        });
        // SAFETY: the child is ours, and its status is not asked for.
        unsafe { libc::waitpid(parent, std::ptr::null_mut(), 0) };
    }
    // The last orphan to end takes the last copy of the holder with it.
    drop(holder);
    let _ = ended.read(&mut [0]);
    signals::wait_for_term();
}

/// How many of the processes that can be seen are zombies.
pub(super) fn zombies() -> usize {
    everyone().filter(|&pid| state_of(pid) == Some('Z')).count()
}

/// Runs the function in a child that ends afterwards; the child's pid.
fn fork(in_the_child: impl FnOnce()) -> i32 {
    // SAFETY: the probe has one thread, so the child may do what its parent could.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", io::Error::last_os_error()),
        0 => {
            in_the_child();
            // SAFETY: the child must not run on into its parent's work.
            unsafe { libc::_exit(0) }
        }
        pid => pid,
    }
}
