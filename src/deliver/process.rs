//! Delivery through a `credential_process`, for systems on which the loopback interface cannot be used. The `[default]`
//! profile of a credentials file runs xassume itself, which connects to the supervising xassume through a Unix socket.
//! Each profile of `--also` has a separate socket.
//!
//! ```text
//! command ── SDK ── <directory>/xassume --print credential-process --from-socket <directory>/socket
//!                                                                                 │
//!                                                              supervision ───────┘
//! ```
//!
//! The socket is in a directory that only this user can enter. In addition, xassume asks the kernel for the user of
//! each client.

pub(crate) mod client;

use super::connections::Connections;
use super::environment::CommandCredentials;
use super::serving::{PAUSE, Served};
use crate::deliver::run_directory::RunDirectory;
use crate::error::Error;
use crate::flags::FROM_SOCKET;
use crate::print::document;
use crate::session::Session;
use crate::supervise::ports::SessionId;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{UnixListener, UnixStream};

/// The time limit for sending an answer. It is rarely reached, because an answer fits into the socket's buffer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// The beginning of an answer that contains credentials.
const GIVEN: &[u8] = b"given\n";
/// The beginning of an answer that contains the reason why there are no credentials.
const REFUSED: &[u8] = b"refused\n";

/// The sockets on which xassume gives the sessions to its own client, and the shared credentials file with a
/// `credential_process` for each session, which runs this client. The sockets are served until the Tokio runtime is shut
/// down.
pub(crate) struct CredentialProcess {
    credentials_file: PathBuf,
    /// The sessions, in the order of their IDs.
    served: Vec<Served>,
}

impl CredentialProcess {
    /// Creates a socket for each profile, a link to xassume and a credentials file in `directory`, and serves the
    /// sockets. Until the first session, each client gets an error. Must be called within a Tokio runtime.
    ///
    /// `directory` must come from [`RunDirectory::create_for_commands`]. `program` is xassume's own file. The command's
    /// SDK runs it through the link in the directory, because SDKs disagree about paths with spaces and quotes.
    ///
    /// # Errors
    /// The directory is full, or sockets are not allowed.
    pub(crate) fn open<'a>(
        directory: &RunDirectory,
        program: &Path,
        profiles: impl Iterator<Item = &'a str>,
    ) -> Result<Self, Error> {
        let link = directory.path().join("xassume");
        let hint = "try --via file, which needs no socket";
        let failed = |error: io::Error| Error::cannot("create the Unix socket", &error, hint);
        symlink(program, &link).map_err(failed)?;
        let (mut sections, mut served) = (Vec::new(), Vec::new());
        for (id, profile) in profiles.enumerate() {
            let number = if id == 0 { String::new() } else { format!("-{id}") };
            let socket = directory.path().join(format!("socket{number}"));
            let session = Served::default();
            tokio::spawn(accept_all(listen(&socket).map_err(failed)?, session.clone()));
            served.push(session);
            let (link, arguments, socket) = (link.display(), FROM_SOCKET.join(" "), socket.display());
            sections.push(format!("[{profile}]\ncredential_process = {link} {arguments} {socket}\n"));
        }
        let credentials_file = directory.write("credentials", sections.concat().as_bytes())?;
        Ok(Self { credentials_file, served })
    }

    /// Serves this session from now on, in the place of the one with the same ID.
    pub(crate) fn put(&self, id: SessionId, session: &Session) {
        self.served[id.0].put(document::process(session), session.validity.as_ref());
    }

    pub(crate) fn credentials_file(&self) -> &Path {
        &self.credentials_file
    }

    /// Returns the files through which the command gets credentials.
    pub(crate) fn credentials<'a>(&'a self, config_file: &'a Path) -> CommandCredentials<'a> {
        CommandCredentials::Files { credentials_file: &self.credentials_file, config_file }
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(path)?;
    // Between bind(2) and this call, no other user can connect to the socket, because its directory is private.
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

/// Sends one answer and closes the connection. Nothing is read from the client.
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
    // A client that is gone, or that does not read, gets no answer.
    let _ = tokio::time::timeout(ANSWER_TIMEOUT, writing).await;
}
