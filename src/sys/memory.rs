//! Zeroes memory when it is freed or moved, once this is switched on.
//!
//! Our own secrets zero themselves (`session::Secret`), but the AWS client, its HTTP and its parsers have secrets in
//! plain strings. In exec mode this stays off: execve(2) discards the whole memory, and the start is faster.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator with zeroing.
pub(super) struct Zeroing;

// Test builds count allocations around this allocator.
#[cfg(not(any(test, fuzzing)))]
#[global_allocator]
static MEMORY: Zeroing = Zeroing;

static FREED_IS_ZEROED: AtomicBool = AtomicBool::new(false);

/// From now on freed memory is zeroed.
pub(crate) fn zero_freed_memory() {
    FREED_IS_ZEROED.store(true, Ordering::Relaxed);
}

fn is_zeroing() -> bool {
    FREED_IS_ZEROED.load(Ordering::Relaxed)
}

/// Returns free memory to the kernel after many connections; the allocator keeps it otherwise. Takes a few ms at most.
pub(crate) fn release_free() {
    // SAFETY: malloc_trim(3) touches only free memory. Other C libraries do not have it.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

// SAFETY: every block comes from the system's allocator and goes back to it with the layout that it came with.
unsafe impl GlobalAlloc for Zeroing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's, of this layout, and not read any more.
        unsafe {
            if is_zeroing() {
                libc::explicit_bzero(block.cast(), layout.size());
            }
            System.dealloc(block, layout);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_zeroing() {
            // SAFETY: as for `alloc`.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that the new size fits a layout of this alignment; both blocks are valid for the
        // smaller of the two sizes and do not overlap; the old one is given back as `dealloc` asks for.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                std::ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_grows_or_shrinks_keeps_its_contents() {
        zero_freed_memory();
        let mut text = String::from("kept");
        for _ in 0..12 {
            text.reserve_exact(text.capacity() * 2);
            assert!(text.starts_with("kept"));
        }
        text.shrink_to_fit();
        assert_eq!(text, "kept");
    }
}
