//! The text of the progress line, which says what a launch waits for. This code is pure, and `progress` decides when
//! the line is shown.

use crate::error::{StsCall, one_line};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The number of attempts of a call. The call counts its attempts, and the progress line shows the number. Clones share
/// the number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tries(Arc<AtomicU32>);

impl Tries {
    /// Resets the number for a new call.
    pub(crate) fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Counts one more attempt.
    pub(crate) fn sent(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn number(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a launch waits for.
#[derive(Debug, Clone)]
pub(crate) enum Awaited {
    /// The source credentials. `name` is the name of the source in the plan.
    Source { name: String },
    /// The answer of STS to the request for the role number `hop` (counted from 1), or for an MFA session. The MFA session
    /// is needed to assume that role, or is for the command itself if there is no role.
    Sts { call: StsCall, role: String, hop: usize, of: usize, tries: Tries },
    /// Another xassume that is fetching the same session.
    Another { session: String },
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { name } => write!(f, "waiting for {name}"),
            Self::Another { session } => {
                write!(f, "waiting for another xassume to get the same session: {session}")
            }
            Self::Sts { call, role, hop, of, tries } => {
                f.write_str("waiting for STS")?;
                if tries.number() > 1 {
                    write!(f, " (attempt {})", tries.number())?;
                }
                f.write_str(": ")?;
                match call {
                    StsCall::GetCallerIdentity => return f.write_str("identity of the source credentials"),
                    StsCall::GetSessionToken => f.write_str("MFA session for ")?,
                    StsCall::AssumeRole | StsCall::AssumeRoleWithWebIdentity => {}
                }
                if *of > 1 {
                    write!(f, "role {hop} of {of}, ")?;
                }
                f.write_str(role)
            }
        }
    }
}

/// Returns the line, shortened to the number of columns, because a line that wraps cannot be erased.
pub(crate) fn line(awaited: &Awaited, columns: usize) -> String {
    // One column stays free, because some terminals wrap after the last column.
    let room = columns.saturating_sub(1);
    let taken = |line: &str| line.chars().map(width).sum::<usize>();
    let mut line = one_line(&format!("xassume: {awaited}"), room);
    if taken(&line) <= room {
        return line;
    }
    while taken(&line) + width('…') > room {
        if line.pop().is_none() {
            return line;
        }
    }
    line.push('…');
    line
}

/// Returns the maximum number of columns that a character takes.
fn width(c: char) -> usize {
    if c.is_ascii() { 1 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sts(call: StsCall, of: usize, sent: u32) -> Awaited {
        let tries = Tries::default();
        tries.begin();
        (0..sent).for_each(|_| tries.sent());
        Awaited::Sts { call, role: "arn:aws:iam::521111111144:role/DeployMaster".into(), hop: 2, of, tries }
    }

    #[test]
    fn the_line_has_the_role_of_a_chain_and_a_repeated_attempt() {
        for (awaited, line) in [
            (sts(StsCall::AssumeRole, 1, 1), "waiting for STS: arn:aws:iam::521111111144:role/DeployMaster"),
            (
                sts(StsCall::AssumeRole, 3, 3),
                "waiting for STS (attempt 3): role 2 of 3, arn:aws:iam::521111111144:role/DeployMaster",
            ),
            (
                sts(StsCall::GetSessionToken, 1, 1),
                "waiting for STS: MFA session for arn:aws:iam::521111111144:role/DeployMaster",
            ),
        ] {
            assert_eq!(awaited.to_string(), line);
        }
    }

    #[test]
    fn the_line_never_fills_the_terminal() {
        let whole = line(&sts(StsCall::AssumeRole, 3, 3), 200);
        for columns in 0..100 {
            let cut = line(&sts(StsCall::AssumeRole, 3, 3), columns);
            assert!(cut.chars().map(width).sum::<usize>() < columns.max(1), "{columns}: {cut}");
            assert!(cut == whole || columns < 3 || cut.ends_with('…'), "{columns}: {cut}");
        }
        let wide = Awaited::Source { name: "SSO of profile 本番\u{1b}[2J環境".into() };
        assert_eq!(line(&wide, 45), "xassume: waiting for SSO of profile 本番 […");
    }
}
