//! Reads an MFA code from bytes or from standard input.

use crate::error::{CodeOrigin, MfaFailure};
use crate::role::MfaCode;
use nix::errno::Errno;
use zeroize::Zeroizing;

/// The maximum number of bytes that are read as a code.
pub(super) const MAX_BYTES: usize = 64;

/// Returns the code in these bytes.
pub(super) fn parse(bytes: &[u8], from: CodeOrigin) -> Result<MfaCode, MfaFailure> {
    let code = std::str::from_utf8(bytes).ok().and_then(|text| MfaCode::parse(text).ok());
    code.ok_or(MfaFailure::Malformed { from })
}

/// Reads a code from the first line of standard input. It reads byte by byte and no further, because the rest of
/// standard input is for the command.
pub(super) fn read_line() -> Result<MfaCode, MfaFailure> {
    let from = CodeOrigin::StandardInput;
    let not_given = |reason: String| Err(MfaFailure::NotGiven { from, reason });
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut byte = [0];
    while line.len() < MAX_BYTES {
        match nix::unistd::read(std::io::stdin(), &mut byte) {
            Ok(0) if line.is_empty() => return not_given("standard input is empty".into()),
            Ok(1..) if byte != *b"\n" => line.extend_from_slice(&byte),
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(error) => return not_given(format!("cannot read standard input: {}", error.desc())),
        }
    }
    parse(&line, from)
}
