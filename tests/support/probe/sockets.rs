//! The sockets that the probe was handed, which it finds as `sd_listen_fds(3)` describes.

use std::env;
use std::io::{BufReader, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::line;
use crate::support::http::Request;

/// A socket and its name.
struct Listening(OwnedFd, String);

/// The sockets from 3 on, if they are for this process.
fn handed() -> Vec<Listening> {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<RawFd>().ok());
    // A padded or signed number would not be accepted by every program.
    let ours = env::var("LISTEN_PID").is_ok_and(|pid| pid == std::process::id().to_string());
    let count = number("LISTEN_FDS").filter(|_| ours).unwrap_or(0);
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names = names.split(':').map(str::to_owned).chain(std::iter::repeat(String::new()));
    // SAFETY: the descriptors are this process's own, and nothing else uses them.
    (3..3 + count)
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
        .zip(names)
        .map(|(fd, name)| Listening(fd, name))
        .collect()
}

/// Prints a line for each socket: its number, name, address and flags. Prints `no sockets` if there are none.
pub(super) fn report() {
    let handed = handed();
    if handed.is_empty() {
        line("no sockets");
    }
    for Listening(fd, name) in &handed {
        let flags = OFlag::from_bits_retain(fcntl(fd, FcntlArg::F_GETFL).expect("the descriptor is open"));
        let mode = if flags.contains(OFlag::O_NONBLOCK) { "nonblocking" } else { "blocking" };
        let address = socket2::SockRef::from(fd).local_addr().expect("it is a socket");
        let address = match address.as_socket() {
            Some(address) => address.to_string(),
            None => address.as_pathname().expect("it has a path").display().to_string(),
        };
        line(&format!("socket {} {name} {address} {mode}", fd.as_raw_fd()));
    }
    // The next step finds them again.
    for Listening(fd, _) in handed {
        std::mem::forget(fd);
    }
}

/// Makes the sockets non-blocking, as most servers do. The flag belongs to the socket, not to this process.
pub(super) fn make_nonblocking() {
    for Listening(fd, _) in handed() {
        let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL).expect("the descriptor is open"));
        fcntl(&fd, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK)).expect("the flag can be set");
        std::mem::forget(fd);
    }
}

/// Prints `listenfd ADDRESS`: takes the first socket by the crate that servers use.
pub(super) fn take_by_listenfd() {
    let listener = listenfd::ListenFd::from_env().take_tcp_listener(0).expect("it is a TCP socket");
    let address = listener.map(|listener| listener.local_addr().expect("it is bound").to_string());
    line(&format!("listenfd {}", address.as_deref().unwrap_or("no socket")));
}

/// Calls `tell`, prints `serving pid=PID` and answers HTTP requests on the handed sockets. Ends at TERM, after the
/// request that it has accepted.
pub(super) fn serve(tell: fn()) {
    answer(&handed(), tell);
}

/// The same on a socket of its own.
pub(super) fn serve_at(address: &str) {
    let listener = TcpListener::bind(address).expect("the address is free");
    answer(&[Listening(listener.into(), "own".to_owned())], || {});
}

fn answer(sockets: &[Listening], tell: fn()) {
    let term = SigSet::from(Signal::SIGTERM);
    term.thread_block().expect("the mask can be set");
    let term = SignalFd::with_flags(&term, SfdFlags::SFD_CLOEXEC).expect("a descriptor is available");
    tell();
    line(&format!("serving pid={}", std::process::id()));
    loop {
        let all = std::iter::once(term.as_fd()).chain(sockets.iter().map(|Listening(fd, _)| fd.as_fd()));
        let mut polled: Vec<_> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        if poll(&mut polled, PollTimeout::NONE).is_err() {
            continue;
        }
        let ready: Vec<bool> = polled.iter().map(|one| one.any().unwrap_or(false)).collect();
        if ready[0] {
            return;
        }
        for Listening(fd, name) in sockets.iter().zip(&ready[1..]).filter(|(_, ready)| **ready).map(|(one, _)| one) {
            answer_one(fd, name);
        }
    }
}

/// Accepts a connection, if there is one, and answers one request.
fn answer_one(socket: &OwnedFd, name: &str) {
    let Ok((connection, _)) = socket2::SockRef::from(socket).accept() else { return };
    connection.set_nonblocking(false).expect("the flag can be set");
    // Reads and writes are the same for every kind of stream.
    let mut stream = UnixStream::from(OwnedFd::from(connection));
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a socket has this option");
    let Ok(Some(_)) = Request::read(&mut BufReader::new(&stream), false) else { return };
    let body = format!("{name} {}", std::process::id());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all([head, body].concat().as_bytes());
}
