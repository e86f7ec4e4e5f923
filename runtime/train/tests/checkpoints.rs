//! Files in and out: Hugging Face names, deterministic bytes, and no trust in what is read.

mod common;

use std::collections::BTreeMap;

use common::{advance, files, model, run};
use proptest::prelude::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use vpc_train::{CheckpointError, Model, ModelConfig, TrainConfig, TrainError, Trainer};

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn saved() -> (Vec<u8>, Vec<u8>) {
    let config = run(small());
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    advance(&mut trainer, &config, 2);
    files(&trainer)
}

fn small() -> ModelConfig {
    ModelConfig {
        width: 12,
        heads: 2,
        kv_heads: 1,
        hidden: 6,
        vocabulary: 17,
        context: 4,
        ..model()
    }
}

fn edited(file: &[u8], step: Option<&str>, edit: impl FnOnce(&mut Tensors)) -> Vec<u8> {
    let mut tensors: Tensors = SafeTensors::deserialize(file)
        .expect("a sound file")
        .iter()
        .map(|(name, t)| {
            (
                name.to_owned(),
                (t.dtype(), t.shape().to_vec(), t.data().to_vec()),
            )
        })
        .collect();
    edit(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (
            name,
            TensorView::new(*dtype, shape.clone(), data).expect("a sound tensor"),
        )
    });
    let metadata = step.map(|step| [("step".to_owned(), step.to_owned())].into());
    safetensors::serialize(views, metadata).expect("sound tensors")
}

fn load(bytes: &[u8]) -> CheckpointError {
    Model::load(&small(), bytes).expect_err("a hostile file")
}

fn resume(model: &[u8], optimizer: &[u8]) -> String {
    Trainer::resume(&run(small()), model, optimizer)
        .expect_err("a hostile file")
        .to_string()
}

#[test]
fn a_run_of_no_steps_is_the_beginning_of_a_longer_one() {
    let longer = run(small());
    let none = TrainConfig {
        steps: 0,
        ..longer.clone()
    };
    let begun = |config: &TrainConfig| files(&Trainer::new(config).expect("a sound configuration"));
    let (file, optimizer) = begun(&none);
    assert!((file.clone(), optimizer.clone()) == begun(&longer));
    let trainer = Trainer::resume(&none, &file, &optimizer).expect("its own files");
    assert_eq!(trainer.steps_done(), 0);
}

#[test]
fn names_shapes_and_bytes() {
    let (file, optimizer) = saved();
    assert!(
        saved() == (file.clone(), optimizer.clone()),
        "equal runs give equal bytes"
    );
    let (_, header) = SafeTensors::read_metadata(&file).expect("a sound file");
    assert_eq!(
        header
            .metadata()
            .as_ref()
            .and_then(|m| m.get("format"))
            .expect("a format"),
        "pt"
    );
    let read = SafeTensors::deserialize(&file).expect("a sound file");
    let shape = |name: &str| read.tensor(name).expect(name).shape().to_vec();
    assert_eq!(shape("model.embed_tokens.weight"), [17, 12]);
    assert_eq!(shape("model.layers.1.self_attn.q_proj.weight"), [12, 12]);
    assert_eq!(shape("model.layers.1.self_attn.k_proj.weight"), [6, 12]);
    assert_eq!(shape("model.layers.0.self_attn.v_proj.weight"), [6, 12]);
    assert_eq!(shape("model.layers.0.mlp.gate_proj.weight"), [6, 12]);
    assert_eq!(shape("model.layers.0.mlp.down_proj.weight"), [12, 6]);
    assert_eq!(shape("model.layers.0.input_layernorm.weight"), [12]);
    assert_eq!(shape("lm_head.weight"), [17, 12]);
    assert_eq!(read.len(), 2 * 9 + 3);
    let (_, header) = SafeTensors::read_metadata(&optimizer).expect("a sound file");
    assert_eq!(
        header
            .metadata()
            .as_ref()
            .and_then(|m| m.get("step"))
            .expect("a step"),
        "2"
    );
}

#[test]
fn a_tied_model_has_no_head() {
    let tied = ModelConfig {
        tied: true,
        ..small()
    };
    let trainer = Trainer::new(&run(tied.clone())).expect("a sound configuration");
    let (file, _) = files(&trainer);
    let read = SafeTensors::deserialize(&file).expect("a sound file");
    assert!(read.tensor("lm_head.weight").is_err());
    assert!(matches!(load(&file), CheckpointError::Missing(name) if name == "lm_head.weight"));
    let untied = saved().0;
    let error = Model::load(&tied, &untied).expect_err("a head too many");
    assert!(matches!(error, CheckpointError::Unknown(name) if name == "lm_head.weight"));
}

#[test]
fn malformed_files_are_refused() {
    let (file, _) = saved();
    assert!(matches!(load(&[]), CheckpointError::Format(_)));
    for length in [1, 7, 8, 9, 100, 2000, file.len() / 2, file.len() - 1] {
        assert!(
            matches!(load(&file[..length]), CheckpointError::Format(_)),
            "cut at {length}"
        );
    }
    for header in [u64::MAX, 1 << 40, 100_000_001, file.len() as u64] {
        let mut hostile = file.clone();
        hostile[..8].copy_from_slice(&header.to_le_bytes());
        assert!(
            matches!(load(&hostile), CheckpointError::Format(_)),
            "header of {header}"
        );
    }
    let mut longer = file.clone();
    longer.push(0);
    assert!(matches!(load(&longer), CheckpointError::Format(_)));
}

#[test]
fn mismatched_tensors_are_named() {
    let (file, _) = saved();
    let name = "model.layers.1.mlp.up_proj.weight";
    let missing = edited(&file, None, |t| drop(t.remove(name)));
    assert_eq!(
        load(&missing).to_string(),
        format!("tensor `{name}` is missing")
    );
    let turned = edited(&file, None, |t| {
        t.get_mut(name).expect(name).1 = vec![12, 6];
    });
    assert_eq!(
        load(&turned).to_string(),
        format!("tensor `{name}` has shape [12, 6]; this model needs [6, 12]")
    );
    let half = edited(&file, None, |t| {
        let tensor = t.get_mut(name).expect(name);
        (tensor.0, tensor.2) = (Dtype::BF16, vec![0; 144]);
    });
    assert!(matches!(
        load(&half),
        CheckpointError::Type {
            found: Dtype::BF16,
            ..
        }
    ));
    let extra = edited(&file, None, |t| {
        drop(t.insert("bias".into(), (Dtype::F32, vec![0], vec![])));
    });
    assert!(matches!(load(&extra), CheckpointError::Unknown(name) if name == "bias"));
    let huge = ModelConfig {
        vocabulary: 1 << 30,
        ..small()
    };
    let error = Model::load(&huge, &file).expect_err("another shape");
    assert!(
        matches!(error, CheckpointError::Shape { .. }),
        "no memory is reserved first"
    );
}

#[test]
fn the_optimiser_file_is_checked_too() {
    let (model, optimizer) = saved();
    let broken = |step, edit: fn(&mut Tensors)| resume(&model, &edited(&optimizer, step, edit));
    assert!(broken(None, |_| ()).contains("no valid `step`"));
    assert!(broken(Some("-1"), |_| ()).contains("\"-1\" is not a number"));
    assert!(broken(Some("1"), |t| drop(t.pop_last())).contains("is missing"));
    assert!(resume(&model, &model).contains("is not part of this model"));
    assert!(resume(&optimizer, &optimizer).contains("is not part of this model"));
    assert!(resume(&model, &optimizer[..40]).contains("not a valid safetensors file"));
    let mut config = run(small());
    config.batch = 0;
    let error = Trainer::resume(&config, &model, &optimizer).expect_err("no rows");
    assert!(matches!(error, TrainError::Config(_)));
}

#[test]
fn settings_survive_json() {
    let config = run(model());
    let text = serde_json::to_string(&config).expect("plain data");
    assert_eq!(
        serde_json::from_str::<vpc_train::TrainConfig>(&text).expect("our own"),
        config
    );
    let json: serde_json::Value =
        serde_json::from_str(&Model::config_json(&model())).expect("valid JSON");
    assert_eq!(json["num_key_value_heads"], 2);
    assert_eq!(json["tie_word_embeddings"], false);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any damage to the header is an error or harmless, never a panic.
    #[test]
    fn damaged_headers_never_panic(at in 0..1500_usize, byte: u8) {
        let (mut model, mut optimizer) = saved();
        let (m, o) = (at % model.len(), at % optimizer.len());
        (model[m], optimizer[o]) = (byte, byte);
        drop(Model::load(&small(), &model));
        drop(Trainer::resume(&run(small()), &saved().0, &optimizer));
    }
}
