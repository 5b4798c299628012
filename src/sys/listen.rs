//! The sockets that xassume holds for the command. While the command is restarted, they stay open, so that new
//! connections wait for the new process and are not refused.
//!
//! In xassume they have the same numbers as in the command, from 3 on (see `sd_listen_fds(3)`). So no descriptor has to be
//! moved after fork(2), and no other descriptor of xassume can be in the way.

#![allow(unsafe_code)]

use crate::process::listen_address::ListenAddress;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

/// The descriptor of the first socket.
const FIRST: RawFd = 3;

/// The sockets for the command, in the order of their descriptors. They are close-on-exec, except in the command.
#[derive(Debug, Default)]
pub(crate) struct ListenSockets {
    held: Vec<HeldSocket>,
    /// Keeps the number of the descriptor for `--ready fd:N` free of xassume's own files.
    ready: Option<OwnedFd>,
}

/// How the sockets are handed over to a new process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SocketMode {
    /// In the blocking mode in which they were created or inherited, which a previous process may have changed.
    Restored,
    /// As they are, because another process of the command uses them. The mode belongs to the socket, not to the
    /// descriptor.
    Unchanged,
}

#[derive(Debug)]
struct HeldSocket {
    descriptor: OwnedFd,
    /// The address for bind(2). `None` if the socket is inherited.
    address: Option<SockAddr>,
    /// Whether the socket was inherited in non-blocking mode.
    is_nonblocking: bool,
}

impl ListenSockets {
    /// Takes `count` inherited descriptors, whatever they are.
    ///
    /// # Errors
    /// Returns the first descriptor that is not open.
    pub(crate) fn inherit(count: usize) -> Result<Self, RawFd> {
        let mut sockets = Self::default();
        for _ in 0..count {
            let descriptor = sockets.next_descriptor();
            // SAFETY: F_GETFL only reads the flags of a descriptor. If the descriptor is closed, the call just fails.
            let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
            if flags == -1 {
                return Err(descriptor);
            }
            // SAFETY: the descriptor is open, and this only sets one of its flags.
            unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
            // SAFETY: the descriptor is open. It was inherited for the command, so xassume uses it nowhere else.
            let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
            let is_nonblocking = flags & libc::O_NONBLOCK != 0;
            sockets.held.push(HeldSocket { descriptor, address: None, is_nonblocking });
        }
        Ok(sockets)
    }

    /// Creates a socket with the next descriptor, which must be closed. The socket is neither bound nor listening.
    ///
    /// # Errors
    /// The system has no such sockets, or no more descriptors.
    pub(crate) fn add(&mut self, address: &ListenAddress) -> io::Result<()> {
        let wanted = self.next_descriptor();
        let (socket, address) = create(address)?;
        let mut descriptor = OwnedFd::from(socket);
        if descriptor.as_raw_fd() != wanted {
            // SAFETY: the descriptor is open, and this duplicates it.
            let moved = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, wanted) };
            if moved == -1 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: fcntl(2) has just created this descriptor.
            descriptor = unsafe { OwnedFd::from_raw_fd(moved) };
            if moved != wanted {
                return Err(io::Error::from_raw_os_error(libc::EBUSY));
            }
        }
        self.held.push(HeldSocket { descriptor, address: Some(address), is_nonblocking: false });
        Ok(())
    }

    /// Keeps this descriptor free for the pipe of `--ready fd:N`. It must be closed.
    ///
    /// # Errors
    /// The number is above the limit of open files.
    pub(crate) fn reserve_ready(&mut self, descriptor: RawFd) -> io::Result<()> {
        let null = OwnedFd::from(std::fs::File::open("/dev/null")?);
        if null.as_raw_fd() == descriptor {
            self.ready = Some(null);
            return Ok(());
        }
        // SAFETY: the descriptor is open, and this duplicates it.
        let moved = unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD_CLOEXEC, descriptor) };
        if moved == -1 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: fcntl(2) has just created this descriptor.
        self.ready = Some(unsafe { OwnedFd::from_raw_fd(moved) });
        if moved == descriptor { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EBUSY)) }
    }

    /// Returns the descriptor that [`Self::reserve_ready`] has reserved.
    pub(crate) fn ready(&self) -> Option<RawFd> {
        self.ready.as_ref().map(OwnedFd::as_raw_fd)
    }

    /// Binds the socket with this position and listens. Returns its port, or `None` for a Unix socket.
    ///
    /// # Errors
    /// The address is in use, not available or not allowed.
    pub(crate) fn listen(&self, position: usize) -> io::Result<Option<u16>> {
        let Some((socket, address)) =
            self.held.get(position).and_then(|held| Some((SockRef::from(&held.descriptor), held.address.as_ref()?)))
        else {
            return Err(io::ErrorKind::NotFound.into());
        };
        socket.bind(address)?;
        socket.listen(libc::SOMAXCONN)?;
        Ok(socket.local_addr()?.as_socket().map(|address| address.port()))
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// Returns the descriptor of the socket with this position.
    pub(crate) fn descriptor(position: usize) -> RawFd {
        FIRST + RawFd::try_from(position).unwrap_or(RawFd::MAX - FIRST)
    }

    /// Returns the descriptor that the next socket must have.
    pub(crate) fn next_descriptor(&self) -> RawFd {
        Self::descriptor(self.held.len())
    }

    /// Makes execve(2) keep the sockets open. Async-signal-safe.
    pub(super) fn hand_over(&self, mode: SocketMode) {
        for held in &self.held {
            let descriptor = held.descriptor.as_raw_fd();
            // SAFETY: these calls only read and change the flags of an open descriptor.
            unsafe {
                libc::fcntl(descriptor, libc::F_SETFD, 0);
                if mode == SocketMode::Unchanged {
                    continue;
                }
                let flags = libc::fcntl(descriptor, libc::F_GETFL);
                if flags != -1 && (flags & libc::O_NONBLOCK != 0) != held.is_nonblocking {
                    libc::fcntl(descriptor, libc::F_SETFL, flags ^ libc::O_NONBLOCK);
                }
            }
        }
    }
}

/// Creates a socket. Returns it with the address to which it can be bound.
fn create(address: &ListenAddress) -> io::Result<(Socket, SockAddr)> {
    match address {
        ListenAddress::Unix(path) => Ok((Socket::new(Domain::UNIX, Type::STREAM, None)?, SockAddr::unix(path)?)),
        ListenAddress::Ip(address) => ip_socket(*address, true),
        ListenAddress::DualStack(port) => {
            match ip_socket((Ipv6Addr::UNSPECIFIED, *port).into(), false) {
                // The kernel has no IPv6.
                Err(error) if error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
                    ip_socket((Ipv4Addr::UNSPECIFIED, *port).into(), true)
                }
                created => created,
            }
        }
    }
}

fn ip_socket(address: SocketAddr, only_v6: bool) -> io::Result<(Socket, SockAddr)> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Connections of a previous run, which the kernel keeps for a minute after their end, must not block the port.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    Ok((socket, address.into()))
}

/// Returns what an open descriptor refers to, or `None` if the descriptor is closed.
pub(crate) fn target(descriptor: RawFd) -> Option<String> {
    // SAFETY: F_GETFD only reads the flags of a descriptor. If the descriptor is closed, the call just fails.
    if unsafe { libc::fcntl(descriptor, libc::F_GETFD) } == -1 {
        return None;
    }
    let target = std::fs::read_link(format!("/proc/self/fd/{descriptor}"));
    Some(target.map_or_else(|_| "unknown".to_owned(), |target| target.to_string_lossy().into_owned()))
}
