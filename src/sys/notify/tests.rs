use super::*;
use crate::process::Peer;
use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::time::Instant;

fn in_a_runtime(test: impl FnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _within = runtime.enter();
    test();
}

/// Sends a datagram to a socket as xassume sends it to the service manager.
fn send_to(address: &OsStr, text: &[u8], descriptors: &[OwnedFd]) -> io::Result<()> {
    ManagerSocket::at(address).expect("an address").send(text, descriptors)
}

#[test]
fn text_descriptors_and_sender_arrive_at_both_kinds_of_address() {
    in_a_runtime(|| {
        let directory = tempfile::tempdir().unwrap();
        for directory in [Some(directory.path()), None, Some(Path::new("/no/such/directory"))] {
            let socket = NotifySocket::bind(directory, "notify-1").unwrap();
            assert!(socket.receive().is_none());
            let (mut reader, writer) = std::io::pipe().unwrap();
            let null: OwnedFd = File::open("/dev/null").unwrap().into();
            send_to(socket.address(), b"X=1\nY=2", &[writer.into(), null]).unwrap();
            let waiting = socket.peek().expect("a datagram");
            let received = socket.receive().expect("a datagram");
            assert_eq!(received.text, b"X=1\nY=2");
            let me = Peer { uid: nix::unistd::geteuid().as_raw(), pid: nix::unistd::getpid().as_raw() };
            assert_eq!((waiting.sender, waiting.has_descriptors, received.is_truncated), (Some(me), true, false));
            let [writer, null] = <[OwnedFd; 2]>::try_from(received.descriptors).unwrap();
            assert_eq!(File::from(null).metadata().unwrap().ino(), std::fs::metadata("/dev/null").unwrap().ino());
            drop(writer);
            assert_eq!(reader.read(&mut [0]).unwrap(), 0, "no copy of the descriptor is left");
        }
    });
}

#[test]
fn a_socket_in_a_directory_admits_every_user_and_is_removed() {
    in_a_runtime(|| {
        let directory = tempfile::tempdir().unwrap();
        let socket = NotifySocket::bind(Some(directory.path()), "notify-1").unwrap();
        let path = directory.path().join("notify-1");
        assert_eq!(socket.address(), path.as_os_str());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o666);
        drop(socket);
        assert!(!path.exists());
    });
}

#[test]
fn long_texts_are_marked_and_many_descriptors_arrive() {
    in_a_runtime(|| {
        let socket = NotifySocket::bind(None, "").unwrap();
        let null: Vec<OwnedFd> = (0..253).map(|_| File::open("/dev/null").unwrap().into()).collect();
        for (length, is_truncated) in [(4096, false), (4097, true), (60_000, true)] {
            send_to(socket.address(), &vec![b'x'; length], &null[..2]).unwrap();
            let received = socket.receive().expect("a datagram");
            assert_eq!((received.text.len(), received.is_truncated), (4096, is_truncated));
        }
        send_to(socket.address(), b"", &null).unwrap();
        let received = socket.receive().expect("an empty datagram");
        assert_eq!((received.text.len(), received.descriptors.len(), received.is_truncated), (0, 253, false));
    });
}

/// Returns TCP sockets of which each blocks for a minute when it is closed.
fn lingering(listener: &TcpListener) -> Vec<OwnedFd> {
    let stuck = || {
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        stream.set_nonblocking(true).unwrap();
        while stream.write(&[0; 1 << 14]).is_ok() {}
        socket2::SockRef::from(&stream).set_linger(Some(Duration::from_mins(1))).unwrap();
        stream.into()
    };
    (0..3).map(|_| stuck()).collect()
}

#[test]
fn datagrams_are_dropped_without_waiting_for_their_descriptors() {
    in_a_runtime(|| {
        let (begun, listener) = (Instant::now(), TcpListener::bind("127.0.0.1:0").unwrap());
        let socket = NotifySocket::bind(None, "").unwrap();
        let send = |text: &[u8], descriptors: &[OwnedFd]| {
            send_to(socket.address(), text, descriptors).unwrap();
        };
        // While a datagram is in flight, a close in this process is not the last one.
        send(b"X=1", &lingering(&listener));
        send(b"X=2", &[]);
        let discard = || {
            let waiting = socket.peek().unwrap();
            socket.discard(&waiting);
            waiting.has_descriptors
        };
        // On a busy machine, it may take several attempts.
        while discard() {}
        assert!(socket.peek().is_none());
        for _ in 0..2 {
            send(b"X=3", &lingering(&listener));
        }
        let address = socket.address().to_owned();
        drop(socket);
        assert!(send_to(&address, b"X=4", &[]).is_err());
        assert!(begun.elapsed() < Duration::from_secs(30), "a descriptor has blocked");
    });
}

#[test]
fn a_service_manager_that_replaces_its_socket_is_found_again() {
    in_a_runtime(|| {
        let directory = tempfile::tempdir().unwrap();
        let bind = || NotifySocket::bind(Some(directory.path()), "manager").unwrap();
        let first = bind();
        let mut manager = ManagerSocket::at(first.address()).unwrap();
        manager.send(b"X=1", &[]).unwrap();
        drop(first);
        assert!(manager.send(b"X=2", &[]).is_err());
        let second = bind();
        manager.send(b"X=3", &[]).unwrap();
        drop(second);
        let third = bind();
        manager.send(b"X=4", &[]).unwrap();
        assert_eq!(third.receive().map(|received| received.text), Some(b"X=4".to_vec()));
        // There is no room if the service manager does not read.
        while manager.send(b"X=5", &[]).is_ok() {}
        let error = manager.send(b"X=6", &[]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    });
}

#[test]
fn only_paths_and_abstract_names_are_addresses() {
    for wrong in ["", "@", "1", "relative", "vsock:2:1234", &format!("/{}", "x".repeat(108))] {
        assert!(ManagerSocket::at(OsStr::new(wrong)).is_none(), "{wrong}");
    }
    for right in ["/run/systemd/notify", "@name"] {
        assert!(ManagerSocket::at(OsStr::new(right)).is_some(), "{right}");
    }
}
