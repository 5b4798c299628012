//! The probe: a command for xassume to run that tells what it finds, and behaves as it is told.
//!
//! It is the test program itself, run again with a mark as first argument. A constructor notices the mark before `main`,
//! so neither the test harness nor Rust's runtime has touched signals, descriptors or output yet: what the probe reports
//! is what it was given. Everything it prints is written at once, one line at a time. See `act` for what it can do.
#![allow(unsafe_code, reason = "a constructor is a link section, and the probe ends without returning to the loader")]

mod family;
mod signals;
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

/// Says between two verbs that the second follows when the first is done.
const THEN: &str = "then";

/// How long a probe that waits will wait at most: longer than any test, but not for ever if its test was killed.
const LIFETIME: std::time::Duration = std::time::Duration::from_mins(2);

/// The command that starts a probe; verbs follow as further arguments.
pub fn probe() -> [OsString; 2] {
    let this = std::env::current_exe().expect("a running program has a path");
    [this.into_os_string(), MARK.into()]
}

#[used]
// SAFETY: the section holds pointers to functions that are called before main, and this is one.
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = become_the_probe;

extern "C" fn become_the_probe() {
    // Arguments are read from the kernel: a constructor is given them by some C libraries only.
    let Ok(raw) = fs::read("/proc/self/cmdline") else { return };
    let raw = raw.strip_suffix(b"\0").unwrap_or(&raw);
    let argv: Vec<OsString> = raw.split(|&byte| byte == 0).map(|arg| OsString::from_vec(arg.to_vec())).collect();
    if argv.get(1).is_some_and(|mark| mark == MARK) {
        let status = perform(&argv);
        // SAFETY: nothing needs to be torn down, and nothing must be: main has not begun.
        unsafe { libc::_exit(status) }
    }
}

/// Carries out the verbs in their order; the exit status of the probe.
fn perform(argv: &[OsString]) -> i32 {
    // Its arguments are shown, not understood.
    if argv.get(2).is_some_and(|verb| verb == "argv") {
        for arg in argv {
            print(&[arg.as_bytes(), b"\0"].concat());
        }
        return 0;
    }
    let words: Vec<String> = argv[2..].iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.split(|&word| word == THEN).find_map(act).unwrap_or(0)
}

/// One verb with its arguments; the exit status, if this verb ends the probe.
fn act(step: &[&str]) -> Option<i32> {
    match step {
        // What it was given.
        ["environ"] => print(&fs::read("/proc/self/environ").expect("the kernel shows the environment")),
        ["env", names @ ..] => state::variables(names),
        ["state"] => line(&state::report().to_string()),
        ["cat"] => copy_input(),
        ["say", words @ ..] => line(&words.join(" ")),
        ["complain", words @ ..] => write(2, format!("{}\n", words.join(" ")).as_bytes()),

        // How it ends.
        ["exit", code] => return Some(code.parse().expect("a status is a number")),
        ["die", signal] => signals::die(signal),

        // How it takes signals.
        ["signals", options @ ..] => signals::tell(&signals::Options::parse(options)),
        ["generation", options @ ..] => signals::tell_generation(&signals::Options::parse(options)),
        ["stamp", "once"] => signals::stamp_once(),
        ["stamp"] => signals::stamp(),
        ["stubborn"] => signals::stubborn(),
        ["graceful", milliseconds] => signals::graceful(milliseconds.parse().expect("a time is a number")),

        // Whom it starts.
        ["fork-worker"] => family::fork_worker(family::Manners::Obedient),
        ["fork-worker", "stubborn"] => family::fork_worker(family::Manners::Stubborn),
        ["own-group"] => family::set_group(0),
        ["leave-group"] => family::leave_group(),
        ["orphans", count] => family::orphans(count.parse().expect("a count is a number")),
        ["zombies"] => line(&format!("zombies={}", family::zombies())),

        // What it does with a terminal.
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

fn line(text: &str) {
    print(format!("{text}\n").as_bytes());
}

fn print(bytes: &[u8]) {
    write(1, bytes);
}

/// Past every buffer. A reader that has gone is no reason to fail: signals may still have to be told apart by the exit.
fn write(fd: i32, bytes: &[u8]) {
    // SAFETY: the descriptor is borrowed: it is never closed here.
    let mut file = ManuallyDrop::new(unsafe { fs::File::from_raw_fd(fd) });
    let _ = file.write_all(bytes);
}
