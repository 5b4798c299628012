//! Paths that need no quoting.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The length, in bytes, of the longest text that is appended to a base directory: `/xassume-UID.XXXXXX/socket-NUMBER`.
const MAX_NAME_BYTES: usize = "/xassume-4294967295.XXXXXX/socket-99".len();

/// Rejects a path with a space or another character that is special to a shell, to shlex or to a parser of config
/// files. Also rejects a path that is too long for the path of a socket (at most 107 bytes, see unix(7)).
pub(super) fn check_plain(path: &Path) -> io::Result<()> {
    let path = path.as_os_str().as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@:,".contains(byte);
    let refused = if !path.iter().all(plain) {
        "has characters that are not allowed in a credential_process"
    } else if path.len() > 107 - MAX_NAME_BYTES {
        "is too long for the path of a socket"
    } else {
        return Ok(());
    };
    let reason = format!("{} {refused}", String::from_utf8_lossy(path));
    Err(io::Error::new(io::ErrorKind::InvalidFilename, reason))
}
