//! Answers of a model to the questions of a benchmark, one line for each question.

use std::time::Instant;

use vpc_compiler::plan::{AnswersTask, Score};
use vpc_data::Tokenizer;
use vpc_data::items::Form;
use vpc_data::questions::{Answer, Asking, Question, Template, body};
use vpc_store::Manifest;
use vpc_train::with_threads;

use super::adapted::Filed;
use super::endpoint;
use super::mind::{Given, Mind};
use super::record::{self, Record};
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
    let answers = with_threads(bench.threads, || -> Result<Vec<Record<'_>>, JobError> {
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
    let attempt = record::file(bench, &answers)?;
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

    /// A question as it stands in a prompt.
    fn words(&self, question: &Question) -> Result<Vec<u32>, JobError> {
        Ok(self.tokenizer.encode(&self.prompt(question))?)
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
        let (log_likelihoods, cut) = if question.form == Form::Filled {
            self.filled(question, &features, &options)?
        } else {
            let (given, cut) = self.given(question, features, self.room_before(&options))?;
            let scores = self.mind.score(question, &given, &options, TOGETHER)?;
            (scores, cut)
        };
        // Of a blank, what comes after it is compared.
        let bytes = question.options.iter().map(|one| match question.form {
            Form::Filled => blank(&question.text).1.len() as u64,
            Form::Asked | Form::Continued => one.len() as u64,
        });
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

    /// log p of what comes after a blank, given the sentence up to there with each option in turn (Trinh and
    /// Le 2018), and whether the beginning of one did not fit.
    fn filled(
        &self,
        question: &Question,
        features: &[f32],
        endings: &[Vec<u32>],
    ) -> Result<(Vec<f64>, bool), JobError> {
        let (before, _) = blank(&question.text);
        let (mut scores, mut is_cut) = (Vec::new(), false);
        for (option, ending) in question.options.iter().zip(endings) {
            let sentence = Question {
                text: format!("{before}{option}"),
                form: Form::Continued,
                ..question.clone()
            };
            let ending = std::slice::from_ref(ending);
            let room = self.room_before(ending);
            let (given, cut) = self.given(&sentence, features.to_vec(), room)?;
            scores.extend(self.mind.score(question, &given, ending, 1)?);
            is_cut |= cut;
        }
        Ok((scores, is_cut))
    }

    /// log p of a word given the text before it, which counts as one however many tokens it has: as the
    /// Language Model Evaluation Harness has it for LAMBADA.
    fn last<'q>(&self, question: &'q Question, word: &str) -> Result<Record<'q>, JobError> {
        let option = [self.tokenizer.encode(&format!(" {word}"))?];
        let (given, cut) = self.given(question, Vec::new(), self.room_before(&option))?;
        Ok(Record {
            log_likelihoods: self.mind.score(question, &given, &option, 1)?,
            lengths: vec![1],
            ..self.record(question, cut)
        })
    }

    /// log p of a text, in windows of the model's context: each token once, given what stands before it in
    /// its window.
    fn measured<'q>(&self, question: &'q Question) -> Result<Record<'q>, JobError> {
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
    fn explained<'q>(
        &self,
        questions: &'q [Question],
        features: Vec<Vec<f32>>,
    ) -> Result<Vec<Record<'q>>, JobError> {
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
            Ok(Record {
                output: Some(output),
                answer,
                ..self
                    .record(question, cut)
                    .explained(question, self.asking, explanation.trim())
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

    fn record<'q>(&self, question: &'q Question, cut: bool) -> Record<'q> {
        let read = match self.asking {
            Asking::Perplexity => question.text.clone(),
            _ => self.prompt(question),
        };
        Record {
            cut,
            ..Record::of(question, &read)
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
