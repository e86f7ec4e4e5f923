//! Steps whose batch is taken in micro-batches, against the trainer of the host and the whole batch.

mod common;

use common::{run, with_batch};
use vpc_device::program::{BatchShape, Command, Precision, Step};
use vpc_device::{DeviceTrainer, Host, TrainError, memory};
use vpc_train::{Activations, State, StepReport, TrainConfig, Trainer};

/// So that losses of a part do not end where a span may begin.
const LENGTH: usize = 13;

/// Seven sequences, taken so many at a time.
fn cut(tied: bool, micro_batch: Option<usize>) -> TrainConfig {
    TrainConfig {
        batch: 7,
        micro_batch,
        ..run(tied)
    }
}

fn trained(
    config: &TrainConfig,
    precision: Precision,
    activations: Activations,
    count: usize,
) -> (Vec<StepReport>, State) {
    let mut trainer = DeviceTrainer::new(config, precision, Host::new()).expect("a sound shape");
    trainer
        .set_activations(activations)
        .expect("nothing is held yet");
    let reports = (0..count)
        .map(|step| {
            with_batch(config, step, LENGTH, |batch| {
                trainer.step(batch).expect("a step")
            })
        })
        .collect();
    let host = trainer.to_host().expect("numbers");
    (reports, host.into_state())
}

fn on_the_host(config: &TrainConfig, count: usize) -> (Vec<StepReport>, State) {
    let mut trainer = Trainer::new(config).expect("a sound shape");
    let reports = (0..count)
        .map(|step| {
            with_batch(config, step, LENGTH, |batch| {
                trainer.step(batch).expect("a step")
            })
        })
        .collect();
    (reports, trainer.into_state())
}

fn values(state: &State) -> impl Iterator<Item = f32> {
    let matrices = state.matrices.iter();
    matrices
        .flat_map(|matrix| [&matrix.weights, &matrix.first, &matrix.second])
        .flatten()
        .copied()
}

fn bits(state: &State) -> Vec<u32> {
    values(state).map(f32::to_bits).collect()
}

/// The largest distance of losses, in parts of them, and of weights and moments.
fn apart(one: &(Vec<StepReport>, State), other: &(Vec<StepReport>, State)) -> (f64, f32) {
    let losses = one.0.iter().zip(&other.0);
    let losses = losses.map(|(one, other)| (one.loss - other.loss).abs() / other.loss);
    let numbers = values(&one.1).zip(values(&other.1));
    (
        losses.fold(0.0, f64::max),
        numbers.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max),
    )
}

#[test]
fn they_are_those_of_the_host_trainer() {
    for (tied, micro_batch) in [(false, 2), (true, 3), (true, 1), (false, 6)] {
        let config = cut(tied, Some(micro_batch));
        let theirs = on_the_host(&config, 20);
        let ours = trained(&config, Precision::F32, Activations::Kept, 20);
        for (ours, theirs) in ours.0.iter().zip(&theirs.0).take(3) {
            assert!((ours.loss - theirs.loss).abs() < 1e-6 * theirs.loss);
            assert!((ours.grad_norm - theirs.grad_norm).abs() < 1e-5 * theirs.grad_norm);
        }
        let (losses, numbers) = apart(&ours, &theirs);
        assert!(losses < 1e-4, "{micro_batch}: losses are {losses} apart");
        assert!(numbers < 2e-3, "{micro_batch}: weights are {numbers} apart");
    }
}

#[test]
fn they_add_up_to_the_whole_batch() {
    let whole = trained(&cut(true, None), Precision::F32, Activations::Kept, 20);
    let parts = trained(&cut(true, Some(3)), Precision::F32, Activations::Kept, 20);
    let (losses, numbers) = apart(&parts, &whole);
    assert!(losses < 1e-4, "losses are {losses} apart");
    assert!(numbers < 2e-3, "weights are {numbers} apart");
    assert_ne!(bits(&parts.1), bits(&whole.1), "sums of other orders");
    // Another scale than that of the whole batch would show in the first gradient.
    let (one, other) = (parts.0[0].grad_norm, whole.0[0].grad_norm);
    assert!(
        (one - other).abs() < 1e-5 * other,
        "norms {one} and {other}"
    );
}

#[test]
fn one_that_holds_the_batch_is_the_batch() {
    let whole = trained(&cut(false, None), Precision::Bf16, Activations::Kept, 5);
    for micro_batch in [7, 100] {
        let config = cut(false, Some(micro_batch));
        let one = trained(&config, Precision::Bf16, Activations::Kept, 5);
        assert_eq!(one.0, whole.0);
        assert_eq!(bits(&one.1), bits(&whole.1));
    }
}

#[test]
fn they_repeat_bit_for_bit_and_recomputation_changes_none() {
    for precision in [Precision::F32, Precision::Bf16] {
        let config = cut(true, Some(3));
        let once = trained(&config, precision, Activations::Kept, 10);
        let again = trained(&config, precision, Activations::Recomputed, 10);
        assert_eq!(once.0, again.0);
        assert_eq!(bits(&once.1), bits(&again.1));
    }
}

#[test]
fn batches_of_another_shape_are_taken_as_they_come() {
    let config = cut(false, Some(2));
    let mut host = Trainer::new(&config).expect("a sound shape");
    let mut ours = DeviceTrainer::new(&config, Precision::F32, Host::new()).expect("a sound shape");
    for (step, length) in [13, 5, 1, 16].into_iter().enumerate() {
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
fn divergence_in_a_later_part_leaves_everything_as_it_was() {
    // Token 28 is read in the last micro-batch alone, and its row is no number.
    let config = TrainConfig {
        batch: 3,
        micro_batch: Some(1),
        ..run(false)
    };
    let mut broken = Trainer::new(&config).expect("a sound shape").into_state();
    let width = config.model.width;
    broken.matrices[0].weights[28 * width..].fill(f32::NAN);
    let broken = Trainer::from_state(&config, broken).expect("it fits");
    let mut trainer = DeviceTrainer::of(&config, broken, Precision::F32, Host::new());
    let before = trainer.to_host().expect("numbers").into_state();
    let batch = vpc_train::Batch {
        inputs: &[1, 2, 3, 4, 5, 28],
        targets: &[2, 3, 4, 5, 6, 7],
        length: 2,
    };
    let error = trainer.step(&batch).expect_err("no number");
    assert!(
        matches!(
            error,
            TrainError::Train(vpc_train::TrainError::Diverged { step: 0, .. })
        ),
        "{error}"
    );
    let after = trainer.to_host().expect("numbers").into_state();
    assert_eq!(bits(&before), bits(&after));
}

#[test]
fn they_take_less_memory_with_and_without_recomputation() {
    let mut config = cut(false, None);
    config.model.layers = 6;
    config.batch = 16;
    let shape = BatchShape {
        rows: 16,
        length: 16,
    };
    for activations in [Activations::Kept, Activations::Recomputed] {
        let mut of = |micro_batch| {
            config.micro_batch = micro_batch;
            memory(&config, shape, Precision::F32, activations).expect("a sound shape")
        };
        let sizes = [None, Some(8), Some(4), Some(1)].map(&mut of);
        assert!(sizes.is_sorted_by(|one, next| one > next), "{sizes:?}");
        // What two micro-batches of four take beyond what lasts is half of what two of eight take.
        config.micro_batch = None;
        let one_row = BatchShape { rows: 1, length: 1 };
        let lasting = memory(&config, one_row, Precision::F32, activations).expect("a sound shape");
        assert!(
            3 * (sizes[2] - lasting) < 2 * (sizes[1] - lasting),
            "{lasting}: {sizes:?}"
        );
    }
}

#[test]
fn lists_are_few_and_only_the_first_sets_the_gradient() {
    let shape = BatchShape {
        rows: 7,
        length: LENGTH,
    };
    let config = cut(true, Some(2));
    let step = Step::record(&config, shape, Precision::Bf16, Activations::Recomputed)
        .expect("a sound shape");
    let parts = step.parts.as_ref().expect("parts");
    assert!(step.commands.is_empty());
    assert_eq!(parts.rows, [2, 2, 2, 1]);
    assert_eq!(parts.turns, [0, 1, 1, 2]);
    // Tables and heads are one matrix here: the first pass sets each gradient once.
    let sets = |commands: &[Command]| {
        let set = commands.iter().filter(|command| {
            matches!(
                command,
                Command::Gemm { out, plus: None, a_transposed: true, .. } if out.at >= parts.gradient.at
            ) || matches!(
                command,
                Command::EmbedGradient { add: false, .. }
                    | Command::RmsNormGradient { add: false, .. }
            )
        });
        set.count()
    };
    let matrices = step_matrices(&config);
    let counts: Vec<usize> = parts.passes.iter().map(|pass| sets(pass)).collect();
    assert_eq!(counts, [matrices, 0, 0]);
    // The scale is that of the whole batch, in each part.
    let scale = (1.0 / shape.tokens() as f64) as f32;
    let scales = parts
        .passes
        .iter()
        .flatten()
        .filter_map(|command| match command {
            Command::CrossEntropy { scale, .. } => *scale,
            _ => None,
        });
    assert_eq!(scales.collect::<Vec<_>>(), [scale; 3]);
}

fn step_matrices(config: &TrainConfig) -> usize {
    vpc_train::matrices(&config.model)
        .expect("a sound shape")
        .len()
}
