//! What the service manager hears during restarts.

use super::super::restart::SLOW_TO_STOP;
use super::super::{SHORT, pid, state};
use super::{notifying, one_late_refresh, one_refresh, probing, restarting, scripted};
use crate::support::processes::state_of;
use crate::support::sys::send_signal;
use crate::support::{Answer, FakeManager, FakeSts};
use std::time::Duration;

/// Together 50 restarts: in each run, five of them.
const RUNS: usize = 10;
const RESTARTS: usize = 5;

/// What each generation does.
const GENERATION: &str = "say began then notify READY=1 X_BEGAN=1 then notify-with 2 FDSTORE=1 FDNAME=a then \
                          barrier 1 then print-keys then notify X_LAST=1";
/// What reaches the manager of a generation but the first, with the number of descriptors.
const RELAYED: [(&str, usize); 4] = [("X_BEGAN=1", 0), ("FDSTORE=1\nFDNAME=a", 2), ("BARRIER=1", 1), ("X_LAST=1", 0)];

#[test]
fn notifications_keep_their_order_over_50_restarts() {
    let restarts: usize = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..RUNS).map(|number| scope.spawn(move || whole_generations_of_a_run(number % 2 == 0))).collect();
        runs.into_iter().map(|run| run.join().expect("the order is right") - 1).sum()
    });
    // A generation may be stopped while it starts, if the machine is busy.
    assert!(restarts > RUNS * RESTARTS / 2, "{restarts}");
}

/// Runs a command with five restarts, and checks what the manager hears. Returns how many generations came so far that
/// they handled TERM.
fn whole_generations_of_a_run(at_path: bool) -> usize {
    let manager = if at_path { FakeManager::at_path() } else { FakeManager::at_abstract_name() };
    let sts = FakeSts::builder().script([const { Answer::Lifetime(SHORT) }; RESTARTS]).start();
    let command: Vec<&str> = GENERATION.split(' ').collect();
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    let pid = running.pid();
    std::thread::scope(|scope| {
        let heard = scope.spawn(|| {
            let mut heard = Vec::new();
            while heard.last().is_none_or(|(text, _): &(String, usize)| text != "STOPPING=1") {
                let datagram = manager.next_but_status();
                assert_eq!(datagram.pid, pid, "{}", datagram.text);
                heard.push((datagram.text, datagram.descriptors.len()));
            }
            heard
        });
        for _ in 0..=RESTARTS {
            running.line("began");
        }
        running.line("ready pid=");
        running.signal(libc::SIGTERM);
        let said = running.wait().exited(0).stdout_text();
        let said: Vec<&str> = said.split("began\n").skip(1).collect();
        let mut heard = heard.join().expect("all notifications come");
        assert!(manager.rest().is_empty());
        assert_eq!(heard.pop(), Some(("STOPPING=1".to_owned(), 0)));
        assert_eq!(heard[0], ("READY=1\nX_BEGAN=1".to_owned(), 0));
        "X_BEGAN=1".clone_into(&mut heard[0].0);
        let relayed = RELAYED.map(|(text, descriptors)| (text.to_owned(), descriptors));
        let mut whole = 0;
        for (number, said) in said.iter().enumerate() {
            let next = heard.iter().skip(1).position(|(text, _)| text == "X_BEGAN=1").map_or(heard.len(), |at| at + 1);
            let generation: Vec<_> = heard.drain(..next.min(heard.len())).collect();
            if said.contains("ready pid=") {
                assert_eq!(generation, relayed, "generation {number}");
                whole += 1;
            } else {
                assert!(relayed.starts_with(&generation), "generation {number}: {generation:?}");
            }
        }
        assert_eq!((said.len(), heard), (RESTARTS + 1, Vec::new()));
        whole
    })
}

#[test]
fn watchdog_messages_continue_while_a_command_stops_slowly() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let watched = restarting(&sts).args(["--stop-timeout", "1h"]).env("WATCHDOG_USEC", "200000");
    let begin = ["state", "then", "notify", "READY=1", "then", "notify", "WATCHDOG=1", "then"];
    let command = [&begin[..], &SLOW_TO_STOP].concat();
    let running = probing(notifying(watched, &manager), &command).spawn();
    let first = pid(&state(&running), "pid");
    running.line("TERM");
    running.line("ready");
    // One message is from the command, and the others are from xassume.
    let expected = ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1"];
    for text in expected {
        assert_eq!(manager.next_but_status().text, text);
    }
    assert_eq!(state_of(first), Some('S'), "the first generation still stops");
    send_signal(first, libc::SIGUSR1);
    let second = pid(&state(&running), "pid");
    running.line("began");
    running.line("ready");
    running.signal(libc::SIGTERM);
    running.line("ready");
    send_signal(second, libc::SIGUSR1);
    assert_eq!(manager.until("STOPPING=1").last().map(String::as_str), Some("STOPPING=1"));
    running.wait().exited(4);
}

#[test]
fn without_watchdog_messages_of_the_command_xassume_sends_none() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let watched = restarting(&sts).env("WATCHDOG_USEC", "2000");
    let running = probing(notifying(watched, &manager), &["notify", "READY=1", "then", "end-slowly", "100"]).spawn();
    running.line("drained");
    running.line("ready");
    running.signal(libc::SIGTERM);
    running.wait().exited(0);
    assert_eq!(manager.rest(), ["READY=1", "STOPPING=1"]);
}

#[test]
fn a_reload_during_a_restart_is_completed_by_the_new_generation() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let waited = restarting(&sts).args(["--stop-timeout", "1h"]);
    let command = [&["state", "then", "notify", "READY=1", "X_A=1", "then"][..], &SLOW_TO_STOP].concat();
    let running = probing(notifying(waited, &manager), &command).spawn();
    let first = pid(&state(&running), "pid");
    running.line("TERM");
    running.line("ready");
    running.signal(libc::SIGHUP);
    running.line("HUP");
    assert_eq!(manager.next_but_status().text, "READY=1\nX_A=1");
    assert!(manager.rest().is_empty(), "the reload is not complete");
    send_signal(first, libc::SIGUSR1);
    let reload = manager.next_but_status().text;
    let lines: Vec<&str> = reload.lines().collect();
    let [reloading, time, ready, other] = lines[..] else { panic!("{reload}") };
    assert_eq!((reloading, ready, other), ("RELOADING=1", "READY=1", "X_A=1"));
    let now: Duration = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).expect("a clock").into();
    let micros: u64 = time.strip_prefix("MONOTONIC_USEC=").and_then(|time| time.parse().ok()).expect("a number");
    let ago = now.checked_sub(Duration::from_micros(micros)).expect("not in the future");
    assert!(ago < Duration::from_mins(1), "{ago:?}");
    running.line("began");
}

#[test]
fn a_reload_that_a_restart_interrupts_is_completed_by_the_new_generation() {
    let (sts, manager) = (one_refresh(), FakeManager::at_path());
    let command = ["notify", "READY=1", "then", "notify", "RELOADING=1", "MONOTONIC_USEC=5", "then", "print-keys"];
    let running = probing(notifying(restarting(&sts), &manager), &command).spawn();
    let reload = "RELOADING=1\nMONOTONIC_USEC=5";
    assert_eq!(manager.until(reload.lines().next().unwrap()), ["READY=1", reload]);
    let completed = manager.next_but_status().text;
    assert!(completed.starts_with("RELOADING=1\nMONOTONIC_USEC=") && completed.ends_with("\nREADY=1"), "{completed}");
    assert_eq!(manager.next_but_status().text, reload, "the new generation reloads too");
    running.line("ready");
}

/// The first generation handles HUP and is ready. Each later one handles it only after it has read a line.
const LATE_HANDLER: &str = r"
trap 'exit 3' TERM
trap 'echo got USR1' USR1
if mkdir first; then
    trap 'echo got HUP' HUP
else
    echo began
    read -r line
    trap 'echo got HUP' HUP
fi
$PROBE notify READY=1
echo is ready
while :; do sleep 0.05; done
";

#[test]
fn hang_up_waits_until_a_new_generation_is_ready() {
    let (sts, manager) = (one_late_refresh(), FakeManager::at_path());
    let xassume = scripted(notifying(restarting(&sts), &manager), LATE_HANDLER);
    let home = xassume.home();
    let mut running = xassume.cwd(home).stdin_open().spawn();
    running.line("is ready");
    running.signal(libc::SIGHUP);
    running.line("got HUP");
    running.line("began");
    running.signal(libc::SIGHUP);
    // HUP is handled before this signal, because its number is lower.
    running.signal(libc::SIGUSR1);
    running.line("got USR1");
    running.write(b"\n");
    running.line("got HUP");
    running.signal(libc::SIGTERM);
    running.wait().exited(3);
}
