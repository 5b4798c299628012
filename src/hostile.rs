//! Properties that hold for malicious input: for each kind of input a function that takes bytes and panics if a property
//! is violated. The fuzz targets in `fuzz/` and the property tests call them with the same seeds.
//!
//! The properties are next to the code that reads the input. [`bounded`] and [`checked_page`] check what all of them have
//! in common: bounded time, memory in proportion to the input, and errors of one line without secrets. Compiled for tests
//! and fuzz targets only.

pub use crate::cache::hostile::cache_file;
pub use crate::deliver::endpoint::hostile::endpoint_request;
pub use crate::mfa::hostile::mfa_command;
pub use crate::profile::hostile::config_plan;
pub use crate::role::hostile::{duration, role, tags};
pub use crate::session::hostile::time;
pub use crate::sts::hostile::{credential_process, role_list, sts_answer};

use crate::error::{Error, deceives};
use crate::report::Report;
use crate::sys::allocations::{Taken, counted};
use std::fmt::Debug;
use std::time::Duration;

/// The CPU time for one input of some kilobytes, in a debug build on a slow machine: linear work fits, quadratic work does
/// not.
const LONGEST: Duration = Duration::from_secs(4);

/// The memory for an input: a fixed number of bytes, and a number for each byte of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) room: usize,
    pub(crate) per_byte: usize,
}

/// Checks that an input of this length is read within the bound.
pub(crate) fn bounded<T>(length: usize, bound: Bound, read: impl FnOnce() -> T) -> T {
    let begun = cpu_time();
    let (result, Taken { total, peak }) = counted(read);
    let spent = cpu_time().saturating_sub(begun);
    let most = bound.room + bound.per_byte * length;
    assert!(peak <= most, "{length} bytes of input use {peak} bytes of memory, more than {most}");
    // A growing buffer is allocated several times.
    assert!(total <= 4 * most, "{length} bytes of input go through {total} bytes of memory, more than 4 times {most}");
    assert!(spent <= LONGEST, "{length} bytes of input take {spent:?}");
    result
}

fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Checks an error as the user sees it: a message, then at most one hint, each with further lines indented; nothing that a
/// terminal acts on; a bounded length. Returns it, with the text of the error.
pub(crate) fn checked_page(error: &Error) -> String {
    let page = Report::shown(error);
    let (first, rest) = page.split_once('\n').unwrap_or((&page, ""));
    assert!(first.strip_prefix("xassume: error: ").is_some_and(|text| !text.is_empty()), "no message: {page:?}");
    let begins = |word: &str| rest.lines().filter(|line| line.starts_with(word)).count();
    assert!(begins("hint: ") <= 1 && begins("usage: ") <= 1, "more than one hint: {page:?}");
    let own = |line: &str| line.starts_with("  ") || line.starts_with("hint: ") || line.starts_with("usage: ");
    assert!(rest.lines().all(own), "an unexpected line: {page:?}");
    assert!(!page.chars().any(|c| deceives(c) && c != '\n'), "it controls the terminal: {page:?}");
    assert!(page.len() <= 64 << 10, "{} bytes of message", page.len());
    format!("{page}{error}\n{}", error.hint().unwrap_or_default())
}

/// Whether a secret can be recognized in an output: it is long, and only once in the input.
pub(crate) fn is_recognizable(secret: &str, input: &str) -> bool {
    secret.len() >= 12 && input.matches(secret).count() == 1
}

/// Checks that the output contains none of the secrets.
pub(crate) fn redacted<'a>(secrets: impl IntoIterator<Item = &'a str>, shown: &str) {
    for secret in secrets {
        assert!(!shown.contains(secret), "the secret {secret:?} is shown: {shown}");
    }
}

/// The debug output of a value, in both forms.
pub(crate) fn seen<T: Debug>(value: &T) -> String {
    format!("{value:?} {value:#?}")
}

#[cfg(test)]
mod tests;
