//! What is left of a process group whose leader was reaped.

#![allow(unsafe_code)]

use crate::supervise::process::Pid;
use std::fs;
use std::io;

/// Whether anybody lives in the group that `leader` led. Its id may be another's by now; then the answer is wrong, and
/// harmless.
///
/// Zombies do not live: their files and ports are closed, and whoever is to reap them may never do it, such as a program
/// that is a container's first process and knows nothing of that. kill(2) counts them, so each member is looked at;
/// where /proc shows none, they count here too.
pub(crate) fn lives(leader: Pid) -> bool {
    exists(leader) && {
        let members = members(leader);
        members.is_empty() || members.contains(&Member::Alive)
    }
}

/// Whether a process group still has members, zombies among them.
fn exists(leader: Pid) -> bool {
    // SAFETY: signal 0 is sent to nobody; kill(2) only checks.
    let result = unsafe { libc::kill(-leader, 0) };
    result == 0 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Member {
    Alive,
    Zombie,
}

/// The members that /proc shows.
fn members(leader: Pid) -> Vec<Member> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = processes.filter(|entry| entry.file_name().as_encoded_bytes()[0].is_ascii_digit());
    processes.filter_map(|process| member(&fs::read_to_string(process.path().join("stat")).ok()?, leader)).collect()
}

/// Reads `/proc/PID/stat`, see `proc_pid_stat(5)`: after the name, which may hold anything, the state is the first field,
/// the group the third, and the number of threads the 18th. One whose first thread has ended is shown as a zombie while
/// others still hold its files.
fn member(stat: &str, leader: Pid) -> Option<Member> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let group: Pid = fields.get(2)?.parse().ok()?;
    let ended =
        matches!(*fields.first()?, "Z" | "X") && fields.get(17).is_none_or(|threads| matches!(*threads, "0" | "1"));
    (group == leader).then_some(if ended { Member::Zombie } else { Member::Alive })
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

    #[test]
    fn a_line_of_the_kernel_is_read_behind_the_name() {
        let stat = |state: &str, group: Pid, threads: u32| {
            format!("77 (a) Z 1 5 (b)) {state} 1 {group} 5 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 {threads} 0 9 0 0")
        };
        assert_eq!(member(&stat("S", 5, 1), 5), Some(Member::Alive));
        assert_eq!(member(&stat("Z", 5, 1), 5), Some(Member::Zombie));
        assert_eq!(member(&stat("Z", 5, 3), 5), Some(Member::Alive), "threads of it go on");
        assert_eq!(member(&stat("S", 6, 1), 5), None);
        assert_eq!(member("77 (cut", 5), None);
    }
}
