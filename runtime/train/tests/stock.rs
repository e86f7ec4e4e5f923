//! No operation of dfdx's own is in what trains: several have wrong gradients.

use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the crate's source");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Every path of dfdx that the crate names: `dfdx::a::b`, and each name of `dfdx::a::{b, c}`.
fn named(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in source.split("dfdx::").skip(1) {
        let end = part
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
            .unwrap_or(part.len());
        let (path, rest) = part.split_at(end);
        match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            None => found.push(path.to_owned()),
            Some((names, _)) => found.extend(
                names
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty())
                    .map(|name| format!("{path}{name}")),
            ),
        }
    }
    found
}

#[test]
fn of_dfdx_only_tensors_tapes_and_gradients_are_used() {
    // Without `tensor_ops` and `prelude` no operation is in scope; `backward` runs the tape.
    let allowed = ["shapes::", "tensor::", "tensor_ops::Backward"];
    let mut seen = 0;
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let source = fs::read_to_string(&file).expect("text");
        for path in named(&source) {
            seen += 1;
            assert!(
                allowed.iter().any(|allowed| path.starts_with(allowed)),
                "{} uses dfdx::{path}: its gradient needs a numerical test, and the docs of \
                 `vpc_train::ops` a word on it",
                file.display()
            );
        }
    }
    assert!(
        seen > 10,
        "dfdx is named in {seen} places: is the search broken?"
    );
}

#[test]
fn the_search_finds_what_it_should() {
    assert_eq!(
        named("use dfdx::tensor_ops::{TrySlice, Softmax as S};\nuse dfdx::prelude::*; dfdx::a()"),
        [
            "tensor_ops::TrySlice",
            "tensor_ops::Softmax as S",
            "prelude::",
            "a"
        ]
    );
}
