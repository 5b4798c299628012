//! A redirect never makes xassume send a signed request to another host.

use super::{rejected, xassume};
use crate::support::http::{Response, Server};
use crate::support::log::Log;
use crate::support::{Answer, FakeSts};
use std::sync::Arc;

const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// The target of the redirect, and the requests that it got.
fn redirect_target() -> (Server, Arc<Log<String>>) {
    let asked = Arc::new(Log::default());
    let server = Server::start({
        let asked = Arc::clone(&asked);
        move |request| {
            asked.push(request.target.clone());
            Response::text(200, "").into()
        }
    });
    (server, asked)
}

fn redirect(status: u16, to: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {to}/\r\nContent-Length: 0\r\n\r\n").into_bytes()
}

#[test]
fn redirects_of_sts_are_not_followed() {
    for status in REDIRECTS {
        let (server, asked) = redirect_target();
        let sts = FakeSts::builder().script_forever([Answer::Raw(redirect(status, &server.url()))]).start();
        rejected(xassume(&sts).args(["--sts-timeout", "5s"]));
        assert_eq!((sts.requests().len(), asked.all()), (1, Vec::new()), "{status}");
    }
}

#[test]
fn redirects_of_a_container_endpoint_are_not_followed() {
    for status in REDIRECTS {
        let (server, asked) = redirect_target();
        let answer = redirect(status, &server.url());
        let container = Server::start(move |_| crate::support::http::Reply::Raw(answer.clone()));
        let sts = FakeSts::start();
        rejected(
            xassume(&sts)
                .without_keys()
                .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url() + "/get")
                .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "not for others"),
        );
        assert_eq!((sts.requests().len(), asked.all()), (0, Vec::new()), "{status}");
    }
}
