//! A service manager: a socket that receives the notifications of a service (`sd_notify(3)`).

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::datagrams::{Datagram, address, receive, report_senders, send};
use super::log::PATIENCE;
use super::sys::wait_readable;

#[derive(Debug)]
pub struct FakeManager {
    socket: UnixDatagram,
    address: OsString,
    _directory: Option<TempDir>,
}

impl FakeManager {
    pub fn at_path() -> Self {
        let directory = tempfile::Builder::new().prefix("xassume-test-").tempdir_in("/tmp").expect("/tmp is writable");
        Self::bind(directory.path().join("notify").into(), Some(directory))
    }

    pub fn at_abstract_name() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self::bind(format!("@xassume-test-{}-{number}", std::process::id()).into(), None)
    }

    fn bind(value: OsString, directory: Option<TempDir>) -> Self {
        let socket = UnixDatagram::bind_addr(&address(&value)).expect("the address is new");
        report_senders(&socket);
        Self { socket, address: value, _directory: directory }
    }

    /// The value of `NOTIFY_SOCKET`.
    pub fn address(&self) -> &OsStr {
        &self.address
    }

    /// The next datagram.
    ///
    /// # Panics
    /// Panics if none comes.
    #[track_caller]
    pub fn next(&self) -> Datagram {
        assert!(wait_readable(self.socket.as_fd(), PATIENCE), "no notification");
        self.waiting().expect("a datagram is waiting")
    }

    /// The next datagram that has more than a status.
    #[track_caller]
    pub fn next_but_status(&self) -> Datagram {
        loop {
            let datagram = self.next();
            if !is_status(&datagram) {
                return datagram;
            }
        }
    }

    /// The texts of the datagrams up to the one with this line, which is the last one. Those with only a status are
    /// left out.
    #[track_caller]
    pub fn until(&self, line: &str) -> Vec<String> {
        let mut texts = Vec::new();
        while !texts.last().is_some_and(|text: &String| text.lines().any(|one| one == line)) {
            texts.push(self.next_but_status().text);
        }
        texts
    }

    /// A datagram that is there already.
    pub fn waiting(&self) -> Option<Datagram> {
        receive(&self.socket)
    }

    /// The texts of the datagrams that are there already, without those with only a status.
    pub fn rest(&self) -> Vec<String> {
        std::iter::from_fn(|| self.waiting()).filter(|datagram| !is_status(datagram)).map(|one| one.text).collect()
    }

    /// Fills the queue of the socket with datagrams, which have this text. Returns how many there are.
    pub fn fill(&self, text: &str) -> usize {
        let to = address(&self.address);
        (0..10_000).take_while(|_| send(&to, text.as_bytes(), &[], false).is_ok()).count()
    }

    /// Whether the next datagram comes within this time.
    pub fn hears_within(&self, time: Duration) -> bool {
        wait_readable(self.socket.as_fd(), time)
    }
}

fn is_status(datagram: &Datagram) -> bool {
    datagram.text.starts_with("STATUS=") && !datagram.text.contains('\n')
}
