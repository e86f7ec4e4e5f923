//! Small plans scheduled by hand.

use super::*;
use crate::gpu::{GpuPoint, GpuSpeeds, GpuWork, Gpus};
use crate::machine::Speeds;
use crate::work::Work;

/// Pieces of so many FLOPs.
fn pieces(flops: &[f64], edges: &[(u32, u32)]) -> Pieces {
    let work = flops.iter().map(|flops| Work {
        flops: *flops,
        flops_per_token: 1.0,
        ..Work::default()
    });
    Pieces::from_parts(work.collect(), edges)
}

#[test]
fn the_machine_shares_threads_as_the_engine_does() {
    let machine = Machine {
        threads: 2,
        memory: None,
        speeds: Speeds {
            scoring: vec![crate::machine::Point {
                flops_per_token: 1.0,
                alone: 1.0,
                all: 1.5,
                beside: 0.8,
            }],
            ..Speeds::rough(2)
        },
        is_measured: true,
        gpus: None,
    };
    // Alone it has both threads.
    let one = on_machine(&pieces(&[12.0], &[]), &machine);
    assert_eq!((one.wall, one.widths[0]), (8.0, 2));
    // Two have one each, the third comes after them with both.
    let three = on_machine(&pieces(&[12.0, 12.0, 12.0], &[(0, 2), (1, 2)]), &machine);
    assert!((three.wall - (15.0 + 8.0)).abs() < 1e-9, "{}", three.wall);
    assert_eq!(three.widths, [1, 1, 2]);
}

/// A machine whose GPUs were measured: two trainings are together 1.6 times as fast as one, whose step of a
/// thousand FLOPs takes a second.
fn with_gpus(count: u64) -> Machine {
    let line = vec![GpuPoint {
        flops_per_step: 1000.0,
        tokens_per_step: 10,
        tokens_per_second: vec![10.0, 16.0, 16.1],
    }];
    Machine {
        threads: 8,
        memory: None,
        speeds: Speeds::rough(8),
        is_measured: true,
        gpus: Some(Gpus {
            name: "made up".to_owned(),
            count,
            bytes: 1 << 30,
            speeds: GpuSpeeds {
                at: 0,
                f32: line.clone(),
                bf16: line,
            },
        }),
    }
}

/// So many trainings of ten steps.
fn trainings(count: usize) -> Pieces {
    let work = Work {
        flops: 1e4,
        flops_per_token: 100.0,
        steps: 10,
        gpu: Some(GpuWork {
            is_bf16: false,
            flops_per_step: 1000.0,
        }),
        ..Work::default()
    };
    Pieces::from_parts(vec![work; count], &[])
}

#[test]
fn trainings_share_gpus_as_was_measured() {
    let wall = |gpus, count| on_machine(&trainings(count), &with_gpus(gpus)).wall;
    let is = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    is(wall(1, 1), 10.0);
    // Two share one GPU, at 0.8 of their speed.
    is(wall(1, 2), 12.5);
    // A third waits until the first has gone, and begins beside the second.
    is(wall(1, 3), 25.0);
    is(wall(2, 2), 10.0);
    is(wall(2, 4), 12.5);
    // Those that wait hold their threads: ten of them have eight.
    is(wall(1, 10), 62.5);
}
