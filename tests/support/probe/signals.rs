//! The probe's ways to take a signal.

use std::fs;
use std::mem::MaybeUninit;
use std::ptr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};

use super::{LIFETIME, line};

/// What `signals` and `generation` do beside telling.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// Signals that end the verb, beside TERM.
    exit_on: Vec<i32>,
    /// Signals that are told and have no further effect: TERM.
    ignore: Vec<i32>,
    /// Signals that are not taken at all but keep what they were: TSTP, to be stopped by it.
    leave: Vec<i32>,
}

impl Options {
    /// `[exit-on LIST] [ignore LIST] [leave LIST]`, with lists like `HUP,USR1,RTMIN+3`.
    pub(super) fn parse(words: &[&str]) -> Self {
        let mut options = Self::default();
        for pair in words.chunks(2) {
            let [name, list] = pair else { panic!("{pair:?} lacks a list of signals") };
            let signals = list.split(',').map(number).collect();
            match *name {
                "exit-on" => options.exit_on = signals,
                "ignore" => options.ignore = signals,
                "leave" => options.leave = signals,
                other => panic!("{other} is no option of the probe"),
            }
        }
        options
    }

    fn ended_by(&self, signal: i32) -> bool {
        self.exit_on.contains(&signal) || (signal == libc::SIGTERM && !self.ignore.contains(&signal))
    }
}

/// Prints `ready`, then a line for each signal, until one of them ends it.
pub(super) fn tell(options: &Options) {
    let taken = block_all_but(&options.leave);
    line("ready");
    tell_each(&taken, options, |_| ());
}

/// Says which generation of credentials it has, at the start and again when told to re-read them.
pub(super) fn tell_generation(options: &Options) {
    let taken = block_all_but(&options.leave);
    line(&format!("ready pid={} key={}", std::process::id(), current_key()));
    tell_each(&taken, options, |signal| {
        if [libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2].contains(&signal) {
            line(&format!("key={}", current_key()));
        }
    });
}

fn tell_each(taken: &libc::sigset_t, options: &Options, and_then: impl Fn(i32)) {
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

/// Tells moments of the monotonic clock in nanoseconds: its own first one, that of each signal, and after TERM its last.
pub(super) fn stamp() {
    let taken = block_all_but(&[]);
    stamp_once();
    let deadline = Instant::now() + LIFETIME;
    while let Some(arrived) = next(&taken, deadline) {
        line(&format!("{} {}", name(arrived.signal), monotonic()));
        if arrived.signal == libc::SIGTERM {
            line(&format!("ended {}", monotonic()));
            return;
        }
    }
}

/// Tells the moment at which it began, and its pid.
pub(super) fn stamp_once() {
    line(&format!("begun {} {}", monotonic(), std::process::id()));
}

fn monotonic() -> i64 {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("the clock is there");
    now.tv_sec() * 1_000_000_000 + now.tv_nsec()
}

/// Prints `ready`, and does not mind TERM.
pub(super) fn stubborn() {
    // SAFETY: no handler is installed.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    line("ready");
    std::thread::sleep(LIFETIME);
}

/// Prints `ready`; at TERM `draining`, and later `drained`.
pub(super) fn graceful(milliseconds: u64) {
    let mut term = empty();
    // SAFETY: the set is initialised.
    unsafe { libc::sigaddset(&raw mut term, libc::SIGTERM) };
    block(&term);
    line("ready");
    if next(&term, Instant::now() + LIFETIME).is_some() {
        line("draining");
        std::thread::sleep(Duration::from_millis(milliseconds));
        line("drained");
    }
}

/// Prints `ready`, and waits for TERM, whatever else comes.
pub(super) fn wait_for_term() {
    let taken = block_all_but(&[]);
    line("ready");
    let deadline = Instant::now() + LIFETIME;
    while next(&taken, deadline).is_some_and(|arrived| arrived.signal != libc::SIGTERM) {}
}

/// Dies of the signal, whatever was done to it before.
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

/// The next signal of the set, which is blocked; `None` after the deadline.
fn next(set: &libc::sigset_t, deadline: Instant) -> Option<Arrived> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = libc::timespec {
            tv_sec: libc::time_t::try_from(left.as_secs()).expect("a short time"),
            tv_nsec: libc::c_long::from(left.subsec_nanos()),
        };
        let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
        // SAFETY: all three are valid for the call, and zeroes are a siginfo.
        let (signal, info) =
            unsafe { (libc::sigtimedwait(set, info.as_mut_ptr(), &raw const timeout), info.assume_init()) };
        if signal > 0 {
            // SAFETY: the field is meaningful for the codes that are told by name, and zero or harmless otherwise.
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

/// `TERM`, `RTMIN+3`: without `SIG`.
pub(super) fn name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(known) => known.as_str().trim_start_matches("SIG").to_owned(),
        Err(_) => format!("RTMIN+{}", signal - libc::SIGRTMIN()),
    }
}

fn number(name: &str) -> i32 {
    if let Some(offset) = name.strip_prefix("RTMIN+") {
        return libc::SIGRTMIN() + offset.parse::<i32>().expect("RTMIN+ is followed by a number");
    }
    let known = Signal::from_str(&format!("SIG{name}"));
    known.unwrap_or_else(|_| panic!("{name} is no signal")) as i32
}

fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

/// Blocks every signal except those, and returns what it blocked. A blocked signal waits even if it is ignored.
fn block_all_but(left: &[i32]) -> libc::sigset_t {
    let mut set = empty();
    // SAFETY: the set is initialised.
    unsafe {
        libc::sigfillset(&raw mut set);
        for &signal in left {
            libc::sigdelset(&raw mut set, signal);
        }
    }
    block(&set);
    set
}

fn block(set: &libc::sigset_t) {
    // SAFETY: the set is initialised, and the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, set, ptr::null_mut()) };
}
