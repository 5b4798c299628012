//! Clients without the token, and clients that only open connections: they get nothing and block nothing.

use super::*;

#[test]
fn a_request_without_the_whole_token_gets_nothing() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts));
    let (host, path) = served.address();
    let (token, secret) = (served.token.as_str(), sts.issued()[0].secret_access_key.clone());
    let wrong: String = token.chars().rev().collect();
    assert_ne!(wrong, token);
    let other_path = format!("http://{host}/{}", "0".repeat(path.len() - 1));
    let root = format!("http://{host}/");
    for (method, url, headers, expected) in [
        ("GET", &root, &[("Authorization", token)][..], 404),
        ("GET", &other_path, &[("Authorization", token)], 404),
        ("POST", &served.url, &[("Authorization", token)], 405),
        ("PUT", &served.url, &[("Authorization", token)], 405),
        ("DELETE", &served.url, &[("Authorization", token)], 405),
        ("OPTIONS", &served.url, &[("Authorization", token)], 405),
        ("GET", &served.url, &[], 401),
        ("GET", &served.url, &[("Authorization", wrong.as_str())], 403),
        ("GET", &served.url, &[("Authorization", &token[1..])], 403),
        ("GET", &served.url, &[("X-Forwarded-For", "127.0.0.1")], 401),
    ] {
        let received = send(method, url, headers, b"").expect("answered");
        assert_eq!(received.status, expected, "{method} {url} {headers:?}");
        assert_eq!(received.header("content-type"), Some("application/json"));
        assert_eq!(received.header("allow"), (expected == 405).then_some("GET"));
        let body = received.json();
        assert_eq!((&body["code"], &body["message"]), (&body["Code"], &body["Message"]));
        assert!(body["code"].is_string() && body["message"].is_string());
        assert!(!received.text().contains(&secret));
    }
    let port = host.rsplit_once(':').expect("a port").1;
    let [with_port, rebound] = ["localhost", "rebound.example"].map(|name| format!("{name}:{port}"));
    for (host, expected) in [
        (host, 200),
        ("127.0.0.1", 200),
        ("localhost", 200),
        (&with_port, 200),
        ("rebound.example", 403),
        (&rebound, 403),
        ("localhost.rebound.example", 403),
        ("169.254.170.2", 403),
        ("127.0.0.2", 403),
        ("127.0.0.1:1", 403),
        ("localhost:80", 403),
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n");
        let answer = served.raw(&request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{host}: {answer}");
        assert_eq!(answer.contains(&secret), expected == 200, "{host}: {answer}");
    }
    let head = served.raw(&format!("{}Connection: close\r\n\r\n", served.head().replacen("GET", "HEAD", 1)));
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
    assert_eq!(served.get().status, 200, "and the right one is still answered");
    served.end();
}

#[test]
fn a_request_that_is_too_long_or_too_slow_is_closed() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts));
    let before = served.open_files();
    let long = served.raw(&format!("{}X: {}\r\n\r\n", served.head(), "x".repeat(64 * 1024)));
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 431 "), "{long}");
    let many = served.raw(&format!("{}{}\r\n", served.head(), "X: x\r\n".repeat(1000)));
    assert!(many.starts_with("HTTP/1.1 431 "), "{many}");
    // The body is announced but never read: the answer comes at once, and the connection is closed.
    let body = served.raw(&format!("{}Content-Length: 1000000000\r\n\r\n", served.head()));
    assert!(body.starts_with("HTTP/1.1 200 ") && body.contains("connection: close"), "{body}");
    for nonsense in ["\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = served.raw(nonsense);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 505"),
            "{answer}"
        );
    }

    // Half a head, no bytes at all, and no second request after an answer: the endpoint waits for each, but not for
    // ever.
    let mut slow: Vec<TcpStream> = (0..3).map(|_| served.connect()).collect();
    slow[0].write_all(served.head().as_bytes()).expect("it reads");
    slow[2].write_all(format!("{}\r\n", served.head()).as_bytes()).expect("it reads");
    let begun = Instant::now();
    assert_eq!(served.get().status, 200, "other runs do not wait");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    for stream in &mut slow {
        let answer = read_until_closed(stream);
        assert!(!answer.contains("HTTP/1.1 408") || !answer.contains("AccessKeyId"), "{answer}");
    }
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert_eq!(served.get().status, 200);
    served.wait_for_descriptors(before);
    served.end();
}

#[test]
fn hanging_connections_block_neither_clients_nor_the_supervisor() {
    let sts = FakeSts::start();
    let line = "ulimit -n 1024 && exec \"$@\"";
    let xassume = Xassume::new(&sts).program("/bin/sh").args(["-c", line, "sh"]).arg(binary());
    let served =
        Served::start_with(xassume.args(["--via", "endpoint", "-r", ROLE]), &["print-signals", "exit-on", "USR2"]);
    for count in [200, 400] {
        let mut hanging: Vec<TcpStream> = (0..count).map(|_| served.connect()).collect();
        for stream in hanging.iter_mut().step_by(2) {
            // The endpoint may have closed the connection to make room for another.
            let _ = stream.write_all(served.head().as_bytes());
        }
        let begun = Instant::now();
        assert_eq!(served.get().status, 200);
        served.running.signal(libc::SIGUSR1);
        served.running.line("USR1");
        assert!(begun.elapsed() < Duration::from_secs(4), "{count}: {:?}", begun.elapsed());
        // Of the 1024 connections a quarter may be silent, and an eighth may be within a request.
        assert!(served.open_files() < 420, "{} descriptors", served.open_files());
    }
    served.running.signal(libc::SIGUSR2);
    served.running.wait().exited(0);
}

/// Connections without the token replace each other. A client that has shown the token keeps its connection, and a
/// client with a complete request gets an answer.
#[test]
fn connections_without_the_token_replace_only_each_other() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts));
    let request = format!("{}\r\n", served.head());
    let mut known = served.connect();
    let mut ask = || {
        known.write_all(request.as_bytes()).expect("it is open");
        let mut part = [0; 16 * 1024];
        let count = known.read(&mut part).expect("it is open");
        assert!(part[..count].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&part[..count]));
    };
    ask();
    for _ in 0..4 {
        let mut strangers: Vec<TcpStream> = Vec::new();
        for number in 0..300 {
            // On a slow system all connections take longer than one may be idle.
            if number % 50 == 0 {
                ask();
            }
            strangers.push(served.connect());
        }
        for (number, stranger) in strangers.iter_mut().enumerate() {
            // The endpoint may have closed the connection to make room for another.
            let _ = match number % 3 {
                0 => stranger.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
                1 => stranger.write_all(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
                _ => Ok(()),
            };
        }
        ask();
        assert_eq!(served.get().status, 200);
    }
    served.end();
}

#[test]
fn a_rejected_client_keeps_no_connection() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts));
    let host = served.address().0;
    let answer = served.raw(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 404 ") && answer.contains("connection: close"), "{answer}");
    served.end();
}

/// Otherwise its connection and the unsent answers would be kept forever.
#[test]
fn a_client_that_never_reads_is_disconnected() {
    let sts = FakeSts::start();
    let served = Served::start(via_endpoint(&sts));
    let before = served.open_files();
    let mut deaf = served.connect();
    deaf.set_write_timeout(Some(PATIENCE)).expect("a time limit can be set");
    let requests = format!("{}\r\n", served.head()).repeat(64);
    // Its answers fill the buffers of both sides. Then the endpoint reads nothing from it until it closes the
    // connection.
    let begun = Instant::now();
    while deaf.write_all(requests.as_bytes()).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it is kept for {:?}", begun.elapsed());
    }
    served.wait_for_descriptors(before);
    assert_eq!(served.get().status, 200);
    served.end();
}

/// A user can open more connections than the default limit of descriptors allows. xassume raises its own limit, but the
/// command inherits the original one.
#[test]
fn the_command_gets_the_inherited_descriptor_limit() {
    let sts = FakeSts::start();
    let line = "ulimit -Sn 100 && exec \"$@\"";
    let xassume = Xassume::new(&sts).program("/bin/sh").args(["-c", line, "sh"]).arg(binary());
    let xassume = xassume.args(["--via", "endpoint", "-r", ROLE, "--", "sh", "-c", "ulimit -Sn; ulimit -Hn"]);
    let hard = std::process::Command::new("sh").args(["-c", "ulimit -Hn"]).output().expect("a shell").stdout;
    let expected = format!("100\n{}", String::from_utf8_lossy(&hard));
    assert_eq!(xassume.run().exited(0).stdout_text(), expected);
}

#[test]
fn a_low_descriptor_limit_leaves_room_for_the_supervisor() {
    let sts = FakeSts::builder().lifetime(Duration::from_secs(6)).start();
    let line = "ulimit -n 64 && exec \"$@\"";
    let xassume = Xassume::new(&sts).program("/bin/sh").args(["-c", line, "sh"]).arg(binary());
    let served = Served::start(xassume.args(["--via", "endpoint", "-r", ROLE]));
    let _hanging: Vec<TcpStream> = (0..200).map(|_| served.connect()).collect();
    sts.wait_for_requests(2);
    assert_eq!(served.get().status, 200);
    served.end();
}
