//! The texts of `-V` and `--version`. The build script finds out the commit and the target.

/// The text of `-V`, after the name of the program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The text of `--version`, after the name of the program.
pub(super) const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit: ",
    env!("BUILD_COMMIT"),
    "\ntarget: ",
    env!("BUILD_TARGET"),
    "\nlibc: ",
    env!("BUILD_LIBC"),
);
