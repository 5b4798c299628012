//! The client of the socket: xassume as the command's `credential_process`, run by its SDK for each refresh.
//!
//! It reads no variable and no file, starts no runtime, and prints one JSON document.

use super::{GIVEN, REFUSED};
use crate::error::{Error, reason_of};
use crate::report::output;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The time limit for everything: a supervision that a signal has stopped accepts connections and does not answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of an answer, in bytes; one has about two thousand.
const LONGEST: usize = 64 * 1024;

/// Gets the session from the supervision and prints it as the answer of a `credential_process`.
///
/// # Errors
/// The supervision is gone, does not answer in time, or has no session.
pub(crate) fn print(socket: &Path) -> Result<(), Error> {
    // One line without a hint: an SDK quotes it in its own message.
    let failed = |reason: String| Error::System { what: "get credentials from xassume", reason };
    let answer = ask(socket).map_err(|error| failed(reason_of(&error)))?;
    let document = document(&answer).map_err(failed)?;
    output::print(document)
}

/// The whole answer. In a thread, since connect(2) has no time limit for a socket on which nothing is accepted.
fn ask(socket: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    let socket = socket.to_owned();
    std::thread::Builder::new().spawn(move || sender.send(read(&socket)))?;
    receiver.recv_timeout(TIMEOUT).map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "timed out"))?
}

fn read(socket: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let stream = UnixStream::connect(socket)?;
    // Allocated once, so that growing leaves no copies.
    let mut answer = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    stream.take(LONGEST as u64).read_to_end(&mut answer)?;
    Ok(answer)
}

/// The document of an answer.
fn document(answer: &[u8]) -> Result<&[u8], String> {
    if let Some(document) = answer.strip_prefix(GIVEN)
        && document.ends_with(b"\n")
    {
        return Ok(document);
    }
    match answer.strip_prefix(REFUSED) {
        Some(reason) => Err(String::from_utf8_lossy(reason).into_owned()),
        None => Err("the response was cut short".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_whole_document_or_a_reason() {
        for (answer, expected) in [
            (&b"given\n{}\n"[..], Ok(&b"{}\n"[..])),
            (b"refused\nnot you", Err("not you")),
            (b"given\n{", Err("the response was cut short")),
            (b"given\n", Err("the response was cut short")),
            (b"", Err("the response was cut short")),
            (b"{}\n", Err("the response was cut short")),
        ] {
            assert_eq!(document(answer), expected.map_err(str::to_owned));
        }
    }
}
