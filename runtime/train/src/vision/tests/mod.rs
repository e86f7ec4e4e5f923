//! Encoders against recorded outputs of `transformers`, and what they must keep to.

mod recorded;
mod training;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Encoder, Family, Features, Layer, VisionConfig, VisionError, waves};
use crate::course::Trained;
use crate::ops::Activation;
use crate::with_threads;

/// What `transformers` gave, written by `dev/parity_vision.py --fixtures`.
#[derive(Deserialize)]
struct Expected {
    last: Vec<f32>,
    second: Vec<f32>,
}

const FAMILIES: [(&str, Family); 5] = [
    ("clip", Family::Clip),
    ("dinov2", Family::Dinov2),
    ("dinov2_gated", Family::Dinov2),
    ("mae", Family::Mae),
    ("vit", Family::Vit),
];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/vision")
        .join(name)
}

fn tiny(family: Family) -> VisionConfig {
    VisionConfig {
        family,
        layers: 2,
        width: 8,
        heads: 2,
        hidden: 12,
        gated: false,
        patch: 2,
        image: 6,
        activation: Activation::Gelu,
        norm_eps: 1e-6,
    }
}

/// The pixels that the recorded outputs are of.
fn pixels(images: usize) -> Vec<f32> {
    let pixel = |i: usize| (i * 37 % 101) as f32 / 50.0 - 1.0;
    (0..images * 108).map(pixel).collect()
}

const LAST: Features = Features {
    layer: Layer::Last,
    class: true,
};

fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error < 1e-5, "{what}[{i}]: {found} is not {expected}");
    }
}

#[test]
fn features_are_those_of_transformers() {
    for (name, family) in FAMILIES {
        let encoder = Encoder::read(&fixture(name)).expect("a sound folder");
        assert_eq!(encoder.config().family, family);
        let text = fs::read(fixture(name).join("expected.json")).expect("recorded outputs");
        let expected: Expected = serde_json::from_slice(&text).expect("recorded outputs");
        let of = |layer, class| {
            let features = encoder.features(&pixels(2), Features { layer, class });
            features.expect("whole images")
        };
        assert_close(name, &of(Layer::Last, true), &expected.last);
        let patches = of(Layer::FromEnd(2), false);
        let skipped: Vec<f32> = expected
            .second
            .chunks(80)
            .flat_map(|one| &one[8..])
            .copied()
            .collect();
        assert_close(name, &patches, &skipped);
    }
}

#[test]
fn what_is_written_is_read_again_to_the_bit() {
    for (name, _) in FAMILIES {
        let encoder = Encoder::read(&fixture(name)).expect("a sound folder");
        let folder = tempfile::tempdir().expect("a folder");
        encoder.save(folder.path()).expect("room");
        let again = Encoder::read(folder.path()).expect("what was written");
        assert_eq!(again.config(), encoder.config());
        assert_eq!(
            again.files().expect("memory"),
            encoder.files().expect("memory")
        );
    }
}

#[test]
fn an_image_has_the_same_bits_in_any_company_and_at_any_number_of_threads() {
    let encoder = Encoder::initial(&tiny(Family::Vit), 3).expect("a sound shape");
    let all = pixels(5);
    let run = |threads, pixels: &[f32]| {
        let run = || encoder.features(pixels, LAST).expect("whole images");
        with_threads(threads, run).expect("a small pool")
    };
    let together = run(1, &all);
    assert_eq!(run(3, &all), together);
    let alone: Vec<f32> = all.chunks(108).flat_map(|image| run(2, image)).collect();
    assert_eq!(alone, together);
}

#[test]
fn representations_are_the_class_tokens_of_every_block() {
    for (name, _) in FAMILIES {
        let encoder = Encoder::read(&fixture(name)).expect("a sound folder");
        let all = encoder.representations(&pixels(3)).expect("whole images");
        assert_eq!(all.len(), 2, "{name}");
        for (layer, found) in all.iter().enumerate() {
            let layer = Layer::FromEnd(2 - layer);
            let of = Features { layer, class: true };
            let features = encoder.features(&pixels(3), of).expect("whole images");
            let class: Vec<f32> = features
                .chunks(80)
                .flat_map(|one| &one[..8])
                .copied()
                .collect();
            assert_eq!(found, &class, "{name}");
        }
        let text = fs::read(fixture(name).join("expected.json")).expect("recorded outputs");
        let expected: Expected = serde_json::from_slice(&text).expect("recorded outputs");
        let class: Vec<f32> = expected
            .second
            .chunks(80)
            .flat_map(|one| &one[..8])
            .copied()
            .collect();
        assert_close(name, &all[0][..16], &class);
        let second = encoder
            .representations(&pixels(3)[108..216])
            .expect("one image");
        let second = second
            .iter()
            .zip(&all)
            .all(|(alone, all)| alone == &all[8..16]);
        assert!(second, "{name}: an image depends on its company");
        let error = encoder
            .representations(&[0.0; 107])
            .expect_err("no whole image");
        assert!(matches!(error, VisionError::Pixels { found: 107, .. }));
    }
}

#[test]
fn what_cannot_be_encoded_is_refused_by_name() {
    let encoder = Encoder::initial(&tiny(Family::Clip), 3).expect("a sound shape");
    let refused = |pixels: &[f32], layer| {
        let of = Features { layer, class: true };
        encoder.features(pixels, of).expect_err("no features")
    };
    let error = refused(&[0.0; 107], Layer::Last);
    assert!(matches!(
        error,
        VisionError::Pixels {
            found: 107,
            side: 6
        }
    ));
    for n in [0, 4] {
        let error = refused(&pixels(1), Layer::FromEnd(n)).to_string();
        assert!(error.contains("there are 1 to 3"), "{error}");
    }
}

#[test]
fn folders_that_are_not_built_here_are_refused_by_name() {
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let folder = tempfile::tempdir().expect("a folder");
        let encoder = Encoder::initial(&tiny(Family::Dinov2), 3).expect("a sound shape");
        encoder.save(folder.path()).expect("room");
        let path = folder.path().join("config.json");
        let text = fs::read(&path).expect("it was written");
        let mut json = serde_json::from_slice(&text).expect("JSON");
        change(&mut json);
        fs::write(&path, json.to_string()).expect("room");
        Encoder::read(folder.path())
            .expect_err("not this one")
            .to_string()
    };
    let error = refused(&|json| json["use_swiglu_ffn"] = "yes".into());
    assert!(error.contains("`use_swiglu_ffn` is \"yes\""), "{error}");
    // The weights are those of a plain MLP.
    let error = refused(&|json| json["use_swiglu_ffn"] = true.into());
    assert!(error.contains("mlp.fc1"), "{error}");
    let error = refused(&|json| json["model_type"] = "siglip".into());
    assert!(error.contains("`model_type` is \"siglip\""), "{error}");
    let error = refused(&|json| json["window"] = 7.into());
    assert!(error.contains("`window` is 7"), "{error}");
    let error = refused(&|json| json["num_hidden_layers"] = 3.into());
    assert!(
        error.contains("encoder.layer.2") && error.contains("missing"),
        "{error}"
    );
    let error = refused(&|json| json["num_hidden_layers"] = 1.into());
    assert!(error.contains("`encoder.layer.1"), "{error}");
    let error = refused(&|json| json["num_hidden_layers"] = 100_000_000.into());
    assert!(error.contains("too few for the"), "{error}");
    let error = refused(&|json| json["image_size"] = 7.into());
    assert!(error.contains("not a multiple of `patch`"), "{error}");
}

#[test]
fn a_gated_mlp_is_as_long_as_in_transformers_and_in_dinov2_alone() {
    let read = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json: serde_json::Value =
            serde_json::from_str(&tiny(Family::Dinov2).to_json()).expect("JSON");
        json["use_swiglu_ffn"] = true.into();
        change(&mut json);
        VisionConfig::from_json(json.to_string().as_bytes())
    };
    // (int(int(width * ratio) * 2 / 3) + 7) // 8 * 8; the first is DINOv2-giant's.
    for (width, heads, ratio, hidden) in [
        (1536, 24, 4.0, 4096),
        (8, 2, 2.0, 16),
        (8, 2, 0.5, 8),
        (20, 2, 4.0, 56),
        (12, 3, 2.3, 24),
    ] {
        let config = read(&|json| {
            json["hidden_size"] = width.into();
            json["num_attention_heads"] = heads.into();
            json["mlp_ratio"] = ratio.into();
        });
        let config = config.expect("a sound shape");
        assert!(config.gated);
        assert_eq!(config.hidden, hidden, "{width} times {ratio}");
        // What is written is read as the same.
        let again = VisionConfig::from_json(config.to_json().as_bytes());
        assert_eq!(again, Ok(config));
    }
    for width in [24, 36, 100, 1000, 1408] {
        for hidden in (8..4 * width).step_by(8) {
            let config = VisionConfig {
                width,
                hidden,
                gated: true,
                ..tiny(Family::Dinov2)
            };
            let again = VisionConfig::from_json(config.to_json().as_bytes());
            assert_eq!(again, Ok(config));
        }
    }
    let refused = |family, hidden| {
        let config = VisionConfig {
            hidden,
            gated: true,
            ..tiny(family)
        };
        config.check().expect_err("no place for it").to_string()
    };
    let error = refused(Family::Vit, 16);
    assert!(error.contains("`dinov2` where the MLP is gated"), "{error}");
    let error = refused(Family::Dinov2, 12);
    assert!(error.contains("`hidden` (12) is not a multiple"), "{error}");
    assert!(read(&|json| json["mlp_ratio"] = 1e300.into()).is_err());
}

#[test]
fn fields_that_say_nothing_of_an_encoder_are_passed_over() {
    let mut json: serde_json::Value =
        serde_json::from_str(&tiny(Family::Vit).to_json()).expect("JSON");
    json["num_beams"] = 1.into();
    json["tie_word_embeddings"] = true.into();
    json["pooler_act"] = "tanh".into();
    let read = VisionConfig::from_json(json.to_string().as_bytes());
    assert_eq!(read, Ok(tiny(Family::Vit)));
}

#[test]
fn names_may_begin_as_in_larger_models_and_other_parts_are_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let encoder = Encoder::initial(&tiny(Family::Mae), 3).expect("a sound shape");
    encoder.save(folder.path()).expect("room");
    let path = folder.path().join("model.safetensors");
    let bytes = fs::read(&path).expect("it was written");
    let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let mut tensors: Vec<(String, safetensors::tensor::TensorView)> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| (format!("vit.{name}"), view))
        .collect();
    let other = tensors[0].1.clone();
    tensors.push(("decoder.mask_token".to_owned(), other));
    fs::write(
        &path,
        safetensors::serialize(tensors, None).expect("memory"),
    )
    .expect("room");
    let again = Encoder::read(folder.path()).expect("a prefix");
    assert_eq!(
        again.files().expect("memory"),
        encoder.files().expect("memory")
    );
}

#[test]
fn positions_are_waves_of_column_and_line() {
    let all = waves(3, 8);
    assert_eq!(all.len(), 10 * 8);
    assert!(all[..8].iter().all(|value| *value == 0.0));
    // As `transformers` lays them out, which the recorded encoder has.
    let encoder = Encoder::read(&fixture("mae")).expect("a sound folder");
    let weights = &encoder.weights;
    let fixed = (0..weights.len()).find(|index| !weights.slab(*index).trains());
    let recorded = weights.values(fixed.expect("fixed positions"));
    assert_close("positions", &all, recorded);
    // The patch in column 2 of line 1.
    let row: Vec<f64> = [2.0_f64, 1.0]
        .into_iter()
        .flat_map(|place| {
            [
                place.sin(),
                (place / 100.0).sin(),
                place.cos(),
                (place / 100.0).cos(),
            ]
        })
        .collect();
    for (found, exact) in all[6 * 8..][..8].iter().zip(row) {
        assert!(
            (f64::from(*found) - exact).abs() < 1e-7,
            "{found} is not {exact}"
        );
    }
}
