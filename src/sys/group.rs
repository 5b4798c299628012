//! What is left of a process group whose leader was reaped.

#![allow(unsafe_code)]

use super::processes::{self, State};
use crate::supervise::process::Pid;
use std::io;

/// Whether anybody lives in the group that `leader` led. Its id may be another's by now; then the answer is wrong, and
/// harmless.
///
/// Zombies do not live: their files and ports are closed, and whoever is to reap them may never do it, such as a program
/// that is a container's first process and knows nothing of that. kill(2) counts them, so each member is looked at;
/// where /proc shows none, they count here too.
pub(crate) fn lives(leader: Pid) -> bool {
    exists(leader) && {
        let mut members = processes::all();
        members.retain(|process| process.group == leader);
        members.is_empty() || members.iter().any(|member| member.state == State::Alive)
    }
}

/// Whether a process group still has members, zombies among them.
fn exists(leader: Pid) -> bool {
    // SAFETY: signal 0 is sent to nobody; kill(2) only checks.
    let result = unsafe { libc::kill(-leader, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervise::process::{Change, Group, Target};
    use crate::supervise::signal::Signal;
    use crate::sys::child::{Child, Program, Stdio};
    use std::time::Duration;

    fn eventually(is_so: impl Fn() -> bool) {
        while !is_so() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_group_of_zombies_exists_and_does_not_live() {
        let argv = [c"sh", c"-c", c"sleep 600 & exit 0"].map(Into::into).into();
        let program = Program { path: c"/bin/sh".into(), argv, env: Vec::new() };
        let child = Child::start(&program, Group::Own, Stdio::default()).unwrap();
        let group = child.pid();
        eventually(|| matches!(child.change(), Some(Change::Ended(_))));
        assert!(lives(group), "the shell has ended, what it started has not");
        child.signal(Target::Group, Signal::KILL).unwrap();
        eventually(|| !lives(group));
        assert!(exists(group), "the shell is not reaped yet");
        child.reap();
    }
}
