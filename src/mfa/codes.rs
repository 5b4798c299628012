//! The codes of one run: typed, read, printed by a command, or asked for; each handed out once.

use super::prompt;
use crate::error::{CodeOrigin, Error, MfaError, MfaFailure, ProcessFailure};
use crate::role::{MfaCode, MfaSerial};
use crate::settings::CodeSource;
use crate::sys::helper::{self, Attendance, ProgramLimit};
use nix::errno::Errno;
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most that `--mfa-command` may print.
const COMMAND_BYTES: usize = 4096;

/// The longest line that is read where a code is expected.
pub(super) const MOST_BYTES: usize = 64;

/// Where the codes of this run come from. Later runs of the same call see what was used before.
#[derive(Debug)]
pub(crate) struct Codes<'a> {
    from: From<'a>,
    /// Of `--mfa-command`.
    environment: Vec<CString>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Unattended once the first session is there: nothing prompts any more, and what was typed is too old to be sent.
    attendance: Attendance,
    /// The code that was handed out last.
    used: Option<MfaCode>,
}

#[derive(Debug)]
enum From<'a> {
    Prompt,
    One(MfaCode),
    Command(&'a str),
}

impl<'a> Codes<'a> {
    /// Prepares for codes of this device. Standard input is read now: the first line, and nothing behind it.
    ///
    /// # Errors
    /// When a code was given and there is no device for it, or when standard input holds none.
    pub(crate) fn new(
        from: &'a CodeSource,
        device: Option<&MfaSerial>,
        environment: Vec<CString>,
    ) -> Result<Self, Error> {
        let from = match (from, device) {
            (CodeSource::Typed(_) | CodeSource::StandardInput, None) => {
                return Err(Error::usage(
                    "--mfa-token requires an MFA device",
                    "add --mfa-serial, or set mfa_serial in the profile",
                ));
            }
            (CodeSource::Prompt, _) => From::Prompt,
            (CodeSource::Typed(code), _) => From::One(code.clone()),
            (CodeSource::StandardInput, Some(serial)) => {
                let code = read_line().map_err(|kind| MfaError { serial: serial.to_string(), kind })?;
                From::One(code)
            }
            (CodeSource::Command(command), _) => From::Command(command),
        };
        Ok(Self { from, environment, state: Mutex::default() })
    }

    /// From now on only a command can give codes.
    pub(crate) fn end_of_start(&self) {
        self.state().attendance = Attendance::Unattended;
    }

    /// Whether a program gives the codes.
    pub(crate) fn are_from_a_program(&self) -> bool {
        matches!(self.from, From::Command(_))
    }

    /// Whether somebody may be asked still.
    pub(crate) fn attendance(&self) -> Attendance {
        self.state().attendance
    }

    /// A code that was not handed out before.
    ///
    /// A person is asked once, at the start; a command is run each time, for no longer than `limit`.
    ///
    /// # Errors
    /// Why there is none, or none any more.
    pub(crate) async fn next(&self, serial: &MfaSerial, limit: ProgramLimit) -> Result<MfaCode, MfaError> {
        let failed = |kind| MfaError { serial: serial.to_string(), kind };
        let (attendance, used) = {
            let state = self.state();
            (state.attendance, state.used.clone())
        };
        let code = match (&self.from, attendance, &used) {
            (From::Command(command), _, _) => self.run(command, attendance, limit).await,
            (From::One(code), Attendance::Attended, None) => Ok(code.clone()),
            (From::Prompt, Attendance::Attended, None) => prompt::ask(serial).await,
            (From::One(_) | From::Prompt, _, _) => Err(MfaFailure::Unattended),
        };
        let code = code.map_err(failed)?;
        if used.is_some_and(|used| used == code) {
            return Err(failed(MfaFailure::SameAgain));
        }
        self.state().used = Some(code.clone());
        Ok(code)
    }

    /// The code that was handed out last, for another process to know of.
    pub(crate) fn used(&self) -> Option<MfaCode> {
        self.state().used.clone()
    }

    /// Takes note of a code that another process has handed out.
    pub(crate) fn note_used(&self, code: MfaCode) {
        self.state().used = Some(code);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, command: &str, attendance: Attendance, limit: ProgramLimit) -> Result<MfaCode, MfaFailure> {
        let output = helper::run_shell(command, &self.environment, attendance, limit, COMMAND_BYTES)
            .await
            .map_err(|error| MfaFailure::Command(ProcessFailure::from(error)))?;
        parse(&zeroize::Zeroizing::new(output), CodeOrigin::Command)
    }
}

/// Reads bytes as a code.
pub(super) fn parse(bytes: &[u8], from: CodeOrigin) -> Result<MfaCode, MfaFailure> {
    let code = std::str::from_utf8(bytes).ok().and_then(|text| MfaCode::parse(text).ok());
    code.ok_or(MfaFailure::Malformed { from })
}

/// Reads one line of standard input, byte by byte: what follows is the command's.
fn read_line() -> Result<MfaCode, MfaFailure> {
    let from = CodeOrigin::StandardInput;
    let mut line = zeroize::Zeroizing::new(Vec::with_capacity(MOST_BYTES));
    let mut byte = [0];
    while line.len() < MOST_BYTES {
        match nix::unistd::read(std::io::stdin(), &mut byte) {
            Ok(0) if line.is_empty() => {
                return Err(MfaFailure::NotGiven { from, reason: "standard input is empty".into() });
            }
            Ok(1..) if byte != *b"\n" => line.extend_from_slice(&byte),
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(error) => {
                return Err(MfaFailure::NotGiven {
                    from,
                    reason: format!("cannot read standard input: {}", error.desc()),
                });
            }
        }
    }
    parse(&line, from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_is_handed_out_once_and_only_at_the_start() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let serial = MfaSerial::parse("device-01").expect("serial");
        let typed = CodeSource::Typed(MfaCode::parse("123456").expect("code"));
        let next = |codes: &Codes<'_>| {
            runtime.block_on(codes.next(&serial, ProgramLimit::OWN)).map_err(|error| error.to_string())
        };
        let none = "no MFA code for device-01: each refresh needs a new code, and there is no prompt after the start"
            .to_owned();

        let codes = Codes::new(&typed, Some(&serial), Vec::new()).expect("codes");
        assert_eq!(next(&codes), MfaCode::parse("123456").map_err(|error| error.to_string()));
        assert_eq!(next(&codes), Err(none.clone()));

        for from in [&typed, &CodeSource::Prompt] {
            let codes = Codes::new(from, Some(&serial), Vec::new()).expect("codes");
            codes.end_of_start();
            assert_eq!(next(&codes), Err(none.clone()), "{from:?}");
        }
        assert!(Codes::new(&typed, None, Vec::new()).is_err(), "a code for no device");
        assert!(Codes::new(&CodeSource::Prompt, None, Vec::new()).is_ok());
    }
}
