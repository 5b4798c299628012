//! What the probe does with its controlling terminal, even if its standard streams are not a terminal.

use std::fs::File;
use std::io::{BufRead, BufReader};

use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::super::sys;
use super::line;

/// Prints `ready`, then `read <line>`, or `no terminal: <error>`.
pub(super) fn read_line() {
    match File::open("/dev/tty") {
        Ok(terminal) => {
            line("ready");
            let mut text = String::new();
            match BufReader::new(terminal).read_line(&mut text) {
                Ok(_) => line(&format!("read {}", text.trim_end())),
                Err(error) => line(&format!("no reading: {error}")),
            }
        }
        Err(error) => line(&format!("no terminal: {error}")),
    }
}

/// Puts the terminal into raw mode, as an editor does, and leaves it so; prints `raw`.
pub(super) fn make_raw() {
    let terminal = File::open("/dev/tty").expect("the test gave it a terminal");
    let mut mode = tcgetattr(&terminal).expect("a terminal has a mode");
    cfmakeraw(&mut mode);
    tcsetattr(&terminal, SetArg::TCSANOW, &mode).expect("a terminal in the foreground can be set");
    line("raw");
}

/// Prints `rows=<n> columns=<n>`, or `no terminal: <error>`.
pub(super) fn report_size() {
    let size = File::open("/dev/tty").and_then(|terminal| sys::window_size(&terminal));
    match size {
        Ok((rows, columns)) => line(&format!("rows={rows} columns={columns}")),
        Err(error) => line(&format!("no terminal: {error}")),
    }
}
