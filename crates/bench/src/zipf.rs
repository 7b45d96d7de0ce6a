use primitives::{Entropy, EntropyExhausted, SeededEntropy};

/// `draws` numbers below `most`, where the n-th is chosen 1/n times as often as the first, in a
/// scattered order: who calls often has nothing to do with where they stand in memory.
///
/// # Errors
/// When there is no randomness.
pub fn zipf(most: usize, draws: usize) -> Result<Vec<usize>, EntropyExhausted> {
    let entropy = SeededEntropy::new(11);
    let mut sums = Vec::with_capacity(most);
    let mut sum = 0.0;
    for rank in 1..=most {
        sum += 1.0 / precise(rank);
        sums.push(sum);
    }
    let mut chosen = Vec::with_capacity(draws);
    for _ in 0..draws {
        let mut bytes = [0; 4];
        entropy.fill(&mut bytes)?;
        let wanted = f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX) * sum;
        let rank = sums
            .partition_point(|&sum| sum < wanted)
            .min(most.saturating_sub(1));
        // Multiplying by an odd number that shares no factor with `most` scatters the ranks.
        chosen.push(rank.wrapping_mul(SCATTER) % most.max(1));
    }
    Ok(chosen)
}

/// A prime.
const SCATTER: usize = 2_654_435_761;

fn precise(rank: usize) -> f64 {
    f64::from(u32::try_from(rank).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_drawn_most_and_all_are_in_range() {
        let chosen = zipf(1_000, 100_000).unwrap();
        assert!(chosen.iter().all(|&one| one < 1_000));
        let times = |rank: usize| {
            let one = rank.wrapping_mul(SCATTER) % 1_000;
            chosen.iter().filter(|&&other| other == one).count()
        };
        let (first, second, tenth) = (times(0), times(1), times(9));
        assert!((12_000..15_000).contains(&first), "{first}");
        assert!((6_000..7_500).contains(&second), "{second}");
        assert!((1_100..1_600).contains(&tenth), "{tenth}");
    }
}
