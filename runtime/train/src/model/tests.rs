//! The whole network against the plain f64 reference, and its loading.

use super::Model;
use crate::gradient::Activations;
use crate::ops::{Recording, Silent};
use crate::{Batch, ModelConfig, reference};

const STEP: f64 = 1e-5;

fn check(config: &ModelConfig, rows: usize, length: usize) {
    let mut model = Model::initial(config, 5).expect("a sound shape");
    // The initial deviation makes gradients too small to tell errors from rounding.
    for index in 0..model.slabs.len() {
        let factor = if model.slabs[index].decays() {
            15.0
        } else {
            1.1
        };
        model
            .values_mut(index)
            .iter_mut()
            .for_each(|weight| *weight *= factor);
    }
    let token = |i: usize| (i * i * 7 + i) as u32 % config.vocabulary as u32;
    let inputs: Vec<u32> = (0..rows * length).map(token).collect();
    let targets: Vec<u32> = (1..=rows * length).map(token).collect();
    let batch = Batch {
        inputs: &inputs,
        targets: &targets,
        length,
    };
    let slabs: Vec<Vec<f64>> = model
        .values()
        .map(|slab| slab.iter().copied().map(f64::from).collect())
        .collect();
    let plain = |slabs: &[Vec<f64>]| reference::model(config, slabs, &inputs, &targets, length);

    let loss = model.loss(
        &batch,
        inputs.len(),
        Activations::Kept,
        Recording::default(),
    );
    let mean = loss.total / inputs.len() as f64;
    let exact = plain(&slabs);
    assert!((mean - exact).abs() < 1e-6 * exact, "{mean} is not {exact}");
    let silent = model
        .loss(&batch, inputs.len(), Activations::Kept, Silent)
        .total;
    assert_eq!(
        silent.to_bits(),
        loss.total.to_bits(),
        "a tape must not change the loss"
    );

    let mut gradients = loss.backward().expect("memory");
    let mut moved = slabs.clone();
    for (index, slab) in slabs.iter().enumerate() {
        let found = gradients.take_of(&model.tensors()[index]).expect("memory");
        let size = found
            .iter()
            .fold(1e-4_f64, |size, v| size.max(f64::from(v.abs())));
        for (at, &value) in slab.iter().enumerate() {
            let mut at_offset = |offset: f64| {
                moved[index][at] = value + offset;
                plain(&moved)
            };
            let exact = (at_offset(STEP) - at_offset(-STEP)) / (2.0 * STEP);
            moved[index][at] = value;
            let error = (f64::from(found[at]) - exact).abs() / size;
            let name = &model.slabs[index].parts[0].name;
            assert!(error < 2e-5, "d {name}[{at}]: {} is not {exact}", found[at]);
        }
    }
}

#[test]
fn gradients_of_the_whole_model() {
    let grouped = reference::tiny();
    check(&grouped, 3, 7);
    check(&grouped, 1, 1);
    check(
        &ModelConfig {
            tied: true,
            ..grouped.clone()
        },
        2,
        5,
    );
    let many = ModelConfig {
        width: 16,
        heads: 4,
        kv_heads: 2,
        layers: 1,
        ..grouped
    };
    check(&ModelConfig { tied: true, ..many }, 2, 3);
}

#[test]
fn each_tensor_has_its_own_stream() {
    let one = Model::initial(&reference::tiny(), 1).expect("a sound shape");
    let deeper = ModelConfig {
        layers: 3,
        vocabulary: 13,
        ..reference::tiny()
    };
    let deeper = Model::initial(&deeper, 1).expect("a sound shape");
    // Depth changes the residual projections' scale and nothing else of the first block.
    let (one, deeper): (Vec<_>, Vec<_>) = (one.values().collect(), deeper.values().collect());
    assert_eq!(one[..3], deeper[..3]);
    assert_ne!(one[3], deeper[3]);
    assert_eq!(one[5], deeper[5]);
}
