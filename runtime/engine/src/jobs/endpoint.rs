//! Answers of a model elsewhere to the questions of a benchmark.

use std::time::Instant;

use serde_json::json;
use vpc_compiler::plan::{AnswersTask, Score};
use vpc_data::items::{Item, Pictures};
use vpc_data::questions::{Answer, Asking, Question, body, earlier};
use vpc_endpoint::{Finish, Message, Part, Request, Role};
use vpc_measure::record::Record;
use vpc_store::Manifest;

use super::Bench;
use super::dataset::PICTURES;
use super::errand::{Heard, Told, ask_all};
use super::record::{self, joined};
use super::sheet::{Sheet, asking};
use crate::error::JobError;

/// Most tokens of an answer; models that think first need more than the answer has.
const ANSWER: u32 = 256;
/// Most tokens of an explanation and an answer.
const EXPLAINED: u32 = 1024;
/// What sampling begins with, where it is no matter of the likeliest token alone.
pub(crate) const SEED: u64 = 0;

/// What begins the line of an answer after an explanation.
const STATED: &str = "answer:";

pub(super) fn make(
    bench: &Bench<'_>,
    task: &AnswersTask,
    model: &str,
) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let asking = asking(task.format);
    let sheet = Sheet::of(bench, task, asking)?;
    let blob = match bench.job.inputs_as("items").next() {
        Some(key) if task.images => Some(bench.open(key, PICTURES)?),
        _ => None,
    };
    let exam = Exam {
        model,
        asking,
        explain: task.explain,
        score: task.score,
        pictures: blob.as_deref().map(Pictures::new).transpose()?,
        sheet: &sheet,
    };
    let digests: Vec<String> = (0..sheet.questions.len())
        .map(|at| exam.digest(at))
        .collect();
    let heard = ask_all(bench, &digests, &|at, asker| {
        let (request, id) = exam.request(at)?;
        asker.ask(&request, id)
    })?;
    let both = sheet.questions.iter().zip(&heard.told);
    let answers: Vec<Record> = both
        .map(|(question, told)| exam.record(question, told))
        .collect();
    let metrics = exam.summary(bench, &answers, &heard)?;
    let seconds = heard.spent + begun.elapsed().as_secs_f64();
    let attempt = record::file(bench, &sheet, answers)?;
    let manifest = attempt.publish(bench.draft_of(metrics, seconds)?)?;
    bench.store.clear_progress(bench.job.key, &[])?;
    Ok(manifest)
}

/// How a model elsewhere is examined.
struct Exam<'e> {
    model: &'e str,
    asking: Asking,
    explain: bool,
    score: Score,
    /// None where pictures are withheld.
    pictures: Option<Pictures<'e>>,
    sheet: &'e Sheet,
}

impl Exam<'_> {
    /// The words of a question, with how it is to be answered.
    fn words(&self, question: &Question) -> String {
        let asked = body(question, self.asking);
        format!("{asked}\n\n{}", instruction(self.asking, self.explain))
    }

    fn shown(&self, at: usize) -> Option<&Item> {
        let item = self.sheet.items.get(at)?;
        item.picture.is_some().then_some(item)
    }

    /// What tells requests apart: what was said before, words, picture and how much may be said.
    fn digest(&self, at: usize) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.most().to_le_bytes());
        if let Some(question) = self.sheet.questions.get(at) {
            hash.update(earlier(question).as_bytes());
            hash.update(self.words(question).as_bytes());
        }
        let picture = self.shown(at).and_then(|item| item.picture);
        if let Some(picture) = picture.filter(|_| self.pictures.is_some()) {
            hash.update(&picture.bytes());
        }
        hash.finalize().to_hex().to_string()
    }

    const fn most(&self) -> u32 {
        if self.explain { EXPLAINED } else { ANSWER }
    }

    /// A request, and the name of its question. The picture comes first, as adapted models see it; turns
    /// before the question are said to have been answered rightly.
    fn request(&self, at: usize) -> Result<(Request, &str), JobError> {
        let question = self.sheet.questions.get(at);
        let (mut messages, mut content) = (Vec::new(), Vec::new());
        if let (Some(pictures), Some(item)) = (&self.pictures, self.shown(at)) {
            let bytes = item.picture.and_then(|id| pictures.get(id));
            let item = || item.id.clone();
            let bytes = bytes.ok_or_else(|| JobError::Unseen { item: item() })?;
            let part = Part::picture(bytes);
            content.push(part.ok_or_else(|| JobError::Unsent { item: item() })?);
        }
        let role = Role::User;
        for turn in question.iter().flat_map(|question| &question.before) {
            content.push(Part::text(&turn.question));
            let content = std::mem::take(&mut content);
            messages.push(Message { role, content });
            messages.push(Message::text(Role::Assistant, &turn.answer));
        }
        let words = question.map(|question| self.words(question));
        content.push(Part::text(words.unwrap_or_default()));
        messages.push(Message { role, content });
        let request = Request {
            model: self.model.to_owned(),
            messages,
            max_tokens: self.most(),
            temperature: 0.0,
            seed: Some(SEED),
        };
        Ok((request, question.map_or("", |question| &question.id)))
    }

    fn record(&self, question: &Question, told: &Told) -> Record {
        let said = said(&told.text);
        let blank = Record {
            finish: ended(told.finish).map(str::to_owned),
            usage: Some(told.usage),
            ..Record::of(&question.id, &(earlier(question) + &self.words(question)))
        };
        let (blank, output) = if self.explain {
            let (explanation, stated) = parted(said);
            let whole = match question.answer {
                // A few words are an answer where they are stated to be one.
                Answer::Words(_) => "",
                _ => said,
            };
            let explained = record::explained(blank, question, self.asking, explanation);
            (explained, stated.unwrap_or(whole))
        } else {
            let line = || said.lines().next().unwrap_or_default().trim_end();
            let is_words = matches!(question.answer, Answer::Words(_));
            (blank, if is_words { line() } else { said })
        };
        let (answer, credit) = record::read(question, output, self.score);
        Record {
            output: Some(output.to_owned()),
            answer,
            ..blank.credited(credit)
        }
    }

    /// The value, how answers ended, and what they took.
    fn summary(
        &self,
        bench: &Bench<'_>,
        answers: &[Record],
        heard: &Heard,
    ) -> Result<serde_json::Value, JobError> {
        let ended = |by: Finish| heard.told.iter().filter(|told| told.finish == by).count();
        let mut metrics = record::summary(answers, self.asking)?;
        if self.explain {
            metrics = record::with_explained(metrics, answers);
        }
        let ends = json!({
            "too_long": ended(Finish::Length), "held_back": ended(Finish::ContentFilter),
        });
        Ok(joined(joined(metrics, ends), heard.usage(bench)?))
    }
}

/// The word for how a text ended; none where the model had said what it had to say.
const fn ended(finish: Finish) -> Option<&'static str> {
    match finish {
        Finish::Stop => None,
        Finish::Length => Some("length"),
        Finish::ContentFilter => Some("content_filter"),
        Finish::Other => Some("other"),
    }
}

/// How a question is to be answered, in words for the model.
fn instruction(asking: Asking, explain: bool) -> String {
    let what = match asking {
        Asking::Choice | Asking::Likelihood => "the letter of one option",
        Asking::YesNo => "yes or no",
        Asking::ShortAnswer | Asking::Perplexity => "a word or a few",
    };
    if explain {
        format!(
            "Explain your answer in a few sentences. Then end with a line of its own: \"Answer: \", and \
             {what}."
        )
    } else {
        format!("Answer with {what}, and nothing else.")
    }
}

/// What a model said, without what it thought before, where a server hands that out in the text.
pub(crate) fn said(text: &str) -> &str {
    match text.rsplit_once("</think>") {
        Some((_, said)) => said.trim(),
        None if text.trim_start().starts_with("<think>") => "",
        None => text.trim(),
    }
}

/// An explanation, and the answer on the last line that states one.
fn parted(said: &str) -> (&str, Option<&str>) {
    let mut end = said.len();
    for line in said.split_inclusive('\n').rev() {
        end -= line.len();
        let bare = line.trim_start_matches(|c: char| c.is_whitespace() || "*#_>".contains(c));
        let is_stated = bare
            .get(..STATED.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(STATED));
        if is_stated {
            let (before, after) = said.split_at(end);
            let after = after.split_once(':').map_or("", |(_, after)| after);
            let marks = |c: char| c.is_whitespace() || "*_".contains(c);
            let answer = after.trim_matches(marks).lines().next();
            return (
                before.trim(),
                Some(answer.unwrap_or_default().trim_end_matches(marks)),
            );
        }
    }
    (said.trim(), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_on_the_last_line_that_states_one() {
        for (text, explanation, answer) in [
            ("It is round.\nAnswer: B", "It is round.", Some("B")),
            (
                "One.\n\nTwo.\n**Answer:** yes.\n",
                "One.\n\nTwo.",
                Some("yes."),
            ),
            (
                "answer: A\nNo.\nANSWER:\n two balls",
                "answer: A\nNo.",
                Some("two balls"),
            ),
            ("Answer: red", "", Some("red")),
            ("Answer:", "", Some("")),
            ("It is B, I think.", "It is B, I think.", None),
            ("Ünd ä", "Ünd ä", None),
            ("", "", None),
        ] {
            assert_eq!(parted(text), (explanation, answer), "{text}");
        }
    }

    #[test]
    fn thoughts_are_not_said() {
        assert_eq!(said("<think>A? no</think>\n\nB"), "B");
        assert_eq!(said("A? no</think>B\n"), "B");
        assert_eq!(said("<think>A? no"), "");
        assert_eq!(said(" B "), "B");
    }
}
