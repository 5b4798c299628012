//! The real host: a child process, signals from the kernel, the user's terminal.

use super::{Host, News};
use crate::report::writer;
use crate::supervise::happening::{Happening, Problem};
use crate::supervise::machine::{Fault, Remains};
use crate::supervise::policy::{self, Policy, ProcessGroup};
use crate::supervise::process::{Change, Group, Pid, Target};
use crate::supervise::relay::{self, Early, Facts, SessionRole};
use crate::supervise::signal::Signal;
use crate::sys::child::{Child, Program, Stdio};
use crate::sys::group;
use crate::sys::lookup::Command;
use crate::sys::reap;
use crate::sys::signals::{self, Watch};
use crate::sys::tty::{self, Terminal};
use nix::errno::Errno;
use std::ffi::CString;
use std::io;
use std::time::Duration;

/// How long the child is not looked at when signals cannot be read, which no kernel is known to do.
const DEAF: Duration = Duration::from_secs(1);

/// One command, its child, and all that signals it.
#[derive(Debug)]
pub(crate) struct ProcessHost {
    command: Command,
    facts: Facts,
    terminal: Option<Terminal>,
    watch: Watch,
    child: Option<Child>,
    /// The group that was swept last; its members may still be dying.
    swept: Option<Pid>,
}

impl ProcessHost {
    /// Looks where xassume stands and takes the signals upon itself. On the main thread, within the runtime, before
    /// anything that may start another thread.
    ///
    /// # Errors
    /// The kernel gives no descriptor for signals.
    pub(crate) fn prepare(command: Command, process_group: ProcessGroup) -> io::Result<Self> {
        // From here on this process holds a session at all times.
        signals::forbid_core_dumps();
        let terminal = Terminal::of_the_user();
        let group = match (process_group, &terminal) {
            (ProcessGroup::Same, _) | (ProcessGroup::Auto, Some(_)) => Group::Shared,
            (ProcessGroup::New, _) | (ProcessGroup::Auto, None) => Group::Own,
        };
        let me = nix::unistd::getpid();
        let leads = nix::unistd::getsid(None) == Ok(me);
        let session = if leads { SessionRole::Leader } else { SessionRole::Member };
        let facts = Facts { me: me.as_raw(), group, session };
        Ok(Self { command, facts, terminal, watch: Watch::install(group)?, child: None, swept: None })
    }

    /// Waits for a signal that ends xassume before the command exists: to be raced with the first session. A stop
    /// signal stops xassume meanwhile.
    pub(crate) async fn fatal_signal(&self) -> Signal {
        loop {
            let Ok(arrival) = self.watch.next().await else {
                tokio::time::sleep(DEAF).await;
                continue;
            };
            match relay::before_start(arrival.signal) {
                Early::Die => return arrival.signal,
                Early::Pause => signals::pause(Signal::STOP),
                Early::Ignore => self.reap_orphans(),
            }
        }
    }

    /// As PID 1 the orphans of this pid namespace are ours.
    fn reap_orphans(&self) {
        if self.facts.me == 1 {
            reap::orphans(self.child.as_ref().map(Child::pid));
        }
    }
}

impl Host for ProcessHost {
    fn facts(&self) -> Facts {
        self.facts
    }

    fn caveats(&self, policy: &Policy) -> Vec<Happening> {
        let terminal = if self.terminal.is_some() { policy::Terminal::Present } else { policy::Terminal::Absent };
        policy.caveats(terminal, tty::stdin())
    }

    fn start(&mut self, environment: Vec<CString>, remains: Remains) -> Result<Pid, Fault> {
        // What was said before the start is read before what the command says.
        writer::finish();
        self.reap_orphans();
        if remains == Remains::Await && self.swept.is_some_and(group::lives) {
            return Err(Fault::Lingering);
        }
        let program =
            Program { path: self.command.path.clone(), argv: self.command.arguments.clone(), env: environment };
        let child = Child::start(&program, self.facts.group, Stdio::default()).map_err(|error| {
            let errno = error.raw_os_error().unwrap_or_default();
            Fault::Failed { errno, text: Errno::from_raw(errno).desc().to_owned() }
        })?;
        let pid = child.pid();
        self.child = Some(child);
        Ok(pid)
    }

    fn signal(&mut self, target: Target, signal: Signal) -> Result<(), Problem> {
        let Some(child) = &self.child else { return Ok(()) };
        child.signal(target, signal).map_err(|error| {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or_default());
            let hint = (errno == Errno::EPERM).then(|| "the command runs as another user".to_owned());
            Problem { text: errno.desc().to_owned(), hint }
        })
    }

    fn sweep(&mut self) {
        if let Some(child) = &self.child {
            // Nobody left but the zombie, or nobody who can be killed: there is nothing more to be done.
            let _ = child.signal(Target::Group, Signal::KILL);
            self.swept = Some(child.pid());
        }
    }

    fn reap(&mut self) {
        if let Some(child) = self.child.take() {
            child.reap();
        }
        self.reap_orphans();
    }

    fn change(&mut self) -> Option<Change> {
        self.child.as_ref().and_then(Child::change)
    }

    async fn news(&mut self) -> News {
        loop {
            if let Some(change) = self.change() {
                return News::Changed(change);
            }
            match self.watch.next().await {
                Ok(arrival) if arrival.signal == Signal::CHLD => self.reap_orphans(),
                Ok(arrival) => return News::Received(arrival),
                Err(_) => tokio::time::sleep(DEAF).await,
            }
        }
    }

    fn restore_terminal(&mut self) {
        if let Some(terminal) = &self.terminal {
            terminal.restore();
        }
    }

    fn pause(&mut self, signal: Signal) {
        signals::pause(signal);
    }
}
