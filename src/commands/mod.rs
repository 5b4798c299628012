//! What xassume can be asked to do, one story each.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod supervise;
