//! Items of one's own: files and folders with pictures, whose content is what counts.

mod common;

use std::fs;

use common::{Folder, filed};
use serde_json::{Value, json};

const STUDY: &str = r#"
category web { source: world(web, size: 64 KiB) }
tokenizer bpe { vocabulary: 300, data: web, sample: 32 KiB }
scale tiny { layers: 1, width: 16, heads: 2, context: 64, batch: 4, rate: 0.003 }
dataset told  { source: items("told.jsonl", pictures: "pictures", question: "words", SKIP), items: COUNT }
dataset sorted { source: folder("classes", ask: options, options: 2), items: 4 }
encoder eyes { family: vit, layers: 1, width: 16, heads: 2, patch: 8, image: 16, weights: initial() }
adaptation sight {
  encoder: eyes, visual_tokens: 4, layer: 1
  stage instruct { data: join([told, sorted]), train: [projector, model], rate: 0.001, batch: 4 }
}
benchmark shown { data: folder("classes", ask: options, options: 2, seed: 1), items: 4, format: likelihood }
experiment e {
  vary seed: [1]
  pretrain base { model: tiny, data: web, tokenizer: bpe, tokens: 2k, seed: seed }
  adapt vlm { from: base, setup: sight }
  eval seen { from: vlm, suite: shown }
  report r { table t { cells: seen.shown, rows: seed } }
}
"#;

fn study(skip: &str, count: usize) -> String {
    STUDY
        .replace("SKIP", skip)
        .replace("COUNT", &count.to_string())
}

/// A PNG of 8 by 8 pixels of one colour.
fn png(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbImage::from_pixel(8, 8, image::Rgb(colour));
    let mut out = std::io::Cursor::new(&mut bytes);
    picture.write_to(&mut out, image::ImageFormat::Png).unwrap();
    bytes
}

fn folder() -> Folder {
    let folder = Folder::with(&[("s.vp", &study("broken: fatal", 3))]);
    fs::create_dir_all(folder.join("pictures/inner")).unwrap();
    for class in ["cat", "dog"] {
        fs::create_dir_all(folder.join(&format!("classes/{class}"))).unwrap();
    }
    fs::write(folder.join("pictures/a.png"), png([250, 0, 0])).unwrap();
    fs::write(folder.join("pictures/inner/b.png"), png([0, 250, 0])).unwrap();
    for (at, class) in ["cat", "cat", "dog", "dog"].into_iter().enumerate() {
        let path = folder.join(&format!("classes/{class}/{at}.png"));
        fs::write(path, png([40 * at as u8, 0, 90])).unwrap();
    }
    let lines = [
        json!({ "image": "a.png", "words": "What colour?", "answer": "red" }),
        json!({ "image": "inner/b.png", "words": "What colour?", "answer": "green" }),
        json!({ "words": "What is 1 + 1?", "answer": 2, "labels": ["language_only"] }),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    folder.write("told.jsonl", lines.join("\n"));
    folder
}

fn said(folder: &Folder, command: &str, status: i32) -> String {
    let run = folder.vpc(command).ends(status);
    format!("{}{}", run.stdout, run.stderr)
}

fn metrics(folder: &Folder, label: &str) -> Value {
    filed(folder, label)["metrics"].clone()
}

#[test]
fn pictures_count_by_their_content_wherever_they_lie() {
    let folder = folder();
    said(&folder, "run s.vp", 0);
    let told = metrics(&folder, "dataset/told");
    assert_eq!((&told["items"], &told["pictures"]), (&json!(3), &json!(2)));
    // Another name for the folder, and another time of its files: nothing is to do.
    fs::rename(folder.join("pictures"), folder.join("photos")).unwrap();
    folder.write(
        "s.vp",
        study("broken: fatal", 3).replace("\"pictures\"", "\"photos\""),
    );
    let text = fs::read(folder.join("told.jsonl")).unwrap();
    fs::write(folder.join("told.jsonl"), text).unwrap();
    assert!(folder.vpc("run s.vp").ends(0).named("done").is_empty());
    // Another picture under the same name is told, with the folder, and what is made of it is anew.
    fs::write(folder.join("photos/a.png"), png([250, 250, 0])).unwrap();
    let why = said(&folder, "why s.vp dataset/told", 0);
    assert!(why.contains("`photos` differs"), "{why}");
    let done = folder
        .vpc("run s.vp --accept-changes")
        .ends(0)
        .named("done");
    assert!(done.iter().any(|name| name == "dataset/told"), "{done:?}");
    assert!(
        !done.iter().any(|name| name == "dataset/sorted"),
        "{done:?}"
    );
}

#[test]
fn broken_pictures_are_fatal_or_left_out_as_declared() {
    let folder = folder();
    fs::write(folder.join("pictures/a.png"), b"no picture").unwrap();
    let failed = said(&folder, "run s.vp", 1);
    assert!(
        failed.contains("`told.jsonl` line 1") || failed.contains("told.jsonl` line 1"),
        "{failed}"
    );
    assert!(failed.contains("a.png"), "{failed}");
    // With the wrong number of what is left, the right one is named.
    folder.write("s.vp", study("broken: skip", 3));
    let counted = said(&folder, "run s.vp", 1);
    assert!(counted.contains("set `items: 2`"), "{counted}");
    folder.write("s.vp", study("broken: skip", 2));
    said(&folder, "run s.vp", 0);
    let told = metrics(&folder, "dataset/told");
    assert_eq!((&told["items"], &told["broken"]), (&json!(2), &json!(1)));
    assert!(told["broken_names"][0].as_str().unwrap().contains("a.png"));
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let folder = folder();
    fs::write(folder.join("secret.png"), png([1, 2, 3])).unwrap();
    let secret = folder.join("secret.png");
    std::os::unix::fs::symlink(&secret, folder.join("pictures/link.png")).unwrap();
    for path in ["../secret.png", "link.png", secret.to_str().unwrap()] {
        let line = json!({ "image": path, "words": "What?", "answer": "red" }).to_string();
        folder.write("told.jsonl", line);
        folder.write("s.vp", study("broken: skip", 1));
        let failed = said(&folder, "run s.vp", 1);
        assert!(failed.contains("is not below"), "{path}: {failed}");
    }
    // A source that names no folder has no pictures by path.
    folder.write(
        "s.vp",
        study("broken: skip", 1).replace("pictures: \"pictures\", ", ""),
    );
    folder.write(
        "told.jsonl",
        json!({ "image": "a.png", "words": "What?", "answer": "red" }).to_string(),
    );
    let failed = said(&folder, "run s.vp", 1);
    assert!(failed.contains("name it, `pictures: "), "{failed}");
}
