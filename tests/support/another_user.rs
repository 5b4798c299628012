//! Runs the program as another user, which only root can do.

use super::{Xassume, binary, skipped_without_root};
use nix::unistd::geteuid;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// A user without an account, and without other files.
pub const OTHER: u32 = 61_234;

/// The whole invocation by another user, who owns the sandbox; `None`, with a message, where that is not possible.
pub fn by_another_user(xassume: &Xassume) -> Option<Xassume> {
    let mut reach = Command::new("test");
    reach.arg("-x").arg(binary()).uid(OTHER).gid(OTHER).current_dir("/").stderr(Stdio::null());
    if !geteuid().is_root() || !reach.status().is_ok_and(|status| status.success()) {
        skipped_without_root("the program cannot be run as another user here");
        return None;
    }
    let sandbox = xassume.sandbox();
    for path in [sandbox.directory().to_owned(), sandbox.home(), sandbox.tmp(), sandbox.runtime(), sandbox.work()] {
        chown(path, Some(OTHER), Some(OTHER)).expect("root gives it away");
    }
    let args: Vec<_> = xassume.command().get_args().map(std::ffi::OsStr::to_owned).collect();
    let other = OTHER.to_string();
    let user = ["--reuid", &other, "--regid", &other, "--clear-groups"];
    Some(xassume.clone().without_args().program("setpriv").args(user).arg(binary()).args(args))
}
