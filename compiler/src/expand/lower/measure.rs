//! `eval` and `align_score` blocks.

use std::rc::Rc;
use std::sync::Arc;

use smallvec::smallvec;
use vpc_grammar::tree::{Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::source::Base;
use super::{Declaration, Expander, Made, Spot};
use crate::eval::{Given, Reads};
use crate::plan::{AlignTask, EvalTask, Fraction, Item, Key, Layers, Metric, Pooling, Task};
use crate::value::{Category, Suite, Value};

/// Who answers.
pub(super) enum Answerer<'b> {
    Base(Base<'b>),
    Endpoint(String),
}

/// How questions are put.
pub(super) struct Manner {
    pub(super) explain: bool,
    pub(super) images: bool,
    pub(super) judge: Option<String>,
    /// Where the suite is named.
    pub(super) span: Span,
}

impl Expander<'_, '_> {
    pub(super) fn eval(&mut self, spot: &Spot<'_>, before: &[Declaration<'_>]) -> Option<Made> {
        let e = self.evaluator;
        spot.read(|given| {
            let suite = given.need("suite", |span, value| e.suite(span, value));
            let flag = |span, value| e.flag(span, &value);
            let explain = given.or("explain", false, flag);
            let images = given.or("images", true, flag);
            let judge = given.or("judge", None, |span, value| match value {
                Value::None => Some(None),
                other => e.endpoint(span, &other).map(Some),
            });
            let from = given.fields.get("from");
            let answerer = from.and_then(|from| self.answerer(from, spot, before));
            let manner = Manner {
                explain: explain?,
                images: images?,
                judge: judge?,
                span: given.at("suite"),
            };
            self.sensible(&manner, &given)?;
            match (suite?, answerer?) {
                (Suite::HeldOut(categories), Answerer::Base(base)) => {
                    self.no_questions(&manner, &given)?;
                    self.held_out(spot, &base, &categories, given.at("suite"))
                }
                (Suite::HeldOut(_), Answerer::Endpoint(_)) => self.unfit(
                    given.at("from"),
                    "an endpoint gives no likelihoods of held-out text",
                    "measure it with benchmarks",
                ),
                (Suite::Benchmarks(groups), answerer) => {
                    self.benchmarks(spot, &answerer, &groups, &manner)
                }
            }
        })
    }

    fn answerer<'b>(
        &mut self,
        from: &Expr,
        spot: &Spot<'_>,
        before: &[Declaration<'b>],
    ) -> Option<Answerer<'b>> {
        let is_job = |name: &str| before.iter().any(|job| job.block.name.text == name);
        match &from.kind {
            ExprKind::Call(callee, _) if matches!(callee.kind, ExprKind::Name(_)) => {}
            ExprKind::Name(name) if !is_job(name) && spot.mentions_axis(from) => {}
            _ => return self.base(from, spot, before).map(Answerer::Base),
        }
        let value = spot.eval(from);
        let model = self.evaluator.endpoint(from.span, &value)?;
        Some(Answerer::Endpoint(model))
    }

    pub(super) fn unfit<T>(&self, span: Span, message: &str, help: &str) -> Option<T> {
        self.evaluator
            .report(Problem::error(Code("V0407"), span, message).help(help));
        None
    }

    fn sensible(&self, manner: &Manner, given: &Given<'_>) -> Option<()> {
        if manner.judge.is_some() && !manner.explain {
            return self.unfit(
                given.at("judge"),
                "there is nothing to judge: no explanations are asked for",
                "add `explain: true`",
            );
        }
        Some(())
    }

    fn no_questions(&self, manner: &Manner, given: &Given<'_>) -> Option<()> {
        let given_anyway = [("explain", manner.explain), ("images", !manner.images)];
        match given_anyway.iter().find(|field| field.1) {
            Some((name, _)) => self.unfit(
                given.at(name),
                "held-out text has no questions",
                &format!("leave `{name}` out"),
            ),
            None => Some(()),
        }
    }

    fn held_out(
        &mut self,
        spot: &Spot<'_>,
        base: &Base<'_>,
        categories: &[Rc<Category>],
        span: Span,
    ) -> Option<Made> {
        let mut items: Vec<Item> = Vec::new();
        for category in categories {
            items.push(Item {
                name: self.shared.word(&category.name),
                metric: Metric::BitsPerByte,
                judged: false,
                keys: smallvec![self.tokens_job(category, &base.model.tokenizer, span)?],
            });
        }
        // Measured in an order that no name decides.
        let mut keys: Vec<Key> = items
            .iter()
            .flat_map(|item| item.keys.iter().copied())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let mut inputs = vec![("model", base.key)];
        inputs.extend(keys.into_iter().map(|key| ("tokens", key)));
        let task = Task::Eval(EvalTask::HeldOut {
            model: Arc::clone(&base.model.spec),
        });
        let key = self.add(spot, Arc::clone(spot.label), task, &inputs);
        Some(Made::measure(key, items))
    }

    pub(super) fn align_score(
        &mut self,
        spot: &Spot<'_>,
        before: &[Declaration<'_>],
    ) -> Option<Made> {
        let e = self.evaluator;
        spot.read(|given| {
            let data = given.need("data", |span, value| e.dataset(span, &value));
            let encoders = given.need("encoders", |span, value| {
                e.several(span, value, |span, value| e.encoder(span, value))
            });
            let neighbours = given.or("neighbours", 10, |span, value| e.count(span, value, 1));
            let pooling = match given.word("pooling", "mean")? {
                "last" => Pooling::Last,
                _ => Pooling::Mean,
            };
            let layers = match given.word("layers", "best")? {
                "last" => Layers::Last,
                _ => Layers::Best,
            };
            let clamp = given.or("clamp", Fraction::new(19, 20)?, |span, value| {
                e.share(span, value)
            });
            let base = given
                .fields
                .get("from")
                .and_then(|from| self.base(from, spot, before));
            let (data, encoders, neighbours, base) = (data?, encoders?, neighbours?, base?);
            if neighbours >= data.items {
                let message = format!(
                    "{neighbours} neighbours cannot be found among {} pairs",
                    data.items
                );
                e.report(Problem::error(
                    Code("V0304"),
                    given.at("neighbours"),
                    message,
                ));
                return None;
            }
            let mut seen: Vec<Key> = encoders.iter().map(|one| self.encoder(one)).collect();
            seen.sort_unstable();
            seen.dedup();
            let words = self.tokenizer(&base.model.tokenizer, given.at("from"))?;
            let mut inputs = vec![
                ("model", base.key),
                ("tokenizer", words),
                ("items", self.dataset(&data)),
            ];
            inputs.extend(self.pictures(&data));
            inputs.extend(seen.into_iter().map(|key| ("encoder", key)));
            let task = Task::AlignScore(AlignTask {
                neighbours,
                pooling,
                layers,
                clamp: clamp?,
            });
            let key = self.add(spot, Arc::clone(spot.label), task, &inputs);
            let item = Item {
                name: self.shared.word("score"),
                metric: Metric::Score,
                judged: false,
                keys: smallvec![key],
            };
            Some(Made::measure(key, vec![item]))
        })
    }
}
