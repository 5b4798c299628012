//! The state that the probe inherited from its parent.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;

use nix::sys::prctl::get_pdeathsig;
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{getpgrp, getpid, getppid, getsid, isatty, tcgetpgrp};
use serde_json::{Value, json};

use super::super::sys::RTMIN;
use super::line;
use super::signals::name;

/// Prints `NAME=value` or `NAME is unset` for each name.
pub(super) fn variables(names: &[&str]) {
    for name in names {
        match std::env::var_os(name) {
            Some(value) => line(&format!("{name}={}", value.to_string_lossy())),
            None => line(&format!("{name} is unset")),
        }
    }
}

pub(super) fn report() -> Value {
    let status = fs::read_to_string("/proc/self/status").expect("the kernel shows the status");
    let field = |name: &str| {
        let mut lines = status.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| *key == name).map_or("", |(_, value)| value.trim())
    };
    json!({
        "pid": getpid().as_raw(),
        "ppid": getppid().as_raw(),
        "pgid": getpgrp().as_raw(),
        "sid": getsid(None).expect("a process has a session").as_raw(),
        "SigIgn": signals(field("SigIgn")),
        "SigBlk": signals(field("SigBlk")),
        "SigCgt": signals(field("SigCgt")),
        "fds": descriptors(),
        "cwd": std::env::current_dir().unwrap_or_default().to_string_lossy(),
        "umask": format!("{:04o}", umask()),
        "nice": nice(),
        "stdin_is_tty": isatty(std::io::stdin()).unwrap_or(false),
        "tty_pgrp": foreground(),
        "pdeathsig": get_pdeathsig().ok().flatten().map(|signal| name(signal as i32)),
        "core_limit": getrlimit(Resource::RLIMIT_CORE).map(|(soft, _)| soft).unwrap_or_default(),
    })
}

/// `/proc` has it only since Linux 4.7. The probe has one thread, so nothing creates a file meanwhile.
fn umask() -> u32 {
    let mask = nix::sys::stat::umask(Mode::empty());
    nix::sys::stat::umask(mask);
    mask.bits()
}

/// The names in a signal mask in `/proc`. The signals between the standard and the real-time ones are reserved for the
/// C library. No program can change them, so they say nothing about the parent.
fn signals(mask: &str) -> Vec<String> {
    let mask = u64::from_str_radix(mask, 16).unwrap_or_default();
    let known = (1..32).chain(RTMIN..=libc::SIGRTMAX());
    known.filter(|signal| mask >> (signal - 1) & 1 == 1).map(name).collect()
}

/// Open descriptors and their targets, as in `/proc`.
fn descriptors() -> BTreeMap<String, String> {
    let listing = fs::read_dir("/proc/self/fd").expect("the kernel shows descriptors");
    let numbers: Vec<_> = listing.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    // The descriptor of the listing itself is closed by now and has no target.
    let targets = numbers.into_iter().filter_map(|number| {
        let target = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        Some((number, target.to_string_lossy().into_owned()))
    });
    targets.collect()
}

/// The nineteenth field of `stat`, counted after the name, which may contain any character.
fn nice() -> Option<i32> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()
}

/// The foreground process group of the controlling terminal; `None` without a terminal.
fn foreground() -> Option<i32> {
    let terminal = fs::OpenOptions::new().read(true).custom_flags(libc::O_NOCTTY).open("/dev/tty").ok()?;
    tcgetpgrp(terminal.as_fd()).ok().map(nix::unistd::Pid::as_raw)
}
