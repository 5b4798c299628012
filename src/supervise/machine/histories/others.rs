//! Every sequence of inputs about two sessions, the default one and one of `--also`.
//!
//! The command runs the whole time, so that only the rules of the sessions matter.

use super::super::*;
use super::model::validity;
use super::moves::{CHILDREN, FIRST, LIFETIME, ME, refresh_signal};
use crate::error::Reason;
use crate::event::Problem;
use crate::process::{End, ProcessGroup, Target};
use crate::supervise::policy::{DeliveryTime, OnRefreshFailure};
use crate::supervise::ports::SessionId;
use std::collections::HashSet;
use std::time::{Duration, SystemTime};

const SECOND: SessionId = SessionId(1);
const IDS: [SessionId; 2] = [FIRST, SECOND];
/// The number of steps after the start of the command.
const LENGTH: usize = 9;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Step {
    Grant(SessionId),
    Refuse(SessionId),
    Publish(SessionId),
    FailPublish(SessionId),
    /// Time passes until the deadline.
    Wait,
    WakeEarly,
    Exit,
}

/// A session, and what is in progress for it.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
struct Session {
    is_asked: bool,
    is_published: bool,
    /// Whether the hook has run since the last delivery.
    is_hooked: bool,
    /// The number of refreshes that failed or were dropped since the last delivery.
    failures: u32,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Model {
    machine: Machine,
    now: Now,
    sessions: [Session; 2],
    /// When the first session was delivered for which no signal was sent.
    unsignaled: Option<Duration>,
    /// Whether the command has ended or is being stopped.
    is_over: bool,
}

impl Model {
    fn start(policy: Policy) -> Self {
        let now = Now { boot: Duration::from_secs(1000), wall: SystemTime::UNIX_EPOCH + 1000 * LIFETIME };
        let facts = ProcessFacts { me: ME, group: ProcessGroup::Own, leads_session: false };
        let mut machine = Machine::new(policy, facts, Some(&validity(now)), now, Dice::Loaded(0));
        machine.add("prod", Some(&validity(now)), now, Dice::Loaded(u64::MAX));
        let model = Self { machine, now, sessions: Default::default(), unsignaled: None, is_over: false };
        let model = model.handle(Input::Wake);
        let started = model.handle(Input::Command(CommandInput::Started(Ok(CHILDREN[0]))));
        assert!(started.sessions.iter().all(|session| session.is_hooked), "the hook runs for each first session");
        started
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::WakeEarly, Step::Exit];
        steps.extend(self.machine.deadline().map(|_| Step::Wait));
        let waits = steps.contains(&Step::Wait) || self.sessions.iter().any(|one| one.is_asked || one.is_published);
        assert!(waits, "every state waits for an input");
        for (id, session) in IDS.into_iter().zip(&self.sessions) {
            if session.is_asked {
                steps.extend([Step::Grant(id), Step::Refuse(id)]);
            }
            if session.is_published {
                steps.extend([Step::Publish(id), Step::FailPublish(id)]);
            }
        }
        steps
    }

    fn after(&self, step: Step) -> Self {
        let mut model = self.clone();
        let problem = Problem::new(Reason::Denied, "no");
        let input = match step {
            Step::Grant(id) => {
                model.sessions[id.0].is_asked = false;
                Input::Session(id, SessionInput::Assumed(Ok(validity(model.now))))
            }
            Step::Refuse(id) => {
                let session = &mut model.sessions[id.0];
                (session.is_asked, session.failures) = (false, session.failures + 1);
                Input::Session(id, SessionInput::Assumed(Err(problem)))
            }
            Step::Publish(id) => {
                model.sessions[id.0] = Session::default();
                model.unsignaled.get_or_insert(model.now.boot);
                Input::Session(id, SessionInput::Published(Ok(())))
            }
            Step::FailPublish(id) => {
                let session = &mut model.sessions[id.0];
                (session.is_published, session.failures) = (false, session.failures + 1);
                Input::Session(id, SessionInput::Published(Err(problem)))
            }
            Step::Wait => {
                let deadline = model.machine.deadline().unwrap();
                let by_wall = deadline.wall.map(|wall| wall.duration_since(model.now.wall).unwrap_or_default());
                let by_boot = deadline.boot.saturating_sub(model.now.boot);
                let time = by_wall.map_or(by_boot, |by_wall| by_wall.min(by_boot));
                (model.now.boot, model.now.wall) = (model.now.boot + time, model.now.wall + time);
                Input::Wake
            }
            Step::WakeEarly => Input::Wake,
            Step::Exit => Input::Command(CommandInput::Changed(CHILDREN[0], ChildChange::Ended(End::Exited(0)))),
        };
        let model = model.handle(input);
        if let Step::Publish(id) = step {
            assert!(model.sessions[id.0].is_hooked, "the hook runs after each delivery");
        }
        model
    }

    fn handle(mut self, input: Input) -> Self {
        for action in self.machine.handle(input, self.now) {
            assert!(
                !self.is_over || !matches!(action, Action::Assume(_) | Action::RunHook(_)),
                "no refresh after the end"
            );
            match action {
                Action::Assume(id) => {
                    let session = &mut self.sessions[id.0];
                    assert!(!session.is_asked && !session.is_published, "one call or delivery for each session");
                    session.is_asked = true;
                }
                Action::Publish(id) => {
                    let session = &mut self.sessions[id.0];
                    assert!(!session.is_published, "a session is published once");
                    session.is_published = true;
                }
                Action::Abandon(id) => {
                    let session = &mut self.sessions[id.0];
                    assert!(session.is_asked || session.is_published, "only what is in progress is dropped");
                    (session.is_asked, session.is_published) = (false, false);
                    session.failures += 1;
                }
                Action::RunHook(id) => {
                    let is_again = std::mem::replace(&mut self.sessions[id.0].is_hooked, true);
                    assert!(!is_again, "the hook runs once for a session");
                }
                Action::Signal(_, Target::Process, signal) if signal == refresh_signal() => {
                    let since = self.unsignaled.take().expect("the signal follows a delivery");
                    assert!(self.now.boot >= since + Duration::from_secs(1), "it waits for the other session");
                }
                Action::Exit(end) => {
                    let is_quiet = |session: &Session| !session.is_asked && !session.is_published;
                    assert!(self.sessions.iter().all(is_quiet), "no exit before a pending answer");
                    self.is_over = end == Final::Ended(End::Exited(0));
                }
                // The other sequences are about the stop itself.
                Action::Stop(..) => {
                    let is_late = |session: &Session| session.failures > 0;
                    let is_strict = self.machine.policy.on_refresh_failure == OnRefreshFailure::Stop;
                    assert!(is_strict && self.sessions.iter().any(is_late), "only a failed refresh stops the command");
                    self.is_over = true;
                }
                _ => {}
            }
        }
        if !self.is_over && self.machine.policy.on_expiry == OnExpiry::Signal(refresh_signal()) {
            let at = self.unsignaled.map(|since| since + Duration::from_secs(1));
            let deadline = self.machine.deadline();
            let is_due = |at| deadline.is_some_and(|deadline| deadline.boot <= at) || self.machine.is_ending();
            assert!(at.is_none_or(is_due), "the signal is not forgotten");
        }
        self
    }
}

#[test]
fn every_sequence_with_two_sessions_satisfies_the_claims() {
    for on_expiry in [OnExpiry::None, OnExpiry::Signal(refresh_signal())] {
        for on_refresh_failure in [OnRefreshFailure::Keep, OnRefreshFailure::Stop] {
            let usual = Policy::usual(on_expiry, DeliveryTime::Live);
            let begin = Model::start(Policy { on_refresh_failure, has_hook: true, ..usual });
            let mut models = HashSet::from([begin]);
            for _ in 0..LENGTH {
                let living = models.iter().filter(|model| !model.is_over);
                models = living.flat_map(|model| model.steps().into_iter().map(|step| model.after(step))).collect();
            }
            assert!(models.len() > 100, "{}", models.len());
        }
    }
}
