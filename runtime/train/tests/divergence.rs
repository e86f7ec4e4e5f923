//! A step whose loss or gradient is not a number changes nothing.

mod common;

use common::{advance, files, model, run, tokens};
use safetensors::SafeTensors;
use vpc_train::{Batch, TrainError, Trainer};

/// The saved model with one weight of `name` replaced.
fn poisoned(file: &[u8], name: &str, weight: f32) -> Vec<u8> {
    let read = SafeTensors::deserialize(file).expect("a sound file");
    let at = read.tensor(name).expect(name).data().as_ptr() as usize - file.as_ptr() as usize;
    let mut file = file.to_vec();
    file[at..at + 4].copy_from_slice(&weight.to_le_bytes());
    file
}

#[test]
fn a_diverged_step_leaves_everything_as_it_was() {
    let config = run(model());
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    advance(&mut trainer, &config, 2);
    let (sound, optimizer) = files(&trainer);
    let (inputs, targets) = tokens(&config.model, 2, 70, 0);
    let batch = Batch {
        inputs: &inputs,
        targets: &targets,
        length: 70,
    };
    for (name, weight) in [
        ("lm_head.weight", f32::NAN),
        ("model.norm.weight", f32::INFINITY),
        ("model.layers.0.mlp.up_proj.weight", 3e38),
        ("model.layers.1.self_attn.q_proj.weight", f32::NAN),
    ] {
        let file = poisoned(&sound, name, weight);
        let mut trainer = Trainer::resume(&config, &file, &optimizer).expect("sound files");
        match trainer.step(&batch) {
            Err(TrainError::Diverged {
                step: 2,
                loss,
                grad_norm,
            }) => {
                assert!(!(loss.is_finite() && grad_norm.is_finite()), "{name}");
            }
            other => panic!("{name} set to {weight}: {other:?}"),
        }
        assert_eq!(trainer.steps_done(), 2);
        assert!(
            files(&trainer) == (file, optimizer.clone()),
            "{name}: nothing may move"
        );
    }
}

#[test]
fn an_unfit_batch_leaves_everything_as_it_was() {
    let config = run(model());
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    let before = files(&trainer);
    let batch = Batch {
        inputs: &[999],
        targets: &[0],
        length: 1,
    };
    assert!(matches!(trainer.step(&batch), Err(TrainError::Batch(_))));
    assert!(files(&trainer) == before);
}
