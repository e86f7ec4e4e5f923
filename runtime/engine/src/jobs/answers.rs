//! Answers of a model to the questions of a benchmark, one line for each question.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;
use vpc_compiler::plan::{AnswersTask, FileSpec, Format};
use vpc_data::Tokenizer;
use vpc_data::questions::{Answer, Asking, Question, continuation, prompt, read_questions};
use vpc_measure::parse::{choice, normalise, yes_no};
use vpc_measure::statistics::{StatisticsError, mean};
use vpc_store::{Manifest, StoreError};
use vpc_train::{
    Continuation, Generation, Inference, InferenceError, Model, Request, Sampling, with_threads,
};

use super::corpus::check_digest;
use super::{Bench, MODEL, TOKENIZER, model_config};
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
struct Record<'q> {
    id: &'q str,
    /// blake3 of what the model was given: the prompt, or the text whose perplexity is measured.
    prompt: String,
    /// Whether the beginning of the prompt did not fit the model's context.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
    /// What the model wrote, up to the end of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    /// What was understood: a number of an option from 0, yes or no, or the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    right: Option<bool>,
    /// log p of each option, or of the text, in nats.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log_likelihoods: Vec<f64>,
    /// UTF-8 bytes of each option, or tokens of the text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lengths: Vec<u64>,
}

pub(super) fn make(bench: &Bench<'_>, task: &AnswersTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    let unsupported = || {
        let why = why_not(&bench.job.task).unwrap_or_default();
        JobError::Unsupported(why.into_owned())
    };
    let (FileSpec::File { path, digest }, Some(shape), None) =
        (&task.data, &task.model, why_not(&bench.job.task))
    else {
        return Err(unsupported());
    };
    let asking = asking(task.format);
    let questions = read_questions(Path::new(path.get()), asking)?;
    check_digest(path.get(), *digest)?;
    if questions.len() as u64 != task.items {
        return Err(JobError::Items {
            path: path.get().clone(),
            found: questions.len() as u64,
            planned: task.items,
        });
    }
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let weights = bench.open(input("model")?, MODEL)?;
    let tokenizer = Tokenizer::from_json(&bench.open(input("tokenizer")?, TOKENIZER)?)?;
    let answers = with_threads(bench.threads, || -> Result<Vec<Record<'_>>, JobError> {
        let model = Model::load(&model_config(shape), &weights)?;
        let reader = Reader {
            inference: Inference::new(&model),
            tokenizer: &tokenizer,
            asking,
        };
        let mut answers = Vec::with_capacity(questions.len());
        for together in questions.chunks(TOGETHER) {
            bench.check_stop()?;
            answers.extend(reader.answer(together)?);
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
struct Reader<'t> {
    inference: Inference,
    tokenizer: &'t Tokenizer,
    asking: Asking,
}

impl Reader<'_> {
    fn answer<'q>(&self, questions: &'q [Question]) -> Result<Vec<Record<'q>>, JobError> {
        match self.asking {
            Asking::Likelihood => self.compared(questions),
            Asking::Perplexity => questions.iter().map(|one| self.measured(one)).collect(),
            Asking::Choice | Asking::YesNo | Asking::ShortAnswer => self.written(questions),
        }
    }

    /// Tokens of a prompt after the end of a text, its beginning cut where `room` says so.
    fn prompt(&self, question: &Question, room: usize) -> Result<(Vec<u32>, bool), JobError> {
        let words = self.tokenizer.encode(&prompt(question, self.asking))?;
        let fits = room.saturating_sub(1);
        let kept = words
            .get(words.len().saturating_sub(fits)..)
            .unwrap_or_default();
        let mut tokens = vec![self.tokenizer.end()];
        tokens.extend(kept);
        Ok((tokens, kept.len() < words.len()))
    }

    fn context(&self) -> usize {
        self.inference.model().config().context
    }

    /// The option with the largest likelihood per byte is the answer; of equal ones the first.
    fn compared<'q>(&self, questions: &'q [Question]) -> Result<Vec<Record<'q>>, JobError> {
        let mut records = Vec::with_capacity(questions.len());
        for question in questions {
            let options = question.options.iter();
            let options: Vec<Vec<u32>> = options
                .map(|option| self.tokenizer.encode(&continuation(option)))
                .collect::<Result<_, _>>()?;
            // The same prompt for all of them, and as much of it as the longest leaves room for.
            let longest = options.iter().map(Vec::len).max().unwrap_or_default();
            let room = (self.context() + 1).saturating_sub(longest);
            let (prompt, cut) = self.prompt(question, room)?;
            let items: Vec<Continuation<'_>> = options
                .iter()
                .map(|option| Continuation {
                    prompt: &prompt,
                    continuation: option,
                })
                .collect();
            let scores = self.inference.score(&items, TOGETHER);
            let scores = scores.map_err(|source| unreadable(question, source))?;
            let log_likelihoods: Vec<f64> = scores.iter().map(vpc_train::Score::total).collect();
            let lengths: Vec<u64> = question
                .options
                .iter()
                .map(|one| one.len() as u64)
                .collect();
            let best = likeliest(&log_likelihoods, &lengths);
            records.push(Record {
                answer: best.map(Into::into),
                right: Some(best.map(Answer::Option).as_ref() == Some(&question.answer)),
                log_likelihoods,
                lengths,
                ..self.record(question, cut)
            });
        }
        Ok(records)
    }

    /// log p of a text, in windows of the model's context: each token once, given what stands before it in
    /// its window.
    fn measured<'q>(&self, question: &'q Question) -> Result<Record<'q>, JobError> {
        let mut tokens = vec![self.tokenizer.end()];
        tokens.extend(self.tokenizer.encode(&question.text)?);
        let mut nats = 0.0;
        for start in (0..tokens.len() - 1).step_by(self.context()) {
            let end = (start + self.context()).min(tokens.len() - 1);
            let window = Continuation {
                prompt: &tokens[start..=start],
                continuation: &tokens[start + 1..=end],
            };
            let scores = self.inference.score(&[window], 1);
            let scores = scores.map_err(|source| unreadable(question, source))?;
            nats += scores.iter().map(vpc_train::Score::total).sum::<f64>();
        }
        Ok(Record {
            log_likelihoods: vec![nats],
            lengths: vec![tokens.len() as u64 - 1],
            ..self.record(question, false)
        })
    }

    /// What the model writes, greedily and on one line, is read.
    fn written<'q>(&self, questions: &'q [Question]) -> Result<Vec<Record<'q>>, JobError> {
        let most = MOST.min(self.context());
        let room = self.context() + 1 - most;
        let prompts: Vec<(Vec<u32>, bool)> = questions
            .iter()
            .map(|question| self.prompt(question, room))
            .collect::<Result<_, _>>()?;
        let requests: Vec<Request<'_>> = (0..)
            .zip(&prompts)
            .map(|(id, (prompt, _))| Request { id, prompt })
            .collect();
        let how = Generation {
            sampling: Sampling::Greedy,
            most,
            stop: vec![self.tokenizer.end()],
            batch: TOGETHER,
        };
        let generated = self.inference.generate(&requests, &how);
        let generated = generated.map_err(|source| {
            let one = questions.get(source.item().unwrap_or_default());
            JobError::Question {
                id: one.map(|one| one.id.clone()).unwrap_or_default(),
                source,
            }
        })?;
        let both = questions.iter().zip(&prompts).zip(generated);
        both.map(|((question, (_, cut)), generated)| {
            let text = self.tokenizer.decode(&generated.tokens)?;
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
                ..self.record(question, *cut)
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
            _ => prompt(question, self.asking),
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

fn unreadable(question: &Question, source: InferenceError) -> JobError {
    JobError::Question {
        id: question.id.clone(),
        source,
    }
}

/// The number of the option with the largest log-likelihood per byte; of equal ones the first.
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
