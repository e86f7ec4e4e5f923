//! An adapted model as it is filed: its decoder, what is between that and its encoder, how turns are
//! written.

use serde::{Deserialize, Serialize};
use vpc_compiler::plan::{self, Key, ModelSpec, Sight, StageTask};
use vpc_data::items::{Item, Turn};
use vpc_data::questions::Template;
use vpc_data::{DataError, Tokenizer};
use vpc_store::{Manifest, Store};
use vpc_train::adapted::{Adapted, Projector, ProjectorConfig};
use vpc_train::ops::Activation;
use vpc_train::vision::{Encoder, Layer};
use vpc_train::{Model, ModelConfig};

use super::sight::Own;
use super::{Bench, MODEL, model_config};
use crate::error::JobError;

/// The file that says how a model sees.
pub(crate) const ADAPTED: &str = "adapted.json";
/// The file of a projector's weights.
pub(crate) const PROJECTOR: &str = "projector.safetensors";

/// The files of an encoder that a model has itself.
pub(crate) const ENCODER: &str = "encoder.safetensors";
pub(crate) const ENCODER_CONFIG: &str = "encoder.json";

/// How a model sees, and how turns are written for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manner {
    /// How a turn is written.
    pub(crate) template: String,
    /// The token that stands for a vector of a picture.
    pub(crate) marker: u32,
    /// The projector's shape; none where the model has seen no picture yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) projector: Option<ProjectorConfig>,
    /// The encoder's layer that is looked at, counted from the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) layer: Option<u64>,
}

/// A model that was filed, adapted or not.
pub(crate) struct Filed {
    pub(crate) model: Model,
    pub(crate) manner: Option<Manner>,
    pub(crate) projector: Option<Projector>,
    /// The encoder that a stage has trained with it.
    pub(crate) encoder: Option<Encoder>,
}

impl Filed {
    /// Reads the model of an input.
    pub(super) fn read(bench: &Bench<'_>, key: Key, shape: &ModelSpec) -> Result<Self, JobError> {
        Self::of(bench.store, bench.input(key)?, &model_config(shape))
    }

    /// Reads the model of a job.
    pub(crate) fn of(
        store: &Store,
        job: &Manifest,
        config: &ModelConfig,
    ) -> Result<Self, JobError> {
        let open = |name| store.read(job.file(name)?);
        let model = Model::load(config, &open(MODEL)?)?;
        if !job.files.contains_key(ADAPTED) {
            return Ok(Self {
                model,
                manner: None,
                projector: None,
                encoder: None,
            });
        }
        let manner: Manner = serde_json::from_slice(&open(ADAPTED)?)?;
        let projector = match &manner.projector {
            Some(config) => Some(Projector::load(config, &open(PROJECTOR)?)?),
            None => None,
        };
        let encoder = if job.files.contains_key(ENCODER) {
            Some(Encoder::load(&open(ENCODER_CONFIG)?, &open(ENCODER)?)?)
        } else {
            None
        };
        Ok(Self {
            model,
            manner: Some(manner),
            projector,
            encoder,
        })
    }

    /// How turns are written, as text: as the model's own adaptation had it, or as usual.
    pub(crate) fn template_text(&self) -> &str {
        let own = self.manner.as_ref().map(|manner| manner.template.as_str());
        own.unwrap_or(StageTask::TEMPLATE)
    }

    /// How turns are written.
    pub(crate) fn template(&self) -> Result<Template, DataError> {
        Template::new(self.template_text())
    }

    /// The adapted model; none where it has no projector.
    pub(crate) fn adapted(&self) -> Result<Option<Adapted>, JobError> {
        let (Some(projector), Some(manner)) = (&self.projector, &self.manner) else {
            return Ok(None);
        };
        let (model, projector) = (self.model.clone(), projector.clone());
        Ok(Some(Adapted::new(model, projector, manner.marker)?))
    }

    /// The encoder that belongs to it, where it has one.
    pub(crate) fn own(&self) -> Option<Own> {
        let (encoder, layer) = (self.encoder.clone()?, self.layer()?);
        Some(Own { encoder, layer })
    }

    /// Which of its encoder's layers it looks at; none where it does not see.
    pub(crate) fn layer(&self) -> Option<Layer> {
        self.projector.as_ref()?;
        let layer = self.manner.as_ref()?.layer?;
        Some(Layer::FromEnd(layer as usize))
    }
}

/// The shape of a projector for features of so many vectors of a width.
pub(super) fn projector_config(
    sight: &Sight,
    model: &ModelSpec,
    (vectors, features): (usize, usize),
) -> ProjectorConfig {
    let own = &sight.projector;
    ProjectorConfig {
        features,
        grid: vectors.isqrt(),
        tokens: sight.visual_tokens as usize,
        layers: own.layers as usize,
        width: own.width.unwrap_or(model.width) as usize,
        outputs: model.width as usize,
        activation: match own.activation {
            plan::Activation::Gelu => Activation::Gelu,
            plan::Activation::Relu => Activation::Relu,
            plan::Activation::Silu => Activation::Silu,
        },
    }
}

/// A projector that nothing goes through, of a model that has seen no picture yet.
pub(super) fn idle_projector(model: &ModelSpec) -> Result<Projector, JobError> {
    let config = ProjectorConfig {
        features: 1,
        grid: 1,
        tokens: 1,
        layers: 1,
        width: 1,
        outputs: model.width as usize,
        activation: Activation::Gelu,
    };
    Ok(Projector::initial(&config, 0)?)
}

/// An item as tokens to learn from.
pub(super) struct Told {
    pub(super) tokens: Vec<u32>,
    /// Which tokens the loss is of.
    pub(super) answer: Vec<bool>,
    /// Whether its end did not fit the context.
    pub(super) cut: bool,
}

/// A turn as tokens: what is asked, and what is answered with the end of a text after it.
pub(super) fn turn_tokens(
    turn: &Turn,
    tokenizer: &Tokenizer,
    template: &Template,
) -> Result<(Vec<u32>, Vec<u32>), DataError> {
    let asked = tokenizer.encode(&template.prompt(&turn.question))?;
    let mut said = tokenizer.encode(&template.continuation(&turn.answer))?;
    said.push(tokenizer.end());
    Ok((asked, said))
}

/// Writes items for a model.
pub(super) struct Teller<'t> {
    pub(super) tokenizer: &'t Tokenizer,
    pub(super) template: Template,
    pub(super) marker: u32,
    /// Visual tokens of a picture; 0 where pictures are withheld.
    pub(super) visual: usize,
    pub(super) context: usize,
}

impl Teller<'_> {
    /// The beginning of a text: the end of the one before it, and the places of a picture.
    pub(super) fn beginning(&self, has_picture: bool) -> Vec<u32> {
        let places = if has_picture { self.visual } else { 0 };
        let mut tokens = vec![self.tokenizer.end()];
        tokens.resize(1 + places, self.marker);
        tokens
    }

    /// An item with its turns, each answer ended; cut where the context ends.
    pub(super) fn tell(&self, item: &Item) -> Result<Told, JobError> {
        let mut tokens = self.beginning(item.picture.is_some());
        let mut answer = vec![false; tokens.len()];
        for turn in &item.turns {
            let (asked, said) = turn_tokens(turn, self.tokenizer, &self.template)?;
            answer.resize(answer.len() + asked.len(), false);
            answer.resize(answer.len() + said.len(), true);
            tokens.extend(asked);
            tokens.extend(said);
        }
        let cut = tokens.len() > self.context;
        tokens.truncate(self.context);
        answer.truncate(self.context);
        Ok(Told {
            tokens,
            answer,
            cut,
        })
    }
}

impl Told {
    /// Whether there is something to learn, and all of the picture to learn it from.
    pub(super) fn is_whole(&self, beginning: usize) -> bool {
        self.tokens.len() > beginning && self.answer.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use vpc_data::train_bpe;

    use super::*;

    #[test]
    fn every_answer_of_a_dialogue_is_learned_and_nothing_else() {
        let trained =
            train_bpe(["a red cup and a blue lamp"].into_iter(), 270).expect("a tokenizer");
        let tokenizer = Tokenizer::from_json(&trained.json).expect("a tokenizer");
        let teller = |context| Teller {
            tokenizer: &tokenizer,
            template: Template::new(StageTask::TEMPLATE).expect("a template"),
            marker: 0,
            visual: 4,
            context,
        };
        let turn = |question: &str, answer: &str| Turn {
            question: question.to_owned(),
            answer: answer.to_owned(),
        };
        let item = Item {
            id: "1".to_owned(),
            turns: vec![
                turn("There is a red cup. What is red?", "cup"),
                turn("And what colour is it?", "red"),
                turn("And the lamp?", "blue"),
            ],
            ..Item::default()
        };
        let told = teller(500).tell(&item).expect("tokens");
        assert!(!told.cut && told.is_whole(1));
        let text = |wanted: bool| {
            let both = told.tokens.iter().zip(&told.answer);
            let tokens: Vec<u32> = both
                .filter(|(_, is_answer)| **is_answer == wanted)
                .map(|(token, _)| *token)
                .collect();
            tokenizer.decode(&tokens).expect("text")
        };
        let end = tokenizer.end_text();
        assert_eq!(text(true), format!(" cup{end} red{end} blue{end}"));
        let asked = "Question: There is a red cup. What is red?\nAnswer:\
                     Question: And what colour is it?\nAnswer:Question: And the lamp?\nAnswer:";
        assert_eq!(text(false), format!("{end}{asked}"));
        // What does not fit is the end: the first answers are still learned.
        let short = teller(told.tokens.len() - 8).tell(&item).expect("tokens");
        assert!(short.cut && short.is_whole(1));
        assert_eq!(short.tokens, told.tokens[..short.tokens.len()]);
        assert_eq!(short.answer, told.answer[..short.answer.len()]);
    }
}
