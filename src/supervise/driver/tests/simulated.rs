//! A host, a session source, a delivery and a clock that follow the plan of a test.

use super::super::*;
use crate::event::Event;
use crate::moment::Now;
use crate::process::{Arrival, End, Pid, ProcessGroup, Sender};
use crate::session::{Keys, Secret, Session, Validity};
use crate::supervise::ports::{Publishing, SessionId, Signaling};
use std::cell::RefCell;
use std::future::pending;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const PID: Pid = 200;

/// An event that is planned for a certain time of the boot clock, which starts at zero.
#[derive(Clone, Copy)]
pub(super) enum SimEvent {
    Suspend(Duration),
    WallBack(Duration),
    WallAhead(Duration),
    /// The child exits.
    End(End),
    /// A process other than the command sends TERM to xassume.
    Term,
}

#[derive(Clone, Copy)]
pub(super) enum SimChild {
    None,
    /// The child has been forked, but does not run the command yet.
    Starting,
    Runs,
    Ended(End),
    /// The child has exited, and its exit has been returned.
    Zombie,
}

#[derive(Clone, Copy)]
pub(super) enum Exec {
    Works,
    /// The file system of the program file does not respond.
    Hangs,
}

pub(super) struct SimState {
    pub(super) now: Now,
    pub(super) plans: Vec<(Duration, SimEvent)>,
    pub(super) child: SimChild,
    pub(super) exec: Exec,
    pub(super) at_fork: Option<SimEvent>,
    pub(super) signals: Vec<Arrival>,
    /// The actions, each with its time in seconds of the boot clock.
    pub(super) log: Vec<(u64, String)>,
    sessions: u32,
}

#[derive(Clone)]
pub(super) struct Sim(pub(super) Rc<RefCell<SimState>>);

impl Sim {
    pub(super) fn new(plans: &[(u64, SimEvent)]) -> Self {
        let now = Now { boot: Duration::ZERO, wall: SystemTime::UNIX_EPOCH + 1000 * HOUR };
        let plans = plans.iter().map(|(at, plan)| (Duration::from_secs(*at), *plan)).collect();
        let state = SimState {
            now,
            plans,
            child: SimChild::None,
            exec: Exec::Works,
            at_fork: None,
            signals: Vec::new(),
            log: Vec::new(),
            sessions: 0,
        };
        Self(Rc::new(RefCell::new(state)))
    }

    pub(super) fn log(&self, what: impl Into<String>) {
        let mut state = self.0.borrow_mut();
        let at = state.now.boot.as_secs();
        state.log.push((at, what.into()));
    }

    pub(super) fn done(&self) -> Vec<String> {
        self.0.borrow().log.iter().map(|(_, what)| what.clone()).collect()
    }

    /// Returns the times of an action in seconds.
    pub(super) fn times(&self, what: &str) -> Vec<u64> {
        self.0.borrow().log.iter().filter(|(_, done)| done == what).map(|(at, _)| *at).collect()
    }

    pub(super) fn change_now(&self) -> Option<ChildChange> {
        let mut state = self.0.borrow_mut();
        let SimChild::Ended(end) = state.child else { return None };
        state.child = SimChild::Zombie;
        Some(ChildChange::Ended(end))
    }

    pub(super) fn session(&self) -> Session {
        let mut state = self.0.borrow_mut();
        state.sessions += 1;
        Session {
            keys: Keys {
                access_key_id: format!("ASIA{}", state.sessions),
                secret_access_key: Secret::new("hidden"),
                session_token: None,
            },
            validity: Some(Validity { expiration: state.now.wall + HOUR, left: HOUR, lifetime: HOUR, skew_secs: 0 }),
            assumed_role_arn: Some("arn:aws:sts::521111111144:assumed-role/R/s".into()),
            account_id: None,
            instance_region: None,
        }
    }
}

impl SimState {
    pub(super) fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }

    pub(super) fn happen(&mut self, plan: SimEvent) {
        match plan {
            SimEvent::Suspend(time) => self.pass(time),
            SimEvent::WallBack(time) => self.now.wall -= time,
            SimEvent::WallAhead(time) => self.now.wall += time,
            SimEvent::End(end) => self.child = SimChild::Ended(end),
            SimEvent::Term => {
                let sender = Sender::Process { pid: 7, group: Some(7) };
                self.signals.push(Arrival { signal: Signal::TERM, sender });
            }
        }
    }
}

impl Clock for Sim {
    fn now(&self) -> Now {
        self.0.borrow().now
    }

    /// Lets time pass until the deadline, or until the next planned event if that is earlier. Time passes only here.
    async fn until(&self, deadline: Deadline) {
        let mut state = self.0.borrow_mut();
        let now = state.now;
        let by_wall = deadline.wall.map(|wall| wall.duration_since(now.wall).unwrap_or_default());
        let by_boot = deadline.boot.saturating_sub(now.boot);
        let time = by_wall.map_or(by_boot, |by_wall| by_wall.min(by_boot));
        match state.plans.first().copied() {
            Some((at, plan)) if at <= now.boot + time => {
                state.plans.remove(0);
                state.pass(at.saturating_sub(now.boot));
                state.happen(plan);
            }
            Some(_) | None => state.pass(time),
        }
    }
}

impl CommandHost for Sim {
    fn facts(&self) -> ProcessFacts {
        ProcessFacts { me: 100, group: ProcessGroup::Own, leads_session: false }
    }
    fn caveats(&self, _: &Policy) -> Vec<CommandEvent> {
        Vec::new()
    }
    fn start(&mut self, environment: Vec<CString>) -> Result<Pid, Fault> {
        self.log(format!("start {}", environment[0].to_string_lossy()));
        let mut state = self.0.borrow_mut();
        state.child = SimChild::Starting;
        // This event happens during the fork, before the outcome of execve(2).
        if let Some(plan) = state.at_fork.take() {
            state.happen(plan);
        }
        Ok(PID)
    }
    fn abort(&mut self) {
        self.log("abort");
        self.0.borrow_mut().child = SimChild::None;
    }
    fn stop(&mut self, _: Pid, signal: Signal) -> Result<(), Problem> {
        self.log(format!("stop {signal}"));
        self.0.borrow_mut().child = SimChild::Ended(End::Killed(signal));
        Ok(())
    }
    fn signal(&mut self, _: Pid, _: Target, signal: Signal) -> Result<(), Problem> {
        self.log(signal.to_string());
        if signal == Signal::TERM {
            self.0.borrow_mut().child = SimChild::Ended(End::Killed(signal));
        }
        Ok(())
    }
    fn remaining(&mut self, _: Pid) -> Remaining {
        self.log("look");
        Remaining::default()
    }
    fn kill_group(&mut self, _: Pid) {
        self.log("sweep");
    }
    fn reap(&mut self, _: Pid) {
        self.log("reap");
        self.0.borrow_mut().child = SimChild::None;
    }
    fn change(&mut self) -> Option<(Pid, ChildChange)> {
        Some((PID, self.change_now()?))
    }
    fn change_of(&mut self, _: Pid) -> Option<ChildChange> {
        self.change_now()
    }
    async fn next_input(&mut self) -> CommandInput {
        poll_fn(|_| {
            let (child, exec) = (self.0.borrow().child, self.0.borrow().exec);
            match (child, exec) {
                (SimChild::Starting, Exec::Works) => {
                    self.0.borrow_mut().child = SimChild::Runs;
                    return Poll::Ready(CommandInput::Started(Ok(PID)));
                }
                (SimChild::Starting | SimChild::None | SimChild::Runs | SimChild::Ended(_) | SimChild::Zombie, _) => {}
            }
            let signal = || self.0.borrow_mut().signals.pop();
            match self.change_now() {
                Some(change) => Poll::Ready(CommandInput::Changed(PID, change)),
                None => signal().map_or(Poll::Pending, |arrival| Poll::Ready(CommandInput::Signal(arrival))),
            }
        })
        .await
    }
    fn includes(&self, _: Pid, _: Pid) -> bool {
        false
    }
    fn restore_terminal(&mut self) {}
    fn pause(&mut self, _: Signal) {}
}

impl SessionSource for Sim {
    async fn assume(&self, _: SessionId, _: CacheUse) -> Result<Session, Problem> {
        self.log("assume");
        Ok(self.session())
    }
}

impl SignalNamed for Sim {
    fn send(&self, signal: Signal) -> Signaling<'_> {
        self.log(format!("{signal} by pid file"));
        Box::pin(async { Ok(7) })
    }
}

/// A delivery that ends at once, later or never. If there is a [`SimEvent`], it happens during the delivery.
pub(super) struct SimDelivery(pub(super) Sim, pub(super) Option<SimEvent>, pub(super) Speed);

#[derive(Clone, Copy)]
pub(super) enum Speed {
    AtOnce,
    Later,
    Never,
}

impl Deliver for SimDelivery {
    fn environment(&self, session: &Session) -> Vec<CString> {
        vec![CString::new(session.keys.access_key_id.clone()).unwrap()]
    }
    fn hook_environment(&self, _: SessionId, session: &Session, _: u32) -> Vec<CString> {
        self.environment(session)
    }
    fn publish(&mut self, sessions: &[&Session], _: &[SessionId]) -> Option<Publishing> {
        let keys: Vec<_> = sessions.iter().map(|session| session.keys.access_key_id.as_str()).collect();
        self.0.log(if let [_] = keys[..] { "publish".to_owned() } else { format!("publish {}", keys.join(" ")) });
        if let Some(plan) = self.1 {
            self.0.0.borrow_mut().happen(plan);
        }
        match self.2 {
            Speed::AtOnce => None,
            Speed::Later => Some(Box::pin(async { Ok(()) })),
            Speed::Never => {
                let call = PendingCall(self.0.clone());
                Some(Box::pin(async move {
                    let _call = call;
                    pending().await
                }))
            }
        }
    }
}

/// An event sink. If there is a [`SimEvent`], it happens while the sink handles [`CommandEvent::Restarting`].
pub(super) struct SimLog(pub(super) Sim, pub(super) Option<SimEvent>);

impl EventSink for SimLog {
    fn emit(&self, event: Event) {
        if let (Event::Command(CommandEvent::Restarting { .. }), Some(plan)) = (event, self.1) {
            self.0.0.borrow_mut().happen(plan);
        }
    }
}

/// A session source that never answers. The command exits during the call, so the call is dropped.
pub(super) struct Slow(pub(super) Sim);

impl SessionSource for Slow {
    async fn assume(&self, _: SessionId, _: CacheUse) -> Result<Session, Problem> {
        let _call = PendingCall(self.0.clone());
        self.0.log("assume");
        self.0.0.borrow_mut().happen(SimEvent::End(End::Exited(7)));
        tokio::task::yield_now().await;
        pending().await
    }
}

pub(super) struct PendingCall(Sim);

impl Drop for PendingCall {
    fn drop(&mut self) {
        self.0.log("dropped");
    }
}
