//! Folders in LLaVA's layout.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::adapted::{Llava, Projector, ProjectorConfig, Sight};

/// What `transformers` gave, written by `dev/parity_llava.py --fixture`.
#[derive(Deserialize)]
struct Expected {
    tokens: Vec<u32>,
    logits: Vec<f32>,
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/llava")
}

#[test]
fn a_llava_folder_gives_the_logits_of_transformers_and_is_written_as_it_was() {
    let llava = Llava::read(&fixture()).expect("a sound folder");
    let text = fs::read(fixture().join("expected.json")).expect("recorded logits");
    let expected: Expected = serde_json::from_slice(&text).expect("recorded logits");
    let pixels: Vec<f32> = (0..108)
        .map(|i| (i * 37 % 101) as f32 / 50.0 - 1.0)
        .collect();
    let features = llava.features(&pixels).expect("an image");
    let logits = llava
        .adapted
        .logits(&expected.tokens, Sight::Features(&features));
    let logits = logits.expect("they fit");
    assert_eq!(logits.len(), expected.logits.len());
    for (found, expected) in logits.iter().zip(&expected.logits) {
        assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    llava.save(folder.path()).expect("room");
    let again = Llava::read(folder.path()).expect("what was written");
    assert!(again.files().expect("it fits") == llava.files().expect("it fits"));
}

#[test]
fn what_llavas_layout_cannot_hold_is_refused_by_name() {
    let mut llava = Llava::read(&fixture()).expect("a sound folder");
    let config = ProjectorConfig {
        layers: 3,
        ..llava.adapted.projector.config().clone()
    };
    llava.adapted.projector = Projector::initial(&config, 1).expect("a sound shape");
    let error = llava.files().expect_err("three layers").to_string();
    assert_eq!(error, "`projector.layers` is 3; LLaVA's layout needs 2");
}
