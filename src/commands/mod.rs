//! The steps of each mode, with one file for each mode, and what modes share.

pub(crate) mod check;
pub(crate) mod clear_cache;
pub(crate) mod exec;
mod first_sessions;
pub(crate) mod help;
pub(crate) mod list;
pub(crate) mod list_sessions;
pub(crate) mod print;
pub(crate) mod serve;
pub(crate) mod supervise;
