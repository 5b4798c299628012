//! What the tests stand on, and the demo and the benches with them.
//!
//! The program under test and what it runs:
//! - `command`: the real binary in a world of its own, `running`: while it runs and when it has ended
//! - `pty`: the same on a terminal; `refusals`: the same on a kernel that refuses something
//! - `probe`: a command for it to run, which tells what it finds and behaves as it is told
//! - `programs`: other commands, as scripts and as copies
//!
//! The world around it, all on loopback:
//! - `sts`: AWS STS, with a script for whatever should go wrong
//! - `imds`, `container`, `sso`, `sign_in`: the other places where credentials come from
//! - `proxy`: what may stand in between
//! - `volume`: a file system that can be frozen
//! - `identities`: who exists in that world
//!
//! Beneath: `http` and `tls` under every fake, `service` under the lesser ones, `log` of what was asked, `capture` of what
//! was said, `skips` of what cannot be tested here, `moments` as AWS writes them, `processes` as the kernel shows them, `sys` for the system calls.
#![allow(dead_code, unused_imports, reason = "every user of this folder uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "nothing here is anybody's interface but the tests'")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says why and stops")]

pub mod capture;
pub mod command;
pub mod container;
pub mod http;
pub mod identities;
pub mod imds;
pub mod log;
pub mod moments;
pub mod probe;
pub mod processes;
pub mod programs;
pub mod proxy;
pub mod pty;
pub mod refusals;
pub mod running;
pub mod service;
pub mod sign_in;
pub mod skips;
pub mod sso;
pub mod sts;
pub mod sys;
pub mod tls;
pub mod volume;

pub use command::{Sandbox, Xassume, binary};
pub use container::FakeContainer;
pub use identities::Identity;
pub use imds::FakeImds;
pub use probe::probe;
pub use proxy::FakeProxy;
pub use pty::Terminal;
pub use refusals::Refusal;
pub use running::{Finished, Running, unbroken};
pub use sign_in::{FakeSignIn, LOGIN_SESSION, write_sign_in};
pub use skips::skipped_without_root;
pub use sso::{FakeSso, Login, write_end, write_login};
pub use sts::{Answer, FakeSts, Issued, RoleRules, StsRequest, Wording};
pub use sys::{RefusedPort, SilentPort};
pub use tls::{Authority, Certificate};
pub use volume::{Frozen, Volume};
