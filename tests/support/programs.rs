//! Creates executable files.
//!
//! A separate process writes them, never the test itself. The kernel does not run a file that is open for writing
//! (ETXTBSY), and between fork and exec the child of a concurrent test still has all descriptors of this process open.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Writes an executable file with this text, and creates its parent directories.
#[track_caller]
pub fn write_script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file has a directory")).expect("the directory is writable");
    let mut shell = Command::new("sh");
    shell.args(["-c", "cat >\"$1\" && chmod 755 \"$1\"", "sh"]).arg(path).stdin(Stdio::piped());
    let mut writer = shell.spawn().expect("there is a shell");
    let mut input = writer.stdin.take().expect("it was piped");
    input.write_all(text.as_bytes()).expect("the shell reads");
    drop(input);
    assert!(writer.wait().expect("it is our child").success(), "{} cannot be written", path.display());
}

/// Copies a program.
#[track_caller]
pub fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().expect("there is cp");
    assert!(copied.success(), "{} cannot be written", to.display());
}
