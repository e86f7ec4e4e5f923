//! Plans that are written to a file, and run from there or refused as out of date.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vpc_compiler::grammar::Sources;
use vpc_compiler::plan::{Key, Plan};
use vpc_engine::Survey;
use vpc_store::Store;

use crate::build;
use crate::command::{PlanOptions, RunOptions};
use crate::exit::Status;
use crate::library::Files;
use crate::output::{counted, tell, write_whole};
use crate::study::{Planned, locked, store_folder};

/// The version of the file.
const SCHEMA: u32 = 1;

/// A plan with what it was made from.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedPlan {
    schema: u32,
    /// The build that made it.
    made_by: String,
    /// The study, as seen from where it was planned.
    study: PathBuf,
    /// Its store, where it is not the one beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<PathBuf>,
    /// The part that was selected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    only: Vec<String>,
    /// The `.vp` files that were read, by path, with the blake3 of their bytes.
    texts: BTreeMap<String, Key>,
    /// Where it lies.
    #[serde(skip)]
    path: PathBuf,
    /// What was to be done.
    to_do: Vec<Key>,
    /// The whole study.
    plan: Plan,
}

/// What is read of any version.
#[derive(Deserialize)]
struct Probe {
    schema: u32,
    #[serde(default)]
    to_do: Option<serde::de::IgnoredAny>,
}

/// Whether a path names a saved plan.
pub(crate) fn is_saved(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}

/// Writes a plan as a whole.
pub(crate) fn write(
    path: &Path,
    options: &PlanOptions,
    planned: &Planned,
    part: &Plan,
    survey: &Survey,
) -> Status {
    let jobs = part.jobs.iter().zip(&survey.states);
    let to_do = jobs.filter(|(_, state)| state.is_to_do());
    let texts = planned.texts.iter();
    let saved = SavedPlan {
        schema: SCHEMA,
        made_by: build::name().to_owned(),
        study: options.study.file.clone(),
        store: options.kept.store.clone(),
        only: options.only.only.iter().map(ToString::to_string).collect(),
        texts: texts
            .map(|(path, text)| (path.clone(), digest(text)))
            .collect(),
        path: path.to_owned(),
        to_do: to_do.map(|(job, _)| job.key).collect(),
        plan: planned.plan.clone(),
    };
    let written = write_whole(path, |file| {
        serde_json::to_writer(&mut *file, &saved)?;
        file.write_all(b"\n")
    });
    match written {
        Ok(()) => {
            tell(format_args!(
                "written: `vpc run {}` does just this, or refuses where something changed",
                path.display()
            ));
            Status::Ok
        }
        Err(error) => {
            tell(format_args!(
                "error: `{}` cannot be written: {error}",
                path.display()
            ));
            Status::Environment
        }
    }
}

/// Reads a saved plan; what is wrong with it is told.
pub(crate) fn read(path: &Path) -> Result<SavedPlan, Status> {
    let refuse = |status, why: String| {
        tell(format_args!("error: `{}` {why}", path.display()));
        Err(status)
    };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) => return refuse(Status::Use, format!("cannot be read: {error}")),
    };
    match serde_json::from_slice::<Probe>(&text) {
        Ok(probe) if probe.to_do.is_some() && probe.schema != SCHEMA => {
            let why = format!("is a saved plan of another version ({})", probe.schema);
            return refuse(Status::Use, why);
        }
        Ok(probe) if probe.to_do.is_some() => {}
        _ => {
            return refuse(
                Status::Use,
                "is no plan that `vpc plan -o` wrote".to_owned(),
            );
        }
    }
    let saved = match serde_json::from_slice::<SavedPlan>(&text) {
        Ok(saved) => SavedPlan {
            path: path.to_owned(),
            ..saved
        },
        Err(error) => {
            let why = format!("is no saved plan that this version can read: {error}");
            return refuse(Status::Use, why);
        }
    };
    if let Err(unsound) = saved.plan.check_sound() {
        let why = format!(
            "was made by {}, and cannot be run: {unsound}",
            saved.made_by
        );
        return refuse(Status::Use, why);
    }
    Ok(saved)
}

impl SavedPlan {
    /// Returns the options of a run as if the study itself were named.
    pub(crate) fn options(&self, options: &RunOptions) -> Result<RunOptions, Status> {
        let kept = &options.kept;
        if kept.store.is_some() || kept.strict_build || !options.only.only.is_empty() {
            tell(
                "error: a saved plan says already which part of the study is run, in which store and by \
                 which build; leave out `--only`, `--store` and `--strict-build`",
            );
            return Err(Status::Use);
        }
        let mut options = options.clone();
        options.study.file.clone_from(&self.study);
        options.kept.store.clone_from(&self.store);
        options.kept.strict_build = self.plan.build.is_some();
        // Whoever runs a plan has seen what it would do again.
        options.accept_changes = true;
        for selection in &self.only {
            match selection.parse() {
                Ok(selection) => options.only.only.push(selection),
                Err(error) => {
                    tell(format_args!("error: the saved plan cannot be run: {error}"));
                    return Err(Status::Use);
                }
            }
        }
        Ok(options)
    }

    /// Returns the study as it was planned; refuses where what it was planned from has changed.
    pub(crate) fn planned(&self, options: &RunOptions) -> Result<Planned, Status> {
        let folder = store_folder(&self.study, self.store.as_ref());
        let store = Store::peek(&folder).ok().flatten();
        let files = Files::new(store, options.kept.rehash, locked(&self.study)?);
        let mut stale = Vec::new();
        for (path, planned) in &self.texts {
            match fs::read(path) {
                Ok(text) if digest(&text) == *planned => {}
                Ok(_) => stale.push(format!("`{path}` was changed")),
                Err(error) => stale.push(format!("`{path}` cannot be read from here: {error}")),
            }
        }
        for (path, planned) in self.plan.jobs.iter().flat_map(|job| job.task.data()) {
            // One that is not there is told of where it is needed.
            if files
                .facts_of_any(path)
                .is_ok_and(|facts| facts.digest != planned)
            {
                stale.push(format!("`{path}` holds something else"));
            }
        }
        if let Some(bound) = self.plan.build.as_deref().filter(|it| *it != build::name()) {
            stale.push(format!(
                "it is bound to {bound}, and this is {}",
                build::name()
            ));
        }
        if stale.is_empty() {
            return Ok(Planned {
                plan: self.plan.clone(),
                // The texts may have changed since.
                sources: Sources::default(),
                folder,
                locked: files.locked().clone(),
                digests: files.into_digests(),
                texts: BTreeMap::new(),
                announced: Some(self.to_do.iter().copied().collect()),
            });
        }
        stale.sort();
        stale.dedup();
        tell("error: nothing was begun: the plan is out of date");
        for reason in stale {
            tell(format_args!("  {reason}"));
        }
        tell(format_args!(
            "help: plan again: `vpc plan {} -o {}`",
            self.study.display(),
            self.path.display()
        ));
        Err(Status::Problems)
    }
}

/// Refuses where more would be done than a saved plan says: something that was there is gone.
pub(crate) fn exceeded(plan: &Plan, survey: &Survey, announced: &BTreeSet<Key>) -> Option<usize> {
    let jobs = plan.jobs.iter().zip(&survey.states);
    let more = jobs.filter(|(job, state)| state.is_to_do() && !announced.contains(&job.key));
    let more: Vec<&str> = more.map(|(job, _)| job.name()).collect();
    let first = more.first()?;
    tell("error: nothing was begun: the plan is out of date");
    tell(format_args!(
        "  {} would be done that it does not say, such as `{first}`: what was there is gone",
        counted(more.len(), "job"),
    ));
    tell("help: plan again");
    Some(more.len())
}

fn digest(bytes: &[u8]) -> Key {
    Key::new(*blake3::hash(bytes).as_bytes())
}
