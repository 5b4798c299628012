//! Zeroes memory when it is freed or moved, after [`zero_freed_memory`] was called.
//!
//! The secrets of xassume zero themselves (`session::Secret`), but the AWS client and its HTTP and parser libraries
//! keep secrets in plain strings. In exec mode, [`zero_freed_memory`] is not called, because execve(2) discards all of
//! the memory, and the start is faster without zeroing.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

/// The system's allocator, which also zeroes memory that is freed.
pub(super) struct Zeroing;

// Test builds use another global allocator, which wraps this one and counts allocations.
#[cfg(not(any(test, fuzzing)))]
#[global_allocator]
static MEMORY: Zeroing = Zeroing;

static FREED_IS_ZEROED: AtomicBool = AtomicBool::new(false);

/// From now on, all memory that is freed is zeroed.
pub(crate) fn zero_freed_memory() {
    FREED_IS_ZEROED.store(true, Ordering::Relaxed);
}

fn is_zeroing() -> bool {
    FREED_IS_ZEROED.load(Ordering::Relaxed)
}

/// Returns free memory to the kernel. The allocator keeps the memory of closed connections, so this is called some time
/// after many connections were open. Takes a few milliseconds at most.
pub(crate) fn release_free() {
    // SAFETY: malloc_trim(3) touches only free memory. Only glibc has this function.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

// SAFETY: every block comes from the system's allocator, and is returned to that allocator with the layout that it was
// allocated with.
unsafe impl GlobalAlloc for Zeroing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller fulfills the contract of `GlobalAlloc::alloc`, and the system's allocator has the same
        // contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the same as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block belongs to the caller, has this layout, and is not read after this call.
        unsafe {
            if is_zeroing() {
                libc::explicit_bzero(block.cast(), layout.size());
            }
            System.dealloc(block, layout);
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !is_zeroing() {
            // SAFETY: the same as for `alloc`.
            return unsafe { System.realloc(block, layout, size) };
        }
        // SAFETY: the caller promises that the new size and this alignment form a valid layout. Both blocks are valid
        // for the smaller of the two sizes, and they do not overlap. The old block is freed as the contract of
        // `dealloc` requires.
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
