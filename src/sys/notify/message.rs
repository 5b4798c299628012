//! sendmsg(2) and recvmsg(2) with ancillary data; see unix(7) and cmsg(3).

#![allow(unsafe_code)]
// The lengths of ancillary data have another type in musl than in glibc. They are small.
#![allow(clippy::cast_possible_truncation)]

use crate::process::Peer;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixDatagram;
use std::ptr;

/// The maximum number of bytes of text in a datagram. systemd ignores longer ones.
pub(crate) const MAX_BYTES: usize = 4096;
/// The maximum number of descriptors in a datagram (`SCM_MAX_FD` in the kernel).
pub(crate) const MAX_DESCRIPTORS: usize = 253;

/// What is known about a datagram before it is received.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// `None` if the kernel does not report the sender.
    pub(crate) sender: Option<Peer>,
    pub(crate) has_descriptors: bool,
}

/// A datagram that was received.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) text: Vec<u8>,
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Whether the text or some descriptors are missing, because there were too many.
    pub(crate) is_truncated: bool,
}

/// A buffer for the credentials of one datagram. It has the alignment that the kernel's headers need.
type SenderOnly = [u64; space(size_of::<libc::ucred>()) / 8];
/// The same for the descriptors and the credentials.
type Control = [u64; (space(MAX_DESCRIPTORS * size_of::<RawFd>()) + space(size_of::<libc::ucred>())) / 8];

/// Returns the number of bytes that ancillary data of this length takes.
const fn space(length: usize) -> usize {
    // SAFETY: CMSG_SPACE only computes a number. The lengths here are small.
    unsafe { libc::CMSG_SPACE(length as libc::c_uint) as usize }
}

/// Makes the kernel report the sender of each datagram that is sent to this socket from now on.
pub(super) fn report_senders(socket: &UnixDatagram) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or_default();
    let value = (&raw const on).cast();
    // SAFETY: the socket is open, and the option is an integer of this size.
    let result = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED, value, size) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Looks at the next datagram, without waiting. It is not removed, and no descriptor is received.
pub(super) fn peek(socket: &UnixDatagram) -> io::Result<Waiting> {
    // There is no room for descriptors, so the kernel only reports that some are missing.
    let (_, received) = receive_into(socket, &mut [], &mut [0; size_of::<SenderOnly>() / 8], libc::MSG_PEEK)?;
    Ok(Waiting { sender: received.sender, has_descriptors: received.flags & libc::MSG_CTRUNC != 0 })
}

/// Receives a datagram, without waiting.
pub(super) fn receive(socket: &UnixDatagram) -> io::Result<Received> {
    let mut text = vec![0_u8; MAX_BYTES];
    let mut control: Control = [0; size_of::<Control>() / 8];
    let (length, Ancillary { descriptors, flags, .. }) = receive_into(socket, &mut text, &mut control, 0)?;
    text.truncate(length);
    Ok(Received { text, descriptors, is_truncated: flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 })
}

/// What recvmsg(2) returns besides the text.
struct Ancillary {
    descriptors: Vec<OwnedFd>,
    sender: Option<Peer>,
    flags: libc::c_int,
}

/// Calls recvmsg(2), without waiting. Returns the length of the text and the ancillary data that there is room for.
fn receive_into(
    socket: &UnixDatagram,
    text: &mut [u8],
    control: &mut [u64],
    flags: libc::c_int,
) -> io::Result<(usize, Ancillary)> {
    let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: text.len() };
    // SAFETY: a zeroed `msghdr` is valid, and has no buffers.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = size_of_val(control) as _;
    let flags = flags | libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: the header points to buffers of the given lengths, which outlive the call.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
    let Ok(length) = usize::try_from(length) else { return Err(io::Error::last_os_error()) };
    let mut received = Ancillary { descriptors: Vec::new(), sender: None, flags: header.msg_flags };
    // SAFETY: the kernel has written the control messages into `control`, which is alive.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(&raw const header) };
    while !next.is_null() {
        // SAFETY: `next` points to a header in `control`, followed by as much data as the header says.
        unsafe {
            let message = &*next;
            let data = libc::CMSG_DATA(next);
            let length = (message.cmsg_len as usize).saturating_sub(data.offset_from_unsigned(next.cast()));
            match (message.cmsg_level, message.cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                    for at in 0..length / size_of::<RawFd>() {
                        let mut number: RawFd = -1;
                        let from = data.add(at * size_of::<RawFd>());
                        ptr::copy_nonoverlapping(from, (&raw mut number).cast::<u8>(), size_of::<RawFd>());
                        received.descriptors.push(OwnedFd::from_raw_fd(number));
                    }
                }
                (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if length >= size_of::<libc::ucred>() => {
                    let mut sender = libc::ucred { pid: 0, uid: 0, gid: 0 };
                    ptr::copy_nonoverlapping(data, (&raw mut sender).cast::<u8>(), size_of::<libc::ucred>());
                    received.sender = Some(Peer { uid: sender.uid, pid: sender.pid });
                }
                _ => {}
            }
            next = libc::CMSG_NXTHDR(&raw const header, next);
        }
    }
    Ok((length, received))
}

/// Removes the next datagram. Its descriptors are not received, so the kernel closes them within this call.
pub(super) fn remove(socket: &UnixDatagram) {
    let _ = receive_into(socket, &mut [], &mut [], 0);
}

/// Sends a datagram to the address to which the socket is connected, without waiting. The kernel adds the credentials.
pub(super) fn send(socket: &UnixDatagram, text: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
    let mut control: Control = [0; size_of::<Control>() / 8];
    let mut part = libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.len() };
    // SAFETY: a zeroed `msghdr` is valid, and has no buffers.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    (header.msg_iov, header.msg_iovlen) = (&raw mut part, 1);
    let descriptors = descriptors.get(..MAX_DESCRIPTORS).unwrap_or(descriptors);
    if !descriptors.is_empty() {
        header.msg_control = control.as_mut_ptr().cast();
        header.msg_controllen = space(size_of_val(descriptors)) as _;
        // SAFETY: `control` has room for a header and this many descriptors.
        unsafe {
            let message = libc::CMSG_FIRSTHDR(&raw const header);
            (*message).cmsg_level = libc::SOL_SOCKET;
            (*message).cmsg_type = libc::SCM_RIGHTS;
            let length = libc::c_uint::try_from(size_of_val(descriptors)).unwrap_or_default();
            (*message).cmsg_len = libc::CMSG_LEN(length) as _;
            // An `OwnedFd` has the representation of its number.
            ptr::copy_nonoverlapping(
                descriptors.as_ptr().cast::<u8>(),
                libc::CMSG_DATA(message),
                size_of_val(descriptors),
            );
        }
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the header points to buffers of the given lengths, which outlive the call and are not written.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const header, flags) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
