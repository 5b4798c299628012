//! Signals by number, because `nix::Signal` does not support real-time signals. Nothing here sends, blocks or receives
//! signals.
//!
//! Numbers and names are those of Linux; see signal(7). Real-time signals are numbered as in glibc, because nearly
//! every command uses the numbers of glibc. (In musl, `SIGRTMIN` is 35.)

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A signal that can be sent: a number from 1 to 64, except 32 and 33, which glibc uses for its threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Signal(i32);

/// The names of the standard signals, in the order of their numbers on x86-64, ARM and RISC-V.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];

/// The numbers of the standard signals.
const STANDARD: RangeInclusive<i32> = 1..=31;
/// The numbers of the real-time signals. glibc uses 32 and 33 for its threads; see pthreads(7).
const REAL_TIME: RangeInclusive<i32> = 34..=64;

impl Signal {
    pub(crate) const HUP: Self = Self(libc::SIGHUP);
    pub(crate) const INT: Self = Self(libc::SIGINT);
    pub(crate) const QUIT: Self = Self(libc::SIGQUIT);
    pub(crate) const KILL: Self = Self(libc::SIGKILL);
    pub(crate) const PIPE: Self = Self(libc::SIGPIPE);
    pub(crate) const USR1: Self = Self(libc::SIGUSR1);
    pub(crate) const USR2: Self = Self(libc::SIGUSR2);
    pub(crate) const SEGV: Self = Self(libc::SIGSEGV);
    pub(crate) const BUS: Self = Self(libc::SIGBUS);
    pub(crate) const TERM: Self = Self(libc::SIGTERM);
    pub(crate) const CHLD: Self = Self(libc::SIGCHLD);
    pub(crate) const CONT: Self = Self(libc::SIGCONT);
    pub(crate) const STOP: Self = Self(libc::SIGSTOP);
    pub(crate) const TSTP: Self = Self(libc::SIGTSTP);
    pub(crate) const TTIN: Self = Self(libc::SIGTTIN);
    pub(crate) const TTOU: Self = Self(libc::SIGTTOU);
    pub(crate) const URG: Self = Self(libc::SIGURG);
    pub(crate) const WINCH: Self = Self(libc::SIGWINCH);
    pub(crate) const XFSZ: Self = Self(libc::SIGXFSZ);

    /// Returns the signal with this number. Returns `None` if no such signal can be sent.
    pub(crate) fn from_number(number: i32) -> Option<Self> {
        (STANDARD.contains(&number) || REAL_TIME.contains(&number)).then_some(Self(number))
    }

    pub(crate) const fn number(self) -> i32 {
        self.0
    }

    /// Returns all signals in the order of their numbers.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        STANDARD.chain(REAL_TIME).map(Self)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standard = STANDARD.zip(NAMES).find(|(number, _)| *number == self.0);
        match (standard, self.0 - REAL_TIME.start()) {
            (Some((_, name)), _) => write!(f, "SIG{name}"),
            (None, 0) => f.write_str("SIGRTMIN"),
            (None, above) => write!(f, "SIGRTMIN+{above}"),
        }
    }
}

/// The error for a text that is not a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidSignal;

impl FromStr for Signal {
    type Err = InvalidSignal;

    /// Parses a name in upper or lower case, with or without `SIG`, as in kill(1). Also accepts a number, and `RTMIN`,
    /// `RTMIN+n`, `RTMAX-n` and `RTMAX`.
    fn from_str(text: &str) -> Result<Self, InvalidSignal> {
        let upper = text.to_ascii_uppercase();
        // Three signals have a second name: IOT, CLD and POLL.
        let name = match upper.strip_prefix("SIG").unwrap_or(&upper) {
            "IOT" => "ABRT",
            "CLD" => "CHLD",
            "POLL" => "IO",
            name => name,
        };
        let number = match STANDARD.zip(NAMES).find(|(_, known)| *known == name) {
            Some((number, _)) => Some(number),
            // A number must not have the prefix `SIG`, so `SIG15` is not valid.
            None if is_decimal(&upper) => upper.parse().ok(),
            None => real_time(name),
        };
        number.and_then(Self::from_number).ok_or(InvalidSignal)
    }
}

/// Returns the number for `RTMIN`, `RTMIN+3`, `RTMAX-1` or `RTMAX`. Returns `None` for other texts, and for numbers
/// outside the real-time range.
fn real_time(name: &str) -> Option<i32> {
    let offset = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        Some(digits) if is_decimal(digits) => digits.parse::<i32>().ok(),
        Some(_) => None,
        None => rest.is_empty().then_some(0),
    };
    let number = if let Some(rest) = name.strip_prefix("RTMIN") {
        REAL_TIME.start().checked_add(offset(rest, '+')?)?
    } else {
        REAL_TIME.end().checked_sub(offset(name.strip_prefix("RTMAX")?, '-')?)?
    };
    REAL_TIME.contains(&number).then_some(number)
}

/// Checks whether the text contains only digits. This is needed because `parse` also accepts `+3`.
fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A set of signals with the bits of the kernel: bit `n - 1` stands for signal `n`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct SignalSet(u64);

impl SignalSet {
    /// Every signal. The kernel never blocks KILL and STOP, even if they are in the set.
    pub(crate) const FULL: Self = Self(u64::MAX);

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn contains(self, signal: Signal) -> bool {
        self.0 & (1 << (signal.number() - 1)) != 0
    }

    #[must_use]
    pub(crate) const fn with(self, signal: Signal) -> Self {
        Self(self.0 | 1 << (signal.number() - 1))
    }
}

impl FromIterator<Signal> for SignalSet {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        signals.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_with_or_without_sig_in_either_case() {
        for text in ["TERM", "SIGTERM", "term", "sigterm", "15"] {
            assert_eq!(text.parse(), Ok(Signal::TERM), "{text}");
        }
        for (second, first) in [("IOT", "ABRT"), ("CLD", "CHLD"), ("POLL", "IO")] {
            assert_eq!(second.parse::<Signal>(), first.parse());
        }
    }

    #[test]
    fn names_have_the_numbers_of_the_c_library() {
        for (name, number) in [
            ("HUP", libc::SIGHUP),
            ("BUS", libc::SIGBUS),
            ("USR1", libc::SIGUSR1),
            ("USR2", libc::SIGUSR2),
            ("STKFLT", libc::SIGSTKFLT),
            ("CHLD", libc::SIGCHLD),
            ("TSTP", libc::SIGTSTP),
            ("URG", libc::SIGURG),
            ("XFSZ", libc::SIGXFSZ),
            ("WINCH", libc::SIGWINCH),
            ("IO", libc::SIGIO),
            ("SYS", libc::SIGSYS),
        ] {
            assert_eq!(name.parse().map(Signal::number), Ok(number), "{name}");
        }
    }

    #[test]
    fn real_time_signals_count_from_either_end() {
        let number = |text: &str| text.parse::<Signal>().map(Signal::number);
        assert_eq!(number("RTMIN"), Ok(34));
        assert_eq!(number("SIGRTMIN+3"), Ok(37));
        assert_eq!(number("rtmax-1"), Ok(63));
        assert_eq!(number("64"), Ok(64));
    }

    #[test]
    fn other_texts_are_not_signals() {
        for text in
            ["", "0", "65", "32", "33", "-1", "+1", "SIG", "SIG15", "EXIT", "RTMIN+99", "RTMAX+1", "RTMIN+", "TERM "]
        {
            assert!(text.parse::<Signal>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_printed_signal_can_be_parsed() {
        for signal in Signal::all() {
            assert_eq!(signal.to_string().parse(), Ok(signal));
        }
    }

    #[test]
    fn a_set_is_the_kernels_bit_mask() {
        let set: SignalSet = [Signal::HUP, Signal::TERM].into_iter().collect();
        assert_eq!(set.bits(), 1 | 1 << 14);
        assert!(set.contains(Signal::TERM) && !set.contains(Signal::INT));
    }
}
