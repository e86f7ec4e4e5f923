//! Encoders: their shape, and where their weights come from.

use std::rc::Rc;

use vpc_grammar::tree::{Block, Body};
use vpc_grammar::{Code, Problem, Span};

use super::block::origin;
use super::{Call, Evaluator, Given, Reads, Scope};
use crate::library::FileFault;
use crate::modules::{ModuleId, join};
use crate::plan::{
    EncoderTask, EncoderWeights, Family, FileSpec, Fraction, Lessons, Mlp, Operation,
};
use crate::schema::Type;
use crate::value::{Dataset, Encoder, Value};

/// What the width inside a gated MLP is a multiple of.
const GATES: u64 = 8;

impl Evaluator<'_> {
    pub(super) fn encoder_block(
        &self,
        block: &Block,
        body: &Body,
        scope: &Scope<'_>,
    ) -> Option<Value> {
        let (task, data) = self.reading(block, body, scope, |given| {
            let count = |span, value| self.count(span, value, 1);
            let family = match given.word("family", "") {
                Some("clip") => Some(Family::Clip),
                Some("dinov2") => Some(Family::Dinov2),
                Some("mae") => Some(Family::Mae),
                Some("vit") => Some(Family::Vit),
                _ => None,
            };
            let weights = given.need("weights", |span, value| {
                self.weights(span, value, scope.module)
            });
            let (layers, width) = (given.need("layers", count), given.need("width", count));
            let (heads, patch) = (given.need("heads", count), given.need("patch", count));
            let (image, width) = (given.need("image", count), width?);
            let mlp = match given.word("mlp", "plain") {
                Some("plain") => Some(Mlp::Plain),
                Some("gated") => Some(Mlp::Gated),
                _ => None,
            };
            let hidden = match mlp {
                // As `transformers` has it: two thirds, so that three matrices are as large as two.
                Some(Mlp::Gated) => (8 * width / 3).next_multiple_of(GATES),
                _ => 4 * width,
            };
            let hidden = given.or("hidden", hidden, count);
            let (weights, data) = weights?;
            let task = EncoderTask {
                family: family?,
                layers: layers?,
                width,
                heads: heads?,
                hidden: hidden?,
                mlp: mlp?,
                patch: patch?,
                image: image?,
                weights,
            };
            self.even(&task, &given)?;
            self.gates(&task, &given)?;
            self.suits(&task, &given)?;
            Some((task, data))
        })?;
        Some(Value::Encoder(Rc::new(Encoder {
            name: block.name.text.clone(),
            declared: block.name.span,
            task,
            data,
            origin: origin(block, scope),
        })))
    }

    fn even(&self, task: &EncoderTask, given: &Given<'_>) -> Option<()> {
        let uneven = |name: &str, whole: u64, by: u64, parts: &str| {
            let message = format!("{whole} is not divisible into {by} {parts}");
            self.report(Problem::error(Code("V0311"), given.at(name), message));
        };
        if !task.width.is_multiple_of(task.heads) {
            uneven("width", task.width, task.heads, "heads");
            return None;
        }
        if !task.image.is_multiple_of(task.patch) {
            uneven("image", task.image, task.patch, "pixels for each patch");
            return None;
        }
        Some(())
    }

    /// Refuses a gated MLP where there is no place for it.
    fn gates(&self, task: &EncoderTask, given: &Given<'_>) -> Option<()> {
        let (name, message, help) = match task.mlp {
            Mlp::Gated if task.family != Family::Dinov2 => (
                "mlp",
                "only encoders of the family `dinov2` have a gated MLP".to_owned(),
                "leave out `mlp`, or write `family: dinov2`".to_owned(),
            ),
            Mlp::Gated if !task.hidden.is_multiple_of(GATES) => (
                "hidden",
                format!(
                    "the width inside a gated MLP is a multiple of {GATES}, and {} is not",
                    task.hidden
                ),
                format!(
                    "write `hidden: {}`, or leave it out",
                    task.hidden.next_multiple_of(GATES)
                ),
            ),
            _ => return Some(()),
        };
        self.report(Problem::error(Code("V0311"), given.at(name), message).help(help));
        None
    }

    /// Refuses a training that the family is not trained with.
    fn suits(&self, task: &EncoderTask, given: &Given<'_>) -> Option<()> {
        let (trained, family, word) = match task.weights {
            EncoderWeights::Files(_) | EncoderWeights::Initial { .. } => return Some(()),
            EncoderWeights::Contrastive(_) => ("contrastive", Family::Clip, "clip"),
            EncoderWeights::Masked { .. } => ("masked", Family::Mae, "mae"),
        };
        if task.family == family {
            return Some(());
        }
        let message = format!("`{trained}(…)` trains encoders of the family `{word}`");
        self.report(
            Problem::error(Code("V0407"), given.at("weights"), message)
                .help(format!("write `family: {word}`")),
        );
        None
    }

    /// Weights, and what they are learned from.
    fn weights(
        &self,
        span: Span,
        value: Value,
        module: ModuleId,
    ) -> Option<(EncoderWeights, Option<Rc<Dataset>>)> {
        let path = match value {
            Value::Weights(weights, data) => return Some((*weights, data)),
            Value::Planned(what) => {
                return Some((EncoderWeights::Files(FileSpec::Planned { what }), None));
            }
            Value::Text(text) => join(&self.module(module)?.folder, &text),
            Value::Located(path) => path,
            other => {
                self.mismatch(span, Type::Weights.words(), &other);
                return None;
            }
        };
        // A file alone is refused when it is read, with what to give instead.
        let (path, facts) = match self.library.facts(&path) {
            Err(FileFault::Folder) => self.folder(path, span)?,
            _ => self.facts(path, span)?,
        };
        let files = FileSpec::File {
            path: Operation::new(path),
            digest: facts.digest,
        };
        Some((EncoderWeights::Files(files), None))
    }

    /// `initial(…)`, `contrastive(…)`, `masked(…)`.
    pub(super) fn weights_made(&self, call: &Call<'_>) -> Option<Value> {
        let seed = call.or("seed", 0, |span, value| self.count(span, value, 0))?;
        if call.function.name == "initial" {
            let weights = Box::new(EncoderWeights::Initial { seed });
            return Some(Value::Weights(weights, None));
        }
        let is_masked = call.function.name == "masked";
        let from = if is_masked { "pictures" } else { "pairs" };
        let data = call.need(from, |span, value| self.dataset(span, &value))?;
        let count = |span, value| self.count(span, value, 1);
        let epochs = call.or("epochs", 1, count)?;
        let batch = call.or("batch", 32, count)?;
        let lessons = Lessons {
            epochs,
            batch,
            // A contrast needs whole batches; what is left of an epoch goes into the next.
            steps: (data.items.saturating_mul(epochs) / batch).max(1),
            rate: call.or("rate", Fraction::new(1, 1000)?, |span, value| {
                self.number(span, value)
            })?,
            seed,
        };
        let weights = if is_masked {
            let mask = call.or("mask", Fraction::new(3, 4)?, |span, value| {
                self.share(span, value)
            })?;
            let (hidden, of) = mask.parts();
            if hidden == 0 || hidden == of {
                let at = call.expr("mask").map_or(call.span, |expr| expr.span);
                let message = "some patches must be hidden, and some seen";
                self.report(Problem::error(Code("V0304"), at, message));
                return None;
            }
            EncoderWeights::Masked { mask, lessons }
        } else {
            EncoderWeights::Contrastive(lessons)
        };
        Some(Value::Weights(Box::new(weights), Some(data)))
    }
}
