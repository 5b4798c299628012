//! The sockets of `--listen` during a handover: both processes accept connections.

use super::{generations, handing_over, is_gone, one_refresh};
use crate::listening::{address, ask_at, server};
use crate::supervision::next_start;
use crate::support::sys;

#[test]
fn both_processes_have_the_sockets_and_the_old_ones_mode_is_not_changed() {
    let sts = one_refresh();
    let flags = ["--ready", "notify", "--listen", "0"];
    let first = "exec $PROBE nonblocking-sockets then sockets then serve";
    let later = "exec $PROBE sockets then print-keys exit-on USR1 then notify READY=1 then serve";
    let xassume = generations(handing_over(&sts, &flags), first, later).spawn();
    let line = xassume.line("socket 3 listen ");
    assert!(line.ends_with(" nonblocking"), "{line}");
    let (address, old) = (address(&line), server(&xassume));
    assert_eq!(xassume.line("socket 3 listen "), line);
    let new = next_start(&xassume).pid;
    assert_eq!(ask_at(address), format!("listen {old}"));
    sys::send_signal(new, libc::SIGUSR1);
    assert_eq!(server(&xassume), new);
    is_gone(old);
    assert_eq!(ask_at(address), format!("listen {new}"));
    xassume.signal(libc::SIGTERM);
    xassume.wait().exited(0);
}
