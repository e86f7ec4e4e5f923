//! Named random streams: every number is a pure function of seed, name and position.

use rayon::prelude::*;

/// Numbers per unit of work.
const UNIT: usize = 1 << 12;
/// Bytes of stream per pair of normals.
const PAIR: usize = 16;

/// A stream of random bytes, addressed by position.
pub(crate) struct Stream(blake3::OutputReader);

impl Stream {
    /// The stream `name` of `purpose` under `seed`: BLAKE3 in extendable-output mode.
    pub(crate) fn new(seed: u64, purpose: &str, name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("vpc-train random stream 1");
        hasher.update(&seed.to_le_bytes());
        for part in [purpose, name] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize_xof())
    }

    /// The first `len` normal numbers of mean 0 and standard deviation `deviation`.
    ///
    /// Numbers 2i and 2i+1 come from bytes 16i.. by Box & Muller's transform, in f64.
    pub(crate) fn normals(&self, len: usize, deviation: f64) -> Vec<f32> {
        let mut values = vec![0.0; len];
        values
            .par_chunks_mut(UNIT)
            .enumerate()
            .for_each(|(unit, values)| {
                let mut bytes = vec![0; values.len().div_ceil(2) * PAIR];
                let mut stream = self.0.clone();
                stream.set_position((unit * UNIT / 2 * PAIR) as u64);
                stream.fill(&mut bytes);
                for (pair, bytes) in values.chunks_mut(2).zip(bytes.chunks_exact(PAIR)) {
                    let (radius, angle) = polar(bytes);
                    let both = [radius * angle.cos(), radius * angle.sin()];
                    for (value, normal) in pair.iter_mut().zip(both) {
                        *value = (normal * deviation) as f32;
                    }
                }
            });
        values
    }

    /// Number `position` of the stream, uniform in (0, 1).
    pub(crate) fn uniform(&self, position: u64) -> f64 {
        let mut bytes = [0; PAIR / 2];
        let mut stream = self.0.clone();
        stream.set_position(position * bytes.len() as u64);
        stream.fill(&mut bytes);
        share(&bytes)
    }
}

/// Radius and angle of a pair of independent normals.
fn polar(bytes: &[u8]) -> (f64, f64) {
    let (first, second) = bytes.split_at(PAIR / 2);
    (
        (-2.0 * share(first).ln()).sqrt(),
        std::f64::consts::TAU * share(second),
    )
}

/// Eight bytes, little-endian, as a number in (0, 1).
fn share(bytes: &[u8]) -> f64 {
    let word = bytes
        .iter()
        .rev()
        .fold(0_u64, |word, &byte| word << 8 | u64::from(byte));
    ((word >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_normal_and_prefix_stable() {
        let stream = Stream::new(7, "init", "a");
        let values = stream.normals(100_001, 0.02);
        let n = values.len() as f64;
        let mean: f64 = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let power: f64 = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 3e-4, "mean {mean}");
        assert!(
            (power.sqrt() - 0.02).abs() < 3e-4,
            "deviation {}",
            power.sqrt()
        );
        assert_eq!(stream.normals(777, 0.02), values[..777]);
    }

    #[test]
    fn seed_purpose_and_name_separate_streams() {
        let first = |seed, purpose, name| Stream::new(seed, purpose, name).normals(4, 1.0);
        let base = first(1, "init", "w");
        assert_ne!(base, first(2, "init", "w"));
        assert_ne!(base, first(1, "ini", "tw"));
        assert_ne!(base, first(1, "init", "v"));
    }
}
