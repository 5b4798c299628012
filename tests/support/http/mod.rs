//! A small HTTP/1.1 server that all fakes are built on, and a smaller client to test the fakes.
//!
//! The server implements framing, keep-alive, TLS and the ways in which a connection can fail. A handler, which is a
//! function from [`Request`] to [`Reply`], decides what a request means.

mod client;
mod message;
mod server;

pub use client::{Received, get, send};
pub use message::{Request, Response, decode_form, percent_decode};
pub use server::{Reply, Server};
