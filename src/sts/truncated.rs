//! Tests answers that are cut off after each of their bytes, and calls for which no time is left. The tests use the
//! real client and a real connection.

use super::call::{Call, CallContext};
use super::connection::StsConnection;
use super::network::Network;
use crate::error::{Cause, NetworkFailure, StsCall};
use crate::log_options::LogOptions;
use crate::report::Report;
use crate::role::{Hop, HopOptions, RoleArn, RoleSessionName};
use crate::session::{Granted, Keys, Secret};
use crate::vars::Vars;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const BODY: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
    <Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token\
    </SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser>\
    <AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:sts::521111111144:assumed-role/R/b</Arn></AssumedRoleUser>\
    </AssumeRoleResult></AssumeRoleResponse>";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The server closes the connection.
    Closed,
    /// The server resets the connection, which may discard bytes that were already sent.
    Reset,
}

/// Answers one request with `bytes`.
async fn answer(listener: &TcpListener, bytes: &[u8], ending: Ending) {
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut request = Vec::new();
    // The body is sent last and contains the text `Version=`, so the request is complete when this text has arrived.
    while !request.windows(8).any(|word| word == b"Version=") {
        assert_ne!(stream.read_buf(&mut request).await.expect("a request"), 0, "a whole request");
    }
    stream.write_all(bytes).await.expect("sent");
    if ending == Ending::Reset {
        stream.set_zero_linger().expect("a socket option");
    }
}

fn network(endpoint: String, timeout: Duration) -> Network {
    let proxies = crate::profile::Proxies::default();
    Network { endpoint: Some(endpoint), ca_bundle: None, fips: false, dualstack: false, proxies, timeout }
}

async fn assumed(network: &Network) -> Result<Granted, Cause> {
    let hop = Hop {
        role: RoleArn::parse("521111111144:R").expect("a role"),
        session_name: RoleSessionName::parse("name").expect("a name"),
        options: HopOptions::default(),
    };
    let events = &Report::new(LogOptions::usual(&Vars::default()));
    let progress = &events.progress();
    // Each call has a new connection. On a connection that was used before, the client would send a failed request
    // again.
    let connection = &StsConnection::new(network, "eu-central-1".into(), 1);
    let context = CallContext { connection, deadline: Instant::now() + network.timeout, progress, events };
    let call = Call { context, hop: Some(&hop), place: (1, 1), action: StsCall::AssumeRole };
    let secret_access_key = Secret::new("the caller's own");
    let keys = Keys { access_key_id: "AKIACALLER".into(), secret_access_key, session_token: None };
    call.longest(&hop, &keys, None).await.map_err(|error| error.cause.clone())
}

#[test]
fn nothing_is_sent_when_time_is_up() {
    let network = network("http://127.0.0.1:1".into(), Duration::ZERO);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let cause = runtime.block_on(assumed(&network)).expect_err("no time is no session");
    let Cause::Network(failure @ NetworkFailure::TooLate { .. }) = cause else { panic!("{cause:?}") };
    assert_eq!(failure.to_string(), "http://127.0.0.1:1 was not called: the time limit of 0s was exceeded");
}

#[test]
fn an_answer_that_is_cut_off_at_any_byte_is_not_a_session() {
    let whole = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let network = network(endpoint, Duration::from_mins(1));
        for length in 0..=whole.len() {
            // The two endings alternate. After the whole answer, the server closes the connection.
            let ending = if length % 2 == whole.len() % 2 { Ending::Closed } else { Ending::Reset };
            let (result, ()) = tokio::join!(assumed(&network), answer(&listener, &whole.as_bytes()[..length], ending));
            match result {
                Ok(granted) => {
                    assert_eq!(length, whole.len(), "a session out of {length} bytes of {}", whole.len());
                    assert_eq!(granted.keys.access_key_id, "ASIAX");
                }
                Err(Cause::Network(NetworkFailure::Unreachable { .. })) => assert_ne!(length, whole.len()),
                Err(cause) => panic!("{length}: {cause:?}"),
            }
        }
    });
}
