//! The call `AssumeRoleWithWebIdentity`. The SDK would send the same token in each attempt, so the attempts are made
//! here, each with a new token. They follow the rules of the SDK in all other respects.

use super::{Call, CallContext, can_be_shorter, descriptors, seconds};
use crate::error::{AssumeError, Cause, Error, Refusal, SourceError, TokenRefusal};
use crate::event::SessionEvent;
use crate::role::{Hop, HopOptions};
use crate::session::{Granted, Secret, TokenSize};
use crate::sts::answer::{arn, temporary_keys};
use crate::sts::connection::attempt_timeout;
use crate::sts::source::web_identity::Tokens;
use crate::sys::clock::wall;
use aws_sdk_sts::Client;
use std::time::{Duration, Instant};

/// The token of an attempt, and the limits of the call.
struct Attempt<'a> {
    token: &'a Secret,
    duration: Option<Duration>,
    /// When the call began.
    begun: Instant,
    /// The time limit of each attempt.
    timeout: Duration,
}

impl Call<'_> {
    /// Assumes the role with the longest duration that STS accepts. Also returns the deadline for the calls that follow,
    /// see [`Tokens::next`].
    ///
    /// # Errors
    /// The source gives no token, or the call to STS fails.
    pub(in crate::sts) async fn longest_with_tokens(
        mut self,
        hop: &Hop,
        tokens: &Tokens<'_>,
    ) -> Result<(Granted, Instant), Error> {
        let mut durations = self.durations(hop);
        loop {
            match self.with_tokens(hop, tokens, durations.pop()).await {
                Err(Error::Assume(error)) if can_be_shorter(&mut durations, &error.cause) => {}
                result => return Ok((result?, self.context.deadline)),
            }
        }
    }

    /// Makes the call, in several attempts if necessary.
    async fn with_tokens(
        &mut self,
        hop: &Hop,
        tokens: &Tokens<'_>,
        duration: Option<Duration>,
    ) -> Result<Granted, Error> {
        let CallContext { connection, .. } = self.context;
        connection.attempts.begin();
        let begun = Instant::now();
        let timeout = attempt_timeout(self.left(), connection.max_attempts);
        let mut token = self.next_token(tokens).await?;
        let mut rejected = false;
        let mut refused = Vec::new();
        loop {
            let error = match self.attempt(hop, Attempt { token: &token, duration, begun, timeout }).await {
                Ok(granted) => return Ok(granted),
                Err(error) => error.with_claims(token.reveal()),
            };
            // Whether the call is made again, and whether this needs another token.
            let (again, other) = match of_token(&error.cause) {
                Some(TokenRefusal::Expired) => (true, true),
                // Another token may be valid: this one may have been used before, or its signing key may be new.
                Some(
                    TokenRefusal::NoProvider
                    | TokenRefusal::Audience
                    | TokenRefusal::Thumbprint
                    | TokenRefusal::Invalid,
                ) => (!std::mem::replace(&mut rejected, true), true),
                Some(TokenRefusal::IssuerUnreachable) => (true, false),
                _ => (connection.attempts.next().is_some(), false),
            };
            let count = connection.attempts.count.number();
            if !again || count >= connection.max_attempts {
                return Err(error.into());
            }
            // An error in the first token is no sign that STS is overloaded, so the second request is sent without a
            // pause.
            if !other || count > 1 {
                let backoff = connection.attempts.next().unwrap_or_default();
                tokio::time::sleep(backoff.pause(count).min(self.left())).await;
            }
            if self.left().is_zero() {
                return Err(self.timed_out(begun.elapsed()).into());
            }
            let next = match self.next_token(tokens).await {
                Ok(next) => next,
                Err(failure) => return Err(error.without_new_token(failure).into()),
            };
            let last = std::mem::replace(&mut token, next);
            let place = if last == token { tokens.place() } else { None };
            refused.extend(other.then_some(last));
            if refused.contains(&token) {
                return Err(error.with_place(place).into());
            }
        }
    }

    /// Returns a new token, and moves the deadline if the time for it does not count.
    async fn next_token(&mut self, tokens: &Tokens<'_>) -> Result<Secret, SourceError> {
        let (token, deadline) = tokens.next(self.context.deadline, self.context.progress).await?;
        self.context.deadline = deadline;
        self.context.events.emit(SessionEvent::web_identity_token(token.reveal(), wall()).into());
        Ok(token)
    }

    async fn attempt(&self, hop: &Hop, attempt: Attempt<'_>) -> Result<Granted, Box<AssumeError>> {
        let Attempt { token, duration, begun, timeout } = attempt;
        let HopOptions { policy, policy_arns, .. } = &hop.options;
        let config = self.context.connection.config(self.time_left()?, Some(timeout));
        let request = Client::from_conf(config.build())
            .assume_role_with_web_identity()
            .role_arn(hop.role.as_str())
            .role_session_name(hop.session_name.as_str())
            .web_identity_token(token.reveal())
            .set_duration_seconds(seconds(duration))
            .set_policy(policy.as_ref().map(|policy| policy.as_str().to_owned()))
            .set_policy_arns(descriptors(policy_arns));
        let answer = self.answer(begun, Box::pin(request.send())).await?;
        let (keys, validity) = self.read(|dated, route| temporary_keys(answer.credentials, dated, route))?;
        let arn = arn(answer.assumed_role_user).map_err(|cause| self.failed(cause))?;
        #[expect(deprecated, reason = "only newer endpoints send its replacement")]
        let packed_policy = answer.packed_policy_size;
        let token = TokenSize::new(&keys, answer.session_token_utilization, packed_policy);
        Ok(Granted { keys, validity, arn, token })
    }
}

fn of_token(cause: &Cause) -> Option<TokenRefusal> {
    if let Cause::Refused { refusal: Refusal::Token(refusal), .. } = cause { Some(*refusal) } else { None }
}
