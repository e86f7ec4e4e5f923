//! What a study compares: hypotheses, and the parts of reports.

use vpc_grammar::tree::Expr;
use vpc_grammar::{Code, Problem, Span};

use crate::eval::{Evaluator, Given};
use crate::nearest::advice;
use crate::plan::Cell;
use crate::schema::{TRAITS, Trait};

/// A hypothesis or a part of a report, as far as it compares runs.
pub(crate) struct View {
    /// What it is, such as `table`.
    pub(crate) kind: String,
    /// Its name, with the report's.
    pub(crate) name: String,
    /// The experiment it stands in.
    pub(crate) own: Option<String>,
    /// The experiments it is about.
    pub(crate) experiments: Vec<String>,
    /// What is measured.
    pub(crate) cells: Vec<Cell>,
    /// Axes whose values are compared.
    pub(crate) compared: Vec<Compared>,
    /// Further axes whose values stand apart, so that nothing is averaged over them.
    pub(crate) within: Vec<String>,
    /// Axes within whose values arms are paired.
    pub(crate) blocks: Vec<String>,
    /// Whether it claims something, and does not only show it.
    pub(crate) claims: bool,
    pub(crate) said: Said,
}

/// An axis whose values are compared.
pub(crate) struct Compared {
    pub(crate) axis: String,
    /// Where the axis is named.
    pub(crate) span: Span,
    /// The two values compared, where it is not all of them.
    pub(crate) pair: Option<(String, String)>,
    /// The value that others are held against.
    pub(crate) reference: Option<String>,
}

/// What a study says of differences.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Differences that are known and meant, with the place of each word.
    pub(crate) accept: Vec<(Trait, Span)>,
    /// What must not differ.
    pub(crate) controls: Vec<(Trait, Span)>,
}

impl Said {
    /// Reads `accept` and `controls`; `None` after a mistake.
    pub(crate) fn read(given: &Given<'_>) -> Option<Self> {
        let accept = traits(given, "accept");
        let controls = traits(given, "controls");
        Some(Self {
            accept: accept?,
            controls: controls?,
        })
    }
}

fn traits(given: &Given<'_>, field: &str) -> Option<Vec<(Trait, Span)>> {
    let exprs = given.fields.get(field).map(crate::expand::elements);
    let exprs = exprs.unwrap_or_default();
    let words = exprs.into_iter().map(|expr| word(given.evaluator, expr));
    // Every wrong one is told, not only the first.
    words.collect::<Vec<_>>().into_iter().collect()
}

fn word(evaluator: &Evaluator<'_>, expr: &Expr) -> Option<(Trait, Span)> {
    let shown = evaluator.sources.slice(expr.span);
    let found = Trait::of_word(shown);
    if found.is_none() {
        let message = format!("`{shown}` is nothing in which runs differ");
        let words = TRAITS.iter().map(|row| row.word);
        evaluator.report(
            Problem::error(Code("V0214"), expr.span, message).help(advice(shown, "traits", words)),
        );
    }
    Some((found?, expr.span))
}
