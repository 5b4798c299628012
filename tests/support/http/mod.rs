//! A small HTTP/1.1 server, the ground on which every fake stands, and an even smaller client to test the fakes with.
//!
//! It knows framing, keep-alive, TLS and the ways in which a connection can go wrong. What a request means is for the
//! handler to say: a function from [`Request`] to [`Reply`].

mod client;
mod message;
mod server;

pub use client::{Received, get, send};
pub use message::{Request, Response, decode_form, percent_decode};
pub use server::{Reply, Server};
