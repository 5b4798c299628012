//! The prompt for an MFA code. It uses the terminal directly, because standard input and standard output are for the
//! command.
//!
//! The code is visible while it is typed, which is harmless because a code is valid only once. A signal ends the prompt
//! and xassume.

use super::input::{MAX_BYTES, parse};
use crate::error::{CodeOrigin, MfaFailure, one_line, reason_of};
use crate::role::{MfaCode, MfaSerial};
use crate::sys::keyboard::Keyboard;
use nix::unistd::{getpgrp, tcgetpgrp};
use std::io::{self, IsTerminal as _};

/// If the input is not a code, the prompt appears again, but not more than this number of times in total. Input that is
/// not a code is not sent to AWS.
const PROMPTS: u32 = 3;
/// The maximum length, in characters, that AWS allows for the serial number of a device.
const MAX_SERIAL: usize = 256;

/// Prompts the user for a code of the device.
///
/// # Errors
/// There is no terminal, xassume runs in the background, the terminal is closed, or no code was entered.
pub(super) async fn ask(serial: &MfaSerial) -> Result<MfaCode, MfaFailure> {
    let none = |error: io::Error| MfaFailure::NoTerminal {
        reason: match error.raw_os_error() {
            Some(libc::ENXIO) => "the process has no terminal".into(),
            _ => reason_of(&error),
        },
    };
    let keyboard = Keyboard::open().map_err(none)?;
    if !is_watched(&keyboard) {
        return Err(none(io::Error::other("xassume runs in the background")));
    }
    let serial = one_line(&serial.to_string(), MAX_SERIAL);
    let mut question = format!("MFA code for {serial}: ");
    for _ in 0..PROMPTS {
        keyboard.show(&question).await.map_err(none)?;
        let line = keyboard
            .line(MAX_BYTES)
            .await
            .map_err(|error| not_given(format!("cannot read the terminal: {}", reason_of(&error))))?;
        if line.is_empty() {
            // The input has ended without a line break. The next text, which is an error message or the prompt of the
            // shell, must begin on a new line.
            let _ = keyboard.show("\n").await;
            return Err(not_given("no code was entered".to_owned()));
        }
        match parse(&line, CodeOrigin::Prompt) {
            Ok(code) => return Ok(code),
            Err(_) => question = format!("The code must have six digits.\nMFA code for {serial}: "),
        }
    }
    Err(MfaFailure::Malformed { from: CodeOrigin::Prompt })
}

fn not_given(reason: String) -> MfaFailure {
    MfaFailure::NotGiven { from: CodeOrigin::Prompt, reason }
}

/// Checks whether the user may see the prompt: xassume is in the foreground process group, or one of its standard
/// streams is a terminal. The check is needed because a daemon that was started from a terminal still has that
/// terminal, and the kernel would stop the daemon when it reads from the terminal.
fn is_watched(terminal: &Keyboard) -> bool {
    tcgetpgrp(terminal).is_ok_and(|foreground| foreground == getpgrp())
        || io::stdin().is_terminal()
        || io::stdout().is_terminal()
        || io::stderr().is_terminal()
}
