//! The steps of each mode: one file for each.

pub(crate) mod check;
pub(crate) mod clear_cache;
pub(crate) mod exec;
pub(crate) mod list;
pub(crate) mod print;
pub(crate) mod supervise;
