//! Reductions and the exponential over a slice, in a fixed lane layout that vectorises.

/// Independent partial results per reduction: two 512-bit registers.
const LANES: usize = 32;

/// Sums the lanes pairwise, in one fixed tree.
#[inline(always)]
fn fold(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Inner product of two slices of equal length.
#[inline(always)]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_blocks.remainder().iter().zip(b_blocks.remainder());
    for (x, y) in a_blocks.zip(b_blocks) {
        for i in 0..LANES {
            lanes[i] = x[i].mul_add(y[i], lanes[i]);
        }
    }
    rest.fold(fold(lanes), |sum, (x, y)| x.mul_add(*y, sum))
}

/// Σ aᵢ·bᵢ·cᵢ over three slices of equal length.
#[inline(always)]
pub(crate) fn dot3(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let blocks = a.len() / LANES * LANES;
    for start in (0..blocks).step_by(LANES) {
        let (a, b, c) = (
            &a[start..][..LANES],
            &b[start..][..LANES],
            &c[start..][..LANES],
        );
        for i in 0..LANES {
            lanes[i] = (a[i] * b[i]).mul_add(c[i], lanes[i]);
        }
    }
    (blocks..a.len()).fold(fold(lanes), |sum, i| (a[i] * b[i]).mul_add(c[i], sum))
}

/// Sum of a slice.
#[inline(always)]
pub(crate) fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for i in 0..LANES {
            lanes[i] += block[i];
        }
    }
    rest.iter().fold(fold(lanes), |sum, value| sum + value)
}

/// Largest element; −∞ for an empty slice. NaNs are skipped (they reappear in the exponentials).
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let blocks = values.chunks_exact(LANES);
    let rest = blocks.remainder();
    for block in blocks {
        for i in 0..LANES {
            lanes[i] = if block[i] > lanes[i] {
                block[i]
            } else {
                lanes[i]
            };
        }
    }
    lanes.iter().chain(rest).fold(
        f32::NEG_INFINITY,
        |best, &value| if value > best { value } else { best },
    )
}

/// eˣ to about one unit in the last place, without branches; arguments are clamped to ±87.
///
/// Range reduction x = n·ln 2 + r with ln 2 in two parts, then the degree-5 minimax polynomial of
/// Cephes `expf`. NaN stays NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// 1.5·2²³: adding it rounds to an integer and leaves that integer in the low mantissa bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let shifted = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    let p = 1.987_569_2e-4_f32;
    let p = p.mul_add(r, 1.398_199_9e-3);
    let p = p.mul_add(r, 8.333_452e-3);
    let p = p.mul_add(r, 4.166_579_6e-2);
    let p = p.mul_add(r, 1.666_666_5e-1);
    let p = p.mul_add(r, 0.5);
    let mantissa = (p * r).mul_add(r, r) + 1.0;
    mantissa * f32::from_bits(shifted.to_bits().wrapping_add(127) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_ulp_over_its_range() {
        for step in -870_000..870_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(
                error < 2.0 * f64::from(f32::EPSILON),
                "exp({x}) is off by {error:e}"
            );
        }
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn reductions_handle_every_remainder() {
        for length in 0..100_usize {
            let values: Vec<f32> = (0..length).map(|i| (i as f32 * 0.7).sin()).collect();
            let exact: f64 = values.iter().map(|&v| f64::from(v)).sum();
            assert!((f64::from(sum(&values)) - exact).abs() < 1e-5);
            let squares: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            assert!((f64::from(dot(&values, &values)) - squares).abs() < 1e-5);
            let ones = vec![1.0; length];
            assert!((f64::from(dot3(&values, &values, &ones)) - squares).abs() < 1e-5);
            let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert_eq!(max(&values).to_bits(), largest.to_bits());
        }
    }
}
