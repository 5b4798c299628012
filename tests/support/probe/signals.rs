//! The probe's reactions to signals.

use std::fs;
use std::mem::MaybeUninit;
use std::ptr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

use super::super::sys::RTMIN;
use super::{LIFETIME, line};

/// The options of `print-signals` and `print-keys`.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Signals that end the step, in addition to TERM.
    exit_on: Vec<i32>,
    /// Signals that are printed and do not end the step: TERM.
    survive: Vec<i32>,
    /// Signals that are not caught and keep their action: TSTP, which then stops the probe.
    default: Vec<i32>,
}

impl Options {
    /// `[exit-on LIST] [survive LIST] [default LIST]`, with lists like `HUP,USR1,RTMIN+3`.
    pub(super) fn parse(words: &[&str]) -> Self {
        let mut options = Self::default();
        for pair in words.chunks(2) {
            let [name, list] = pair else { panic!("{pair:?} has no list of signals") };
            let signals = list.split(',').map(number).collect();
            match *name {
                "exit-on" => options.exit_on = signals,
                "survive" => options.survive = signals,
                "default" => options.default = signals,
                other => panic!("{other} is not an option of the probe"),
            }
        }
        options
    }

    fn ended_by(&self, signal: i32) -> bool {
        self.exit_on.contains(&signal) || (signal == libc::SIGTERM && !self.survive.contains(&signal))
    }
}

/// Prints `ready`, then a line for each signal, until one of them ends it.
pub(super) fn print_signals(options: &Options) {
    let taken = block_all_except(&options.default);
    line("ready");
    print_each(&taken, options, |_| ());
}

/// Like `print_signals`, but also prints the access key, at the start and after HUP, USR1 and USR2.
pub(super) fn print_keys(options: &Options) {
    let taken = block_all_except(&options.default);
    line(&format!("ready pid={} key={}", std::process::id(), current_key()));
    print_each(&taken, options, |signal| {
        if [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2].contains(&signal) {
            line(&format!("key={}", current_key()));
        }
    });
}

fn print_each(taken: &libc::sigset_t, options: &Options, and_then: impl Fn(i32)) {
    let deadline = Instant::now() + LIFETIME;
    while let Some(arrived) = next(taken, deadline) {
        line(&format!("{} code={} pid={}", name(arrived.signal), arrived.code, arrived.sender));
        and_then(arrived.signal);
        if options.ended_by(arrived.signal) {
            return;
        }
    }
}

/// The access key in the environment, or else the first one in the credentials file.
fn current_key() -> String {
    let in_file = || {
        let text = fs::read_to_string(std::env::var_os("AWS_SHARED_CREDENTIALS_FILE")?).ok()?;
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(name, _)| name.trim() == "aws_access_key_id").map(|(_, key)| key.trim().to_owned())
    };
    std::env::var("AWS_ACCESS_KEY_ID").ok().or_else(in_file).unwrap_or_else(|| "none".to_owned())
}

/// Prints times of the monotonic clock in nanoseconds: of the start, of each signal, and of the end after TERM.
pub(super) fn print_times() {
    let taken = block_all_except(&[]);
    print_start_time();
    let deadline = Instant::now() + LIFETIME;
    while let Some(arrived) = next(&taken, deadline) {
        line(&format!("{} {}", name(arrived.signal), monotonic()));
        if arrived.signal == libc::SIGTERM {
            line(&format!("ended {}", monotonic()));
            return;
        }
    }
}

/// Prints the time of the start, and the pid.
pub(super) fn print_start_time() {
    line(&format!("begun {} {}", monotonic(), std::process::id()));
}

fn monotonic() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock is there");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

/// Ignores TERM, prints `ready` and sleeps.
pub(super) fn ignore_term() {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    line("ready");
    std::thread::sleep(LIFETIME);
}

/// Prints `ready`; after TERM `draining`, and after this time `drained`.
pub(super) fn end_slowly(milliseconds: u64) {
    let mut term = empty();
    // SAFETY: the set is initialized.
    unsafe { libc::sigaddset(&raw mut term, libc::SIGTERM) };
    block(&term);
    line("ready");
    if next(&term, Instant::now() + LIFETIME).is_some() {
        line("draining");
        std::thread::sleep(Duration::from_millis(milliseconds));
        line("drained");
    }
}

/// Prints `ready` and waits for TERM. Other signals have no effect.
pub(super) fn wait_for_term() {
    let taken = block_all_except(&[]);
    line("ready");
    let deadline = Instant::now() + LIFETIME;
    while next(&taken, deadline).is_some_and(|arrived| arrived.signal != libc::SIGTERM) {}
}

/// Dies of the signal, even if it is ignored or blocked.
pub(super) fn die(signal: &str) {
    let signal = number(signal);
    // SAFETY: no memory is shared with a handler, since none is installed.
    unsafe {
        // A core file would outlive the test.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        let mut set = empty();
        libc::sigaddset(&raw mut set, signal);
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
        libc::raise(signal);
    }
}

struct Arrived {
    signal: i32,
    code: String,
    sender: i32,
}

/// The next signal of the set, whose signals are blocked; `None` after the deadline.
fn next(set: &libc::sigset_t, deadline: Instant) -> Option<Arrived> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = TimeSpec::from_duration(left);
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: all three are valid for the call, and zeroes are a valid siginfo.
        let (signal, info) =
            unsafe { (libc::sigtimedwait(set, info.as_mut_ptr(), timeout.as_ref()), info.assume_init()) };
        if signal > 0 {
            // SAFETY: the field is defined for the codes that `code` names, and zero or harmless otherwise.
            let sender = unsafe { info.si_pid() };
            return Some(Arrived { signal, code: code(info.si_code), sender });
        }
        if left.is_zero() {
            return None;
        }
    }
}

fn code(code: i32) -> String {
    match code {
        libc::SI_USER => "SI_USER".to_owned(),
        libc::SI_KERNEL => "SI_KERNEL".to_owned(),
        libc::SI_QUEUE => "SI_QUEUE".to_owned(),
        libc::SI_TKILL => "SI_TKILL".to_owned(),
        other => other.to_string(),
    }
}

/// The name without `SIG`: `TERM`, `RTMIN+3`.
pub(super) fn name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(known) => known.as_str().trim_start_matches("SIG").to_owned(),
        Err(_) => format!("RTMIN+{}", signal - RTMIN),
    }
}

fn number(name: &str) -> i32 {
    if let Some(offset) = name.strip_prefix("RTMIN+") {
        return RTMIN + offset.parse::<i32>().expect("RTMIN+ is followed by a number");
    }
    let known = Signal::from_str(&format!("SIG{name}"));
    known.unwrap_or_else(|_| panic!("{name} is not a signal")) as i32
}

fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initializes the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Blocks all other signals, and returns the set of blocked signals. A blocked signal stays pending even if it is
/// ignored.
fn block_all_except(unblocked: &[i32]) -> libc::sigset_t {
    let mut set = empty();
    // SAFETY: the set is initialized.
    unsafe {
        libc::sigfillset(&raw mut set);
        for &signal in unblocked {
            libc::sigdelset(&raw mut set, signal);
        }
    }
    block(&set);
    set
}

fn block(set: &libc::sigset_t) {
    // SAFETY: the set is initialized, and the old mask is not requested.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, set, ptr::null_mut()) };
}
