//! `dataset`: items read from a source with their pictures, or chosen from others.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::json;
use vpc_compiler::plan::{self, DatasetFrom, DatasetTask, ItemFields, ItemsSpec, Key, PartSpec};
use vpc_data::image::Limits;
use vpc_data::items::{
    Ask, Broken, Choice, Fields, Item, ItemSource, PicturesWriter, Side, choose, item_line,
    read_item_lines, read_items,
};
use vpc_data::world::Split;
use vpc_store::{Attempt, Manifest, StoreError};

use super::Bench;
use super::corpus::check_digest;
use crate::error::JobError;
use crate::support::why_not;

/// The file of items, a JSON line for each.
pub(super) const ITEMS: &str = "items.jsonl";
/// The file of the pictures of a source, each once.
pub(super) const PICTURES: &str = "pictures.bin";

pub(super) fn make(bench: &Bench<'_>, task: &DatasetTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    if let Some(why) = why_not(&bench.job.task) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    let mut attempt = bench.store.attempt(bench.job.key)?;
    let metrics = match &task.from {
        DatasetFrom::Source(source) => read(bench, &mut attempt, source, task.items)?,
        DatasetFrom::Chosen(choice) => {
            let of = bench.job.inputs_as("items").next();
            let of = of.ok_or_else(|| JobError::InputGone(bench.job.name().to_owned()))?;
            let items = choose(items(bench, of)?, &chosen(choice))?;
            write(&mut attempt, &items)?
        }
        DatasetFrom::Joined => {
            let mut all = Vec::new();
            for part in bench.job.inputs_as("items") {
                all.extend(items(bench, part)?);
            }
            write(&mut attempt, &all)?
        }
    };
    let found = metrics.get("items").and_then(serde_json::Value::as_u64);
    let (found, planned) = (found.unwrap_or_default(), task.items);
    if found != planned {
        // A source goes by the name that it has in the study.
        let path = bench.job.task.data().next();
        return Err(match path.map(|(path, _)| path.to_owned()) {
            Some(path) => JobError::Items {
                path,
                found,
                planned,
            },
            None => JobError::ItemCount {
                dataset: bench.job.name().to_owned(),
                found,
                planned,
            },
        });
    }
    let draft = bench.draft(metrics, begun)?;
    Ok(attempt.publish(draft)?)
}

/// Returns the items of a dataset that was made.
pub(super) fn items(bench: &Bench<'_>, key: Key) -> Result<Vec<Item>, JobError> {
    Ok(read_item_lines(&bench.open(key, ITEMS)?)?)
}

/// Reads a source to its end, or to where the run is asked to stop.
fn read(
    bench: &Bench<'_>,
    attempt: &mut Attempt,
    spec: &ItemsSpec,
    count: u64,
) -> Result<serde_json::Value, JobError> {
    let source = source(spec, count)?;
    let mut lines = attempt.create(ITEMS)?;
    let mut pictures = PicturesWriter::new(attempt.create(PICTURES)?);
    let mut failed = None;
    let stats = read_items(&source, &Limits::default(), &mut |item, bytes| {
        let mut file = || -> Result<(), JobError> {
            bench.check_stop()?;
            if let (Some(id), Some(bytes)) = (item.picture, bytes) {
                pictures.add(id, bytes)?;
            }
            Ok(put(&mut lines, &item)?)
        };
        Ok(match file() {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    lines.finish()?;
    pictures.finish()?.finish()?;
    for (path, digest) in bench.job.task.data() {
        check_digest(path, digest)?;
    }
    Ok(serde_json::to_value(stats)?)
}

/// Writes the line of an item.
fn put(lines: &mut impl Write, item: &Item) -> Result<(), StoreError> {
    let line = item_line(item) + "\n";
    lines
        .write_all(line.as_bytes())
        .map_err(StoreError::of_write)
}

fn write(attempt: &mut Attempt, items: &[Item]) -> Result<serde_json::Value, JobError> {
    let mut lines = attempt.create(ITEMS)?;
    for item in items {
        put(&mut lines, item)?;
    }
    lines.finish()?;
    let shown = items.iter().filter(|item| item.picture.is_some()).count();
    Ok(json!({ "items": items.len(), "with_picture": shown }))
}

/// Which items are used.
pub(crate) fn chosen(choice: &plan::Choice) -> Choice {
    match choice {
        plan::Choice::Only(words) => Choice::Only(words.clone()),
        plan::Choice::Without(words) => Choice::Without(words.clone()),
        plan::Choice::Thin { words, to } => Choice::Thin {
            words: words.clone(),
            to: to.parts(),
        },
        plan::Choice::Sample(items) => Choice::Sample(*items),
    }
}

/// Where items come from.
pub(crate) fn source(spec: &ItemsSpec, items: u64) -> Result<ItemSource, JobError> {
    let split = |split| match split {
        plan::Split::Train => Split::Train,
        plan::Split::Test => Split::Test,
    };
    let side = |part: &PartSpec| Side {
        held_out: part.held_out.parts(),
        split: split(part.side),
    };
    let broken = |broken| match broken {
        plan::Broken::Fatal => Broken::Fatal,
        plan::Broken::Skip => Broken::Skip,
    };
    Ok(match spec {
        ItemsSpec::Planned { what, .. } => return Err(JobError::Unsupported(what.clone())),
        ItemsSpec::Published { name, files } => ItemSource::Published {
            benchmark: name.parse()?,
            files: files
                .iter()
                .map(|file| PathBuf::from(file.path.get()))
                .collect(),
        },
        ItemsSpec::Scenes { kinds, side, seed } => {
            let kinds = kinds.iter().map(|kind| kind.parse());
            ItemSource::Scenes {
                kinds: kinds.collect::<Result<_, _>>()?,
                split: split(*side),
                seed: *seed,
                items,
            }
        }
        ItemsSpec::Folder {
            path,
            digest: _,
            ask,
            seed,
            broken: policy,
            part,
        } => ItemSource::Folder {
            path: PathBuf::from(path.get()),
            ask: match ask {
                plan::Ask::Caption => Ask::Caption,
                plan::Ask::Options(options) => Ask::Options(*options as usize),
            },
            seed: *seed,
            broken: broken(*policy),
            side: part.as_ref().map(side),
        },
        ItemsSpec::File {
            path,
            digest: _,
            pictures,
            fields,
            broken: policy,
            part,
        } => {
            let ItemFields {
                image,
                question,
                answer,
            } = fields.clone();
            ItemSource::File {
                path: PathBuf::from(path.get()),
                pictures: pictures
                    .as_ref()
                    .map(|folder| Path::new(folder.path.get()).to_owned()),
                fields: Fields {
                    image,
                    question,
                    answer,
                    ..Fields::default()
                },
                broken: broken(*policy),
                side: part.as_ref().map(side),
            }
        }
    })
}
