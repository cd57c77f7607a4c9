//! Bytes that are held, counted by the allocator.
//!
//! The allocator of the process counts what everybody holds. What attackers and the test itself need is made inside
//! [`Meter::outside`] and does not count, so that the rest is what the peer layer holds. Counted is what was asked
//! for; what the system's allocator adds to each piece is not.

use peak_alloc::PeakAlloc;

/// The counting allocator. A binary that measures makes it its global one.
pub const ALLOCATOR: PeakAlloc = PeakAlloc;

/// Counts from where it is made.
#[derive(Debug)]
pub struct Meter {
    /// Bytes that belong to others.
    foreign: usize,
    peak: usize,
}

impl Meter {
    /// Nothing that is there now counts.
    #[expect(clippy::new_without_default, reason = "the moment it is made matters")]
    pub fn new() -> Self {
        ALLOCATOR.reset_peak_usage();
        Self { foreign: ALLOCATOR.current_usage(), peak: 0 }
    }

    /// Does something that does not count, nor does what it leaves behind. It must not take or drop what counts.
    pub fn outside<T>(&mut self, work: impl FnOnce() -> T) -> T {
        self.note_peak();
        let before = ALLOCATOR.current_usage();
        let value = work();
        let after = ALLOCATOR.current_usage();
        self.foreign = (self.foreign + after).saturating_sub(before);
        ALLOCATOR.reset_peak_usage();
        value
    }

    /// Bytes held now.
    pub fn held(&self) -> usize {
        ALLOCATOR.current_usage().saturating_sub(self.foreign)
    }

    /// The most bytes held at once since the last call.
    pub fn take_peak(&mut self) -> usize {
        self.note_peak();
        ALLOCATOR.reset_peak_usage();
        let held = self.held();
        core::mem::replace(&mut self.peak, held)
    }

    fn note_peak(&mut self) {
        self.peak = self.peak.max(ALLOCATOR.peak_usage().saturating_sub(self.foreign));
    }
}
