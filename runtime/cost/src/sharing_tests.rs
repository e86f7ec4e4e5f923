//! Small plans scheduled by hand.

#![expect(clippy::float_cmp, reason = "whole numbers, exact in floats")]

use super::*;
use crate::work::Work;

/// Pieces of so many device-seconds on a device that does one FLOP a second.
fn pieces(seconds: &[f64], widest: u64, edges: &[(u32, u32)]) -> Pieces {
    let work = seconds.iter().map(|seconds| Work {
        flops: *seconds,
        flops_per_token: 1.0,
        widest,
        ..Work::default()
    });
    Pieces::from_parts(work.collect(), edges)
}

fn pool(count: u64) -> Pool {
    let mut pool: Pool = "a100".parse().unwrap();
    (pool.count, pool.device.peak, pool.device.utilisation) = (count, 1.0, 1.0);
    pool
}

fn wall(pieces: &Pieces, count: u64) -> f64 {
    let pool = pool(count);
    let fastest: Vec<f64> = pieces
        .work
        .iter()
        .map(|work| pool.seconds(work, pool.most(work)))
        .collect();
    on_pool(pieces, &pool, &fastest).wall
}

#[test]
fn a_single_training_takes_all_devices_it_can_use() {
    assert_eq!(wall(&pieces(&[100.0], 64, &[]), 10), 10.0);
    assert_eq!(wall(&pieces(&[100.0], 4, &[]), 10), 25.0);
}

#[test]
fn equal_trainings_share_the_pool() {
    // Two on five devices each. Three would leave a device idle: one after the other on all of them.
    assert_eq!(wall(&pieces(&[100.0; 2], 64, &[]), 10), 20.0);
    assert_eq!(wall(&pieces(&[100.0; 3], 64, &[]), 10), 30.0);
    // Where none can use more than three devices, one device is idle.
    let narrow = wall(&pieces(&[90.0; 3], 3, &[]), 10);
    assert_eq!(narrow, 30.0);
}

#[test]
fn many_small_jobs_fill_the_pool() {
    let wall = wall(&pieces(&[1.0; 1000], 1, &[]), 10);
    assert_eq!(wall, 100.0);
}

#[test]
fn a_chain_is_as_long_as_its_parts() {
    let chain = pieces(&[10.0, 20.0, 30.0], 1, &[(0, 1), (1, 2)]);
    assert_eq!(wall(&chain, 10), 60.0);
}

#[test]
fn a_long_chain_is_not_slowed_by_what_runs_beside_it() {
    // The chain alone takes 60 s on one device; 40 s of other work fit beside it.
    let mut seconds = vec![10.0, 20.0, 30.0];
    seconds.extend([1.0; 40]);
    let mixed = pieces(&seconds, 1, &[(0, 1), (1, 2)]);
    assert_eq!(wall(&mixed, 2), 60.0);
}

#[test]
fn no_schedule_beats_its_bounds() {
    // Pseudo-random plans: never shorter than the critical path or the shared-out work, and never
    // longer than everything one after the other.
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..200 {
        let count = 2 + next(30);
        let seconds: Vec<f64> = (0..count).map(|_| 1.0 + next(50) as f64).collect();
        let edges: Vec<(u32, u32)> = (0..next(40))
            .map(|_| (next(count) as u32, next(count) as u32))
            .filter(|(from, to)| from < to)
            .collect();
        let widest = 1 + next(8);
        let some = pieces(&seconds, widest, &edges);
        let devices = 1 + next(12);
        let pool = pool(devices);
        let fastest: Vec<f64> = some
            .work
            .iter()
            .map(|work| pool.seconds(work, pool.most(work)))
            .collect();
        let longest = longest_after(&some, &fastest)
            .into_iter()
            .fold(0.0, f64::max);
        let total: f64 = seconds.iter().sum();
        let wall = on_pool(&some, &pool, &fastest).wall;
        assert!(wall >= longest - 1e-9 && wall >= total / devices as f64 - 1e-9);
        assert!(wall <= total + 1e-9, "{wall} of {total}");
    }
}
