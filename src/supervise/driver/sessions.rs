//! The sessions of a run, with their calls to STS. One delivery is in progress at a time, because it may write all sessions
//! to one file.

use super::waiting::PendingAnswer;
use crate::error::Reason;
use crate::event::Problem;
use crate::moment::Now;
use crate::session::{Session, Validity};
use crate::supervise::machine::{Machine, SessionInput};
use crate::supervise::ports::SessionId;
use crate::supervise::schedule::Dice;
use std::future::poll_fn;
use std::hash::{BuildHasher as _, RandomState};
use std::task::Poll;

/// The first sessions of a run.
pub(crate) struct FirstSessions {
    pub(crate) default: Session,
    /// The sessions of `--also`, each with the name of its profile.
    pub(crate) others: Vec<(&'static str, Session)>,
}

impl FirstSessions {
    /// Returns all sessions in the order of their IDs.
    pub(crate) fn all(&self) -> Vec<&Session> {
        std::iter::once(&self.default).chain(self.others.iter().map(|(_, session)| session)).collect()
    }

    pub(crate) fn ids(&self) -> Vec<SessionId> {
        (0..=self.others.len()).map(SessionId).collect()
    }

    /// Adds the sessions of `--also` to a machine. `dice` are those of the default session.
    pub(super) fn add_others(&self, machine: &mut Machine, now: Now, mut dice: Dice) {
        for (profile, session) in &self.others {
            machine.add(profile, session.validity.as_ref(), now, dice.another());
        }
    }
}

/// Returns random numbers that are good enough to spread the load on STS. They must not be used for secrets.
pub(crate) fn dice() -> Dice {
    Dice::Seeded(RandomState::new().hash_one(()))
}

/// A session, and its refresh.
struct Refreshed<'a> {
    /// The session in effect.
    session: Session,
    /// A session that has been fetched but not delivered yet. If its delivery has failed, later deliveries contain it
    /// nevertheless, because a write that took too long may still put it into effect.
    new: Option<Session>,
    call: PendingAnswer<'a, Session>,
}

/// The sessions of a run, in the order of their IDs.
pub(super) struct Sessions<'a> {
    all: Vec<Refreshed<'a>>,
    /// The sessions whose delivery is in progress.
    delivering: Vec<SessionId>,
    /// The new sessions that are delivered next, together.
    waiting: Vec<SessionId>,
}

impl<'a> Sessions<'a> {
    pub(super) fn new(first: FirstSessions) -> Self {
        let sessions = std::iter::once(first.default).chain(first.others.into_iter().map(|(_, session)| session));
        let all = sessions.map(|session| Refreshed { session, new: None, call: None }).collect();
        Self { all, delivering: Vec::new(), waiting: Vec::new() }
    }

    /// Returns the session in effect.
    pub(super) fn current(&self, id: SessionId) -> &Session {
        &self.all[id.0].session
    }

    /// Begins a call for a new session.
    pub(super) fn call(&mut self, id: SessionId, call: PendingAnswer<'a, Session>) {
        self.all[id.0].call = call;
    }

    /// Waits for the answer to a call. Never returns if there is no call.
    pub(super) async fn assumed(&mut self) -> (SessionId, Result<Session, Problem>) {
        poll_fn(|context| {
            for (place, refreshed) in self.all.iter_mut().enumerate() {
                if let Some(call) = &mut refreshed.call
                    && let Poll::Ready(answer) = call.as_mut().poll(context)
                {
                    refreshed.call = None;
                    return Poll::Ready((SessionId(place), answer));
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Keeps a session that was fetched, unless it is the one that is already in effect. Returns the input for the
    /// machine.
    pub(super) fn accept(&mut self, id: SessionId, answer: Result<Session, Problem>) -> SessionInput {
        let session = match answer {
            Ok(session) => session,
            Err(problem) => return SessionInput::Assumed(Err(problem)),
        };
        let Some(validity) = session.validity.clone() else {
            let problem = Problem::new(Reason::SourceFailed, "the source no longer says when its credentials expire");
            let hint = "restart xassume if the source now has credentials that do not expire";
            return SessionInput::Assumed(Err(problem.with_hint(hint)));
        };
        let Refreshed { session: current, new, .. } = &mut self.all[id.0];
        let lasts_longer = |current: &Validity| validity.expiration > current.expiration;
        let is_newer = session.keys.access_key_id != current.keys.access_key_id
            || current.validity.as_ref().is_none_or(lasts_longer);
        if !is_newer {
            return SessionInput::Unchanged;
        }
        *new = Some(session);
        SessionInput::Assumed(Ok(validity))
    }

    /// Adds a new session to the next delivery.
    pub(super) fn add_delivery(&mut self, id: SessionId) {
        self.waiting.push(id);
    }

    /// Begins the next delivery. Returns all sessions, and the IDs of the new ones. Returns `None` if a delivery is in
    /// progress or none waits.
    pub(super) fn begin_delivery(&mut self) -> Option<(Vec<&Session>, &[SessionId])> {
        if !self.delivering.is_empty() || self.waiting.is_empty() {
            return None;
        }
        std::mem::swap(&mut self.delivering, &mut self.waiting);
        let sessions = self.all.iter().map(|Refreshed { session, new, .. }| new.as_ref().unwrap_or(session));
        Some((sessions.collect(), &self.delivering))
    }

    /// Ends the delivery in progress, and puts its sessions into effect if it succeeded. Returns their IDs.
    pub(super) fn end_delivery(&mut self, succeeded: bool) -> Vec<SessionId> {
        let ids = std::mem::take(&mut self.delivering);
        for id in ids.iter().filter(|_| succeeded) {
            let Refreshed { session, new, .. } = &mut self.all[id.0];
            if let Some(new) = new.take() {
                *session = new;
            }
        }
        ids
    }

    /// Drops the call and the delivery of a session. Returns whether the delivery in progress is no longer needed.
    pub(super) fn abandon(&mut self, id: SessionId) -> bool {
        let refreshed = &mut self.all[id.0];
        (refreshed.call, refreshed.new) = (None, None);
        self.waiting.retain(|waiting| *waiting != id);
        let was_delivering = !self.delivering.is_empty();
        self.delivering.retain(|delivering| *delivering != id);
        was_delivering && self.delivering.is_empty()
    }
}
