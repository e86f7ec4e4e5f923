//! Tests of how many trainings share a GPU.

use super::*;

fn point(flops_per_step: f64, rates: &[f64]) -> GpuPoint {
    GpuPoint {
        flops_per_step,
        tokens_per_step: 1000,
        tokens_per_second: rates.to_vec(),
    }
}

/// Small trainings gain much from company, the largest nothing.
fn speeds() -> GpuSpeeds {
    let line = vec![
        point(1e9, &[1e5, 2e5, 4e5, 7e5]),
        point(1e11, &[8e4, 1.4e5, 1.8e5, 1.82e5]),
        point(1e13, &[1e4, 1.01e4]),
    ];
    GpuSpeeds {
        at: 0,
        f32: line[2..].to_vec(),
        bf16: line,
    }
}

fn bf16(flops_per_step: f64) -> GpuWork {
    GpuWork {
        is_bf16: true,
        flops_per_step,
    }
}

#[test]
fn measured_sizes_get_what_pays() {
    let speeds = speeds();
    assert!(speeds.is_sound());
    assert_eq!(speeds.trainings(bf16(1e9)), 8);
    // 1.82 is no twentieth more than 1.8.
    assert_eq!(speeds.trainings(bf16(1e11)), 4);
    assert_eq!(speeds.trainings(bf16(1e13)), 1);
    // Beyond both ends, as the nearest.
    assert_eq!(speeds.trainings(bf16(1.0)), 8);
    assert_eq!(speeds.trainings(bf16(1e20)), 1);
    let work = GpuWork {
        is_bf16: false,
        ..bf16(1e9)
    };
    assert_eq!(speeds.trainings(work), 1);
}

/// Where gains fall with the size, so does the number of trainings, and never two sizes more than
/// the measured ones beside it allow.
#[test]
fn larger_trainings_never_share_with_more() {
    let speeds = speeds();
    let sizes = (0..=600).map(|at| 10_f64.powf(8.0 + f64::from(at) / 100.0));
    let counts: Vec<u64> = sizes.map(|size| speeds.trainings(bf16(size))).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    let mut seen = counts.clone();
    seen.dedup();
    assert_eq!(seen, [8, 4, 2, 1]);
}

/// An independent account: gains by hand, half-way between two sizes.
#[test]
fn gains_are_interpolated_along_logarithms() {
    let speeds = speeds();
    let half = bf16(1e10);
    // Sums of two: 2 and 1.75 times one. Their geometric mean is what the pair gains.
    let gain = (2.0_f64 * 1.75).sqrt();
    let alone = (1000.0_f64 / 1e5 * (1000.0 / 8e4)).sqrt();
    let is = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} is not {b}");
    is(speeds.step(half, 1).unwrap(), alone);
    is(speeds.step(half, 2).unwrap(), alone * 2.0 / gain);
    // Three were not measured: the gain of two.
    is(speeds.step(half, 3).unwrap(), alone * 3.0 / gain);
    // Below the smallest a step takes as long; above the largest, its share of the FLOPs.
    is(speeds.step(bf16(1e3), 1).unwrap(), 0.01);
    is(speeds.step(bf16(3e13), 1).unwrap(), 0.3);
    // Four were not measured of the largest.
    is(speeds.step(bf16(1e13), 4).unwrap(), 0.1 * 4.0 / 1.01);
}

#[test]
fn what_was_not_measured_does_not_share() {
    let nothing = GpuSpeeds {
        at: 0,
        f32: Vec::new(),
        bf16: Vec::new(),
    };
    assert_eq!(nothing.trainings(bf16(1e9)), 1);
    assert_eq!(nothing.step(bf16(1e9), 1), None);
    assert!(!nothing.is_sound());
}

#[test]
fn unsound_speeds_are_known() {
    for spoil in [
        |speeds: &mut GpuSpeeds| speeds.f32.clear(),
        |speeds: &mut GpuSpeeds| speeds.bf16.reverse(),
        |speeds: &mut GpuSpeeds| speeds.bf16[0].tokens_per_second[1] = f64::NAN,
        |speeds: &mut GpuSpeeds| speeds.bf16[0].tokens_per_second.clear(),
        |speeds: &mut GpuSpeeds| speeds.bf16[0].tokens_per_step = 0,
        |speeds: &mut GpuSpeeds| speeds.bf16[0].tokens_per_second = vec![1.0; 5],
    ] {
        let mut speeds = speeds();
        spoil(&mut speeds);
        assert!(!speeds.is_sound(), "{speeds:?}");
    }
}
