//! What a store is told of a study, so that it keeps what the study needs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use vpc_compiler::plan::{Job, Key, KeyMap, Plan, Task};
use vpc_store::{StudyJob, StudyRecord};

/// The record of a whole study for a store.
pub(crate) fn record(plan: &Plan, file: &Path, store: &Path) -> StudyRecord {
    let runs = plan
        .experiments
        .iter()
        .flat_map(|experiment| &experiment.runs);
    let measured = runs.filter(|run| !run.items.is_empty());
    let read: KeyMap<()> = measured.map(|run| (run.key, ())).collect();
    let mut taken: KeyMap<BTreeSet<u64>> = KeyMap::default();
    for job in &plan.jobs {
        if let Task::Checkpoint { step } = job.task {
            for run in job.inputs_as("model") {
                let mut steps = taken.get(run).cloned().unwrap_or_default();
                steps.insert(step);
                taken.insert(run, steps);
            }
        }
    }
    let job = |job: &Job| StudyJob {
        key: job.key,
        label: job.name().to_owned(),
        kind: job.task.kind().to_owned(),
        read: read.get(job.key).is_some(),
        is_place: false,
        keep: kept(job, taken.get(job.key)),
    };
    let jobs = plan
        .jobs
        .iter()
        .map(job)
        .chain(trunks(plan, &taken))
        .collect();
    StudyRecord::new(plan.study.clone(), place(file, store), jobs)
}

/// The trunks of a plan: no jobs, but places of checkpoints that later runs go on from.
fn trunks(plan: &Plan, taken: &KeyMap<BTreeSet<u64>>) -> impl Iterator<Item = StudyJob> {
    let build = plan.build.as_deref();
    let mut known: BTreeMap<Key, StudyJob> = BTreeMap::new();
    for job in &plan.jobs {
        if let Some(trunk) = job.trunk(build) {
            let place = known.entry(trunk.key).or_insert_with(|| StudyJob {
                key: trunk.key,
                label: format!("trunk of {}", job.name()),
                kind: "trunk".to_owned(),
                read: false,
                is_place: true,
                keep: Vec::new(),
            });
            place.keep.push(trunk.end);
            let kept = kept(job, taken.get(job.key)).into_iter();
            place.keep.extend(kept.filter(|step| *step <= trunk.end));
        }
    }
    known.into_values()
}

/// The steps at which a run keeps checkpoints: as its block says, and where others take them out.
fn kept(job: &Job, taken: Option<&BTreeSet<u64>>) -> Vec<u64> {
    let mut steps = taken.cloned().unwrap_or_default();
    if let Task::Pretrain(task) = &job.task {
        steps.extend(task.keep.get());
    }
    steps.into_iter().collect()
}

/// Where a study lies, as seen from the folder that holds the store; its whole path where it lies
/// elsewhere.
pub(crate) fn place(file: &Path, store: &Path) -> String {
    let file = whole(file);
    let store = whole(store);
    let below = store.parent().and_then(|home| file.strip_prefix(home).ok());
    below.unwrap_or(&file).to_string_lossy().into_owned()
}

/// A path from the root on, without links as far as it is there.
pub(crate) fn whole(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut above = path.ancestors();
    let there = above.find_map(|above| Some((above, fs::canonicalize(above).ok()?)));
    let Some((above, found)) = there else {
        return path;
    };
    match path.strip_prefix(above) {
        Ok(rest) if !rest.as_os_str().is_empty() => found.join(rest),
        _ => found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_beside_its_store_can_move_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = fs::canonicalize(folder.path()).unwrap();
        let store = home.join(".vp");
        assert_eq!(place(&home.join("s.vp"), &store), "s.vp");
        assert_eq!(place(&home.join("a/s.vp"), &store), "a/s.vp");
        let elsewhere = home.join("stores/x");
        let file = home.join("s.vp");
        assert_eq!(place(&file, &elsewhere), file.to_str().unwrap());
    }
}
