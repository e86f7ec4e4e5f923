//! `pretrain` blocks.

use std::sync::Arc;

use vpc_grammar::{Code, Problem, Span};

use super::{Expander, Made, Model, Spot, Trained};
use crate::eval::{Given, Reads};
use crate::plan::{
    Fraction, Key, ModelSpec, Operation, Precision, PretrainTask, ScheduleShape, ScheduleSpec,
    Task, Work,
};
use crate::value::{Exact, Number, Scale, Schedule, Tokenizer, Unit};

impl Expander<'_, '_> {
    /// Lowers a `pretrain` block. Every field is evaluated, so that each mistake is reported.
    pub(super) fn pretrain(&mut self, spot: &Spot<'_>) -> Option<Made> {
        let e = self.evaluator;
        spot.read(|given| {
            let scale = given.need("model", |span, value| e.scale(span, &value));
            let data = given.need("data", |span, value| e.mixture(span, value));
            let tokenizer = given.need("tokenizer", |span, value| e.tokenizer(span, &value));
            let budget = given.need("tokens", |span, value| e.tokens(span, value, 0));
            let schedule = given.or("schedule", default_schedule()?, |span, value| {
                e.schedule(span, value)
            });
            let batch = given.or("batch", None, |span, value| {
                e.sequences(span, value).map(Some)
            });
            let seed = given.or("seed", 0, |span, value| e.count(span, value, 0));
            let number = |name, n, d| {
                given.or(name, Fraction::new(n, d)?, |span, value| {
                    e.number(span, value)
                })
            };
            let weight_decay = number("weight_decay", 1, 10);
            let beta1 = self.below_one(&given, "beta1", number("beta1", 9, 10));
            let beta2 = self.below_one(&given, "beta2", number("beta2", 19, 20));
            let clip = number("clip", 1, 1);
            let precision = match given.word("precision", "f32")? {
                "bf16" => Precision::Bf16,
                _ => Precision::F32,
            };
            let recompute = given.word("activations", "kept")? == "recomputed";
            let micro_batch = given.or("micro_batch", None, |span, value| {
                e.sequences(span, value).map(Some)
            })?;
            let (scale, data, tokenizer, budget) = (scale?, data?, tokenizer?, budget?);
            let rate = given.or("rate", scale.rate, |span, value| e.number(span, value))?;
            let batch = batch?.unwrap_or(scale.batch);
            let model = model_spec(&scale, &tokenizer);
            let per_step = batch * model.context;
            let steps = budget.div_ceil(per_step);
            let schedule =
                self.schedule(&schedule?, steps, Some(per_step), given.at("schedule"))?;
            let keep = given.or("keep", Vec::new(), |span, value| {
                e.points(span, value, budget)
            })?;
            let most = given.or("max_epochs", None, |span, value| {
                e.number(span, value).map(Some)
            })?;
            let tokens = self.tokens_of(&data, &tokenizer, given.at("data"))?;
            let mut keep: Vec<u64> = keep
                .iter()
                .map(|tokens| tokens.div_ceil(per_step))
                .collect();
            keep.sort_unstable();
            keep.dedup();
            let task = PretrainTask {
                shares: tokens.iter().map(|part| part.1).collect(),
                tokens: steps * per_step,
                model: model.clone(),
                batch,
                steps,
                schedule,
                rate,
                weight_decay: weight_decay?,
                beta1: beta1?,
                beta2: beta2?,
                clip: clip?,
                precision,
                // A whole batch at once is what there is without it.
                micro_batch: micro_batch.filter(|sequences| *sequences < batch),
                recompute: Operation::new(recompute),
                seed: seed?,
                keep: Operation::new(keep),
                max_epochs: Operation::new(most),
            };
            if let Some(most) = most {
                let keys: Vec<Key> = tokens.iter().map(|part| part.0).collect();
                self.bound_epochs(&task, &keys, most, given.at("max_epochs"));
            }
            let inputs: Vec<(&'static str, Key)> =
                tokens.iter().map(|part| ("tokens", part.0)).collect();
            let task = Task::Pretrain(Box::new(task));
            let key = self.add(spot, Arc::clone(spot.label), task, &inputs);
            Some(Made::model(
                key,
                Model {
                    spec: self.shared.spec(model),
                    tokenizer,
                    eyes: None,
                    trained: Some(Trained {
                        budget,
                        steps,
                        per_step,
                    }),
                },
            ))
        })
    }

    /// Adds a job that is declared at a spot.
    pub(super) fn add(
        &mut self,
        spot: &Spot<'_>,
        label: Arc<str>,
        work: impl Into<Work>,
        inputs: &[(&'static str, Key)],
    ) -> Key {
        self.jobs
            .add(label, Arc::clone(&spot.site.place), work, inputs)
    }

    fn below_one(
        &self,
        given: &Given<'_>,
        name: &str,
        value: Option<Fraction>,
    ) -> Option<Fraction> {
        let value = value?;
        let (numerator, denominator) = value.parts();
        if numerator < denominator {
            return Some(value);
        }
        let message = format!("`{name}` must be below 1");
        self.evaluator
            .report(Problem::error(Code("V0304"), given.at(name), message));
        None
    }

    /// Turns a schedule's lengths into steps of a run; without tokens per step, none may be in
    /// tokens.
    pub(super) fn schedule(
        &self,
        schedule: &Schedule,
        steps: u64,
        per_step: Option<u64>,
        span: Span,
    ) -> Option<ScheduleSpec> {
        let length = |number: &Number| match number.unit {
            Unit::Tokens => {
                let Some(per_step) = per_step else {
                    let message = "a stage is not measured in tokens";
                    self.evaluator.report(
                        Problem::error(Code("V0303"), span, message)
                            .help("give lengths as shares of the stage, or in steps"),
                    );
                    return None;
                };
                number.whole().map(|tokens| tokens.div_ceil(per_step))
            }
            Unit::Steps => number.whole(),
            _ => number.of(steps),
        };
        if steps == 0 {
            // Nothing is trained, so no schedule tells one run from another.
            return Some(ScheduleSpec {
                shape: ScheduleShape::Constant,
                warmup: 0,
                decay: 0,
                floor: Fraction::new(1, 1)?,
            });
        }
        let warmup = length(&schedule.warmup)?;
        let warmup = schedule.warmup_most.map_or(warmup, |most| warmup.min(most));
        let decay = schedule.decay.as_ref().map_or(Some(0), length)?;
        if warmup.saturating_add(decay) > steps {
            let what = if decay > 0 {
                "warm-up and decay do"
            } else {
                "the warm-up does"
            };
            let message = format!(
                "{what} not fit: {} of {steps} steps",
                warmup.saturating_add(decay)
            );
            self.evaluator
                .report(
                    Problem::error(Code("V0304"), span, message).help(match per_step {
                        Some(_) => "give lengths as shares of the run, or raise `tokens`",
                        None => "give lengths as shares of the stage, or give it more items",
                    }),
                );
            return None;
        }
        Some(ScheduleSpec {
            shape: schedule.shape,
            warmup,
            decay,
            floor: schedule.floor,
        })
    }
}

fn model_spec(scale: &Scale, tokenizer: &Tokenizer) -> ModelSpec {
    ModelSpec {
        layers: scale.layers,
        width: scale.width,
        heads: scale.heads,
        kv_heads: scale.kv_heads,
        hidden: scale.hidden,
        context: scale.context,
        vocabulary: tokenizer.vocabulary,
        rope_base: scale.rope_base,
        tied: scale.tied,
    }
}

/// `cosine(warmup: 2%, floor: 10%)`.
fn default_schedule() -> Option<Schedule> {
    let warmup = Number {
        value: Exact::new(1.into(), 50.into()),
        unit: Unit::Share,
    };
    Some(Schedule {
        shape: ScheduleShape::Cosine,
        warmup,
        warmup_most: None,
        decay: None,
        floor: Fraction::new(1, 10)?,
    })
}
