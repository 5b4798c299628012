//! The datagram sockets of `sd_notify(3)`: those from which xassume receives notifications, and the one to which it sends
//! them. A datagram has text, file descriptors (`SCM_RIGHTS`) and its sender (`SCM_CREDENTIALS`); see unix(7).

mod discard;
mod message;

pub(crate) use message::{MAX_BYTES, MAX_DESCRIPTORS, Received, Waiting};

use super::poll::{polled, read_when_ready};
use super::random::random_hex;
use discard::Holder;
use message::{peek, receive, send};
use std::ffi::{OsStr, OsString};
use std::fs::Permissions;
use std::io;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// How long to pause after an error that is not known to occur.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// A socket that receives notifications. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct NotifySocket {
    socket: AsyncFd<UnixDatagram>,
    /// Set when this value is dropped, if datagrams are left. It must come after `socket`: the socket must be closed
    /// before the child that holds it ends.
    holder: Option<Holder>,
    /// The path, or `@` and an abstract name.
    address: OsString,
    path: Option<PathBuf>,
}

impl NotifySocket {
    /// Creates a socket to which every user can send. It is in the directory, if one is given and the socket can be
    /// created there. Otherwise its address is abstract and random. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Sockets are not allowed, or no file descriptor is available.
    pub(crate) fn bind(directory: Option<&Path>, name: &str) -> io::Result<Self> {
        let path = directory.map(|directory| directory.join(name));
        if let Some(Ok(socket)) = path.map(Self::bind_path) {
            return Ok(socket);
        }
        let name = format!("xassume-{}", random_hex::<16>()?.reveal());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name)?)?;
        message::report_senders(&socket)?;
        Ok(Self { socket: polled(socket)?, holder: None, address: format!("@{name}").into(), path: None })
    }

    fn bind_path(path: PathBuf) -> io::Result<Self> {
        let socket = UnixDatagram::bind(&path)?;
        let prepare = || {
            message::report_senders(&socket)?;
            // bind(2) obeys the umask.
            std::fs::set_permissions(&path, Permissions::from_mode(0o666))?;
            polled(socket)
        };
        let socket = prepare().inspect_err(|_| drop(std::fs::remove_file(&path)))?;
        Ok(Self { socket, holder: None, address: path.clone().into(), path: Some(path) })
    }

    /// Returns the address for the variable `NOTIFY_SOCKET`.
    pub(crate) fn address(&self) -> &OsStr {
        &self.address
    }

    /// Returns the next datagram, without waiting. `None` means that there is none.
    pub(crate) fn receive(&self) -> Option<Received> {
        receive(self.socket.get_ref()).ok()
    }

    /// Returns what is known about the next datagram, without waiting. `None` means that there is none.
    pub(crate) fn peek(&self) -> Option<Waiting> {
        peek(self.socket.get_ref()).ok()
    }

    /// Removes the next datagram, which [`Self::peek`] has returned.
    pub(crate) fn discard(&self, waiting: &Waiting) {
        if waiting.has_descriptors {
            discard::remove(self.socket.get_ref());
        } else {
            message::remove(self.socket.get_ref());
        }
    }

    /// Waits until there is a datagram.
    pub(crate) async fn is_readable(&self) {
        while read_when_ready(&self.socket, peek).await.is_err() {
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
        // The last close of a socket drops the datagrams in it. See `discard`.
        let socket = self.socket.get_ref();
        let _ = socket.shutdown(Shutdown::Read);
        self.holder = peek(socket).ok().and_then(|_| Holder::of(socket).ok());
    }
}

/// The socket of the service manager.
#[derive(Debug)]
pub(crate) struct ManagerSocket {
    address: SocketAddr,
    /// A socket that is connected to the address. `None` if it could not be connected.
    socket: Option<AsyncFd<UnixDatagram>>,
}

impl ManagerSocket {
    /// Reads the value of `NOTIFY_SOCKET`. Returns `None` if it is neither an absolute path nor `@` and an abstract name.
    pub(crate) fn at(address: &OsStr) -> Option<Self> {
        let address = match address.as_bytes() {
            [b'/', ..] => SocketAddr::from_pathname(address),
            [b'@', name @ ..] if !name.is_empty() => SocketAddr::from_abstract_name(name),
            _ => return None,
        };
        Some(Self { address: address.ok()?, socket: None })
    }

    /// Sends a datagram, without waiting. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Fails with `WouldBlock` if there is no room. Any other error means that the service manager does not receive
    /// this datagram.
    pub(crate) fn send(&mut self, text: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
        if let Some(socket) = &self.socket {
            match send(socket.get_ref(), text, descriptors) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // The service manager may have replaced its socket.
                Err(_) => self.socket = None,
            }
        }
        let socket = UnixDatagram::unbound()?;
        socket.connect_addr(&self.address)?;
        let socket = self.socket.insert(polled(socket)?);
        send(socket.get_ref(), text, descriptors)
    }

    /// Waits until there may be room again after [`Self::send`] failed with `WouldBlock`.
    pub(crate) async fn has_room(&self) {
        let Some(socket) = &self.socket else { return };
        match socket.writable().await {
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => tokio::time::sleep(RETRY_PAUSE).await,
        }
    }
}

#[cfg(test)]
mod tests;
