//! An allocator that uses large blocks again.
//!
//! A training step takes and gives back the same blocks as the step before it. The system's
//! allocator returns the largest of them to the kernel each time and pays for fresh pages:
//! about a twelfth of a step of two ResNet-18. Here they wait for the next request of their
//! size, whoever makes it: the kernels, Burn's operators, the readers of data.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::null_mut;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The smallest block that is kept, in bytes; below it the system is fast.
const SMALLEST: usize = 4 << SHIFT;
const SHIFT: u32 = 14;
/// Sizes of blocks: four between a power of two and the next, up to 2^48 bytes.
const CLASSES: usize = 128;
/// Every block starts at a cache line, a large one at a page.
const LINE: usize = 64;
/// The pages that large blocks ask for: with the usual 4 KiB, looking up where a page lies
/// takes a noticeable part of a convolution's time.
const PAGE: usize = 2 << 20;

/// An allocator for a program's `#[global_allocator]`.
///
/// ```
/// use counterpoint_kernels::Recycler;
///
/// #[global_allocator]
/// static MEMORY: Recycler = Recycler::new();
/// # fn main() {}
/// ```
///
/// Blocks of 64 KiB and more are kept when they are given back, smaller ones go to the
/// system. Used and kept blocks together never take more than 5/4 of the largest amount that
/// was used at one time: before a block would be taken from the system beyond that, kept ones
/// go back to it, the largest first.
#[derive(Debug)]
pub struct Recycler {
    kept: Mutex<Kept>,
}

/// Blocks that wait, by size: lists whose links lie in the blocks themselves.
#[derive(Debug)]
struct Kept {
    lists: [*mut Link; CLASSES],
    amounts: Amounts,
}

/// What an allocator holds, in bytes, and how often it asked the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// In use now.
    pub used: usize,
    /// The most that was in use at one time.
    pub peak: usize,
    /// Waiting for a request of their size.
    pub kept: usize,
    /// Blocks that were taken from the system so far.
    pub fetched: usize,
}

#[derive(Debug)]
struct Link {
    next: *mut Link,
}

// SAFETY: the blocks behind the links belong to the allocator alone while they wait.
unsafe impl Send for Kept {}

/// The number of the smallest class that holds `size` bytes, at least [`SMALLEST`] of them.
const fn class(size: usize) -> usize {
    // (size - 1) = 1qq... in binary: the leading power of two and the quarter above it.
    let below = (size - 1) >> SHIFT;
    let power = below.ilog2();
    let quarter = if power >= 2 { (below >> (power - 2)) & 3 } else { 0 };
    if power < 2 { 0 } else { (power as usize - 2) * 4 + quarter + 1 }
}

/// Bytes of a block of a class.
const fn bytes(class: usize) -> usize {
    (4 + class % 4) << (SHIFT as usize + class / 4)
}

/// The class of what is asked for; `None` if the system serves it.
fn recycled(layout: Layout) -> Option<usize> {
    let class = (layout.size() >= SMALLEST && layout.align() <= LINE).then(|| class(layout.size()))?;
    (class < CLASSES).then_some(class)
}

/// How a block of a class is asked of the system.
fn layout(class: usize) -> Layout {
    let align = if bytes(class) < 2 * PAGE { LINE } else { PAGE };
    Layout::from_size_align(bytes(class), align).expect("far below the limit")
}

/// A block from the system, or null.
fn fetch(class: usize) -> *mut u8 {
    let layout = layout(class);
    // SAFETY: the layout is not empty.
    let block = unsafe { System.alloc(layout) };
    #[cfg(target_os = "linux")]
    if layout.align() == PAGE && !block.is_null() && !cfg!(miri) {
        // SAFETY: the whole pages of a block that is ours; a kernel that has no large pages says so.
        unsafe { libc::madvise(block.cast(), layout.size() / PAGE * PAGE, libc::MADV_HUGEPAGE) };
    }
    block
}

/// Gives a block of a class to the system.
fn give_back(class: usize, block: *mut u8) {
    let layout = layout(class);
    // The system's allocator may keep it for requests that will never come: ours all come here.
    #[cfg(target_os = "linux")]
    if layout.align() == PAGE && !cfg!(miri) {
        // SAFETY: the whole pages of a block that is ours and that nobody reads any more.
        unsafe { libc::madvise(block.cast(), layout.size(), libc::MADV_DONTNEED) };
    }
    // SAFETY: it came from the system with this layout.
    unsafe { System.dealloc(block, layout) };
}

impl Recycler {
    /// One that holds nothing.
    pub const fn new() -> Self {
        let amounts = Amounts { used: 0, peak: 0, kept: 0, fetched: 0 };
        Self { kept: Mutex::new(Kept { lists: [null_mut(); CLASSES], amounts }) }
    }

    /// What it holds now.
    pub fn amounts(&self) -> Amounts {
        self.lock().amounts
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A block of a class, or null.
    fn take(&self, class: usize) -> *mut u8 {
        let mut kept = self.lock();
        let mut block = kept.pop(class);
        kept.amounts.used += bytes(class);
        kept.amounts.peak = kept.amounts.peak.max(kept.amounts.used);
        if block.is_null() {
            let limit = kept.amounts.peak + kept.amounts.peak / 4;
            kept.release(limit);
            kept.amounts.fetched += 1;
            drop(kept);
            block = fetch(class);
            if block.is_null() {
                self.lock().release(0);
                block = fetch(class);
            }
        }
        if block.is_null() {
            self.lock().amounts.used -= bytes(class);
        }
        block
    }
}

impl Default for Recycler {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Recycler {
    fn drop(&mut self) {
        self.lock().release(0);
    }
}

impl Kept {
    /// Takes a block out of its list; null if there is none.
    fn pop(&mut self, class: usize) -> *mut u8 {
        let head = self.lists[class];
        if !head.is_null() {
            // SAFETY: blocks in a list hold a link, which `push` wrote, and nobody else uses them.
            self.lists[class] = unsafe { (*head).next };
            self.amounts.kept -= bytes(class);
        }
        head.cast()
    }

    /// Puts a block into its list.
    ///
    /// # Safety
    /// The block is one of the class, which nobody uses any more.
    unsafe fn push(&mut self, class: usize, block: *mut u8) {
        let link = block.cast::<Link>();
        // It is larger than a link, starts at a cache line, and is ours now.
        link.write(Link { next: self.lists[class] });
        self.lists[class] = link;
        self.amounts.kept += bytes(class);
    }

    /// Gives blocks back to the system, the largest first, until all together take no more
    /// than `limit` bytes or only used ones are left.
    fn release(&mut self, limit: usize) {
        let mut class = CLASSES;
        while class > 0 && self.amounts.kept > 0 && self.amounts.used + self.amounts.kept > limit {
            let block = self.pop(class - 1);
            if block.is_null() {
                class -= 1;
            } else {
                give_back(class - 1, block);
            }
        }
    }
}

// SAFETY: blocks are disjoint: each is either in use, in one list, or the system's; they are
// at least as large and as aligned as asked for, and a block's class follows from its layout alone.
unsafe impl GlobalAlloc for Recycler {
    unsafe fn alloc(&self, asked: Layout) -> *mut u8 {
        match recycled(asked) {
            Some(class) => self.take(class),
            None => System.alloc(asked),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, asked: Layout) {
        let Some(class) = recycled(asked) else { return System.dealloc(block, asked) };
        let mut kept = self.lock();
        kept.amounts.used -= bytes(class);
        kept.push(class, block);
    }

    unsafe fn realloc(&self, block: *mut u8, asked: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, asked.align()) else { return null_mut() };
        match (recycled(asked), recycled(wanted)) {
            (None, None) => System.realloc(block, asked, size),
            (Some(old), Some(new)) if old == new => block,
            _ => {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    moved.copy_from_nonoverlapping(block, asked.size().min(size));
                    self.dealloc(block, asked);
                }
                moved
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_holds_its_sizes_and_no_quarter_more() {
        for size in (SMALLEST..(1 << 20)).step_by(977).chain([1 << 27, (1 << 27) + 1, 51_380_224, 1 << 33]) {
            let class = class(size);
            assert!(bytes(class) >= size, "{size} in {}", bytes(class));
            assert!(class == 0 || bytes(class - 1) < size, "{size} in {}", bytes(class));
            assert!(bytes(class) <= size + size / 4, "{size} in {}", bytes(class));
        }
        assert_eq!((class(SMALLEST), bytes(0), bytes(4)), (0, SMALLEST, 2 * SMALLEST));
    }

    /// A block of this size that holds its number at both ends and in every page.
    struct Block<'a> {
        memory: &'a Recycler,
        start: *mut u8,
        layout: Layout,
        number: u8,
    }

    fn marks(size: usize) -> impl Iterator<Item = usize> {
        (0..size).step_by(4096).chain([size - 1])
    }

    impl<'a> Block<'a> {
        fn new(memory: &'a Recycler, size: usize, number: u8) -> Self {
            let layout = Layout::from_size_align(size, 8).unwrap();
            // SAFETY: the layout is not empty.
            let start = unsafe { memory.alloc(layout) };
            assert!(!start.is_null() && (size < SMALLEST || start.align_offset(LINE) == 0));
            let block = Self { memory, start, layout, number };
            block.fill();
            block
        }

        /// Grows or shrinks it; what fits keeps its content.
        fn resize(&mut self, size: usize) {
            // SAFETY: the block is alive and has this layout.
            self.start = unsafe { self.memory.realloc(self.start, self.layout, size) };
            let kept = self.layout.size().min(size);
            self.check(marks(self.layout.size()).filter(|&at| at < kept));
            self.layout = Layout::from_size_align(size, 8).unwrap();
            self.fill();
        }

        fn fill(&self) {
            // SAFETY: all marks lie in the block.
            marks(self.layout.size()).for_each(|at| unsafe { self.start.add(at).write(self.number) });
        }

        fn check(&self, mut marks: impl Iterator<Item = usize>) {
            // SAFETY: the marks lie in the block and were written.
            assert!(marks.all(|at| unsafe { self.start.add(at).read() } == self.number), "{}", self.number);
        }
    }

    impl Drop for Block<'_> {
        fn drop(&mut self) {
            self.check(marks(self.layout.size()));
            // SAFETY: allocated with this layout, and not used afterwards.
            unsafe { self.memory.dealloc(self.start, self.layout) };
        }
    }

    #[test]
    fn a_step_that_repeats_takes_nothing_more_from_the_system() {
        let memory = Recycler::new();
        let step = || {
            let kept: Vec<Block<'_>> = (1..20).map(|i| Block::new(&memory, i * 40_000, i as u8)).collect();
            let passing = Block::new(&memory, 3_000_000, 77);
            drop(passing);
            let more = Block::new(&memory, 2_900_000, 78);
            drop((kept, more));
        };
        step();
        let first = memory.amounts();
        for _ in 0..if cfg!(miri) { 2 } else { 50 } {
            step();
        }
        assert_eq!(memory.amounts(), first);
        assert_eq!(first.used, 0);
        assert!(first.fetched > 0 && first.kept == first.peak, "{first:?}");
    }

    #[test]
    fn used_and_kept_blocks_stay_near_the_peak() {
        let memory = Recycler::new();
        let mut state = 1_u64;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut blocks: Vec<Block<'_>> = Vec::new();
        for turn in 0..if cfg!(miri) { 60 } else { 3000 } {
            match draw(5) {
                0 | 1 => blocks.push(Block::new(&memory, 1 + draw(900_000), turn as u8)),
                2 if !blocks.is_empty() => {
                    let chosen = draw(blocks.len());
                    let size = 1 + draw(900_000);
                    blocks[chosen].resize(size);
                }
                _ if !blocks.is_empty() => {
                    let chosen = draw(blocks.len());
                    blocks.swap_remove(chosen);
                }
                _ => {}
            }
            let Amounts { used, peak, kept, .. } = memory.amounts();
            assert!(used + kept <= peak + peak / 4, "{used} used, {kept} kept, peak {peak}");
        }
        drop(blocks);
        assert_eq!(memory.amounts().used, 0);
    }

    #[test]
    fn zeroed_blocks_are_zero_when_they_are_used_again() {
        let memory = Recycler::new();
        drop(Block::new(&memory, 100_000, 9));
        let layout = Layout::from_size_align(100_000, 8).unwrap();
        // SAFETY: a zeroed block of this layout, given back once.
        unsafe {
            let start = memory.alloc_zeroed(layout);
            assert!(std::slice::from_raw_parts(start, 100_000).iter().all(|&byte| byte == 0));
            memory.dealloc(start, layout);
        }
        assert_eq!(memory.amounts().fetched, 1);
    }
}
