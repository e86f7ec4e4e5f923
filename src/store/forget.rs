//! `vpc store forget`: lets go of a study.

use std::path::Path;

use vpc_store::{Store, StoreError, StudyRecord};

use super::{Ended, ForgetOptions};
use crate::exit::Status;
use crate::output::{counted, tell};
use crate::roots::place;
use crate::show::{failed, folder, looked};

pub(super) fn forget(options: &ForgetOptions) -> Ended {
    let told = options.at.store.as_ref();
    looked(told)?;
    let folder = folder(told)?;
    match forgotten(&folder, &options.study) {
        Err(error) => Err(failed(&error)),
        Ok(Some(study)) => {
            tell(format_args!(
                "forgotten: {}, {}; nothing was removed: `vpc store gc` shows what may go now",
                study.file,
                counted(study.job_count(), "job")
            ));
            Ok(Status::Ok)
        }
        Ok(None) => {
            let study = options.study.display();
            tell(format_args!("error: the store knows of no study `{study}`"));
            tell("help: `vpc store du` lists the studies of a store");
            Err(Status::Problems)
        }
    }
}

fn forgotten(folder: &Path, study: &Path) -> Result<Option<StudyRecord>, StoreError> {
    let store = Store::open(folder)?;
    let (file, text) = (place(study, folder), study.to_string_lossy());
    let studies = store.studies()?;
    let by_file = |one: &&StudyRecord| one.file == file || one.file == text;
    let by_name = |one: &&StudyRecord| one.name == text;
    let mut named = studies.iter().filter(by_name);
    let only = match (named.next(), named.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    };
    if let Some(found) = studies.iter().find(by_file).or(only) {
        store.forget_study(found)?;
        return Ok(Some(found.clone()));
    }
    // One whose record was damaged, or that left results before the store knew of studies.
    let stem = study.file_stem().unwrap_or_default().to_string_lossy();
    let name = stem.into_owned();
    let is_there =
        store.lost_studies()?.contains(&name) || store.root().join("results").join(&name).is_dir();
    let unknown = StudyRecord::new(name, file, Vec::new());
    if is_there {
        store.file_study(&unknown)?;
    }
    Ok(is_there.then_some(unknown))
}
