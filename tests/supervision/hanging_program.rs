//! A program file whose file system does not answer: signals and the end of xassume do not wait for it.

use super::processes::{children, eventually};
use super::{probing, restarting};
use crate::support::{FakeSts, Running, Xassume, probe, skipped, sys};

/// xassume with a program whose file is leased, and the lease; `None` where files cannot be leased.
fn with_leased_program(sts: &FakeSts) -> Option<(Xassume, sys::Lease)> {
    let [this, mark] = probe();
    let xassume = restarting(sts);
    let program = xassume.home().join("program");
    std::fs::copy(this, &program).expect("the home is ours");
    let lease = sys::Lease::take(&program);
    if lease.is_err() {
        skipped("files cannot be leased here");
    }
    Some((xassume.arg("--").arg(program).arg(mark), lease.ok()?))
}

#[track_caller]
fn wait_for_child(running: &Running) {
    eventually("there is a child", || !children(running.pid()).is_empty());
}

#[test]
fn a_signal_ends_xassume_and_the_child() {
    let sts = FakeSts::start();
    let Some((xassume, _lease)) = with_leased_program(&sts) else { return };
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        let running = xassume.clone().args(["say", "ran"]).spawn();
        wait_for_child(&running);
        running.signal(signal);
        let finished = running.wait().killed_by(signal).left_no_process();
        assert_eq!((finished.stdout_text(), finished.stderr.as_str()), (String::new(), ""));
    }
}

#[test]
fn a_file_that_answers_late_is_run_and_one_that_does_not_is_an_error() {
    let sts = FakeSts::start();
    let Some((late, lease)) = with_leased_program(&sts) else { return };
    let Some((never, _lease)) = with_leased_program(&sts) else { return };
    let never = never.args(["say", "ran"]).spawn();
    let late = late.args(["exit", "3"]).spawn();
    wait_for_child(&late);
    drop(lease);
    assert_eq!(late.wait().exited(3).stderr, "");
    let finished = never.wait().exited(125).left_no_process();
    assert_eq!(
        finished.stderr,
        "xassume: error: cannot start the command: its file was not read within 10s\n\
         hint: check the file system that contains it\n"
    );
}

#[test]
fn a_signal_that_comes_with_the_start_is_not_lost() {
    let sts = FakeSts::start();
    let all: Vec<_> = (0..8).map(|_| probing(restarting(&sts), &["print-signals"]).spawn()).collect();
    for running in all {
        wait_for_child(&running);
        running.signal(libc::SIGTERM);
        // Before or after the program has set up its handling of the signal.
        let finished = running.wait().left_no_process();
        assert!(finished.code() == Some(0) || finished.signal() == Some(libc::SIGTERM), "{}", finished.describe());
    }
}
