//! The server: one thread accepts, and each connection has a thread. All threads end when the server is dropped.

use std::collections::HashMap;
use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::log::lock;
use super::super::sys;
use super::{Request, Response};

/// How the server reacts to a request.
#[derive(Debug)]
pub enum Reply {
    Response(Response),
    /// No answer; the connection stays open until the server is dropped.
    Hang,
    /// RST after the first `after` bytes of the response.
    Reset {
        response: Response,
        after: usize,
    },
    /// The response, one byte at a time.
    Drip {
        response: Response,
        per_byte: Duration,
    },
    /// The head of the response, and then this many spaces instead of its body.
    Flood {
        response: Response,
        bytes: u64,
    },
    /// The reply after a delay.
    After(Duration, Box<Reply>),
    /// These bytes instead of a response; then the connection is closed.
    Raw(Vec<u8>),
    /// 200; then the bytes of both sides are passed on (CONNECT). Plain TCP only.
    Tunnel(TcpStream),
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Response(response)
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// Listens on a free loopback port until it is dropped.
pub struct Server {
    port: u16,
    /// Keeps the port, so that no other test listens there after this server has stopped.
    listener: Arc<TcpListener>,
    shared: Arc<Shared>,
    acceptor: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    handler: Box<Handler>,
    tls: Option<Arc<ServerConfig>>,
    state: Mutex<State>,
    closing: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    /// Additional handles on the sockets of each open connection, to close it from another thread.
    connections: HashMap<u64, Vec<TcpStream>>,
}

impl Server {
    pub fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::launch(None, Box::new(handler))
    }

    /// The same over TLS, with the certificate of the configuration.
    pub fn start_tls(config: Arc<ServerConfig>, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::launch(Some(config), Box::new(handler))
    }

    fn launch(tls: Option<Arc<ServerConfig>>, handler: Box<Handler>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared { handler, tls, state: Mutex::default(), closing: Condvar::new() });
        let listener = Arc::new(listener);
        let acceptor = thread::spawn({
            let (listener, shared) = (Arc::clone(&listener), Arc::clone(&shared));
            move || accept_all(&listener, &shared)
        });
        Self { port, listener, shared, acceptor: Mutex::new(Some(acceptor)) }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Closes every connection and stops listening: later connections are refused.
    pub fn stop(&self) {
        let Some(acceptor) = lock(&self.acceptor).take() else { return };
        let mut state = lock(&self.shared.state);
        state.closed = true;
        for socket in state.connections.values().flatten() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        drop(state);
        self.shared.closing.notify_all();
        // From now on, `accept` fails and connections are refused. The socket stays bound.
        sys::stop_listening(&self.listener);
        let _ = acceptor.join();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut connections: Vec<JoinHandle<()>> = Vec::new();
    for (id, socket) in (0..).zip(listener.incoming()) {
        let Ok(socket) = socket else {
            if lock(&shared.state).closed {
                break;
            }
            continue;
        };
        if !shared.admit(id, &socket) {
            break;
        }
        connections.retain(|connection| !connection.is_finished());
        let shared = Arc::clone(shared);
        connections.push(thread::spawn(move || {
            let ending = Connection::open(&shared, id, &socket).and_then(Connection::hold);
            shared.forget(id);
            if matches!(ending, Ok(Ending::Reset)) {
                // RST is sent when the last handle on the socket is closed. That is this one now.
                sys::reset_on_close(&socket);
            }
        }));
    }
    for connection in connections {
        let _ = connection.join();
    }
}

enum Ending {
    Close,
    Reset,
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

impl Shared {
    fn admit(&self, id: u64, socket: &TcpStream) -> bool {
        let mut state = lock(&self.state);
        if state.closed {
            return false;
        }
        if let Ok(handle) = socket.try_clone() {
            state.connections.entry(id).or_default().push(handle);
        }
        true
    }

    fn forget(&self, id: u64) {
        lock(&self.state).connections.remove(&id);
    }

    /// Waits for this long, or until the server stops.
    fn pause(&self, duration: Duration) {
        let state = lock(&self.state);
        drop(self.closing.wait_timeout_while(state, duration, |state| !state.closed));
    }

    fn wait_for_the_end(&self) {
        let state = lock(&self.state);
        drop(self.closing.wait_while(state, |state| !state.closed).unwrap_or_else(PoisonError::into_inner));
    }
}

/// One connection, from its first request to its end.
struct Connection<'a> {
    server: &'a Shared,
    id: u64,
    socket: &'a TcpStream,
    stream: BufReader<Box<dyn Stream>>,
}

impl<'a> Connection<'a> {
    fn open(server: &'a Shared, id: u64, socket: &'a TcpStream) -> io::Result<Self> {
        // Otherwise the kernel may merge the single bytes of `Reply::Drip`.
        socket.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &server.tls {
            None => Box::new(socket.try_clone()?),
            Some(config) => {
                let session = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                Box::new(StreamOwned::new(session, socket.try_clone()?))
            }
        };
        Ok(Self { server, id, socket, stream: BufReader::new(stream) })
    }

    fn hold(mut self) -> io::Result<Ending> {
        while let Some(request) = Request::read(&mut self.stream, self.server.tls.is_some())? {
            if let Some(ending) = self.deliver((self.server.handler)(&request))? {
                return Ok(ending);
            }
            if request.is_last() {
                break;
            }
        }
        Ok(Ending::Close)
    }

    /// Performs a reply. Returns how the connection ends, if the reply ends it.
    fn deliver(&mut self, reply: Reply) -> io::Result<Option<Ending>> {
        match reply {
            Reply::Response(response) => {
                self.write(&response.to_bytes())?;
                Ok(None)
            }
            Reply::Drip { response, per_byte } => {
                for byte in response.to_bytes() {
                    self.server.pause(per_byte);
                    self.write(&[byte])?;
                }
                Ok(None)
            }
            Reply::Flood { response, bytes } => {
                self.write(&response.head(bytes))?;
                io::copy(&mut io::repeat(b' ').take(bytes), self.stream.get_mut())?;
                Ok(None)
            }
            Reply::After(delay, reply) => {
                self.server.pause(delay);
                self.deliver(*reply)
            }
            Reply::Hang => {
                self.server.wait_for_the_end();
                Ok(Some(Ending::Close))
            }
            Reply::Reset { response, after } => {
                let bytes = response.to_bytes();
                self.write(&bytes[..after.min(bytes.len())])?;
                Ok(Some(Ending::Reset))
            }
            Reply::Raw(bytes) => {
                self.write(&bytes)?;
                Ok(Some(Ending::Close))
            }
            Reply::Tunnel(upstream) => {
                self.write(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
                if self.server.admit(self.id, &upstream) {
                    // Bytes that the client sent after its CONNECT are already in the buffer.
                    (&upstream).write_all(self.stream.buffer())?;
                    tunnel(self.socket, &upstream);
                }
                Ok(Some(Ending::Close))
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }
}

/// Copies bytes in both directions until both sides have finished.
fn tunnel(client: &TcpStream, upstream: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| pump(upstream, client));
        pump(client, upstream);
    });
}

fn pump(mut from: &TcpStream, mut to: &TcpStream) {
    let ended_well = io::copy(&mut from, &mut to).is_ok();
    // After the end of one direction the other may continue. After an error nothing more can be sent.
    let _ = to.shutdown(if ended_well { Shutdown::Write } else { Shutdown::Both });
}
