//! Bilinear resizing of a square of vectors.

/// Vectors [from², width], line by line, as [to², width].
///
/// As `interpolate(mode="bilinear", align_corners=False)` of PyTorch: place i of the result lies at
/// (i + 1/2)·from/to − 1/2 of the source, at least 0; beyond the last vector there is none to mix in.
///
/// # Panics
/// If the vectors are no square of `from`, or a size is 0.
pub fn resize(vectors: &[f32], width: usize, from: usize, to: usize) -> Vec<f32> {
    assert_eq!(vectors.len(), from * from * width, "a square of {from}");
    assert!(from > 0 && to > 0, "a square of {from} to one of {to}");
    if from == to {
        return vectors.to_vec();
    }
    let places = places(from, to);
    let row = |line: usize, column: usize| &vectors[(line * from + column) * width..][..width];
    let mut all = Vec::with_capacity(to * to * width);
    for &(top, bottom, down) in &places {
        for &(left, right, across) in &places {
            let corners = [
                row(top, left),
                row(top, right),
                row(bottom, left),
                row(bottom, right),
            ];
            all.extend((0..width).map(|i| {
                let [a, b, c, d] = corners.map(|corner| corner[i]);
                let (upper, lower) = (mix(a, b, across), mix(c, d, across));
                mix(upper, lower, down)
            }));
        }
    }
    all
}

/// The gradient [from², width] of [`resize`], of the gradient `dy` [to², width] of its result.
///
/// On one thread: places of the result share sources, and each sum must have one order.
pub(crate) fn resize_gradient(dy: &[f32], width: usize, from: usize, to: usize) -> Vec<f32> {
    if from == to {
        return dy.to_vec();
    }
    let mut all = vec![0.0; from * from * width];
    let (places, mut rows) = (places(from, to), dy.chunks_exact(width));
    for &(top, bottom, down) in &places {
        for &(left, right, across) in &places {
            let corners = [
                (top, left, (1.0 - down) * (1.0 - across)),
                (top, right, (1.0 - down) * across),
                (bottom, left, down * (1.0 - across)),
                (bottom, right, down * across),
            ];
            let dy = rows.next().unwrap_or_default();
            for (line, column, share) in corners {
                let row = &mut all[(line * from + column) * width..][..width];
                row.iter_mut()
                    .zip(dy)
                    .for_each(|(sum, part)| *sum += part * share);
            }
        }
    }
    all
}

/// For each place of the result its two neighbours in the source, and the share of the second.
fn places(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let between = |place: usize| {
        let at = ((place as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let first = (at as usize).min(from - 1);
        (first, (first + 1).min(from - 1), (at - first as f64) as f32)
    };
    (0..to).map(between).collect()
}

fn mix(a: f32, b: f32, share: f32) -> f32 {
    a * (1.0 - share) + b * share
}
