//! A model that is asked: a decoder alone, or one that sees.

use std::cell::RefCell;

use vpc_data::questions::Question;
use vpc_device::{Device, ReadError, Reader};
use vpc_train::adapted::{self, AdaptError, Adapted, AdaptedInference, Prompt, Sight};
use vpc_train::{
    Generated, Generation, Inference, ModelConfig, Options, Request, Sampling, TrainError,
};

use super::adapted::Filed;
use crate::error::JobError;
use crate::reading::{CLASS, slots};

/// A model made ready to be asked.
pub(crate) enum Mind {
    /// Reads text alone.
    Blind(Inference),
    /// Reads pictures among text.
    Seeing(Box<AdaptedInference>, ModelConfig),
    /// Reads on a device, pictures among text where it is adapted to them.
    There(RefCell<Box<dyn Reads>>, Option<Box<Adapted>>, ModelConfig),
}

/// A decoder on some device.
pub(crate) trait Reads {
    /// See [`Reader::score_options`].
    fn score(
        &mut self,
        questions: &[Options<'_>],
        given: &[Option<vpc_train::Given>],
    ) -> Result<Vec<Vec<Vec<f64>>>, ReadError>;

    /// See [`Reader::generate`].
    fn write(
        &mut self,
        requests: &[Request<'_>],
        how: &Generation,
        given: &[Option<vpc_train::Given>],
    ) -> Result<Vec<Generated>, ReadError>;
}

impl<D: Device> Reads for Reader<D> {
    fn score(
        &mut self,
        questions: &[Options<'_>],
        given: &[Option<vpc_train::Given>],
    ) -> Result<Vec<Vec<Vec<f64>>>, ReadError> {
        self.score_options(questions, given)
    }

    fn write(
        &mut self,
        requests: &[Request<'_>],
        how: &Generation,
        given: &[Option<vpc_train::Given>],
    ) -> Result<Vec<Generated>, ReadError> {
        self.generate(requests, how, given)
    }
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

    /// The same on a device, if there is one, with at most `together` sequences at a time.
    pub(super) fn at<D: Device + 'static>(
        filed: &Filed,
        device: Option<D>,
        together: usize,
    ) -> Result<Self, JobError> {
        match device {
            Some(device) => Self::on(filed, device, together),
            None => Self::of(filed),
        }
    }

    /// The same on a device, with at most `together` sequences at a time.
    fn on<D: Device + 'static>(
        filed: &Filed,
        device: D,
        together: usize,
    ) -> Result<Self, JobError> {
        let config = filed.model.config().clone();
        let reader = Reader::new(&filed.model, slots(&config, together), CLASS, device)?;
        let adapted = filed.adapted()?.map(Box::new);
        Ok(Self::There(RefCell::new(Box::new(reader)), adapted, config))
    }

    pub(super) fn config(&self) -> &ModelConfig {
        match self {
            Self::Blind(inference) => inference.model().config(),
            Self::Seeing(_, config) | Self::There(_, _, config) => config,
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
                scores.map_err(Trouble::from)
            }
            Self::Seeing(inference, _) => {
                let asked = asked.map(|(given, options)| adapted::Question {
                    prompt: prompt(given),
                    options,
                });
                let asked: Vec<adapted::Question<'_>> = asked.collect();
                let scores = inference.score(&asked, together);
                scores.map_err(Trouble::from)
            }
            Self::There(reader, adapted, _) => {
                let asked = asked.map(|(given, options)| Options {
                    prompt: &given.tokens,
                    options,
                });
                let asked: Vec<Options<'_>> = asked.collect();
                seen(adapted.as_deref(), given).and_then(|given| {
                    let scores = reader.borrow_mut().score(&asked, &given);
                    scores.map_err(Trouble::from)
                })
            }
        };
        let scores = scores.map_err(|source| {
            let one = |item: usize| questions.get(item).copied();
            source.told(one)
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
        let requests = (0..).zip(given).map(|(id, given)| Request {
            id,
            prompt: &given.tokens,
        });
        let requests: Vec<Request<'_>> = requests.collect();
        let how = Generation {
            sampling: Sampling::Greedy,
            most,
            stop: vec![stop],
            batch: together,
        };
        let generated = match self {
            Self::Blind(inference) => {
                let generated = inference.generate(&requests, &how);
                generated.map_err(Trouble::from)
            }
            Self::Seeing(inference, _) => {
                let prompts: Vec<Prompt<'_>> = given.iter().map(prompt).collect();
                let generated = inference.generate(&prompts, most, &[stop], together);
                generated.map_err(Trouble::from)
            }
            Self::There(reader, adapted, _) => seen(adapted.as_deref(), given).and_then(|given| {
                let generated = reader.borrow_mut().write(&requests, &how, &given);
                generated.map_err(Trouble::from)
            }),
        };
        let generated =
            generated.map_err(|source| source.told(|item: usize| questions.get(item)))?;
        Ok(generated.into_iter().map(|one| one.tokens).collect())
    }
}

/// What stands in the place of tokens of each prompt.
fn seen(
    adapted: Option<&Adapted>,
    given: &[Given],
) -> Result<Vec<Option<vpc_train::Given>>, Trouble> {
    let Some(adapted) = adapted else {
        return Ok(Vec::new());
    };
    let each = given.iter().enumerate();
    each.map(|(item, given)| Ok(adapted.given(item, &prompt(given))?))
        .collect()
}

fn prompt(given: &Given) -> Prompt<'_> {
    Prompt {
        tokens: &given.tokens,
        sight: Sight::Features(&given.features),
    }
}

/// Why something cannot be read.
enum Trouble {
    Adapt(AdaptError),
    Other(JobError),
}

impl From<vpc_train::InferenceError> for Trouble {
    fn from(source: vpc_train::InferenceError) -> Self {
        Self::Adapt(source.into())
    }
}

impl From<AdaptError> for Trouble {
    fn from(source: AdaptError) -> Self {
        Self::Adapt(source)
    }
}

impl From<ReadError> for Trouble {
    fn from(source: ReadError) -> Self {
        match source {
            ReadError::Inference(source) => source.into(),
            other => Self::Other(other.into()),
        }
    }
}

impl Trouble {
    /// With the question that an item is about, in the place of its number.
    fn told<'q>(self, one: impl Fn(usize) -> Option<&'q Question>) -> JobError {
        match self {
            Self::Adapt(AdaptError::Inference(source)) => {
                let question = source.item().and_then(one);
                JobError::Question {
                    id: question.map(|one| one.id.clone()).unwrap_or_default(),
                    source,
                }
            }
            Self::Adapt(other) => other.into(),
            Self::Other(error) => error,
        }
    }
}

/// Bytes of a device that [`Mind::on`] takes.
pub(super) fn memory(config: &ModelConfig, together: usize) -> Result<usize, JobError> {
    let bytes = vpc_device::reader_memory(config, slots(config, together), CLASS);
    Ok(bytes.map_err(TrainError::from)?)
}

#[cfg(test)]
mod tests;
