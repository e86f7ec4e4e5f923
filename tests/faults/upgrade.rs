//! Stores of earlier versions open, verify and are used; those of later ones are refused untouched.
//!
//! The stores are packed in `tests/fixtures`, each written by the version in its name: a folder
//! `study` after `vpc run study.vp` in it, by `tar -cz --sort=name --owner=0 --group=0`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vpc_store::{Digest, Store};

use crate::common::{Folder, labels, listing, manifests, say, skip};
use crate::study::works;

/// Jobs in each of the packed stores.
const JOBS: usize = 13;

/// Unpacks each store; none where that cannot be done here.
fn unpacked() -> Option<Vec<(String, Folder)>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut all = Vec::new();
    for entry in fs::read_dir(fixtures).unwrap() {
        let packed = entry.unwrap().path();
        let folder = Folder::new();
        let (from, to) = (packed.to_str().unwrap(), folder.path().to_str().unwrap());
        if !works("tar", &["-xzf", from, "-C", to]) {
            return None;
        }
        let name = packed.file_name().unwrap().to_string_lossy();
        all.push((name.trim_end_matches(".tar.gz").to_owned(), folder));
    }
    assert!(!all.is_empty());
    Some(all)
}

fn store(folder: &Folder) -> PathBuf {
    folder.join("study/.vp")
}

/// Files of a folder with their content.
fn content(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(content(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// Reads every job and every byte of it.
fn verified(root: &Path) -> usize {
    let store = Store::peek(root).unwrap().expect("a store");
    let found: Vec<_> = store.manifests().unwrap().map(Result::unwrap).collect();
    for manifest in &found {
        store.verify(manifest).unwrap();
    }
    assert_eq!(store.damage(), []);
    found.len()
}

#[test]
fn earlier_stores_are_read_and_kept() {
    let Some(all) = unpacked() else {
        return skip("earlier stores", "no `tar` here");
    };
    for (name, folder) in &all {
        let root = store(folder);
        assert_eq!(verified(&root), JOBS, "{name}");
        let before = listing(&root);
        folder.vpc("check study/study.vp").ends(0);
        folder.vpc("plan study/study.vp").ends(0);
        for (_, manifest) in manifests(&root).into_values() {
            let label = labels(&manifest).next().unwrap();
            let shown = folder
                .vpc(&format!("show {label} --store study/.vp"))
                .ends(0);
            assert!(
                shown.stdout.contains(manifest["key"].as_str().unwrap()),
                "{name}: {label}"
            );
        }
        assert_eq!(listing(&root), before, "{name}: a look changed something");
        let kept = kept(&root);
        folder.vpc("run study/study.vp").ends(0);
        folder.vpc("run study/study.vp").ends(0);
        let after = content(&root);
        assert!(
            kept.iter()
                .all(|(path, bytes)| after.get(path) == Some(bytes)),
            "{name}"
        );
        assert!(verified(&root) >= JOBS, "{name}");
        assert_eq!(
            fs::read_dir(root.join("quarantine")).unwrap().count(),
            0,
            "{name}"
        );
    }
    say(&format!(
        "upgrade: {} stores of earlier versions read, used and kept",
        all.len()
    ));
}

/// What a run may not change: finished jobs, kept checkpoints, and their files.
fn kept(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let parts = ["jobs", "progress", "objects"].map(|part| content(&root.join(part)));
    let kept: BTreeMap<_, _> = parts.into_iter().flatten().collect();
    assert!(kept.len() > 2 * JOBS);
    kept
}

#[test]
fn later_formats_are_refused_and_left_alone() {
    let Some(all) = unpacked() else {
        return skip("later formats", "no `tar` here");
    };
    for (name, folder) in &all {
        let root = store(folder);
        replace(&root.join("format"), "vpc store 99\n");
        let before = (listing(&root), content(&root));
        for arguments in [
            "run study/study.vp",
            "plan study/study.vp",
            "show e/base --store study/.vp",
        ] {
            let run = folder.vpc(arguments).ends(2);
            assert!(
                run.stderr.contains("has format 99"),
                "{name}: {}",
                run.stderr
            );
        }
        assert_eq!((listing(&root), content(&root)), before, "{name}");
    }
    say("upgrade: a store of a later format refused by 3 of 3 commands and left as it was");
}

#[test]
fn later_manifests_are_refused_and_left_alone() {
    let Some(all) = unpacked() else {
        return skip("later manifests", "no `tar` here");
    };
    for (name, folder) in &all {
        let root = store(folder);
        // So that there are jobs under the keys of this version too.
        folder.vpc("run study/study.vp").ends(0);
        for (path, mut manifest) in manifests(&root).into_values() {
            manifest["schema"] = 99.into();
            manifest["later"] = "something".into();
            let body = manifest.to_string();
            let seal = Digest::of(body.as_bytes());
            replace(
                &path,
                &format!("{{\"blake3\":\"{seal}\",\"manifest\":{body}}}\n"),
            );
        }
        let before = content(&root);
        for arguments in [
            "run study/study.vp",
            "plan study/study.vp",
            "show e/base --store study/.vp",
        ] {
            let run = folder.vpc(arguments).ends(2);
            assert!(
                run.stderr.contains("has format 99"),
                "{name}: {}",
                run.stderr
            );
        }
        assert_eq!(content(&root), before, "{name}");
    }
    say("upgrade: later manifests refused by 3 of 3 commands and left as they were");
}

fn replace(path: &Path, text: &str) {
    fs::remove_file(path).unwrap();
    fs::write(path, text).unwrap();
}
