//! `vpc data labels`: how much text carries each label, and how many items.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::{Value, json};
use vpc_compiler::plan::{CorpusTask, DatasetTask, Plan};
use vpc_data::labeller::{Labeller, Rules, SEGMENT_BYTES, segments};
use vpc_data::{Source, read_labelled};
use vpc_engine::{JobError, label_elsewhere, text_source};
use vpc_measure::record::Usage;

use super::found::{Found, Of, all, one};
use super::tally::Tally;
use super::{Labelled, LabelsOptions, failed, items, planned};
use crate::exit::Status;
use crate::output::{columns, counted, grouped, say, say_json, tell};

/// Segments that a model elsewhere labels between two lines that say how far it is.
const TOLD_EVERY: usize = 50;

/// What labels the text of a category.
#[derive(Debug, Clone, PartialEq, Eq)]
enum By {
    /// The world, its segments.
    World,
    /// A field of the source, its documents.
    Source,
    /// Rules, segments of 1,024 bytes.
    Rules,
    /// A model elsewhere, the same.
    Endpoint(String),
}

/// What was counted of a category.
struct Counted {
    origin: String,
    by: Option<By>,
    documents: u64,
    tally: Tally,
    /// Segments whose labels could not be read, and what the others took of a model elsewhere.
    asked: Option<(usize, Usage)>,
}

pub(super) fn labels(options: &LabelsOptions) -> Result<(), Status> {
    if matches!(options.labeller, Some(Labelled::Endpoint(_))) && options.first.is_none() {
        tell(
            "error: a model elsewhere is sent a request for each 1,024 bytes: say with `--first 100kB` how much text of each category",
        );
        return Err(Status::Use);
    }
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
            options.labeller.as_ref().map(|labeller| match labeller {
                Labelled::Rules => By::Rules,
                Labelled::Endpoint(model) => By::Endpoint(model.clone()),
            })
        }
    };
    let mut tally = match by {
        Some(By::World | By::Rules | By::Endpoint(_)) => Tally::of_six(),
        Some(By::Source) | None => Tally::default(),
    };
    let rules = Rules::default();
    let most = options.first.as_ref().map_or(u64::MAX, |size| size.bytes);
    let (mut documents, mut bytes, mut to_ask) = (0, 0, Vec::new());
    let read = read_labelled(&source, &filter, &mut |document| {
        documents += 1;
        bytes += document.text.len() as u64;
        match &by {
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
            Some(By::Endpoint(_)) => {
                to_ask.extend(segments(document.text, SEGMENT_BYTES).map(str::to_owned));
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
    let asked = match &by {
        Some(By::Endpoint(model)) => Some(
            elsewhere(found.name, model, &to_ask, &mut tally).map_err(|error| refused(&error))?,
        ),
        _ => None,
    };
    Ok(Counted {
        origin: source.origin(),
        by,
        documents,
        tally,
        asked,
    })
}

/// Has a model elsewhere label the segments; tells how many it could not, and what it took.
fn elsewhere(
    name: &str,
    model: &str,
    segments: &[String],
    tally: &mut Tally,
) -> Result<(usize, Usage), JobError> {
    let all = segments.len();
    let told = |done: usize| {
        if done.is_multiple_of(TOLD_EVERY) && done < all {
            tell(format_args!("{name}: {done} of {all} segments"));
        }
    };
    let labelling = label_elsewhere(model, segments, &told)?;
    let mut unread = 0;
    for (labels, segment) in labelling.labels.iter().zip(segments) {
        match labels {
            Some(labels) => tally.add(*labels, segment.len()),
            None => unread += 1,
        }
    }
    Ok((unread, labelling.usage))
}

impl Counted {
    fn text(&self, name: &str) -> String {
        let number = grouped(self.documents);
        let bytes = grouped(self.tally.all.bytes);
        let head = format!("{name}: {}; {number} documents, {bytes} bytes", self.origin);
        let pieces = grouped(self.tally.all.pieces);
        match &self.by {
            None => format!(
                "{head}\n  it has no labels; `--labeller rules` tells roughly which it would have"
            ),
            Some(By::Endpoint(model)) => {
                let (unread, usage) = self.asked.unwrap_or_default();
                let (prompts, answers) = (usage.prompt_tokens, usage.completion_tokens);
                format!(
                    "{head}, {pieces} segments of at most 1_024 bytes, labelled by {model}\n{}\n  {} could not be \
                     read and {} not counted; {} tokens were sent, {} came back",
                    self.tally.text("segments"),
                    counted(unread, "answer"),
                    if unread == 1 { "is" } else { "are" },
                    grouped(prompts),
                    grouped(answers),
                )
            }
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
        let by = self.by.as_ref().map(|by| match by {
            By::World => "world",
            By::Source => "source",
            By::Rules => "rules",
            By::Endpoint(_) => "endpoint",
        });
        let piece = match self.by {
            Some(By::World | By::Rules | By::Endpoint(_)) => "segment",
            Some(By::Source) | None => "document",
        };
        let mut json = json!({
            "name": name,
            "from": self.origin,
            "labelled_by": by,
            "documents": self.documents,
            "piece": piece,
            "text": self.tally.json(),
        });
        let fields = json.as_object_mut();
        if let (Some(By::Endpoint(model)), Some((unread, usage)), Some(fields)) =
            (&self.by, self.asked, fields)
        {
            fields.insert("model".to_owned(), model.as_str().into());
            fields.insert("unread".to_owned(), unread.into());
            fields.insert("usage".to_owned(), json!(usage));
        }
        json
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
