//! Expressions to values.

use num_traits::{Signed, Zero};
use vpc_grammar::tree::{Binary, Each, Expr, ExprKind, Literal, Quantity, Range, Unary};
use vpc_grammar::{Code, Problem, Span};

use super::{Evaluator, Scope};
use crate::limits;
use crate::schema::UNITS;
use crate::value::{Exact, Number, NumberFlaw, Unit, Value};

impl Evaluator<'_> {
    /// Evaluates an expression; mistakes are reported and give [`Value::Unknown`].
    pub(crate) fn eval(&self, expr: &Expr, scope: &Scope<'_>) -> Value {
        let depth = self.depth.get();
        if depth == 0 {
            self.steps.set(0);
        }
        if self.spent.get() {
            return Value::Unknown;
        }
        if depth >= limits::EVALUATION {
            let most = limits::EVALUATION;
            let message = format!("this is defined through more than {most} others");
            return self.enough(expr.span, message);
        }
        self.depth.set(depth + 1);
        let value = self.eval_within(expr, scope);
        self.depth.set(depth);
        self.steps.set(self.steps.get() + value.size());
        if self.steps.get() > limits::STEPS && !self.spent.get() {
            let message = format!("to evaluate this takes more than {} steps", limits::STEPS);
            return self.enough(expr.span, message);
        }
        value
    }

    /// Says once for a study that something cannot be evaluated to its end; nothing more is.
    fn enough(&self, span: Span, message: String) -> Value {
        self.spent.set(true);
        self.fail(Problem::error(Code("V0204"), span, message))
    }

    fn eval_within(&self, expr: &Expr, scope: &Scope<'_>) -> Value {
        match &expr.kind {
            ExprKind::Quantity(quantity) => self.quantity(quantity, expr.span),
            ExprKind::Text(text) => Value::Text(text.clone()),
            ExprKind::Name(name) => self.lookup(name, expr.span, scope),
            ExprKind::Literal(literal) => self.literal(*literal, expr.span),
            ExprKind::List(values) => {
                Value::List(values.iter().map(|value| self.eval(value, scope)).collect())
            }
            ExprKind::Tuple(values) => {
                Value::Tuple(values.iter().map(|value| self.eval(value, scope)).collect())
            }
            ExprKind::Each(each) => self.each(each, scope),
            ExprKind::Call(callee, args) => self.call(expr.span, callee, args, scope),
            ExprKind::Member(of, name) => self.member(of, name, scope),
            ExprKind::With(of, changes) => self.with(of, changes, scope),
            ExprKind::Every(step) => match self.eval(step, scope) {
                Value::Number(step) => Value::Every(step),
                Value::Unknown => Value::Unknown,
                other => self.mismatch(step.span, "a number of tokens after `every`", &other),
            },
            ExprKind::Unary(op, value) => self.unary(*op, value, scope),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, expr.span, scope),
            ExprKind::Range(range) => self.range(range, expr.span, scope),
            ExprKind::Choose(choose) => match self.eval(&choose.condition, scope) {
                Value::Flag(true) => self.eval(&choose.yes, scope),
                Value::Flag(false) => self.eval(&choose.no, scope),
                other => self.mismatch(choose.condition.span, "a condition", &other),
            },
        }
    }

    /// Reports a problem and returns the value that mistakes leave behind.
    pub(crate) fn fail(&self, problem: Problem) -> Value {
        self.report(problem);
        Value::Unknown
    }

    /// Reports that something else was expected, unless the value is a known mistake.
    pub(crate) fn mismatch(&self, span: Span, expected: &str, found: &Value) -> Value {
        if !matches!(found, Value::Unknown) {
            let message = format!("expected {expected}, found {}", found.describe());
            self.report(Problem::error(Code("V0214"), span, message));
        }
        Value::Unknown
    }

    fn literal(&self, literal: Literal, span: Span) -> Value {
        match literal {
            Literal::True => Value::Flag(true),
            Literal::False => Value::Flag(false),
            Literal::None => Value::None,
            Literal::Rest => self.fail(
                Problem::error(
                    Code("V0306"),
                    span,
                    "`rest` stands only as a share of a mixture",
                )
                .help("write `name: rest` inside `mixture … { }`"),
            ),
        }
    }

    fn quantity(&self, quantity: &Quantity, span: Span) -> Value {
        let flaw = match Number::read(quantity) {
            Ok(number) => return Value::Number(number),
            Err(flaw) => flaw,
        };
        let (message, help) = match flaw {
            NumberFlaw::Suffix(suffix) => (
                format!("`{suffix}` is no magnitude"),
                "write `k`, `M`, `B` or `T` for a thousand up to a trillion, or `%` for a share"
                    .to_owned(),
            ),
            NumberFlaw::Unit(word) => (
                format!("`{word}` is no unit"),
                crate::nearest::advice(&word, "units", UNITS.iter().map(|unit| unit.0)),
            ),
            NumberFlaw::Mixed => (
                "a share has no unit".to_owned(),
                "leave the unit or the `%` out".to_owned(),
            ),
            NumberFlaw::TooLong => (
                "the number has too many digits".to_owned(),
                "use a magnitude".to_owned(),
            ),
        };
        self.fail(Problem::error(Code("V0301"), span, message).help(help))
    }

    fn unary(&self, op: Unary, value: &Expr, scope: &Scope<'_>) -> Value {
        match (op, self.eval(value, scope)) {
            (Unary::Neg, Value::Number(Number { value, unit })) => Value::Number(Number {
                value: -value,
                unit,
            }),
            (Unary::Not, Value::Flag(flag)) => Value::Flag(!flag),
            (Unary::Neg, other) => self.mismatch(value.span, "a number after `-`", &other),
            (Unary::Not, other) => self.mismatch(value.span, "a condition after `not`", &other),
        }
    }

    fn binary(
        &self,
        op: Binary,
        left: &Expr,
        right: &Expr,
        span: Span,
        scope: &Scope<'_>,
    ) -> Value {
        let (a, b) = (self.eval(left, scope), self.eval(right, scope));
        match (op, a, b) {
            (_, Value::Unknown, _) | (_, _, Value::Unknown) => Value::Unknown,
            (Binary::And, Value::Flag(a), Value::Flag(b)) => Value::Flag(a && b),
            (Binary::Or, Value::Flag(a), Value::Flag(b)) => Value::Flag(a || b),
            (Binary::Eq, a, b) if !both_numbers(&a, &b) => self.same(span, &a, &b),
            (Binary::Ne, a, b) if !both_numbers(&a, &b) => match self.same(span, &a, &b) {
                Value::Flag(same) => Value::Flag(!same),
                other => other,
            },
            (op, Value::Number(a), Value::Number(b)) => self.arithmetic(op, a, b, span),
            (_, Value::Number(_), b) => self.mismatch(right.span, "a number", &b),
            (_, a, _) => self.mismatch(left.span, "a number", &a),
        }
    }

    fn same(&self, span: Span, a: &Value, b: &Value) -> Value {
        match (a, b) {
            (Value::Text(a), Value::Text(b)) => Value::Flag(a == b),
            (Value::Flag(a), Value::Flag(b)) => Value::Flag(a == b),
            (Value::Scale(a), Value::Scale(b)) => Value::Flag(a == b),
            (Value::Category(a), Value::Category(b)) => Value::Flag(a.key == b.key),
            (Value::Mixture(a), Value::Mixture(b)) => Value::Flag(a == b),
            (Value::Tokenizer(a), Value::Tokenizer(b)) => Value::Flag(a.name == b.name),
            (Value::None, Value::None) => Value::Flag(true),
            (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
                let pairs = a.iter().zip(b);
                let mut equal = pairs.map(|(a, b)| match (a, b) {
                    (Value::Number(a), Value::Number(b)) => {
                        Value::Flag(a.unit == b.unit && a.value == b.value)
                    }
                    (a, b) => self.same(span, a, b),
                });
                let unlike = equal.find(|one| !matches!(one, Value::Flag(true)));
                unlike.unwrap_or(Value::Flag(a.len() == b.len()))
            }
            (Value::Dataset(a), Value::Dataset(b)) => Value::Flag(a == b),
            (Value::Encoder(a), Value::Encoder(b)) => Value::Flag(a == b),
            (Value::Adaptation(a), Value::Adaptation(b)) => Value::Flag(a.name == b.name),
            (Value::Benchmark(a), Value::Benchmark(b)) => Value::Flag(a == b),
            _ => self.mismatch(span, "two values of one kind to compare", a),
        }
    }

    fn arithmetic(&self, op: Binary, a: Number, b: Number, span: Span) -> Value {
        let compared = matches!(
            op,
            Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge
        );
        let unit = match op {
            Binary::Div if a.unit == b.unit && a.unit != Unit::Share => Some(Unit::Plain),
            Binary::Mul | Binary::Div => scaled(a.unit, b.unit),
            _ => common(a.unit, b.unit),
        };
        let Some(unit) = unit else {
            let verb = if compared {
                "compared with"
            } else {
                "combined with"
            };
            let (a, b) = (Value::Number(a).describe(), Value::Number(b).describe());
            let message = format!("{a} cannot be {verb} {b}");
            return self.fail(
                Problem::error(Code("V0303"), span, message)
                    .help("use the same unit on both sides"),
            );
        };
        let (x, y) = (a.value, b.value);
        let value = match op {
            Binary::Eq => return Value::Flag(x == y),
            Binary::Ne => return Value::Flag(x != y),
            Binary::Lt => return Value::Flag(x < y),
            Binary::Le => return Value::Flag(x <= y),
            Binary::Gt => return Value::Flag(x > y),
            Binary::Ge => return Value::Flag(x >= y),
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x * y,
            Binary::Div if y.is_zero() => {
                return self.fail(Problem::error(Code("V0308"), span, "division by zero"));
            }
            Binary::Div => x / y,
            Binary::And | Binary::Or => {
                return self.mismatch(
                    span,
                    "conditions",
                    &Value::Number(Number { value: x, unit }),
                );
            }
        };
        if value.numer().bits().max(value.denom().bits()) > limits::BITS {
            let message = "the number has too many digits to be kept exactly";
            return self.fail(Problem::error(Code("V0304"), span, message));
        }
        Value::Number(Number { value, unit })
    }

    /// Adds two numbers of one unit.
    pub(super) fn plus(&self, a: Number, b: Number, span: Span) -> Option<Number> {
        match self.arithmetic(Binary::Add, a, b, span) {
            Value::Number(sum) => Some(sum),
            _ => None,
        }
    }

    fn range(&self, range: &Range, span: Span, scope: &Scope<'_>) -> Value {
        let parts = (self.eval(&range.from, scope), self.eval(&range.to, scope));
        let (Value::Number(from), Value::Number(to)) = parts else {
            self.mismatch(range.from.span, "a number", &parts.0);
            return self.mismatch(range.to.span, "a number", &parts.1);
        };
        let by = match range.by.as_ref().map(|by| (by, self.eval(by, scope))) {
            None => Number {
                value: Exact::from_integer(1.into()),
                unit: Unit::Plain,
            },
            Some((_, Value::Number(by))) => by,
            Some((by, other)) => return self.mismatch(by.span, "a number", &other),
        };
        let unit = common(from.unit, to.unit);
        let unit = unit.and_then(|unit| {
            if range.by.is_some() {
                common(unit, by.unit)
            } else {
                Some(unit)
            }
        });
        let Some(unit) = unit else {
            let message = "the ends and the step of a range must have one unit";
            return self.fail(Problem::error(Code("V0303"), span, message));
        };
        if range.by.is_none() && unit == Unit::Share {
            return self.fail(
                Problem::error(Code("V0310"), span, "a range of shares needs a step")
                    .help("for example `0%..100% by 10%`"),
            );
        }
        self.steps(&from.value, &to.value, &by.value, unit, span)
    }

    fn steps(&self, from: &Exact, to: &Exact, by: &Exact, unit: Unit, span: Span) -> Value {
        let show = |value: &Exact| {
            Number {
                value: value.clone(),
                unit,
            }
            .show()
        };
        if !by.is_positive() || to < from {
            let message = format!(
                "the range {}..{} by {} goes nowhere",
                show(from),
                show(to),
                show(by)
            );
            return self.fail(
                Problem::error(Code("V0310"), span, message)
                    .help("begin with the smaller end, and step by more than zero"),
            );
        }
        let count = (to - from) / by;
        if !count.is_integer() {
            let last = from + by * count.floor();
            let message = format!(
                "steps of {} from {} do not reach {}",
                show(by),
                show(from),
                show(to)
            );
            return self.fail(Problem::error(Code("V0310"), span, message).help(format!(
                "both ends are included; end with {} or {}",
                show(&last),
                show(&(&last + by))
            )));
        }
        let count = Number {
            value: count,
            unit: Unit::Plain,
        }
        .whole()
        .and_then(|n| usize::try_from(n).ok());
        let Some(count) = count.filter(|&count| count < limits::AXIS_VALUES) else {
            let message = format!("the range has more than {} values", limits::AXIS_VALUES);
            return self.fail(Problem::error(Code("V0405"), span, message));
        };
        let value = |step: usize| {
            let value = from + by * Exact::from_integer(step.into());
            Value::Number(Number { value, unit })
        };
        Value::List((0..=count).map(value).collect())
    }

    fn each(&self, each: &Each, scope: &Scope<'_>) -> Value {
        let values = match self.eval(&each.list, scope) {
            Value::List(values) => values,
            other => return self.mismatch(each.list.span, "a list", &other),
        };
        let mut made = Vec::new();
        for value in values {
            let inner = scope.with(&each.name.text, value);
            match each
                .condition
                .as_ref()
                .map(|condition| self.eval(condition, &inner))
            {
                None | Some(Value::Flag(true)) => made.push(self.eval(&each.value, &inner)),
                Some(Value::Flag(false)) => {}
                Some(other) => return self.mismatch(each.list.span, "a condition", &other),
            }
        }
        Value::List(made)
    }
}

fn both_numbers(a: &Value, b: &Value) -> bool {
    matches!((a, b), (Value::Number(_), Value::Number(_)))
}

/// The unit of a sum or comparison, when there is one.
fn common(a: Unit, b: Unit) -> Option<Unit> {
    match (a, b) {
        (a, b) if a == b => Some(a),
        (Unit::Plain, other) | (other, Unit::Plain) => Some(other),
        (Unit::Count, other) | (other, Unit::Count) if other != Unit::Share => Some(other),
        _ => None,
    }
}

/// The unit of a product: one side must be a bare number or a share.
fn scaled(a: Unit, b: Unit) -> Option<Unit> {
    match (a, b) {
        (Unit::Share, Unit::Share) => Some(Unit::Share),
        (Unit::Plain | Unit::Share, other) | (other, Unit::Plain | Unit::Share) => Some(other),
        (Unit::Count, Unit::Count) => Some(Unit::Count),
        _ => None,
    }
}
