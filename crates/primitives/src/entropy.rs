use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// The source of randomness failed; nothing secret may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness failed")]
pub struct EntropyExhausted;

/// Where randomness comes from.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `buffer` with random bytes.
    ///
    /// # Errors
    /// When the source cannot deliver; the buffer must then not be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyExhausted>;
}

/// The operating system's generator.
#[derive(Debug)]
pub struct SystemEntropy(SystemRandom);

impl SystemEntropy {
    /// A handle on the operating system's generator.
    #[must_use]
    pub fn new() -> Self {
        Self(SystemRandom::new())
    }
}

impl Default for SystemEntropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyExhausted> {
        self.0.fill(buffer).map_err(|_| EntropyExhausted)
    }
}

/// Random bytes drawn from another source many at once, because each drawing costs more than
/// its bytes. For ids that only tell things apart; what is secret is drawn by itself.
#[derive(Debug)]
pub struct PooledEntropy<E> {
    source: E,
    pool: Mutex<Pool>,
}

#[derive(Debug)]
struct Pool {
    bytes: [u8; POOL],
    used: usize,
}

const POOL: usize = 1_024;

impl<E: Entropy> PooledEntropy<E> {
    /// A pool that is filled from `source` when it is needed.
    #[must_use]
    pub const fn new(source: E) -> Self {
        let pool = Pool {
            bytes: [0; POOL],
            used: POOL,
        };
        Self {
            source,
            pool: Mutex::new(pool),
        }
    }
}

impl<E: Entropy> Entropy for PooledEntropy<E> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyExhausted> {
        if buffer.len() > POOL {
            return self.source.fill(buffer);
        }
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.used + buffer.len() > POOL {
            self.source.fill(&mut pool.bytes)?;
            pool.used = 0;
        }
        let (begin, end) = (pool.used, pool.used + buffer.len());
        let drawn = pool.bytes.get(begin..end).ok_or(EntropyExhausted)?;
        buffer.copy_from_slice(drawn);
        pool.used = end;
        Ok(())
    }
}

/// A repeatable sequence for tests (`SplitMix64`). Never for anything secret.
#[derive(Debug)]
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// A sequence that `seed` determines.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyExhausted> {
        for chunk in buffer.chunks_mut(8) {
            let step = 0x9E37_79B9_7F4A_7C15;
            let mut z = self.0.fetch_add(step, Ordering::SeqCst).wrapping_add(step);
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            for (to, from) in chunk.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }
}

impl<E: Entropy + ?Sized> Entropy for std::sync::Arc<E> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyExhausted> {
        (**self).fill(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    struct Never;

    impl Entropy for Never {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyExhausted> {
            Err(EntropyExhausted)
        }
    }

    #[test]
    fn a_pool_gives_no_byte_twice() {
        let pool = PooledEntropy::new(SystemEntropy::new());
        let mut seen = HashSet::new();
        for length in [16, 8, 24].repeat(400) {
            let mut drawn = vec![0; length];
            pool.fill(&mut drawn).unwrap();
            assert!(drawn.iter().any(|&byte| byte != 0));
            for piece in drawn.chunks_exact(8) {
                assert!(seen.insert(piece.to_vec()));
            }
        }
        let mut long = vec![0; POOL + 1];
        pool.fill(&mut long).unwrap();
        assert!(long.iter().any(|&byte| byte != 0));
    }

    #[test]
    fn a_pool_whose_source_fails_gives_nothing() {
        let pool = PooledEntropy::new(Never);
        for _ in 0..2 {
            assert_eq!(pool.fill(&mut [0; 8]), Err(EntropyExhausted));
        }
        assert_eq!(pool.fill(&mut [0; POOL + 1]), Err(EntropyExhausted));
    }
}
