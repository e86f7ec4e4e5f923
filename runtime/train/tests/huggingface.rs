//! Hugging Face folders: what is written is read to the same bits, and what is hostile is refused.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use common::{advance, model, run};
use serde_json::{Value, json};
use vpc_train::huggingface::{CONFIG, INDEX, Pretrained, WEIGHTS};
use vpc_train::{Model, ModelConfig, Trainer};

fn trained(config: &ModelConfig) -> Model {
    let config = run(config.clone());
    let mut trainer = Trainer::new(&config).expect("a sound configuration");
    advance(&mut trainer, &config, 2);
    trainer.model().clone()
}

fn bytes(model: &Model) -> Vec<u8> {
    model.encode().expect("memory")
}

/// Writes a folder with shards of at most `most` bytes; returns the names of its files.
fn write(folder: &Path, model: &Model, most: u64) -> Vec<String> {
    let config = Model::config_json_with_end(model.config(), 0);
    fs::write(folder.join(CONFIG), config).expect("a folder to write");
    let mut names = Vec::new();
    for file in model.weight_files(most) {
        let mut bytes = Vec::new();
        file.write(&mut bytes).expect("memory");
        fs::write(folder.join(file.name()), bytes).expect("a folder to write");
        names.push(file.name().to_owned());
    }
    names
}

/// A folder with the weights in shards.
fn sharded(config: &ModelConfig) -> (tempfile::TempDir, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let names = write(folder.path(), &trained(config), 20_000);
    (folder, names)
}

fn refusal(folder: &Path) -> String {
    let refused = Pretrained::read(folder).map(drop);
    refused.expect_err("it is refused").to_string()
}

fn small() -> ModelConfig {
    ModelConfig {
        width: 24,
        heads: 2,
        kv_heads: 1,
        hidden: 10,
        vocabulary: 211,
        context: 8,
        ..model()
    }
}

#[test]
fn what_is_written_is_read_to_the_same_bits() {
    for (heads, kv_heads, width, rope_base, tied) in [
        (6, 2, 96, 10_000.0, false),
        (4, 4, 96, 500_000.0, true),
        (2, 1, 128, 10_000.0, false),
    ] {
        let config = ModelConfig {
            heads,
            kv_heads,
            width,
            rope_base,
            tied,
            ..small()
        };
        let model = trained(&config);
        for most in [u64::MAX, 60_000, 20_000, 1] {
            let folder = tempfile::tempdir().expect("a folder");
            let names = write(folder.path(), &model, most);
            let read = Pretrained::read(folder.path()).expect("a sound folder");
            assert_eq!(read.model.config(), &config);
            assert!(bytes(&read.model) == bytes(&model), "shards of {most}");
            assert_eq!(read.widened, BTreeMap::new());
            if most == u64::MAX {
                assert_eq!(names, [WEIGHTS]);
                assert!(fs::read(folder.path().join(WEIGHTS)).expect("a file") == bytes(&model));
            } else {
                let shards = names.len() - 1;
                assert_eq!(names[0], format!("model-00001-of-{shards:05}.safetensors"));
                assert_eq!(names[shards], INDEX);
            }
        }
    }
}

/// A safetensors file of the same tensors, each number through `narrow`.
fn narrowed(model: &Model, dtype: &str, narrow: impl Fn(f32) -> [u8; 2]) -> Vec<u8> {
    let bytes = bytes(model);
    let (length, rest) = bytes.split_at(8);
    let length = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
    let (header, data) = rest.split_at(length);
    let mut header: Value = serde_json::from_slice(header).expect("JSON");
    for (name, tensor) in header.as_object_mut().expect("an object") {
        if name != "__metadata__" {
            tensor["dtype"] = dtype.into();
            for offset in tensor["data_offsets"].as_array_mut().expect("two") {
                *offset = (offset.as_u64().expect("a number") / 2).into();
            }
        }
    }
    let header = header.to_string();
    let numbers = data
        .as_chunks()
        .0
        .iter()
        .map(|&four| f32::from_le_bytes(four));
    let data: Vec<u8> = numbers.flat_map(narrow).collect();
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &data,
    ]
    .concat()
}

#[test]
fn half_precision_is_widened_without_loss() {
    let model = trained(&small());
    for (dtype, narrow, kept) in [
        (
            "BF16",
            (|v: f32| ((v.to_bits() >> 16) as u16).to_le_bytes()) as fn(f32) -> [u8; 2],
            8,
        ),
        ("F16", |v: f32| half::f16::from_f32(v).to_le_bytes(), 11),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &model, u64::MAX);
        let narrow_bytes = narrowed(&model, dtype, narrow);
        fs::write(folder.path().join(WEIGHTS), &narrow_bytes).expect("a file");
        let read = Pretrained::read(folder.path()).expect("a sound folder");
        assert_eq!(read.widened, BTreeMap::from([(dtype.to_owned(), 21)]));
        // What was narrow before is the same after, to the bit.
        assert!(narrowed(&read.model, dtype, narrow) == narrow_bytes);
        let (wide, narrow) = (bytes(&model), bytes(&read.model));
        let floats = |bytes: &[u8]| -> Vec<f32> {
            let data = &bytes[bytes.len() - 4 * model.config().parameters() as usize..];
            data.as_chunks()
                .0
                .iter()
                .map(|&four| f32::from_le_bytes(four))
                .collect()
        };
        for (wide, narrow) in floats(&wide).into_iter().zip(floats(&narrow)) {
            let error = f64::from((wide - narrow).abs());
            let most = f64::from(wide.abs()) * 0.5_f64.powi(kept - 1);
            assert!(error <= most.max(1e-7), "{wide} became {narrow}");
        }
    }
}

#[test]
fn hostile_indices_are_refused() {
    let (folder, names) = sharded(&small());
    let at = |name: &str| folder.path().join(name);
    let sound: Value =
        serde_json::from_slice(&fs::read(at(INDEX)).expect("an index")).expect("JSON");
    assert!(names.len() >= 3 && Pretrained::read(folder.path()).is_ok());
    let secret = tempfile::tempdir().expect("a folder");
    let outside = secret.path().join("outside.safetensors");
    fs::copy(at(&names[0]), &outside).expect("a copy");
    symlink(&outside, at("link.safetensors")).expect("a link");
    symlink(secret.path().join("nothing"), at("dangling.safetensors")).expect("a link");
    fs::create_dir(at("folder.safetensors")).expect("a folder");
    let fifo = std::process::Command::new("mkfifo")
        .arg(at("pipe.safetensors"))
        .status();
    assert!(fifo.is_ok_and(|status| status.success()));
    let absolute = outside.to_str().expect("UTF-8").to_owned();
    for (name, told) in [
        ("../outside.safetensors", "it names the file"),
        (&absolute, "it names the file"),
        ("sub/model.safetensors", "it names the file"),
        ("./model.safetensors", "it names the file"),
        ("model.safetensors/", "it names the file"),
        ("..", "it names the file"),
        ("", "it names the file"),
        (".safetensors", "it names the file"),
        ("pytorch_model.bin", "it names the file"),
        ("a\0.safetensors", "it names the file"),
        ("link.safetensors", "is a link"),
        ("dangling.safetensors", "is a link"),
        ("folder.safetensors", "is a folder"),
        ("pipe.safetensors", "is a pipe or a device"),
        ("gone.safetensors", "cannot be read"),
        (&names[1], "it says that `"),
    ] {
        let mut index = sound.clone();
        index["weight_map"]["model.norm.weight"] = name.into();
        fs::write(at(INDEX), index.to_string()).expect("a file");
        let refusal = refusal(folder.path());
        assert!(refusal.contains(told), "{name:?}: {refusal}");
    }
    for (index, told) in [
        (String::new(), "EOF"),
        ("{}".to_owned(), "missing field `weight_map`"),
        (json!({"weight_map": {}}).to_string(), "it names no file"),
        (
            json!({"weight_map": {"a": 7}}).to_string(),
            "expected a string",
        ),
        (
            r#"{"weight_map":{"a":"b","a":"c"}}"#.to_owned(),
            "it names `a` twice",
        ),
    ] {
        fs::write(at(INDEX), index).expect("a file");
        let refusal = refusal(folder.path());
        assert!(refusal.contains(told), "{refusal}");
    }
    let mut index = sound.clone();
    index["weight_map"]
        .as_object_mut()
        .expect("an object")
        .remove("model.layers.0.input_layernorm.weight");
    fs::write(at(INDEX), index.to_string()).expect("a file");
    assert!(refusal(folder.path()).contains("it does not say that `model.layers.0."));
}

#[test]
fn shards_that_disagree_are_refused() {
    let (folder, names) = sharded(&small());
    let at = |name: &str| folder.path().join(name);
    let mut index: Value =
        serde_json::from_slice(&fs::read(at(INDEX)).expect("an index")).expect("JSON");
    let shard = fs::read(at(&names[0])).expect("a shard");
    // The same tensors in a second file, which the index names for a tensor of its own.
    fs::write(at("again.safetensors"), &shard).expect("a file");
    index["weight_map"]["model.none"] = "again.safetensors".into();
    fs::write(at(INDEX), index.to_string()).expect("a file");
    assert!(refusal(folder.path()).contains("it says that `model.none` is in"));
    // A shard cut short, and one with bytes after its end.
    let (folder, names) = sharded(&small());
    let path = folder.path().join(&names[0]);
    let shard = fs::read(&path).expect("a shard");
    fs::write(&path, &shard[..shard.len() - 1]).expect("a file");
    assert!(
        refusal(folder.path()).contains(&format!("{}`: not a valid safetensors file", names[0]))
    );
    fs::write(&path, [&shard[..], b"x"].concat()).expect("a file");
    assert!(refusal(folder.path()).contains("not a valid safetensors file"));
}

#[test]
fn folders_that_are_of_another_model_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = trained(&small());
    let with = |change: &dyn Fn(&mut Value)| {
        write(folder.path(), &model, u64::MAX);
        let path = folder.path().join(CONFIG);
        let mut config = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("JSON");
        change(&mut config);
        fs::write(&path, config.to_string()).expect("a file");
        refusal(folder.path())
    };
    for (field, value, told) in [
        (
            "num_hidden_layers",
            json!(3),
            "tensor `model.layers.2.input_layernorm.weight` is missing",
        ),
        ("num_hidden_layers", json!(1), "tensor `model.layers.1."),
        ("num_hidden_layers", json!(4_000_000), "too few for the"),
        (
            "vocab_size",
            json!(210),
            "has shape [211, 24]; this model needs [210, 24]",
        ),
        ("intermediate_size", json!(9), "has shape"),
        ("num_key_value_heads", json!(2), "has shape"),
        (
            "tie_word_embeddings",
            json!(true),
            "tensor `lm_head.weight` is not part of this model",
        ),
        ("attention_bias", json!(true), "`attention_bias` is true"),
        ("hidden_size", json!(u64::MAX), "`config.json"),
    ] {
        let refusal = with(&|config| config[field] = value.clone());
        let told = told.trim_start_matches('`');
        assert!(refusal.contains(told), "{field}: {refusal}");
    }
    // Nothing asks for memory that the files do not have.
    let huge = with(&|config| {
        config["vocab_size"] = json!(1_000_000_000);
        config["max_position_embeddings"] = json!(1 << 20);
    });
    assert!(huge.contains("too few"), "{huge}");
}

#[test]
fn pickles_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &trained(&small()), u64::MAX);
    fs::remove_file(folder.path().join(WEIGHTS)).expect("it is there");
    assert!(refusal(folder.path()).contains("there is neither `model.safetensors` nor"));
    fs::write(folder.path().join("pytorch_model.bin"), b"\x80\x04").expect("a file");
    let refusal = refusal(folder.path());
    assert!(refusal.contains("pytorch_model.bin` is a pickle, which can run any program"));
    assert!(refusal.contains("save_pretrained"));
}

#[test]
fn links_in_place_of_files_are_refused() {
    for name in [CONFIG, WEIGHTS] {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &trained(&small()), u64::MAX);
        let path = folder.path().join(name);
        fs::rename(&path, folder.path().join("elsewhere")).expect("a move");
        symlink("elsewhere", &path).expect("a link");
        assert!(refusal(folder.path()).contains(&format!("{name}` is a link; only plain files")));
    }
}
