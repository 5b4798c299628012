//! The MFA session: bought with a code once, and what all roles are assumed from.

use super::call::Code;
use super::source::Proof;
use super::{Instant, Sts};
use crate::error::{Cause, Error, Refusal, StsCall};
use crate::mfa::mode::device;
use crate::mfa::{Codes, MfaKey, MfaSession, MfaSessions};
use crate::role::{MfaCode, MfaSerial};
use crate::session::{Keys, Session};
use crate::sts::context::{CallContext, Heard};
use std::fmt;
use std::time::{Duration, SystemTime};

/// What is needed to answer for a device.
#[derive(Clone, Copy)]
pub(crate) struct Mfa<'a> {
    pub(crate) codes: &'a Codes<'a>,
    /// Where sessions are kept, for the life of the process or longer.
    pub(crate) sessions: &'a dyn MfaSessions,
    /// What is asked for when one is bought.
    pub(crate) session_duration: Duration,
}

impl fmt::Debug for Mfa<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mfa").field("session_duration", &self.session_duration).finish_non_exhaustive()
    }
}

/// What a code was spent on for a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MfaUse {
    /// No device is named.
    None,
    /// A code went with the role itself: the next session needs a new one.
    WithRole,
    /// The roles were assumed from an MFA session, which ends at this moment of the local clock.
    Session { ends: SystemTime },
}

impl Sts<'_> {
    /// Assumes the chain from the MFA session that is kept, else from one that is bought now.
    pub(super) async fn with_session(
        &self,
        keys: &Keys,
        serial: &MfaSerial,
        road: &CallContext<'_>,
    ) -> Result<(Session, MfaUse), Error> {
        let duration = self.mfa.session_duration;
        let key = MfaKey { access_key_id: keys.access_key_id.clone(), serial: serial.clone(), duration };
        let kept = self.mfa.sessions.get(&key).filter(|session| session.holds(crate::sys::clock::wall()));
        if let Some(kept) = kept {
            (road.heard)(Heard::KeptMfaSession(&kept));
            match self.assume_from(&kept, road).await {
                Err(error) if is_over(&error) => self.mfa.sessions.forget(&key),
                result => return result,
            }
        }
        let (bought, left) = self.buy(keys, serial, road).await?;
        self.mfa.sessions.put(&key, &bought);
        (road.heard)(Heard::NewMfaSession(&bought));
        self.assume_from(&bought, &CallContext { left, ..*road }).await
    }

    /// A code, and the deadline with it. The time that a person took does not count, nor that of a program which has a
    /// limit of its own.
    pub(super) async fn code(&self, serial: &MfaSerial, deadline: Instant) -> Result<(MfaCode, Instant), Error> {
        let asked = Instant::now();
        let left = deadline.saturating_duration_since(asked);
        let code = self.progress.aside(self.mfa.codes.next(serial, self.program_limit(left))).await?;
        let counts = self.limits_programs && self.mfa.codes.are_from_a_program();
        Ok((code, if counts { deadline } else { deadline + asked.elapsed() }))
    }

    async fn assume_from(&self, session: &MfaSession, road: &CallContext<'_>) -> Result<(Session, MfaUse), Error> {
        self.report.mfa_session(session);
        let role = self.chain(Proof::Keys(session.keys.clone()), road, false).await?;
        Ok((role, MfaUse::Session { ends: session.ends() }))
    }

    /// A new MFA session, and the time that is left for what comes after it.
    async fn buy(
        &self,
        keys: &Keys,
        serial: &MfaSerial,
        road: &CallContext<'_>,
    ) -> Result<(MfaSession, Duration), Error> {
        let (code, deadline) = self.code(serial, Instant::now() + road.left).await?;
        let (hop, place) = device(&self.plan.hops).map_or((self.plan.hops.first(), 1), |(hop, place, _)| (hop, place));
        let call = self.call(hop, place, StsCall::GetSessionToken, road, deadline);
        let code = Code { serial, code: &code };
        let session = call.get_session_token(keys, code, self.mfa.session_duration).await?;
        Ok((session, deadline.saturating_duration_since(Instant::now())))
    }
}

/// Whether STS no longer takes a kept session: it has ended by STS's clock, or its user's keys were deleted.
fn is_over(error: &Error) -> bool {
    let Error::Assume(error) = error else { return false };
    let gone = matches!(error.cause, Cause::Refused { refusal: Refusal::SourceExpired | Refusal::SourceUnknown, .. });
    gone && error.hop == 1
}
