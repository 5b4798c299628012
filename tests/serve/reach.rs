//! Who reaches the endpoint of a keeper, and how.

use super::*;
use crate::support::http::send;
use crate::support::in_words_of_glibc;
use crate::support::log::PATIENCE;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

#[test]
fn the_endpoint_has_a_known_path_and_a_new_token_at_each_start() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let keeper = place.given_to(xassume);
    let mut tokens = Vec::new();
    // The same port can be used again at once, although its connections were closed by xassume.
    for _ in 0..2 {
        let running = serving(&keeper);
        assert!(place.key().starts_with("ASIA"));
        assert_eq!(place.health().status, 200);
        tokens.push(fs::read_to_string(&place.token).expect("the token is there"));
        let answer = get(&place.url("/credentials"), &[("Authorization", &tokens[0])]).expect("answered");
        assert_eq!(answer.status == 200, tokens.len() == 1);
        stop(running);
    }
    assert_ne!(tokens[0], tokens[1]);
    assert_eq!(sts.issued_count(), 1, "the second run uses the cache");
}

/// The status of the health for a client that sends this `Host`.
fn status_for(place: &Place, host: &str) -> u16 {
    let mut stream = TcpStream::connect(place.address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time limit can be set");
    write!(stream, "GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the connection is closed after each answer about the health");
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

#[test]
fn the_health_needs_no_token_and_has_the_rules_for_hosts_and_methods() {
    let (running, place) = started(&FakeSts::start());
    let healthy = place.health();
    let expiration = healthy.json()["expiration"].as_str().expect("text").to_owned();
    assert_eq!((healthy.status, healthy.text()), (200, format!(r#"{{"expiration":"{expiration}"}}"#)));
    let token = fs::read_to_string(&place.token).expect("the token is there");
    let session = get(&place.url("/credentials"), &[("Authorization", &token)]).expect("answered").json();
    assert_eq!(session["Expiration"], expiration.as_str());
    let (ip, port) = (place.address.ip(), place.address.port());
    for (host, status) in [
        (format!("{ip}"), 200),
        (format!("{ip}:{port}"), 200),
        ("localhost".into(), 200),
        (format!("LOCALHOST:{port}"), 200),
        ("127.0.0.1".into(), 403),
        (format!("rebound.example:{port}"), 403),
    ] {
        assert_eq!(status_for(&place, &host), status, "{host}");
    }
    for method in ["POST", "PUT", "DELETE"] {
        assert_eq!(send(method, &place.url("/health"), &[], b"").expect("answered").status, 405);
    }
    assert_eq!(get(&place.url("/credentials"), &[]).expect("answered").status, 401);
    assert_eq!(get(&place.url("/"), &[]).expect("answered").status, 404);
    stop(running);
}

#[test]
fn the_endpoint_of_a_command_has_a_health_too() {
    let sts = FakeSts::start();
    let xassume = Xassume::new(&sts).args(["-r", ROLE, "--via", "endpoint"]);
    let place = Place::of(&xassume);
    let names = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "NO_PROXY"];
    let xassume =
        place.given_to(xassume.env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "127.0.0.1")).arg("--");
    let running =
        xassume.args(crate::support::probe()).arg("env").args(names).args(["then", "cat"]).stdin_open().spawn();
    running.line(&format!("{}={}", names[0], place.url("/credentials")));
    running.line(&format!("{}={}", names[1], place.token.display()));
    running.line(&format!("NO_PROXY=127.0.0.1,localhost,{}", place.address.ip()));
    assert_eq!(place.health().status, 200);
    assert!(place.key().starts_with("ASIA"));
    let variables = fs::read_to_string(&place.variables).expect("it appears before the command starts");
    assert!(variables.contains(&format!("\n{}={}\n", names[1], place.token.display())), "{variables}");
    running.signal(libc::SIGTERM);
    running.wait().killed_by(libc::SIGTERM);
    assert_eq!(place.has_files(), [false; 2]);
}

#[test]
fn an_address_in_use_is_an_error_before_sts_is_called() {
    let sts = FakeSts::start();
    let (running, place) = started(&sts);
    let xassume = keeper(&sts);
    let other = Place { address: place.address, ..Place::of(&xassume) };
    let refused = other.given_to(xassume).run().exited(125);
    let expected = format!("xassume: error: cannot listen on {}: Address already in use\nhint: ", place.address);
    assert!(in_words_of_glibc(&refused.stderr).contains(&expected), "{}", refused.stderr);
    assert_eq!(sts.requests().len(), 1);
    assert_eq!(other.has_files(), [false; 2]);
    assert_eq!(place.health().status, 200);
    stop(running);
}

#[test]
fn a_check_leaves_the_address_and_the_files_alone() {
    let sts = FakeSts::start();
    let xassume = keeper(&sts);
    let place = Place::of(&xassume);
    let keeper = place.given_to(xassume);
    let running = serving(&keeper);
    let check = keeper.clone().arg("--check").run().exited(0).stdout_text();
    let check = check.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        format!(
            "local credentials endpoint at {}, token also in {} (--via endpoint)",
            place.address,
            place.token.display()
        ),
        format!("variables for other programs in {}", place.variables.display()),
        "the session is refreshed until a signal ends xassume".to_owned(),
    ] {
        assert!(check.contains(&text), "{text}\n{check}");
    }
    assert_eq!(place.has_files(), [true; 2]);
    stop(running);
    keeper.arg("--check").run().exited(0);
    assert_eq!(place.has_files(), [false; 2]);
}

#[test]
fn the_files_have_mode_0600_whatever_the_umask_is() {
    let sts = FakeSts::start();
    for mask in ["000", "077", "0777"] {
        let xassume = keeper(&sts);
        let place = Place::of(&xassume);
        let args: Vec<_> = place.given_to(xassume.clone()).command().get_args().map(ToOwned::to_owned).collect();
        let masked =
            xassume.without_args().program("/bin/sh").args(["-c", &format!("umask {mask}; exec \"$0\" \"$@\"")]);
        let running = serving(&masked.arg(crate::support::binary()).args(args));
        for path in [&place.token, &place.variables] {
            assert_eq!(fs::metadata(path).expect("there").permissions().mode() & 0o7777, 0o600, "{mask}");
        }
        stop(running);
    }
}
