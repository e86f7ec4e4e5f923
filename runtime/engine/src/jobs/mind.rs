//! A model that is asked: a decoder alone, or one that sees.

use vpc_data::questions::Question;
use vpc_train::adapted::{self, AdaptError, AdaptedInference, Prompt};
use vpc_train::{
    Continuation, Generation, Inference, InferenceError, ModelConfig, Request, Sampling, Score,
};

use super::adapted::Filed;
use crate::error::JobError;

/// A model made ready to be asked.
pub(crate) enum Mind {
    /// Reads text alone.
    Blind(Inference),
    /// Reads pictures among text.
    Seeing(Box<AdaptedInference>, ModelConfig),
}

/// What a model goes on from.
pub(super) struct Given {
    pub(super) tokens: Vec<u32>,
    /// Features of the picture; empty where there is none.
    pub(super) features: Vec<f32>,
}

impl Mind {
    pub(crate) fn of(filed: &Filed) -> Result<Self, JobError> {
        Ok(match filed.adapted()? {
            Some(adapted) => {
                let config = adapted.model().config().clone();
                Self::Seeing(Box::new(AdaptedInference::new(&adapted)), config)
            }
            None => Self::Blind(Inference::new(&filed.model)),
        })
    }

    pub(super) fn config(&self) -> &ModelConfig {
        match self {
            Self::Blind(inference) => inference.model().config(),
            Self::Seeing(_, config) => config,
        }
    }

    /// log p of each option after what is given, in nats.
    pub(super) fn score(
        &self,
        question: &Question,
        given: &Given,
        options: &[Vec<u32>],
        together: usize,
    ) -> Result<Vec<f64>, JobError> {
        match self {
            Self::Blind(inference) => {
                let items: Vec<Continuation<'_>> = options
                    .iter()
                    .map(|option| Continuation {
                        prompt: &given.tokens,
                        continuation: option,
                    })
                    .collect();
                let scores = inference.score(&items, together);
                let scores = scores.map_err(|source| unreadable(question, source))?;
                Ok(scores.iter().map(Score::total).collect())
            }
            Self::Seeing(inference, _) => {
                let options: Vec<&[u32]> = options.iter().map(Vec::as_slice).collect();
                let asked = adapted::Question {
                    prompt: prompt(given),
                    options: &options,
                };
                let scores = inference.score(&[asked]);
                let scores = scores.map_err(|source| unseen(question, source))?;
                let all = scores.into_iter().flatten();
                Ok(all.map(|tokens| tokens.iter().sum()).collect())
            }
        }
    }

    /// The likeliest words after what is given, at most `most` tokens or up to `stop`.
    pub(super) fn write(
        &self,
        questions: &[Question],
        given: &[Given],
        (most, stop): (usize, u32),
        together: usize,
    ) -> Result<Vec<Vec<u32>>, JobError> {
        let at = |item: Option<usize>| {
            let one = questions.get(item.unwrap_or_default());
            one.map(|one| one.id.clone()).unwrap_or_default()
        };
        let generated = match self {
            Self::Blind(inference) => {
                let requests = (0..).zip(given).map(|(id, given)| Request {
                    id,
                    prompt: &given.tokens,
                });
                let how = Generation {
                    sampling: Sampling::Greedy,
                    most,
                    stop: vec![stop],
                    batch: together,
                };
                let requests: Vec<Request<'_>> = requests.collect();
                let generated = inference.generate(&requests, &how);
                generated.map_err(|source| JobError::Question {
                    id: at(source.item()),
                    source,
                })?
            }
            Self::Seeing(inference, _) => {
                let prompts: Vec<Prompt<'_>> = given.iter().map(prompt).collect();
                let generated = inference.generate(&prompts, most, &[stop], together);
                generated.map_err(|source| match source {
                    AdaptError::Inference(source) => JobError::Question {
                        id: at(source.item()),
                        source,
                    },
                    other => other.into(),
                })?
            }
        };
        Ok(generated.into_iter().map(|one| one.tokens).collect())
    }
}

fn prompt(given: &Given) -> Prompt<'_> {
    Prompt {
        tokens: &given.tokens,
        features: &given.features,
    }
}

pub(super) fn unreadable(question: &Question, source: InferenceError) -> JobError {
    JobError::Question {
        id: question.id.clone(),
        source,
    }
}

fn unseen(question: &Question, source: AdaptError) -> JobError {
    match source {
        AdaptError::Inference(source) => unreadable(question, source),
        other => other.into(),
    }
}
