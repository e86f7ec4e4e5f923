//! Items of a dataset: what is asked, and the pictures.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::json;
use vpc_compiler::plan::{AnswersTask, DatasetFrom, DatasetTask, Job, Plan, Task};
use vpc_data::image::{Limits, decode, png};
use vpc_data::items::{Form, Item, ItemSource, PictureId, choose, read_items};
use vpc_engine::{asked_items, choice, item_source};

use super::found::{Found, plain};
use super::sample::Sample;
use super::show::Shown;
use super::{ShowOptions, failed};
use crate::exit::Status;
use crate::output::{one_line, tell};

/// Encoded pictures by their digests.
type Pictures = BTreeMap<PictureId, Vec<u8>>;

/// What a dataset's items are from, and some of them; their pictures are written where that was asked for.
pub(super) fn sampled(
    plan: &Plan,
    found: &Found<'_>,
    task: &DatasetTask,
    options: &ShowOptions,
) -> Result<(String, Vec<Shown>), Status> {
    let most = options.seed.is_none().then_some(options.count as usize);
    let mut sample = Sample::new(options.count as usize, options.seed);
    for item in items(plan, found.job, task, most)? {
        sample.offer(|| item);
    }
    let kept = sample.into_kept();
    let files = match &options.pictures {
        None => BTreeMap::new(),
        Some(folder) => written(plan, found.job, &kept, folder)?,
    };
    let shown = kept.iter().map(|(place, item)| shown(*place, item, &files));
    Ok((origin(plan, found.job, task), shown.collect()))
}

/// What the questions of a benchmark are from, and some of them.
pub(super) fn asked(
    found: &Found<'_>,
    task: &AnswersTask,
    options: &ShowOptions,
) -> Result<(String, Vec<Shown>), Status> {
    let items = asked_items(task).map_err(|error| failed(found.name, error))?;
    let mut sample = Sample::new(options.count as usize, options.seed);
    for item in items {
        sample.offer(|| item);
    }
    let none = BTreeMap::new();
    let kept = sample.into_kept();
    let shown = kept.iter().map(|(place, item)| shown(*place, item, &none));
    let files = found.job.task.data().map(|(path, _)| format!("`{path}`"));
    Ok((files.collect::<Vec<_>>().join(" and "), shown.collect()))
}

/// All items of a dataset, or the first ones.
pub(super) fn items(
    plan: &Plan,
    job: &Job,
    task: &DatasetTask,
    most: Option<usize>,
) -> Result<Vec<Item>, Status> {
    let mut all = Vec::new();
    match &task.from {
        DatasetFrom::Source(_) => {
            for source in sources(plan, job)? {
                read(job, &source, &mut |item, _| {
                    all.push(item);
                    most.is_none_or(|most| all.len() < most)
                })?;
            }
        }
        DatasetFrom::Chosen(how) => {
            for (of, task) in parts(plan, job) {
                let whole = items(plan, of, task, None)?;
                let chosen = choose(whole, &choice(how));
                all.extend(chosen.map_err(|error| failed(job.name(), error))?);
            }
        }
        DatasetFrom::Joined => {
            for (of, task) in parts(plan, job) {
                let left = most.map(|most| most.saturating_sub(all.len()));
                if left != Some(0) {
                    all.extend(items(plan, of, task, left)?);
                }
            }
        }
    }
    all.truncate(most.unwrap_or(usize::MAX));
    Ok(all)
}

/// The datasets that one is made of.
fn parts<'p>(plan: &'p Plan, job: &'p Job) -> impl Iterator<Item = (&'p Job, &'p DatasetTask)> {
    let jobs = job.inputs_as("items").filter_map(|key| plan.job(key));
    jobs.filter_map(|job| match &job.task {
        Task::Dataset(task) => Some((job, &**task)),
        _ => None,
    })
}

/// The sources at the bottom of a dataset, each once.
fn sources(plan: &Plan, job: &Job) -> Result<Vec<ItemSource>, Status> {
    let mut all = Vec::new();
    if let Task::Dataset(task) = &job.task {
        let source = item_source(task).map_err(|error| failed(job.name(), error))?;
        all.extend(source);
    }
    for (of, _) in parts(plan, job) {
        for source in sources(plan, of)? {
            if !all.contains(&source) {
                all.push(source);
            }
        }
    }
    Ok(all)
}

/// Reads a source for as long as it is wanted.
fn read(
    job: &Job,
    source: &ItemSource,
    each: &mut dyn FnMut(Item, Option<&[u8]>) -> bool,
) -> Result<(), Status> {
    let read = read_items(source, &Limits::default(), &mut |item, bytes| {
        Ok(if each(item, bytes) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    });
    read.map(|_| ()).map_err(|error| failed(job.name(), error))
}

/// Writes the pictures of items into a folder, each under its item's place; their paths by place.
fn written(
    plan: &Plan,
    job: &Job,
    kept: &[(u64, Item)],
    folder: &Path,
) -> Result<BTreeMap<u64, String>, Status> {
    let refused = |error: &dyn Display| {
        tell(format_args!("error: `{}`: {error}", folder.display()));
        Status::Environment
    };
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        tell(format_args!(
            "error: `{}` is not empty; name a new folder for the pictures",
            folder.display()
        ));
        return Err(Status::Use);
    }
    fs::create_dir_all(folder).map_err(|error| refused(&error))?;
    let pictures = wanted(plan, job, kept)?;
    let mut files = BTreeMap::new();
    for (place, item) in kept {
        let Some(bytes) = item.picture.and_then(|id| pictures.get(&id)) else {
            continue;
        };
        let picture = decode(bytes, &Limits::default());
        let picture = picture.map_err(|error| failed(job.name(), error))?;
        let file = folder.join(format!("{place:06}.png"));
        let bytes = png(&picture).map_err(|error| failed(job.name(), error))?;
        write_new(&file, &bytes).map_err(|error| refused(&error))?;
        files.insert(*place, file.display().to_string());
    }
    Ok(files)
}

fn write_new(file: &Path, bytes: &[u8]) -> io::Result<()> {
    io::Write::write_all(&mut fs::File::create_new(file)?, bytes)
}

/// The encoded pictures of some items; sources are read until all are there.
fn wanted(plan: &Plan, job: &Job, kept: &[(u64, Item)]) -> Result<Pictures, Status> {
    let wanted = kept.iter().filter_map(|(_, item)| item.picture);
    let wanted: BTreeSet<PictureId> = wanted.collect();
    let mut pictures = Pictures::new();
    for source in sources(plan, job)? {
        if pictures.len() == wanted.len() {
            break;
        }
        read(job, &source, &mut |item, bytes| {
            let found = item.picture.zip(bytes);
            if let Some((id, bytes)) = found.filter(|(id, _)| wanted.contains(id)) {
                pictures.entry(id).or_insert_with(|| bytes.to_vec());
            }
            pictures.len() < wanted.len()
        })?;
    }
    Ok(pictures)
}

/// Where a dataset comes from, in words.
pub(super) fn origin(plan: &Plan, job: &Job, task: &DatasetTask) -> String {
    let source = item_source(task).ok().flatten();
    source.map_or_else(
        || {
            let parts = parts(plan, job).map(|(part, _)| format!("`{}`", plain(part.name())));
            parts.collect::<Vec<_>>().join(", ")
        },
        |source| source.origin(),
    )
}

fn shown(place: u64, item: &Item, files: &BTreeMap<u64, String>) -> Shown {
    let file = files.get(&place);
    let mut lines = vec![format!("item {place}, `{}`", one_line(&item.id))];
    let mut line = |what: &str, text: &dyn Display| {
        let text = text.to_string();
        let mut parts = text.lines();
        let first = parts.next().unwrap_or_default();
        lines.push(format!("  {what:<8} {first}").trim_end().to_owned());
        lines.extend(parts.map(|part| format!("           {part}").trim_end().to_owned()));
    };
    if !item.labels.is_empty() {
        line("labels", &item.labels.join(", "));
    }
    match (item.picture, file) {
        (Some(_), Some(file)) => line("picture", file),
        (Some(id), None) => line("picture", &id),
        (None, _) => {}
    }
    let last = item.turns.len().saturating_sub(1);
    for (place, turn) in item.turns.iter().enumerate() {
        if !turn.question.is_empty() {
            line("question", &turn.question);
        }
        // Options are those of the last turn.
        let options = item.options.iter().enumerate();
        for (at, option) in options.filter(|_| place == last) {
            let mark = if item.right == Some(at) {
                " (right)"
            } else {
                ""
            };
            line("option", &format_args!("{option}{mark}"));
        }
        if item.answers.is_empty() {
            line("answer", &turn.answer);
        }
    }
    for answer in &item.answers {
        line("answer", answer);
    }
    let mut json = json!({
        "place": place,
        "id": item.id,
        "turns": item.turns,
        "options": item.options,
        "right": item.right,
        "labels": item.labels,
        "picture": item.picture,
    });
    if let Some(json) = json.as_object_mut() {
        if let Some(file) = file {
            json.insert("file".to_owned(), file.as_str().into());
        }
        if !item.answers.is_empty() {
            json.insert("answers".to_owned(), json!(item.answers));
        }
        if item.form != Form::default() {
            json.insert("form".to_owned(), json!(item.form));
        }
    }
    let text = lines.join("\n");
    Shown { text, json }
}
