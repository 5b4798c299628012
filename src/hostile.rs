//! What input that is meant ill must not do: for each input a function that takes bytes and panics where a promise is
//! broken. The fuzz targets in `fuzz/` call them, and so do the property tests below, with the same seeds.
//!
//! The properties stand beside the code that reads the input. All of them promise what [`bounded`] and [`checked_page`] hold:
//! an answer in time, memory in proportion to the input, and refusals of one line that name no secret. Compiled for
//! tests and fuzz targets alone; nothing of it is in the program.

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

/// The CPU time that one input may take, in a build for debugging on a slow machine: enough to tell work in proportion
/// to the input from work that grows with its square, where inputs are some kilobytes.
const LONGEST: Duration = Duration::from_secs(4);

/// The memory that an input may take: so many bytes whatever it is, and so many more for each of its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) room: usize,
    pub(crate) per_byte: usize,
}

/// Reads an input of this length within the bound.
pub(crate) fn bounded<T>(length: usize, bound: Bound, read: impl FnOnce() -> T) -> T {
    let begun = cpu_time();
    let (result, Taken { total, peak }) = counted(read);
    let spent = cpu_time().saturating_sub(begun);
    let most = bound.room + bound.per_byte * length;
    assert!(peak <= most, "{length} bytes of input hold {peak} bytes of memory, more than {most}");
    // A buffer that grows is allocated several times over.
    assert!(total <= 4 * most, "{length} bytes of input go through {total} bytes of memory, more than 4 times {most}");
    assert!(spent <= LONGEST, "{length} bytes of input take {spent:?}");
    result
}

fn cpu_time() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// An error as the user sees it, and the text that it was laid out from: a message that begins with our name, then at
/// most one hint, each with its further lines indented; nothing that a terminal acts on, no end without bound.
pub(crate) fn checked_page(error: &Error) -> String {
    let page = Report::shown(error);
    let (first, rest) = page.split_once('\n').unwrap_or((&page, ""));
    assert!(first.strip_prefix("xassume: error: ").is_some_and(|text| !text.is_empty()), "no message: {page:?}");
    let begins = |word: &str| rest.lines().filter(|line| line.starts_with(word)).count();
    assert!(begins("hint: ") <= 1 && begins("usage: ") <= 1, "more than one hint: {page:?}");
    let own = |line: &str| line.starts_with("  ") || line.starts_with("hint: ") || line.starts_with("usage: ");
    assert!(rest.lines().all(own), "a line of its own: {page:?}");
    assert!(!page.chars().any(|c| deceives(c) && c != '\n'), "it deceives: {page:?}");
    assert!(page.len() <= 64 << 10, "{} bytes of message", page.len());
    format!("{page}{error}\n{}", error.hint().unwrap_or_default())
}

/// A text that must be shown nowhere: long enough to be told from other text, and only here in the input.
pub(crate) fn is_telling(secret: &str, input: &str) -> bool {
    secret.len() >= 12 && input.matches(secret).count() == 1
}

/// Holds that none of the secrets is in what is shown.
pub(crate) fn redacted<'a>(secrets: impl IntoIterator<Item = &'a str>, shown: &str) {
    for secret in secrets {
        assert!(!shown.contains(secret), "the secret {secret:?} is shown: {shown}");
    }
}

/// What a program's own eyes see, in a debugger's words and in the user's.
pub(crate) fn seen<T: Debug>(value: &T) -> String {
    format!("{value:?} {value:#?}")
}

#[cfg(test)]
mod tests;
