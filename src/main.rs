//! The `xassume` command; what it does is told in the library's `run`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    xassume::run(&arguments, &std::env::vars_os().collect())
}
