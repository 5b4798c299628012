//! Signals during a handover reach both processes once.

use super::{PRINTS, READY_AT_USR1, count, generations, handing_over, is_gone, next_start, one_refresh};
use crate::support::processes::{wait_until_running, wait_until_stopped};
use crate::support::sys;

#[test]
fn each_signal_reaches_both_processes_once() {
    let sts = one_refresh();
    let xassume = generations(handing_over(&sts, &["--ready", "notify"]), PRINTS, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    for (signal, name) in [(libc::SIGUSR2, "USR2 code="), (libc::SIGWINCH, "WINCH code=")] {
        xassume.signal(signal);
        xassume.line(name);
        xassume.line(name);
    }
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    xassume.signal(libc::SIGTERM);
    let said = xassume.wait().exited(0).stdout_text();
    assert_eq!(
        (count(&said, "USR2 code="), count(&said, "WINCH code="), count(&said, "TERM code=")),
        (2, 2, 2),
        "{said}"
    );
}

#[test]
fn a_hang_up_waits_until_the_new_process_is_ready() {
    let sts = one_refresh();
    let later = "exec $PROBE print-keys exit-on USR1 then notify READY=1 then print-signals";
    let xassume = generations(handing_over(&sts, &["--ready", "notify"]), PRINTS, later).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    xassume.signal(libc::SIGHUP);
    xassume.line("HUP code=");
    xassume.signal(libc::SIGUSR2);
    xassume.line("USR2 code=");
    xassume.line("USR2 code=");
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    xassume.line("HUP code=");
    xassume.signal(libc::SIGTERM);
    let said = xassume.wait().exited(0).stdout_text();
    let at = |text: &str| said.find(text).expect("it comes");
    assert_eq!(count(&said, "HUP code="), 2, "{said}");
    assert_eq!(count(said.split_at(at("USR1 code=")).0, "HUP code="), 1, "only the old one gets it at once: {said}");
}

#[test]
fn a_pause_stops_and_continues_both_and_its_time_does_not_count() {
    let sts = one_refresh();
    let flags = ["--ready", "notify", "--ready-timeout", "4s"];
    let first = "exec $PROBE print-keys default TSTP";
    let later =
        "exec $PROBE print-keys exit-on USR1 default TSTP then notify READY=1 then say is-ready then print-signals";
    let xassume = generations(handing_over(&sts, &flags), first, later).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    let all = [xassume.pid(), old.pid, new.pid];
    xassume.signal(libc::SIGTSTP);
    wait_until_stopped(&all);
    // Longer than the time for the new process.
    std::thread::sleep(std::time::Duration::from_secs(5));
    xassume.signal(libc::SIGCONT);
    wait_until_running(&all);
    sys::send_signal(new.pid, libc::SIGUSR1);
    xassume.line("is-ready");
    is_gone(old.pid);
    xassume.signal(libc::SIGTERM);
    let said = xassume.wait().exited(0).stderr;
    assert!(!said.contains("READY=1"), "{said}");
}

#[test]
fn a_signal_from_either_process_is_not_forwarded() {
    let sts = one_refresh();
    let later = "kill -TERM $PPID; exec $PROBE print-keys exit-on USR1 then notify READY=1 then print-signals";
    let xassume = generations(handing_over(&sts, &["--ready", "notify"]), PRINTS, later).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(old.pid);
    xassume.signal(libc::SIGTERM);
    assert_eq!(count(&xassume.wait().exited(0).stdout_text(), "TERM code="), 2);
}
