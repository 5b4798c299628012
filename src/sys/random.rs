//! Random names and tokens that other users cannot guess.

use crate::session::Secret;
use std::io;

/// Returns random bytes from the kernel, in hexadecimal. Hexadecimal digits have no special meaning in a shell, a URL
/// or a header.
pub(crate) fn random_hex<const BYTES: usize>() -> io::Result<Secret> {
    let mut bytes = zeroize::Zeroizing::new([0; BYTES]);
    getrandom::fill(&mut *bytes)?;
    Ok(Secret::new(hex(&*bytes)))
}

/// Returns the bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // The string has its full capacity from the start, because a string that grows could leave a copy of a secret
    // behind.
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_printable_and_never_the_same() {
        let tokens: Vec<Secret> = (0..100).map(|_| random_hex::<32>().expect("random")).collect();
        for (at, token) in tokens.iter().enumerate() {
            assert_eq!(token.reveal().len(), 64);
            assert!(token.reveal().bytes().all(|byte| byte.is_ascii_hexdigit()));
            assert!(!tokens[..at].contains(token));
        }
    }

    #[test]
    fn bytes_are_two_digits_each() {
        assert_eq!(hex(&[0, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }
}
