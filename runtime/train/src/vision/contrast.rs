//! The loss of pairs of images and texts, and its gradients.

use crate::kernels::cross_entropy::{Logits, rows};
use crate::kernels::gemm::{Write, linear, linear_input, linear_weight};

/// Loss of a batch of pairs, and its gradients.
pub(super) struct Contrast {
    /// In nats.
    pub(super) loss: f64,
    /// [n, width], of the images' vectors.
    pub(super) images: Vec<f32>,
    /// [n, width], of the texts' vectors.
    pub(super) texts: Vec<f32>,
    /// Of the logarithm of the scale.
    pub(super) log_scale: f32,
}

impl Contrast {
    /// Symmetric cross-entropy over the batch (Radford et al. 2021, figure 3): of n pairs, logit (i, j)
    /// is e^`log_scale` · imageᵢ·textⱼ; the mean of the losses of finding text i for image i, and of
    /// finding image i for text i.
    ///
    /// `images` and `texts` are [n, width].
    pub(super) fn of(images: &[f32], texts: &[f32], width: usize, log_scale: f32) -> Self {
        let n = images.len() / width;
        let scale = log_scale.exp();
        let mut logits = vec![0.0; n * n];
        linear(&mut logits, Write::Set, images, texts, width);
        for logit in &mut logits {
            *logit *= scale;
        }
        let targets: Vec<u32> = (0..n as u32).collect();
        let half = Logits::Gradient(0.5 / n as f32);
        let (mut by_image, mut by_text) = (logits.clone(), transposed(&logits, n));
        let (mut of_images, mut of_texts) = (vec![0.0; n], vec![0.0; n]);
        rows(&mut of_images, &mut by_image, n, &targets, half);
        rows(&mut of_texts, &mut by_text, n, &targets, half);
        let total: f64 = of_images.iter().chain(&of_texts).sum();
        let mut gradient = by_image;
        let other = transposed(&by_text, n);
        gradient.iter_mut().zip(other).for_each(|(g, o)| *g += o);
        let pairs = gradient.iter().zip(&logits);
        let log_scale: f64 = pairs.map(|(g, l)| f64::from(*g) * f64::from(*l)).sum();
        for g in &mut gradient {
            *g *= scale;
        }
        let mut of = [vec![0.0; images.len()], vec![0.0; texts.len()]];
        linear_input(&mut of[0], Write::Set, &gradient, texts, width);
        linear_weight(&mut of[1], Write::Set, &gradient, images, width);
        let [images, texts] = of;
        Self {
            loss: total / (2 * n) as f64,
            images,
            texts,
            log_scale: log_scale as f32,
        }
    }
}

/// A square matrix with rows and columns exchanged.
fn transposed(matrix: &[f32], n: usize) -> Vec<f32> {
    (0..n * n).map(|at| matrix[at % n * n + at / n]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// The same loss in f64 loops.
    fn scalar(images: &[f64], texts: &[f64], width: usize, log_scale: f64) -> f64 {
        let n = images.len() / width;
        let logit = |i: usize, j: usize| -> f64 {
            let dot: f64 = (0..width)
                .map(|k| images[i * width + k] * texts[j * width + k])
                .sum();
            dot * log_scale.exp()
        };
        let mut total = 0.0;
        for i in 0..n {
            let by_image: f64 = (0..n).map(|j| logit(i, j).exp()).sum();
            let by_text: f64 = (0..n).map(|j| logit(j, i).exp()).sum();
            total += by_image.ln() + by_text.ln() - 2.0 * logit(i, i);
        }
        total / (2 * n) as f64
    }

    #[test]
    fn loss_and_gradients_are_those_of_scalar_code() {
        for (n, width) in [(1, 3), (2, 1), (5, 4), (9, 6)] {
            let of = |name: &str| Stream::new(1, "test", name).normals(n * width, 0.6);
            let (images, texts, log_scale) = (of("images"), of("texts"), 0.7_f32);
            let found = Contrast::of(&images, &texts, width, log_scale);
            let wide = |values: &[f32]| -> Vec<f64> { values.iter().map(|&x| x.into()).collect() };
            let exact = |moved: usize, offset: f64| {
                let mut all = [wide(&images), wide(&texts), vec![log_scale.into()]].concat();
                all[moved] += offset;
                let (images, rest) = all.split_at(n * width);
                let (texts, log_scale) = rest.split_at(n * width);
                scalar(images, texts, width, log_scale[0])
            };
            assert!((found.loss - exact(0, 0.0)).abs() < 1e-6);
            let gradients = [&found.images[..], &found.texts, &[found.log_scale]].concat();
            for (at, gradient) in gradients.iter().enumerate() {
                let slope = (exact(at, 1e-5) - exact(at, -1e-5)) / 2e-5;
                let error = (f64::from(*gradient) - slope).abs();
                assert!(error < 1e-5, "{n} pairs, {at}: {gradient} is not {slope}");
            }
        }
    }
}
