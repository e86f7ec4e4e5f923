//! Answers of a model to the questions of a benchmark, one record for each question.

use std::time::Instant;

use vpc_compiler::plan::{AnswersTask, Score};
use vpc_data::Tokenizer;
use vpc_data::items::{Form, Turn};
use vpc_data::questions::{Answer, Asking, Question, Template, body};
use vpc_measure::record::Record;
use vpc_store::Manifest;
use vpc_train::with_threads;

use super::adapted::{Filed, turn_tokens};
use super::endpoint;
use super::mind::{Given, Mind};
use super::record;
use super::sheet::{Sheet, asking};
use super::sight::Seen;
use super::{Bench, TOKENIZER};
use crate::error::JobError;
use crate::support::why_not;

/// Questions between looks at whether to stop, and sequences under way at a time; no bit depends on it.
const TOGETHER: usize = 32;
/// Most tokens of an answer.
const MOST: usize = 16;

/// Most tokens of an explanation.
const EXPLANATION: usize = 128;
/// What asks for an explanation, after a question.
const EXPLAIN: &str = " Explain your answer.";
/// What stands between an explanation and the answer.
const CUE: &str = "\nAnswer:";

pub(super) fn make(bench: &Bench<'_>, task: &AnswersTask) -> Result<Manifest, JobError> {
    let begun = Instant::now();
    if let Some(why) = why_not(&bench.job.task) {
        return Err(JobError::Unsupported(why.into_owned()));
    }
    if let Some(model) = &task.endpoint {
        return endpoint::make(bench, task, model);
    }
    let gone = || JobError::InputGone(bench.job.name().to_owned());
    let shape = task.model.as_ref().ok_or_else(gone)?;
    let asking = asking(task.format);
    let sheet = Sheet::of(bench, task, asking)?;
    let seen = Seen::of(bench)?;
    let input = |role| bench.job.inputs_as(role).next().ok_or_else(gone);
    let model = input("model")?;
    let tokenizer = Tokenizer::from_json(&bench.open(input("tokenizer")?, TOKENIZER)?)?;
    let answers = with_threads(bench.threads, || -> Result<Vec<Record>, JobError> {
        let filed = Filed::read(bench, model, shape)?;
        let looked = seen.open(filed.own().as_ref())?;
        let reader = Reader {
            mind: Mind::of(&filed)?,
            template: filed.template()?,
            beginning: beginning(&filed, &tokenizer),
            tokenizer: &tokenizer,
            asking,
            explain: task.explain,
            whole: task.whole,
            score: task.score,
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
    let metrics = record::summary(&answers, asking)?;
    let metrics = if task.explain {
        record::with_explained(metrics, &answers)
    } else {
        metrics
    };
    let attempt = record::file(bench, &sheet, answers)?;
    Ok(attempt.publish(bench.draft(metrics, begun)?)?)
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

/// A prompt, whether its beginning did not fit, and what is scored after it.
struct Reading {
    given: Given,
    cut: bool,
    options: Vec<Vec<u32>>,
}

/// A model that reads questions.
pub(crate) struct Reader<'t> {
    pub(crate) mind: Mind,
    pub(crate) template: Template,
    pub(crate) beginning: Beginning,
    pub(crate) tokenizer: &'t Tokenizer,
    pub(crate) asking: Asking,
    /// Whether an explanation is written before the answer.
    pub(crate) explain: bool,
    /// Whether options are compared as whole answers, with the end after them.
    pub(crate) whole: bool,
    /// How short answers are scored.
    pub(crate) score: Score,
}

impl Reader<'_> {
    /// Answers to questions, each with the features of its picture; none where it has no picture.
    pub(crate) fn answer(
        &self,
        questions: &[Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record>, JobError> {
        match self.asking {
            Asking::Likelihood => self.compared(questions, features),
            Asking::Perplexity => questions.iter().map(|one| self.measured(one)).collect(),
            Asking::Choice | Asking::YesNo | Asking::ShortAnswer if self.explain => {
                self.explained(questions, features)
            }
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

    /// A question as it stands in a prompt, after the turns before it as they are learned from.
    fn words(&self, question: &Question) -> Result<Vec<u32>, JobError> {
        let mut words = Vec::new();
        for turn in &question.before {
            let (asked, said) = turn_tokens(turn, self.tokenizer, &self.template)?;
            words.extend(asked);
            words.extend(said);
        }
        words.extend(self.tokenizer.encode(&self.prompt(question))?);
        Ok(words)
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
            let text = match question.form {
                Form::Asked => self.template.continuation(option),
                Form::Continued => format!(" {option}"),
                Form::Filled => format!(" {}", blank(&question.text).1),
            };
            let mut words = self.tokenizer.encode(&text)?;
            if self.whole {
                words.push(self.tokenizer.end());
            }
            Ok(words)
        });
        options.collect()
    }

    /// The words of a question up to where the model goes on.
    fn prompt(&self, question: &Question) -> String {
        if question.form != Form::Asked {
            return question.text.clone();
        }
        let mut words = body(question, self.asking);
        if self.explain {
            words += EXPLAIN;
        }
        self.template.prompt(&words)
    }

    /// The words of the turns before a question.
    fn before(&self, question: &Question) -> String {
        let (template, end) = (&self.template, self.tokenizer.end_text());
        let turn = |turn: &Turn| {
            let asked = template.prompt(&turn.question);
            asked + &template.continuation(&turn.answer) + &end
        };
        question.before.iter().map(turn).collect()
    }

    fn context(&self) -> usize {
        self.mind.config().context
    }

    /// The likeliest option is the answer, by the byte or as a whole; of equal ones the first.
    fn compared(
        &self,
        questions: &[Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record>, JobError> {
        let both = questions.iter().zip(features);
        let readings = both.map(|(question, features)| self.readings(question, features));
        let readings: Vec<Vec<Reading>> = readings.collect::<Result<_, _>>()?;
        let counts: Vec<usize> = readings.iter().map(Vec::len).collect();
        let owners = questions.iter().zip(&counts);
        let owners = owners.flat_map(|(question, count)| std::iter::repeat_n(question, *count));
        let owners: Vec<&Question> = owners.collect();
        let (mut given, mut options, mut cuts) = (Vec::new(), Vec::new(), Vec::new());
        for reading in readings.into_iter().flatten() {
            given.push(reading.given);
            options.push(reading.options);
            cuts.push(reading.cut);
        }
        let scores = self.mind.score(&owners, &given, &options, TOGETHER)?;
        let mut scores = scores.into_iter().zip(cuts);
        let all = questions.iter().zip(counts);
        Ok(all
            .map(|(question, count)| {
                let own: Vec<_> = scores.by_ref().take(count).collect();
                let is_cut = own.iter().any(|(_, cut)| *cut);
                let scores = own.into_iter().flat_map(|(scores, _)| scores);
                self.chosen(question, is_cut, scores.collect())
            })
            .collect())
    }

    /// What is read to compare the options of a question: the question, with all of them after it; of one
    /// with a blank, the sentence up to there with each in turn, and what comes after the blank (Trinh and
    /// Le 2018).
    fn readings(&self, question: &Question, features: Vec<f32>) -> Result<Vec<Reading>, JobError> {
        let options = self.options(question)?;
        if question.form != Form::Filled {
            let (given, cut) = self.given(question, features, self.room_before(&options))?;
            return Ok(vec![Reading {
                given,
                cut,
                options,
            }]);
        }
        let (before, _) = blank(&question.text);
        let both = question.options.iter().zip(options);
        both.map(|(option, ending)| {
            let sentence = Question {
                text: format!("{before}{option}"),
                form: Form::Continued,
                ..question.clone()
            };
            let options = vec![ending];
            let room = self.room_before(&options);
            let (given, cut) = self.given(&sentence, features.clone(), room)?;
            Ok(Reading {
                given,
                cut,
                options,
            })
        })
        .collect()
    }

    fn chosen(&self, question: &Question, cut: bool, log_likelihoods: Vec<f64>) -> Record {
        // Of a blank, what comes after it is compared.
        let bytes = question.options.iter().map(|one| match question.form {
            Form::Filled => blank(&question.text).1.len() as u64,
            Form::Asked | Form::Continued => one.len() as u64,
        });
        let lengths: Vec<u64> = bytes.collect();
        let alike = vec![1; lengths.len()];
        let best = likeliest(&log_likelihoods, if self.whole { &alike } else { &lengths });
        Record {
            answer: best.map(record::numbered),
            right: Some(best.map(Answer::Option).as_ref() == Some(&question.answer)),
            log_likelihoods,
            lengths,
            ..self.record(question, cut)
        }
    }

    /// log p of a word given the text before it, which counts as one however many tokens it has: as the
    /// Language Model Evaluation Harness has it for LAMBADA.
    fn last(&self, question: &Question, word: &str) -> Result<Record, JobError> {
        let options = vec![self.tokenizer.encode(&format!(" {word}"))?];
        let (given, cut) = self.given(question, Vec::new(), self.room_before(&options))?;
        let scores = self.mind.score(&[question], &[given], &[options], 1)?;
        Ok(Record {
            log_likelihoods: scores.into_iter().flatten().collect(),
            lengths: vec![1],
            ..self.record(question, cut)
        })
    }

    /// log p of a text, in windows of the model's context: each token once, given what stands before it in
    /// its window.
    fn measured(&self, question: &Question) -> Result<Record, JobError> {
        if let Answer::Words(words) = &question.answer {
            return self.last(question, &words.join(" "));
        }
        let mut tokens = vec![self.tokenizer.end()];
        tokens.extend(self.tokenizer.encode(&question.text)?);
        let mut nats = 0.0;
        for start in (0..tokens.len() - 1).step_by(self.context()) {
            let end = (start + self.context()).min(tokens.len() - 1);
            let given = Given {
                tokens: tokens[start..=start].to_vec(),
                features: Vec::new(),
            };
            let window = vec![tokens[start + 1..=end].to_vec()];
            let scores = self.mind.score(&[question], &[given], &[window], 1)?;
            nats += scores.iter().flatten().sum::<f64>();
        }
        Ok(Record {
            log_likelihoods: vec![nats],
            lengths: vec![tokens.len() as u64 - 1],
            ..self.record(question, false)
        })
    }

    /// What the model writes, greedily and on one line, is read.
    fn written(
        &self,
        questions: &[Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record>, JobError> {
        let both = questions.iter().zip(features);
        let given = both.map(|(question, features)| self.given(question, features, self.room()));
        let given: Vec<(Given, bool)> = given.collect::<Result<_, _>>()?;
        let (given, cut): (Vec<Given>, Vec<bool>) = given.into_iter().unzip();
        let how = (self.most(), self.tokenizer.end());
        let written = self.mind.write(questions, &given, how, TOGETHER)?;
        let both = questions.iter().zip(cut).zip(written);
        both.map(|((question, cut), tokens)| {
            let output = self.line(&tokens)?;
            let (answer, credit) = record::read(question, &output, self.score);
            Ok(Record {
                output: Some(output),
                answer,
                ..self.record(question, cut).credited(credit)
            })
        })
        .collect()
    }

    /// As [`Reader::written`], after an explanation that the model writes first and then goes on from. At
    /// least a quarter of the context is left to the question.
    fn explained(
        &self,
        questions: &[Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record>, JobError> {
        let end = self.tokenizer.end();
        let cue = self.tokenizer.encode(CUE)?;
        let long = EXPLANATION.min(self.context() / 2);
        let most = MOST.min(self.context() / 8).max(1);
        let room = (self.context() + 1).saturating_sub(long + cue.len() + most);
        let both = questions.iter().zip(features);
        let given = both.map(|(question, features)| self.given(question, features, room));
        let given: Vec<(Given, bool)> = given.collect::<Result<_, _>>()?;
        let (mut given, cut): (Vec<Given>, Vec<bool>) = given.into_iter().unzip();
        let explanations = self.mind.write(questions, &given, (long, end), TOGETHER)?;
        for (given, explanation) in given.iter_mut().zip(&explanations) {
            given.tokens.extend(explanation);
            given.tokens.extend(&cue);
        }
        let written = self.mind.write(questions, &given, (most, end), TOGETHER)?;
        let both = questions.iter().zip(cut).zip(explanations).zip(written);
        both.map(|(((question, cut), explanation), tokens)| {
            let output = self.line(&tokens)?;
            let (answer, credit) = record::read(question, &output, self.score);
            let explanation = self.tokenizer.decode(&explanation)?;
            let record = self.record(question, cut);
            Ok(Record {
                output: Some(output),
                answer,
                ..record::explained(record, question, self.asking, explanation.trim())
                    .credited(credit)
            })
        })
        .collect()
    }

    /// What was written up to the end of its first line.
    fn line(&self, tokens: &[u32]) -> Result<String, JobError> {
        let text = self.tokenizer.decode(tokens)?;
        let line = text.trim_start().lines().next().unwrap_or_default();
        Ok(line.trim_end().to_owned())
    }

    fn record(&self, question: &Question, cut: bool) -> Record {
        let read = match self.asking {
            Asking::Perplexity => question.text.clone(),
            _ => self.before(question) + &self.prompt(question),
        };
        Record {
            cut,
            ..Record::of(&question.id, &read)
        }
    }
}

/// What stands before and after the blank of a sentence.
fn blank(sentence: &str) -> (&str, &str) {
    let (before, after) = sentence.split_once('_').unwrap_or((sentence, ""));
    (before, after.trim())
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
}
