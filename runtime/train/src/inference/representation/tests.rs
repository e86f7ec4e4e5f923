//! Representations against logits, the training forward, and models cut off after a block.

use std::sync::Arc;

use super::*;
use crate::gradient::Activations;
use crate::kernels::gemm::Write;
use crate::model::Parameters;
use crate::ops::Silent;
use crate::{Model, ModelConfig, with_threads};

fn shape(tied: bool) -> ModelConfig {
    ModelConfig {
        layers: 3,
        width: 24,
        heads: 4,
        kv_heads: 2,
        hidden: 40,
        context: 700,
        vocabulary: 61,
        rope_base: 10_000.0,
        norm_eps: 1e-5,
        tied,
    }
}

/// A model with weights as large as trained ones.
fn model(tied: bool) -> Model {
    let mut model = Model::initial(&shape(tied), 5).expect("a sound shape");
    for index in 0..model.slabs().len() {
        for (at, weight) in model.values_mut(index).iter_mut().enumerate() {
            *weight = *weight * 9.0 + 0.1 * (at as f32).sin();
        }
    }
    model
}

fn text(length: usize, seed: usize) -> Vec<u32> {
    (0..length)
        .map(|i| ((i * i * 7 + i * seed) % 61) as u32)
        .collect()
}

fn of(inference: &Inference, text: &[u32], pooling: Pooling) -> Vec<Vec<f32>> {
    inference
        .representations(&[text], pooling)
        .expect("a sound text")
}

fn assert_close(found: &[f32], wanted: &[f64]) {
    assert_eq!(found.len(), wanted.len());
    for (&found, wanted) in found.iter().zip(wanted) {
        assert!(
            (f64::from(found) - wanted).abs() < 1e-5 * wanted.abs().max(1.0),
            "{found} is not {wanted}"
        );
    }
}

/// The mean of rows.
fn mean<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>) -> Vec<f64> {
    let (mut mean, count) = (vec![0.0; 24], rows.len() as f64);
    for row in rows {
        for (mean, &x) in mean.iter_mut().zip(row) {
            *mean += f64::from(x) / count;
        }
    }
    mean
}

#[test]
fn the_last_token_of_the_last_layer_gives_the_logits() {
    for tied in [false, true] {
        let inference = Inference::new(&model(tied));
        for length in [1, 40, 512, 513, 700] {
            let text = text(length, 1);
            let layers = of(&inference, &text, Pooling::Last);
            let mut logits = vec![0.0; 61];
            inference.head.linear(&mut logits, Write::Set, &layers[3]);
            let mut sequence = [inference.sequence(length)];
            assert_eq!(
                inference
                    .extend(&mut sequence, &[&text])
                    .expect("a sound text"),
                logits
            );
        }
    }
}

#[test]
fn the_first_layer_is_the_embeddings() {
    let model = model(false);
    let (inference, text) = (Inference::new(&model), text(30, 2));
    let row = |&token: &u32| &model.embedding_weights()[token as usize * 24..][..24];
    assert_eq!(of(&inference, &text, Pooling::Last)[0], row(&text[29]));
    assert_close(
        &of(&inference, &text, Pooling::Mean)[0],
        &mean(text.iter().map(row)),
    );
}

#[test]
fn each_layer_is_what_a_model_cut_off_there_norms() {
    let model = model(true);
    let values: Vec<&[f32]> = model.values().collect();
    let (inference, text) = (Inference::new(&model), text(20, 3));
    let whole = of(&inference, &text, Pooling::Last);
    for layers in 1..3 {
        let kept = values
            .iter()
            .take(1 + 6 * layers)
            .chain(&values[1 + 6 * 3..]);
        let config = ModelConfig {
            layers,
            ..shape(true)
        };
        let cut = Model::of_values(&config, kept.map(|own| own.to_vec()).collect());
        let squares: f64 = whole[layers].iter().map(|&x| f64::from(x).powi(2)).sum();
        let scale = 1.0 / (squares / 24.0 + 1e-5).sqrt();
        let pairs = whole[layers].iter().zip(model.norm_gain());
        let normed: Vec<f64> = pairs
            .map(|(&x, &gain)| f64::from(x) * scale * f64::from(gain))
            .collect();
        let found = of(&Inference::new(&cut), &text, Pooling::Last);
        assert_eq!(found[..layers], whole[..layers]);
        assert_close(&found[layers], &normed);
    }
}

#[test]
fn means_are_those_of_the_training_forward_and_of_last_tokens() {
    let model = model(false);
    let (inference, long, short) = (Inference::new(&model), text(700, 4), text(9, 4));
    let tokens = Arc::from(long.clone());
    let hidden = model.hidden(
        &Parameters::new(&model),
        &tokens,
        700,
        Activations::Kept,
        Silent,
    );
    assert_close(
        &of(&inference, &long, Pooling::Mean)[3],
        &mean(hidden.values().chunks_exact(24)),
    );
    let prefixes: Vec<_> = (1..=9)
        .map(|end| of(&inference, &short[..end], Pooling::Last))
        .collect();
    for (layer, found) in of(&inference, &short, Pooling::Mean).iter().enumerate() {
        assert_close(
            found,
            &mean(prefixes.iter().map(|layers| &layers[layer][..])),
        );
    }
}

#[test]
fn a_text_has_the_same_bits_in_any_company_and_at_any_number_of_threads() {
    let inference = Inference::new(&model(false));
    let texts: Vec<Vec<u32>> = (1..7).map(|seed| text(seed * seed * 3, seed)).collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    for pooling in [Pooling::Mean, Pooling::Last] {
        let on = |threads, texts: &[&[u32]]| {
            let run = || {
                inference
                    .representations(texts, pooling)
                    .expect("sound texts")
            };
            with_threads(threads, run).expect("a small pool")
        };
        let together = on(1, &texts);
        assert_eq!(on(3, &texts), together);
        for (at, text) in texts.iter().enumerate() {
            for (alone, together) in on(2, &[text]).iter().zip(&together) {
                assert_eq!(alone, &together[at * 24..(at + 1) * 24]);
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let mut model = model(false);
    let refused = |model: &Model, second: &[u32]| {
        let found = Inference::new(model).representations(&[&[1, 2], second], Pooling::Mean);
        found.expect_err("no representation")
    };
    assert_eq!(refused(&model, &[]), InferenceError::NoPrompt { item: 1 });
    assert!(matches!(
        refused(&model, &[61]),
        InferenceError::Token {
            item: 1,
            token: 61,
            ..
        }
    ));
    let error = refused(&model, &text(701, 1));
    assert!(matches!(
        error,
        InferenceError::TooLong {
            item: 1,
            tokens: 701,
            context: 700
        }
    ));
    model.values_mut(0)[24 * 7] = f32::NAN;
    assert_eq!(
        refused(&model, &[7, 3]),
        InferenceError::NotFinite { item: 1 }
    );
}
