//! The lock, and the choice of signals. `tests/mfa/signals.rs` tests the rest on a terminal.

use super::*;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

/// The lock and the dispositions belong to the whole process.
static ALONE: Mutex<()> = Mutex::new(());
static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_: libc::c_int) {
    locked(|| {
        HANDLED.fetch_add(1, Ordering::Relaxed);
    });
}

#[test]
fn a_handler_runs_only_before_or_after_a_change() {
    let signals = [Signal::XFSZ, Signal::WINCH, Signal::TTIN, Signal::CONT];
    let _alone = ALONE.lock();
    for signal in signals {
        signals::set_handler(signal, count);
    }
    locked(|| {
        for signal in signals {
            signals::pause(signal);
        }
        assert_eq!(HANDLED.load(Ordering::Relaxed), 0, "no handler interrupts the change");
    });
    // SIGCONT has removed the pending SIGTTIN.
    assert_eq!(HANDLED.load(Ordering::Relaxed), signals.len() - 1);
    for signal in signals {
        signals::set_default(signal);
    }
}

#[test]
fn changes_of_two_threads_do_not_overlap() {
    const CHANGES: usize = 20_000;
    static VALUE: AtomicUsize = AtomicUsize::new(0);
    let _alone = ALONE.lock();
    let work = || {
        for _ in 0..CHANGES {
            locked(|| {
                let value = VALUE.load(Ordering::Relaxed);
                std::hint::black_box(value);
                VALUE.store(value + 1, Ordering::Relaxed);
            });
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(work);
        work();
    });
    assert_eq!(VALUE.load(Ordering::Relaxed), 2 * CHANGES);
}

#[test]
fn a_lock_that_another_process_held_is_free() {
    let _alone = ALONE.lock();
    let mask = lock();
    HOLDER.store(std::process::id() + 1, Ordering::Release);
    locked(|| assert_eq!(HOLDER.load(Ordering::Relaxed), std::process::id()));
    unlock(mask);
}

#[test]
fn every_signal_that_ends_a_program_has_a_handler() {
    let named = ["ALRM", "USR1", "VTALRM", "PROF", "XCPU", "XFSZ", "PWR", "IO", "ABRT", "SYS", "TRAP", "RTMIN"];
    for name in named {
        assert!(name.parse().is_ok_and(ends_only_at_prompt), "{name}");
    }
    for signal in [Signal::CHLD, Signal::CONT, Signal::PIPE, Signal::TSTP, Signal::KILL] {
        assert!(!ends_only_at_prompt(signal), "{signal}");
    }
}
