//! The other end of the socket: xassume as the `credential_process` of the command, run by its SDK for each refresh.
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

/// For all of it: a supervision that was stopped by a signal accepts connections and does not answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer, in bytes; one has about two thousand.
const LONGEST: usize = 64 * 1024;

/// Asks the supervision for the session and prints it as the answer of a `credential_process`.
///
/// # Errors
/// No supervision there, none that answers in time, or none that has a session to give.
pub(crate) fn print(socket: &Path) -> Result<(), Error> {
    // One line, without a hint: an SDK puts it into a message of its own.
    let failed = |reason: String| Error::System { what: "get credentials from xassume", reason };
    let answer = ask(socket).map_err(|error| failed(reason_of(&error)))?;
    let document = document(&answer).map_err(failed)?;
    output::print(document)
}

/// The whole answer. On a thread of its own, since connect(2) to a socket that nobody accepts knows no time limit.
fn ask(socket: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    let socket = socket.to_owned();
    std::thread::Builder::new().spawn(move || sender.send(read(&socket)))?;
    receiver.recv_timeout(TIMEOUT).map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it gives no answer"))?
}

fn read(socket: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let stream = UnixStream::connect(socket)?;
    // With room for all of it, so that it is not moved while it grows.
    let mut answer = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    stream.take(LONGEST as u64).read_to_end(&mut answer)?;
    Ok(answer)
}

/// The document in an answer.
fn document(answer: &[u8]) -> Result<&[u8], String> {
    if let Some(document) = answer.strip_prefix(GIVEN)
        && document.ends_with(b"\n")
    {
        return Ok(document);
    }
    match answer.strip_prefix(REFUSED) {
        Some(reason) => Err(String::from_utf8_lossy(reason).into_owned()),
        None => Err("its answer was cut short".to_owned()),
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
            (b"given\n{", Err("its answer was cut short")),
            (b"given\n", Err("its answer was cut short")),
            (b"", Err("its answer was cut short")),
            (b"{}\n", Err("its answer was cut short")),
        ] {
            assert_eq!(document(answer), expected.map_err(str::to_owned));
        }
    }
}
