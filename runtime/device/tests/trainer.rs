//! Training by recorded programs on the host device, against the trainer of the host.

mod common;

use common::{run, with_batch};
use vpc_device::program::{BatchShape, Precision, Step};
use vpc_device::{DeviceTrainer, Host, TrainError, memory};
use vpc_train::{Activations, State, StepReport, TrainConfig, Trainer};

const LENGTH: usize = 13;

fn device(config: &TrainConfig, precision: Precision) -> DeviceTrainer<Host> {
    DeviceTrainer::new(config, precision, Host::new()).expect("a sound shape")
}

fn steps(
    trainer: &mut DeviceTrainer<Host>,
    config: &TrainConfig,
    steps: std::ops::Range<usize>,
) -> Vec<StepReport> {
    steps
        .map(|step| {
            with_batch(config, step, LENGTH, |batch| {
                trainer.step(batch).expect("a step")
            })
        })
        .collect()
}

fn on_the_host(config: &TrainConfig, count: usize) -> (Vec<StepReport>, Trainer) {
    let mut trainer = Trainer::new(config).expect("a sound shape");
    let reports = (0..count).map(|step| {
        with_batch(config, step, LENGTH, |batch| {
            trainer.step(batch).expect("a step")
        })
    });
    (reports.collect(), trainer)
}

fn bits(state: &State) -> Vec<u32> {
    let matrices = state.matrices.iter();
    matrices
        .flat_map(|matrix| [&matrix.weights, &matrix.first, &matrix.second])
        .flatten()
        .map(|value| value.to_bits())
        .collect()
}

fn farthest(one: &[StepReport], other: &[StepReport]) -> f64 {
    let apart =
        |(one, other): (&StepReport, &StepReport)| (one.loss - other.loss).abs() / other.loss;
    one.iter().zip(other).map(apart).fold(0.0, f64::max)
}

#[test]
fn the_first_steps_are_those_of_the_host_trainer() {
    for tied in [false, true] {
        let config = run(tied);
        let (theirs, _) = on_the_host(&config, 3);
        let ours = steps(&mut device(&config, Precision::F32), &config, 0..3);
        assert!(
            farthest(&ours, &theirs) < 1e-6,
            "{ours:?} is not {theirs:?}"
        );
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours.grad_norm - theirs.grad_norm).abs() < 1e-5 * theirs.grad_norm);
            assert!((ours.rate - theirs.rate).abs() < f64::EPSILON);
        }
    }
}

#[test]
fn a_hundred_steps_stay_together() {
    for tied in [false, true] {
        let config = run(tied);
        let (theirs, host) = on_the_host(&config, 100);
        let mut trainer = device(&config, Precision::F32);
        let ours = steps(&mut trainer, &config, 0..100);
        assert!(
            theirs[99].loss < 0.6 * theirs[0].loss,
            "nothing was learnt: {:?}",
            theirs[99]
        );
        let apart = farthest(&ours, &theirs);
        assert!(apart < 1e-4, "losses are {apart} apart");
        let (ours, theirs) = (trainer.to_host().expect("numbers"), host);
        let (ours, theirs) = (ours.into_state(), theirs.into_state());
        for (one, other) in ours.matrices.iter().zip(&theirs.matrices) {
            for (one, other) in one.weights.iter().zip(&other.weights) {
                assert!((one - other).abs() < 2e-3, "{one} is not {other}");
            }
        }
    }
}

#[test]
fn runs_repeat_bit_for_bit_and_recomputation_changes_none() {
    for precision in [Precision::F32, Precision::Bf16] {
        let config = run(true);
        let mut whole = device(&config, precision);
        let first = steps(&mut whole, &config, 0..10);
        let whole = whole.to_host().expect("numbers").into_state();
        let mut again = device(&config, precision);
        again
            .set_activations(Activations::Recomputed)
            .expect("nothing is held yet");
        assert_eq!(first, steps(&mut again, &config, 0..10));
        assert_eq!(
            bits(&whole),
            bits(&again.to_host().expect("numbers").into_state())
        );
    }
}

#[test]
fn a_run_goes_on_from_its_files_on_either_side() {
    let config = run(false);
    let (theirs, _) = on_the_host(&config, 20);
    // Ten steps there, ten here, by way of the files.
    let (_, mut host) = on_the_host(&config, 10);
    let (mut model, mut optimizer) = (Vec::new(), Vec::new());
    host.save_model(&mut model).expect("a file");
    host.save_optimizer(&mut optimizer).expect("a file");
    host = Trainer::resume(&config, &model, &optimizer).expect("its own files");
    let mut ours = DeviceTrainer::of(&config, host, Precision::F32, Host::new());
    assert_eq!(ours.steps_done(), 10);
    let here = steps(&mut ours, &config, 10..15);
    assert!(farthest(&here, &theirs[10..15]) < 1e-4);
    // And back.
    let mut back = ours.to_host().expect("numbers");
    assert_eq!(back.steps_done(), 15);
    for (step, theirs) in theirs.iter().enumerate().skip(15) {
        let report = with_batch(&config, step, LENGTH, |batch| {
            back.step(batch).expect("a step")
        });
        assert!((report.loss - theirs.loss).abs() < 1e-4 * theirs.loss);
    }
}

#[test]
fn batches_of_another_shape_are_taken_as_they_come() {
    let config = run(false);
    let mut host = Trainer::new(&config).expect("a sound shape");
    let mut ours = device(&config, Precision::F32);
    for (step, length) in [13, 5, 5, 1, 16, 13].into_iter().enumerate() {
        let (one, other) = with_batch(&config, step, length, |batch| {
            (
                ours.step(batch).expect("a step"),
                host.step(batch).expect("a step"),
            )
        });
        assert!(
            (one.loss - other.loss).abs() < 1e-5 * other.loss,
            "{one:?} is not {other:?}"
        );
    }
}

#[test]
fn bf16_learns_as_f32_does() {
    let config = run(false);
    let (theirs, _) = on_the_host(&config, 100);
    let ours = steps(&mut device(&config, Precision::Bf16), &config, 0..100);
    assert!((ours[0].loss - theirs[0].loss).abs() < 1e-2 * theirs[0].loss);
    let tail = |reports: &[StepReport]| reports[90..].iter().map(|one| one.loss).sum::<f64>();
    let (ours, theirs) = (tail(&ours), tail(&theirs));
    assert!(
        (ours - theirs).abs() < 0.1 * theirs,
        "{ours} is not about {theirs}"
    );
    assert!(
        ours.to_bits() != theirs.to_bits(),
        "bf16 must be another class"
    );
}

#[test]
fn divergence_leaves_everything_as_it_was() {
    let mut config = run(false);
    let mut trainer = device(&config, Precision::F32);
    steps(&mut trainer, &config, 0..2);
    let mut broken = trainer.to_host().expect("numbers").into_state();
    broken.matrices[0].weights[0] = f32::NAN;
    config.optimizer.clip = 0.0;
    let broken = Trainer::from_state(&config, broken).expect("it fits");
    let mut trainer = DeviceTrainer::of(&config, broken, Precision::F32, Host::new());
    let before = trainer.to_host().expect("numbers").into_state();
    let error = with_batch(&config, 2, LENGTH, |batch| {
        trainer.step(batch).expect_err("no number")
    });
    assert!(
        matches!(
            error,
            TrainError::Train(vpc_train::TrainError::Diverged { step: 2, .. })
        ),
        "{error}"
    );
    assert_eq!(
        bits(&before),
        bits(&trainer.to_host().expect("numbers").into_state())
    );
    assert_eq!(trainer.steps_done(), 2);
}

#[test]
fn a_batch_that_does_not_fit_is_refused_before_anything_is_done() {
    let config = run(false);
    let mut trainer = device(&config, Precision::F32);
    let batch = vpc_train::Batch {
        inputs: &[0, 29],
        targets: &[1, 2],
        length: 2,
    };
    let error = trainer.step(&batch).expect_err("29 is no token");
    assert!(error.to_string().contains("29"), "{error}");
    assert_eq!(trainer.steps_done(), 0);
}

#[test]
fn recomputation_saves_memory_and_memory_is_known_beforehand() {
    let mut config = run(false);
    config.model.layers = 6;
    let shape = BatchShape {
        rows: 16,
        length: 16,
    };
    let of =
        |activations| memory(&config, shape, Precision::F32, activations).expect("a sound shape");
    let (kept, recomputed) = (of(Activations::Kept), of(Activations::Recomputed));
    let lasting = memory(
        &config,
        BatchShape { rows: 1, length: 1 },
        Precision::F32,
        Activations::Kept,
    )
    .expect("a sound shape");
    assert!(recomputed < kept, "{recomputed} is not less than {kept}");
    assert!(
        2 * (recomputed - lasting) < kept - lasting,
        "{lasting}: {recomputed}, {kept}"
    );
    // bf16 takes 18 bytes for each weight and half the activations.
    let halves = memory(&config, shape, Precision::Bf16, Activations::Kept).expect("a sound shape");
    assert!(halves < kept, "{halves} is not less than {kept}");
}

#[test]
fn the_same_step_is_recorded_each_time() {
    let config = run(true);
    let shape = BatchShape {
        rows: 4,
        length: LENGTH,
    };
    let record = || {
        Step::record(&config, shape, Precision::Bf16, Activations::Recomputed)
            .expect("a sound shape")
    };
    let (one, other) = (record(), record());
    assert_eq!(one.commands, other.commands);
    assert_eq!(one.bytes, other.bytes);
}
