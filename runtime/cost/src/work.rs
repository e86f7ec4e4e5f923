//! What one job takes, whatever it runs on.

use vpc_compiler::plan::{
    AnswersTask, CorpusTask, EncoderTask, EncoderWeights, FeaturesTask, Format, PretrainTask,
    SourceSpec, StageTask,
};

use crate::flops::{
    TRAINING_PASSES, attention, encoder_forward, encoder_weights, forward, multiplied,
    projector_weights,
};
use crate::gpu::{GpuWork, gpu_work, per_token};
use crate::size::{self, KEPT, Memory};

/// ASSUMED: tokens of text in an item to adapt with or in a question, where no plan says it. Items of
/// LLaVA's instructions are of this order.
pub const ITEM_TOKENS: f64 = 256.0;

/// ASSUMED: tokens of a generated answer: MLE-Bench's and most harnesses' limit for short answers.
pub const ANSWER_TOKENS: f64 = 16.0;

/// ASSUMED: tokens of an answer that explains itself.
pub const EXPLANATION_TOKENS: f64 = 256.0;

/// ASSUMED: options that are compared by likelihood, each read with its question.
pub const OPTIONS: f64 = 4.0;

/// ASSUMED: answers generated side by side, which read the weights once for all of them.
pub const DECODED_TOGETHER: f64 = 32.0;

/// ASSUMED: a token is so many bytes of text, where no text was counted.
pub const BYTES_PER_TOKEN: f64 = 3.5;

/// Fewest tokens of a step for each device: below that, devices wait for each other. llm-foundry's
/// rows on 128 devices have 6 to 18 sequences of 2,048 each, at most three points of utilisation
/// below those on 8.
const TOKENS_PER_DEVICE: u64 = 8_192;

/// What the work of a job is.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Work {
    /// Parameters that are trained or scored with.
    pub parameters: u64,
    /// Model FLOPs, attention included, of all that is to do.
    pub flops: f64,
    /// The same of one token, with its backward pass where there is one: what the speed of the CPU
    /// trainer depends on.
    pub flops_per_token: f64,
    /// Steps to do that wait for each other; 0 where there are none.
    pub steps: u64,
    /// Layers that a step goes through.
    pub layers: u64,
    /// Bytes of weights read to generate answers.
    pub decoded: f64,
    /// Text that is made or encoded, in bytes.
    pub text: Text,
    /// What it holds in memory.
    pub memory: Memory,
    /// Bytes that stay in the store.
    pub disk: f64,
    /// Most devices that it can use.
    pub widest: u64,
    /// What a GPU of this machine has to do, where the work would go there.
    pub gpu: Option<GpuWork>,
}

/// Text that is worked on, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Text {
    /// Made or read.
    pub made: f64,
    /// Learned from by a tokenizer.
    pub learned: f64,
    /// Encoded as tokens.
    pub encoded: f64,
}

impl Work {
    pub(crate) fn on_one() -> Self {
        Self {
            widest: 1,
            ..Self::default()
        }
    }

    /// Whether models compute in it, so that it takes time of devices.
    pub fn is_on_devices(&self) -> bool {
        self.flops > 0.0
    }

    /// Divides a training at a number of its steps: what comes before, with a checkpoint at its end,
    /// and the rest.
    pub(crate) fn split(&self, before: u64) -> (Self, Self) {
        let share = before as f64 / self.steps.max(1) as f64;
        let first = Self {
            steps: before,
            flops: self.flops * share,
            disk: self.parameters as f64 * KEPT,
            ..*self
        };
        let rest = Self {
            steps: self.steps - before,
            flops: self.flops - first.flops,
            ..*self
        };
        (first, rest)
    }
}

/// Bytes of text of a category, where the plan tells them.
pub(crate) fn made(task: &CorpusTask) -> Option<u64> {
    match &task.source {
        SourceSpec::World { bytes, .. } => Some(*bytes),
        SourceSpec::Text { .. } | SourceSpec::Jsonl { .. } | SourceSpec::Planned { .. } => None,
    }
}

pub(crate) fn corpus(task: &CorpusTask) -> Work {
    let bytes = made(task).unwrap_or_default() as f64;
    Work {
        text: Text {
            made: bytes,
            ..Text::default()
        },
        disk: bytes,
        ..Work::on_one()
    }
}

pub(crate) fn pretrain(task: &PretrainTask, from: u64) -> Work {
    let model = &task.model;
    let steps = task.steps.saturating_sub(from);
    let per_step = task.batch.saturating_mul(model.context);
    let recompute = *task.recompute.get();
    let per_token = per_token(task);
    let kept = task
        .keep
        .get()
        .iter()
        .filter(|step| **step < task.steps)
        .count();
    Work {
        parameters: model.parameters(),
        flops: steps as f64 * per_step as f64 * per_token,
        flops_per_token: per_token,
        steps,
        layers: model.layers,
        memory: size::training(model, task.micro_batch.unwrap_or(task.batch), recompute),
        disk: model.parameters() as f64 * KEPT * (kept + 1) as f64,
        widest: (per_step / TOKENS_PER_DEVICE).clamp(1, task.batch.max(1)),
        // Micro-batches are added up on the processor.
        gpu: Some(gpu_work(task)),
        ..Work::default()
    }
}

/// A stage: an item is its text and, where it is seen, its picture's tokens, at most the context.
///
/// Frozen parts have no gradients of weights: the encoder runs forwards alone unless it is trained,
/// and a frozen language model still hands the gradient back to the projector: 2 passes instead of 3
/// for its weights. Attention has none, so that it always counts 3.
///
/// What `looked_up` sees was computed before; `looking` sees anew in every step.
pub(crate) fn stage(
    task: &StageTask,
    looking: Option<&EncoderTask>,
    looked_up: Option<&EncoderTask>,
) -> Work {
    let model = &task.model;
    let seen = task.sight.as_ref();
    let visual = seen.map_or(0.0, |sight| sight.visual_tokens as f64);
    let tokens = (ITEM_TOKENS + visual).min(model.context as f64);
    let passes = |is_trained: bool| if is_trained { TRAINING_PASSES } else { 2.0 };
    let weights = 2.0 * multiplied(model) * passes(task.train.model);
    let read = tokens * (weights + TRAINING_PASSES * attention(model, tokens));
    let eyes = looking.filter(|_| seen.is_some());
    let looked = eyes.map_or(0.0, encoder_forward);
    let looked = looked
        * if task.train.encoder {
            TRAINING_PASSES
        } else {
            1.0
        };
    let projector = seen
        .zip(looking.or(looked_up))
        .map_or(0.0, |(sight, encoder)| {
            let inner = sight.projector.width.unwrap_or(model.width) as f64;
            let layers = sight.projector.layers;
            projector_weights(encoder.width as f64, inner, model.width as f64, layers)
        });
    let projected = visual * 2.0 * projector * passes(task.train.projector);
    let parts = [
        (model.parameters() as f64, task.train.model),
        (projector, task.train.projector),
        (eyes.map_or(0.0, encoder_weights), task.train.encoder),
    ];
    let sum = |trained: bool| -> f64 {
        let chosen = parts.iter().filter(|part| part.1 == trained);
        chosen.map(|part| part.0).sum()
    };
    let per_item = read + looked + projected;
    let per_step = (task.batch as f64 * tokens) as u64;
    Work {
        parameters: (sum(true) + sum(false)) as u64,
        flops: task.items as f64 * per_item,
        flops_per_token: per_item / tokens.max(1.0),
        steps: task.steps,
        layers: model.layers,
        memory: size::adapting(model, sum(true), sum(false), tokens),
        disk: sum(true) * KEPT,
        widest: (per_step / TOKENS_PER_DEVICE).clamp(1, task.batch.max(1)),
        ..Work::default()
    }
}

/// An encoder: copied, drawn, or trained on pictures, of which a masked one sees only some.
pub(crate) fn encoder(task: &EncoderTask) -> Work {
    let weights = encoder_weights(task);
    let kept = Work {
        parameters: weights as u64,
        disk: weights * size::F32,
        ..Work::on_one()
    };
    let (lessons, seen) = match &task.weights {
        EncoderWeights::Files(_) | EncoderWeights::Initial { .. } => return kept,
        EncoderWeights::Contrastive(lessons) => (lessons, 1.0),
        EncoderWeights::Masked { mask, lessons } => (lessons, 1.0 - mask.to_f64()),
    };
    let side = (task.image / task.patch.max(1)) as f64;
    let per_item = TRAINING_PASSES * encoder_forward(task) * seen;
    Work {
        flops: (lessons.steps * lessons.batch) as f64 * per_item,
        flops_per_token: per_item / (side * side + 1.0),
        steps: lessons.steps,
        layers: task.layers,
        ..kept
    }
}

/// What a frozen encoder sees: one forward pass for each picture, kept as 16-bit numbers.
pub(crate) fn features(task: &FeaturesTask, encoder: Option<&EncoderTask>) -> Work {
    let Some(encoder) = encoder else {
        return Work::on_one();
    };
    let side = (encoder.image / encoder.patch.max(1)) as f64;
    let (items, per_item) = (task.items as f64, encoder_forward(encoder));
    Work {
        parameters: encoder_weights(encoder) as u64,
        flops: items * per_item,
        flops_per_token: per_item / (side * side + 1.0),
        layers: encoder.layers,
        disk: items * side * side * encoder.width as f64 * F16,
        ..Work::on_one()
    }
}

/// Bytes of a number of 16 bits.
const F16: f64 = 2.0;

/// Answers: every question is read once, or once with each option; an answer is generated token by
/// token, which reads all weights for every token.
pub(crate) fn answers(task: &AnswersTask) -> Work {
    let Some(model) = task.model.as_deref() else {
        return Work::on_one();
    };
    let items = task.items as f64;
    let question = match task.format {
        Format::Perplexity => model.context as f64,
        Format::Likelihood => OPTIONS * ITEM_TOKENS,
        Format::Choice | Format::YesNo | Format::ShortAnswer => ITEM_TOKENS,
    };
    let generated = match task.format {
        Format::Perplexity | Format::Likelihood => 0.0,
        _ if task.explain => EXPLANATION_TOKENS,
        _ => ANSWER_TOKENS,
    };
    let visual = if task.images { VISUAL_TOKENS } else { 0.0 };
    let tokens = question + visual + generated;
    let per_token = forward(model, tokens.min(model.context as f64));
    let weights = model.parameters() as f64 * 2.0;
    Work {
        parameters: model.parameters(),
        flops: items * tokens * per_token,
        flops_per_token: per_token,
        layers: model.layers,
        decoded: items * generated * weights / DECODED_TOGETHER,
        memory: size::scoring(model),
        ..Work::on_one()
    }
}

/// ASSUMED: tokens of a picture in a question, those of the standard library's adaptations: the plan
/// of an answer does not say how its model sees.
const VISUAL_TOKENS: f64 = 576.0;

#[cfg(test)]
#[path = "work_tests.rs"]
mod tests;
