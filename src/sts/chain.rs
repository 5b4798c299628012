//! Assumes a chain of roles. The first role is assumed with the source credentials or with an MFA session, and each
//! other role with the session of the role before it.

use super::call::{Call, CallContext, Code};
use super::limits::Limits;
use super::proof::Proof;
use crate::error::{AssumeError, Cause, Error, Refusal, StsCall};
use crate::event::{AssumedRole, EventSink, MfaSessionFrom, SessionEvent};
use crate::mfa::mode::device;
use crate::mfa::{Codes, MfaKey, MfaSessions, can_sign};
use crate::profile::Plan;
use crate::role::{MfaCode, MfaSerial};
use crate::session::{Keys, Session};
use crate::sys::clock::wall;
use std::time::{Duration, Instant};

/// The values that are needed to use an MFA device.
#[derive(Clone, Copy)]
pub(crate) struct Mfa<'a> {
    pub(crate) codes: &'a Codes,
    pub(crate) sessions: &'a dyn MfaSessions,
    /// The duration to request for a new MFA session.
    pub(crate) session_duration: Duration,
}

/// The roles to assume, and the values that are needed to assume them.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) plan: &'a Plan,
    pub(super) mfa: Mfa<'a>,
    pub(super) limits: Limits,
}

impl Chain<'_> {
    /// Assumes each role in turn and returns the session of the last one. If `with_codes` is true, an MFA code is sent
    /// in the call for the role that has an MFA device.
    pub(super) async fn assume(
        self,
        mut proof: Proof<'_>,
        with_codes: bool,
        mut context: CallContext<'_>,
    ) -> Result<Session, Error> {
        let hops = &self.plan.hops;
        let mut session = None;
        for (at, hop) in hops.iter().enumerate() {
            let action = match proof {
                Proof::Keys(_) => StsCall::AssumeRole,
                Proof::Tokens(_) => StsCall::AssumeRoleWithWebIdentity,
            };
            let place = (at + 1, hops.len());
            let call = Call { context, hop: Some(hop), place, action };
            let granted = match (&proof, &hop.options.mfa_serial) {
                (Proof::Tokens(tokens), _) => {
                    let (granted, deadline) = call.longest_with_tokens(hop, tokens).await?;
                    context.deadline = deadline;
                    granted
                }
                (Proof::Keys(keys), Some(serial)) if with_codes => {
                    let assume = async |context, code: Code<'_>| {
                        Call { context, hop: Some(hop), place, action }.longest(hop, keys, Some(code)).await
                    };
                    let (granted, deadline) = self.with_code(serial, context, assume).await?;
                    context.deadline = deadline;
                    granted
                }
                (Proof::Keys(keys), _) => call.longest(hop, keys, None).await?,
            };
            let role = AssumedRole::from(&granted);
            context.events.emit(SessionEvent::RoleAssumed { number: at + 1, role }.into());
            context.events.emit(SessionEvent::SessionToken { number: at + 1, token: granted.token }.into());
            proof = Proof::Keys(granted.keys.clone());
            session = Some(granted.into());
        }
        let none = || Error::Cannot { what: "assume a role", reason: "the plan contains none".into(), hint: None };
        session.ok_or_else(none)
    }

    /// Assumes the roles with an MFA session. Uses the stored MFA session. Requests a new one if no MFA session is
    /// stored, or if STS no longer accepts the stored one.
    pub(super) async fn assume_with_mfa_session(
        self,
        keys: &Keys,
        serial: &MfaSerial,
        mut context: CallContext<'_>,
    ) -> Result<Session, Error> {
        let Mfa { sessions, session_duration: duration, .. } = self.mfa;
        let key = MfaKey { access_key_id: keys.access_key_id.clone(), serial: serial.clone(), duration };
        if let Some(kept) = sessions.mfa_session(&key).filter(|session| can_sign(session, wall())) {
            match self.assume_with(&kept, MfaSessionFrom::Cache, context).await {
                Err(error) if is_expired(&error) => sessions.remove_mfa_session(&key),
                result => return result,
            }
        }
        let new = self.new_mfa_session(keys, serial, &mut context).await?;
        sessions.store_mfa_session(&key, &new);
        self.assume_with(&new, MfaSessionFrom::Code, context).await
    }

    /// Requests an MFA session with a new code. Moves the deadline of `context` by the time that entering the code took.
    pub(super) async fn new_mfa_session(
        self,
        keys: &Keys,
        serial: &MfaSerial,
        context: &mut CallContext<'_>,
    ) -> Result<Session, Error> {
        let (hops, place) = (&self.plan.hops, device(self.plan).map_or(1, |(place, _)| place));
        let (hop, place) = (hops.iter().nth(place - 1), (place, hops.len()));
        let request = async |context, code: Code<'_>| {
            let call = Call { context, hop, place, action: StsCall::GetSessionToken };
            call.get_session_token(keys, code, self.mfa.session_duration).await
        };
        let (new, deadline) = self.with_code(serial, *context, request).await?;
        context.deadline = deadline;
        Ok(new)
    }

    async fn assume_with(
        self,
        session: &Session,
        from: MfaSessionFrom,
        context: CallContext<'_>,
    ) -> Result<Session, Error> {
        report(session, from, context.events);
        self.assume(Proof::Keys(session.keys.clone()), false, context).await
    }

    /// Makes a call with a new MFA code. If STS rejects a code that the user has typed, asks for another one and makes the
    /// call again. Also returns the new deadline, see [`Self::code`].
    async fn with_code<'c, T>(
        self,
        serial: &MfaSerial,
        mut context: CallContext<'c>,
        call: impl AsyncFn(CallContext<'c>, Code<'_>) -> Result<T, Box<AssumeError>>,
    ) -> Result<(T, Instant), Error> {
        loop {
            let (code, deadline) = self.code(serial, context).await?;
            context.deadline = deadline;
            match call(context, Code { serial, code: &code }).await {
                Err(error) if error.is_rejected_code() && self.mfa.codes.ask_again() => {}
                answer => return Ok((answer?, deadline)),
            }
        }
    }

    /// Returns a new MFA code, and the deadline for the calls that follow. The deadline is later than before by the
    /// time that the user took to enter the code. The time that a program took is also added, unless the user has set
    /// `--sts-timeout`.
    async fn code(self, serial: &MfaSerial, context: CallContext<'_>) -> Result<(MfaCode, Instant), Error> {
        let CallContext { deadline, progress, .. } = context;
        let begun = Instant::now();
        let limit = self.limits.of_program(deadline.saturating_duration_since(begun));
        let code = progress.aside(self.mfa.codes.next(serial, limit)).await?;
        let from_program = self.mfa.codes.are_from_a_program();
        Ok((code, if from_program { self.limits.deadline_after(begun, deadline) } else { deadline + begun.elapsed() }))
    }
}

/// Emits the event about an MFA session that is used.
pub(super) fn report(session: &Session, from: MfaSessionFrom, events: &dyn EventSink) {
    if let Some(event) = SessionEvent::mfa_session(session, from) {
        events.emit(event.into());
    }
}

/// Checks whether the error means that STS no longer accepts the MFA session that signed the call. The session may have
/// expired by the server's clock, or the user's keys may have been deleted.
fn is_expired(error: &Error) -> bool {
    let Error::Assume(error) = error else { return false };
    let gone = matches!(error.cause, Cause::Refused { refusal: Refusal::SourceExpired | Refusal::SourceUnknown, .. });
    gone && error.number == 1
}
