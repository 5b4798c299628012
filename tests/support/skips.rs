//! Messages of tests that are skipped.

/// Set by `.ci/run` where it runs as root: then a test that needs root must not be skipped.
const NEVER: &str = "XASSUME_TESTS_AS_ROOT";

/// Prints that a test is skipped on this machine.
#[allow(clippy::print_stdout, reason = "the harness shows it with the test")]
pub fn skipped(why: &str) {
    println!("skipped: {why}");
}

/// Prints that a test is skipped because it needs root.
#[track_caller]
pub fn skipped_without_root(why: &str) {
    assert!(std::env::var_os(NEVER).is_none(), "{NEVER} is set, and a test is skipped: {why}");
    skipped(why);
}
