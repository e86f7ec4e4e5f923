//! `vpc store export`: a study in one file.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use vpc_store::{ErrorKind, Export, Exported, Store, StoreError, StudyJob, size_in_words};

use super::{Ended, ExportOptions, With};
use crate::exit::Status;
use crate::library::Files;
use crate::locked::NAME as LOCK;
use crate::output::{counted, tell};
use crate::roots;
use crate::show::{failed, looked};
use crate::study::{compiled_with, locked, selected, store_folder};

/// Kinds of jobs that make a model, or what it takes to use one.
const MODELS: [&str; 5] = ["pretrain", "checkpoint", "stage", "encoder", "tokenizer"];

pub(super) fn export(options: &ExportOptions) -> Ended {
    let locked = locked(&options.study.file)?;
    let files = Files::new(None, false, locked);
    let (whole, _) = compiled_with(&options.study, &files, None)?;
    let plan = selected(&whole, &options.only.only)?;
    let folder = store_folder(&options.study.file, options.store.as_ref());
    looked(Some(&folder))?;
    let record = roots::record(&plan, &options.study.file, &folder);
    let (study, texts) = texts(&options.study.file, files.texts());
    let with = options.with;
    let with_files = |job: &StudyJob| match with {
        With::Results => job.read,
        With::Models => job.read || MODELS.contains(&&*job.kind),
        With::All => true,
    };
    let export = Export {
        record: &record,
        study,
        texts,
        with_files: &with_files,
        checkpoints: with == With::All,
    };
    let done = written(&folder, &export, &options.to).map_err(|error| failed(&error))?;
    tell(format_args!("{}: {}", options.to.display(), words(&done)));
    let (planned, packed) = (record.job_count(), done.jobs + done.traces);
    if packed < planned {
        let lacking = counted(planned - packed, "job");
        tell(format_args!(
            "note: {lacking} of {planned} are not finished, and not in it"
        ));
    }
    let data = files.data();
    if !data.is_empty() {
        tell(format_args!(
            "note: data files are not in it; put them beside the study: {}",
            data.join(", ")
        ));
    }
    Ok(Status::Ok)
}

/// Writes the archive, with clearings held off where the store can be written.
fn written(folder: &Path, export: &Export<'_>, to: &Path) -> Result<Exported, StoreError> {
    match Store::open(folder) {
        Ok(store) => {
            let _running = store.under_way()?;
            store.export(export, to)
        }
        Err(error) if error.kind() == ErrorKind::Environment => {
            let store = Store::peek(folder)?.ok_or(error)?;
            store.export(export, to)
        }
        Err(error) => Err(error),
    }
}

fn words(done: &Exported) -> String {
    format!(
        "{}: {} and {} with {} of files, {} without their files",
        size_in_words(done.bytes),
        counted(done.jobs, "job"),
        counted(done.checkpoints, "checkpoint"),
        size_in_words(done.files.bytes),
        counted(done.traces, "job"),
    )
}

/// The study's path, and all texts, as seen from the one folder that holds them all.
fn texts(study: &Path, read: BTreeMap<String, Vec<u8>>) -> (String, Vec<(String, Vec<u8>)>) {
    let mut texts: BTreeMap<PathBuf, Vec<u8>> = read
        .into_iter()
        .map(|(path, text)| (roots::whole(Path::new(&path)), text))
        .collect();
    let study = roots::whole(study);
    let lock = study.with_file_name(LOCK);
    if let Ok(text) = fs::read(&lock) {
        texts.insert(lock, text);
    }
    let mut above = study.ancestors().skip(1);
    let root = above.find(|above| texts.keys().all(|path| path.starts_with(above)));
    let below = |path: &Path| {
        let below = root.and_then(|root| path.strip_prefix(root).ok());
        below.unwrap_or(path).to_string_lossy().into_owned()
    };
    let named = texts.iter().map(|(path, text)| (below(path), text.clone()));
    (below(&study), named.collect())
}
