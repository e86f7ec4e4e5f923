//! What each kind of job computes from a fixed study: when numbers move, its version must too.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Folder, labels, manifests, object};
use serde_json::{Value, json};

const STUDY: &str = r"
category code { source: world(code, seed: 3, size: 48 KiB), held_out: 10% }
category web { source: world(web, seed: 3, size: 48 KiB), held_out: 10% }
mixture m { code: 60%, web: rest }
tokenizer bpe { vocabulary: 320, data: m, sample: 32 KiB }
scale tiny { layers: 2, width: 32, heads: 4, kv_heads: 2, context: 32, batch: 4, rate: 0.003 }
experiment e {
  pretrain base {
    model: tiny, data: m, tokenizer: bpe, tokens: 5120, seed: 7
    schedule: wsd(warmup: 10%, decay: 20%)
  }
  eval fit { from: base, suite: held_out([code, web]) }
  eval early { from: base.at(2560), suite: held_out([web]) }
}
";

/// How far floats may move: other vector instructions sum in other orders.
const TOLERANCE: f64 = 1e-4;

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/results.json")
}

/// What the jobs of the study made, by name: digests where whole numbers make them, else floats.
fn made() -> Value {
    let folder = Folder::with(&[("s.vp", STUDY)]);
    folder.vpc("run s.vp").ends(0);
    let store = folder.join(".vp");
    let mut found = BTreeMap::new();
    for (_, manifest) in manifests(&store).into_values() {
        let name = labels(&manifest).next().unwrap().to_owned();
        let kind = manifest["kind"].as_str().unwrap();
        let digests = || -> BTreeMap<&String, &Value> {
            let files = manifest["files"].as_object().unwrap().iter();
            files.map(|(name, file)| (name, &file["digest"])).collect()
        };
        let result = match kind {
            "corpus" | "tokenizer" | "tokens" => json!({ "files": digests() }),
            "pretrain" => {
                let curve = fs::read_to_string(object(&store, &manifest, "curve.csv")).unwrap();
                let rows = curve.lines().skip(1).step_by(8);
                let row = |line: &str| -> Vec<f64> {
                    line.split(',').map(|cell| cell.parse().unwrap()).collect()
                };
                json!({ "curve": rows.map(row).collect::<Vec<_>>() })
            }
            _ => json!({ "metrics": manifest["metrics"] }),
        };
        found.insert(
            name,
            json!({ "kind": kind, "version": manifest["spec"]["version"], "result": result }),
        );
    }
    json!(found)
}

/// Whether two results are the same, floats within the tolerance.
fn alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            (one - other).abs() <= TOLERANCE * one.abs().max(other.abs())
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| alike(value, other)))
        }
        _ => one == other,
    }
}

#[test]
fn numbers_move_only_with_a_version() {
    let now = made();
    if std::env::var("VPC_GEN").is_ok_and(|mode| mode == "write") {
        let text = serde_json::to_string_pretty(&now).unwrap() + "\n";
        fs::write(file(), text).unwrap();
        return;
    }
    let golden: Value = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&now), names(&golden));
    for (name, was) in golden.as_object().unwrap() {
        let is = &now[name];
        let kind = &was["kind"];
        assert_eq!(
            is["version"], was["version"],
            "the version of {kind} was raised: write `tests/golden` anew with `just gen`"
        );
        assert!(
            alike(&is["result"], &was["result"]),
            "{name} gives other numbers than version {} of {kind} gave: raise it in \
             `Task::version`, then write `tests/golden` anew with `just gen`\nwas {}\nis  {}",
            was["version"],
            was["result"],
            is["result"]
        );
    }
}

#[test]
fn a_moved_number_is_noticed() {
    let golden: Value = serde_json::from_str(&fs::read_to_string(file()).unwrap()).unwrap();
    for (name, was) in golden.as_object().unwrap() {
        assert!(alike(was, was));
        let text = was["result"].to_string();
        // One digit of each result, in turn the last of its kind.
        let at = text
            .rfind(|c: char| c.is_ascii_digit() && c != '0')
            .unwrap();
        let start = text[..at]
            .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '.')
            .unwrap()
            + 1;
        let mut moved = text.clone();
        let digit = if text[start..].starts_with('9') {
            "8"
        } else {
            "9"
        };
        moved.replace_range(start..=start, digit);
        let moved: Value = serde_json::from_str(&moved).unwrap();
        assert!(!alike(&was["result"], &moved), "{name}: {text}");
    }
}
