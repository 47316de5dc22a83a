//! A clock that stands still until it is moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use outrigger_model::UnixMs;

use crate::ports::clock::Clock;

/// A clock that stands still until it is moved. Its clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock {
    now_ms: Arc<AtomicU64>,
}

impl VirtualClock {
    /// A clock that shows `start_ms`.
    pub fn new(start_ms: UnixMs) -> Self {
        Self {
            now_ms: Arc::new(AtomicU64::new(start_ms)),
        }
    }

    /// Moves the clock, and every clock that shares its time, forward.
    pub fn advance(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// A clock that moves with this one, but is `offset_ms` ahead of it (or behind, if negative).
    pub fn skewed(&self, offset_ms: i64) -> SkewedClock {
        SkewedClock {
            base: self.clone(),
            offset_ms,
        }
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> UnixMs {
        self.now_ms.load(Ordering::SeqCst)
    }
}

/// Another machine's clock: see [`VirtualClock::skewed`].
#[derive(Clone, Debug)]
pub struct SkewedClock {
    base: VirtualClock,
    offset_ms: i64,
}

impl Clock for SkewedClock {
    fn now_ms(&self) -> UnixMs {
        self.base.now_ms().saturating_add_signed(self.offset_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_move_together() {
        let clock = VirtualClock::new(10_000);
        let (ahead, behind) = (clock.skewed(4_000), clock.skewed(-4_000));
        clock.clone().advance(1_000);
        assert_eq!(
            [clock.now_ms(), ahead.now_ms(), behind.now_ms()],
            [11_000, 15_000, 7_000]
        );
    }
}
