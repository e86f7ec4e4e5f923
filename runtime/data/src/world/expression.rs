//! Arithmetic expressions that can be written down and worked out.

use std::fmt;

use crate::world::dice::Dice;

/// An operation on two whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Subtract,
    Multiply,
    /// Rounded down; the divisor is a positive number.
    Divide,
    /// What [`Operation::Divide`] leaves.
    Remainder,
}

impl Operation {
    fn sign(self) -> &'static str {
        match self {
            Operation::Add => "+",
            Operation::Subtract => "-",
            Operation::Multiply => "*",
            Operation::Divide => "//",
            Operation::Remainder => "%",
        }
    }

    fn value(self, left: i64, right: i64) -> i64 {
        match self {
            Operation::Add => left + right,
            Operation::Subtract => left - right,
            Operation::Multiply => left * right,
            Operation::Divide => left.div_euclid(right.max(1)),
            Operation::Remainder => left.rem_euclid(right.max(1)),
        }
    }
}

/// An expression over numbers and named parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    Number(i64),
    /// A parameter: its name, and its place among the arguments.
    Parameter(&'static str, usize),
    Binary(Operation, Box<Expression>, Box<Expression>),
}

impl Expression {
    /// A sum of products of small numbers with `operations` operations.
    pub(crate) fn numbers(dice: &mut Dice, operations: usize) -> Self {
        Self::random(
            dice,
            operations,
            &[],
            &[Operation::Add, Operation::Subtract, Operation::Multiply],
        )
    }

    /// An expression over `names` with every operation.
    pub(crate) fn over(dice: &mut Dice, operations: usize, names: &[&'static str]) -> Self {
        let divisions = [
            Operation::Add,
            Operation::Add,
            Operation::Subtract,
            Operation::Multiply,
            Operation::Multiply,
            Operation::Divide,
            Operation::Remainder,
        ];
        Self::random(dice, operations, names, &divisions)
    }

    fn random(
        dice: &mut Dice,
        operations: usize,
        names: &[&'static str],
        allowed: &[Operation],
    ) -> Self {
        if operations == 0 {
            return Self::leaf(dice, names);
        }
        let operation = *dice.pick(allowed);
        let before = dice.below(operations);
        let left = Self::random(dice, before, names, allowed);
        let right = match operation {
            Operation::Divide | Operation::Remainder => Self::Number(dice.between(2, 9)),
            _ => Self::random(dice, operations - 1 - before, names, allowed),
        };
        Self::Binary(operation, Box::new(left), Box::new(right))
    }

    fn leaf(dice: &mut Dice, names: &[&'static str]) -> Self {
        if names.is_empty() || dice.chance(1, 3) {
            return Self::Number(dice.between(1, 20));
        }
        let place = dice.below(names.len());
        Self::Parameter(names[place], place)
    }

    /// The value, with `arguments` for the parameters; a parameter without one is 0.
    pub(crate) fn value(&self, arguments: &[i64]) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Parameter(_, place) => arguments.get(*place).copied().unwrap_or(0),
            Self::Binary(operation, left, right) => {
                operation.value(left.value(arguments), right.value(arguments))
            }
        }
    }
}

impl fmt::Display for Expression {
    /// Puts every inner operation in parentheses, so that no reader needs a table of precedence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Parameter(name, _) => f.write_str(name),
            Self::Binary(operation, left, right) => {
                inner(f, left)?;
                write!(f, " {} ", operation.sign())?;
                inner(f, right)
            }
        }
    }
}

fn inner(f: &mut fmt::Formatter<'_>, side: &Expression) -> fmt::Result {
    if matches!(side, Expression::Binary(..)) {
        write!(f, "({side})")
    } else {
        write!(f, "{side}")
    }
}
