//! The terminal itself: its size, its modes, and its end.

use super::{Job, bash};
use crate::supervision::processes::{children, eventually, has_ended, state_of};
use crate::supervision::{
    ROLE, SHORT, next_start, number_in, one_refresh, pid, probing, restarting, state, with_program_variables, xassume,
};
use crate::support::log::PATIENCE;
use crate::support::pty::PROMPT;
use crate::support::{Answer, FakeSts, Terminal, Xassume, sys};

#[test]
fn each_new_size_is_signaled_once() {
    let sts = FakeSts::start();
    let bash = bash(&sts);
    let job = Job::start(&bash, "print-signals then winsize");
    for rows in [20, 21, 22, 23, 24] {
        bash.resize(rows, 80);
        assert!(bash.line("WINCH code=").ends_with("WINCH code=SI_KERNEL pid=0"));
    }
    let shown = job.end();
    assert!(shown.contains("rows=24 columns=80"), "{shown}");
    assert_eq!(shown.matches("WINCH code=").count(), 5, "{shown}");
}

#[test]
fn a_closed_window_ends_all_processes() {
    let sts = FakeSts::start();
    let mut bash = bash(&sts);
    let job = Job::start(&bash, "print-signals exit-on HUP");
    let both = job.both();
    bash.hang_up();
    assert!(both.into_iter().all(|pid| sys::wait_gone(pid, PATIENCE)));
    assert!(bash.ends_within(PATIENCE));

    // Only the leader of the session gets the signal.
    let mut leader = Terminal::run(&probing(restarting(&sts), &["state", "then", "print-signals", "exit-on", "HUP"]));
    let command = pid(&state(&leader), "pid");
    leader.line("ready");
    leader.hang_up();
    assert!(sys::wait_gone(command, PATIENCE));
    assert!(leader.ends_within(PATIENCE));
}

#[test]
fn a_command_that_ignores_the_hangup_keeps_running() {
    let sts = FakeSts::start();
    let mut bash = bash(&sts);
    bash.keys("$STAY sh -c 'exec $PROBE print-signals exit-on USR1 >said'\n");
    let said = bash.sandbox().work().join("said");
    let has_said = |words: &str| {
        eventually(words, || std::fs::read_to_string(&said).unwrap_or_default().contains(words));
    };
    has_said("ready");
    let xassume = bash.foreground();
    let [command] = children(xassume).try_into().expect("one child");
    bash.hang_up();
    has_said("HUP code=");
    sys::send_signal(xassume, libc::SIGUSR1);
    has_said("USR1 code=");
    assert!(sys::wait_gone(command, PATIENCE) && sys::wait_gone(xassume, PATIENCE));
}

/// Run by a shell that does not restore the modes of its terminal, as shells do for scripts.
fn scripted(sts: &FakeSts, script: &str) -> Terminal {
    let shell = with_program_variables(Xassume::new(sts)).program("sh").args(["-c", script]);
    Terminal::run(&shell.env("ROLE", ROLE))
}

#[test]
fn the_terminal_is_restored_after_a_killed_command() {
    let sts = FakeSts::start();
    let terminal = scripted(
        &sts,
        "$BIN -r $ROLE --via file -- $PROBE state then raw-tty then print-signals; echo ended; read line",
    );
    let command = pid(&state(&terminal), "pid");
    terminal.line("ready");
    assert!(!terminal.is_cooked());
    sys::send_signal(command, libc::SIGKILL);
    terminal.line("ended");
    assert!(terminal.is_cooked());
}

#[test]
fn the_terminal_is_restored_before_a_restart() {
    let sts = one_refresh();
    let command = "sh -c 'stty -a | grep -o -- -*icanon; exec $PROBE raw-tty then print-signals'";
    let terminal = scripted(&sts, &format!("$BIN -r $ROLE --on-expiry restart -- {command}"));
    for _ in 0..2 {
        assert_eq!(terminal.line("icanon"), "icanon");
        terminal.line("ready");
    }
}

#[test]
fn three_restarts_of_a_script_leave_one_copy() {
    let sts = FakeSts::builder().script([(); 3].map(|()| Answer::Lifetime(SHORT))).start();
    let script = "$PROBE print-keys & wait";
    let terminal = Terminal::run(&crate::supervision::scripted(restarting(&sts), script));
    let mut copies = Vec::new();
    for _ in 0..4 {
        copies.push(next_start(&terminal).pid);
    }
    let last = copies.pop().expect("there are four");
    assert!(matches!(state_of(last), Some('R' | 'S')));
    for copy in copies {
        assert!(has_ended(copy), "{copy} lives on");
    }
    // Each was asked to end once, and none was killed.
    assert_eq!(terminal.stdout.so_far().matches("TERM code=").count(), 3);
}

#[test]
fn a_command_that_left_the_group_of_the_terminal_is_stopped() {
    let sts = one_refresh();
    let terminal = Terminal::run(&probing(restarting(&sts), &["leave-group", "then", "print-keys"]));
    let workers = [(); 2].map(|()| {
        let worker = number_in(&terminal.line("worker pid="));
        next_start(&terminal);
        worker
    });
    assert!(has_ended(workers[0]), "the group that the command has joined counts as its group");
}

/// setsid(1) forks only if it is the leader of a group, which it is not here.
#[test]
fn processes_of_a_command_that_starts_a_session_are_stopped() {
    let sts = one_refresh();
    let script = "exec setsid sh -c '$PROBE print-signals & echo worker=$!; $PROBE print-keys'";
    let terminal = Terminal::run(&crate::supervision::scripted(restarting(&sts), script));
    let worker = number_in(&terminal.line("worker="));
    terminal.line("ready pid=");
    terminal.line("ready pid=");
    assert!(has_ended(worker));
}

/// A shell with job control (here dash) moves its own group to the foreground. Until it is there, it stops all
/// processes of its first group.
#[test]
fn a_restarted_shell_with_job_control_gets_the_terminal() {
    let sts = one_refresh();
    let script = "set -m; echo shell=$$; $PROBE print-signals & wait";
    let terminal = Terminal::run(&crate::supervision::scripted(restarting(&sts), script));
    let first = number_in(&terminal.line("shell="));
    assert_ne!(number_in(&terminal.line("shell=")), first);
}

#[test]
fn a_restarted_command_reads_the_terminal() {
    let sts = one_refresh();
    let bash = bash(&sts);
    bash.keys(&format!("$BIN -r {ROLE} --on-expiry restart -- $PROBE read-tty\n"));
    bash.line("ready");
    bash.line("ready");
    bash.keys("hello\n");
    bash.line("read hello");
    bash.through(PROMPT);
    let warning = "--on-expiry restart will kill and restart this interactive command";
    assert_eq!(bash.stdout.so_far().matches(warning).count(), 1);
}

#[test]
fn a_background_group_is_warned_about() {
    let sts = FakeSts::start();
    let own = xassume(&sts).args(["--via", "file", "--process-group", "new"]);
    let shown = Terminal::run(&probing(own, &["state"])).wait().exited(0).stdout_text();
    assert!(shown.contains("reading from the terminal will stop it"), "{shown}");
    assert!(shown.contains("hint: leave out --process-group new"), "{shown}");
}
