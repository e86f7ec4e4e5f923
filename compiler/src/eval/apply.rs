//! What the built-in functions give: sources, schedules, tests, numbers.

use num_traits::{Signed, Zero};
use vpc_grammar::tree::{Expr, ExprKind};
use vpc_grammar::{Code, Problem, Span};

use super::{Call, Evaluator, Reads, Scope};
use crate::library::FileFacts;
use crate::modules::{ModuleId, file_problem, join};
use crate::nearest::advice;
use crate::plan::{Activation, Fraction, Operation, Projector, ScheduleShape, SourceSpec, Test};
use crate::schema::Type;
use crate::value::{Exact, Number, Schedule, Suite, Supply, Unit, Value};

/// The most steps of a warm-up that was left to us, where the schedule can share a trunk.
const WARMUP_STEPS: u64 = 100;

impl Evaluator<'_> {
    /// Applies a built-in function.
    pub(super) fn apply(&self, call: &Call<'_>, scope: &Scope<'_>) -> Option<Value> {
        match call.function.name {
            "text" | "jsonl" => self.file_source(call, scope.module),
            "world" => self.world(call),
            "items" | "folder" | "scenes" => self.items_made(call, scope.module),
            "published" => self.published(call),
            "initial" | "contrastive" | "masked" => self.weights_made(call),
            "planned" => call
                .need("what", |span, what| self.text_of(span, what, Type::Text))
                .map(Value::Planned),
            "constant" | "cosine" | "linear" | "wsd" => self.schedule_made(call),
            "mlp" => self.mlp(call),
            "held_out" => {
                let categories =
                    call.need("categories", |span, value| self.categories(span, value));
                Some(Value::Suite(Suite::HeldOut(categories?)))
            }
            "endpoint" => call
                .need("model", |span, model| self.text_of(span, model, Type::Text))
                .map(Value::Endpoint),
            "count" => self.count_of(call, scope),
            "round" | "sum" | "len" => self.counting(call),
            "page_trend" | "permutation" | "wilcoxon" | "paired_t" | "bootstrap" => self.test(call),
            "ci" => Some(self.fail(Problem::error(
                Code("V0214"),
                call.span,
                "`ci(…)` stands only as a plot's `band`",
            ))),
            _ => self.mixed(call),
        }
    }

    fn file_source(&self, call: &Call<'_>, module: ModuleId) -> Option<Value> {
        let (span, path) = call.value("path")?;
        let text = self.text_of(span, path, Type::Path)?;
        let (path, facts) = self.data_file(&text, span, module)?;
        let digest = facts.digest;
        let supply = Some(Supply::Bytes(Exact::from_integer(facts.bytes.into())));
        if call.function.name == "text" {
            return Some(Value::Source(
                SourceSpec::Text {
                    path: Operation::new(path),
                    digest,
                },
                supply,
            ));
        }
        let text = |span, value| self.text_of(span, value, Type::Text);
        let source = SourceSpec::Jsonl {
            path: Operation::new(path),
            digest,
            fields: call.or("field", vec!["text".to_owned()], |span, value| {
                self.texts(span, value)
            })?,
            join: call.or("join", "\n".to_owned(), text)?,
            labels: call.or("labels", None, |span, value| text(span, value).map(Some))?,
        };
        Some(Value::Source(source, supply))
    }

    /// Resolves a data file relative to the file that names it, and asks for its facts.
    pub(super) fn data_file(
        &self,
        text: &str,
        span: Span,
        module: ModuleId,
    ) -> Option<(String, FileFacts)> {
        let path = join(&self.module(module)?.folder, text);
        self.facts(path, span)
    }

    /// Asks for the facts of a data file.
    pub(super) fn facts(&self, path: String, span: Span) -> Option<(String, FileFacts)> {
        match self.library.facts(&path) {
            Ok(facts) if facts.bytes == 0 => {
                let message = format!("`{path}` is empty");
                self.report(
                    Problem::error(Code("V0602"), span, message)
                        .help("give a file with text in it"),
                );
                None
            }
            Ok(facts) => Some((path, facts)),
            Err(fault) => {
                self.report(file_problem(&path, span, &fault));
                None
            }
        }
    }

    fn world(&self, call: &Call<'_>) -> Option<Value> {
        let style = call.word("style")?.to_owned();
        let seed = call.or("seed", 0, |span, value| self.count(span, value, 0))?;
        let bytes = call.or("size", 4 << 20, |span, value| self.bytes(span, value))?;
        let supply = Some(Supply::Bytes(Exact::from_integer(bytes.into())));
        Some(Value::Source(
            SourceSpec::World { style, seed, bytes },
            supply,
        ))
    }

    /// The schedule that a call makes.
    fn schedule_made(&self, call: &Call<'_>) -> Option<Value> {
        let share = |whole: u32, per: u32| Number {
            value: Exact::new(whole.into(), per.into()),
            unit: Unit::Share,
        };
        let (shape, floor) = match call.function.name {
            "constant" => (ScheduleShape::Constant, Fraction::new(1, 1)),
            "cosine" => (ScheduleShape::Cosine, Fraction::new(1, 10)),
            "linear" => (ScheduleShape::Linear, Fraction::new(0, 1)),
            _ => (ScheduleShape::Wsd, Fraction::new(0, 1)),
        };
        let length = |span, value| self.length(span, value);
        let decay = match shape {
            ScheduleShape::Wsd => Some(call.or("decay", share(1, 10), length)?),
            _ => None,
        };
        // So that budgets share a trunk, whose warm-up cannot depend on them.
        let is_shared = matches!(shape, ScheduleShape::Wsd | ScheduleShape::Constant);
        let is_ours = call.value("warmup").is_none();
        Some(Value::Schedule(Schedule {
            shape,
            warmup: call.or("warmup", share(1, 50), length)?,
            warmup_most: (is_shared && is_ours).then_some(WARMUP_STEPS),
            decay,
            floor: call.or("floor", floor?, |span, value| self.share(span, value))?,
        }))
    }

    fn mlp(&self, call: &Call<'_>) -> Option<Value> {
        let count = |span, value| self.count(span, value, 1);
        Some(Value::Projector(Projector {
            layers: call.or("layers", 2, count)?,
            width: call.or("width", None, |span, value| count(span, value).map(Some))?,
            activation: match call.word("activation")? {
                "relu" => Activation::Relu,
                "silu" => Activation::Silu,
                _ => Activation::Gelu,
            },
        }))
    }

    fn test(&self, call: &Call<'_>) -> Option<Value> {
        let resamples = call.function.parameters.iter().any(|p| p.name == "rounds");
        let rounds = call.or("rounds", 10_000, |span, value| self.count(span, value, 1))?;
        Some(Value::Test(Test {
            name: call.function.name.to_owned(),
            alpha: call.or("alpha", Fraction::new(1, 20)?, |span, value| {
                self.share(span, value)
            })?,
            correct: call.word("correct")?.to_owned(),
            rounds: resamples.then_some(rounds),
        }))
    }

    /// `round`, `sum` and `len`.
    fn counting(&self, call: &Call<'_>) -> Option<Value> {
        match call.function.name {
            "round" => {
                let number = call.need("number", |span, value| self.quantity_of(span, value))?;
                let to = call.need("to", |span, value| self.quantity_of(span, value))?;
                if !to.value.is_positive() {
                    let at = call.expr("to").map_or(call.span, |expr| expr.span);
                    let message = "what is rounded to must be above zero";
                    return Some(self.fail(Problem::error(Code("V0308"), at, message)));
                }
                let half = Exact::new(1.into(), 2.into());
                let times = (&number.value / &to.value + half).floor();
                Some(Value::Number(Number {
                    value: times * to.value,
                    unit: number.unit,
                }))
            }
            "sum" => {
                let expr = call.expr("numbers")?;
                let values = call.need("numbers", |span, value| self.list(span, value))?;
                let mut sum: Option<Number> = None;
                for value in values {
                    let number = self.quantity_of(expr.span, value)?;
                    sum = Some(match sum {
                        None => number,
                        Some(sum) => self.plus(sum, number, expr.span)?,
                    });
                }
                let nothing = Number {
                    value: Exact::zero(),
                    unit: Unit::Plain,
                };
                Some(Value::Number(sum.unwrap_or(nothing)))
            }
            _ => {
                let values = call.need("list", |span, value| self.list(span, value))?;
                Some(Value::Number(Number::plain(values.len())))
            }
        }
    }

    fn quantity_of(&self, span: Span, value: Value) -> Option<Number> {
        match value {
            Value::Number(number) => Some(number),
            other => {
                self.mismatch(span, Type::Quantity.words(), &other);
                None
            }
        }
    }

    fn list(&self, span: Span, value: Value) -> Option<Vec<Value>> {
        match value {
            Value::List(values) => Some(values),
            other => {
                self.mismatch(span, Type::List.words(), &other);
                None
            }
        }
    }

    fn count_of(&self, call: &Call<'_>, scope: &Scope<'_>) -> Option<Value> {
        let expr: &Expr = call.expr("job")?;
        let name = match &expr.kind {
            ExprKind::Name(name) => name.as_str(),
            _ => self.sources.slice(expr.span),
        };
        if let Some((_, count)) = scope.counts.iter().find(|known| known.0 == name) {
            return Some(Value::Number(Number::plain(*count)));
        }
        let known = scope.counts.iter().map(|known| known.0.as_str());
        let message = format!("this experiment has no job `{name}`");
        self.report(
            Problem::error(Code("V0201"), expr.span, message).help(advice(name, "its jobs", known)),
        );
        None
    }
}
