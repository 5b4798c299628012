//! What ends during a handover: the old process, the new one, or xassume.

use super::{PRINTS, READY_AT_USR1, count, generations, handing_over, is_gone, next_start, one_refresh};
use crate::support::processes::state_of;
use crate::support::sys;

const NOTIFY: [&str; 2] = ["--ready", "notify"];

#[test]
fn the_end_of_the_old_process_by_itself_is_final() {
    let sts = one_refresh();
    let first = "$PROBE print-keys exit-on USR1; exit 6";
    let xassume = generations(handing_over(&sts, &NOTIFY), first, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    sys::send_signal(old.pid, libc::SIGUSR1);
    let finished = xassume.wait().exited(6);
    // The new one is stopped first.
    assert_eq!(count(&finished.stdout_text(), "TERM code="), 1, "{}", finished.stdout_text());
    is_gone(new.pid);
}

#[test]
fn the_end_of_the_new_process_is_final_once_it_is_ready() {
    let sts = one_refresh();
    let first = "exec $PROBE print-keys then print-signals survive TERM exit-on USR2";
    let later = "exec $PROBE print-keys exit-on USR1 then notify READY=1 then print-signals exit-on USR1 then exit 4";
    let xassume = generations(handing_over(&sts, &["--ready", "notify", "--stop-timeout", "1m"]), first, later).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    sys::send_signal(new.pid, libc::SIGUSR1);
    xassume.line("TERM code=");
    // The old one is being stopped, and takes its time.
    sys::send_signal(new.pid, libc::SIGUSR1);
    is_gone(new.pid);
    assert!(state_of(old.pid).is_some());
    sys::send_signal(old.pid, libc::SIGUSR2);
    xassume.wait().exited(4);
}

#[test]
fn an_old_process_that_ignores_the_stop_signal_is_killed_after_the_handover() {
    let sts = one_refresh();
    let first = "$PROBE print-keys exit-on USR1; exec $PROBE ignore-term";
    let flags = ["-v", "--ready", "notify", "--stop-timeout", "300ms"];
    let xassume = generations(handing_over(&sts, &flags), first, READY_AT_USR1).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    sys::send_signal(old.pid, libc::SIGUSR1);
    xassume.line("ready");
    sys::send_signal(new.pid, libc::SIGUSR1);
    xassume.error_line("the command did not stop within the stop timeout and was killed by SIGKILL");
    assert!(state_of(new.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}

#[test]
fn term_cancels_the_handover_and_the_old_process_decides_the_status() {
    let sts = one_refresh();
    let first = "exec $PROBE print-keys then exit 7";
    let later = "exec $PROBE print-keys";
    let xassume = generations(handing_over(&sts, &["-v", "--ready", "notify"]), first, later).spawn();
    let (_, new) = (next_start(&xassume), next_start(&xassume));
    xassume.signal(libc::SIGTERM);
    let finished = xassume.wait().exited(7);
    // Each gets one TERM: for the new one, it is the stop signal too.
    assert_eq!(count(&finished.stdout_text(), "TERM code="), 2, "{}", finished.stdout_text());
    assert!(finished.stderr.contains("received SIGTERM, so the command will not be restarted"), "{}", finished.stderr);
    is_gone(new.pid);
}

#[test]
fn int_cancels_the_handover_and_the_old_process_goes_on() {
    let sts = one_refresh();
    for (signal, name) in [(libc::SIGINT, "INT code="), (libc::SIGQUIT, "QUIT code=")] {
        let sts = if signal == libc::SIGINT { &sts } else { &one_refresh() };
        let xassume = generations(handing_over(sts, &["-v", "--ready", "notify"]), PRINTS, PRINTS).spawn();
        let (old, new) = (next_start(&xassume), next_start(&xassume));
        xassume.signal(signal);
        is_gone(new.pid);
        assert!(state_of(old.pid).is_some());
        xassume.error_line("so the command will not be restarted");
        xassume.signal(libc::SIGTERM);
        let said = xassume.wait().exited(0).stdout_text();
        assert_eq!((count(&said, name), count(&said, "TERM code=")), (2, 2), "{said}");
    }
}

#[test]
fn a_command_that_announces_its_end_is_not_replaced() {
    let sts = one_refresh();
    let first = "exec $PROBE print-keys exit-on USR1 then notify STOPPING=1 then print-signals";
    let xassume = generations(handing_over(&sts, &["-v", "--ready", "notify"]), first, PRINTS).spawn();
    let (old, new) = (next_start(&xassume), next_start(&xassume));
    sys::send_signal(old.pid, libc::SIGUSR1);
    xassume.error_line("the command sent STOPPING=1, so it will not be restarted");
    is_gone(new.pid);
    assert!(state_of(old.pid).is_some());
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}
