//! The prompt for an MFA code. It uses the terminal directly, because standard input and standard output are for the
//! command.
//!
//! The terminal does not show the code while it is typed. A signal ends the prompt and xassume.

use super::input::{MAX_BYTES, parse};
use crate::error::{CodeOrigin, MfaFailure, one_line, reason_of};
use crate::role::{MfaCode, MfaSerial};
use crate::sys::echo::HiddenInput;
use crate::sys::keyboard::Keyboard;
use nix::unistd::{getpgrp, tcgetpgrp};
use std::io::{self, IsTerminal as _};

/// If the input is not a code, or if STS rejects the code, the prompt appears again, but not more than this number of
/// times in total. Input that is not a code is not sent to AWS.
pub(super) const PROMPTS: u32 = 3;
/// The maximum length, in characters, that AWS allows for the serial number of a device.
const MAX_SERIAL: usize = 256;

/// Prompts the user for a code of the device. `used` is the code that STS has rejected, or `None` if this is the first
/// code. `asked` is the number of prompts in this run. This function increases it.
///
/// # Errors
/// There is no terminal, xassume runs in the background, the terminal is closed, or no new code was entered.
pub(super) async fn ask(serial: &MfaSerial, used: Option<&MfaCode>, asked: &mut u32) -> Result<MfaCode, MfaFailure> {
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
    let question = format!("MFA code for {}: ", one_line(&serial.to_string(), MAX_SERIAL));
    let mut failure = MfaFailure::SameAgain { from: CodeOrigin::Prompt };
    let mut remark =
        if used.is_some() { "AWS rejected the code. Each code works once: enter the next one.\n" } else { "" };
    while *asked < PROMPTS {
        *asked += 1;
        let hidden = HiddenInput::begin(&question);
        keyboard.show(&format!("{remark}{question}")).await.map_err(none)?;
        let line = keyboard.line(MAX_BYTES).await;
        drop(hidden);
        let line = line.map_err(|error| not_given(format!("cannot read the terminal: {}", reason_of(&error))))?;
        if line.is_empty() {
            return Err(not_given("no code was entered".to_owned()));
        }
        (failure, remark) = match parse(&line, CodeOrigin::Prompt) {
            Ok(code) if used != Some(&code) => return Ok(code),
            Ok(_) => (
                MfaFailure::SameAgain { from: CodeOrigin::Prompt },
                "This code was already used. Enter the next one.\n",
            ),
            Err(malformed) => (malformed, "The code must have six digits.\n"),
        };
    }
    Err(failure)
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
