//! Values to the declared things that a field or parameter needs.

use std::rc::Rc;

use vpc_grammar::{Code, Problem, Span};

use super::Evaluator;
use crate::schema::Type;
use crate::value::{
    Adaptation, Benchmark, Category, Dataset, Encoder, Label, Mixture, Scale, Schedule, Suite,
    Tokenizer, Value,
};

/// Takes one kind of value out of a value, or says what was expected.
macro_rules! taken {
    ($name:ident, $kind:ident, $words:expr) => {
        pub(crate) fn $name(&self, span: Span, value: &Value) -> Option<Rc<$kind>> {
            match value {
                Value::$kind(thing) => Some(Rc::clone(thing)),
                other => {
                    self.mismatch(span, $words, other);
                    None
                }
            }
        }
    };
}

impl Evaluator<'_> {
    pub(crate) fn mixture(&self, span: Span, value: Value) -> Option<Rc<Mixture>> {
        match value {
            Value::Mixture(mixture) => Some(mixture),
            Value::Category(category) => Some(Rc::new(Mixture::single(category))),
            Value::Blueprint(name) => {
                let message = format!("`{name}` has parameters");
                self.report(
                    Problem::error(Code("V0213"), span, message)
                        .help(format!("give them: `{name}(…)`")),
                );
                None
            }
            other => {
                self.mismatch(span, Type::Mixture.words(), &other);
                None
            }
        }
    }

    taken!(label_of, Label, Type::Label.words());
    taken!(category_of, Category, "a category");
    taken!(tokenizer, Tokenizer, Type::Tokenizer.words());
    taken!(dataset, Dataset, Type::Dataset.words());
    taken!(scale, Scale, Type::Scale.words());
    taken!(encoder, Encoder, Type::Encoder.words());
    taken!(adaptation, Adaptation, Type::Adaptation.words());
    taken!(benchmark, Benchmark, "a benchmark");

    pub(crate) fn schedule(&self, span: Span, value: Value) -> Option<Schedule> {
        match value {
            Value::Schedule(schedule) => Some(schedule),
            other => {
                self.mismatch(span, Type::Schedule.words(), &other);
                None
            }
        }
    }

    pub(crate) fn suite(&self, span: Span, value: Value) -> Option<Suite> {
        match value {
            Value::Suite(suite) => Some(suite),
            Value::Benchmark(benchmark) => Some(Suite::of(&benchmark)),
            other => {
                self.mismatch(span, Type::Suite.words(), &other);
                None
            }
        }
    }

    pub(crate) fn endpoint(&self, span: Span, value: &Value) -> Option<String> {
        match value {
            Value::Endpoint(model) => Some(model.clone()),
            other => {
                self.mismatch(span, Type::Endpoint.words(), other);
                None
            }
        }
    }

    /// A list of things of one kind, or one alone.
    pub(crate) fn several<T>(
        &self,
        span: Span,
        value: Value,
        one: impl Fn(Span, &Value) -> Option<T>,
    ) -> Option<Vec<T>> {
        let values = match value {
            Value::List(values) => values,
            single => vec![single],
        };
        let things: Vec<T> = values
            .iter()
            .map(|value| one(span, value))
            .collect::<Option<_>>()?;
        if things.is_empty() {
            self.report(Problem::error(Code("V0214"), span, "the list is empty"));
            return None;
        }
        Some(things)
    }

    /// A list of different benchmarks.
    pub(super) fn benchmarks(&self, span: Span, value: Value) -> Option<Vec<Rc<Benchmark>>> {
        let benchmarks = self.several(span, value, |span, value| self.benchmark(span, value))?;
        for (at, benchmark) in benchmarks.iter().enumerate() {
            let mut before = benchmarks.iter().take(at);
            if before.any(|other| other.name == benchmark.name) {
                let message = format!("the benchmark `{}` is listed twice", benchmark.name);
                self.report(Problem::error(Code("V0404"), span, message));
                return None;
            }
        }
        Some(benchmarks)
    }

    /// A list of different categories.
    pub(crate) fn categories(&self, span: Span, value: Value) -> Option<Vec<Rc<Category>>> {
        let values = match value {
            Value::List(values) => values,
            single => vec![single],
        };
        let mut categories: Vec<Rc<Category>> = Vec::new();
        for value in values {
            let Value::Category(category) = value else {
                self.mismatch(span, "a category", &value);
                return None;
            };
            if categories.iter().any(|known| known.name == category.name) {
                let message = format!("the category `{}` is listed twice", category.name);
                self.report(Problem::error(Code("V0404"), span, message));
                return None;
            }
            categories.push(category);
        }
        if categories.is_empty() {
            self.report(Problem::error(
                Code("V0214"),
                span,
                "the list of categories is empty",
            ));
            return None;
        }
        Some(categories)
    }
}
