//! Datagrams of `sd_notify(3)`, with descriptors and the sender, for the probe and for [`super::manager`].
#![allow(unsafe_code, reason = "std cannot pass descriptors")]
#![allow(clippy::cast_possible_truncation, reason = "small lengths, whose type differs between glibc and musl")]

use std::ffi::OsStr;
use std::io;
use std::mem::{offset_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// A datagram that a socket received.
#[derive(Debug)]
pub struct Datagram {
    pub text: String,
    /// The process that sent it.
    pub pid: i32,
    pub descriptors: Vec<OwnedFd>,
}

/// The address in a value of `NOTIFY_SOCKET`.
pub fn address(value: &OsStr) -> SocketAddr {
    let found = match value.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(value),
    };
    found.expect("NOTIFY_SOCKET is an address")
}

/// Sends a datagram with descriptors, and waits for room if `wait` is set.
///
/// # Errors
/// There is no socket, or no room.
pub fn send(to: &SocketAddr, text: &[u8], descriptors: &[BorrowedFd<'_>], wait: bool) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(to)?;
    let numbers: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let size = size_of_val(&numbers[..]);
    let mut control = [0_u64; 160];
    let mut part = libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.len() };
    // SAFETY: the header points to buffers of the given lengths, which outlive the call.
    let sent = unsafe {
        let mut header: libc::msghdr = zeroed();
        (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
        if size > 0 {
            let length = u32::try_from(size).expect("few descriptors");
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = libc::CMSG_SPACE(length) as _;
            let message = libc::CMSG_FIRSTHDR(&raw const header);
            ((*message).cmsg_level, (*message).cmsg_type) = (libc::SOL_SOCKET, libc::SCM_RIGHTS);
            (*message).cmsg_len = libc::CMSG_LEN(length) as _;
            std::ptr::copy_nonoverlapping(numbers.as_ptr().cast::<u8>(), libc::CMSG_DATA(message), size);
        }
        libc::sendmsg(socket.as_raw_fd(), &raw const header, if wait { 0 } else { libc::MSG_DONTWAIT })
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes the kernel report the sender of each datagram.
pub fn report_senders(socket: &UnixDatagram) {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).expect("an integer is small");
    // SAFETY: the option is an integer of this size.
    let result = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED, (&raw const on).cast(), size)
    };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// The next datagram; `None` if there is none now.
pub fn receive(socket: &UnixDatagram) -> Option<Datagram> {
    let mut text = vec![0_u8; 1 << 16];
    let mut control = [0_u64; 160];
    let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    let (mut pid, mut descriptors) = (0, Vec::new());
    // SAFETY: the header points to buffers of the given lengths; the kernel writes whole control messages into them.
    let length = unsafe {
        let mut header: libc::msghdr = zeroed();
        (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = size_of_val(&control) as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        let length = libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags);
        let mut next = libc::CMSG_FIRSTHDR(&raw const header);
        while length >= 0 && !next.is_null() {
            let data = libc::CMSG_DATA(next);
            if (*next).cmsg_type == libc::SCM_CREDENTIALS {
                // The pid is the first field.
                const { assert!(offset_of!(libc::ucred, pid) == 0) };
                pid = i32::from_ne_bytes(*data.cast::<[u8; 4]>());
            } else {
                let count = ((*next).cmsg_len as usize - libc::CMSG_LEN(0) as usize) / size_of::<RawFd>();
                let numbers = std::slice::from_raw_parts(data, count * size_of::<RawFd>()).as_chunks().0;
                let numbers = numbers.iter().map(|bytes| RawFd::from_ne_bytes(*bytes));
                descriptors.extend(numbers.map(|number| OwnedFd::from_raw_fd(number)));
            }
            next = libc::CMSG_NXTHDR(&raw const header, next);
        }
        length
    };
    text.truncate(usize::try_from(length).ok()?);
    Some(Datagram { text: String::from_utf8_lossy(&text).into_owned(), pid, descriptors })
}

/// Sends a datagram as another user. The kernel reports this process as the sender.
///
/// # Errors
/// The other user cannot reach the socket.
pub fn send_as(uid: libc::uid_t, to: &SocketAddr, text: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    std::thread::scope(|scope| {
        let work = || {
            // SAFETY: the system call changes the user of this thread only, which ends here.
            assert_eq!(unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) }, 0, "only root may do this");
            send(to, text, descriptors, true)
        };
        scope.spawn(work).join().expect("the thread does not panic")
    })
}
