//! The integration tests, in one binary: one module per behavior, all against the real program.
#![allow(clippy::expect_used, clippy::panic, reason = "a test panics with the reason")]

mod support;

mod also;
mod aws_vault;
mod cache;
mod check;
mod completions;
mod conflicts;
mod documents;
mod endpoint;
mod environment;
mod errors;
mod exec;
mod faults;
mod first_session;
mod gapless;
mod help;
mod helper_programs;
mod hooks;
mod hostile;
mod interactive_shells;
mod invalid_keys;
mod labels;
mod layers;
mod listening;
mod mfa;
mod network;
mod next_step;
mod options;
mod own_credentials;
mod print;
mod profiles;
mod progress;
mod roles;
mod secrets;
mod serve;
mod session_tokens;
mod sign_in;
mod sources;
mod supervision;
mod trust;
mod via_process;
