//! Looks up the addresses of one family of a host name.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

/// A family of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

/// Asks the C library for the addresses of a host name. May block for as long as the name servers do not answer.
///
/// # Errors
/// Fails if the name has no address of this family, or cannot be resolved.
pub(crate) fn addresses(name: &str, family: Family) -> io::Result<Vec<IpAddr>> {
    let name = CString::new(name)?;
    // SAFETY: a zeroed `addrinfo` is valid, and means no restrictions.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = match family {
        Family::V4 => libc::AF_INET,
        Family::V6 => libc::AF_INET6,
    };
    // One entry for each address, and not one for each protocol.
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut first = ptr::null_mut();
    // SAFETY: the name ends with NUL, the hints are valid, and `first` outlives the call.
    if unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &raw const hints, &raw mut first) } != 0 {
        return Err(io::ErrorKind::NotFound.into());
    }
    let mut found = Vec::new();
    let mut next = first;
    // SAFETY: each pointer is null or belongs to the list, which is freed only after the loop.
    while let Some(entry) = unsafe { next.as_ref() } {
        match entry.ai_family {
            libc::AF_INET => {
                // SAFETY: the address of an entry with this family is a `sockaddr_in`.
                let address = unsafe { ptr::read_unaligned(entry.ai_addr.cast::<libc::sockaddr_in>()) };
                found.push(Ipv4Addr::from(address.sin_addr.s_addr.to_ne_bytes()).into());
            }
            libc::AF_INET6 => {
                // SAFETY: the address of an entry with this family is a `sockaddr_in6`.
                let address = unsafe { ptr::read_unaligned(entry.ai_addr.cast::<libc::sockaddr_in6>()) };
                found.push(Ipv6Addr::from(address.sin6_addr.s6_addr).into());
            }
            _ => {}
        }
        next = entry.ai_next;
    }
    // SAFETY: the list comes from getaddrinfo(3) and is not used any more.
    unsafe { libc::freeaddrinfo(first) };
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_family_are_returned() {
        assert_eq!(addresses("127.0.0.1", Family::V4).unwrap(), [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!(addresses("::1", Family::V6).unwrap(), [IpAddr::from(Ipv6Addr::LOCALHOST)]);
        assert!(addresses("127.0.0.1", Family::V6).is_err());
        assert!(addresses("a\0b", Family::V4).is_err());
    }
}
