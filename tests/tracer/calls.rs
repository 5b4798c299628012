//! Describes a system call: its name, what it refers to, and how it can fail.

use super::table::{CALLS, Call, OPEN, READ, RECEIVE, Refers, SEND, WAIT};
use super::{Fault, SyscallInfo};
use libc::{EINTR, EIO, EMFILE, EPIPE, c_int, c_long, pid_t};
use std::fmt;
use std::fs;
use std::os::unix::fs::FileExt as _;

/// The calls that something outside the process can delay, if their file system, pipe or terminal can.
const BLOCKABLE: &[&str] = &[
    "read",
    "pread",
    "readv",
    "write",
    "pwrite",
    "writev",
    "fsync",
    "flock",
    "getdents",
    "ftruncate",
    "fchmod",
    "open",
    "stat",
    "unlink",
    "mkdir",
    "rmdir",
    "readlink",
    "rename",
    "access",
    "chmod",
    "exec",
];

/// A call of a tracee.
pub(super) struct Described {
    name: String,
    target: Target,
    errnos: &'static [c_int],
    length: Option<u64>,
}

enum Target {
    None,
    /// A path, or a descriptor of a file.
    File(String),
    /// A pipe or terminal.
    Stream {
        fd: u64,
        blocks: bool,
        is_terminal: bool,
    },
    /// A socket, or an object of the kernel without a name.
    Other {
        kind: String,
        blocks: bool,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("-"),
            Self::File(path) => f.write_str(path),
            Self::Stream { fd, .. } => write!(f, "fd {fd}, a pipe or terminal"),
            Self::Other { kind, .. } => f.write_str(kind),
        }
    }
}

impl Described {
    pub(super) fn of(pid: pid_t, info: &SyscallInfo) -> Self {
        let number = c_long::try_from(info.number).unwrap_or(-1);
        let [first, second, third, ..] = info.args;
        let Some(Call(name, _, refers, errnos)) = CALLS.iter().find(|call| call.1 == number) else {
            let (name, errnos): (_, &[c_int]) = match (number, second & 0x7f) {
                // FUTEX_WAIT and FUTEX_WAIT_BITSET.
                (libc::SYS_futex, 0 | 9) => ("futex".to_owned(), WAIT),
                (libc::SYS_futex, _) => ("futex_wake".to_owned(), &[]),
                _ => (format!("call-{number}"), &[]),
            };
            return Self { name, target: Target::None, errnos, length: None };
        };
        let target = match refers {
            Refers::Nothing => Target::None,
            Refers::Fd => fd_target(pid, first),
            Refers::Path => Target::File(path(pid, None, first)),
            Refers::At => Target::File(path(pid, Some(first), second)),
        };
        let transfers = matches!(*name, "read" | "pread" | "write" | "pwrite" | "recv" | "send");
        // The kernel transfers the number of an eventfd or a timer whole.
        let is_number = matches!(&target, Target::Other { kind, .. } if kind != "socket");
        let length = transfers.then_some(third).filter(|length| *length > 1 && !is_number);
        let flags = c_int::try_from(if matches!(refers, Refers::At) { third } else { second }).unwrap_or_default();
        let errnos = match (*name, &target) {
            ("fcntl", _) if matches!(c_int::try_from(second), Ok(libc::F_DUPFD | libc::F_DUPFD_CLOEXEC)) => &[EMFILE],
            // Only a file that is created or changed needs room on a disk that can be written.
            ("open", _) if flags & (libc::O_CREAT | libc::O_ACCMODE) == 0 => &OPEN[..6],
            ("read" | "readv" | "recv" | "recvmsg", Target::Other { kind, blocks }) => match (&kind[..], blocks) {
                ("socket", true) => RECEIVE,
                ("socket", false) => &RECEIVE[..2],
                (_, true) => WAIT,
                (_, false) => &[],
            },
            ("write" | "writev" | "send" | "sendmsg", Target::Other { kind, blocks }) => match (&kind[..], blocks) {
                ("socket", true) => SEND,
                ("socket", false) => &SEND[..3],
                (_, true) => WAIT,
                (_, false) => &[],
            },
            ("read" | "readv" | "write" | "writev", Target::Stream { blocks, is_terminal, .. }) => {
                let all: &[c_int] = match (name.starts_with("write"), is_terminal) {
                    (true, true) => &[EIO, EINTR],
                    (true, false) => &[EPIPE, EINTR],
                    (false, true) => READ,
                    (false, false) => WAIT,
                };
                // EINTR is the last one.
                if *blocks { all } else { &all[..all.len() - 1] }
            }
            _ => errnos,
        };
        Self { name: (*name).to_owned(), target, errnos, length }
    }

    /// Whether something outside the process can delay the call.
    pub(super) fn is_blockable(&self) -> bool {
        let by_target = match &self.target {
            Target::File(path) => is_delayable(path),
            Target::Stream { blocks, .. } => *blocks,
            Target::None | Target::Other { .. } => false,
        };
        by_target && BLOCKABLE.contains(&&self.name[..])
    }

    /// Whether the call has this name, and can have this fault.
    pub(super) fn can_have(&self, name: &str, fault: Fault) -> bool {
        let fits = match fault {
            Fault::Fail(errno) => self.errnos.contains(&errno),
            Fault::Short(most) => self.length.is_some_and(|length| length > most),
            Fault::Hold | Fault::Kill | Fault::KillCaller => true,
        };
        self.name == name && fits
    }

    /// Whether the call has its effect even if it fails.
    pub(super) fn has_effect_always(&self) -> bool {
        self.name == "close"
    }

    /// The fields of a line in the tracer's list: name, target, error numbers, length of a transfer.
    pub(super) fn fields(&self) -> String {
        let errnos = self.errnos.iter().map(c_int::to_string).collect::<Vec<_>>().join(" ");
        let length = self.length.map_or_else(String::new, |length| length.to_string());
        format!("{}\t{}\t{errnos}\t{length}", self.name, self.target)
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.target)
    }
}

fn fd_target(pid: pid_t, fd: u64) -> Target {
    let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok();
    let Some(target) = link.as_ref().and_then(|link| link.to_str()) else { return Target::None };
    let blocks = || {
        let about = fs::read_to_string(format!("/proc/{pid}/fdinfo/{fd}")).unwrap_or_default();
        let flags = about.lines().find_map(|line| c_int::from_str_radix(line.strip_prefix("flags:")?.trim(), 8).ok());
        flags.is_some_and(|flags| flags & libc::O_NONBLOCK == 0)
    };
    let is_terminal = target.starts_with("/dev/pts/");
    if target.starts_with("pipe:") || is_terminal {
        return Target::Stream { fd, blocks: blocks(), is_terminal };
    }
    match target.split_once(':') {
        Some((kind, _)) if !target.starts_with('/') && kind == "socket" => {
            Target::Other { kind: "socket".to_owned(), blocks: blocks() }
        }
        Some(("anon_inode", kind)) => {
            Target::Other { kind: kind.trim_matches(['[', ']']).to_owned(), blocks: blocks() }
        }
        _ => Target::File(target.to_owned()),
    }
}

/// A path in the memory of the process, with its directory.
fn path(pid: pid_t, directory: Option<u64>, at: u64) -> String {
    let read = || {
        let memory = fs::File::open(format!("/proc/{pid}/mem")).ok()?;
        let mut bytes = [0; 512];
        let got = memory.read_at(&mut bytes, at).ok()?;
        let length = bytes[..got].iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
    };
    let name = read().unwrap_or_default();
    match directory {
        Some(fd) if !name.starts_with('/') => {
            let directory = fs::read_link(format!("/proc/{pid}/fd/{fd}")).ok();
            let directory = directory.and_then(|directory| Some(directory.to_str()?.to_owned()));
            let directory = directory.unwrap_or_else(|| ".".to_owned());
            if name.is_empty() { directory } else { format!("{directory}/{name}") }
        }
        _ => name,
    }
}

fn is_delayable(path: &str) -> bool {
    let harmless = ["/proc/", "/sys/", "/dev/null", "/dev/urandom", "/dev/tty", "socket:", "anon_inode:"];
    // Other files may be on a disk where there is no such file system, but not these sockets.
    let is_socket_in_memory = path.starts_with("/dev/shm/") && path.contains("/notify-");
    (path.starts_with('/') || path.starts_with('.'))
        && path != "/proc"
        && !is_socket_in_memory
        && !harmless.iter().any(|start| path.starts_with(start))
}
