//! Names and tokens that no other user can predict.

use crate::session::Secret;
use std::fmt::Write as _;
use std::io;

/// Random bytes of the kernel as hexadecimal digits, which have no meaning to a shell, a URL or a header.
pub(crate) fn random_hex<const BYTES: usize>() -> io::Result<Secret> {
    let mut bytes = zeroize::Zeroizing::new([0; BYTES]);
    getrandom::fill(&mut *bytes)?;
    let mut text = String::with_capacity(2 * BYTES);
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Secret::new(text))
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
}
