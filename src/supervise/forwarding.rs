//! Decides what to do with a signal that xassume receives. All functions are pure.
//!
//! On a terminal, the command is in xassume's process group, so the kernel has already sent ^C, ^\ and resizes to the
//! command. If xassume forwarded these signals, the command would get them twice. A signal from a process has reached
//! only xassume, so it is forwarded, unless the command itself sent it.

use crate::process::signal::Signal;
use crate::process::{Arrival, Pid, ProcessGroup, Sender};

/// Facts about xassume's process, group and session. They are read once, before the command starts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct ProcessFacts {
    /// The ID of xassume's own process.
    pub(crate) me: Pid,
    /// The process group that the command runs in.
    pub(crate) group: ProcessGroup,
    /// Whether xassume leads its session (setsid(2)). The kernel sends the hang-up of the terminal only to the session
    /// leader.
    pub(crate) leads_session: bool,
}

/// What to do with a signal while a child is running.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Decision {
    /// Ignore the signal, because the command sent it, or because the signal does not concern the command.
    Drop,
    /// Do not forward the signal, because the kernel has sent it to the command too.
    AlreadyDelivered,
    Forward,
    /// Forward the signal, and then stop xassume too.
    ForwardAndPause,
}

/// What a signal does before the first child exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum EarlyEffect {
    /// The signal ends xassume.
    End,
    /// The signal stops xassume until it is continued.
    Pause,
    Ignore,
}

/// Checks whether xassume reads a signal instead of leaving the signal to its default action. The result does not apply
/// to a signal that was already ignored when xassume started, because xassume and the command go on ignoring such a
/// signal.
pub(crate) fn captures(signal: Signal, group: ProcessGroup) -> bool {
    match signal {
        // KILL and STOP cannot be caught. URG does not concern a command. xassume ignores PIPE, so write(2) returns an
        // error instead.
        Signal::KILL | Signal::STOP | Signal::URG | Signal::PIPE => false,
        // In a shared group, ^Z must stop both xassume and the command, and `fg` must continue both. The default
        // actions of these signals do that.
        Signal::TSTP | Signal::TTIN | Signal::TTOU | Signal::CONT => group == ProcessGroup::Own,
        fault if is_fault(fault) => false,
        _ => true,
    }
}

/// Checks whether this is a signal that the processor or abort(3) raises. Such a signal means that xassume itself has a
/// fault.
fn is_fault(signal: Signal) -> bool {
    use libc::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP].contains(&signal.number())
}

/// Decides what to do with a signal. `children` has the processes of the command: one, or two during a handover.
pub(crate) fn decide(arrival: Arrival, facts: ProcessFacts, children: [Option<Pid>; 2]) -> Decision {
    if is_from_command(arrival.sender, facts.me, children)
        || arrival.signal == Signal::CHLD
        || !captures(arrival.signal, facts.group)
    {
        return Decision::Drop;
    }
    let by_kernel = arrival.sender == Sender::Kernel;
    match (arrival.signal, facts.group) {
        // xassume itself has exceeded the limit on the file size. Its write(2) also returns an error, so the signal is
        // not needed.
        (Signal::XFSZ, ProcessGroup::Shared | ProcessGroup::Own) if by_kernel => Decision::Drop,
        // The kernel sends the hang-up only to the session leader, which is xassume. So xassume has to forward it.
        (Signal::HUP, ProcessGroup::Shared) if by_kernel && facts.leads_session => Decision::Forward,
        (Signal::INT | Signal::QUIT | Signal::HUP | Signal::WINCH, ProcessGroup::Shared) if by_kernel => {
            Decision::AlreadyDelivered
        }
        (Signal::TSTP | Signal::TTIN | Signal::TTOU, ProcessGroup::Own) => Decision::ForwardAndPause,
        (_, ProcessGroup::Shared | ProcessGroup::Own) => Decision::Forward,
    }
}

/// Checks whether the command or one of its processes sent the signal. If such a signal were forwarded, `kill $PPID`
/// would end the command, and `kill 0` would be an endless loop. The members of a group count as processes of the
/// command if the command or xassume leads the group. If another process, such as a script, leads a shared group,
/// signals from members of the group are forwarded, as sudo does.
fn is_from_command(sender: Sender, me: Pid, children: [Option<Pid>; 2]) -> bool {
    match sender {
        Sender::Kernel | Sender::OutsideNamespace => false,
        Sender::Process { pid, group } => {
            let mut leaders = children.into_iter().flatten().chain([me]);
            leaders.any(|within| pid == within || group == Some(within))
        }
    }
}

/// Returns what a signal does before the first child exists.
pub(crate) fn before_start(signal: Signal) -> EarlyEffect {
    match signal {
        Signal::CHLD | Signal::CONT | Signal::URG | Signal::WINCH | Signal::PIPE => EarlyEffect::Ignore,
        Signal::TSTP | Signal::TTIN | Signal::TTOU | Signal::STOP => EarlyEffect::Pause,
        _ => EarlyEffect::End,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Pid = 100;
    const CHILD: Pid = 101;
    const OTHER: Pid = 102;
    const SHARED: ProcessFacts = ProcessFacts { me: ME, group: ProcessGroup::Shared, leads_session: false };
    const OWN: ProcessFacts = ProcessFacts { me: ME, group: ProcessGroup::Own, leads_session: false };
    const USER: Sender = Sender::Process { pid: 7, group: Some(7) };

    fn decided(signal: Signal, sender: Sender, facts: ProcessFacts) -> Decision {
        decide(Arrival { signal, sender }, facts, [Some(CHILD), Some(OTHER)])
    }

    #[test]
    fn on_a_terminal_keys_are_not_forwarded_twice() {
        for signal in [Signal::INT, Signal::QUIT, Signal::HUP, Signal::WINCH] {
            assert_eq!(decided(signal, Sender::Kernel, SHARED), Decision::AlreadyDelivered);
            assert_eq!(decided(signal, USER, SHARED), Decision::Forward);
            assert_eq!(decided(signal, Sender::Kernel, OWN), Decision::Forward);
        }
    }

    #[test]
    fn a_hang_up_is_forwarded_by_the_session_leader() {
        let leader = ProcessFacts { leads_session: true, ..SHARED };
        assert_eq!(decided(Signal::HUP, Sender::Kernel, leader), Decision::Forward);
        assert_eq!(decided(Signal::INT, Sender::Kernel, leader), Decision::AlreadyDelivered);
    }

    #[test]
    fn every_other_signal_is_forwarded_from_any_sender() {
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
    fn stop_signals_stop_both_in_an_own_group_and_are_not_read_on_a_terminal() {
        for signal in [Signal::TSTP, Signal::TTIN, Signal::TTOU] {
            assert_eq!(decided(signal, USER, OWN), Decision::ForwardAndPause);
            assert!(!captures(signal, ProcessGroup::Shared));
        }
        assert_eq!(decided(Signal::CONT, USER, OWN), Decision::Forward);
        assert!(!captures(Signal::CONT, ProcessGroup::Shared));
    }

    #[test]
    fn a_signal_from_the_command_is_not_returned() {
        for (pid, group) in
            [(ME, None), (CHILD, None), (55, Some(CHILD)), (55, Some(ME)), (OTHER, None), (55, Some(OTHER))]
        {
            assert_eq!(decided(Signal::TERM, Sender::Process { pid, group }, OWN), Decision::Drop);
        }
        // The shell of a script leads the group that it shares with xassume, so its `kill -TERM $!` is meant for the
        // command.
        assert_eq!(decided(Signal::TERM, Sender::Process { pid: 50, group: Some(50) }, SHARED), Decision::Forward);
    }

    #[test]
    fn faults_and_internal_signals_are_never_forwarded() {
        for name in ["KILL", "STOP", "SEGV", "BUS", "FPE", "ILL", "TRAP", "ABRT", "SYS", "URG", "PIPE", "CHLD"] {
            let signal = name.parse::<Signal>().unwrap();
            assert_eq!(decided(signal, USER, OWN), Decision::Drop, "{name}");
        }
        assert_eq!(decided(Signal::XFSZ, Sender::Kernel, OWN), Decision::Drop);
        assert_eq!(decided(Signal::XFSZ, USER, OWN), Decision::Forward);
    }

    #[test]
    fn before_the_start_a_signal_has_its_default_effect() {
        assert_eq!(before_start(Signal::TERM), EarlyEffect::End);
        assert_eq!(before_start("USR1".parse().unwrap()), EarlyEffect::End);
        assert_eq!(before_start("RTMIN+1".parse().unwrap()), EarlyEffect::End);
        assert_eq!(before_start(Signal::TSTP), EarlyEffect::Pause);
        for signal in [Signal::WINCH, Signal::CONT, Signal::CHLD] {
            assert_eq!(before_start(signal), EarlyEffect::Ignore);
        }
    }
}
