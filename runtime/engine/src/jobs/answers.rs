//! Answers of a model to the questions of a benchmark, one line for each question.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use vpc_compiler::plan::{AnswersTask, Format, ItemsSpec, Key};
use vpc_data::Tokenizer;
use vpc_data::items::Item;
use vpc_data::questions::{Answer, Asking, Question, Template, body, read_questions};
use vpc_measure::parse::{choice, normalise, yes_no};
use vpc_measure::statistics::{StatisticsError, mean};
use vpc_store::{Manifest, StoreError};
use vpc_train::with_threads;

use super::adapted::Filed;
use super::corpus::check_digest;
use super::dataset::items;
use super::mind::{Given, Mind};
use super::questions::of_items;
use super::sight::{Looked, Seen};
use super::{Bench, TOKENIZER};
use crate::error::JobError;
use crate::support::why_not;

/// The file of answers: JSON lines.
pub(super) const ANSWERS: &str = "answers.jsonl";
/// Questions between looks at whether to stop, and sequences under way at a time; no bit depends on it.
const TOGETHER: usize = 32;
/// Most tokens of an answer.
const MOST: usize = 16;

/// What became of a question.
#[derive(Debug, Serialize)]
pub(crate) struct Record<'q> {
    id: &'q str,
    /// blake3 of what the model was given: the prompt, or the text whose perplexity is measured.
    prompt: String,
    /// Whether the beginning of the prompt did not fit the model's context.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// What the model wrote, up to the end of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    /// What was understood: a number of an option from 0, yes or no, or the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<bool>,
    /// log p of each option, or of the text, in nats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) log_likelihoods: Vec<f64>,
    /// UTF-8 bytes of each option, or tokens of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) lengths: Vec<u64>,
}

pub(super) fn make(bench: &Bench<'_>, task: &AnswersTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    if let Some(why) = why_not(&bench.job.task) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let shape = task.model.as_ref().ok_or_else(gone)?;
    let asking = asking(task.format);
    let sheet = Sheet::of(bench, task, asking)?;
    let seen = Seen::of(bench)?;
    let looked = seen.open()?;
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let model = input("model")?;
    let tokenizer = Tokenizer::from_json(&bench.open(input("tokenizer")?, TOKENIZER)?)?;
    let answers = with_threads(bench.threads, || -> Result<Vec<Record<'_>>, JobError> {
        let filed = Filed::read(bench, model, shape)?;
        let reader = Reader {
            mind: Mind::of(&filed)?,
            template: filed.template()?,
            beginning: beginning(&filed, &tokenizer),
            tokenizer: &tokenizer,
            asking,
            whole: task.whole,
        };
        let mut answers = Vec::with_capacity(sheet.questions.len());
        for (at, together) in sheet.questions.chunks(TOGETHER).enumerate() {
            bench.check_stop()?;
            let features = sheet.features(at * TOGETHER, together.len(), &looked)?;
            answers.extend(reader.answer(together, features)?);
            bench.tell_done("questions", answers.len(), sheet.questions.len());
        }
        Ok(answers)
    })??;
    let mut attempt = bench.store.attempt(bench.job.key)?;
    let mut file = attempt.create(ANSWERS)?;
    for answer in &answers {
        let line = serde_json::to_string(answer)?;
        file.write_all(line.as_bytes())
            .map_err(StoreError::of_write)?;
        file.write_all(b"\n").map_err(StoreError::of_write)?;
    }
    file.finish()?;
    let draft = bench.draft(summary(&answers, asking)?, begun)?;
    Ok(attempt.publish(draft)?)
}

/// The tokens before a question: the end of a text, and the places of a picture where one is seen.
pub(crate) struct Beginning {
    blind: Vec<u32>,
    seeing: Vec<u32>,
}

pub(crate) fn beginning(filed: &Filed, tokenizer: &Tokenizer) -> Beginning {
    let blind = vec![tokenizer.end()];
    let mut seeing = blind.clone();
    if let (Some(manner), Some(projector)) = (&filed.manner, &filed.projector) {
        seeing.resize(1 + projector.config().tokens, manner.marker);
    }
    Beginning { blind, seeing }
}

/// The questions of a benchmark, with the items that they are of, where there are any.
struct Sheet {
    questions: Vec<Question>,
    items: Vec<Item>,
}

impl Sheet {
    fn of(bench: &Bench<'_>, task: &AnswersTask, asking: Asking) -> Result<Self, JobError> {
        if let Some(key) = bench.job.inputs_as("items").next() {
            return Self::of_items(bench, key, asking);
        }
        let ItemsSpec::File { path, digest, .. } = &task.data else {
            return Err(JobError::InputGone(bench.job.name().to_owned()));
        };
        let questions = read_questions(Path::new(path.get()), asking)?;
        check_digest(path.get(), *digest)?;
        if questions.len() as u64 != task.items {
            return Err(JobError::Items {
                path: path.get().clone(),
                found: questions.len() as u64,
                planned: task.items,
            });
        }
        let items = Vec::new();
        Ok(Self { questions, items })
    }

    fn of_items(bench: &Bench<'_>, key: Key, asking: Asking) -> Result<Self, JobError> {
        let items = items(bench, key)?;
        let questions = of_items(&items, asking)?;
        Ok(Self { questions, items })
    }

    /// Features of the pictures of some questions; empty where none is shown.
    fn features(
        &self,
        from: usize,
        count: usize,
        looked: &Looked<'_>,
    ) -> Result<Vec<Vec<f32>>, JobError> {
        let of = |at| match self.items.get(at) {
            Some(item) => looked.of(item),
            None => Ok(Vec::new()),
        };
        (from..from + count).map(of).collect()
    }
}

/// The value of a benchmark, with the number of its questions and, where it is a mean over them, its
/// standard error.
fn summary(answers: &[Record<'_>], asking: Asking) -> Result<serde_json::Value, StatisticsError> {
    let cut = answers.iter().filter(|answer| answer.cut).count();
    if asking == Asking::Perplexity {
        let nats: f64 = answers
            .iter()
            .flat_map(|answer| &answer.log_likelihoods)
            .sum();
        let tokens: u64 = answers.iter().flat_map(|answer| &answer.lengths).sum();
        let value = (-nats / tokens.max(1) as f64).exp();
        return Ok(json!({ "items": answers.len(), "cut": cut, "value": value, "tokens": tokens }));
    }
    let scores: Vec<f64> = answers
        .iter()
        .map(|answer| f64::from(u8::from(answer.right == Some(true))))
        .collect();
    let unread = answers
        .iter()
        .filter(|answer| answer.answer.is_none())
        .count();
    let mean = mean(&scores)?;
    Ok(json!({
        "items": answers.len(), "cut": cut, "value": mean.mean, "error": mean.error,
        "right": scores.iter().sum::<f64>() as u64, "unread": unread,
    }))
}

const fn asking(format: Format) -> Asking {
    match format {
        Format::Choice => Asking::Choice,
        Format::Likelihood => Asking::Likelihood,
        Format::YesNo => Asking::YesNo,
        Format::ShortAnswer => Asking::ShortAnswer,
        Format::Perplexity => Asking::Perplexity,
    }
}

/// A model that reads questions.
pub(crate) struct Reader<'t> {
    pub(crate) mind: Mind,
    pub(crate) template: Template,
    pub(crate) beginning: Beginning,
    pub(crate) tokenizer: &'t Tokenizer,
    pub(crate) asking: Asking,
    /// Whether options are compared as whole answers, with the end after them.
    pub(crate) whole: bool,
}

impl Reader<'_> {
    /// Answers to questions, each with the features of its picture; none where it has no picture.
    pub(crate) fn answer<'q>(
        &self,
        questions: &'q [Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record<'q>>, JobError> {
        match self.asking {
            Asking::Likelihood => {
                let both = questions.iter().zip(features);
                both.map(|(one, features)| self.compared(one, features))
                    .collect()
            }
            Asking::Perplexity => questions.iter().map(|one| self.measured(one)).collect(),
            Asking::Choice | Asking::YesNo | Asking::ShortAnswer => {
                self.written(questions, features)
            }
        }
    }

    /// How many tokens of a question do not fit the model's context.
    pub(crate) fn excess(&self, question: &Question, has_picture: bool) -> Result<usize, JobError> {
        let room = match self.asking {
            Asking::Likelihood => self.room_before(&self.options(question)?),
            _ => self.room(),
        };
        let read = self.start(has_picture).len() + self.words(question)?.len();
        Ok(read.saturating_sub(room))
    }

    fn start(&self, has_picture: bool) -> &[u32] {
        let Beginning { blind, seeing } = &self.beginning;
        if has_picture { seeing } else { blind }
    }

    /// A question as it stands in a prompt.
    fn words(&self, question: &Question) -> Result<Vec<u32>, JobError> {
        let words = self.template.prompt(&body(question, self.asking));
        Ok(self.tokenizer.encode(&words)?)
    }

    /// What a model is given of a question, the beginning of its words cut where `room` says so.
    fn given(
        &self,
        question: &Question,
        features: Vec<f32>,
        room: usize,
    ) -> Result<(Given, bool), JobError> {
        let words = self.words(question)?;
        let mut tokens = self.start(!features.is_empty()).to_vec();
        let fits = room.saturating_sub(tokens.len());
        let kept = words
            .get(words.len().saturating_sub(fits)..)
            .unwrap_or_default();
        tokens.extend(kept);
        Ok((Given { tokens, features }, kept.len() < words.len()))
    }

    /// Most tokens of an answer that is written.
    fn most(&self) -> usize {
        MOST.min(self.context())
    }

    /// Tokens that may stand before an answer that is written.
    fn room(&self) -> usize {
        self.context() + 1 - self.most()
    }

    /// Tokens that may stand before the longest of some options: as many of the prompt, the same for all,
    /// as that leaves room for.
    fn room_before(&self, options: &[Vec<u32>]) -> usize {
        let longest = options.iter().map(Vec::len).max().unwrap_or_default();
        (self.context() + 1).saturating_sub(longest)
    }

    fn options(&self, question: &Question) -> Result<Vec<Vec<u32>>, JobError> {
        let options = question.options.iter().map(|option| {
            let mut words = self.tokenizer.encode(&self.template.continuation(option))?;
            if self.whole {
                words.push(self.tokenizer.end());
            }
            Ok(words)
        });
        options.collect()
    }

    fn context(&self) -> usize {
        self.mind.config().context
    }

    /// The likeliest option is the answer, by the byte or as a whole; of equal ones the first.
    fn compared<'q>(
        &self,
        question: &'q Question,
        features: Vec<f32>,
    ) -> Result<Record<'q>, JobError> {
        let options = self.options(question)?;
        let (given, cut) = self.given(question, features, self.room_before(&options))?;
        let log_likelihoods = self.mind.score(question, &given, &options, TOGETHER)?;
        let bytes = question.options.iter().map(|one| one.len() as u64);
        let lengths: Vec<u64> = bytes.collect();
        let alike = vec![1; lengths.len()];
        let best = likeliest(&log_likelihoods, if self.whole { &alike } else { &lengths });
        Ok(Record {
            answer: best.map(Into::into),
            right: Some(best.map(Answer::Option).as_ref() == Some(&question.answer)),
            log_likelihoods,
            lengths,
            ..self.record(question, cut)
        })
    }

    /// log p of a text, in windows of the model's context: each token once, given what stands before it in
    /// its window.
    fn measured<'q>(&self, question: &'q Question) -> Result<Record<'q>, JobError> {
        let mut tokens = vec![self.tokenizer.end()];
        tokens.extend(self.tokenizer.encode(&question.text)?);
        let mut nats = 0.0;
        for start in (0..tokens.len() - 1).step_by(self.context()) {
            let end = (start + self.context()).min(tokens.len() - 1);
            let given = Given {
                tokens: tokens[start..=start].to_vec(),
                features: Vec::new(),
            };
            let window = [tokens[start + 1..=end].to_vec()];
            let scores = self.mind.score(question, &given, &window, 1)?;
            nats += scores.iter().sum::<f64>();
        }
        Ok(Record {
            log_likelihoods: vec![nats],
            lengths: vec![tokens.len() as u64 - 1],
            ..self.record(question, false)
        })
    }

    /// What the model writes, greedily and on one line, is read.
    fn written<'q>(
        &self,
        questions: &'q [Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record<'q>>, JobError> {
        let both = questions.iter().zip(features);
        let given = both.map(|(question, features)| self.given(question, features, self.room()));
        let given: Vec<(Given, bool)> = given.collect::<Result<_, _>>()?;
        let (given, cut): (Vec<Given>, Vec<bool>) = given.into_iter().unzip();
        let how = (self.most(), self.tokenizer.end());
        let written = self.mind.write(questions, &given, how, TOGETHER)?;
        let both = questions.iter().zip(cut).zip(written);
        both.map(|((question, cut), tokens)| {
            let text = self.tokenizer.decode(&tokens)?;
            let output = text
                .trim_start()
                .lines()
                .next()
                .unwrap_or_default()
                .trim_end();
            let (answer, right) = Self::read(question, output);
            Ok(Record {
                output: Some(output.to_owned()),
                answer,
                right: Some(right),
                ..self.record(question, cut)
            })
        })
        .collect()
    }

    /// What an answer says, and whether it is right.
    fn read(question: &Question, output: &str) -> (Option<serde_json::Value>, bool) {
        match &question.answer {
            Answer::Option(right) => {
                let option = choice(output, &question.options).map(|found| found.option);
                (option.map(Into::into), option == Some(*right))
            }
            Answer::YesNo(right) => {
                let said = yes_no(output);
                (said.map(Into::into), said == Some(*right))
            }
            Answer::Words(right) => {
                let said = (!output.is_empty()).then(|| output.into());
                (
                    said,
                    right.iter().any(|one| normalise(output) == normalise(one)),
                )
            }
            Answer::None => (None, false),
        }
    }

    fn record<'q>(&self, question: &'q Question, cut: bool) -> Record<'q> {
        let read = match self.asking {
            Asking::Perplexity => question.text.clone(),
            _ => self.template.prompt(&body(question, self.asking)),
        };
        let prompt = blake3::hash(read.as_bytes());
        Record {
            id: &question.id,
            prompt: prompt.to_hex().to_string(),
            cut,
            output: None,
            answer: None,
            right: None,
            log_likelihoods: Vec::new(),
            lengths: Vec::new(),
        }
    }
}

/// The number of the option with the largest log-likelihood by its length; of equal ones the first.
fn likeliest(log_likelihoods: &[f64], bytes: &[u64]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, (nats, bytes)) in log_likelihoods.iter().zip(bytes).enumerate() {
        let per_byte = nats / (*bytes).max(1) as f64;
        if best.is_none_or(|(_, most)| per_byte > most) {
            best = Some((at, per_byte));
        }
    }
    best.map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likelihoods_are_compared_by_the_byte() {
        assert_eq!(likeliest(&[-6.0, -8.0], &[2, 4]), Some(1));
        assert_eq!(likeliest(&[-6.0, -12.0], &[2, 4]), Some(0));
        assert_eq!(likeliest(&[], &[]), None);
    }

    #[test]
    fn a_mean_of_answers_has_its_standard_error() {
        let record = |right| Record {
            id: "1",
            prompt: String::new(),
            cut: false,
            output: None,
            answer: Some(0.into()),
            right: Some(right),
            log_likelihoods: Vec::new(),
            lengths: Vec::new(),
        };
        let answers = [record(true), record(true), record(true), record(false)];
        let summary = summary(&answers, Asking::Choice).expect("four numbers");
        assert_eq!(
            (&summary["value"], &summary["right"]),
            (&0.75.into(), &3.into())
        );
        // By hand: the deviation of 1, 1, 1, 0 is 1/2, over the root of 4.
        assert!((summary["error"].as_f64().expect("a number") - 0.25).abs() < 1e-12);
    }
}
