//! The lines of a datagram, which have the form `NAME=value`.

use crate::sys::notify::MAX_BYTES;

/// Returns the lines of a text. Returns none if systemd would ignore the text: it is too long, or contains a NUL byte
/// before its end.
pub(super) fn lines(text: &[u8]) -> Vec<&[u8]> {
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    if text.len() > MAX_BYTES || text.contains(&0) {
        return Vec::new();
    }
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// Splits a line at its first `=`.
pub(super) fn name_and_value(line: &[u8]) -> (&[u8], Option<&[u8]>) {
    let at = line.iter().position(|byte| *byte == b'=');
    at.map_or((line, None), |at| (&line[..at], Some(&line[at + 1..])))
}
