//! GCC's unwinder, linked into the program: one shared library less for the loader to map and relocate at each
//! launch, a twelfth of what a launch from the cache costs. Every gcc brings this archive; the C library's own
//! variants (musl) have another unwinder.

#![allow(unsafe_code)]

// SAFETY: no function is declared; the block only names the archive, before the standard library names the shared one.
#[cfg(target_env = "gnu")]
#[link(name = "gcc_eh", kind = "static", modifiers = "-bundle")]
unsafe extern "C" {}
