//! Tests that cannot be done here.

/// Set by `.ci/run` where it is root: then a test that only root can do must not be skipped.
const NEVER: &str = "XASSUME_TESTS_AS_ROOT";

/// Says that something is not tested, since it takes root.
#[track_caller]
#[allow(clippy::print_stdout, reason = "the harness shows it with the test")]
pub fn skipped_without_root(why: &str) {
    assert!(std::env::var_os(NEVER).is_none(), "{NEVER} is set, and a test is skipped: {why}");
    println!("skipped: {why}");
}
