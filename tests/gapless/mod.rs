//! `--restart-order start-first`: the new process is started while the old one runs, and the old one is stopped when the
//! new one is ready.

mod ends;
mod failures;
mod flags;
mod notify;
mod pid_1;
mod signals;
mod sockets;

use crate::supervision::{ROLE, SHORT, count, next_start, one_refresh};
use crate::support::processes::{eventually, state_of};
use crate::support::{Answer, FakeSts, Xassume, probe, sys};

/// xassume with `start-first` and these further flags. Scripts find the probe as `$PROBE`.
fn handing_over(sts: &FakeSts, flags: &[&str]) -> Xassume {
    let [this, mark] = probe();
    let xassume = Xassume::new(sts).env("XASSUME_NO_CACHE", "true");
    let xassume = xassume.env("PROBE", [this.as_os_str(), mark.as_os_str()].join(" ".as_ref()));
    xassume.args(["-r", ROLE, "--on-expiry", "restart", "--restart-order", "start-first"]).args(flags)
}

/// With a command that runs the shell words `first` at its first start, and `later` at each later start.
fn generations(xassume: Xassume, first: &str, later: &str) -> Xassume {
    let script = format!("if [ -e \"$HOME/started\" ]; then {later}; exit; fi\ntouch \"$HOME/started\"\n{first}");
    xassume.args(["--", "sh", "-c", &script])
}

/// A generation that prints its key, and then its signals, until TERM.
const PRINTS: &str = "exec $PROBE print-keys";
/// The same, and it shows that it is ready when USR1 arrives. It prints this first: the old generation, which is then
/// stopped, prints its TERM after that.
const READY_AT_USR1: &str =
    "exec $PROBE print-keys exit-on USR1 then say is-ready then notify READY=1 then print-signals";

#[track_caller]
fn is_gone(pid: i32) {
    eventually("it has ended", || state_of(pid).is_none());
}

#[test]
fn the_old_process_runs_until_the_new_one_sends_ready() {
    let sts = one_refresh();
    let xassume = generations(handing_over(&sts, &["-v", "--ready", "notify"]), PRINTS, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    let keys = sts.issued().iter().map(|issued| issued.access_key_id.clone()).collect::<Vec<_>>();
    assert_eq!([&old.key, &new.key], [&keys[0], &keys[1]]);
    sys::send_signal(old.pid, libc::SIGUSR2);
    xassume.line("USR2 code=");
    assert!(state_of(old.pid).is_some() && state_of(new.pid).is_some(), "both run");
    sys::send_signal(new.pid, libc::SIGUSR1);
    xassume.line("is-ready");
    xassume.line("TERM code=");
    is_gone(old.pid);
    xassume.error_line("the command was stopped");
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(0);
    let said = finished.stderr.as_str();
    let at = |text: &str| said.find(text).unwrap_or_else(|| panic!("{text:?} is not in {said}"));
    let steps = [
        format!("starting a new process beside pid {}: session refreshed, expires at ", old.pid),
        format!("started the command, pid {}", new.pid),
        format!("the command is ready, pid {}", new.pid),
        "the command was stopped and exited with status 0".to_owned(),
    ];
    assert!(steps.windows(2).all(|pair| at(&pair[0]) < at(&pair[1])), "{said}");
}

#[test]
fn a_newline_to_its_descriptor_shows_that_a_process_is_ready() {
    // Descriptors from 3 on are the next ones that xassume would use itself.
    for (descriptor, listen) in [(9, &[][..]), (3, &[]), (4, &["--listen", "0"])] {
        let sts = one_refresh();
        let ready = format!("fd:{descriptor}");
        let flags = [&["--ready", &ready, "--stop-timeout", "1m"], listen].concat();
        // What follows the newline does no harm.
        let later = format!(
            "printf 'almost' >&{descriptor}; $PROBE print-keys exit-on USR1; echo >&{descriptor}; \
             $PROBE say is-ready then print-keys exit-on USR1; echo more >&{descriptor}; \
             exec $PROBE say goes-on then print-signals"
        );
        let xassume = generations(handing_over(&sts, &flags), PRINTS, &later).spawn();
        let (old, new) = (next_start(&xassume), next_start(&xassume));
        assert!(state_of(old.pid).is_some());
        sys::send_signal(new.pid, libc::SIGUSR1);
        xassume.line("is-ready");
        is_gone(old.pid);
        sys::send_signal(next_start(&xassume).pid, libc::SIGUSR1);
        xassume.line("goes-on");
        xassume.line("ready");
        xassume.signal(libc::SIGTERM);
        let said = xassume.wait().exited(0).stderr;
        assert!(!said.contains("the old process keeps running"), "{said}");
    }
}

#[test]
fn by_default_a_process_is_ready_after_it_has_run_for_a_time() {
    let sts = FakeSts::builder().lifetime(SHORT).start();
    let xassume = handing_over(&sts, &["--ready", "100ms"]).arg("--").args(probe()).args(["print-keys"]).spawn();
    let starts = [next_start(&xassume), next_start(&xassume), next_start(&xassume)];
    is_gone(starts[0].pid);
    is_gone(starts[1].pid);
    assert!(state_of(starts[2].pid).is_some());
    assert!(starts.windows(2).all(|pair| pair[0].key != pair[1].key), "{starts:?}");
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn both_processes_end_with_xassume() {
    let sts = one_refresh();
    let xassume = generations(handing_over(&sts, &["--ready", "notify"]), PRINTS, PRINTS).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    xassume.signal(libc::SIGKILL);
    // TERM is their parent-death signal.
    is_gone(old.pid);
    is_gone(new.pid);
    let said = xassume.wait().killed_by(libc::SIGKILL).stdout_text();
    assert_eq!(count(&said, "TERM code="), 2, "{said}");
}

#[test]
fn a_refresh_during_a_handover_is_followed_by_another_handover() {
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Lifetime(SHORT)]).start();
    let xassume = generations(handing_over(&sts, &["-v", "--ready", "notify"]), PRINTS, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    sts.wait_for_requests(3);
    xassume.error_line("next refresh");
    xassume.error_line("next refresh");
    xassume.error_line("next refresh");
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    let newest = next_start(&xassume);
    assert_eq!(newest.key, sts.issued()[2].access_key_id);
    sys::send_signal(newest.pid, libc::SIGUSR1);
    is_gone(new.pid);
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn a_refresh_that_fails_does_not_end_a_handover() {
    let denied = || Answer::access_denied("arn:aws:iam::222222222222:user/alice", ROLE);
    let sts = FakeSts::builder().script([Answer::Lifetime(SHORT), Answer::Lifetime(SHORT), denied()]).start();
    let xassume = generations(handing_over(&sts, &["--ready", "notify"]), PRINTS, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    xassume.error_line("refresh failed");
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    assert!(state_of(new.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}
