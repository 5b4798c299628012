//! Asking a person for a code, on the terminal itself: standard input and output are the command's.
//!
//! A code is no password, so it is shown as it is typed. A signal ends the wait as it ends any program.

use super::codes::{self, MOST_BYTES};
use crate::error::{CodeOrigin, MfaFailure, one_line, reason_of};
use crate::role::{MfaCode, MfaSerial};
use crate::sys::keyboard::Keyboard;
use nix::unistd::{getpgrp, tcgetpgrp};
use std::io::{self, IsTerminal as _};

/// How often what is no code is asked for again; nothing of it reaches AWS.
const TRIES: u32 = 3;
/// Characters of a serial number, as AWS allows them.
const MOST_SHOWN: usize = 256;

/// Asks for the code of a device.
///
/// # Errors
/// At once when there is no terminal, or none that anybody looks at; later when it ends or gives no code.
pub(super) async fn ask(serial: &MfaSerial) -> Result<MfaCode, MfaFailure> {
    let none = |error: io::Error| MfaFailure::NoTerminal {
        reason: match error.raw_os_error() {
            Some(libc::ENXIO) => "the process has none".into(),
            _ => reason_of(&error),
        },
    };
    let keyboard = Keyboard::open().map_err(none)?;
    if !is_watched(&keyboard) {
        return Err(none(io::Error::other("xassume runs in the background")));
    }
    let serial = one_line(&serial.to_string(), MOST_SHOWN);
    let mut question = format!("MFA code for {serial}: ");
    for _ in 0..TRIES {
        keyboard.show(&question).await.map_err(none)?;
        let line = keyboard
            .line(MOST_BYTES)
            .await
            .map_err(|error| not_given(format!("cannot read the terminal: {}", reason_of(&error))))?;
        if line.is_empty() {
            // The shell's next prompt, or the error, begins on a line of its own.
            let _ = keyboard.show("\n").await;
            return Err(not_given("no code was entered".to_owned()));
        }
        match codes::parse(&line, CodeOrigin::Prompt) {
            Ok(code) => return Ok(code),
            Err(_) => question = format!("The code must have six digits.\nMFA code for {serial}: "),
        }
    }
    Err(MfaFailure::Malformed { from: CodeOrigin::Prompt })
}

fn not_given(reason: String) -> MfaFailure {
    MfaFailure::NotGiven { from: CodeOrigin::Prompt, reason }
}

/// Whether somebody may be looking: this is the foreground group, or a standard stream is a terminal. A daemon that was
/// started from a terminal still has it, and would be stopped at the first read.
fn is_watched(terminal: &Keyboard) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
        || io::stdin().is_terminal()
        || io::stdout().is_terminal()
        || io::stderr().is_terminal()
}
