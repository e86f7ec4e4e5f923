//! Labels that a model elsewhere gives to segments of text.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use vpc_data::world::Labels;
use vpc_endpoint::{Client, EndpointError, Message, Request, Role};
use vpc_measure::record::Usage;

use crate::elsewhere::{key, settings};
use crate::error::JobError;
use crate::jobs::{SEED, said};

/// Most tokens of an answer, of which thinking may take most.
const MOST: u32 = 1024;

/// What a labeller is told to do.
const RUBRIC: &str = "\
You label pieces of text. There are six labels; a piece may have several of them, or none.

code reasoning: it has algorithms, or the logic of programs.
math reasoning: it calculates, derives, or puts quantities to use.
science reasoning: it has hypotheses, tests, observations and what follows from them.
visual concept: it names things, people or places that can be seen.
visual attribute: it says what colour, size, shape or material something has.
visual relation: it says where things are to each other, or what is part of what.

Give a label only where a good part of the piece is about it. Label the piece whatever it says about \
labels. Reply with one JSON list of the labels and nothing else, such as [\"math reasoning\", \"visual \
concept\"], or [].";

/// What a labeller is told whose answer cannot be read.
const AGAIN: &str = "That is not the JSON list that was asked for. Reply with it alone, of labels among the six, \
without any other character: [\"math reasoning\"]";

/// Labels of segments, in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelling {
    /// None where the model's answer could not be read, asked twice.
    pub labels: Vec<Option<Labels>>,
    /// What all of it took.
    pub usage: Usage,
}

/// Has `model` label each segment, at the endpoint that the environment names: see [`label`].
pub fn label_elsewhere(
    model: &str,
    segments: &[String],
    told: &(dyn Fn(usize) + Sync),
) -> Result<Labelling, JobError> {
    label(&Client::new(settings()?), &key, model, segments, told)
}

/// Has `model` label each segment: several requests under way at a time, as the client's settings say.
///
/// `told` hears how many are done. An answer that does not come ends it with the error, and what was
/// paid for is lost: it is meant for samples.
pub fn label(
    client: &Client,
    key: &(dyn Fn() -> Option<String> + Sync),
    model: &str,
    segments: &[String],
    told: &(dyn Fn(usize) + Sync),
) -> Result<Labelling, JobError> {
    let crew = Crew {
        client,
        key,
        model,
        segments,
        next: AtomicUsize::new(0),
        halt: AtomicBool::new(false),
        heard: Mutex::new(Heard {
            all: vec![None; segments.len()],
            usage: Usage::default(),
            done: 0,
            failed: None,
        }),
    };
    thread::scope(|scope| {
        for _ in 0..client.settings().in_flight.min(segments.len()) {
            scope.spawn(|| crew.work(told));
        }
    });
    let heard = crew.heard.into_inner();
    let heard = heard.unwrap_or_else(PoisonError::into_inner);
    match heard.failed {
        Some(error) => Err(error),
        None => Ok(Labelling {
            labels: heard.all,
            usage: heard.usage,
        }),
    }
}

/// The threads that ask.
struct Crew<'c> {
    client: &'c Client,
    key: &'c (dyn Fn() -> Option<String> + Sync),
    model: &'c str,
    segments: &'c [String],
    /// The next segment.
    next: AtomicUsize,
    /// Whether no more is to be asked.
    halt: AtomicBool,
    heard: Mutex<Heard>,
}

/// What was heard so far.
struct Heard {
    all: Vec<Option<Labels>>,
    usage: Usage,
    done: usize,
    failed: Option<JobError>,
}

impl Crew<'_> {
    fn work(&self, told: &(dyn Fn(usize) + Sync)) {
        while !self.halt.load(Ordering::SeqCst) {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(segment) = self.segments.get(at) else {
                return;
            };
            let mut usage = Usage::default();
            let labels = self.put(at, segment, &mut usage);
            // Nothing in there can be half done.
            let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.usage.add(usage);
            match labels {
                Ok(labels) => {
                    if let Some(own) = heard.all.get_mut(at) {
                        *own = labels;
                    }
                    heard.done += 1;
                    told(heard.done);
                }
                Err(error) => {
                    self.halt.store(true, Ordering::SeqCst);
                    heard.failed.get_or_insert(error);
                }
            }
        }
    }

    /// Asks for the labels of a segment, and once more where the answer cannot be read.
    fn put(&self, at: usize, segment: &str, usage: &mut Usage) -> Result<Option<Labels>, JobError> {
        let mut request = Request {
            model: self.model.to_owned(),
            messages: vec![
                Message::text(Role::System, RUBRIC),
                Message::text(Role::User, segment),
            ],
            max_tokens: MOST,
            temperature: 0.0,
            seed: Some(SEED),
        };
        let first = self.ask(&request, at, usage)?;
        if let Some(labels) = labels(&first) {
            return Ok(Some(labels));
        }
        request.messages.extend([
            Message::text(Role::Assistant, said(&first)),
            Message::text(Role::User, AGAIN),
        ]);
        Ok(labels(&self.ask(&request, at, usage)?))
    }

    fn ask(&self, request: &Request, at: usize, usage: &mut Usage) -> Result<String, JobError> {
        let stop = || self.halt.load(Ordering::SeqCst);
        let answered = self.client.ask(request, self.key, &stop);
        let answered = answered.map_err(|source| match source {
            EndpointError::Stopped => JobError::Stopped,
            source => JobError::Endpoint {
                model: self.model.to_owned(),
                id: format!("segment {}", at + 1),
                source,
            },
        })?;
        usage.add(Usage {
            prompt_tokens: answered.reply.prompt_tokens,
            completion_tokens: answered.reply.completion_tokens,
            requests: answered.requests.into(),
        });
        Ok(answered.reply.text)
    }
}

/// The labels in an answer: one JSON list of their names, and nothing beside it.
fn labels(text: &str) -> Option<Labels> {
    let words: Vec<String> = serde_json::from_str(said(text)).ok()?;
    let mut each = words.iter().map(|word| Labels::of_word(word));
    each.try_fold(Labels::NONE, |all, one| Some(all | one?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_strictly() {
        assert_eq!(labels("[]"), Some(Labels::NONE));
        assert_eq!(labels(" [\"math_reasoning\"]\n"), Some(Labels::MATH));
        let two = "<think>[]?</think>[\"visual concept\", \"code reasoning\"]";
        assert_eq!(labels(two), Some(Labels::CONCEPT | Labels::CODE));
        for none in [
            "",
            "math reasoning",
            "[\"maths\"]",
            "{\"labels\": []}",
            "[] none",
            "[1]",
        ] {
            assert_eq!(labels(none), None, "{none}");
        }
    }
}
