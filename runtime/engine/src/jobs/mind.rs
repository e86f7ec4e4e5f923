//! A model that is asked: a decoder alone, or one that sees.

use vpc_data::questions::Question;
use vpc_train::adapted::{self, AdaptError, AdaptedInference, Prompt, Sight};
use vpc_train::{Generation, Inference, ModelConfig, Options, Request, Sampling};

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

    /// log p of each option after each of what is given, in nats; `questions` are those it is about.
    pub(super) fn score(
        &self,
        questions: &[&Question],
        given: &[Given],
        options: &[Vec<Vec<u32>>],
        together: usize,
    ) -> Result<Vec<Vec<f64>>, JobError> {
        let lists: Vec<Vec<&[u32]>> = options
            .iter()
            .map(|options| options.iter().map(Vec::as_slice).collect())
            .collect();
        let asked = given.iter().zip(&lists);
        let scores = match self {
            Self::Blind(inference) => {
                let asked = asked.map(|(given, options)| Options {
                    prompt: &given.tokens,
                    options,
                });
                let asked: Vec<Options<'_>> = asked.collect();
                let scores = inference.score_options(&asked, together);
                scores.map_err(AdaptError::from)
            }
            Self::Seeing(inference, _) => {
                let asked = asked.map(|(given, options)| adapted::Question {
                    prompt: prompt(given),
                    options,
                });
                let asked: Vec<adapted::Question<'_>> = asked.collect();
                inference.score(&asked, together)
            }
        };
        let scores = scores.map_err(|source| {
            let one = |item: usize| questions.get(item).copied();
            unreadable(one, source)
        })?;
        let total = |tokens: &Vec<f64>| tokens.iter().sum();
        let each = scores.iter();
        Ok(each
            .map(|options| options.iter().map(total).collect())
            .collect())
    }

    /// The likeliest words after what is given, at most `most` tokens or up to `stop`.
    pub(super) fn write(
        &self,
        questions: &[Question],
        given: &[Given],
        (most, stop): (usize, u32),
        together: usize,
    ) -> Result<Vec<Vec<u32>>, JobError> {
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
                generated.map_err(AdaptError::from)
            }
            Self::Seeing(inference, _) => {
                let prompts: Vec<Prompt<'_>> = given.iter().map(prompt).collect();
                inference.generate(&prompts, most, &[stop], together)
            }
        };
        let generated =
            generated.map_err(|source| unreadable(|item| questions.get(item), source))?;
        Ok(generated.into_iter().map(|one| one.tokens).collect())
    }
}

fn prompt(given: &Given) -> Prompt<'_> {
    Prompt {
        tokens: &given.tokens,
        sight: Sight::Features(&given.features),
    }
}

/// The question that an item is about, in the place of its number.
fn unreadable<'q>(one: impl Fn(usize) -> Option<&'q Question>, source: AdaptError) -> JobError {
    match source {
        AdaptError::Inference(source) => {
            let question = source.item().and_then(one);
            JobError::Question {
                id: question.map(|one| one.id.clone()).unwrap_or_default(),
                source,
            }
        }
        other => other.into(),
    }
}
