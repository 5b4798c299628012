//! Delivery through a `credential_process`, if the loopback interface cannot be used: the `[default]` of a credentials
//! file runs xassume itself, which connects to the supervision through a Unix socket.
//!
//! ```text
//! command ── SDK ── <directory>/xassume --print credential-process --from-socket <directory>/socket
//!                                                                                 │
//!                                                              supervision ───────┘
//! ```
//!
//! The socket is in a directory that only this user can enter. It also asks the kernel for the user of the other end.

pub(crate) mod client;

use super::connections::Connections;
use super::environment::CommandCredentials;
use super::serving::{PAUSE, Served};
use crate::deliver::run_directory::RunDirectory;
use crate::error::{Error, reason_of};
use crate::flags::FROM_SOCKET;
use crate::print::document;
use crate::session::Session;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};

/// The time limit for an answer; it fits into the socket's buffer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The prefix of a document.
const GIVEN: &[u8] = b"given\n";
/// The prefix of the reason why there is none.
const REFUSED: &[u8] = b"refused\n";

/// The socket, served as long as its runtime lives, and the file that refers to it.
pub(crate) struct CredentialProcess {
    credentials_file: PathBuf,
    served: Served,
}

impl CredentialProcess {
    /// Creates socket, link and file in the directory, which must be one of [`RunDirectory::create_for_commands`], and
    /// serves from now on. Until the first session it answers that there is none. Within a runtime of tokio.
    ///
    /// `program` is xassume's own file. It runs through a link in the directory, since SDKs disagree about paths with
    /// spaces and quotes.
    ///
    /// # Errors
    /// The directory is full, or sockets are not allowed.
    pub(crate) fn open(directory: &RunDirectory, program: &Path) -> Result<Self, Error> {
        let (link, socket) = (directory.path().join("xassume"), directory.path().join("socket"));
        let failed = |error: io::Error| Error::Serve {
            what: "create the Unix socket",
            reason: reason_of(&error),
            hint: "try --via file, which needs no socket",
        };
        symlink(program, &link).map_err(failed)?;
        let listener = listen(&socket).map_err(failed)?;
        let contents = format!(
            "[default]\ncredential_process = {} {} {}\n",
            link.display(),
            FROM_SOCKET.join(" "),
            socket.display()
        );
        let credentials_file = directory.write("credentials", contents.as_bytes())?;
        let served = Served::default();
        tokio::spawn(accept_all(listener, served.clone()));
        Ok(Self { credentials_file, served })
    }

    /// Serves this session from now on.
    pub(crate) fn put(&self, session: &Session) {
        self.served.put(document::process(session), &session.validity);
    }

    /// What the command gets.
    pub(crate) fn credentials<'a>(&'a self, config_file: &'a Path) -> CommandCredentials<'a> {
        CommandCredentials::Files { credentials_file: &self.credentials_file, config_file }
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    // No other user can enter the directory between the two.
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn accept_all(listener: UnixListener, served: Served) {
    let connections = Connections::few();
    loop {
        match listener.accept().await {
            Ok((socket, _)) => connections.add(|slot| {
                let answered = answer(socket, served.clone());
                async move {
                    answered.await;
                    drop(slot);
                }
            }),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Sends one answer and closes the connection; nothing is read from the client.
async fn answer(mut socket: UnixStream, served: Served) {
    let me = nix::unistd::geteuid().as_raw();
    let peer = socket.peer_cred().map(|peer| peer.uid());
    let document = match peer {
        Ok(uid) if uid == me => served.get().ok_or("the session has expired and was not refreshed yet"),
        _ => Err("the session belongs to another user"),
    };
    let writing = async {
        let (mark, text) = match &document {
            Ok(document) => (GIVEN, &document[..]),
            Err(reason) => (REFUSED, reason.as_bytes()),
        };
        socket.write_all(mark).await?;
        socket.write_all(text).await?;
        socket.shutdown().await
    };
    // A client that is gone, or does not read, gets no answer.
    let _ = tokio::time::timeout(ANSWER_TIMEOUT, writing).await;
}
