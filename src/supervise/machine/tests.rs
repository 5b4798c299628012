//! One claim for each arrow of the picture, and for each rule that makes it.

use super::words::START_RETRIES;
use super::*;
use crate::supervise::happening::Problem;
use crate::supervise::policy::{OnRefreshFailure, Reach};
use crate::supervise::process::{Arrival, End, Group, Member, Remaining, Sender, Target};
use crate::supervise::relay::SessionRole;
use std::time::SystemTime;

const CHILD: Pid = 200;
const HOUR: Duration = Duration::from_hours(1);
const USER: Sender = Sender::Process { pid: 7, group: Some(7) };
const RESTART: OnExpiry = OnExpiry::Restart;
const HUP: OnExpiry = OnExpiry::Signal(Signal::HUP);
const TERMED: Action = Action::Signal(Target::Group, Signal::TERM);
const STOP: Action = Action::Stop(Signal::TERM);
const KILLED: Action = Action::Signal(Target::Family, Signal::KILL);

/// A machine, its clock, and what it asked for last; lines that it told are kept apart.
struct Play {
    machine: Machine,
    now: Now,
    asked: Vec<Action>,
    told: Vec<&'static str>,
}

impl Play {
    fn of(policy: Policy, group: Group) -> Self {
        Self::as_process(100, policy, group)
    }

    fn as_process(me: Pid, policy: Policy, group: Group) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * HOUR };
        let facts = Facts { me, group, session: SessionRole::Member };
        let machine = Machine::new(policy, facts, &validity(now), now, Dice::Loaded(0));
        Self { machine, now, asked: Vec::new(), told: Vec::new() }
    }

    /// In a group of its own, for a restart by environment or else by file.
    fn new(on_expiry: OnExpiry) -> Self {
        let reach = if on_expiry == RESTART { Reach::AtStart } else { Reach::Live };
        Self::of(Policy::usual(on_expiry, reach), Group::Own)
    }

    fn running(on_expiry: OnExpiry) -> Self {
        Self::new(on_expiry).wake().started()
    }

    fn stopping() -> Self {
        Self::running(RESTART).refreshed().stop_sent()
    }

    fn event(mut self, event: Event) -> Self {
        self.asked.clear();
        self.told.clear();
        for action in self.machine.handle(event, self.now) {
            match action {
                Action::Tell(happening) => self.told.push(happening.name()),
                other => self.asked.push(other),
            }
        }
        self
    }

    fn wake(self) -> Self {
        self.event(Event::Wake)
    }
    fn started(self) -> Self {
        self.event(Event::Command(CommandEvent::Started(CHILD)))
    }
    fn not_started(self, errno: i32) -> Self {
        self.event(Event::Command(CommandEvent::NotStarted(Fault { errno, text: "no".into() })))
    }
    fn stop_sent(self) -> Self {
        self.event(Event::Command(CommandEvent::StopSent))
    }
    fn ended(self, end: End) -> Self {
        self.event(Event::Command(CommandEvent::Ended(end)))
    }
    fn remaining(self, in_group: Option<Pid>, stray: Option<Pid>) -> Self {
        let member = |pid| Member { pid, name: "worker".into() };
        let remaining = Remaining { in_group: in_group.map(member), stray: stray.map(member) };
        self.event(Event::Command(CommandEvent::Remaining(remaining)))
    }
    /// Ended, with nobody left.
    fn gone(self, end: End) -> Self {
        self.ended(end).asks(&[Action::Look]).remaining(None, None)
    }
    fn signal(self, signal: Signal, sender: Sender) -> Self {
        self.event(Event::Command(CommandEvent::Signal(Arrival { signal, sender })))
    }
    fn obtained(self) -> Self {
        let event = SessionEvent::Obtained(validity(self.now));
        self.event(Event::Session(event))
    }
    fn published(self) -> Self {
        self.event(Event::Session(SessionEvent::Published))
    }
    fn refused(self) -> Self {
        let problem = Problem { text: "no".into(), hint: None };
        self.event(Event::Session(SessionEvent::Refused(problem)))
    }
    fn after(mut self, time: Duration) -> Self {
        self.now.boot += time;
        self.now.wall += time;
        self.wake()
    }
    /// Waits for the deadline.
    fn due(self) -> Self {
        let at = self.machine.deadline().unwrap().boot;
        let time = at.saturating_sub(self.now.boot);
        self.after(time)
    }
    /// A refresh from its deadline to its publication.
    fn refreshed(self) -> Self {
        self.due().obtained().published()
    }

    fn is(self, command: &str, session: &str) -> Self {
        assert_eq!(self.machine.state_names(), (command, session));
        self
    }
    fn asks(self, actions: &[Action]) -> Self {
        assert_eq!(self.asked, actions);
        self
    }
    fn tells(self, names: &[&str]) -> Self {
        assert_eq!(self.told, names);
        self
    }
    fn exits(self, end: End) {
        assert_eq!(self.asked.last(), Some(&Action::Exit(Final::Ended(end))));
    }
}

fn validity(now: Now) -> Validity {
    Validity { expiration: now.wall + HOUR, left: HOUR, lifetime: HOUR, skew_secs: 0 }
}

#[test]
fn the_command_is_started_at_once_and_the_refresh_is_announced() {
    let play = Play::new(RESTART).is("Starting", "Waiting").wake().asks(&[Action::Spawn]);
    play.started().is("Running", "Waiting").tells(&["started", "refresh_due"]);
}

#[test]
fn a_first_start_that_fails_is_final() {
    let end = Action::Exit(Final::NotStarted { errno: libc::EAGAIN });
    Play::new(RESTART).wake().not_started(libc::EAGAIN).is("Ended", "Idle").asks(&[end]);
}

#[test]
fn a_signal_before_the_start_is_died_of() {
    Play::new(RESTART).signal(Signal::HUP, USER).exits(End::Killed(Signal::HUP));
    Play::new(RESTART).signal(Signal::WINCH, USER).is("Starting", "Waiting").asks(&[]);
}

#[test]
fn a_command_that_ends_by_itself_is_final_whatever_its_status() {
    for end in [End::Exited(0), End::Exited(5), End::Killed(Signal::TERM)] {
        Play::running(RESTART).ended(end).is("Ended", "Idle").asks(&[Action::Reap, Action::Exit(Final::Ended(end))]);
    }
}

#[test]
fn an_end_during_the_sts_call_drops_the_call() {
    let end = End::Exited(0);
    let play = Play::running(RESTART).due().is("Running", "Assuming").asks(&[Action::Assume]);
    play.ended(end).asks(&[Action::Reap, Action::Abandon, Action::Exit(Final::Ended(end))]);
}

#[test]
fn a_refresh_is_published_before_the_command_is_stopped() {
    let play = Play::running(RESTART).due().obtained().is("Running", "Publishing").asks(&[Action::Publish]);
    let play = play.published().is("Stopping", "Waiting").asks(&[STOP]);
    play.tells(&["refreshed", "refresh_due", "restarting"]);
}

#[test]
fn a_stopped_command_is_swept_reaped_and_started_again() {
    let play = Play::stopping().gone(End::Exited(0)).is("Starting", "Waiting").tells(&["stopped"]);
    let play = play.asks(&[Action::Sweep, Action::Reap]).wake().asks(&[Action::Spawn]);
    play.started().is("Running", "Waiting").tells(&["started"]);
}

#[test]
fn a_command_that_outlives_the_stop_timeout_is_killed_and_started_again() {
    let play = Play::stopping().after(Duration::from_secs(9)).is("Stopping", "Waiting").asks(&[]);
    let play = play.after(Duration::from_secs(1)).is("Killing", "Waiting").asks(&[KILLED]);
    play.gone(End::Killed(Signal::KILL)).is("Starting", "Waiting").wake().asks(&[Action::Spawn]);
}

#[test]
fn a_restart_that_fails_for_a_passing_reason_is_tried_again() {
    for errno in [libc::EAGAIN, libc::ENOMEM, libc::ETXTBSY, libc::ETIMEDOUT] {
        let mut play = Play::stopping().gone(End::Exited(0)).wake();
        for _ in 0..START_RETRIES {
            play = play.not_started(errno).tells(&["start_retry"]).due();
        }
        play.not_started(errno).asks(&[Action::Exit(Final::NotStarted { errno })]);
    }
    let errno = libc::ENOENT;
    let play = Play::stopping().gone(End::Exited(0)).wake();
    play.not_started(errno).asks(&[Action::Exit(Final::NotStarted { errno })]);
}

#[test]
fn term_cancels_every_later_restart_and_the_refreshes_that_served_it() {
    let play = Play::running(RESTART).signal(Signal::TERM, USER).is("Running", "Idle").asks(&[TERMED]);
    let play = play.tells(&["forwarded", "restarts_cancelled"]).after(2 * HOUR).asks(&[]).tells(&["expired"]);
    play.ended(End::Exited(3)).exits(End::Exited(3));
}

#[test]
fn term_during_the_sts_call_drops_the_call() {
    let play = Play::running(RESTART).due().signal(Signal::TERM, USER);
    play.is("Running", "Idle").asks(&[TERMED, Action::Abandon]);
}

#[test]
fn a_draining_command_keeps_its_file_fresh_and_is_not_restarted() {
    let play = Play::of(Policy::usual(RESTART, Reach::Live), Group::Own).wake().started().signal(Signal::TERM, USER);
    play.is("Running", "Waiting").refreshed().is("Running", "Waiting").asks(&[]).tells(&["refreshed", "refresh_due"]);
}

#[test]
fn between_stop_and_start_term_int_and_quit_make_the_end_final() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let sent = Action::Signal(Target::Group, signal);
        let play = Play::stopping().signal(signal, USER).is("Stopping", "Idle").asks(&[sent]);
        play.gone(End::Exited(4)).exits(End::Exited(4));
        let play = Play::stopping().due().is("Killing", "Waiting").signal(signal, USER);
        play.gone(End::Killed(Signal::KILL)).exits(End::Killed(Signal::KILL));
        let play = Play::stopping().gone(End::Exited(4)).signal(signal, USER);
        play.exits(End::Exited(4));
    }
}

#[test]
fn int_while_the_command_runs_and_hup_at_any_time_cancel_nothing() {
    Play::running(RESTART).signal(Signal::INT, USER).refreshed().is("Stopping", "Waiting");
    for signal in [Signal::HUP, "USR1".parse().unwrap(), Signal::WINCH] {
        let play = Play::stopping().signal(signal, USER).gone(End::Exited(0)).is("Starting", "Waiting");
        play.signal(signal, USER).wake().asks(&[Action::Spawn]);
    }
}

#[test]
fn what_the_command_itself_sends_cancels_nothing() {
    let child = Sender::Process { pid: CHILD, group: Some(CHILD) };
    Play::running(RESTART).signal(Signal::TERM, child).is("Running", "Waiting").asks(&[]).tells(&[]);
}

#[test]
fn a_refresh_signal_follows_the_file_and_goes_to_the_command_alone() {
    let play = Play::running(HUP).due().obtained().asks(&[Action::Publish]).published();
    play.is("Running", "Waiting").asks(&[Action::Signal(Target::Process, Signal::HUP)]);
}

#[test]
fn a_file_that_cannot_be_written_is_a_failed_refresh() {
    let problem = Problem { text: "disk full".into(), hint: None };
    let play = Play::running(HUP).due().obtained().event(Event::Session(SessionEvent::Unpublished(problem)));
    play.is("Running", "Waiting").asks(&[]).tells(&["refresh_failing"]).due().asks(&[Action::Assume]);
}

#[test]
fn a_command_that_dies_of_the_refresh_signal_is_told_apart() {
    let end = End::Killed(Signal::HUP);
    Play::running(HUP).refreshed().ended(end).tells(&["died_of_refresh_signal"]).exits(end);
    Play::running(HUP).ended(end).tells(&[]).exits(end);
}

#[test]
fn by_environment_the_signal_is_a_notice_without_a_session() {
    let play =
        Play::of(Policy::usual(HUP, Reach::AtStart), Group::Own).wake().started().tells(&["started", "notice_only"]);
    let play = play.due().is("Running", "Idle").asks(&[Action::Signal(Target::Process, Signal::HUP)]);
    let play = play.due().asks(&[]).tells(&["expired"]);
    assert_eq!(play.machine.deadline(), None);
}

#[test]
fn one_line_for_each_change_of_state_of_a_failing_refresh() {
    let mut lines = Vec::new();
    let mut play = Play::running(OnExpiry::None);
    while !lines.contains(&"expired") {
        play = play.due();
        lines.extend(play.told.clone());
        if play.asked == [Action::Assume] {
            play = play.refused();
            lines.extend(play.told.clone());
        }
    }
    lines.retain(|name| *name != "retry");
    assert_eq!(lines, ["refresh_failing", "expires_soon", "expired"]);
    while play.asked != [Action::Assume] {
        play = play.due();
    }
    play.obtained().published().is("Running", "Waiting").tells(&["recovered", "refreshed", "refresh_due"]);
}

#[test]
fn a_session_that_is_lost_ends_the_command_if_that_is_the_policy() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, Reach::AtStart) };
    let play = Play::of(strict, Group::Own).wake().started().due().refused().is("Running", "Waiting");
    // No last try: it could take as long as the others.
    let play = play.after(HOUR).is("Stopping", "Idle").asks(&[STOP]).tells(&["lapsed"]);
    let end = Action::Exit(Final::Lapsed);
    play.stop_sent().gone(End::Exited(0)).asks(&[Action::Sweep, Action::Reap, end]);
}

#[test]
fn a_call_that_is_still_out_at_the_expiry_is_not_waited_for_if_that_is_the_policy() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, Reach::AtStart) };
    let play = Play::of(strict, Group::Own).wake().started().due().is("Running", "Assuming");
    let play = play.due().is("Stopping", "Idle").asks(&[Action::Abandon, STOP]).tells(&["lapsed"]);
    assert_eq!(play.now.boot, Duration::from_secs(1000) + HOUR);
}

#[test]
fn an_expiry_during_the_sts_call_is_told_and_so_is_the_answer_that_comes_late() {
    let play = Play::running(RESTART).due().due().is("Running", "Assuming").asks(&[]).tells(&["expired"]);
    assert_eq!(play.machine.deadline(), None);
    let play = play.obtained().published().is("Stopping", "Waiting");
    play.tells(&["recovered", "refreshed", "refresh_due", "restarting"]);

    let play = Play::running(RESTART).due().due().refused().is("Running", "Waiting").tells(&["refresh_failing"]);
    play.due().asks(&[Action::Assume]).obtained().published().tells(&[
        "recovered",
        "refreshed",
        "refresh_due",
        "restarting",
    ]);
}

#[test]
fn a_session_that_expires_soon_is_told_of_during_a_retry_as_well() {
    let mut play = Play::running(RESTART).due().refused();
    // Each retry stays without an answer, until one is out when five minutes are left.
    for _ in 0..20 {
        if play.asked == [Action::Assume] && play.machine.deadline().is_some_and(|at| at.boot > play.now.boot) {
            break;
        }
        play = play.due();
    }
    let play = play.due();
    play.is("Running", "Assuming").asks(&[]).tells(&["expires_soon"]);
}

#[test]
fn a_refusal_after_the_expiry_ends_the_command_if_that_is_the_policy() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, Reach::AtStart) };
    let play = Play::of(strict, Group::Own).wake().started().after(8 * HOUR).is("Running", "Assuming");
    assert_eq!(play.machine.deadline(), None);
    play.wake().is("Running", "Assuming").refused().is("Stopping", "Idle").tells(&["refresh_failing", "lapsed"]);
}

#[test]
fn after_eight_hours_of_suspend_the_refresh_comes_before_any_alarm() {
    let strict = Policy { on_refresh_failure: OnRefreshFailure::Stop, ..Policy::usual(RESTART, Reach::AtStart) };
    let play = Play::of(strict, Group::Own).wake().started().after(8 * HOUR).asks(&[Action::Assume]).tells(&[]);
    play.obtained().published().is("Stopping", "Waiting");
}

#[test]
fn a_wall_clock_set_ahead_refreshes_once_and_not_again() {
    let mut play = Play::running(OnExpiry::None);
    play.now.wall += HOUR;
    let play = play.after(Duration::from_secs(2)).asks(&[Action::Assume]).obtained().published();
    play.after(Duration::from_secs(30)).is("Running", "Waiting").asks(&[]);
}

#[test]
fn no_two_refreshes_begin_within_a_second() {
    let mut play = Play::running(OnExpiry::None);
    play.now.wall += HOUR;
    let play = play.wake().asks(&[]).due().asks(&[Action::Assume]);
    assert_eq!(play.now.boot, Duration::from_secs(1001));
}

#[test]
fn on_a_terminal_the_terminal_is_given_back_after_a_stop() {
    let play = Play::of(Policy::usual(RESTART, Reach::AtStart), Group::Shared).wake().started().refreshed();
    play.asks(&[STOP]).stop_sent().gone(End::Exited(0)).asks(&[Action::Reap, Action::RestoreTerminal]);
}

#[test]
fn on_a_terminal_a_child_that_was_stopped_alone_stops_xassume() {
    let stopped = |group, signal| {
        let play = Play::of(Policy::usual(OnExpiry::None, Reach::Live), group).wake().started();
        play.event(Event::Command(CommandEvent::Paused(signal)))
    };
    let both = [Action::Pause(Signal::TTIN), Action::Signal(Target::Process, Signal::CONT)];
    stopped(Group::Shared, Signal::TTIN).asks(&both);
    stopped(Group::Shared, Signal::STOP).asks(&[]);
    stopped(Group::Own, Signal::TTIN).asks(&[]);
}

#[test]
fn a_stop_signal_to_xassume_stops_both_in_a_group_of_its_own() {
    let sent = Action::Signal(Target::Group, Signal::TSTP);
    Play::running(RESTART).signal(Signal::TSTP, USER).asks(&[sent, Action::Pause(Signal::STOP)]);
}

#[test]
fn a_command_that_ended_right_before_the_stop_signal_has_ended_by_itself() {
    let end = End::Exited(7);
    let play = Play::running(RESTART).refreshed().is("Stopping", "Waiting").asks(&[STOP]);
    play.ended(end).is("Ended", "Idle").asks(&[Action::Reap, Action::Exit(Final::Ended(end))]).tells(&[]);
}

#[test]
fn a_stop_lasts_until_the_group_has_ended() {
    let play = Play::stopping().ended(End::Exited(0)).is("Stopping", "Waiting").asks(&[Action::Look]);
    let mut play = play.remaining(Some(300), None).asks(&[]);
    let mut looks = 0;
    let begun = play.now.boot;
    while play.now.boot < begun + Duration::from_secs(3) {
        play = play.due().asks(&[Action::Look]).remaining(Some(300), None).asks(&[]);
        looks += 1;
    }
    assert!((30..40).contains(&looks), "{looks} in three seconds");
    let play = play.event(Event::Command(CommandEvent::OrphanReaped)).asks(&[Action::Look]).remaining(None, None);
    play.is("Starting", "Waiting").asks(&[Action::Sweep, Action::Reap]).tells(&["stopped"]);
}

#[test]
fn one_that_is_there_two_seconds_after_the_command_is_named_once() {
    let play = Play::stopping().ended(End::Exited(0)).remaining(Some(300), None).tells(&[]);
    let play = play.after(Duration::from_secs(2)).remaining(Some(300), None).tells(&["still_stopping"]);
    play.after(Duration::from_secs(1)).remaining(Some(300), None).tells(&[]);
}

#[test]
fn the_family_outside_the_group_is_asked_once_when_the_group_has_ended() {
    let play = Play::stopping().ended(End::Exited(0)).remaining(Some(300), Some(400)).asks(&[]);
    let asked = [Signal::TERM, Signal::CONT].map(|signal| Action::Signal(Target::Strays, signal));
    let play = play.due().remaining(None, Some(400)).asks(&asked);
    play.due().remaining(None, Some(400)).asks(&[]).due().remaining(None, None).is("Starting", "Waiting");
}

#[test]
fn what_outlives_the_stop_timeout_is_killed_in_rounds_and_warned_about_once() {
    let mut play = Play::stopping();
    for warned in [&["stop_ignored"][..], &[]] {
        play = play.ended(End::Exited(0)).remaining(None, Some(400)).after(Duration::from_secs(10));
        play = play.is("Killing", "Waiting").asks(&[Action::Look]);
        play = play.remaining(None, Some(400)).asks(&[KILLED]).tells(warned);
        play = play.due().asks(&[Action::Look]).remaining(Some(401), None).asks(&[KILLED]);
        play = play.due().remaining(None, None).is("Starting", "Waiting").tells(&["stopped"]);
        play = play.wake().started().refreshed().stop_sent();
    }
}

#[test]
fn what_cannot_be_killed_does_not_hold_up_a_restart_for_ever() {
    let play = Play::stopping().ended(End::Exited(0)).remaining(Some(300), None).after(Duration::from_secs(10));
    let play = play.remaining(Some(300), None).asks(&[KILLED]).after(Duration::from_secs(1)).remaining(Some(300), None);
    play.is("Starting", "Waiting").asks(&[Action::Sweep, Action::Reap]);
}

#[test]
fn a_command_that_sigkill_has_not_ended_is_killed_by_its_id_and_told_of() {
    let play = Play::stopping().due().is("Killing", "Waiting").asks(&[KILLED]).tells(&[]);
    let play = play.due().asks(&[Action::Signal(Target::Process, Signal::KILL)]).tells(&["not_killed"]);
    let play = play.after(HOUR / 60).asks(&[]).gone(End::Killed(Signal::KILL));
    play.is("Starting", "Waiting").tells(&["stopped"]);
}

#[test]
fn the_first_process_of_a_container_waits_for_the_group_after_term_and_not_without() {
    let policy = Policy::usual(RESTART, Reach::AtStart);
    let running = |me| Play::as_process(me, policy, Group::Own).wake().started();
    let end = End::Exited(3);
    let play = running(1).signal(Signal::TERM, USER).ended(end).is("Stopping", "Idle").asks(&[Action::Look]);
    play.remaining(Some(300), None).asks(&[]).due().remaining(None, None).exits(end);
    let play = running(1).signal(Signal::TERM, USER).ended(end).remaining(Some(300), None);
    play.after(Duration::from_secs(10)).is("Killing", "Idle").remaining(Some(300), None).asks(&[KILLED]);
    running(1).ended(end).exits(end);
    running(100).signal(Signal::TERM, USER).ended(end).exits(end);
}

#[test]
fn a_start_that_gives_no_answer_is_given_up() {
    let play = Play::new(RESTART).wake().asks(&[Action::Spawn]).after(Duration::from_secs(9)).asks(&[]);
    let late = Action::Exit(Final::NotStarted { errno: libc::ETIMEDOUT });
    play.after(Duration::from_secs(1)).is("Ended", "Idle").asks(&[Action::Abort, late]);
    let play = Play::stopping().gone(End::Exited(0)).wake().asks(&[Action::Spawn]);
    play.due().asks(&[Action::Abort]).tells(&["start_retry"]).due().asks(&[Action::Spawn]);
}

#[test]
fn a_signal_that_ends_xassume_before_a_start_ends_the_child_that_is_not_the_command_yet() {
    let died = |signal| Action::Exit(Final::Ended(End::Killed(signal)));
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        Play::new(RESTART).wake().signal(signal, USER).asks(&[Action::Abort, died(signal)]);
    }
    let play = Play::stopping().gone(End::Exited(4)).wake().signal(Signal::TERM, USER);
    play.asks(&[Action::Abort, Action::Exit(Final::Ended(End::Exited(4)))]);
}

#[test]
fn a_session_that_is_new_while_a_restart_is_awaited_is_followed_by_another_restart() {
    let mut play = Play::stopping().gone(End::Exited(0)).wake();
    play.now.wall += HOUR;
    let play = play.after(Duration::from_secs(2)).asks(&[Action::Assume]).obtained().published();
    play.is("Starting", "Waiting").asks(&[]).started().is("Stopping", "Waiting").asks(&[STOP]);
}
