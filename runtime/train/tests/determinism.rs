//! Same key, same bits: at any thread count, alone or side by side, interrupted or not.

mod common;

use std::thread;

use common::{advance, files, model, run};
use proptest::prelude::*;
use vpc_train::{ModelConfig, StepReport, TrainConfig, Trainer, with_threads};

type Outcome = (Vec<StepReport>, (Vec<u8>, Vec<u8>));

fn train(config: &TrainConfig, threads: usize, steps: u64) -> Outcome {
    with_threads(threads, || {
        let mut trainer = Trainer::new(config).expect("a sound configuration");
        let reports = advance(&mut trainer, config, steps);
        (reports, files(&trainer))
    })
    .expect("a small pool can be built")
}

fn assert_same(a: &Outcome, b: &Outcome, what: &str) {
    assert_eq!(a.0, b.0, "reports: {what}");
    assert!(a.1.0 == b.1.0, "model files differ: {what}");
    assert!(a.1.1 == b.1.1, "optimiser files differ: {what}");
}

#[test]
fn bits_do_not_depend_on_threads_or_neighbours() {
    let wide = ModelConfig {
        width: 128,
        heads: 4,
        hidden: 344,
        vocabulary: 1024,
        ..model()
    };
    // 5 rows are one shard of work, 19 are two, and 33 are four, the last one smaller.
    let tied = ModelConfig {
        tied: true,
        ..model()
    };
    for (shape, batch) in [(model(), 5), (tied.clone(), 5), (wide, 19), (tied, 33)] {
        let config = TrainConfig {
            batch,
            ..run(shape)
        };
        let one = train(&config, 1, 10);
        for threads in [2, 3, 5] {
            assert_same(
                &one,
                &train(&config, threads, 10),
                &format!("{threads} threads"),
            );
        }
        thread::scope(|scope| {
            let config = &config;
            let neighbours =
                [1, 2, 3].map(|threads| scope.spawn(move || train(config, threads, 10)));
            for neighbour in neighbours {
                assert_same(
                    &one,
                    &neighbour.join().expect("a sound run"),
                    "side by side",
                );
            }
        });
    }
}

#[test]
fn training_learns() {
    let config = TrainConfig {
        steps: 60,
        ..run(model())
    };
    let (reports, _) = train(&config, 2, 60);
    let (first, last) = (reports[0].loss, reports[59].loss);
    assert!(
        (first - (301_f64).ln()).abs() < 0.05,
        "a new model is uniform, not {first}"
    );
    assert!(last < first - 1.0, "{first} became {last}");
    assert!(
        reports
            .iter()
            .enumerate()
            .all(|(i, report)| report.step == i as u64)
    );
}

#[test]
fn resuming_at_any_step_changes_nothing() {
    let config = TrainConfig {
        batch: 2,
        ..run(ModelConfig {
            context: 9,
            ..model()
        })
    };
    let whole = train(&config, 2, 8);
    for stop in 0..=8 {
        let (model, optimizer) = train(&config, 1, stop).1;
        let mut trainer = Trainer::resume(&config, &model, &optimizer).expect("sound files");
        assert_eq!(trainer.steps_done(), stop);
        let reports = advance(&mut trainer, &config, 8);
        assert_eq!(reports, whole.0[stop as usize..]);
        assert!(files(&trainer) == whole.1, "resumed at {stop}");
    }
}

#[test]
fn a_branch_from_a_shared_trunk_is_the_run_from_scratch() {
    let wsd = |steps| TrainConfig {
        schedule: vpc_train::Schedule::Wsd {
            warmup: 2,
            decay: 3,
            floor: 0.0,
        },
        steps,
        batch: 2,
        ..run(ModelConfig {
            context: 9,
            ..model()
        })
    };
    let (model, optimizer) = train(&wsd(100), 1, 5).1;
    let mut branch = Trainer::resume(&wsd(8), &model, &optimizer).expect("sound files");
    advance(&mut branch, &wsd(8), 8);
    assert!(files(&branch) == train(&wsd(8), 1, 8).1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_is_deterministic(
        half in 1..9_usize,
        keys in 1..4_usize,
        group in 1..4_usize,
        hidden in 1..90_usize,
        context in 1..80_usize,
        vocabulary in 2..600_usize,
        batch in 1..40_usize,
        tied: bool,
    ) {
        let heads = keys * group;
        let shape = ModelConfig {
            layers: 1, width: 2 * half * heads, heads, kv_heads: keys, hidden, context, vocabulary,
            tied, ..model()
        };
        let config = TrainConfig { batch, ..run(shape) };
        assert_same(&train(&config, 1, 3), &train(&config, 3, 3), "3 threads");
    }
}
