//! Counts the memory that some work allocates, for tests and fuzz targets.
//!
//! Each thread has its own counts, so parallel tests do not count each other's allocations.

#![allow(unsafe_code)]

use super::memory::Zeroing;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

/// The memory that some work allocated, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// The sum of all allocations, including those that were freed. A high sum reveals quadratic work.
    pub(crate) total: usize,
    /// The largest amount that was allocated at one time.
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

/// Runs `work` and returns its result with the memory that it allocated on this thread.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    COUNTS.set(Counts { taken: Taken::default(), in_use: 0 });
    let result = work();
    (result, COUNTS.get().taken)
}

/// The program's allocator, which also counts allocations.
struct Counting;

impl Counting {
    fn count(freed: usize, allocated: usize) {
        // If this thread is exiting, its counts may have been destroyed already. In that case, nothing is counted.
        let _ = COUNTS.try_with(|counts| {
            let Counts { taken, in_use } = counts.get();
            // The subtraction saturates at zero, because `work` may free memory that was allocated before it began.
            let in_use = in_use.saturating_sub(freed).saturating_add(allocated);
            let taken = Taken { total: taken.total.saturating_add(allocated), peak: taken.peak.max(in_use) };
            counts.set(Counts { taken, in_use });
        });
    }
}

// SAFETY: every block is allocated by `Zeroing` and freed by `Zeroing` with the same layout. The counts are plain
// numbers of this thread, and updating them does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(0, layout.size());
        // SAFETY: the caller fulfills the contract of `GlobalAlloc::alloc`, and `Zeroing` has the same contract.
        unsafe { Zeroing.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count(0, layout.size());
        // SAFETY: the same as for `alloc`.
        unsafe { Zeroing.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Self::count(layout.size(), 0);
        // SAFETY: the block came from `Zeroing` with this layout.
        unsafe { Zeroing.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(layout.size(), size);
        // SAFETY: the same as for `dealloc`. The caller also promises that the new size is not zero and does not
        // overflow.
        unsafe { Zeroing.realloc(block, layout, size) }
    }
}
