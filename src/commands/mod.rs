//! What xassume can be asked to do, one story each.

pub(crate) mod check;
pub(crate) mod clear_cache;
pub(crate) mod exec;
pub(crate) mod list;
pub(crate) mod print;
pub(crate) mod supervise;
