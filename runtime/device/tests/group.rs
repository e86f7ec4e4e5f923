//! Training on groups of host devices, against one device.

mod common;

use common::{run, with_batch};
use vpc_device::group::{Communicator, GroupTrainer, ThroughHost, memory};
use vpc_device::program::{BatchShape, Precision, Share};
use vpc_device::{Device, DeviceTrainer, Host, TrainError};
use vpc_train::{Activations, Batch, State, StepReport, TrainConfig, Trainer};

const LENGTH: usize = 5;

/// Twelve sequences, which two, three and four devices share out evenly.
fn shared(micro_batch: Option<usize>) -> TrainConfig {
    TrainConfig {
        batch: 12,
        micro_batch,
        ..run(true)
    }
}

fn group(
    config: &TrainConfig,
    precision: Precision,
    ranks: usize,
) -> GroupTrainer<Host, ThroughHost> {
    let devices = (0..ranks).map(|_| Host::new()).collect();
    GroupTrainer::new(config, precision, devices, ThroughHost).expect("a sound shape")
}

fn on_one(config: &TrainConfig, precision: Precision, count: usize) -> (Vec<StepReport>, State) {
    let mut trainer = DeviceTrainer::new(config, precision, Host::new()).expect("a sound shape");
    let reports = (0..count)
        .map(|step| {
            with_batch(config, step, LENGTH, |batch| {
                trainer.step(batch).expect("a step")
            })
        })
        .collect();
    (reports, trainer.to_host().expect("numbers").into_state())
}

fn on_many<D, C>(
    trainer: &mut GroupTrainer<D, C>,
    config: &TrainConfig,
    steps: std::ops::Range<usize>,
) -> (Vec<StepReport>, State)
where
    D: Device + Send,
    D::Graph: Send,
    C: Communicator<D>,
{
    let reports = steps
        .map(|step| {
            with_batch(config, step, LENGTH, |batch| {
                trainer.step(batch).expect("a step")
            })
        })
        .collect();
    trainer.check_alike().expect("the same bits");
    (reports, trainer.to_host().expect("numbers").into_state())
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

fn are_near(one: &(Vec<StepReport>, State), other: &(Vec<StepReport>, State)) {
    for (one, other) in one.0.iter().zip(&other.0) {
        assert!(
            (one.loss - other.loss).abs() < 1e-4 * other.loss,
            "{one:?} is not {other:?}"
        );
        // Twice the gradient, or half of it, would show here.
        assert!(
            (one.grad_norm - other.grad_norm).abs() < 1e-2 * other.grad_norm,
            "{one:?} is not {other:?}"
        );
    }
    for (one, other) in values(&one.1).zip(values(&other.1)) {
        assert!((one - other).abs() < 2e-3, "{one} is not {other}");
    }
}

#[test]
fn a_group_of_one_is_one_device() {
    for micro_batch in [None, Some(5)] {
        let config = shared(micro_batch);
        let one = on_one(&config, Precision::Bf16, 5);
        let mut trainer = group(&config, Precision::Bf16, 1);
        let group = on_many(&mut trainer, &config, 0..5);
        assert_eq!(one.0, group.0);
        assert_eq!(bits(&one.1), bits(&group.1));
    }
}

#[test]
fn more_compute_what_one_does_and_repeat_bit_for_bit() {
    let config = shared(None);
    let one = on_one(&config, Precision::F32, 20);
    for ranks in [2, 3, 4] {
        let mut trainer = group(&config, Precision::F32, ranks);
        let first = on_many(&mut trainer, &config, 0..20);
        are_near(&first, &one);
        let mut again = group(&config, Precision::F32, ranks);
        again
            .set_activations(Activations::Recomputed)
            .expect("nothing is held yet");
        let again = on_many(&mut again, &config, 0..20);
        assert_eq!(first.0, again.0);
        assert_eq!(bits(&first.1), bits(&again.1));
    }
}

#[test]
fn micro_batches_are_shared_out_too() {
    // The last one has four sequences.
    let config = shared(Some(8));
    let one = on_one(&config, Precision::F32, 20);
    for ranks in [2, 4] {
        let mut trainer = group(&config, Precision::F32, ranks);
        are_near(&on_many(&mut trainer, &config, 0..20), &one);
    }
}

#[test]
fn a_run_goes_on_from_its_files_with_another_number_of_devices() {
    let config = shared(None);
    let whole = on_one(&config, Precision::F32, 20);
    let mut two = group(&config, Precision::F32, 2);
    on_many(&mut two, &config, 0..7);
    let host = two.to_host().expect("numbers");
    let (mut model, mut optimizer) = (Vec::new(), Vec::new());
    host.save_model(&mut model).expect("a file");
    host.save_optimizer(&mut optimizer).expect("a file");
    for ranks in [2, 3] {
        let host = Trainer::resume(&config, &model, &optimizer).expect("its own files");
        let devices = (0..ranks).map(|_| Host::new()).collect();
        let mut trainer = GroupTrainer::of(&config, host, Precision::F32, devices, ThroughHost);
        assert_eq!(trainer.steps_done(), 7);
        let (reports, state) = on_many(&mut trainer, &config, 7..20);
        are_near(
            &(reports, state.clone()),
            &(whole.0[7..].to_vec(), whole.1.clone()),
        );
        if ranks == 2 {
            // Where it goes on as it was, no bit is another than without a break.
            let (_, unbroken) = on_many(&mut two, &config, 7..20);
            assert_eq!(bits(&state), bits(&unbroken));
        }
    }
}

#[test]
fn what_cannot_be_shared_out_evenly_is_refused() {
    let config = shared(Some(5));
    let mut trainer = group(&config, Precision::F32, 4);
    let refused = with_batch(&config, 0, LENGTH, |batch| {
        trainer.step(batch).expect_err("5 sequences on 4 devices")
    });
    assert!(
        matches!(
            refused,
            TrainError::Uneven {
                part: 5,
                batch: 12,
                ranks: 4
            }
        ),
        "{refused}"
    );
    // Nothing is lost by it.
    assert_eq!(trainer.steps_done(), 0);
    trainer.to_host().expect("the first numbers");
}

#[test]
fn a_device_of_several_needs_less_memory() {
    let config = shared(None);
    let of = |ranks| {
        let share = Share {
            batch: BatchShape {
                rows: 12,
                length: 16,
            },
            ranks,
        };
        memory(&config, share, Precision::Bf16, Activations::Kept).expect("a sound shape")
    };
    let sizes = [1, 2, 4].map(of);
    assert!(sizes.is_sorted_by(|one, next| one > next), "{sizes:?}");
    let mut trainer = group(&config, Precision::Bf16, 4);
    assert_eq!(trainer.memory(), 0);
    let (inputs, targets) = common::tokens(&config, 0, 16);
    let batch = Batch {
        inputs: &inputs,
        targets: &targets,
        length: 16,
    };
    trainer.step(&batch).expect("a step");
    assert_eq!(trainer.memory(), sizes[2]);
}

#[test]
fn divergence_on_one_device_leaves_all_as_they_were() {
    // Token 28 is read in the last sequence alone, which the last device has.
    let config = TrainConfig {
        batch: 3,
        ..run(false)
    };
    let mut broken = Trainer::new(&config).expect("a sound shape").into_state();
    let width = config.model.width;
    broken.matrices[0].weights[28 * width..].fill(f32::NAN);
    let broken = Trainer::from_state(&config, broken).expect("it fits");
    let devices = (0..3).map(|_| Host::new()).collect();
    let mut trainer = GroupTrainer::of(&config, broken, Precision::F32, devices, ThroughHost);
    let before = trainer.to_host().expect("numbers").into_state();
    let batch = Batch {
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
    assert_eq!(trainer.steps_done(), 0);
}
