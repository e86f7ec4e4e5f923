//! Small plans scheduled by hand.

use super::*;
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
    };
    // Alone it has both threads.
    let one = on_machine(&pieces(&[12.0], &[]), &machine);
    assert_eq!((one.wall, one.widths[0]), (8.0, 2));
    // Two have one each, the third comes after them with both.
    let three = on_machine(&pieces(&[12.0, 12.0, 12.0], &[(0, 2), (1, 2)]), &machine);
    assert!((three.wall - (15.0 + 8.0)).abs() < 1e-9, "{}", three.wall);
    assert_eq!(three.widths, [1, 1, 2]);
}
