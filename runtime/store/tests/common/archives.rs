//! Archives for tests, of a small store with all that can be in one.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use vpc_store::{
    Archive, Draft, ErrorKind, Export, Imported, Store, StoreError, StudyJob, StudyRecord,
};

use super::{files_below, key_of};

/// Jobs 0 to 4, of which 4 was evicted and 5 never made; job 1 has a checkpoint.
pub(crate) fn filled(root: &Path) -> Store {
    let store = Store::open(root).unwrap();
    for job in 0..5_u64 {
        let mut attempt = store.attempt(key_of(job)).unwrap();
        let content: Vec<u8> = (0..3_000 * job)
            .flat_map(|at| (at * job).to_le_bytes())
            .collect();
        attempt.write("own", &content).unwrap();
        attempt.write("shared", b"in all jobs").unwrap();
        let draft = Draft {
            kind: "train".into(),
            labels: vec![format!("job {job}")],
            metrics: json!({"loss": 1.0 / (job as f64 + 0.3)}),
            made: json!({"seconds": job}),
            ..Draft::default()
        };
        attempt.publish(draft).unwrap();
    }
    let mut attempt = store.attempt(key_of(1)).unwrap();
    attempt.write("state", b"half way").unwrap();
    attempt.publish_progress(5, Draft::default()).unwrap();
    let mut record = record();
    record.jobs.retain(|job| job.key != key_of(4));
    store.file_study(&record).unwrap();
    let clearing = store.clearing().unwrap();
    let removal = clearing.choose(&vpc_store::GcOptions::default()).unwrap();
    clearing.carry_out(&removal).unwrap();
    store
        .write_result("s/results.csv".as_ref(), b"a,b\n")
        .unwrap();
    store
}

pub(crate) fn record() -> StudyRecord {
    let job = |job: u64| StudyJob {
        key: key_of(job),
        label: format!("job {job}"),
        kind: "train".into(),
        read: job == 0,
        is_place: false,
        keep: vec![5],
    };
    StudyRecord::new("s".into(), "s.vp".into(), (0..6).map(job).collect())
}

pub(crate) fn export(store: &Store, to: &Path, all: bool) {
    let record = record();
    let export = Export {
        record: &record,
        study: "s.vp".into(),
        texts: vec![
            ("lib/m.vp".into(), b"let a = 1\n".to_vec()),
            ("s.vp".into(), b"use \"lib/m.vp\" as m\n".to_vec()),
        ],
        with_files: &|job| all || job.read,
        checkpoints: all,
    };
    let done = store.export(&export, to).unwrap();
    assert_eq!(done.bytes, fs::metadata(to).unwrap().len());
    let expected = if all { (4, 1, 1) } else { (1, 4, 0) };
    assert_eq!((done.jobs, done.traces, done.checkpoints), expected);
}

pub(crate) fn import(root: &Path, file: &Path) -> Result<Imported, StoreError> {
    let archive = Archive::open(file)?;
    let record = archive.record().clone();
    let store = Store::open(root)?;
    let done = store.import(archive, &record, &mut |_, _| ());
    assert_eq!(fs::read_dir(root.join("tmp")).unwrap().count(), 0);
    done
}

pub(crate) fn archive(folder: &Path) -> PathBuf {
    let file = folder.join("a.tar.zst");
    export(&filled(&folder.join("origin")), &file, true);
    file
}

/// Imports what must be refused; the store must be sound, and have nothing but what it should.
pub(crate) fn refused(folder: &Path, bytes: &[u8], what: &str) -> String {
    let (file, root) = (folder.join("hostile"), folder.join("s"));
    fs::write(&file, bytes).unwrap();
    let error = match import(&root, &file) {
        Err(error) => error,
        Ok(done) => panic!("{what} was taken: {done:?}"),
    };
    assert_eq!(error.kind(), ErrorKind::Use, "{what}: {error}");
    sound(&root, what);
    assert!(!folder.join("evil").exists(), "{what}");
    let _ = fs::remove_dir_all(&root);
    error.to_string()
}

pub(crate) fn sound(root: &Path, what: &str) {
    if root.exists() {
        let store = Store::open(root).unwrap();
        assert_eq!(store.audit(&mut |_, _| ()).unwrap().found, [], "{what}");
        for manifest in store.manifests().unwrap() {
            let manifest = manifest.unwrap();
            let mine = (0..4).any(|job| key_of(job) == manifest.key);
            assert!(mine && manifest.files.len() == 2, "{what}");
        }
    }
}

/// The files of jobs, checkpoints and traces, with their content.
pub(crate) fn files_of(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let folders = ["objects", "jobs", "progress", "evicted"];
    let files = folders
        .iter()
        .flat_map(|folder| files_below(&root.join(folder)));
    files
        .map(|path| {
            (
                path.strip_prefix(root).unwrap().to_owned(),
                fs::read(&path).unwrap(),
            )
        })
        .collect()
}
