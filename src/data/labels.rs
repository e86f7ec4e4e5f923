//! `vpc data labels`: how much text carries each label, and how many items.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};
use vpc_compiler::plan::{CorpusTask, DatasetTask, Plan};
use vpc_data::labeller::{Labeller, Rules, SEGMENT_BYTES, segments};
use vpc_data::{Source, read_labelled};
use vpc_engine::text_source;

use super::found::{Found, Of, all, one};
use super::tally::Tally;
use super::{Labelled, LabelsOptions, failed, items, planned};
use crate::exit::Status;
use crate::output::{columns, counted, grouped, say, say_json};

/// What labels the text of a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The world, its segments.
    World,
    /// A field of the source, its documents.
    Source,
    /// Rules, segments of 1,024 bytes.
    Rules,
}

/// What was counted of a category.
struct Counted {
    origin: String,
    by: Option<By>,
    documents: u64,
    tally: Tally,
}

pub(super) fn labels(options: &LabelsOptions) -> Result<(), Status> {
    let plan = planned(&options.file, &options.shape)?;
    let found = if options.names.is_empty() {
        all(&plan).collect()
    } else {
        let names = options.names.iter().map(|name| one(&plan, name));
        names.collect::<Result<Vec<_>, _>>()?
    };
    let (mut categories, mut datasets) = (Vec::new(), Vec::new());
    for (at, found) in found.iter().enumerate() {
        let (json, text) = match found.of {
            Of::Category(task) => {
                let counted = count(found, task, options)?;
                (counted.json(found.name), counted.text(found.name))
            }
            Of::Dataset(task) => of_items(&plan, found, task)?,
            Of::Benchmark(_) => continue,
        };
        if !options.shape.is_json() {
            let gap = if at > 0 { "\n" } else { "" };
            say(format_args!("{gap}{text}"));
        }
        match found.of {
            Of::Category(_) => categories.push(json),
            Of::Dataset(_) => datasets.push(json),
            Of::Benchmark(_) => {}
        }
    }
    if options.shape.is_json() {
        say_json(json!({
            "schema": 1,
            "study": plan.study,
            "categories": categories,
            "datasets": datasets,
        }));
    } else if found.is_empty() {
        say("the study uses no category and no dataset");
    }
    Ok(())
}

fn count(found: &Found<'_>, task: &CorpusTask, options: &LabelsOptions) -> Result<Counted, Status> {
    let refused = |error: &dyn std::fmt::Display| failed(found.job.name(), error);
    let (source, filter) = text_source(task).map_err(|error| refused(&error))?;
    let by = match &source {
        Source::World { .. } => Some(By::World),
        Source::Jsonl {
            labels: Some(_), ..
        } => Some(By::Source),
        Source::Jsonl { .. } | Source::Text { .. } => {
            options.labeller.map(|Labelled::Rules| By::Rules)
        }
    };
    let mut tally = match by {
        Some(By::World | By::Rules) => Tally::of_six(),
        Some(By::Source) | None => Tally::default(),
    };
    let rules = Rules::default();
    let most = options.first.as_ref().map_or(u64::MAX, |size| size.bytes);
    let (mut documents, mut bytes) = (0, 0);
    let read = read_labelled(&source, &filter, &mut |document| {
        documents += 1;
        bytes += document.text.len() as u64;
        match by {
            Some(By::World) => {
                for segment in document.segments {
                    tally.add(segment.labels, segment.text.len());
                }
            }
            Some(By::Rules) => {
                for segment in segments(document.text, SEGMENT_BYTES) {
                    tally.add(rules.label(segment), segment.len());
                }
            }
            Some(By::Source) | None => tally.add_words(document.labels, document.text.len()),
        }
        Ok(if bytes < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    });
    read.map_err(|error| refused(&error))?;
    Ok(Counted {
        origin: source.origin(),
        by,
        documents,
        tally,
    })
}

impl Counted {
    fn text(&self, name: &str) -> String {
        let number = grouped(self.documents);
        let bytes = grouped(self.tally.all.bytes);
        let head = format!("{name}: {}; {number} documents, {bytes} bytes", self.origin);
        let pieces = grouped(self.tally.all.pieces);
        match self.by {
            None => format!(
                "{head}\n  it has no labels; `--labeller rules` tells roughly which it would have"
            ),
            Some(By::World) => {
                format!("{head}, {pieces} segments\n{}", self.tally.text("segments"))
            }
            Some(By::Source) => format!("{head}\n{}", self.tally.text("documents")),
            Some(By::Rules) => format!(
                "{head}, {pieces} segments of at most 1_024 bytes, labelled by rules\n{}",
                self.tally.text("segments")
            ),
        }
    }

    fn json(&self, name: &str) -> Value {
        let by = self.by.map(|by| match by {
            By::World => "world",
            By::Source => "source",
            By::Rules => "rules",
        });
        let piece = match self.by {
            Some(By::World | By::Rules) => "segment",
            Some(By::Source) | None => "document",
        };
        json!({
            "name": name,
            "from": self.origin,
            "labelled_by": by,
            "documents": self.documents,
            "piece": piece,
            "text": self.tally.json(),
        })
    }
}

/// The number of items of a dataset with each label.
fn of_items(plan: &Plan, found: &Found<'_>, task: &DatasetTask) -> Result<(Value, String), Status> {
    let items = items::items(plan, found.job, task, None)?;
    let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
    for label in items.iter().flat_map(|item| &item.labels) {
        *labels.entry(label).or_default() += 1;
    }
    let bare = items.iter().filter(|item| item.labels.is_empty()).count();
    let seen = items.iter().filter(|item| item.picture.is_some()).count();
    let origin = items::origin(plan, found.job, task);
    let json = json!({
        "name": found.name,
        "from": origin,
        "items": items.len(),
        "with_picture": seen,
        "labels": labels,
        "none": bare,
    });
    let share = |count: usize| format!("{:.1}%", 100.0 * count as f64 / items.len().max(1) as f64);
    let row = |name: &str, count: usize| {
        let number = grouped(count as u64);
        vec![format!("  {name}"), number, share(count)]
    };
    let mut rows: Vec<Vec<String>> = labels
        .iter()
        .map(|(name, count)| row(name, *count))
        .collect();
    rows.push(row("no label", bare));
    let head = format!(
        "{}: {origin}; {}, {} with a picture",
        found.name,
        counted(items.len(), "item"),
        grouped(seen as u64)
    );
    let table = columns(&["  label", "items", "share"], rows, 1);
    Ok((json, format!("{head}\n{table}")))
}
