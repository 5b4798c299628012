//! The client of the socket: xassume as the command's `credential_process`. The command's SDK runs it for each refresh.
//!
//! The client reads no variables and no files, starts no runtime, and prints one JSON document.

use super::{GIVEN, REFUSED};
use crate::error::{Error, reason_of};
use crate::report::output;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use zeroize::Zeroizing;

/// The time limit for the whole exchange. It is needed if the supervising xassume has been stopped by a signal such as
/// SIGSTOP. The kernel then still accepts connections for it, but no answer comes.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum size of an answer, in bytes. A usual answer has about two thousand bytes.
const LONGEST: usize = 64 * 1024;

/// Gets the session from the supervising xassume and prints it as the output of a `credential_process`.
///
/// # Errors
/// The supervising xassume has ended, does not answer in time, or has no session.
pub(crate) fn print(socket: &Path) -> Result<(), Error> {
    // The error is one line without a hint, because an SDK quotes it in its own message.
    let failed = |reason: String| Error::Cannot { what: "get credentials from xassume", reason, hint: None };
    let answer = ask(socket).map_err(|error| failed(reason_of(&error)))?;
    let document = document(&answer).map_err(failed)?;
    output::print(document)
}

/// Returns the whole answer. A thread reads it, because connect(2) has no time limit if the other side accepts no
/// connections.
fn ask(socket: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    let socket = socket.to_owned();
    std::thread::Builder::new().spawn(move || sender.send(read(&socket)))?;
    receiver.recv_timeout(TIMEOUT).map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "timed out"))?
}

fn read(socket: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let stream = UnixStream::connect(socket)?;
    // The buffer is allocated once, because growing would leave copies of the secret.
    let mut answer = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    stream.take(LONGEST as u64).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Returns the document in an answer, or the reason why the answer contains none.
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
