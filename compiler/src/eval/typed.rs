//! Values to what a field or parameter needs, with a message where they do not fit.

use num_traits::{Signed, Zero};
use vpc_grammar::tree::Expr;
use vpc_grammar::{Code, Problem, Span};

use super::{Evaluator, Scope};
use crate::limits;
use crate::plan::Fraction;
use crate::schema::Type;
use crate::value::{Exact, Number, Unit, Value};

impl Evaluator<'_> {
    /// Returns a number whose unit suits the type.
    fn number_of(&self, span: Span, value: Value, kind: Type, units: &[Unit]) -> Option<Number> {
        match value {
            Value::Number(number) if units.contains(&number.unit) => Some(number),
            Value::Number(number) => {
                let found = Value::Number(number.clone());
                let message = format!("expected {}, found {}", kind.words(), found.describe());
                let problem = Problem::error(Code("V0303"), span, message);
                self.report(match unit_advice(kind, &number) {
                    Some(advice) => problem.help(advice),
                    None => problem,
                });
                None
            }
            other => {
                self.mismatch(span, kind.words(), &other);
                None
            }
        }
    }

    /// A share of a mixture: any exact number; the sum is judged later.
    pub(crate) fn part_share(&self, span: Span, value: Value) -> Option<Exact> {
        let number = self.number_of(span, value, Type::Share, &[Unit::Share, Unit::Plain])?;
        let one = Exact::from_integer(1.into());
        if number.unit == Unit::Plain && number.value > one {
            self.not_a_share(span, &number);
            return None;
        }
        Some(number.value)
    }

    fn not_a_share(&self, span: Span, number: &Number) {
        let shown = number.show();
        let message = format!("`{shown}` is not a share: shares lie between 0% and 100%");
        let problem = Problem::error(Code("V0304"), span, message);
        let percent = number.unit == Unit::Plain && number.value.is_integer();
        self.report(if percent {
            problem
                .help("write it in per cent")
                .fix(span, format!("{shown}%"))
        } else {
            problem
        });
    }

    pub(crate) fn share(&self, span: Span, value: Value) -> Option<Fraction> {
        let number = self.number_of(span, value, Type::Share, &[Unit::Share, Unit::Plain])?;
        if number.value.is_negative() || number.value > Exact::from_integer(1.into()) {
            self.not_a_share(span, &number);
            return None;
        }
        self.fraction(span, &number)
    }

    fn fraction(&self, span: Span, number: &Number) -> Option<Fraction> {
        let fraction = number.fraction();
        if fraction.is_none() {
            let message = if number.value.is_negative() {
                format!("`{}` is negative", number.show())
            } else {
                "the number has too many digits to be kept exactly".to_owned()
            };
            self.report(Problem::error(Code("V0304"), span, message));
        }
        fraction
    }

    /// A whole number, at least `least`.
    fn whole(
        &self,
        span: Span,
        value: Value,
        kind: Type,
        units: &[Unit],
        least: u64,
    ) -> Option<u64> {
        let number = self.number_of(span, value, kind, units)?;
        let Some(whole) = number.whole() else {
            let shown = number.show();
            let message = if number.value.is_negative() {
                format!("`{shown}` is negative")
            } else if number.value.is_integer() {
                format!("`{shown}` is too large")
            } else {
                format!("`{shown}` is not a whole number")
            };
            self.report(
                Problem::error(Code("V0307"), span, message)
                    .help(format!("expected {}", kind.words())),
            );
            return None;
        };
        let most = if kind == Type::Tokens {
            limits::TOKENS
        } else {
            limits::SIZE
        };
        // Seeds may be 0, and as large as they like: nothing is multiplied with them.
        let bounded = kind == Type::Tokens || (least > 0 && kind != Type::Bytes);
        let flaw = match whole {
            _ if whole < least => format!("small: at least {least} is needed"),
            _ if bounded && whole > most => format!("large: at most {most} is possible"),
            _ => return Some(whole),
        };
        let message = format!("`{}` is too {flaw}", number.show());
        self.report(Problem::error(Code("V0304"), span, message));
        None
    }

    pub(crate) fn count(&self, span: Span, value: Value, least: u64) -> Option<u64> {
        self.whole(span, value, Type::Count, &[Unit::Plain, Unit::Count], least)
    }

    pub(crate) fn tokens(&self, span: Span, value: Value, least: u64) -> Option<u64> {
        let units = [Unit::Plain, Unit::Count, Unit::Tokens];
        self.whole(span, value, Type::Tokens, &units, least)
    }

    pub(crate) fn sequences(&self, span: Span, value: Value) -> Option<u64> {
        let units = [Unit::Plain, Unit::Count, Unit::Sequences];
        self.whole(span, value, Type::Sequences, &units, 1)
    }

    pub(crate) fn bytes(&self, span: Span, value: Value) -> Option<u64> {
        self.whole(span, value, Type::Bytes, &[Unit::Bytes], 1)
    }

    pub(crate) fn number(&self, span: Span, value: Value) -> Option<Fraction> {
        let number = self.number_of(span, value, Type::Number, &[Unit::Plain, Unit::Share])?;
        self.fraction(span, &number)
    }

    /// Hours on one device; more than none.
    pub(crate) fn device_hours(&self, span: Span, value: Value) -> Option<Fraction> {
        let hours = self.number_of(span, value, Type::DeviceTime, &[Unit::DeviceHours])?;
        if hours.value.is_zero() {
            let message = "with `0 GPUh` nothing can be done";
            self.report(Problem::error(Code("V0304"), span, message).help("leave the budget out"));
            return None;
        }
        self.fraction(span, &hours)
    }

    /// A length of a schedule: a share up to one, or whole steps or tokens.
    pub(crate) fn length(&self, span: Span, value: Value) -> Option<Number> {
        let units = [Unit::Share, Unit::Steps, Unit::Tokens, Unit::Plain];
        let number = self.number_of(span, value, Type::Length, &units)?;
        if number.unit == Unit::Plain && !number.value.is_zero() {
            let message = format!("`{}` needs a unit here", number.show());
            self.report(Problem::error(Code("V0303"), span, message).help(
                "write a share of the run (`2%`), steps (`100 steps`) or tokens (`1B tokens`)",
            ));
            return None;
        }
        if number.unit == Unit::Share && number.value > Exact::from_integer(1.into()) {
            self.not_a_share(span, &number);
            return None;
        }
        if number.value.is_negative() {
            self.report(Problem::error(
                Code("V0304"),
                span,
                "a length cannot be negative",
            ));
            return None;
        }
        Some(number)
    }

    pub(crate) fn flag(&self, span: Span, value: &Value) -> Option<bool> {
        match value {
            Value::Flag(flag) => Some(*flag),
            other => {
                self.mismatch(span, Type::Flag.words(), other);
                None
            }
        }
    }

    pub(crate) fn text_of(&self, span: Span, value: Value, kind: Type) -> Option<String> {
        match value {
            Value::Text(text) => Some(text),
            other => {
                self.mismatch(span, kind.words(), &other);
                None
            }
        }
    }

    pub(crate) fn texts(&self, span: Span, value: Value) -> Option<Vec<String>> {
        let texts = match value {
            Value::List(values) => {
                let text = |value| self.text_of(span, value, Type::Texts);
                values.into_iter().map(text).collect::<Option<Vec<_>>>()?
            }
            single => vec![self.text_of(span, single, Type::Texts)?],
        };
        if texts.is_empty() {
            self.report(Problem::error(
                Code("V0214"),
                span,
                "the list is empty: name a field",
            ));
            return None;
        }
        Some(texts)
    }

    /// Token counts at which checkpoints are kept; `every n` runs up to the budget.
    pub(crate) fn points(&self, span: Span, value: Value, budget: u64) -> Option<Vec<u64>> {
        match value {
            Value::None => Some(Vec::new()),
            Value::Every(step) => {
                let step = self.tokens(span, Value::Number(step), 1)?;
                Some((1..=budget / step).map(|n| n * step).take(10_000).collect())
            }
            Value::List(values) => {
                let points: Option<Vec<u64>> = values
                    .into_iter()
                    .map(|value| self.tokens(span, value, 1))
                    .collect();
                let points = points?;
                if let Some(late) = points.iter().find(|&&point| point > budget) {
                    let message =
                        format!("a checkpoint at {late} tokens lies beyond the budget of {budget}");
                    self.report(Problem::error(Code("V0304"), span, message));
                    return None;
                }
                Some(points)
            }
            other => {
                self.mismatch(span, Type::Points.words(), &other);
                None
            }
        }
    }

    /// Evaluates and converts in one go, for parameters of blocks.
    pub(crate) fn argument(&self, expr: &Expr, kind: Type, scope: &Scope<'_>) -> Option<Value> {
        let value = self.eval(expr, scope);
        let span = expr.span;
        if matches!(value, Value::Unknown) {
            return None;
        }
        let kept = value.clone();
        match kind {
            Type::Share => self.share(span, value).map(|_| kept),
            Type::Count => self.count(span, value, 0).map(|_| kept),
            Type::Tokens => self.tokens(span, value, 0).map(|_| kept),
            Type::Number => self.number(span, value).map(|_| kept),
            Type::Flag => self.flag(span, &value).map(|_| kept),
            Type::Label => self.label_of(span, &value).map(|_| kept),
            Type::Dataset => self.dataset(span, &value).map(|_| kept),
            Type::Encoder => self.encoder(span, &value).map(|_| kept),
            Type::Adaptation => self.adaptation(span, &value).map(|_| kept),
            Type::Mixture => self.mixture(span, value).map(Value::Mixture),
            Type::Scale => self.scale(span, &value).map(|_| kept),
            Type::Tokenizer => self.tokenizer(span, &value).map(|_| kept),
            Type::Schedule => self.schedule(span, value).map(|_| kept),
            _ => Some(kept),
        }
    }
}

/// What to write where the unit is wrong.
fn unit_advice(kind: Type, number: &Number) -> Option<String> {
    let bare = || {
        let digits = Number {
            value: number.value.clone(),
            unit: Unit::Plain,
        };
        digits.show()
    };
    match (kind, number.unit) {
        (Type::Share, _) => Some("shares are written `30%`, `1/3` or `0.3`".to_owned()),
        (Type::Bytes, Unit::Plain | Unit::Count) => Some(
            "sizes of text are written in `KiB`, `MiB` or `GiB`; `B` means a billion".to_owned(),
        ),
        (Type::Count | Type::Tokens, Unit::Share) => {
            Some("a share cannot stand for a number here".to_owned())
        }
        (Type::Count, _) => Some(format!("leave the unit out: `{}`", bare())),
        _ => None,
    }
}
