//! Properties that must hold for malicious input. For each kind of input, there is a function that takes bytes and
//! panics if a property is violated. The fuzz targets in `fuzz/` and the property tests call these functions with the
//! same seeds.
//!
//! Each of these functions is next to the code that reads its input, in a file `hostile.rs`. [`bounded`],
//! [`checked_page`] and [`redacted`] check what must hold for every kind of input: limited time, memory in proportion
//! to the input, error messages of a fixed form, and no secrets in them. This module is compiled only for tests and
//! fuzz targets.

pub use crate::cache::hostile::cache_file;
pub use crate::deliver::endpoint::hostile::endpoint_request;
pub use crate::error::web_identity::hostile::web_identity_token;
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

/// The CPU time that it may take to read one input of a few kilobytes, in a debug build on a slow machine. Code whose
/// time is linear stays below this limit, and code whose time is quadratic exceeds it.
const LONGEST: Duration = Duration::from_secs(4);

/// The limit on the memory that is used to read an input: `room` bytes, plus `per_byte` bytes for each byte of the
/// input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) room: usize,
    pub(crate) per_byte: usize,
}

/// Runs `read`, which reads an input of `length` bytes. Panics if `read` needs more memory than `bound` or more CPU
/// time than [`LONGEST`].
pub(crate) fn bounded<T>(length: usize, bound: Bound, read: impl FnOnce() -> T) -> T {
    let begun = cpu_time();
    let (result, Taken { total, peak }) = counted(read);
    let spent = cpu_time().saturating_sub(begun);
    let most = bound.room + bound.per_byte * length;
    assert!(peak <= most, "{length} bytes of input use {peak} bytes of memory, more than {most}");
    // The total may be larger than the peak, because a growing buffer is allocated several times.
    assert!(total <= 4 * most, "{length} bytes of input go through {total} bytes of memory, more than 4 times {most}");
    assert!(spent <= LONGEST, "{length} bytes of input take {spent:?}");
    result
}

fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// Checks an error as the user sees it. The output must begin with a message, have at most one hint and one usage line,
/// and indent all further lines. It must not contain characters that control the terminal, and its length is limited.
/// Returns the output, followed by the error's own text and hint.
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

/// Checks whether a secret is long and occurs only once in the input, so that it can be recognized in an output.
pub(crate) fn is_recognizable(secret: &str, input: &str) -> bool {
    secret.len() >= 12 && input.matches(secret).count() == 1
}

/// Checks that `shown` contains none of the secrets.
pub(crate) fn redacted<'a>(secrets: impl IntoIterator<Item = &'a str>, shown: &str) {
    for secret in secrets {
        assert!(!shown.contains(secret), "the secret {secret:?} is shown: {shown}");
    }
}

/// Returns the debug output of a value, in both the compact and the pretty form.
pub(crate) fn seen<T: Debug>(value: &T) -> String {
    format!("{value:?} {value:#?}")
}

#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use tests::property_config;
