//! Offers a sign-in to IAM Identity Center if the session of the source has expired.

use super::{Outage, Sessions};
use crate::error::{Error, SourceError};
use crate::event::{EventSink, SessionEvent};
use crate::launch::context::Context;
use crate::mfa::mode::KeyKind;
use crate::profile::Source;
use crate::session::{Need, Session};
use crate::sign_in::{sign_in, terminal};
use crate::sts::LoginContext;
use crate::sys::helper::Attendance;

impl Sessions<'_> {
    /// Returns a session as [`Self::get_once`] does. If that fails and the user signs in, tries a second time, with the
    /// full time limit of `--sts-timeout`.
    ///
    /// # Errors
    /// No session is available. The error says why.
    pub(crate) async fn get(&self, need: Need, outage: Outage) -> Result<(Session, Option<KeyKind>), Error> {
        match self.get_once(need, outage).await {
            Err(error) => {
                Box::pin(self.sign_in_after(error, &self.context.report)).await?;
                self.get_once(need, outage).await
            }
            got => got,
        }
    }

    /// Signs in if `error` says that the user must sign in to IAM Identity Center. If this succeeds, the caller tries again.
    /// Must not be called while a cache key is locked, because other runs would wait for the user.
    ///
    /// # Errors
    /// Returns `error` itself if it has another cause, if the user may not be asked, or if the user declines. If the
    /// sign-in fails, returns the error of the sign-in.
    pub(crate) async fn sign_in_after(&self, error: Error, events: &dyn EventSink) -> Result<(), Error> {
        let Context { settings, vars, report, codes, progress, .. } = self.context;
        let (Error::Source(SourceError::SsoExpired { refused, .. }), Source::Sso { session, .. }) =
            (&error, &self.planned.plan.source)
        else {
            return Err(error);
        };
        if codes.attendance() != Attendance::Attended {
            return Err(error);
        }
        let terminal = match settings.no_sign_in.map_or_else(terminal, Err) {
            Ok(terminal) => terminal,
            Err(reason) => {
                events.emit(SessionEvent::SignInNotOffered { reason }.into());
                return Err(error);
            }
        };
        let network = self.network()?;
        let context = LoginContext { network: &network, vars, report: *report };
        let signed_in = progress.aside(sign_in(session, context, *refused, &terminal)).await?;
        let Some(expiration) = signed_in else { return Err(error) };
        events.emit(SessionEvent::SignedIn { session: session.identifier().to_owned(), expiration }.into());
        Ok(())
    }
}
