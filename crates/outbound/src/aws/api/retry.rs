//! Pauses before a call is made again: of random length up to a limit that doubles ("full jitter"), so that many callers
//! that were turned away together do not come back together.

use std::time::Duration;

/// How often a call is made, and how long the pauses may become.
#[derive(Clone, Copy, Debug)]
pub struct Retry {
    /// How often in all.
    pub times: u32,
    /// The longest first pause.
    pub first: Duration,
    /// The longest pause.
    pub most: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { times: 6, first: Duration::from_millis(250), most: Duration::from_secs(15) }
    }
}

impl Retry {
    /// The pause after so many calls.
    pub(super) fn pause(&self, times: u32) -> Duration {
        let doubled = 1_u32.checked_shl(times.saturating_sub(1)).unwrap_or(u32::MAX);
        let limit = self.first.saturating_mul(doubled).min(self.most);
        let mut bytes = [0; 4];
        // Without randomness, half of it.
        let random = match rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes) {
            Ok(()) => f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX),
            Err(_) => 0.5,
        };
        limit.mul_f64(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_have_limits_and_differ() {
        let retry = Retry::default();
        let first: Vec<Duration> = (0..50).map(|_| retry.pause(1)).collect();
        assert!(first.iter().all(|pause| *pause <= retry.first));
        assert!(first.iter().any(|pause| *pause != first[0]));
        assert!((0..50).all(|times| retry.pause(times) <= retry.most));
        assert!((0..50).any(|_| retry.pause(4) > retry.first * 2));
    }
}
