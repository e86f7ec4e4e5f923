//! Which patches of an image are hidden, and what is to be said of them.

use super::VisionConfig;
use crate::random::Stream;

/// The patches of one image that are seen and hidden, both rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Masked {
    pub(super) seen: Vec<usize>,
    pub(super) hidden: Vec<usize>,
}

impl Masked {
    /// Of `patches` patches, those that image `image` of step `step` shows: as many as
    /// patches · (1 − share), rounded down, drawn from a stream of its own.
    pub(super) fn draw(seed: u64, step: u64, image: usize, patches: usize, share: f64) -> Self {
        let stream = Stream::new(seed, "mask", &format!("{step}.{image}"));
        let mut order: Vec<(f64, usize)> = (0..patches)
            .map(|patch| (stream.uniform(patch as u64), patch))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let kept = (patches as f64 * (1.0 - share)) as usize;
        let rising = |part: &[(f64, usize)]| {
            let mut patches: Vec<usize> = part.iter().map(|(_, patch)| *patch).collect();
            patches.sort_unstable();
            patches
        };
        let (seen, hidden) = order.split_at(kept);
        Self {
            seen: rising(seen),
            hidden: rising(hidden),
        }
    }
}

/// The numbers of a patch of an image [3, side, side], in the order of `transformers`: line, column,
/// colour; less their mean, over the root of their variance (of a sample) plus 10⁻⁶ (He et al. 2022).
pub(super) fn target(config: &VisionConfig, image: &[f32], patch: usize) -> Vec<f32> {
    let (size, side, across) = (config.patch, config.image, config.grid());
    let (top, left) = (patch / across * size, patch % across * size);
    let channels = VisionConfig::CHANNELS;
    let numbers: Vec<f64> = (0..size * size * channels)
        .map(|at| {
            let (pixel, channel) = (at / channels, at % channels);
            let (line, column) = (top + pixel / size, left + pixel % size);
            f64::from(image[(channel * side + line) * side + column])
        })
        .collect();
    let n = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / n;
    let squares: f64 = numbers.iter().map(|x| (x - mean) * (x - mean)).sum();
    let deviation = (squares / (n - 1.0) + 1e-6).sqrt();
    let normed = numbers.iter().map(|x| ((x - mean) / deviation) as f32);
    normed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_of_every_step_has_a_mask_of_its_own() {
        let draw = |step, image| Masked::draw(3, step, image, 16, 0.75);
        let first = draw(0, 0);
        assert_eq!((first.seen.len(), first.hidden.len()), (4, 12));
        let mut all = [&first.seen[..], &first.hidden].concat();
        all.sort_unstable();
        assert_eq!(all, (0..16).collect::<Vec<_>>());
        assert_eq!(first, draw(0, 0));
        assert_ne!(first, draw(1, 0));
        assert_ne!(first, draw(0, 1));
        let mut shown = [0; 16];
        for step in 0..400 {
            draw(step, 0)
                .seen
                .iter()
                .for_each(|patch| shown[*patch] += 1);
        }
        assert!(shown.iter().all(|n| (60..140).contains(n)), "{shown:?}");
    }
}
