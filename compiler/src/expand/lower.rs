//! One job block at one point of its axes to tasks of the plan.

use std::rc::Rc;

use num_traits::ToPrimitive;
use vpc_grammar::tree::{Body, Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::{Declaration, Expander, Spot};
use crate::eval::{Fields, Scope};
use crate::nearest::advice;
use crate::plan::{
    CorpusTask, EvalTask, Fraction, Item, Key, ModelSpec, PretrainTask, ScheduleShape,
    ScheduleSpec, Task, TokenizerTask,
};
use crate::value::{
    Category, Exact, Mixture, Number, Scale, Schedule, Tokenizer, TokenizerSource, Unit, Value,
    fraction,
};

/// A job that was lowered.
pub(super) struct Made {
    pub(super) key: Key,
    /// What an evaluation measures.
    pub(super) items: Vec<Item>,
    /// The model a `pretrain` job makes, with its tokenizer.
    model: Option<(ModelSpec, Rc<Tokenizer>)>,
}

impl Expander<'_, '_> {
    pub(super) fn lower(&mut self, job: &Spot<'_>, before: &[Declaration<'_>]) -> Option<Made> {
        let block = job.block;
        let empty = Body {
            entries: Vec::new(),
            whole: true,
            span: block.span,
        };
        let body = block.body.as_ref().unwrap_or(&empty);
        let fields = self.evaluator.fields(block, body)?;
        let made = match block.kind.text.as_str() {
            "pretrain" => self.pretrain(job, &fields),
            _ => self.eval(job, &fields, before),
        };
        made.filter(|_| fields.sound)
    }

    fn value(&self, fields: &Fields<'_>, name: &str, scope: &Scope<'_>) -> Option<(Span, Value)> {
        fields
            .get(name)
            .map(|expr| (expr.span, self.evaluator.eval(expr, scope)))
    }

    fn number(
        &self,
        fields: &Fields<'_>,
        name: &str,
        default: Fraction,
        scope: &Scope<'_>,
    ) -> Option<Fraction> {
        match self.value(fields, name, scope) {
            Some((span, value)) => self.evaluator.number(span, value),
            None => Some(default),
        }
    }

    /// Lowers a `pretrain` block. Every field is evaluated, so that each mistake is reported.
    fn pretrain(&mut self, job: &Spot<'_>, fields: &Fields<'_>) -> Option<Made> {
        let (block, scope) = (job.block, &job.scope);
        let e = self.evaluator;
        let get = |name: &str| self.value(fields, name, scope);
        let scale = get("model").and_then(|(span, value)| e.scale(span, &value));
        let data = get("data").and_then(|(span, value)| e.mixture(span, value));
        let tokenizer = get("tokenizer").and_then(|(span, value)| e.tokenizer(span, &value));
        let budget = get("tokens").and_then(|(span, value)| e.tokens(span, value));
        let schedule = match get("schedule") {
            Some((span, value)) => e.schedule(span, value),
            None => Some(default_schedule()?),
        };
        let batch = get("batch").map(|(span, value)| e.sequences(span, value));
        let seed = match get("seed") {
            Some((span, value)) => e.count(span, value, 0),
            None => Some(0),
        };
        let optimiser = |name, n, d| self.number(fields, name, Fraction::new(n, d)?, scope);
        let weight_decay = optimiser("weight_decay", 1, 10);
        let beta1 = self.below_one(fields, "beta1", optimiser("beta1", 9, 10));
        let beta2 = self.below_one(fields, "beta2", optimiser("beta2", 19, 20));
        let clip = optimiser("clip", 1, 1);
        let (scale, data, tokenizer, budget) = (scale?, data?, tokenizer?, budget?);
        let rate = self.number(fields, "rate", scale.rate, scope)?;
        let batch = match batch {
            Some(batch) => batch?,
            None => scale.batch,
        };
        let model = model_spec(&scale, &tokenizer);
        let per_step = batch * model.context;
        let steps = budget.div_ceil(per_step);
        let at = |name: &str| fields.get(name).map_or(block.name.span, |expr| expr.span);
        let schedule = self.schedule(&schedule?, steps, per_step, at("schedule"))?;
        let keep = match get("keep") {
            Some((span, value)) => e.points(span, value, budget)?,
            None => Vec::new(),
        };
        let mut keep: Vec<u64> = keep
            .iter()
            .map(|tokens| tokens.div_ceil(per_step))
            .collect();
        keep.sort_unstable();
        keep.dedup();
        let tokens = self.tokens_of(&data, &tokenizer, at("data"))?;
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
            seed: seed?,
            keep,
        };
        let inputs: Vec<(&str, Key)> = tokens.iter().map(|part| ("tokens", part.0)).collect();
        let place = self.place(block.name.span);
        let key = self.jobs.add(
            job.label.clone(),
            place,
            Task::Pretrain(Box::new(task)),
            &inputs,
        );
        Some(Made {
            key,
            items: Vec::new(),
            model: Some((model, tokenizer)),
        })
    }

    fn below_one(
        &self,
        fields: &Fields<'_>,
        name: &str,
        value: Option<Fraction>,
    ) -> Option<Fraction> {
        let value = value?;
        let (numerator, denominator) = value.parts();
        if numerator < denominator {
            return Some(value);
        }
        let span = fields.get(name)?.span;
        let message = format!("`{name}` must be below 1");
        self.evaluator
            .report(Problem::error(Code("V0304"), span, message));
        None
    }

    /// Turns a schedule's lengths into steps of a run.
    fn schedule(
        &self,
        schedule: &Schedule,
        steps: u64,
        per_step: u64,
        span: Span,
    ) -> Option<ScheduleSpec> {
        let length = |number: &Number| match number.unit {
            Unit::Tokens => number.whole().map(|tokens| tokens.div_ceil(per_step)),
            Unit::Steps => number.whole(),
            _ => (number.value.clone() * Exact::from_integer(steps.into()))
                .round()
                .to_integer()
                .to_u64(),
        };
        let warmup = length(&schedule.warmup)?;
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
            self.evaluator.report(
                Problem::error(Code("V0304"), span, message)
                    .help("give lengths as shares of the run, or raise `tokens`"),
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

    /// Adds the token jobs of a mixture; returns their keys and exact shares, ordered by content.
    fn tokens_of(
        &mut self,
        data: &Mixture,
        tokenizer: &Rc<Tokenizer>,
        span: Span,
    ) -> Option<Vec<(Key, Fraction)>> {
        let mut parts = Vec::new();
        for (category, share) in data.leaves() {
            let share = self.exact(&share, span)?;
            parts.push((self.tokens_job(&category, tokenizer, span)?, share));
        }
        parts.sort_by_key(|part| part.0);
        Some(parts)
    }

    fn exact(&self, share: &Exact, span: Span) -> Option<Fraction> {
        let exact = fraction(share);
        if exact.is_none() {
            let message = "the shares of this mixture have too many digits to be kept exactly";
            self.evaluator.report(
                Problem::error(Code("V0304"), span, message).help("round the shares it is made of"),
            );
        }
        exact
    }

    fn corpus(&mut self, category: &Category) -> Key {
        let task = CorpusTask {
            source: category.source.clone(),
            held_out: category.held_out,
        };
        let place = self.place(category.declared);
        self.jobs.add(
            format!("corpus/{}", category.name),
            place,
            Task::Corpus(task),
            &[],
        )
    }

    fn tokens_job(
        &mut self,
        category: &Category,
        tokenizer: &Tokenizer,
        span: Span,
    ) -> Option<Key> {
        let corpus = self.corpus(category);
        let tokenizer_key = self.tokenizer(tokenizer, span)?;
        let label = format!("tokens/{}@{}", category.name, tokenizer.name);
        let place = self.place(category.declared);
        let inputs = [("corpus", corpus), ("tokenizer", tokenizer_key)];
        Some(self.jobs.add(label, place, Task::Tokens, &inputs))
    }

    fn tokenizer(&mut self, tokenizer: &Tokenizer, span: Span) -> Option<Key> {
        let vocabulary = tokenizer.vocabulary;
        let mut inputs = Vec::new();
        let task = match &tokenizer.from {
            TokenizerSource::Imported { path, digest } => TokenizerTask::Imported {
                path: path.clone(),
                digest: *digest,
                vocabulary,
            },
            TokenizerSource::Trained { data, sample } => {
                let mut shares = Vec::new();
                for (category, share) in data.leaves() {
                    shares.push(self.exact(&share, span)?);
                    inputs.push(("corpus", self.corpus(&category)));
                }
                TokenizerTask::Trained {
                    vocabulary,
                    sample: *sample,
                    shares,
                }
            }
        };
        let label = format!("tokenizer/{}", tokenizer.name);
        let place = self.place(tokenizer.declared);
        Some(self.jobs.add(label, place, Task::Tokenizer(task), &inputs))
    }

    fn eval(
        &mut self,
        job: &Spot<'_>,
        fields: &Fields<'_>,
        before: &[Declaration<'_>],
    ) -> Option<Made> {
        let suite = self.value(fields, "suite", &job.scope);
        let suite = suite.and_then(|(span, value)| self.evaluator.suite(span, value));
        let from = fields.get("from")?;
        let source = self.source(from, before)?;
        let project: Vec<usize> = source
            .groups
            .iter()
            .filter_map(|group| job.groups.iter().position(|own| own == group))
            .filter_map(|at| job.point.get(at).copied())
            .collect();
        let base = source.made.get(&project)?;
        let (model, tokenizer) = base.model.clone()?;
        let base_key = base.key;
        let mut items: Vec<Item> = Vec::new();
        for category in suite? {
            let key = self.tokens_job(&category, &tokenizer, from.span)?;
            items.push(Item {
                name: category.name.clone(),
                key,
            });
        }
        // Measured in an order that no name decides.
        let mut keys: Vec<Key> = items.iter().map(|item| item.key).collect();
        keys.sort_unstable();
        keys.dedup();
        let mut inputs = vec![("model", base_key)];
        inputs.extend(keys.into_iter().map(|key| ("tokens", key)));
        let place = self.place(job.block.name.span);
        let task = Task::Eval(EvalTask::HeldOut { model });
        let key = self.jobs.add(job.label.clone(), place, task, &inputs);
        Some(Made {
            key,
            items,
            model: None,
        })
    }

    /// Returns the `pretrain` declaration that an expression names.
    fn source<'d, 'b>(
        &self,
        from: &Expr,
        before: &'d [Declaration<'b>],
    ) -> Option<&'d Declaration<'b>> {
        let name = match &from.kind {
            ExprKind::Name(name) => name.as_str(),
            _ => self.evaluator.sources.slice(from.span),
        };
        let trains = |job: &&Declaration<'_>| job.block.kind.text == "pretrain";
        let found = before
            .iter()
            .filter(trains)
            .find(|job| job.block.name.text == name);
        if found.is_none() {
            let known = before
                .iter()
                .filter(trains)
                .map(|job| job.block.name.text.as_str());
            let message = format!("this experiment has no `pretrain` job `{name}`");
            self.evaluator.report(
                Problem::error(Code("V0201"), from.span, message).help(advice(
                    name,
                    "its `pretrain` jobs",
                    known,
                )),
            );
        }
        found
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
        decay: None,
        floor: Fraction::new(1, 10)?,
    })
}
