//! The MFA codes of one run. They come from a flag, standard input, a program or a prompt. Each code is used once.

use super::input::{parse, read_line};
use super::prompt::{self, PROMPTS};
use super::settings::CodeSource;
use crate::error::{CodeOrigin, Error, MfaError, MfaFailure};
use crate::role::{MfaCode, MfaSerial};
use crate::sys::helper::{self, Attendance, ProgramLimit};
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The maximum size in bytes of the output of `--mfa-command`.
const MAX_OUTPUT: usize = 4096;

/// Where the codes of this run come from, and the last code that was used.
#[derive(Debug)]
pub(crate) struct Codes {
    /// [`CodeSource::StandardInput`] does not occur here. [`Codes::new`] reads that code and replaces it by
    /// [`CodeSource::Typed`].
    source: CodeSource,
    /// The environment of `--mfa-command`.
    environment: Vec<CString>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Is set to unattended after the first session. From then on, there is no prompt, and the code of `--mfa-token` is
    /// too old.
    attendance: Attendance,
    used: Option<MfaCode>,
    /// Whether STS rejected the last code, so that the user is asked for another one.
    rejected: bool,
    /// The number of prompts that have appeared.
    asked: u32,
}

impl Codes {
    /// Prepares codes for this device. If the code is on standard input, reads the first line now.
    ///
    /// # Errors
    /// A code is given but no device is configured, or there is no code on standard input.
    pub(crate) fn new(
        source: &CodeSource,
        device: Option<&MfaSerial>,
        environment: Vec<CString>,
    ) -> Result<Self, Error> {
        let source = match (source, device) {
            (CodeSource::Typed(_) | CodeSource::StandardInput, None) => {
                return Err(Error::usage(
                    "--mfa-token requires an MFA device",
                    "add --mfa-serial, or set mfa_serial in the profile",
                ));
            }
            (CodeSource::StandardInput, Some(serial)) => {
                CodeSource::Typed(read_line().map_err(|kind| MfaError { serial: serial.to_string(), kind })?)
            }
            (CodeSource::Prompt | CodeSource::Typed(_) | CodeSource::Command(_) | CodeSource::Process(_), _) => {
                source.clone()
            }
        };
        Ok(Self { source, environment, state: Mutex::default() })
    }

    /// Records that the user can no longer enter a code. From now on, only a program can return codes.
    pub(crate) fn end_of_start(&self) {
        self.state().attendance = Attendance::Unattended;
    }

    /// Checks whether the codes come from a program (`--mfa-command` or `mfa_process`).
    pub(crate) fn are_from_a_program(&self) -> bool {
        self.source.is_program()
    }

    /// Returns whether a prompt is still possible.
    pub(crate) fn attendance(&self) -> Attendance {
        self.state().attendance
    }

    /// Records that STS rejected the last code. Returns whether the user can be asked for another one. A code from a
    /// flag, from standard input or from a program is not asked for again.
    pub(crate) fn ask_again(&self) -> bool {
        let mut state = self.state();
        state.rejected =
            self.source == CodeSource::Prompt && state.attendance == Attendance::Attended && state.asked < PROMPTS;
        state.rejected
    }

    /// Returns a new code. Prompts appear only before the first session, and for another code only after
    /// [`Self::ask_again`]. A program runs for each code, at most for `limit`.
    ///
    /// # Errors
    /// No code can be entered or read, or the code is the same as the last one.
    pub(crate) async fn next(&self, serial: &MfaSerial, limit: ProgramLimit) -> Result<MfaCode, MfaError> {
        let failed = |kind| MfaError { serial: serial.to_string(), kind };
        let (attendance, used, rejected, mut asked) = {
            let state = self.state();
            (state.attendance, state.used.clone(), state.rejected, state.asked)
        };
        let code = match (&self.source, attendance, &used) {
            (CodeSource::Command(command), _, _) => self.run(command, CodeOrigin::Command, attendance, limit).await,
            (CodeSource::Process(command), _, _) => self.run(command, CodeOrigin::Process, attendance, limit).await,
            (CodeSource::Typed(code), Attendance::Attended, None) => Ok(code.clone()),
            (CodeSource::Prompt, Attendance::Attended, used) if used.is_none() || rejected => {
                prompt::ask(serial, used.as_ref(), &mut asked).await
            }
            (CodeSource::Typed(_) | CodeSource::StandardInput | CodeSource::Prompt, _, _) => {
                Err(MfaFailure::Unattended { has_role: true })
            }
        };
        let code = code.map_err(failed)?;
        if used.is_some_and(|used| used == code) {
            let is_process = matches!(self.source, CodeSource::Process(_));
            let from = if is_process { CodeOrigin::Process } else { CodeOrigin::Command };
            return Err(failed(MfaFailure::SameAgain { from }));
        }
        let mut state = self.state();
        (state.used, state.rejected, state.asked) = (Some(code.clone()), false, asked);
        Ok(code)
    }

    /// Returns the last code that was used, so that a process that refreshes can send it to the main process.
    pub(crate) fn used(&self) -> Option<MfaCode> {
        self.state().used.clone()
    }

    /// Records the last code that a process that refreshes has used. The main process must not use it again.
    pub(crate) fn note_used(&self, code: MfaCode) {
        self.state().used = Some(code);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(
        &self,
        command: &str,
        from: CodeOrigin,
        attendance: Attendance,
        limit: ProgramLimit,
    ) -> Result<MfaCode, MfaFailure> {
        let output = helper::run_shell(command, &self.environment, attendance, limit, MAX_OUTPUT).await;
        let output = output.map_err(|failure| MfaFailure::Command { from, failure })?;
        parse(&zeroize::Zeroizing::new(output), from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_code_is_used_once_and_only_before_the_first_session() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let serial = MfaSerial::parse("device-01").expect("serial");
        let typed = CodeSource::Typed(MfaCode::parse("123456").expect("code"));
        let next =
            |codes: &Codes| runtime.block_on(codes.next(&serial, ProgramLimit::OWN)).map_err(|error| error.to_string());
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
