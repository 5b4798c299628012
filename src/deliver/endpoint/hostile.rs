//! Malicious requests to the endpoint. See `crate::hostile`.
#![allow(clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "a panic reports a broken promise")]

use super::serve_requests;
use crate::deliver::endpoint::request::RequestRules;
use crate::deliver::serving::Served;
use crate::hostile::{Bound, bounded};
use crate::session::{Secret, Validity};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::runtime::Builder;
use zeroize::Zeroizing;

const TOKEN: &str = "f0e1d2c3b4a59687";
const PATH: &str = "/0f1e2d3c";
const DOCUMENT: &str = r#"{"SecretAccessKey":"kept from strangers"}"#;
/// The memory limit for a connection. Hyper reads into a buffer that grows by doubling, up to `MAX_HEAD_BYTES`, and the
/// runtime takes memory too.
const BOUND: Bound = Bound { room: 512 << 10, per_byte: 256 };
/// The statuses that an answer may have. Hyper itself answers 400 to input that is not HTTP, and 414 or 431 to input
/// that is too long.
const STATUSES: [&str; 8] = ["200", "400", "401", "403", "404", "405", "414", "431"];

/// Sends `bytes` in one connection to the endpoint at port 8, and checks the answers.
pub fn endpoint_request(bytes: &[u8]) {
    let answer = bounded(bytes.len(), BOUND, || answered(bytes));
    let (answer, asked) = (String::from_utf8_lossy(&answer), String::from_utf8_lossy(bytes).to_lowercase());
    let mut answers = answer.split("HTTP/1.").skip(1);
    assert!(answers.all(|answer| answer.get(2..5).is_some_and(|status| STATUSES.contains(&status))), "{answer}");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer}");
    assert!(!answer.contains(TOKEN), "the token is sent back: {answer}");
    let given = answer.matches(DOCUMENT).count();
    let healthy = answer.matches(r#"{"expiration":"#).count();
    assert_eq!(given + healthy, answer.matches(" 200 OK\r\n").count(), "{answer}");
    let allowed = [TOKEN, PATH, "get ", "host"].map(|word| asked.matches(word).count()).into_iter().min();
    assert!(Some(given) <= allowed, "the session is given {given} times to {asked:?}");
    let ours = asked.contains("127.0.0.1") || asked.contains("localhost");
    assert!(given + healthy == 0 || ours, "the session is given to another host: {asked:?}");
}

/// Returns everything that the endpoint sends until both sides are done.
fn answered(bytes: &[u8]) -> Vec<u8> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let served = Served::default();
        let hour = Duration::from_hours(1);
        let expiration = crate::sys::clock::wall() + hour;
        let validity = Validity { expiration, left: hour, lifetime: hour, skew_secs: 0 };
        served.put(Zeroizing::new(DOCUMENT.into()), Some(&validity));
        let rules = Arc::new(RequestRules::new(([127, 0, 0, 1], 8).into(), PATH.into(), Secret::new(TOKEN), served));
        let (ours, theirs) = duplex(64 << 10);
        let (mut from, mut to) = tokio::io::split(theirs);
        let send = async move {
            // Writing may fail, because the endpoint may close the connection before it has read everything.
            let _ = to.write_all(bytes).await;
            let _ = to.shutdown().await;
        };
        let mut answer = Vec::new();
        let ((), (), read) = tokio::join!(serve_requests(ours, rules, || ()), send, from.read_to_end(&mut answer));
        read.expect("a pipe in memory");
        answer
    })
}
