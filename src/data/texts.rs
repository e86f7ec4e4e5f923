//! Documents of a category, with the labels they come with.

use std::ops::ControlFlow;

use serde_json::json;
use vpc_compiler::plan::CorpusTask;
use vpc_data::read_labelled;
use vpc_data::world::Segment;
use vpc_engine::text_source;

use super::found::Found;
use super::sample::Sample;
use super::show::Shown;
use super::{ShowOptions, failed};
use crate::exit::Status;
use crate::output::{grouped, one_line};

/// Bytes of a document on the screen; programs get all of it.
const SCREEN: usize = 4096;

/// A document that was kept.
struct Kept {
    text: String,
    labels: Vec<String>,
    segments: Vec<Segment>,
}

/// What a category's text is from, and some of its documents.
pub(super) fn sampled(
    found: &Found<'_>,
    task: &CorpusTask,
    options: &ShowOptions,
) -> Result<(String, Vec<Shown>), Status> {
    let refused = |error: &dyn std::fmt::Display| failed(found.job.name(), error);
    let (source, filter) = text_source(task).map_err(|error| refused(&error))?;
    let mut sample = Sample::new(options.count as usize, options.seed);
    let read = read_labelled(&source, &filter, &mut |document| {
        sample.offer(|| Kept {
            text: document.text.to_owned(),
            labels: document.labels.to_vec(),
            segments: document.segments.to_vec(),
        });
        Ok(if sample.is_full() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    });
    read.map_err(|error| refused(&error))?;
    let kept = sample.into_kept().into_iter();
    let shown = kept.map(|(place, kept)| kept.shown(place)).collect();
    Ok((source.origin(), shown))
}

impl Kept {
    fn shown(&self, place: u64) -> Shown {
        let segments = self.segments.iter().map(|segment| {
            let labels: Vec<&str> = segment.labels.names().collect();
            json!({ "text": segment.text, "labels": labels })
        });
        let json = json!({
            "place": place,
            "bytes": self.text.len(),
            "text": self.text,
            "labels": self.labels,
            "segments": segments.collect::<Vec<_>>(),
        });
        let text = self.screen(place);
        Shown { text, json }
    }

    /// A heading, then the text; of the world each segment below its labels.
    fn screen(&self, place: u64) -> String {
        let bytes = grouped(self.text.len() as u64);
        let mut lines = vec![match self.labels.as_slice() {
            [] => format!("document {place}, {bytes} bytes"),
            words => {
                let words = words.join(", ");
                format!("document {place}, {bytes} bytes: {}", one_line(&words))
            }
        }];
        if self.segments.is_empty() {
            lines.extend(indented(cut(&self.text, SCREEN)));
        }
        let mut shown = if self.segments.is_empty() {
            self.text.len().min(SCREEN)
        } else {
            0
        };
        for segment in &self.segments {
            if shown >= SCREEN {
                break;
            }
            lines.push(format!("  [{}]", segment.labels));
            lines.extend(indented(cut(&segment.text, SCREEN - shown)));
            shown += segment.text.len().min(SCREEN - shown);
        }
        if shown < self.text.len() {
            let more = grouped((self.text.len() - shown) as u64);
            lines.push(format!("    … and {more} bytes more"));
        }
        lines.join("\n")
    }
}

/// The lines of a text without the blank ones at its end, moved to the right.
fn indented(text: &str) -> impl Iterator<Item = String> {
    let lines = text.trim_end().lines();
    lines.map(|line| format!("    {line}").trim_end().to_owned())
}

/// The beginning of a text, whole characters of at most so many bytes.
fn cut(text: &str, bytes: usize) -> &str {
    let end = text.floor_char_boundary(bytes);
    text.get(..end).unwrap_or(text)
}
