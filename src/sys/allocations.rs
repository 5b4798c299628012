//! How much memory a piece of work takes, by the allocator's own count: for tests and fuzz targets alone.
//!
//! Counted for each thread, so that tests which run beside one another do not see each other.

#![allow(unsafe_code)]

use super::memory::Zeroing;
use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

#[global_allocator]
static COUNTING: Counting = Counting;

/// What a piece of work took, in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// All that was allocated, whether or not it was given back: work that is quadratic shows here.
    pub(crate) total: usize,
    /// The most that was held at a time.
    pub(crate) peak: usize,
}

#[derive(Clone, Copy)]
struct Books {
    taken: Taken,
    held: usize,
}

thread_local! {
    static BOOKS: Cell<Books> = const { Cell::new(Books { taken: Taken { total: 0, peak: 0 }, held: 0 }) };
}

/// Does the work, and counts what it takes on this thread.
pub(crate) fn counted<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    BOOKS.set(Books { taken: Taken::default(), held: 0 });
    let result = work();
    (result, BOOKS.get().taken)
}

/// The program's own allocator, with books.
struct Counting;

impl Counting {
    fn take(bytes: usize) {
        // A thread that is ending has no books any more.
        let _ = BOOKS.try_with(|books| {
            let Books { taken, held } = books.get();
            let held = held.saturating_add(bytes);
            let taken = Taken { total: taken.total.saturating_add(bytes), peak: taken.peak.max(held) };
            books.set(Books { taken, held });
        });
    }

    fn give_back(bytes: usize) {
        let _ = BOOKS.try_with(|books| {
            let Books { taken, held } = books.get();
            // What was taken before the work began may be given back within it.
            books.set(Books { taken, held: held.saturating_sub(bytes) });
        });
    }
}

// SAFETY: every block comes from `Zeroing` and goes back to it with the layout it was asked for; the books are plain
// numbers of this thread, and keeping them allocates nothing, so that the allocator is never entered from within.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::take(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of `Zeroing`.
        unsafe { Zeroing.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::take(layout.size());
        // SAFETY: as for `alloc`.
        unsafe { Zeroing.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        Self::give_back(layout.size());
        // SAFETY: the caller had the block from this allocator, which had it from `Zeroing`, with this layout.
        unsafe { Zeroing.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::give_back(layout.size());
        Self::take(size);
        // SAFETY: as for `dealloc`; the caller promises that the new size is not zero and does not overflow.
        unsafe { Zeroing.realloc(block, layout, size) }
    }
}
