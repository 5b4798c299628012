//! The `xassume` program. The library's `run` does everything.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    xassume::run(&arguments, &std::env::vars_os().collect())
}
