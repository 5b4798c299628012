//! The notification sockets of a supervision: one for each generation of the command, and the service manager's.
//!
//! The rules are in [`crate::supervise::notify`].

mod relaying;

use crate::moment::Now;
use crate::process::Pid;
use crate::supervise::notify::{Outbox, Relay, Role};
use crate::supervise::policy::Policy;
use crate::sys::notify::{ManagerSocket, NotifySocket};
use std::ffi::CString;
use std::future::pending;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// At the end, how long xassume waits for room for the last notifications.
const LAST_SENDS: Duration = Duration::from_millis(100);

const VARIABLE: &[u8] = b"NOTIFY_SOCKET=";

/// Relays the notifications of the command to the service manager.
#[derive(Debug)]
pub(crate) struct Notifier {
    relay: Relay<OwnedFd>,
    /// The service manager's socket. `None` if there is no service manager, and only `--ready notify` needs notifications.
    manager: Option<ManagerSocket>,
    /// The directory for the sockets. `None` if there is none, so that their addresses are abstract.
    directory: Option<PathBuf>,
    /// The number of generations so far.
    count: u64,
    generations: Vec<Generation>,
    /// The socket for a generation that is about to be forked.
    upcoming: Option<NotifySocket>,
    /// A generation whose execve(2) has no outcome yet. Its datagrams wait until the outcome is handled, because the
    /// machine does not know it before.
    starting: Option<Pid>,
    trouble: Trouble,
}

/// A generation of the command, and its socket.
#[derive(Debug)]
struct Generation {
    pid: Pid,
    socket: NotifySocket,
}

/// Whether a notification could not be sent.
#[derive(Debug)]
enum Trouble {
    None,
    New(io::Error),
    Reported,
}

impl Notifier {
    /// `watchdog` is the interval of the service's watchdog, or `None` if the service has none. Other users must be able
    /// to reach files in `directory`.
    pub(crate) fn new(
        manager: Option<ManagerSocket>,
        directory: Option<PathBuf>,
        watchdog: Option<Duration>,
        policy: Policy,
    ) -> Self {
        let relay = Relay::new(watchdog, policy.stop_timeout, policy.ready_timeout);
        let (generations, upcoming) = (Vec::new(), None);
        Self { relay, manager, directory, count: 0, generations, upcoming, starting: None, trouble: Trouble::None }
    }

    /// Creates the socket of the next generation, and puts its address into the environment of that generation.
    fn begin_generation(&mut self, environment: &mut Vec<CString>, role: Role, now: Now) -> io::Result<()> {
        self.count += 1;
        let socket = NotifySocket::bind(self.directory.as_deref(), &format!("notify-{}", self.count))?;
        environment.retain(|variable| !variable.as_bytes().starts_with(VARIABLE));
        environment.extend(CString::new([VARIABLE, socket.address().as_bytes()].concat()));
        self.upcoming = Some(socket);
        self.relay.begin_generation(role, now);
        Ok(())
    }

    /// Removes the socket of a generation.
    fn remove(&mut self, pid: Pid) {
        self.generations.retain(|generation| generation.pid != pid);
    }

    /// Returns when all that waited has been sent, or when a datagram of a generation can be read.
    pub(in crate::supervise::driver) async fn next(notifier: &mut Option<Self>) {
        let Some(Self { relay, manager, generations, starting, trouble, .. }) = notifier else {
            return pending().await;
        };
        let has_room = !relay.outbox.is_full();
        let is_readable = async |number: usize| match generations.get(number) {
            Some(Generation { pid, socket }) if has_room && *starting != Some(*pid) => socket.is_readable().await,
            Some(_) | None => pending().await,
        };
        tokio::select! {
            biased;
            () = send_all(manager, &mut relay.outbox, trouble), if relay.outbox.first().is_some() => {}
            () = is_readable(0) => {}
            () = is_readable(1) => {}
        }
    }

    /// Waits a little for room for the last notifications.
    async fn finish(&mut self) {
        let Self { relay, manager, trouble, .. } = self;
        let _ = tokio::time::timeout(LAST_SENDS, send_all(manager, &mut relay.outbox, trouble)).await;
    }
}

/// Sends waiting datagrams in order, as long as there is room. A datagram that cannot be sent for another reason is
/// dropped with its descriptors.
fn send_some(manager: &mut Option<ManagerSocket>, outbox: &mut Outbox<OwnedFd>, trouble: &mut Trouble) {
    let Some(manager) = manager else { return outbox.clear() };
    while let Some(first) = outbox.first() {
        match manager.send(&first.text, &first.descriptors) {
            Ok(()) => {
                if let Trouble::Reported = trouble {
                    *trouble = Trouble::None;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) => {
                if let Trouble::None = trouble {
                    *trouble = Trouble::New(error);
                }
            }
        }
        outbox.remove_first();
    }
}

/// Sends all waiting datagrams. If the future is dropped, the rest waits on.
async fn send_all(manager: &mut Option<ManagerSocket>, outbox: &mut Outbox<OwnedFd>, trouble: &mut Trouble) {
    loop {
        send_some(manager, outbox, trouble);
        if outbox.first().is_none() {
            return;
        }
        if let Some(manager) = manager {
            manager.has_room().await;
        }
    }
}
