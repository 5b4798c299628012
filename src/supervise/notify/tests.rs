use super::*;
use crate::moment::Deadline;
use crate::process::signal::Signal;
use crate::process::{Peer, Sender};
use std::time::UNIX_EPOCH;

const SECOND: Duration = Duration::from_secs(1);
const MONOTONIC: Duration = Duration::from_micros(77);
const HANG_UP: Arrival = Arrival { signal: Signal::HUP, sender: Sender::Process { pid: 1, group: None } };

/// A relay and its clock. Descriptors are numbers.
struct Play {
    relay: Relay<u32>,
    now: Now,
}

impl Play {
    fn new() -> Self {
        let now = Now { boot: 1000 * SECOND, wall: UNIX_EPOCH };
        Self { relay: Relay::new(Some(20 * SECOND), 10 * SECOND, 60 * SECOND), now }
    }

    /// A command that has sent `READY=1`.
    fn ready() -> Self {
        Self::new().sends("READY=1").relays(&["READY=1"])
    }

    fn sends(self, text: &str) -> Self {
        self.sends_with(text.as_bytes(), &[])
    }

    fn sends_with(mut self, text: &[u8], descriptors: &[u32]) -> Self {
        let notification = Notification { text: text.to_vec(), descriptors: descriptors.to_vec() };
        self.relay.receive(Role::Current, notification, self.now, MONOTONIC);
        self
    }

    fn after(mut self, time: Duration) -> Self {
        self.now.boot += time;
        self.now.wall += time;
        self.relay.wake(self.now);
        self
    }

    fn hang_up(mut self) -> Self {
        self.relay.hang_up(HANG_UP, self.now);
        self
    }

    fn replace(mut self) -> Self {
        self.relay.replace(self.now);
        self
    }

    fn restart(self) -> Self {
        let mut play = self.replace();
        play.relay.begin_generation(Role::Current, play.now);
        play.relay.started();
        play
    }

    /// A generation beside the current one sends a datagram.
    #[track_caller]
    fn hears(mut self, role: Role, text: &str, expected: Heard) -> Self {
        let notification = Notification { text: text.as_bytes().to_vec(), descriptors: Vec::new() };
        assert_eq!(self.relay.receive(role, notification, self.now, MONOTONIC), expected);
        self
    }

    fn begin_handover(mut self) -> Self {
        self.relay.begin_generation(Role::Successor, self.now);
        self.relay.started();
        self
    }

    fn hand_over(mut self) -> Self {
        self.relay.hand_over(self.now, MONOTONIC);
        self
    }

    fn end(mut self) -> Self {
        self.relay.end();
        self
    }

    fn session(mut self) -> Self {
        let at = |minutes| UNIX_EPOCH + Duration::from_mins(minutes);
        let refresh = Some(Deadline { boot: self.now.boot, wall: Some(at(70)) });
        let outlook = SessionOutlook { expires: at(120), has_expired: false, refresh, is_failing: false };
        self.relay.session_is(Some(outlook), self.now);
        self
    }

    /// The datagrams that were sent since the last call.
    #[track_caller]
    fn relays(mut self, expected: &[&str]) -> Self {
        let mut sent = Vec::new();
        while let Some(first) = self.relay.outbox.first() {
            sent.push(String::from_utf8_lossy(&first.text).into_owned());
            self.relay.outbox.remove_first();
        }
        assert_eq!(sent, expected);
        self
    }
}

#[test]
fn only_the_first_ready_counts_until_a_reload() {
    let play = Play::new().sends("READY=1\nX_A=1").relays(&["READY=1\nX_A=1"]);
    let play = play.sends("READY=1").relays(&[]).sends("X_A=1\nREADY=1").relays(&["X_A=1"]);
    let play = play.sends("RELOADING=1\nMONOTONIC_USEC=5").relays(&["RELOADING=1\nMONOTONIC_USEC=5"]);
    let play = play.sends("READY=1").relays(&["READY=1"]).sends("READY=1").relays(&[]);
    // A reload in one datagram.
    play.sends("READY=1\nRELOADING=1").relays(&["READY=1\nRELOADING=1"]).restart().sends("READY=1").relays(&[]);
}

#[test]
fn the_identity_of_the_main_process_is_not_relayed() {
    let text = "MAINPID=1\nMAINPIDFDID=2\nMAINPIDFD=1\nNOTIFYACCESS=all\nERRNO=2\nMAINPIDX=1\nREADY=0\nodd";
    Play::new().sends(text).relays(&["ERRNO=2\nMAINPIDX=1\nREADY=0\nodd"]).sends("MAINPID=1").relays(&[]);
}

#[test]
fn descriptors_are_relayed_with_their_datagram_only() {
    let mut play = Play::ready().sends_with(b"FDSTORE=1\nFDNAME=a", &[3, 4]);
    assert_eq!(play.relay.outbox.first().map(|first| &first.descriptors[..]), Some(&[3, 4][..]));
    play = play.relays(&["FDSTORE=1\nFDNAME=a"]);
    play.sends_with(b"READY=1\nMAINPIDFD=1", &[3]).relays(&[]);
}

#[test]
fn a_barrier_is_alone_and_has_one_descriptor() {
    let play = Play::ready().sends("X_A=1").sends_with(b"BARRIER=1", &[3]);
    let play = play.relays(&["X_A=1", "BARRIER=1"]).sends("BARRIER=1").sends_with(b"BARRIER=1", &[3, 4]);
    play.sends_with(b"BARRIER=1\nX_A=1", &[3]).sends_with(b"X_A=1\nBARRIER=1", &[3]).relays(&[]);
}

#[test]
fn what_systemd_ignores_is_ignored() {
    let play = Play::new().sends("").sends("\n\n").sends("\0").sends("READY=1\0X=1").sends("READY=1\0\0").relays(&[]);
    let long = format!("X={}", "x".repeat(MAX_BYTES - 2));
    let play = play.sends(&format!("{long}x")).relays(&[]).sends(&long).relays(&[&long]);
    play.sends("X=1\0").relays(&["X=1"]).sends_with(b"X=\xff", &[]).relays(&["X=\u{fffd}"]);
}

#[test]
fn stopping_is_relayed_once_unless_xassume_stops_the_command() {
    let announced = |mut play: Play, text: &str| {
        let notification = Notification { text: text.into(), descriptors: Vec::new() };
        (play.relay.receive(Role::Current, notification, play.now, MONOTONIC) == Heard::Ending, play)
    };
    let (cancels, play) = announced(Play::ready(), "STOPPING=1\nSTATUS=x");
    assert!(cancels);
    let (cancels, play) = announced(play.relays(&["STOPPING=1\nSTATUS=x"]), "STOPPING=1");
    assert!(!cancels);
    play.end().relays(&[]);
    let (cancels, play) = announced(Play::ready().replace(), "STOPPING=1\nX_A=1");
    assert!(!cancels);
    play.relays(&["X_A=1"]).end().end().relays(&["STOPPING=1"]).sends("STOPPING=1").relays(&[]);
    let (cancels, _) = announced(Play::ready().restart(), "STOPPING=1");
    assert!(cancels);
}

#[test]
fn after_the_end_is_announced_the_service_is_neither_ready_nor_reloading() {
    for play in [Play::ready().sends("STOPPING=1").relays(&["STOPPING=1"]), Play::new().end().relays(&["STOPPING=1"])] {
        let play = play.sends("READY=1").sends("RELOADING=1\nSTATUS=x").sends("READY=1\nX_A=1");
        play.relays(&["STATUS=x", "X_A=1"]);
    }
}

#[test]
fn a_reload_that_a_restart_interrupts_is_completed_by_the_new_generation() {
    let reload = "RELOADING=1\nMONOTONIC_USEC=77\nREADY=1";
    let play = Play::ready().sends("RELOADING=1\nMONOTONIC_USEC=5").relays(&["RELOADING=1\nMONOTONIC_USEC=5"]);
    let play = play.restart().relays(&[]).sends("X_A=1\nREADY=1\nX_B=1");
    play.relays(&[&format!("X_A=1\n{reload}\nX_B=1")]).sends("READY=1").relays(&[]);
    // HUP while no child runs the command, or shortly before the stop.
    Play::ready().replace().hang_up().restart().sends("READY=1").relays(&[reload]);
    Play::ready().hang_up().after(5 * SECOND).restart().sends("READY=1").relays(&[reload]);
    Play::ready().hang_up().after(6 * SECOND).restart().sends("READY=1").relays(&[]);
    let answered = "RELOADING=1\nREADY=1";
    Play::ready().hang_up().sends(answered).relays(&[answered]).restart().sends("READY=1").relays(&[]);
    // The new generation answers the signal itself.
    let play = Play::ready().replace().hang_up().restart().sends("RELOADING=1\nMONOTONIC_USEC=5\nREADY=1");
    play.relays(&["RELOADING=1\nMONOTONIC_USEC=5\nREADY=1"]).sends("READY=1").relays(&[]);
    // There is no reload before the service is ready.
    Play::new().replace().hang_up().restart().sends("READY=1").relays(&["READY=1"]);
    Play::new().hang_up().restart().sends("READY=1").relays(&["READY=1"]);
    Play::new().sends("RELOADING=1").relays(&["RELOADING=1"]).restart().sends("READY=1").relays(&["READY=1"]);
}

/// Plays a sequence of `READY=1`, HUP, restarts and pauses. Checks that HUP reaches a new generation only if it is ready
/// or has had a minute, and that each HUP reaches a generation or is completed by the next one.
fn play_hang_ups(steps: &[usize]) {
    let (mut play, mut began, mut is_ready) = (Play::ready(), None, true);
    let (mut is_held, mut is_owed) = (false, false);
    for step in steps {
        let mut reaches = false;
        match step {
            0 => {
                play.relay.outbox = Outbox::default();
                play = play.sends("READY=1");
                let reports = play.relay.outbox.first().is_some_and(|first| first.text.starts_with(b"RELOADING=1\n"));
                assert!(reports || !is_owed, "{steps:?}");
                (is_ready, is_owed) = (true, false);
            }
            1 => {
                reaches = !play.relay.hang_up(HANG_UP, play.now);
                is_held = !reaches;
            }
            2 => {
                play = play.restart();
                (began, is_ready, is_owed, is_held) = (Some(play.now.boot), false, is_owed || is_held, false);
            }
            _ => play = play.after(30 * SECOND),
        }
        reaches |= play.relay.release_hang_up(play.now).inspect(|_| is_held = false).is_some();
        let late = began.is_some_and(|at| play.now.boot >= at + 60 * SECOND);
        assert!(!reaches || is_ready || late, "{steps:?}");
        assert!(!is_held || !is_ready && !late, "{steps:?}");
        assert_eq!(play.relay.deadline(), began.filter(|_| is_held).map(|at| at + 60 * SECOND), "{steps:?}");
    }
}

#[test]
fn in_every_sequence_hang_up_waits_for_a_new_generation_and_is_not_lost() {
    const LENGTH: u32 = 8;
    for number in 0..4_usize.pow(LENGTH) {
        play_hang_ups(&(0..LENGTH).map(|at| number / 4_usize.pow(at) % 4).collect::<Vec<_>>());
    }
    // Before the first `READY=1`, nothing is held.
    assert!(!Play::new().restart().relay.hang_up(HANG_UP, Play::new().now));
}

#[test]
fn the_status_ends_with_the_state_of_the_session() {
    let state = "session until 02:00, next refresh 01:10 UTC";
    let own = format!("STATUS={state}");
    let both = format!("STATUS=3 clients; {state}");
    let play = Play::new().session().relays(&[&own]).session().relays(&[]);
    let play = play.sends("STATUS=3 clients").relays(&[&both]);
    let play = play.sends("X_A=1\nSTATUS=3 clients\nX_B=1").relays(&[&format!("X_A=1\n{both}\nX_B=1")]);
    let play = play.restart().relays(&[&own]).restart().relays(&[]);
    let play = play.sends("STATUS=3 clients\nSTATUS=4").relays(&[&format!("{both}\nSTATUS=4")]);
    play.sends("STATUS=\nX_A=1").relays(&[&format!("{own}\nX_A=1")]);
    Play::new().sends("STATUS=3 clients").relays(&["STATUS=3 clients"]);
}

#[test]
fn a_long_status_is_cut_so_that_the_whole_datagram_fits() {
    let mut play = Play::new().session().sends(&format!("X_A=1\nSTATUS={}\nX_B=1", "x".repeat(4060)));
    play.relay.outbox.remove_first();
    let text = play.relay.outbox.first().map(|first| String::from_utf8_lossy(&first.text).into_owned()).unwrap();
    assert_eq!(text.len(), MAX_BYTES);
    assert!(text.starts_with("X_A=1\nSTATUS=xxx") && text.ends_with("next refresh 01:10 UTC\nX_B=1"), "{text}");
}

#[test]
fn a_completed_reload_is_a_datagram_of_its_own_if_the_other_lines_need_the_room() {
    let whole = "RELOADING=1\nMONOTONIC_USEC=77\nREADY=1";
    let reloading = || Play::ready().sends("RELOADING=1").relays(&["RELOADING=1"]).restart().relays(&[]);
    let x = |length: usize| format!("X={}", "x".repeat(length - "READY=1\nX=".len()));
    let (most, more) = (x(MAX_BYTES - RELOAD_BYTES), x(MAX_BYTES - RELOAD_BYTES + 1));
    reloading().sends(&format!("READY=1\n{most}")).relays(&[&format!("{whole}\n{most}")]);
    reloading().sends(&format!("READY=1\n{more}")).relays(&[whole, &more]);
    // The readiness alone needs no more room.
    let fresh = format!("READY=1\n{more}");
    Play::new().sends(&fresh).relays(&[&fresh]);
}

#[test]
fn xassume_sends_watchdog_messages_between_two_generations() {
    let ping = "WATCHDOG=1";
    let play = Play::ready().sends(ping).relays(&[ping]).after(10 * SECOND).relays(&[]);
    let play = play.replace().relays(&[ping]).after(9 * SECOND).sends(ping).relays(&[ping]);
    let play = play.after(SECOND).relays(&[ping]).restart().relays(&[]).after(10 * SECOND).relays(&[ping]);
    let play = play.sends(ping).relays(&[ping]).after(100 * SECOND).relays(&[]);
    // A restart before the first message of a generation.
    play.restart().relays(&[ping]).restart().relays(&[]).after(10 * SECOND).relays(&[ping]);
    Play::ready().restart().after(100 * SECOND).relays(&[]);
    Play::ready().sends("WATCHDOG=trigger").relays(&["WATCHDOG=trigger"]).restart().relays(&[]);
}

#[test]
fn the_command_sets_the_interval_of_these_watchdog_messages() {
    let play = Play::ready().sends("WATCHDOG_USEC=4000000\nWATCHDOG=1").relays(&["WATCHDOG_USEC=4000000\nWATCHDOG=1"]);
    let play = play.restart().relays(&["WATCHDOG=1"]).after(Duration::from_millis(1999)).relays(&[]);
    play.after(Duration::from_millis(1)).relays(&["WATCHDOG=1"]);
}

#[test]
fn the_watchdog_counts_if_it_expects_this_process() {
    let interval = |vars: &[(&str, &str)]| watchdog_interval(&vars.iter().copied().collect(), 7);
    let of = |micros| Some(Duration::from_micros(micros));
    assert_eq!(interval(&[("WATCHDOG_USEC", "5")]), of(5));
    assert_eq!(interval(&[("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "7")]), of(5));
    assert_eq!(interval(&[("WATCHDOG_USEC", "5"), ("WATCHDOG_PID", "8")]), None);
    for wrong in ["", "0", "x", "-1"] {
        assert_eq!(interval(&[("WATCHDOG_USEC", wrong)]), None, "{wrong}");
    }
    assert_eq!(interval(&[]), None);
}

#[test]
fn root_our_user_and_the_command_may_send() {
    let accepted = |uid, belongs| Peer { uid, pid: 9 }.is_accepted(1000, |pid| pid == 9 && belongs);
    assert!(accepted(0, false) && accepted(1000, false) && accepted(5, true) && !accepted(5, false));
}

proptest::proptest! {
    /// Whatever the command sends, the datagrams of xassume are valid for systemd, and do not name a main process.
    #[test]
    fn any_datagram_is_relayed_in_a_valid_form(
        parts in proptest::collection::vec(proptest::sample::select(PARTS), 0..8),
        noise in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        descriptors in 0_usize..5,
        in_reload in proptest::bool::ANY,
    ) {
        let mut play = Play::ready().session();
        if in_reload {
            play = play.sends("RELOADING=1").restart();
        }
        play.relay.outbox = Outbox::default();
        let long = "x".repeat(4070);
        let mut text = parts.concat().replace("LONG", &long).into_bytes();
        text.extend(noise);
        play = play.sends_with(&text, &vec![7; descriptors]);
        while let Some(first) = play.relay.outbox.first() {
            assert!(!first.text.is_empty() && first.text.len() <= MAX_BYTES && !first.text.contains(&0));
            assert!(first.descriptors.len() == descriptors || first.text.ends_with(b"\nREADY=1"));
            let lines: Vec<&[u8]> = first.text.split(|byte| *byte == b'\n').collect();
            assert!(!lines.iter().any(|line| line.is_empty() || line.starts_with(b"MAINPID=")));
            assert!(!lines.contains(&&b"BARRIER=1"[..]) || lines.len() == 1 && descriptors == 1);
            assert!(!lines.contains(&&b"READY=1"[..]) || lines.contains(&&b"RELOADING=1"[..]));
            play.relay.outbox.remove_first();
        }
    }
}

const PARTS: &[&str] = &[
    "READY=1",
    "RELOADING=1",
    "STOPPING=1",
    "BARRIER=1",
    "MAINPID=1",
    "STATUS=",
    "STATUS=ü",
    "WATCHDOG=1",
    "WATCHDOG_USEC=5",
    "FDSTORE=1",
    "LONG",
    "=",
    "\n",
    "\n",
    "\n",
    "\n",
    "\0",
];

#[test]
fn the_current_generation_is_heard_to_be_ready_unless_it_announces_its_end() {
    let play = Play::ready().hears(Role::Current, "READY=1", Heard::Ready).hears(Role::Current, "A=1", Heard::Nothing);
    play.hears(Role::Current, "STOPPING=1\nREADY=1", Heard::Ending);
}

#[test]
fn a_generation_beside_the_current_one_does_not_change_the_state_of_the_service() {
    let state = "READY=1\nSTOPPING=1\nRELOADING=1\nMONOTONIC_USEC=1\nWATCHDOG=1\nWATCHDOG=trigger\nMAINPID=1\nSTATUS=x";
    let play = Play::ready().begin_handover().hears(Role::Successor, state, Heard::Ready).relays(&[]);
    let play = play.hears(Role::Leaving, state, Heard::Nothing).relays(&[]);
    let play = play.hears(Role::Successor, "STOPPING=1\nX_A=1\nREADY=0", Heard::Nothing).relays(&["X_A=1"]);
    play.hears(Role::Leaving, "BARRIER=1", Heard::Nothing).relays(&[]).sends("X_B=1").relays(&["X_B=1"]);
}

#[test]
fn the_status_of_a_new_generation_is_shown_at_the_handover() {
    let play = Play::ready().sends("STATUS=old").relays(&["STATUS=old"]).begin_handover();
    let play = play.hears(Role::Successor, "STATUS=new", Heard::Nothing).relays(&[]).hand_over();
    let play = play.relays(&["STATUS=new"]).hears(Role::Leaving, "STATUS=ends", Heard::Nothing).relays(&[]);
    play.begin_handover().hand_over().relays(&["STATUS="]);
}

#[test]
fn a_reload_that_the_old_generation_has_not_completed_is_complete_at_the_handover() {
    let complete = "RELOADING=1\nMONOTONIC_USEC=77\nREADY=1";
    let reloading = || Play::ready().sends("RELOADING=1").relays(&["RELOADING=1"]);
    reloading().begin_handover().hand_over().relays(&[complete]);
    // HUP was sent a moment ago, and the old generation has not answered it.
    Play::ready().begin_handover().hang_up().after(SECOND).hand_over().relays(&[complete]);
    Play::ready().begin_handover().hang_up().after(10 * SECOND).hand_over().relays(&[]);
    reloading().sends("READY=1").relays(&["READY=1"]).begin_handover().hand_over().relays(&[]);
}

#[test]
fn watchdog_messages_bridge_a_handover() {
    let play = Play::ready().sends("WATCHDOG=1").relays(&["WATCHDOG=1"]).begin_handover();
    let play =
        play.hears(Role::Successor, "WATCHDOG=1", Heard::Nothing).relays(&[]).hand_over().relays(&["WATCHDOG=1"]);
    let play = play.after(10 * SECOND).relays(&["WATCHDOG=1"]).sends("WATCHDOG=1").relays(&["WATCHDOG=1"]);
    play.after(10 * SECOND).relays(&[]);
    Play::ready().begin_handover().hand_over().relays(&[]);
}

#[test]
fn the_watchdog_interval_of_a_new_generation_counts_from_the_handover() {
    let play = Play::ready().sends("WATCHDOG=1").relays(&["WATCHDOG=1"]).begin_handover();
    let play = play.hears(Role::Successor, "WATCHDOG_USEC=4000000", Heard::Nothing).relays(&[]);
    let play = play.hand_over().relays(&["WATCHDOG_USEC=4000000", "WATCHDOG=1"]);
    let play = play.hears(Role::Leaving, "WATCHDOG_USEC=9000000", Heard::Nothing).relays(&[]);
    let play = play.after(2 * SECOND).relays(&["WATCHDOG=1"]);
    // One that never becomes the current generation changes nothing.
    let play = play.begin_handover().hears(Role::Successor, "WATCHDOG_USEC=1", Heard::Nothing);
    play.begin_handover().hand_over().relays(&[]);
}

#[test]
fn xassume_reports_readiness_once_and_completes_reloads() {
    let report = |mut play: Play| {
        play.relay.report_ready(play.now, MONOTONIC);
        play
    };
    let play = report(report(Play::new())).relays(&["READY=1"]);
    let play = report(play.sends("RELOADING=1").relays(&["RELOADING=1"])).relays(&[]);
    let mut keeper = report(Play::new()).relays(&["READY=1"]);
    keeper.relay.owe_reload();
    report(keeper).relays(&["RELOADING=1\nMONOTONIC_USEC=77\nREADY=1"]);
    report(play.restart()).relays(&["RELOADING=1\nMONOTONIC_USEC=77\nREADY=1"]);
    report(Play::new().end()).relays(&["STOPPING=1"]);
}
