//! The driver with a host, a source and a clock of its own: a day of suspend takes no time here.

use super::*;
use crate::session::{Keys, Secret, Validity};
use crate::supervise::policy::{OnExpiry, Reach};
use crate::supervise::process::{Arrival, End, Group, Pid, Sender};
use crate::supervise::relay::SessionRole;
use crate::supervise::schedule::{Margin, Now};
use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_hours(1);
const PID: Pid = 200;

/// What happens at a moment of the boot clock, which starts at zero.
#[derive(Clone, Copy)]
enum Plan {
    Suspend(Duration),
    WallBack(Duration),
    WallAhead(Duration),
    /// The child ends by itself.
    End(End),
    /// TERM from outside.
    Term,
}

#[derive(Clone, Copy)]
enum Child {
    None,
    /// Made, and not the command yet.
    Unborn,
    Runs,
    Ended(End),
    /// Ended, and that was said.
    Zombie,
}

#[derive(Clone, Copy)]
enum Exec {
    Works,
    /// The program file gives no answer.
    Hangs,
}

struct World {
    now: Now,
    plans: Vec<(Duration, Plan)>,
    child: Child,
    exec: Exec,
    at_fork: Option<Plan>,
    signals: Vec<Arrival>,
    /// What was done, with the second of the boot clock.
    log: Vec<(u64, String)>,
    sessions: u32,
}

#[derive(Clone)]
struct Sim(Rc<RefCell<World>>);

impl Sim {
    fn new(plans: &[(u64, Plan)]) -> Self {
        let now = Now { boot: Duration::ZERO, wall: SystemTime::UNIX_EPOCH + 1000 * HOUR };
        let plans = plans.iter().map(|(at, plan)| (Duration::from_secs(*at), *plan)).collect();
        let world = World {
            now,
            plans,
            child: Child::None,
            exec: Exec::Works,
            at_fork: None,
            signals: Vec::new(),
            log: Vec::new(),
            sessions: 0,
        };
        Self(Rc::new(RefCell::new(world)))
    }

    fn log(&self, what: impl Into<String>) {
        let mut world = self.0.borrow_mut();
        let at = world.now.boot.as_secs();
        world.log.push((at, what.into()));
    }

    fn done(&self) -> Vec<String> {
        self.0.borrow().log.iter().map(|(_, what)| what.clone()).collect()
    }

    /// When something was done, in seconds.
    fn times(&self, what: &str) -> Vec<u64> {
        self.0.borrow().log.iter().filter(|(_, done)| done == what).map(|(at, _)| *at).collect()
    }

    fn change_now(&self) -> Option<Change> {
        let mut world = self.0.borrow_mut();
        match world.child {
            Child::Ended(end) => {
                world.child = Child::Zombie;
                Some(Change::Ended(end))
            }
            Child::None | Child::Unborn | Child::Runs | Child::Zombie => None,
        }
    }

    fn session(&self) -> Session {
        let mut world = self.0.borrow_mut();
        world.sessions += 1;
        Session {
            keys: Keys {
                access_key_id: format!("ASIA{}", world.sessions),
                secret_access_key: Secret::new("hidden"),
                session_token: None,
            },
            validity: Validity { expiration: world.now.wall + HOUR, left: HOUR, lifetime: HOUR, skew_secs: 0 },
            assumed_role_arn: "arn:aws:sts::521111111144:assumed-role/R/s".into(),
        }
    }
}

impl World {
    fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.wall += time;
    }

    fn happen(&mut self, plan: Plan) {
        match plan {
            Plan::Suspend(time) => self.pass(time),
            Plan::WallBack(time) => self.now.wall -= time,
            Plan::WallAhead(time) => self.now.wall += time,
            Plan::End(end) => self.child = Child::Ended(end),
            Plan::Term => {
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

    /// Time passes only here: to the deadline, or to the next plan before it.
    async fn until(&self, deadline: Deadline) {
        let mut world = self.0.borrow_mut();
        let now = world.now;
        let by_wall = deadline.wall.map(|wall| wall.duration_since(now.wall).unwrap_or_default());
        let by_boot = deadline.boot.saturating_sub(now.boot);
        let time = by_wall.map_or(by_boot, |by_wall| by_wall.min(by_boot));
        match world.plans.first().copied() {
            Some((at, plan)) if at <= now.boot + time => {
                world.plans.remove(0);
                world.pass(at.saturating_sub(now.boot));
                world.happen(plan);
            }
            Some(_) | None => world.pass(time),
        }
    }
}

impl Host for Sim {
    fn facts(&self) -> Facts {
        Facts { me: 100, group: Group::Own, session: SessionRole::Member }
    }
    fn caveats(&self, _: &Policy) -> Vec<Happening> {
        Vec::new()
    }
    fn start(&mut self, environment: Vec<CString>) -> Result<(), Fault> {
        self.log(format!("start {}", environment[0].to_string_lossy()));
        let mut world = self.0.borrow_mut();
        world.child = Child::Unborn;
        // With the fork, before anything is known of execve.
        if let Some(plan) = world.at_fork.take() {
            world.happen(plan);
        }
        Ok(())
    }
    fn abort(&mut self) {
        self.log("abort");
        self.0.borrow_mut().child = Child::None;
    }
    fn stop(&mut self, signal: Signal) -> Result<(), Problem> {
        self.log(format!("stop {signal}"));
        self.0.borrow_mut().child = Child::Ended(End::Killed(signal));
        Ok(())
    }
    fn signal(&mut self, _: Target, signal: Signal) -> Result<(), Problem> {
        self.log(signal.to_string());
        if signal == Signal::TERM {
            self.0.borrow_mut().child = Child::Ended(End::Killed(signal));
        }
        Ok(())
    }
    fn look(&mut self) -> Remaining {
        self.log("look");
        Remaining::default()
    }
    fn sweep(&mut self) {
        self.log("sweep");
    }
    fn reap(&mut self) {
        self.log("reap");
        self.0.borrow_mut().child = Child::None;
    }
    fn change(&mut self) -> Option<Change> {
        self.change_now()
    }
    async fn news(&mut self) -> CommandEvent {
        poll_fn(|_| {
            let (child, exec) = (self.0.borrow().child, self.0.borrow().exec);
            match (child, exec) {
                (Child::Unborn, Exec::Works) => {
                    self.0.borrow_mut().child = Child::Runs;
                    return Poll::Ready(CommandEvent::Started(PID));
                }
                (Child::Unborn | Child::None | Child::Runs | Child::Ended(_) | Child::Zombie, _) => {}
            }
            let signal = || self.0.borrow_mut().signals.pop();
            match self.change_now() {
                Some(change) => Poll::Ready(change.into()),
                None => signal().map_or(Poll::Pending, |arrival| Poll::Ready(CommandEvent::Signal(arrival))),
            }
        })
        .await
    }
    fn restore_terminal(&mut self) {}
    fn pause(&mut self, _: Signal) {}
}

impl SessionSource for Sim {
    async fn assume(&self) -> Result<Session, Problem> {
        self.log("assume");
        Ok(self.session())
    }
}

/// A delivery during which something happens, and that is over at once or later.
struct File(Sim, Option<Plan>, Speed);

#[derive(Clone, Copy)]
enum Speed {
    AtOnce,
    Later,
    Never,
}

impl Delivery for File {
    fn environment(&self, session: &Session) -> Vec<CString> {
        vec![CString::new(session.keys.access_key_id.clone()).unwrap()]
    }
    fn publish(&mut self, _: &Session) -> Publishing {
        self.0.log("publish");
        if let Some(plan) = self.1 {
            self.0.0.borrow_mut().happen(plan);
        }
        match self.2 {
            Speed::AtOnce => Publishing::Done(Ok(())),
            Speed::Later => Publishing::Begun(Box::pin(async { Ok(()) })),
            Speed::Never => {
                let call = Call(self.0.clone());
                Publishing::Begun(Box::pin(async move {
                    let _call = call;
                    pending().await
                }))
            }
        }
    }
}

/// A narrator during whose line of a restart something happens.
struct Telling(Sim, Option<Plan>);

impl Narrator for Telling {
    fn tell(&mut self, happening: &Happening) {
        if let (Happening::Restarting, Some(plan)) = (happening, self.1) {
            self.0.0.borrow_mut().happen(plan);
        }
    }
}

/// A source that never answers: the command ends while it is asked, and nobody waits for it any more.
struct Slow(Sim);

impl SessionSource for Slow {
    async fn assume(&self) -> Result<Session, Problem> {
        let _call = Call(self.0.clone());
        self.0.log("assume");
        self.0.0.borrow_mut().happen(Plan::End(End::Exited(7)));
        tokio::task::yield_now().await;
        pending().await
    }
}

struct Call(Sim);

impl Drop for Call {
    fn drop(&mut self) {
        self.0.log("dropped");
    }
}

fn play<S: SessionSource>(sim: &Sim, source: &S, on_expiry: OnExpiry, during_publish: Option<Plan>) -> Final {
    play_at(Speed::AtOnce, sim, source, on_expiry, during_publish)
}

fn play_at<S: SessionSource>(
    speed: Speed,
    sim: &Sim,
    source: &S,
    on_expiry: OnExpiry,
    during_publish: Option<Plan>,
) -> Final {
    play_with(File(sim.clone(), during_publish, speed), sim, source, on_expiry, Telling(sim.clone(), None))
}

fn play_with<S: SessionSource>(
    mut delivery: File,
    sim: &Sim,
    source: &S,
    on_expiry: OnExpiry,
    mut narrator: Telling,
) -> Final {
    let margin = Margin::Fixed(Duration::from_mins(6));
    let policy = Policy { margin, ..Policy::usual(on_expiry, Reach::Live) };
    let mut host = sim.clone();
    let parties = Parties { source, delivery: &mut delivery, host: &mut host, clock: sim, narrator: &mut narrator };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(supervise(policy, sim.session(), parties))
}

fn ended(status: u8) -> Final {
    Final::Ended(End::Exited(status))
}

#[test]
fn a_restart_is_assume_publish_stop_sweep_reap_start() {
    let sim = Sim::new(&[(4000, Plan::End(End::Exited(3)))]);
    assert_eq!(play(&sim, &sim, OnExpiry::Restart, None), ended(3));
    let restart = ["assume", "publish", "stop SIGTERM", "look", "sweep", "reap", "start ASIA2"];
    assert_eq!(sim.done(), [&["start ASIA1"], &restart[..], &["reap"]].concat());
    assert_eq!(sim.times("assume"), [3240]);
}

#[test]
fn eight_hours_of_suspend_are_followed_by_one_refresh_at_once() {
    let sim = Sim::new(&[(600, Plan::Suspend(8 * HOUR)), (30_000, Plan::End(End::Exited(0)))]);
    play(&sim, &sim, OnExpiry::None, None);
    assert_eq!(sim.times("assume"), [600 + 8 * 3600]);
}

#[test]
fn a_wall_clock_set_back_does_not_delay_a_refresh() {
    let sim = Sim::new(&[(600, Plan::WallBack(HOUR)), (7000, Plan::End(End::Exited(0)))]);
    play(&sim, &sim, OnExpiry::None, None);
    assert_eq!(sim.times("assume"), [3240, 6480]);
}

#[test]
fn a_wall_clock_set_ahead_refreshes_early_and_once() {
    let sim = Sim::new(&[(600, Plan::WallAhead(HOUR)), (4000, Plan::End(End::Exited(0)))]);
    play(&sim, &sim, OnExpiry::None, None);
    assert_eq!(sim.times("assume"), [600, 3840]);
}

#[test]
fn a_command_that_ends_while_its_session_is_published_is_not_restarted() {
    for speed in [Speed::AtOnce, Speed::Later] {
        let sim = Sim::new(&[]);
        let end = play_at(speed, &sim, &sim, OnExpiry::Restart, Some(Plan::End(End::Exited(5))));
        assert_eq!(end, ended(5));
        assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "reap"]);
    }
}

#[test]
fn a_restart_waits_for_a_delivery_that_takes_its_time() {
    let sim = Sim::new(&[(4000, Plan::End(End::Exited(3)))]);
    assert_eq!(play_at(Speed::Later, &sim, &sim, OnExpiry::Restart, None), ended(3));
    let restart = ["assume", "publish", "stop SIGTERM", "look", "sweep", "reap", "start ASIA2"];
    assert_eq!(sim.done(), [&["start ASIA1"], &restart[..], &["reap"]].concat());
}

#[test]
fn a_delivery_that_does_not_answer_holds_up_neither_signals_nor_the_end() {
    let sim = Sim::new(&[]);
    let end = play_at(Speed::Never, &sim, &sim, OnExpiry::Restart, Some(Plan::Term));
    assert_eq!(end, Final::Ended(End::Killed(Signal::TERM)));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "SIGTERM", "reap", "dropped"]);
}

#[test]
fn a_term_that_is_there_when_the_stopped_command_has_ended_prevents_the_start() {
    let sim = Sim::new(&[]);
    let end = play(&sim, &sim, OnExpiry::Restart, Some(Plan::Term));
    assert_eq!(end, Final::Ended(End::Killed(Signal::TERM)));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "stop SIGTERM", "look", "sweep", "reap"]);
}

#[test]
fn an_end_during_the_sts_call_drops_the_call_and_ends_at_once() {
    let sim = Sim::new(&[]);
    assert_eq!(play(&sim, &Slow(sim.clone()), OnExpiry::Restart, None), ended(7));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "reap", "dropped"]);
}

#[test]
fn a_command_that_ends_while_the_restart_is_announced_has_ended_by_itself() {
    let sim = Sim::new(&[]);
    let narrator = Telling(sim.clone(), Some(Plan::End(End::Exited(7))));
    assert_eq!(play_with(File(sim.clone(), None, Speed::AtOnce), &sim, &sim, OnExpiry::Restart, narrator), ended(7));
    assert_eq!(sim.done(), ["start ASIA1", "assume", "publish", "reap"]);
}

#[test]
fn a_signal_that_comes_with_the_fork_is_the_commands() {
    let sim = Sim::new(&[]);
    sim.0.borrow_mut().at_fork = Some(Plan::Term);
    assert_eq!(play(&sim, &sim, OnExpiry::Restart, None), Final::Ended(End::Killed(Signal::TERM)));
    assert_eq!(sim.done(), ["start ASIA1", "SIGTERM", "reap"]);
}

#[test]
fn a_program_file_that_gives_no_answer_costs_ten_seconds_and_a_signal_does_not_wait_for_it() {
    let hanging = |plans: &[(u64, Plan)]| {
        let sim = Sim::new(plans);
        sim.0.borrow_mut().exec = Exec::Hangs;
        let end = play(&sim, &sim, OnExpiry::Restart, None);
        assert_eq!(sim.done(), ["start ASIA1", "abort"]);
        (end, sim.times("abort"))
    };
    assert_eq!(hanging(&[]), (Final::NotStarted { errno: libc::ETIMEDOUT }, vec![10]));
    assert_eq!(hanging(&[(3, Plan::Term)]), (Final::Ended(End::Killed(Signal::TERM)), vec![3]));
}
