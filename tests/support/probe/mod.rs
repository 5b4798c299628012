//! The probe: a command for xassume to run. It prints what it received, and reacts to signals as its arguments say.
//!
//! # Steps
//! The arguments of the probe are steps, separated by `then`. A step is a verb with its arguments. The probe performs
//! the steps in order; a step that waits ends as its table row says. `exit` and `die` end the probe. After the last
//! step it exits with status 0.
//!
//! | verb | what it does |
//! |---|---|
//! | `argv …` | prints all arguments, each with a NUL byte; must be the first verb, and is the only step |
//! | `environ` | prints the environment, each variable with a NUL byte |
//! | `env NAME…` | prints `NAME=value` or `NAME is unset` for each name |
//! | `state` | prints one line of JSON: process IDs, signal masks, descriptors, limits (see `state::report`) |
//! | `token FILE` | prints an OIDC token as the file describes it (see `support::issuer`) |
//! | `cat` | copies standard input to standard output |
//! | `say WORD…` | prints the words on one line |
//! | `say-to-stderr WORD…` | the same on standard error |
//! | `notify LINE…` | sends the lines to `NOTIFY_SOCKET` as one datagram |
//! | `notify-with COUNT LINE…` | the same, with that many descriptors |
//! | `barrier COUNT` | sends `BARRIER=1` with that many copies of a descriptor; prints `barrier` when all are closed |
//! | `exit STATUS` | exits |
//! | `die SIGNAL` | dies of the signal, even if it is ignored or blocked; leaves no core file |
//! | `print-signals [OPTION]…` | prints `ready`, then `NAME code=CODE pid=SENDER` for each signal; ends at TERM |
//! | `print-keys [OPTION]…` | the same, but first prints `ready pid=PID key=KEY`, and `key=KEY` after HUP, USR1, USR2 |
//! | `print-start-time` | prints `begun TIME PID`; times are monotonic, in nanoseconds |
//! | `print-times` | the same, then `NAME TIME` for each signal; TERM ends it with `ended TIME` |
//! | `ignore-term` | ignores TERM, prints `ready` and sleeps |
//! | `end-slowly MILLISECONDS` | prints `ready`; after TERM prints `draining`, waits, prints `drained` and ends |
//! | `sleep MILLISECONDS` | waits; signals have their default actions |
//! | `fork-worker` | starts a sleeping process in the same group, and prints `worker pid=PID` |
//! | `fork-worker ignore-term` | the same, but the worker ignores TERM, HUP and INT |
//! | `own-group` | makes the probe the leader of a new process group |
//! | `leave-group` | starts such a worker in a new process group, and joins that group |
//! | `orphans COUNT` | creates that many orphans, prints `ready` when all have ended, and waits for TERM |
//! | `count-zombies` | prints `zombies=COUNT`, counting all visible processes |
//! | `sockets` | prints `socket FD NAME ADDRESS MODE` for each socket that `LISTEN_FDS` gives it, or `no sockets` |
//! | `nonblocking-sockets` | makes these sockets non-blocking |
//! | `listenfd` | prints `listenfd ADDRESS` of the first socket, which it takes by the crate `listenfd` |
//! | `serve` | prints `serving pid=PID` and answers HTTP requests on these sockets with `NAME PID`, until TERM |
//! | `serve notify` | the same, but first sends `READY=1` to `NOTIFY_SOCKET`, and waits until it was received |
//! | `serve-at ADDRESS` | the same on a socket of its own |
//! | `read-tty` | prints `ready`, reads a line from the controlling terminal and prints `read LINE` |
//! | `winsize` | prints `rows=ROWS columns=COLUMNS` of the controlling terminal |
//! | `raw-tty` | puts the controlling terminal into raw mode, leaves it so, and prints `raw` |
//!
//! `KEY` is the access key ID in the environment, or else in the credentials file.
//!
//! Options of `print-signals` and `print-keys`, with lists like `HUP,USR1,RTMIN+3`:
//!
//! | option | signals that |
//! |---|---|
//! | `exit-on LIST` | end the step, in addition to TERM |
//! | `survive LIST` | are printed but do not end the step: TERM |
//! | `default LIST` | are not caught, but keep their action (TSTP stops the probe) |
//!
//! # Example
//! A test needs a command whose stop takes as long as the test wants:
//!
//! ```text
//! say began then print-signals then print-signals survive TERM exit-on USR1 then exit 4
//! ```
//!
//! 1. It prints `began`.
//! 2. It prints `ready` and each signal, until TERM, the stop signal of xassume, ends this step.
//! 3. It prints `ready` again and each further signal. TERM no longer ends the step, but USR1 from the test does.
//! 4. It exits with status 4.
//!
//! # The test binary is the probe
//! A separate program would have to be built and found. Instead, [`probe`] starts the test binary itself with [`MARK`]
//! as its first argument. A function in the section `.init_array` runs before `main`; if it finds the mark, it performs
//! the steps and exits. At that time neither the test harness nor Rust's runtime has changed signal actions, opened
//! descriptors or written output, so the probe reports exactly what it inherited. In a debugger, the probe therefore
//! never reaches `main`. It writes each line at once, without a buffer.
#![allow(unsafe_code, reason = "a constructor is a link section, and the probe ends without returning to the loader")]

mod family;
mod notify;
mod signals;
mod sockets;
mod state;
mod terminal;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

const MARK: &str = "xassume-probe";

/// Separates two steps.
const THEN: &str = "then";

/// The longest time that a probe waits: longer than any test, but not forever if the test was killed.
const LIFETIME: std::time::Duration = std::time::Duration::from_mins(2);

/// The command that starts a probe. Steps follow as further arguments.
pub fn probe() -> [OsString; 2] {
    let this = std::env::current_exe().expect("a running program has a path");
    [this.into_os_string(), MARK.into()]
}

#[used]
// SAFETY: the section holds pointers to functions that are called before main, and this is one.
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = run_as_probe_if_marked;

extern "C" fn run_as_probe_if_marked() {
    // Only some C libraries pass the arguments to such a function, so read them from the kernel.
    let Ok(raw) = fs::read("/proc/self/cmdline") else { return };
    let raw = raw.strip_suffix(b"\0").unwrap_or(&raw);
    let argv: Vec<OsString> = raw.split(|&byte| byte == 0).map(|arg| OsString::from_vec(arg.to_vec())).collect();
    if argv.get(1).is_some_and(|mark| mark == MARK) {
        let status = perform(&argv);
        // SAFETY: main has not begun, so there is nothing to clean up.
        unsafe { libc::_exit(status) }
    }
}

/// Performs the steps in order. Returns the exit status of the probe.
fn perform(argv: &[OsString]) -> i32 {
    // The other arguments are printed, not parsed.
    if argv.get(2).is_some_and(|verb| verb == "argv") {
        for arg in argv {
            print(&[arg.as_bytes(), b"\0"].concat());
        }
        return 0;
    }
    let words: Vec<String> = argv[2..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.split(|&word| word == THEN).find_map(perform_step).unwrap_or(0)
}

/// Performs one step. Returns the exit status if the step ends the probe.
fn perform_step(step: &[&str]) -> Option<i32> {
    match step {
        // Report what it received.
        ["environ"] => print(&fs::read("/proc/self/environ").expect("the kernel shows the environment")),
        ["env", names @ ..] => state::variables(names),
        ["state"] => line(&state::report().to_string()),
        ["token", file] => line(&super::issuer::print_token(file)),
        ["cat"] => copy_input(),
        ["say", words @ ..] => line(&words.join(" ")),
        ["say-to-stderr", words @ ..] => write(2, format!("{}\n", words.join(" ")).as_bytes()),

        // Notify the service manager.
        ["notify", lines @ ..] => notify::notify(0, lines),
        ["notify-with", count, lines @ ..] => notify::notify(count.parse().expect("a count is a number"), lines),
        ["barrier", count] => notify::barrier(count.parse().expect("a count is a number")),

        // End.
        ["exit", code] => return Some(code.parse().expect("a status is a number")),
        ["die", signal] => signals::die(signal),

        // React to signals.
        ["print-signals", options @ ..] => signals::print_signals(&signals::Options::parse(options)),
        ["print-keys", options @ ..] => signals::print_keys(&signals::Options::parse(options)),
        ["print-start-time"] => signals::print_start_time(),
        ["print-times"] => signals::print_times(),
        ["ignore-term"] => signals::ignore_term(),
        ["sleep", milliseconds] => sleep(milliseconds.parse().expect("a time is a number")),
        ["end-slowly", milliseconds] => signals::end_slowly(milliseconds.parse().expect("a time is a number")),

        // Start processes.
        ["fork-worker"] => family::fork_worker(family::OnTerm::End),
        ["fork-worker", "ignore-term"] => family::fork_worker(family::OnTerm::Ignore),
        ["own-group"] => family::set_group(0),
        ["leave-group"] => family::leave_group(),
        ["orphans", count] => family::orphans(count.parse().expect("a count is a number")),
        ["count-zombies"] => line(&format!("zombies={}", family::zombies())),

        // Use sockets.
        ["sockets"] => sockets::report(),
        ["nonblocking-sockets"] => sockets::make_nonblocking(),
        ["listenfd"] => sockets::take_by_listenfd(),
        ["serve"] => sockets::serve(|| {}),
        ["serve", "notify"] => sockets::serve(notify::ready),
        ["serve-at", address] => sockets::serve_at(address),

        // Use the terminal.
        ["read-tty"] => terminal::read_line(),
        ["winsize"] => terminal::report_size(),
        ["raw-tty"] => terminal::make_raw(),

        unknown => {
            write(2, format!("the probe does not know {unknown:?}\n").as_bytes());
            return Some(64);
        }
    }
    None
}

fn copy_input() {
    // SAFETY: descriptor 0 is borrowed: it is never closed here.
    let mut input = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(0) });
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = input.read(&mut buffer) {
        print(&buffer[..count]);
    }
}

fn sleep(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}

fn line(text: &str) {
    print(format!("{text}\n").as_bytes());
}

fn print(bytes: &[u8]) {
    write(1, bytes);
}

/// Writes without a buffer. Ignores a closed reader: the test may still need the exit status.
fn write(fd: i32, bytes: &[u8]) {
    // SAFETY: the descriptor is borrowed: it is never closed here.
    let mut file = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(fd) });
    let _ = file.write_all(bytes);
}
