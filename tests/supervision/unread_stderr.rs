//! A standard error that is not read: only the messages wait for it.

mod early;
mod terminal;

use super::processes::eventually;
use super::{ROLE, SHORT, denied, probing, scripted};
use crate::support::capture::Capture;
use crate::support::http::get;
use crate::support::sys::RTMIN;
use crate::support::{Answer, DeniedCall, FakeSts, Running, Xassume};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, PipeReader, PipeWriter, Write as _, pipe};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

/// Enough for a busy machine. A blocked xassume would take forever.
const SOON: Duration = Duration::from_secs(5);

/// A pipe that is the standard error of xassume and its command. The test decides when to read it.
struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Pipe {
    fn new() -> Self {
        let (reader, writer) = pipe().expect("a pipe can be made");
        Self { reader, writer }
    }

    /// Through a new open file description, because `O_NONBLOCK` belongs to that.
    fn fill(&self) {
        let path = format!("/proc/self/fd/{}", self.writer.as_raw_fd());
        let filler = OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(path);
        let mut filler = filler.expect("a pipe can be opened again");
        for size in [4096, 1] {
            while filler.write(&vec![b'\n'; size]).map_err(|error| error.kind()) != Err(ErrorKind::WouldBlock) {}
        }
    }

    /// The flags of the file description that xassume and its command have.
    fn flags(&self) -> OFlag {
        OFlag::from_bits_truncate(fcntl(&self.writer, FcntlArg::F_GETFL).expect("it is open"))
    }

    fn xassume(&self, sts: &FakeSts, flags: &[&str]) -> Xassume {
        super::xassume(sts).args(flags).stderr(self.writer.try_clone().expect("a descriptor can be duplicated"))
    }
}

/// Sends TERM, which must end the command and, soon after it, xassume.
#[track_caller]
fn ends_by_term(running: &Running) {
    running.signal(libc::SIGTERM);
    assert!(running.ends_within(SOON), "it goes on: {}", running.stdout.so_far());
}

#[test]
fn sessions_are_refreshed_and_term_is_passed_on() {
    let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];
    for flags in [["--via", "endpoint"], ["--on-expiry", "restart"], ["--on-expiry", "signal"]] {
        let (sts, pipe) = (FakeSts::builder().lifetime(SHORT).start(), Pipe::new());
        let xassume = pipe.xassume(&sts, &["-vv"]).args(flags);
        let running = probing(xassume, &[&["env"], &names[..], &["then", "print-signals"]].concat()).spawn();
        let [url, token] = names.map(|name| running.line(name)[name.len() + 1..].to_owned());
        running.line("ready");
        pipe.fill();
        sts.wait_for_requests(sts.requests().len() + 3);
        if flags[1] == "endpoint" {
            sts.set_lifetime(Duration::from_hours(1));
            eventually("a session that lasts is served", || {
                get(&url, &[("Authorization", &token)]).expect("it answers").status == 200
            });
        }
        assert!(!pipe.flags().contains(OFlag::O_NONBLOCK), "the command has the flag too");
        ends_by_term(&running);
        let finished = running.wait();
        // TERM may reach a command that was just started again, before it handles signals.
        let was_starting = flags[1] == "restart" && finished.signal() == Some(libc::SIGTERM);
        assert!(was_starting || finished.code() == Some(0), "{}", finished.describe());
    }
}

#[test]
fn the_status_is_the_same() {
    for (script, code, signal) in
        [("read line; exit 7", Some(7), None), ("read line; kill -KILL $$", None, Some(libc::SIGKILL))]
    {
        let (sts, pipe) = (FakeSts::builder().lifetime(SHORT).start(), Pipe::new());
        let xassume = scripted(pipe.xassume(&sts, &["-vv", "--via", "file"]), &format!("echo ready; {script}"));
        let mut running = xassume.stdin_open().spawn();
        running.line("ready");
        pipe.fill();
        sts.wait_for_requests(sts.requests().len() + 2);
        running.write(b"\n");
        assert!(running.ends_within(SOON), "{script}");
        let finished = running.wait();
        assert_eq!((finished.code(), finished.signal()), (code, signal), "{script}");
    }
}

#[test]
fn an_error_and_a_panic_end_it_anyway() {
    let sts = FakeSts::builder().script_forever([Answer::Lifetime(SHORT / 2), denied()]).start();
    let pipe = Pipe::new();
    pipe.fill();
    let lapses = pipe.xassume(&sts, &["--on-expiry", "restart", "--on-refresh-failure", "stop"]);
    // No kernel does this: the runtime panics.
    let waits = [
        #[cfg(target_arch = "x86_64")]
        DeniedCall::Call(libc::SYS_epoll_wait, libc::EPERM),
        DeniedCall::Call(libc::SYS_epoll_pwait, libc::EPERM),
    ];
    let panics = pipe.xassume(&sts, &["--via", "file"]).denying(&waits);
    for xassume in [lapses, panics] {
        probing(xassume, &["print-signals"]).run().exited(125);
    }
}

#[test]
fn dropped_messages_are_counted_when_the_pipe_is_read_again() {
    const SENT: usize = 1200;
    let (sts, pipe) = (FakeSts::start(), Pipe::new());
    let xassume = pipe.xassume(&sts, &["-vv", "--log-format", "json", "--via", "file"]);
    let running = probing(xassume, &["print-signals"]).spawn();
    running.line("ready");
    pipe.fill();
    // Real-time signals are queued, not merged.
    (0..SENT).for_each(|_| running.signal(RTMIN + 3));
    eventually("all are passed on", || running.stdout.so_far().matches("RTMIN+3 code=").count() == SENT);
    let Pipe { reader, writer } = pipe;
    drop(writer);
    let read = Capture::of(Some(reader));
    let notice = read.line_with("messages_dropped").expect("the count is logged");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
    let text = String::from_utf8(read.to_the_end().expect("xassume has ended")).expect("text");
    let notice: Value = serde_json::from_str(&notice).expect("an object");
    let dropped = notice["messages"].as_u64().and_then(|count| usize::try_from(count).ok()).expect("a number");
    assert_eq!(notice["level"], "warning");
    assert_eq!(notice["message"], format!("dropped {dropped} messages because standard error was not read"));
    assert_eq!(text.matches("messages_dropped").count(), 1, "{text}");
    assert!(dropped > 100, "{dropped}");
    assert_eq!(text.matches("\"message\":\"forwarded SIGRTMIN+3\"").count() + dropped, SENT);
    assert!(text.contains("\"message\":\"forwarded SIGTERM\""), "later messages are written again");
}

#[test]
fn a_closed_reader_is_harmless() {
    let (sts, pipe) = (FakeSts::builder().lifetime(SHORT).start(), Pipe::new());
    let running = probing(pipe.xassume(&sts, &["-vv", "--via", "file"]), &["print-signals"]).spawn();
    running.line("ready");
    drop(pipe);
    sts.wait_for_requests(sts.requests().len() + 2);
    eventually("all its threads sleep", || {
        let threads = fs::read_dir(format!("/proc/{}/task", running.pid())).expect("it runs");
        let mut threads = threads.map(|thread| thread.expect("an entry").path().join("stat"));
        threads.all(|stat| fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") S ")))
    });
    ends_by_term(&running);
    running.wait().exited(0);
}

#[test]
fn a_pipe_that_does_not_block_loses_nothing() {
    let (sts, pipe) = (FakeSts::builder().lifetime(SHORT).start(), Pipe::new());
    let running = probing(pipe.xassume(&sts, &["-v", "--via", "file"]), &["print-signals"]).spawn();
    running.line("ready");
    fcntl(&pipe.writer, FcntlArg::F_SETFL(OFlag::O_WRONLY | OFlag::O_NONBLOCK)).expect("a flag can be set");
    pipe.fill();
    sts.wait_for_requests(sts.requests().len() + 2);
    let Pipe { reader, writer } = pipe;
    drop(writer);
    let read = Capture::of(Some(reader));
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
    let text = String::from_utf8(read.to_the_end().expect("xassume has ended")).expect("text");
    let refreshed = text.matches("refreshed: expires at").count();
    assert!(refreshed + 1 >= sts.issued_count() - 1, "{refreshed} of {}: {text}", sts.issued_count());
}
