//! The probe's descendants: workers that outlive it, and orphans that PID 1 reaps.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsRawFd;

use nix::unistd::getpid;

use super::super::processes::{Process, all_processes, state_of};
use super::{LIFETIME, line, signals};

/// How a worker reacts to TERM, HUP and INT.
pub(super) enum OnTerm {
    End,
    Ignore,
}

/// Starts a process that sleeps, in the same group; prints `worker pid=<pid>`. It has none of our streams open.
pub(super) fn fork_worker(on_term: OnTerm) {
    line(&format!("worker pid={}", start_worker(on_term, || ())));
}

/// The same, but the worker leads a new process group, which the probe joins.
pub(super) fn leave_group() {
    let worker = start_worker(OnTerm::End, || set_group(0));
    set_group(worker);
    line(&format!("worker pid={worker}"));
}

/// Joins the process group, or with 0 creates one.
pub(super) fn set_group(leader: i32) {
    // SAFETY: setpgid touches no memory.
    assert_eq!(unsafe { libc::setpgid(0, leader) }, 0, "setpgid: {}", io::Error::last_os_error());
}

fn start_worker(on_term: OnTerm, first: impl FnOnce()) -> i32 {
    let (mut ready, holder) = io::pipe().expect("a pipe can be made");
    let pid = fork(move || {
        first();
        if matches!(on_term, OnTerm::Ignore) {
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
        // The parent waits for the end of this stream.
        drop(holder);
        std::thread::sleep(LIFETIME);
    });
    let _ = ready.read(&mut [0]);
    pid
}

/// Creates that many orphans. Prints `ready` when all of them have ended, and waits for TERM.
pub(super) fn orphans(count: u32) {
    let (mut ended, holder) = io::pipe().expect("a pipe can be made");
    for _ in 0..count {
        let parent = fork(|| {
            let parent = Process::open(getpid().as_raw()).expect("this process exists");
            fork(|| assert!(parent.ends_within(LIFETIME)));
        });
        // SAFETY: the child is ours, and its status is not requested.
        unsafe { libc::waitpid(parent, std::ptr::null_mut(), 0) };
    }
    // The stream ends with the last orphan.
    drop(holder);
    let _ = ended.read(&mut [0]);
    signals::wait_for_term();
}

/// The number of zombies among all visible processes.
pub(super) fn zombies() -> usize {
    all_processes().filter(|&pid| state_of(pid) == Some('Z')).count()
}

/// Runs the function in a child that then ends. Returns its pid.
fn fork(in_the_child: impl FnOnce()) -> i32 {
    // SAFETY: the probe has one thread, so the child may do what its parent could.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", io::Error::last_os_error()),
        0 => {
            in_the_child();
            // SAFETY: the child must not continue with the code of its parent.
            unsafe { libc::_exit(0) }
        }
        pid => pid,
    }
}
