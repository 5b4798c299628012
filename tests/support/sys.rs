//! System calls that neither `std` nor `nix` offers in the form that tests need, each in a safe function.
#![allow(unsafe_code, reason = "this file is where the unsafe calls of the test support live")]

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{PtyMaster, ptsname_r};
use nix::sys::resource::Resource;

use super::processes::Process;
use super::seccomp::{DeniedCall, Filter};

/// The first real-time signal of glibc, whose numbers xassume uses. musl keeps this signal for itself and begins at 35.
pub const RTMIN: i32 = 34;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Makes closing the socket send RST instead of FIN (`SO_LINGER` with a timeout of zero).
pub fn reset_on_close(socket: &TcpStream) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    let size = libc::socklen_t::try_from(size_of_val(&linger)).expect("the size of a linger fits");
    // SAFETY: the socket is open, and the option is a linger of the given size.
    let result = unsafe {
        let value = (&raw const linger).cast();
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, value, size)
    };
    check(result).expect("SO_LINGER can be set on a TCP socket");
}

/// Makes a listening socket refuse connections. It keeps its port.
pub fn stop_listening(listener: &TcpListener) {
    // SAFETY: the call touches no memory, and the descriptor is open.
    let result = unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RD) };
    check(result).expect("the socket listens");
}

/// A loopback port that is bound but does not listen: connections are refused for as long as this exists.
#[derive(Debug)]
pub struct RefusedPort {
    _socket: OwnedFd,
    port: u16,
}

impl RefusedPort {
    pub fn reserve() -> Self {
        let mut address = libc::sockaddr_in {
            sin_family: libc::sa_family_t::try_from(libc::AF_INET).expect("AF_INET is small"),
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        let mut size = libc::socklen_t::try_from(size_of_val(&address)).expect("an address is small");
        // SAFETY: the address is a sockaddr_in of the given size, and the descriptor is new and only ours.
        let socket = unsafe {
            let fd = check(libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0));
            let socket = OwnedFd::from_raw_fd(fd.expect("a socket can be made"));
            let pointer = (&raw mut address).cast::<libc::sockaddr>();
            check(libc::bind(socket.as_raw_fd(), pointer, size)).expect("loopback has a free port");
            check(libc::getsockname(socket.as_raw_fd(), pointer, &raw mut size)).expect("it is bound");
            socket
        };
        Self { _socket: socket, port: u16::from_be(address.sin_port) }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A loopback port that does not even complete connections: its queue is full, and no process accepts.
#[derive(Debug)]
pub struct SilentPort {
    _listener: TcpListener,
    _queue: Vec<TcpStream>,
    port: u16,
}

impl SilentPort {
    pub fn reserve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        // SAFETY: the socket is open; listening again only changes the length of the queue.
        check(unsafe { libc::listen(listener.as_raw_fd(), 0) }).expect("it listens already");
        let address = listener.local_addr().expect("it is bound");
        let mut queue = Vec::new();
        while let Ok(waiting) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queue.push(waiting);
        }
        Self { _listener: listener, _queue: queue, port: address.port() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// A lease on a file. A process that opens or runs the file blocks until this is dropped, or until the kernel breaks
/// the lease (45 s).
#[derive(Debug)]
pub struct Lease(#[allow(dead_code, reason = "the lease lasts as long as the file is open")] fs::File);

impl Lease {
    /// # Errors
    /// The file system does not support leases, or the file is open elsewhere.
    pub fn take(path: &Path) -> io::Result<Self> {
        /// `F_SETSIG`, which the libc crate does not have for Linux.
        const SET_SIGNAL: libc::c_int = 10;
        let file = fs::OpenOptions::new().write(true).open(path)?;
        // By default, SIGURG does nothing.
        for (command, value) in [(SET_SIGNAL, libc::SIGURG), (libc::F_SETLEASE, libc::F_WRLCK)] {
            // SAFETY: both commands take an integer.
            check(unsafe { libc::fcntl(file.as_raw_fd(), command, value) })?;
        }
        Ok(Self(file))
    }
}

/// A descriptor for a process. In contrast to a pid, it can never refer to another process.
pub fn pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open takes a pid and flags, and returns a new descriptor (close-on-exec) or -1.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = check(RawFd::try_from(fd).expect("a descriptor is small"))?;
    // SAFETY: the descriptor is new and only ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Kills by descriptor. It is not an error if the process has already ended.
pub fn kill_by_pidfd(process: &impl AsRawFd) {
    // SAFETY: no siginfo is passed; a stale descriptor gives ESRCH.
    unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, process.as_raw_fd(), libc::SIGKILL, 0, 0);
    }
}

/// Sets the soft limit of a resource of a process, and returns the former one.
pub fn limit_soft(pid: i32, resource: Resource, soft: libc::rlim_t) -> libc::rlim_t {
    // SAFETY: a zeroed `rlimit` is valid.
    let mut limits: libc::rlimit = unsafe { std::mem::zeroed() };
    // SAFETY: `limits` is writable and outlives the call.
    let read = unsafe { libc::prlimit(pid, resource as _, std::ptr::null(), &raw mut limits) };
    let former = limits.rlim_cur;
    limits.rlim_cur = soft;
    // SAFETY: `limits` is readable and outlives the call.
    let set = unsafe { libc::prlimit(pid, resource as _, &raw const limits, std::ptr::null_mut()) };
    assert_eq!((read, set), (0, 0), "{}", io::Error::last_os_error());
    former
}

/// Sends a signal by number, real-time ones included.
pub fn send_signal(pid: i32, signal: i32) {
    // SAFETY: kill touches no memory.
    check(unsafe { libc::kill(pid, signal) }).unwrap_or_else(|error| panic!("kill({pid}, {signal}): {error}"));
}

/// Sends a signal with `sigqueue`; the receiver sees `SI_QUEUE`.
pub fn queue_signal(pid: i32, signal: i32) {
    let value = libc::sigval { sival_ptr: std::ptr::null_mut() };
    // SAFETY: the value is never dereferenced.
    check(unsafe { libc::sigqueue(pid, signal, value) })
        .unwrap_or_else(|error| panic!("sigqueue({pid}, {signal}): {error}"));
}

/// Waits until the descriptor is readable or its other side is closed; `false` after the timeout.
pub fn wait_readable(fd: BorrowedFd<'_>, timeout: Duration) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
    let timeout = PollTimeout::try_from(timeout).expect("a test waits for less than a month");
    loop {
        match poll(&mut fds, timeout) {
            Ok(ready) => return ready > 0,
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => panic!("poll: {error}"),
        }
    }
}

/// Waits until a process that is not our child has ended (a zombie has ended); `false` after the timeout.
pub fn wait_gone(pid: i32, timeout: Duration) -> bool {
    Process::open(pid).is_none_or(|process| process.ends_within(timeout))
}

/// A duplicate whose number is at least `number`, with close-on-exec.
pub fn duplicate_above(descriptor: &OwnedFd, number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is open.
    let fd = check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, number) })?;
    // SAFETY: the descriptor is new and only ours.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The session and the controlling terminal of a new process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProcessSession {
    /// The session of the tests.
    #[default]
    Inherited,
    /// A new session without a controlling terminal, as under cron or systemd.
    New,
    /// A new session. Its controlling terminal is standard input.
    OnTerminal,
}

/// The state that a new process inherits, as far as `Command` cannot set it.
#[derive(Debug, Clone, Default)]
pub struct Inheritance {
    pub session: ProcessSession,
    pub ignored: Vec<i32>,
    pub blocked: Vec<i32>,
    /// Descriptors other than 0 to 2, each with its number in the new process. No others are passed on.
    pub descriptors: Vec<(RawFd, Arc<OwnedFd>)>,
    /// The calls that a seccomp filter denies.
    pub denied_calls: Vec<DeniedCall>,
}

/// Makes the command start with this state.
pub fn inherit(command: &mut Command, inheritance: Inheritance) {
    let mut filter = (!inheritance.denied_calls.is_empty()).then(|| Filter::new(&inheritance.denied_calls));
    let prepare = move || {
        // SAFETY: only async-signal-safe calls, on values that were created before the fork.
        unsafe {
            if inheritance.session != ProcessSession::Inherited {
                check(libc::setsid())?;
            }
            if inheritance.session == ProcessSession::OnTerminal {
                check(libc::ioctl(0, libc::TIOCSCTTY, 0))?;
            }
            // The tests themselves may run with ignored signals. SIGKILL and SIGSTOP cannot be set; those errors do not
            // matter.
            for signal in 1..=libc::SIGRTMAX() {
                libc::signal(signal, libc::SIG_DFL);
            }
            for &signal in &inheritance.ignored {
                if libc::signal(signal, libc::SIG_IGN) == libc::SIG_ERR {
                    return Err(io::Error::last_os_error());
                }
            }
            // Mark descriptors for close-on-exec instead of closing them: `Command` needs one to report an error. By
            // number, because musl does not have this function.
            if libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) == -1 {
                // Before Linux 5.11.
                for fd in 3..libc::c_int::try_from(libc::sysconf(libc::_SC_OPEN_MAX)).unwrap_or(libc::c_int::MAX) {
                    libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                }
            }
            for (number, descriptor) in &inheritance.descriptors {
                check(libc::dup2(descriptor.as_raw_fd(), *number))?;
            }
            let mut blocked = std::mem::zeroed();
            libc::sigemptyset(&raw mut blocked);
            for &signal in &inheritance.blocked {
                check(libc::sigaddset(&raw mut blocked, signal))?;
            }
            check(libc::sigprocmask(libc::SIG_BLOCK, &raw const blocked, std::ptr::null_mut()))?;
        }
        filter.as_mut().map_or(Ok(()), Filter::install)
    };
    // SAFETY: the closure makes only calls that are allowed between fork and exec (see above).
    unsafe { command.pre_exec(prepare) };
}

/// Opens the other end of a pseudo-terminal. By name, because TIOCGPTPEER needs Linux 4.13.
pub fn open_peer(master: &PtyMaster) -> io::Result<OwnedFd> {
    let name = ptsname_r(master)?;
    let file = fs::OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name)?;
    Ok(file.into())
}

/// Rows and columns of a terminal.
pub fn window_size(terminal: &impl AsRawFd) -> io::Result<(u16, u16)> {
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ fills the given winsize.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, &raw mut size) })?;
    Ok((size.ws_row, size.ws_col))
}

/// Resizes a terminal; its foreground process group gets SIGWINCH.
pub fn set_window_size(terminal: &impl AsRawFd, rows: u16, columns: u16) -> io::Result<()> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCSWINSZ reads the given winsize.
    check(unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).map(|_| ())
}

/// Freezes the file system of the descriptor: `FIFREEZE`, see `ioctl_fs(2)`.
pub fn freeze(root: RawFd) -> io::Result<()> {
    const FIFREEZE: libc::Ioctl = libc::_IOWR::<libc::c_int>(b'X' as u32, 119);
    // SAFETY: the kernel ignores the argument.
    check(unsafe { libc::ioctl(root, FIFREEZE, 0) }).map(drop)
}

/// Thaws it: `FITHAW`.
pub fn thaw(root: RawFd) -> io::Result<()> {
    const FITHAW: libc::Ioctl = libc::_IOWR::<libc::c_int>(b'X' as u32, 120);
    // SAFETY: as above.
    check(unsafe { libc::ioctl(root, FITHAW, 0) }).map(drop)
}
