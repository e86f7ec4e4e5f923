//! A whole training on the emulated device, against the same on the host device.

use vpc_device::program::Precision;
use vpc_device::{Device, DeviceTrainer, Host};
use vpc_train::{StepReport, TrainConfig};

use crate::common::{run, with_batch};
use crate::device::Emulated;
use crate::kernels::is_here;

/// Tokens of a sequence: no multiple of a tile.
const LENGTH: usize = 13;

fn steps<D: Device>(config: &TrainConfig, precision: Precision, device: D) -> Vec<StepReport> {
    let mut trainer = DeviceTrainer::new(config, precision, device).expect("a sound shape");
    (0..3)
        .map(|step| {
            with_batch(config, step, LENGTH, |batch| {
                trainer.step(batch).expect("a step")
            })
        })
        .collect()
}

/// Losses and norms are `apart` at most, relatively.
fn agree(config: &TrainConfig, precision: Precision, apart: f64) {
    let ours = steps(config, precision, Emulated::new());
    let theirs = steps(config, precision, Host::new());
    for (one, other) in ours.iter().zip(&theirs) {
        let is_near = |one: f64, other: f64| (one - other).abs() <= apart * other.abs();
        assert!(is_near(one.loss, other.loss), "{one:?} is not {other:?}");
        assert!(
            is_near(one.grad_norm, other.grad_norm),
            "{one:?} is not {other:?}"
        );
    }
}

#[test]
fn f32_trains_as_on_the_host() {
    if is_here() {
        agree(&run(false), Precision::F32, 1e-5);
    }
}

#[test]
fn bf16_on_tensor_cores_trains_as_on_the_host() {
    if is_here() {
        let mut config = run(true);
        // Heads of 16, which tensor cores take.
        config.model.width = 64;
        agree(&config, Precision::Bf16, 1e-2);
    }
}
