//! What a launch waits for, and the line that says so. Pure: whether and when there is a line is `report`'s business.

use crate::error::{StsCall, deceives};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How often a call was sent: counted where requests leave, told where somebody waits for them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tries(Arc<AtomicU32>);

impl Tries {
    /// A new call: nothing of it was sent yet.
    pub(crate) fn begin(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// It is sent, once more.
    pub(crate) fn sent(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it was sent by now.
    pub(crate) fn number(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is waited for at the moment.
#[derive(Debug, Clone)]
pub(crate) enum Awaited {
    /// The source's credentials; it is named as in the plan.
    Source { name: String },
    /// The answer of STS for a hop, counted from 1, or for the MFA session that it needs.
    Sts { call: StsCall, role: String, hop: usize, of: usize, tries: Tries },
    /// Another xassume, which asks for the same session.
    Another { role: String },
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source { name } => write!(f, "waiting for {name}"),
            Self::Another { role } => {
                write!(f, "waiting for another xassume, which asks for the same session: {role}")
            }
            Self::Sts { call, role, hop, of, tries } => {
                f.write_str("waiting for STS")?;
                if tries.number() > 1 {
                    write!(f, ", try {}", tries.number())?;
                }
                f.write_str(": ")?;
                match call {
                    StsCall::GetCallerIdentity => return f.write_str("whose the source credentials are"),
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

/// The line, cut so that it stays within a terminal of so many columns: what wraps cannot be erased.
pub(crate) fn line(awaited: &Awaited, columns: usize) -> String {
    // One is left free: some terminals wrap as soon as the last one is written.
    let room = columns.saturating_sub(1);
    let text = format!("xassume: {awaited}");
    let text: String = text.chars().map(|c| if deceives(c) { ' ' } else { c }).collect();
    if text.chars().map(width).sum::<usize>() <= room {
        return text;
    }
    let mut left = room.saturating_sub(width('…'));
    let mut cut: String = text
        .chars()
        .take_while(|c| {
            let fits = width(*c) <= left;
            left = left.saturating_sub(width(*c));
            fits
        })
        .collect();
    if room >= width('…') {
        cut.push('…');
    }
    cut
}

/// The columns of a character, or more: what is not ASCII may take two.
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
    fn the_hop_is_named_in_a_chain_and_the_try_when_it_is_not_the_first() {
        for (awaited, line) in [
            (sts(StsCall::AssumeRole, 1, 1), "waiting for STS: arn:aws:iam::521111111144:role/DeployMaster"),
            (
                sts(StsCall::AssumeRole, 3, 3),
                "waiting for STS, try 3: role 2 of 3, arn:aws:iam::521111111144:role/DeployMaster",
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
    fn a_line_never_fills_the_terminal() {
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
