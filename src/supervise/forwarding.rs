//! What to do with a signal that xassume receives: the table of `supervise`'s contract, as a pure function.
//!
//! On a terminal the command shares xassume's process group, so a key (^C, ^\) and a resize have already signalled
//! it; a forward would be a second ^C. Whatever a *process* sends has reached xassume alone and is passed on,
//! unless it comes from the command itself.

use crate::process::signal::Signal;
use crate::process::{Arrival, Pid, ProcessGroup, Sender};

/// Where xassume stands among the processes; read once, at the start.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ProcessFacts {
    /// xassume's own process.
    pub(crate) me: Pid,
    /// The group the command runs in.
    pub(crate) group: ProcessGroup,
    pub(crate) session: SessionRole,
}

/// xassume's place in its terminal session (setsid(2); not a session of AWS).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum SessionRole {
    /// It leads the session: a hang-up of the terminal is signalled to it and to nobody else.
    Leader,
    Member,
}

/// What becomes of a signal while a child runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Decision {
    /// Nothing: it came from the command, or is none of the command's business.
    Drop,
    /// The command has had it from the kernel.
    AlreadyDelivered,
    Forward,
    /// Forward it, then stop as well.
    ForwardAndPause,
}

/// What a signal does while there is no command to have it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum EarlyEffect {
    /// xassume dies of it.
    Die,
    /// xassume stops.
    Pause,
    Ignore,
}

/// Whether a signal is taken from its default action and read instead. Signals that were ignored when xassume was
/// started are not asked about: they stay ignored, for the command too.
pub(crate) fn captures(signal: Signal, group: ProcessGroup) -> bool {
    match signal {
        // Cannot be caught, or tell of a fault of our own, or (URG) of nothing that concerns a command; PIPE is
        // an error of write(2) instead.
        Signal::KILL | Signal::STOP | Signal::URG | Signal::PIPE => false,
        // ^Z must stop xassume together with the command, and `fg` wake both: the defaults do just that.
        Signal::TSTP | Signal::TTIN | Signal::TTOU | Signal::CONT => group == ProcessGroup::Own,
        fault if is_fault(fault) => false,
        _ => true,
    }
}

/// Raised by the processor or by abort(3).
fn is_fault(signal: Signal) -> bool {
    use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP].contains(&signal.number())
}

/// What to do with a signal while `child` runs.
pub(crate) fn decide(arrival: Arrival, facts: ProcessFacts, child: Pid) -> Decision {
    if is_from_within(arrival.sender, facts.me, child)
        || arrival.signal == Signal::CHLD
        || !captures(arrival.signal, facts.group)
    {
        return Decision::Drop;
    }
    let by_kernel = arrival.sender == Sender::Kernel;
    match (arrival.signal, facts.group) {
        // A limit on files that xassume itself writes; write(2) tells.
        (Signal::XFSZ, ProcessGroup::Shared | ProcessGroup::Own) if by_kernel => Decision::Drop,
        // A hang-up goes to the leader of the session alone; it is for the leader to pass it on.
        (Signal::HUP, ProcessGroup::Shared) if by_kernel && facts.session == SessionRole::Leader => Decision::Forward,
        (Signal::INT | Signal::QUIT | Signal::HUP | Signal::WINCH, ProcessGroup::Shared) if by_kernel => {
            Decision::AlreadyDelivered
        }
        (Signal::TSTP | Signal::TTIN | Signal::TTOU, ProcessGroup::Own) => Decision::ForwardAndPause,
        (_, ProcessGroup::Shared | ProcessGroup::Own) => Decision::Forward,
    }
}

/// Whether the command, or what it started, sent the signal: bouncing it back would make `kill $PPID` a suicide and
/// `kill 0` a loop. A group counts as the command's when the command leads it or when xassume does; a shared group
/// that someone else leads (a script's) may signal xassume like any other process, as C sudo has it.
fn is_from_within(sender: Sender, me: Pid, child: Pid) -> bool {
    match sender {
        Sender::Kernel | Sender::OutsideNamespace => false,
        Sender::Process { pid, group } => [me, child].iter().any(|within| pid == *within || group == Some(*within)),
    }
}

/// What a signal does before the first child exists.
pub(crate) fn before_start(signal: Signal) -> EarlyEffect {
    match signal {
        Signal::CHLD | Signal::CONT | Signal::URG | Signal::WINCH | Signal::PIPE => EarlyEffect::Ignore,
        Signal::TSTP | Signal::TTIN | Signal::TTOU | Signal::STOP => EarlyEffect::Pause,
        _ => EarlyEffect::Die,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Pid = 100;
    const CHILD: Pid = 101;
    const SHARED: ProcessFacts = ProcessFacts { me: ME, group: ProcessGroup::Shared, session: SessionRole::Member };
    const OWN: ProcessFacts = ProcessFacts { me: ME, group: ProcessGroup::Own, session: SessionRole::Member };
    const USER: Sender = Sender::Process { pid: 7, group: Some(7) };

    fn decided(signal: Signal, sender: Sender, facts: ProcessFacts) -> Decision {
        decide(Arrival { signal, sender }, facts, CHILD)
    }

    #[test]
    fn on_a_terminal_the_kernels_keys_are_not_doubled() {
        for signal in [Signal::INT, Signal::QUIT, Signal::HUP, Signal::WINCH] {
            assert_eq!(decided(signal, Sender::Kernel, SHARED), Decision::AlreadyDelivered);
            assert_eq!(decided(signal, USER, SHARED), Decision::Forward);
            assert_eq!(decided(signal, Sender::Kernel, OWN), Decision::Forward);
        }
    }

    #[test]
    fn a_hang_up_of_the_session_that_xassume_leads_is_passed_on() {
        let leader = ProcessFacts { session: SessionRole::Leader, ..SHARED };
        assert_eq!(decided(Signal::HUP, Sender::Kernel, leader), Decision::Forward);
        assert_eq!(decided(Signal::INT, Sender::Kernel, leader), Decision::AlreadyDelivered);
    }

    #[test]
    fn everything_else_is_forwarded_whoever_sent_it() {
        let sent = ["TERM", "USR1", "USR2", "ALRM", "VTALRM", "PROF", "XCPU", "IO", "PWR", "RTMIN", "RTMAX"];
        for signal in sent.map(|name| name.parse::<Signal>().unwrap()) {
            for facts in [SHARED, OWN] {
                for sender in [Sender::Kernel, Sender::OutsideNamespace, USER, Sender::Process { pid: 9, group: None }]
                {
                    assert_eq!(decided(signal, sender, facts), Decision::Forward, "{signal}");
                }
            }
        }
    }

    #[test]
    fn stopping_signals_stop_both_in_a_group_of_its_own_and_are_not_captured_on_a_terminal() {
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            assert_eq!(decided(signal, USER, OWN), Decision::ForwardAndPause);
            assert!(!captures(signal, ProcessGroup::Shared));
        }
        assert_eq!(decided(Signal::CONT, USER, OWN), Decision::Forward);
        assert!(!captures(Signal::CONT, ProcessGroup::Shared));
    }

    #[test]
    fn what_the_command_sends_is_not_bounced_back() {
        for (pid, group) in [(ME, None), (CHILD, None), (55, Some(CHILD)), (55, Some(ME))] {
            assert_eq!(decided(Signal::TERM, Sender::Process { pid, group }, OWN), Decision::Drop);
        }
        // A script's shell leads the group that it shares with xassume: `kill -TERM $!` is meant.
        assert_eq!(decided(Signal::TERM, Sender::Process { pid: 50, group: Some(50) }, SHARED), Decision::Forward);
    }

    #[test]
    fn faults_and_internal_signals_are_never_forwarded() {
        for name in ["KILL", "STOP", "SEGV", "BUS", "FPE", "ILL", "TRAP", "ABRT", "SYS", "URG", "PIPE", "CHLD"] {
            let signal = name.parse::<Signal>().unwrap();
            assert_eq!(decided(signal, USER, OWN), Decision::Drop, "{name}");
        }
        assert_eq!(decided(Signal::XFSZ, Sender::Kernel, OWN), Decision::Drop);
    }

    #[test]
    fn before_the_start_a_signal_does_what_it_does_by_default() {
        assert_eq!(before_start(Signal::TERM), EarlyEffect::Die);
        assert_eq!(before_start("USR1".parse().unwrap()), EarlyEffect::Die);
        assert_eq!(before_start("RTMIN+1".parse().unwrap()), EarlyEffect::Die);
        assert_eq!(before_start(Signal::TSTP), EarlyEffect::Pause);
        for signal in [Signal::WINCH, Signal::CONT, Signal::CHLD] {
            assert_eq!(before_start(signal), EarlyEffect::Ignore);
        }
    }
}
