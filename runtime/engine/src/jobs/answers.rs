//! Answers of a model to the questions of a benchmark, one record for each question.

mod likelihoods;

use std::time::Instant;

use vpc_compiler::plan::{AnswersTask, Score};
use vpc_data::Tokenizer;
use vpc_data::items::{Form, Turn};
use vpc_data::questions::{Asking, Question, Template, body};
use vpc_measure::record::Record;
use vpc_store::Manifest;
use vpc_train::with_threads;

use super::adapted::{Filed, turn_tokens};
use super::endpoint;
use super::mind::{Given, Mind, memory};
use super::record;
use super::sheet::{Sheet, asking};
use super::sight::Seen;
use super::{Bench, TOKENIZER, model_config};
use crate::device::noted;
use crate::error::JobError;
use crate::reading::{Place, name};
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
    let place = Place::find((bench.gpus, bench.stop), || {
        memory(&model_config(shape), TOGETHER)
    })?;
    let (answers, device) = with_threads(bench.threads, || -> Result<_, JobError> {
        let filed = Filed::read(bench, model, shape)?;
        let looked = seen.open(filed.own().as_ref())?;
        let gpu = place.open()?;
        let device = name(gpu.as_ref());
        let reader = Reader {
            mind: Mind::at(&filed, gpu, TOGETHER)?,
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
        Ok((answers, device))
    })??;
    let metrics = record::summary(&answers, asking)?;
    let metrics = if task.explain {
        record::with_explained(metrics, &answers)
    } else {
        metrics
    };
    let attempt = record::file(bench, &sheet, answers)?;
    Ok(attempt.publish(noted(bench.draft(metrics, begun)?, &device))?)
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
