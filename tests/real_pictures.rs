//! Real pictures: photographs in folders of classes, statements about drawings. Their trainings take
//! minutes and belong to the nightly tier; that they are read as they are is checked always.

mod common;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use common::{Folder, filed, nightly, say, skip};
use serde_json::Value;

/// The folder of pictures beside the checkout.
fn pictures() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/images");
    folder.canonicalize().ok()
}

/// A study of `experiments` in a folder of its own, with its data beside it.
fn study(name: &str, data: &[(&str, &Path)]) -> Folder {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("experiments/{name}.vp"));
    let folder = Folder::with(&[(&format!("{name}.vp"), &fs::read_to_string(path).unwrap())]);
    fs::create_dir_all(folder.join("data")).unwrap();
    for (link, to) in data {
        symlink(to, folder.join(&format!("data/{link}"))).unwrap();
    }
    folder
}

fn metrics(folder: &Folder, label: &str) -> Value {
    filed(folder, label)["metrics"].clone()
}

/// The share of right answers, and its standard error, of a benchmark.
fn right(folder: &Folder, label: &str) -> (f64, f64) {
    let found = metrics(folder, label);
    let number = |name: &str| found[name].as_f64().unwrap();
    (number("value"), number("error"))
}

#[test]
fn photographs_are_read_and_told_apart() {
    let Some(all) = pictures() else {
        return skip("real pictures", "the data is not on this machine");
    };
    let folder = study("photographs", &[("cifar10", &all.join("cifar10"))]);
    folder
        .vpc(
            "run photographs.vp --only dataset/described --only dataset/asked --only dataset/shown",
        )
        .ends(0);
    let asked = metrics(&folder, "dataset/asked");
    assert_eq!(
        (&asked["items"], &asked["labels"]["cat"]),
        (&5000.into(), &500.into())
    );
    assert_eq!(metrics(&folder, "dataset/shown")["items"], 1000);
    if !nightly() {
        return;
    }
    folder.vpc("run photographs.vp").ends(0);
    for seed in [1, 2] {
        let (seen, error) = right(&folder, &format!("photographs/seen.shown[seed={seed}]"));
        assert!(seen - 1.96 * error > 0.25, "{seen} ± {error}");
        let (dark, error) = right(&folder, &format!("photographs/withheld.shown[seed={seed}]"));
        assert!((dark - 0.25).abs() < 3.0 * error, "{dark} ± {error}");
        say(&format!(
            "seed {seed}: {seen:.3} with photographs, {dark:.3} without"
        ));
    }
}

#[test]
fn statements_are_divided_with_both_of_their_pictures() {
    let Some(all) = pictures() else {
        return skip("real pictures", "the data is not on this machine");
    };
    let folder = study("statements", &[("nlvr", &all.join("nlvr_dev"))]);
    folder
        .vpc("run statements.vp --only dataset/statements --only dataset/held")
        .ends(0);
    let (learned, held) = (
        metrics(&folder, "dataset/statements"),
        metrics(&folder, "dataset/held"),
    );
    let count = |found: &Value| found["items"].as_u64().unwrap();
    assert_eq!(count(&learned) + count(&held), 1978);
    // Both pictures of each statement are on one side.
    assert!(count(&held).is_multiple_of(2), "{held}");
}
