//! Processes as `/proc` shows them, see `proc_pid_stat(5)`. Where there is no `/proc`, there is nobody.

use crate::supervise::process::Pid;
use std::fs;

/// A process at the moment of the look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) parent: Pid,
    pub(super) group: Pid,
    pub(super) state: State,
    /// When it was started, in ticks since the boot: tells it from a later process of the same id.
    pub(super) started: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    Alive,
    /// Its files and ports are closed; only its status is left.
    Zombie,
}

/// Everybody who can be seen.
pub(super) fn all() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| of(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The process of that id, if it can be seen.
pub(super) fn of(pid: Pid) -> Option<Process> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Reads the fields behind the name, which may hold anything: the state is the first, the parent the second, the group
/// the third, the number of threads the 18th, the start the 20th. A process whose first thread has ended is shown as a
/// zombie while others still hold its files.
fn parse(pid: Pid, stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ended =
        matches!(*fields.first()?, "Z" | "X") && fields.get(17).is_none_or(|threads| matches!(*threads, "0" | "1"));
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        state: if ended { State::Zombie } else { State::Alive },
        started: fields.get(19)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read_behind_the_name() {
        let state = |state: &str, threads: u32| {
            let stat = format!("77 (a) Z 1 5 (b)) {state} 1 5 5 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 {threads} 0 912 0 0");
            let process = parse(77, &stat).expect("a whole line");
            assert_eq!((process.parent, process.group, process.started), (1, 5, 912));
            process.state
        };
        assert_eq!(state("S", 1), State::Alive);
        assert_eq!(state("Z", 1), State::Zombie);
        assert_eq!(state("Z", 3), State::Alive, "threads of it go on");
        assert_eq!(parse(77, "77 (cut"), None);
    }

    #[test]
    fn this_process_is_seen() {
        let me = nix::unistd::getpid().as_raw();
        let seen = of(me).expect("it runs");
        assert_eq!((seen.parent, seen.state), (nix::unistd::getppid().as_raw(), State::Alive));
        assert!(all().iter().any(|process| process.pid == me && process.started == seen.started));
    }
}
