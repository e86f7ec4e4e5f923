//! A finished model is asked one question, and answers as it would in a benchmark.

use std::path::Path;

use vpc_compiler::plan::Score;
use vpc_data::items::{Form, read_picture};
use vpc_data::questions::{Answer, Asking, Question};
use vpc_data::{DataError, Tokenizer};
use vpc_measure::record::Answer as Understood;
use vpc_store::{Manifest, Store, StoreError};
use vpc_train::huggingface::{FieldError, read_config};
use vpc_train::{ThreadsError, with_threads};

use crate::error::JobError;
use crate::jobs::{CONFIG, Filed, Mind, Reader, beginning, look_at};
use crate::lineage::{Lineage, LineageError, name};

/// A question to a model.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The question, without what the model's template puts around it.
    pub question: &'a str,
    /// What there is to choose from; empty where the model is to write.
    pub options: &'a [String],
    /// The picture that it is about.
    pub picture: Option<&'a Path>,
    /// Threads to work on; no bit depends on them.
    pub threads: usize,
}

/// What a model answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// What it wrote, up to the end of the line; with options, the likeliest by the byte.
    pub answer: String,
    /// The options in their order.
    pub options: Vec<Scored>,
    /// The text that it was given: the question as its template writes it.
    pub prompt: String,
    /// Visual tokens before that; 0 without a picture.
    pub visual_tokens: usize,
}

/// An option with its likelihood.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// The option.
    pub option: String,
    /// log p of it after the prompt, in nats.
    pub log_likelihood: f64,
    /// UTF-8 bytes of it.
    pub bytes: u64,
}

/// Why a model cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The job is no model, or what it was made of is gone.
    #[error(transparent)]
    Lineage(LineageError),
    /// There is nothing in an option.
    #[error("an option is empty; give words, such as `yes,no`")]
    NoOption,
    /// A picture is shown to a model that reads text alone.
    #[error(
        "{job} sees no pictures; leave the picture out, or ask a stage of an `adapt` job that sees"
    )]
    Blind {
        /// The job.
        job: String,
    },
    /// The file of the picture cannot be read.
    #[error("the picture `{path}`: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        why: String,
    },
    /// The file is no picture.
    #[error("the picture `{path}`: {source}")]
    Picture {
        /// The file.
        path: String,
        /// Why not.
        source: vpc_data::image::ImageError,
    },
    /// The question does not fit the model's context.
    #[error(
        "the question is too long: with {visual_tokens} visual tokens and room for an answer it is {excess} \
         tokens more than the context of {context}; shorten it"
    )]
    TooLong {
        /// Tokens of the picture.
        visual_tokens: usize,
        /// Tokens too many.
        excess: usize,
        /// Tokens that the model reads.
        context: usize,
    },
    /// The filed shape is not one that this version knows.
    #[error("the filed `config.json`: {0}")]
    Config(#[from] FieldError),
    /// The filed tokenizer cannot be read, or not encode the question.
    #[error(transparent)]
    Tokenizer(#[from] DataError),
    /// Threads could not be had.
    #[error(transparent)]
    Threads(#[from] ThreadsError),
    /// The filed model cannot be read, or not answer.
    #[error(transparent)]
    Job(JobError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the store says is the store's error.
impl From<LineageError> for AskError {
    fn from(error: LineageError) -> Self {
        match error {
            LineageError::Store(source) => Self::Store(source),
            other => Self::Lineage(other),
        }
    }
}

/// What the store says is the store's error.
impl From<JobError> for AskError {
    fn from(error: JobError) -> Self {
        match error {
            JobError::Store(source) => Self::Store(source),
            other => Self::Job(other),
        }
    }
}

/// Asks the model of a finished job.
///
/// It reads the job's own template, and its picture as features of the encoder and layer that it was
/// adapted with, rounded to half precision as filed ones are: so it answers, and its log-likelihoods are,
/// what a benchmark of the formats `short_answer` and `likelihood` has of it, bit for bit.
pub fn ask(store: &Store, job: &Manifest, asked: &Asked<'_>) -> Result<Reply, AskError> {
    if asked.options.iter().any(|option| option.trim().is_empty()) {
        return Err(AskError::NoOption);
    }
    let lineage = Lineage::of(store, job)?;
    let config = read_config(&store.read(job.file(CONFIG)?)?)?;
    let tokenizer = Tokenizer::from_json(&lineage.tokenizer_json()?)?;
    let work = || -> Result<Reply, AskError> {
        let filed = Filed::of(store, job, &config)?;
        let features = match asked.picture {
            Some(path) => features(&lineage, job, &filed, path)?,
            None => Vec::new(),
        };
        let reader = Reader {
            mind: Mind::of(&filed)?,
            template: filed.template()?,
            beginning: beginning(&filed, &tokenizer),
            tokenizer: &tokenizer,
            asking: match asked.options {
                [] => Asking::ShortAnswer,
                _ => Asking::Likelihood,
            },
            explain: false,
            whole: false,
            score: Score::default(),
        };
        let visual_tokens = match &filed.projector {
            Some(projector) if !features.is_empty() => projector.config().tokens,
            _ => 0,
        };
        let question = question(asked);
        let excess = reader.excess(&question, !features.is_empty())?;
        if excess > 0 {
            return Err(AskError::TooLong {
                visual_tokens,
                excess,
                context: config.context,
            });
        }
        let mut reply = answer(&reader, &question, features)?;
        reply.visual_tokens = visual_tokens;
        Ok(reply)
    };
    with_threads(asked.threads, work)?
}

fn question(asked: &Asked<'_>) -> Question {
    Question {
        id: "asked".to_owned(),
        before: Vec::new(),
        text: asked.question.to_owned(),
        options: asked.options.to_vec(),
        answer: Answer::None,
        form: Form::Asked,
    }
}

/// Features of a picture as the model sees it.
fn features(
    lineage: &Lineage<'_>,
    job: &Manifest,
    filed: &Filed,
    path: &Path,
) -> Result<Vec<f32>, AskError> {
    let layer = filed.layer().ok_or_else(|| AskError::Blind {
        job: name(job).to_owned(),
    })?;
    let shown = || path.display().to_string();
    let bytes = read_picture(path).map_err(|why| AskError::Unreadable { path: shown(), why })?;
    let seen = match filed.own() {
        Some(own) => own.look(&bytes),
        None => look_at(&lineage.encoder()?, &bytes, layer),
    };
    seen.map_err(|error| match error {
        JobError::Picture { source, .. } => AskError::Picture {
            path: shown(),
            source,
        },
        other => other.into(),
    })
}

fn answer(reader: &Reader<'_>, question: &Question, features: Vec<f32>) -> Result<Reply, AskError> {
    let questions = std::slice::from_ref(question);
    let records = reader.answer(questions, vec![features])?;
    let mut reply = Reply {
        answer: String::new(),
        options: Vec::new(),
        prompt: reader.template.prompt(&question.text),
        visual_tokens: 0,
    };
    for record in records {
        let numbers = record.log_likelihoods.iter().zip(&record.lengths);
        let scored = question.options.iter().zip(numbers);
        reply.options = scored
            .map(|(option, (log_likelihood, bytes))| Scored {
                option: option.clone(),
                log_likelihood: *log_likelihood,
                bytes: *bytes,
            })
            .collect();
        let chosen = match record.answer {
            Some(Understood::Option(at)) => question.options.get(at as usize),
            _ => None,
        };
        reply.answer = chosen.cloned().or(record.output).unwrap_or_default();
    }
    Ok(reply)
}
