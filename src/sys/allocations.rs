//! The memory that some work takes, by the allocator's count, for tests and fuzz targets.
//!
//! Counted per thread, so that parallel tests do not count each other's.

#![allow(unsafe_code)]

use super::memory::Zeroing;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

/// The memory that some work took, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// All allocations, freed or not: shows quadratic work.
    pub(crate) total: usize,
    /// The most in use at one time.
    pub(crate) peak: usize,
}

#[derive(Clone, Copy)]
struct Counts {
    taken: Taken,
    in_use: usize,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { taken: Taken { total: 0, peak: 0 }, in_use: 0 }) };
}

/// Does the work, and counts its allocations on this thread.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    COUNTS.set(Counts { taken: Taken::default(), in_use: 0 });
    let result = work();
    (result, COUNTS.get().taken)
}

/// The program's allocator, with counts.
struct Counting;

impl Counting {
    fn count(freed: usize, allocated: usize) {
        // A thread that is exiting has no counts any more.
        let _ = COUNTS.try_with(|counts| {
            let Counts { taken, in_use } = counts.get();
            // Memory from before the work may be freed in it.
            let in_use = in_use.saturating_sub(freed).saturating_add(allocated);
            let taken = Taken { total: taken.total.saturating_add(allocated), peak: taken.peak.max(in_use) };
            counts.set(Counts { taken, in_use });
        });
    }
}

// SAFETY: every block comes from `Zeroing` and returns to it with its layout; the counts are plain numbers of this
// thread, and updating them allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(0, layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which `Zeroing` has too.
        unsafe { Zeroing.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count(0, layout.size());
        // SAFETY: as for `alloc`.
        unsafe { Zeroing.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Self::count(layout.size(), 0);
        // SAFETY: the block came from `Zeroing` with this layout.
        unsafe { Zeroing.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(layout.size(), size);
        // SAFETY: as for `dealloc`; the caller promises that the new size is not zero and does not overflow.
        unsafe { Zeroing.realloc(block, layout, size) }
    }
}
