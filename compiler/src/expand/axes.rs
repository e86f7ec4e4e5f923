//! Axes: what is varied, and the points a job is repeated at.

use std::collections::BTreeSet;
use std::sync::Arc;

use vpc_grammar::tree::{Block, Body, Entry, Expr, ExprKind, Name, Vary};
use vpc_grammar::{Code, Problem};

use super::grid::Grid;
use super::names::Names;
use crate::eval::{Evaluator, Scope};
use crate::modules::twice;
use crate::plan::Axis;
use crate::value::Value;

/// The axes of an experiment. Axes declared together form one group.
pub(super) struct Axes(Vec<Group>);

struct Group {
    names: Vec<Name>,
    /// The same names, to be shared by all runs.
    axes: Vec<Arc<str>>,
    rows: Vec<Row>,
}

/// One value for each axis of a group, with its text.
struct Row(Vec<(Value, Arc<str>)>);

impl Axes {
    /// Reads the `vary` entries, and whether all of them could be used. An axis that could not has
    /// one value that nothing is known of, so that mistakes elsewhere are found too.
    pub(super) fn read(evaluator: &Evaluator<'_>, body: &Body, scope: &Scope<'_>) -> (Self, bool) {
        let mut axes = Self(Vec::new());
        let mut sound = true;
        for entry in &body.entries {
            let Entry::Vary(vary) = entry else { continue };
            if !axes.unique(evaluator, vary) {
                sound = false;
                continue;
            }
            let group = Group::read(evaluator, vary, scope);
            sound &= group.is_some();
            axes.0.push(group.unwrap_or_else(|| Group::unknown(vary)));
        }
        (axes, sound)
    }

    fn unique(&self, evaluator: &Evaluator<'_>, vary: &Vary) -> bool {
        for name in &vary.names {
            if let Some((_, first)) = self.names().find(|known| known.1.text == name.text) {
                evaluator.report(twice(name, first.span));
                return false;
            }
        }
        true
    }

    /// Returns all axes with the number of their group.
    pub(super) fn names(&self) -> impl Iterator<Item = (usize, &Name)> {
        self.0
            .iter()
            .enumerate()
            .flat_map(|(at, group)| group.names.iter().map(move |name| (at, name)))
    }

    /// Returns the groups with an axis among the names.
    pub(super) fn named(&self, names: &Names) -> Vec<usize> {
        let mut groups: Vec<usize> = self
            .names()
            .filter(|axis| names.has(&axis.1.text))
            .map(|axis| axis.0)
            .collect();
        groups.dedup();
        groups
    }

    /// Returns the points of all axes that every condition allows: inner `None` where there is no
    /// condition, outer `None` after a mistake.
    #[expect(
        clippy::option_option,
        reason = "outer: a mistake; inner: nothing is filtered"
    )]
    pub(super) fn allowed(
        &self,
        evaluator: &Evaluator<'_>,
        conditions: &[&Expr],
        scope: &Scope<'_>,
    ) -> Option<Option<Vec<usize>>> {
        if conditions.is_empty() {
            return Some(None);
        }
        let all = self.grid();
        let mut allowed = Vec::new();
        for point in 0..all.len() {
            let bound = self.bind(scope, &all, point);
            let mut kept = true;
            for condition in conditions {
                match evaluator.eval(condition, &bound) {
                    Value::Flag(flag) => kept &= flag,
                    other => {
                        evaluator.mismatch(condition.span, "a condition after `where`", &other);
                        return None;
                    }
                }
            }
            if kept {
                allowed.push(point);
            }
        }
        if allowed.is_empty() {
            let span = conditions.iter().map(|condition| condition.span).next()?;
            evaluator.report(
                Problem::error(Code("V0406"), span, "`where` leaves no point of the axes")
                    .help("loosen the condition"),
            );
            return None;
        }
        Some(Some(allowed))
    }

    /// Returns the product of all groups.
    pub(super) fn grid(&self) -> Grid {
        let groups = self.0.iter().map(|group| group.rows.len());
        Grid::new(groups.enumerate())
    }

    /// Binds the axes of a grid to their values at a point.
    pub(super) fn bind<'s>(&self, scope: &Scope<'s>, grid: &Grid, point: usize) -> Scope<'s> {
        let mut bound = scope.clone();
        for (group, row) in self.rows(grid, point) {
            for (name, (value, _)) in group.names.iter().zip(&row.0) {
                bound.locals.push((name.text.clone(), value.clone()));
            }
        }
        bound
    }

    /// Returns axis and text of the values at a point of a grid.
    pub(super) fn shown_at(&self, grid: &Grid, point: usize) -> Arc<[(Arc<str>, Arc<str>)]> {
        let shown = self.rows(grid, point).flat_map(|(group, row)| {
            let texts = row.0.iter().map(|value| Arc::clone(&value.1));
            group.axes.iter().map(Arc::clone).zip(texts)
        });
        shown.collect()
    }

    fn rows<'s>(
        &'s self,
        grid: &'s Grid,
        point: usize,
    ) -> impl Iterator<Item = (&'s Group, &'s Row)> {
        grid.rows(point).filter_map(|(group, row)| {
            let group = self.0.get(group)?;
            Some((group, group.rows.get(row)?))
        })
    }

    /// Returns the axes as a plan shows them.
    pub(super) fn shown(&self, jobs: &[&Block]) -> Vec<Axis> {
        let seeds = |axis: &str| {
            let seeded = jobs.iter().filter(|job| {
                let mut fields = job.body.iter().flat_map(Body::fields);
                fields.any(|field| {
                    matches!(field.path.as_slice(), [name] if name.text == "seed")
                        && matches!(&field.value.kind, ExprKind::Name(name) if name == axis)
                })
            });
            seeded.map(|job| job.name.text.clone()).collect()
        };
        let axis = |group: &Group, at: usize, name: &Name| {
            let values = group.rows.iter().filter_map(|row| row.0.get(at));
            let mut seen = BTreeSet::new();
            let texts = values.map(|value| value.1.clone());
            Axis {
                name: name.text.clone(),
                values: texts
                    .filter(|text| seen.insert(Arc::clone(text)))
                    .map(|text| text.to_string())
                    .collect(),
                seeds: seeds(&name.text),
            }
        };
        let axes = self.0.iter().flat_map(|group| {
            group
                .names
                .iter()
                .enumerate()
                .map(move |(at, name)| axis(group, at, name))
        });
        axes.collect()
    }
}

impl Group {
    /// Axes that nothing is known of.
    fn unknown(vary: &Vary) -> Self {
        let cells = vary.names.iter().map(|_| (Value::Unknown, Arc::from("?")));
        Self {
            names: vary.names.clone(),
            axes: shared(vary),
            rows: vec![Row(cells.collect())],
        }
    }

    fn read(evaluator: &Evaluator<'_>, vary: &Vary, scope: &Scope<'_>) -> Option<Self> {
        let values = match evaluator.eval(&vary.values, scope) {
            Value::List(values) => values,
            other => {
                evaluator.mismatch(vary.values.span, "a list or a range of values", &other);
                return None;
            }
        };
        if values.iter().any(|value| matches!(value, Value::Unknown)) {
            return None;
        }
        if values.is_empty() {
            let message = "the axis has no values, so nothing would run";
            evaluator.report(
                Problem::error(Code("V0401"), vary.values.span, message)
                    .help("give at least one value, or take the axis out"),
            );
            return None;
        }
        let texts = written(&vary.values, values.len());
        let mut rows: Vec<Row> = Vec::new();
        let mut seen: BTreeSet<Vec<String>> = BTreeSet::new();
        for (at, value) in values.into_iter().enumerate() {
            let expr = texts.as_ref().and_then(|texts| texts.get(at).copied());
            let row = Row::read(evaluator, vary, value, expr)?;
            if !seen.insert(row.texts().into_iter().map(str::to_owned).collect()) {
                let span = expr.map_or(vary.values.span, |expr| expr.span);
                let message = format!("`{}` is on this axis twice", row.texts().join(", "));
                evaluator.report(
                    Problem::error(Code("V0404"), span, message).help("take one of them out"),
                );
                return None;
            }
            rows.push(row);
        }
        Some(Self {
            names: vary.names.clone(),
            axes: shared(vary),
            rows,
        })
    }
}

fn shared(vary: &Vary) -> Vec<Arc<str>> {
    let names = vary.names.iter();
    names.map(|name| name.text.as_str().into()).collect()
}

impl Row {
    fn read(
        evaluator: &Evaluator<'_>,
        vary: &Vary,
        value: Value,
        expr: Option<&Expr>,
    ) -> Option<Self> {
        if vary.names.len() == 1 {
            let text = text(evaluator, &value, expr);
            return Some(Self(vec![(value, text.into())]));
        }
        let span = expr.map_or(vary.values.span, |expr| expr.span);
        let Value::Tuple(values) = value else {
            evaluator.mismatch(span, "values in parentheses, one for each axis", &value);
            return None;
        };
        if values.len() != vary.names.len() {
            let message = format!(
                "{} axes vary together, but here are {} values",
                vary.names.len(),
                values.len()
            );
            evaluator.report(Problem::error(Code("V0214"), span, message));
            return None;
        }
        let inner = expr.and_then(|expr| match &expr.kind {
            ExprKind::Tuple(exprs) => Some(exprs.as_slice()),
            _ => None,
        });
        let cell = |(at, value): (usize, Value)| {
            let text = text(evaluator, &value, inner.and_then(|exprs| exprs.get(at)));
            (value, Arc::from(text))
        };
        Some(Self(values.into_iter().enumerate().map(cell).collect()))
    }

    fn texts(&self) -> Vec<&str> {
        self.0.iter().map(|value| value.1.as_ref()).collect()
    }
}

/// The elements of a list as written, when it is written out.
fn written(list: &Expr, count: usize) -> Option<Vec<&Expr>> {
    match &list.kind {
        ExprKind::List(exprs) if exprs.len() == count => Some(exprs.iter().collect()),
        _ => None,
    }
}

/// A value's text: as written, or as a person would write it.
fn text(evaluator: &Evaluator<'_>, value: &Value, expr: Option<&Expr>) -> String {
    let simple = |text: &str| !text.is_empty() && !text.contains(['\n', ',', '[', ']', '=']);
    let source = expr
        .map(|expr| evaluator.sources.slice(expr.span))
        .filter(|text| simple(text));
    if let Some(text) = source {
        // The blanks of a text are its own: without them two texts could be one.
        return match value {
            Value::Text(_) => text.to_owned(),
            _ => text.replace(' ', ""),
        };
    }
    let words = expr.map_or(String::new(), |expr| {
        joined(evaluator.sources.slice(expr.span))
    });
    match value {
        Value::Number(number) => number.show(),
        Value::Text(text) => text.clone(),
        Value::Flag(flag) => flag.to_string(),
        _ if !words.is_empty() => words.replace(['[', ']', '='], ""),
        other => other.name().map_or_else(|| other.describe(), str::to_owned),
    }
}

/// A text without blanks; between two words stands `_`.
fn joined(text: &str) -> String {
    let mut joined = String::new();
    for word in text.split_whitespace() {
        let between =
            joined.ends_with(char::is_alphabetic) && word.starts_with(char::is_alphabetic);
        if between {
            joined.push('_');
        }
        joined.push_str(word);
    }
    joined
}
