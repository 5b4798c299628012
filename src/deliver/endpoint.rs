//! Delivery through a container credentials endpoint: an address, usually on the loopback interface, from which SDKs
//! fetch new credentials before the old ones expire.
//!
//! Every local user can connect to this address. A request must contain the token. Only the command and its children
//! get the token, and programs that can read the file of `--endpoint-token-file` or `--env-file`. The rules for a request
//! are in [`request`].

#[cfg(any(test, fuzzing))]
pub(crate) mod hostile;
mod request;
mod write_timeout;

use super::connections::{ConnectionStage, Connections, Slot};
use super::env_file::{Place, Token};
use super::environment::CommandCredentials;
use super::published::PublishedFile;
use super::serving::{PAUSE, Served};
use super::token_file;
use crate::deliver::run_directory::RunDirectory;
use crate::error::{Error, ListenError};
use crate::event::Problem;
use crate::print::document;
use crate::process::listen_address::ListenAddress;
use crate::session::{Secret, Session};
use crate::sys::memory::release_free;
use crate::sys::offload::Offload;
use crate::sys::random::random_hex;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::unistd::geteuid;
use request::{Answer, RequestRules};
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream as StdTcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};
use write_timeout::WriteTimeout;

/// The time limit for the first byte on a connection, and also for the head of each request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// The time limit for a write that is blocked because the client does not read. This limit is rarely reached, because
/// one answer fits into the socket's buffer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// How many connections may wait to be accepted. The kernel lowers this number to its own limit, SOMAXCONN.
const BACKLOG: u32 = 4096;
/// How many connections are accepted in a row before other tasks run.
const BATCH: usize = 16;
/// After this many accepted connections, unused memory is released as soon as there is no new connection for
/// [`QUIET_TIME`].
const MANY: usize = 512;
const QUIET_TIME: Duration = Duration::from_secs(2);
/// The maximum size of the head of a request, in bytes. The head that an SDK sends has a few hundred bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// The time limit for xassume's test connection to its own endpoint. On a loopback interface, the kernel connects at
/// once or never.
const SELF_TIMEOUT: Duration = Duration::from_secs(1);
/// The number of random bytes in the token.
const TOKEN: usize = token_file::LENGTH / 2;
/// The number of random bytes in the path.
const PATH: usize = 16;
/// The path if `--endpoint-address` is set. It is the same in each run, so that clients can be configured with it.
pub(crate) const FIXED_PATH: &str = "/credentials";
/// Without `--endpoint-address`, the kernel chooses the port.
const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// The endpoint. It serves requests until its Tokio runtime is shut down.
pub(crate) struct Endpoint {
    address: SocketAddr,
    url: String,
    token: Secret,
    /// The file that contains the token. `None` if xassume runs as root and the user has not chosen a file: if the
    /// command changed its user (`gosu`, `setpriv`), it could not read a file that belongs to root.
    token_path: Option<PathBuf>,
    /// The file of `--endpoint-token-file`.
    token_file: Option<PublishedFile>,
    /// An empty credentials file for the command, because a profile in the user's own file would take precedence over
    /// the endpoint. `/dev/null` if there is no command.
    empty_credentials_file: PathBuf,
    served: Served,
}

impl Endpoint {
    /// Binds `address`, or a free port of the loopback interface if `address` is `None`, and serves requests. Until the
    /// first session, valid requests are answered with status 503. `directory` is for the files of the command. It is
    /// `None` if there is no command. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// Fails if the address cannot be bound, if the loopback interface does not work (as in a new network namespace), if
    /// the kernel gives no random bytes, if the directory is full, or if the path of `--endpoint-token-file` cannot be
    /// used.
    pub(crate) fn open(
        directory: Option<&RunDirectory>,
        address: Option<SocketAddr>,
        token_file: Option<&Path>,
    ) -> Result<Self, Error> {
        let hint = "try --via process, which needs no network";
        let failed = |error: io::Error| match address {
            Some(address) => ListenError::Refused { address: ListenAddress::Ip(address), refusal: error.into() }.into(),
            None => Error::cannot("serve the session on 127.0.0.1", &error, hint),
        };
        let written = directory.map(|directory| directory.write("credentials", b"")).transpose()?;
        let empty_credentials_file = written.unwrap_or_else(|| "/dev/null".into());
        let token = random_hex::<TOKEN>().map_err(failed)?;
        let token_file =
            token_file.map(|path| PublishedFile::at(path, &token_file::KIND, token_file::MODE)).transpose()?;
        let token_path = match (&token_file, directory) {
            (Some(file), _) => Some(file.path().to_owned()),
            (None, Some(directory)) if !geteuid().is_root() => {
                Some(directory.write("token", token.reveal().as_bytes())?)
            }
            (None, Some(_) | None) => None,
        };
        let path = match address {
            Some(_) => FIXED_PATH.to_owned(),
            None => format!("/{}", random_hex::<PATH>().map_err(failed)?.reveal()),
        };
        let (listener, address) = listen(address.unwrap_or(ANY_PORT)).map_err(failed)?;
        let served = Served::default();
        let url = format!("http://{address}{path}");
        let rules = RequestRules::new(address, path, token.clone(), served.clone());
        tokio::spawn(accept_all(listener, Arc::new(rules)));
        Ok(Self { address, url, token, token_path, token_file, empty_credentials_file, served })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves this session from now on.
    pub(crate) fn put(&self, session: &Session) {
        self.served.put(document::container(session), session.validity.as_ref());
    }

    /// Returns a future that writes the file of `--endpoint-token-file`. Returns `None` without that flag, or if the
    /// file has already been written.
    pub(crate) fn publish_token(&self, offload: &Offload) -> Option<impl Future<Output = Result<(), Problem>> + use<>> {
        let file = self.token_file().filter(|file| !file.is_there())?;
        Some(file.put(self.token.clone(), offload))
    }

    /// Returns the file of `--endpoint-token-file`, or `None` without that flag.
    pub(crate) fn token_file(&self) -> Option<&PublishedFile> {
        self.token_file.as_ref()
    }

    /// Returns what other programs need to reach the endpoint.
    pub(crate) fn place(&self) -> Place<'_> {
        let token = self.token_file().map_or(Token::Value(&self.token), |file| Token::File(file.path()));
        Place::Endpoint { url: &self.url, token }
    }

    /// Returns what the command needs to reach the endpoint.
    pub(crate) fn credentials<'a>(&'a self, config_file: &'a Path) -> CommandCredentials<'a> {
        CommandCredentials::Endpoint {
            url: &self.url,
            ip: self.address.ip(),
            token: self.token.reveal(),
            token_file: self.token_path.as_deref(),
            empty_credentials_file: &self.empty_credentials_file,
            config_file,
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Without this option, a port could not be used for a minute after the previous xassume has ended.
    socket.set_reuseaddr(address.port() != 0)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    // In a new network namespace, the loopback interface is down. A program can still listen on it, so only a
    // connection shows whether it works. Clients reach the other addresses through other interfaces.
    if address.ip().is_loopback() {
        StdTcpStream::connect_timeout(&address, SELF_TIMEOUT)?;
    }
    Ok((listener, address))
}

async fn accept_all(listener: TcpListener, rules: Arc<RequestRules>) {
    let connections = Connections::many();
    let mut since_calm = 0;
    loop {
        let accepted = if since_calm < MANY {
            listener.accept().await
        } else if let Ok(accepted) = timeout(QUIET_TIME, listener.accept()).await {
            accepted
        } else {
            release_free();
            since_calm = 0;
            continue;
        };
        match accepted {
            Ok((socket, _)) => {
                let rules = Arc::clone(&rules);
                connections.add(|slot| serve_connection(socket, slot, rules));
                since_calm += 1;
                if since_calm % BATCH == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Serves one connection until it ends. The connection gets buffers only when its client has sent something.
async fn serve_connection(socket: TcpStream, slot: Slot, rules: Arc<RequestRules>) {
    if !matches!(timeout(HEAD_TIMEOUT, socket.readable()).await, Ok(Ok(()))) {
        return;
    }
    slot.reach(ConnectionStage::Receiving);
    let _ = socket.set_nodelay(true);
    serve_requests(socket, rules, || slot.reach(ConnectionStage::Authenticated)).await;
}

/// Serves the requests of one connection, with [`HEAD_TIMEOUT`] for the head of each. Calls `on_session` for each
/// answer that contains the session.
async fn serve_requests(socket: impl AsyncRead + AsyncWrite + Unpin, rules: Arc<RequestRules>, on_session: impl Fn()) {
    let service = service_fn(|request| {
        let Answer { response, has_session } = rules.answer(&request);
        if has_session {
            on_session();
        }
        async { Ok::<_, Infallible>(response) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD_BYTES);
    // An error is ignored, because it means that the client broke off, was too slow or did not speak HTTP. If an answer
    // to the client was possible, hyper has already sent it.
    let _ = http.serve_connection(TokioIo::new(WriteTimeout::new(socket, WRITE_TIMEOUT)), service).await;
}
