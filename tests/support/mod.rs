//! The test harness, which the demo and the benches use too.
//!
//! The program under test and the commands that it runs:
//! - `command`: starts the real binary. `another_user`: by another user. `sandbox`: its directories. `running`: a started or finished program.
//! - `pty`: runs it on a terminal. `seccomp`: runs it with some system calls denied.
//! - `probe`: a command for it to run, which reports what it received and reacts to signals as its arguments say.
//! - `programs`: creates other commands (scripts, and copies of programs).
//!
//! The services around it, all on loopback:
//! - `sts`: AWS STS, with a script for answers that break the rules.
//! - `imds`, `container`, `sso`, `sign_in`: the other services that return credentials. `device_grant`: the sign-in of
//!   `sso`.
//! - `github`: the OIDC tokens of GitHub Actions.
//! - `proxy`: an HTTP proxy.
//! - `manager`: a service manager that receives notifications, and `datagrams` with which they are sent.
//! - `volume`: a file system that can be frozen.
//! - `identities`: the identities that these services know. `issuer`: OIDC tokens, also from a shell command.
//!
//! Building blocks: `http` and `tls` (used by every fake), `service` (used by every fake except STS), `log` (received
//! requests), `capture` (output of a process), `skips` (messages of skipped tests), `times` (AWS's formats of times),
//! `processes` (reading `/proc`), `sys` (system calls).
#![allow(dead_code, unused_imports, reason = "each user of this module uses a part of it")]
#![allow(missing_docs, unreachable_pub, reason = "only the tests use this")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test panics with the reason")]

pub mod another_user;
pub mod capture;
pub mod command;
pub mod container;
pub mod datagrams;
pub mod device_grant;
pub mod github;
pub mod http;
pub mod identities;
pub mod imds;
pub mod issuer;
pub mod log;
pub mod manager;
pub mod probe;
pub mod processes;
pub mod programs;
pub mod proxy;
pub mod pty;
pub mod running;
pub mod sandbox;
pub mod seccomp;
pub mod service;
pub mod sign_in;
pub mod skips;
pub mod sso;
pub mod sts;
pub mod sys;
pub mod times;
pub mod tls;
pub mod volume;

pub use another_user::{OTHER, by_another_user};
pub use command::{Xassume, binary, in_words_of_glibc};
pub use container::FakeContainer;
pub use device_grant::{NEW_REFRESH_TOKEN, TokenAnswer, USER_CODE};
pub use github::FakeGitHub;
pub use identities::Identity;
pub use imds::FakeImds;
pub use issuer::Tokens;
pub use manager::FakeManager;
pub use probe::probe;
pub use proxy::FakeProxy;
pub use pty::Terminal;
pub use running::{Finished, RESTART, Running, on_one_line};
pub use sandbox::Sandbox;
pub use seccomp::DeniedCall;
pub use sign_in::{FakeSignIn, LOGIN_SESSION, write_sign_in};
pub use skips::{skipped, skipped_without_root};
pub use sso::{FakeSso, Login, write_end, write_login};
pub use sts::{Answer, FakeSts, Issued, RoleRules, StsRequest, Wording};
pub use sys::{RefusedPort, SilentPort};
pub use tls::{Authority, Certificate};
pub use volume::{Frozen, Volume};
