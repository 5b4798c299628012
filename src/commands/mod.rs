//! What a run of xassume can do: one file for each kind of run.

pub(crate) mod check;
pub(crate) mod clear_cache;
pub(crate) mod exec;
pub(crate) mod list;
pub(crate) mod print;
pub(crate) mod supervise;
