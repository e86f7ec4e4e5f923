//! Declared blocks to values.

use std::rc::Rc;

use vpc_grammar::tree::{Block, Body, Expr};
use vpc_grammar::{Code, Problem, Span};

use super::fields::misplaced;
use super::{Evaluator, Given, Reads, Scope};
use crate::modules::ModuleId;
use crate::plan::Fraction;
use crate::schema::{self, Place};
use crate::value::{Origin, Scale, Value};

impl Evaluator<'_> {
    /// Evaluates a block declared in column 0.
    pub(super) fn block(&self, block: &Block, module: ModuleId) -> Value {
        match schema::kind(&block.kind.text) {
            Some(kind) if kind.stands(Place::File) => {
                let mut scope = Scope::of_module(module);
                if block.params.is_empty() {
                    return self.filled(block, &scope);
                }
                // What does not depend on the parameters is checked, even where nothing calls it.
                let names = block.params.iter().map(|param| param.name.text.clone());
                scope.locals = names.map(|name| (name, Value::Unknown)).collect();
                self.filled(block, &scope);
                Value::Blueprint(block.name.text.clone())
            }
            found => self.fail(misplaced(block, found, Place::File)),
        }
    }

    /// Evaluates a block whose parameters, if any, are bound in the scope.
    pub(super) fn filled(&self, block: &Block, scope: &Scope<'_>) -> Value {
        let Some(body) = &block.body else {
            let value = block.value.as_ref();
            return value.map_or(Value::Unknown, |value| self.equal(block, value, scope));
        };
        let made = match block.kind.text.as_str() {
            "label" => self.label(block, body, scope),
            "category" => self.category(block, body, scope),
            "mixture" => self.mixture_block(block, body, scope),
            "tokenizer" => self.tokenizer_block(block, body, scope),
            "dataset" => self.dataset_block(block, body, scope),
            "scale" => self.scale_block(block, body, scope),
            "encoder" => self.encoder_block(block, body, scope),
            "adaptation" => self.adaptation_block(block, body, scope),
            "benchmark" => self.benchmark_block(block, body, scope),
            "suite" => self.suite_block(block, body, scope),
            _ => None,
        };
        made.unwrap_or(Value::Unknown)
    }

    /// Evaluates `kind name = value`: the value must be of the kind.
    fn equal(&self, block: &Block, value: &Expr, scope: &Scope<'_>) -> Value {
        let span = value.span;
        let found = self.eval(value, scope);
        let found = match block.kind.text.as_str() {
            "label" => self.label_of(span, &found).map(Value::Label),
            "category" => self.category_of(span, &found).map(Value::Category),
            "mixture" => self.mixture(span, found).map(Value::Mixture),
            "tokenizer" => self.tokenizer(span, &found).map(Value::Tokenizer),
            "dataset" => self.dataset(span, &found).map(Value::Dataset),
            "scale" => self.scale(span, &found).map(Value::Scale),
            "encoder" => self.encoder(span, &found).map(Value::Encoder),
            "adaptation" => self.adaptation(span, &found).map(Value::Adaptation),
            "benchmark" => self.benchmark(span, &found).map(Value::Benchmark),
            "suite" => self.suite(span, found).map(Value::Suite),
            // Experiments are not values.
            _ => return Value::Unknown,
        };
        found.map_or(Value::Unknown, |found| found.named(&block.name.text))
    }

    fn scale_block(&self, block: &Block, body: &Body, scope: &Scope<'_>) -> Option<Value> {
        let scale = self.reading(block, body, scope, |given| {
            let count = |span, value| self.count(span, value, 1);
            let width = given.need("width", count);
            let heads = given.need("heads", count);
            let (layers, context) = (given.need("layers", count), given.need("context", count));
            let (width, heads) = (width?, heads?);
            let kv_heads = given.or("kv_heads", heads, count)?;
            if let Some(problem) = indivisible((width, heads, kv_heads), &given) {
                self.report(problem);
                return None;
            }
            let hidden = (8 * width).div_ceil(3).next_multiple_of(8);
            Some(Scale {
                name: block.name.text.clone(),
                width,
                heads,
                kv_heads,
                hidden: given.or("hidden", hidden, count)?,
                batch: given.or("batch", 16, |span, value| self.sequences(span, value))?,
                rate: given.or("rate", Fraction::new(1, 1000)?, |span, value| {
                    self.number(span, value)
                })?,
                tied: given.or("tied", false, |span, value| self.flag(span, &value))?,
                rope_base: given.or("rope_base", 10_000, count)?,
                layers: layers?,
                context: context?,
                origin: origin(block, scope),
            })
        })?;
        Some(Value::Scale(Rc::new(scale)))
    }
}

/// Remembers what made a value, so that it can be amended.
pub(super) fn origin(block: &Block, scope: &Scope<'_>) -> Origin {
    Origin {
        block: Rc::new(block.clone()),
        module: scope.module,
        locals: scope.locals.clone(),
    }
}

fn indivisible((width, heads, kv_heads): (u64, u64, u64), given: &Given<'_>) -> Option<Problem> {
    let code = Code("V0311");
    let at = |name: &str| -> Span { given.at(name) };
    if !width.is_multiple_of(heads) {
        let message = format!("the width {width} is not divisible by {heads} heads");
        let near = width.div_ceil(heads) * heads;
        return Some(
            Problem::error(code, at("width"), message)
                .also(at("heads"), "heads")
                .help(format!("for example `width: {near}`")),
        );
    }
    if !(width / heads).is_multiple_of(2) {
        let message = format!(
            "each head is {} wide, but rotary positions need an even width",
            width / heads
        );
        return Some(Problem::error(code, at("heads"), message));
    }
    if !heads.is_multiple_of(kv_heads) {
        let message = format!("{heads} heads cannot share {kv_heads} key and value heads evenly");
        return Some(
            Problem::error(code, at("kv_heads"), message).help("`kv_heads` must divide `heads`"),
        );
    }
    None
}
