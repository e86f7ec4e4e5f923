//! One job at one point of the axes it depends on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use vpc_grammar::tree::{Block, Expr};

use super::axes::Axes;
use super::grid::Grid;
use super::names::Names;
use crate::eval::{Evaluator, Fields, Given, Scope};
use crate::value::Value;

/// A job block with its fields, and what is already known of their values.
pub(super) struct Site<'s> {
    pub(super) block: &'s Block,
    pub(super) fields: Fields<'s>,
    /// The axes the job depends on.
    pub(super) grid: Grid,
    /// Where it is declared: `path:line:column`.
    pub(super) place: Arc<str>,
    /// What is known of its expressions, by where they stand.
    memo: RefCell<BTreeMap<usize, Known>>,
}

/// The values of an expression at the points of just the axes it mentions.
struct Known {
    grid: Grid,
    values: BTreeMap<usize, Value>,
}

/// One job at one point.
#[derive(Clone, Copy)]
pub(super) struct Spot<'s> {
    pub(super) site: &'s Site<'s>,
    pub(super) evaluator: &'s Evaluator<'s>,
    pub(super) axes: &'s Axes,
    /// The scope of the experiment, without axes.
    pub(super) scope: &'s Scope<'s>,
    /// The point of the job's grid.
    pub(super) point: usize,
    /// `experiment/job[axis=value,…]`.
    pub(super) label: &'s Arc<str>,
}

impl<'s> Site<'s> {
    pub(super) fn new(block: &'s Block, fields: Fields<'s>, grid: Grid, place: Arc<str>) -> Self {
        Self {
            block,
            fields,
            grid,
            place,
            memo: RefCell::default(),
        }
    }
}

impl Spot<'_> {
    /// Evaluates an expression of the job at this point; what depends on fewer axes than the job is
    /// evaluated less often than the job is repeated.
    pub(super) fn eval(&self, expr: &Expr) -> Value {
        let place = std::ptr::from_ref(expr).addr();
        let mut memo = self.site.memo.borrow_mut();
        let known = memo.entry(place).or_insert_with(|| {
            let names = Names::of_expr(expr, self.scope.lets);
            Known {
                grid: self.site.grid.part(&self.axes.named(&names)),
                values: BTreeMap::new(),
            }
        });
        let at = known.grid.at(&self.site.grid, self.point);
        if let Some(value) = known.values.get(&at) {
            return value.clone();
        }
        drop(memo);
        let bound = self.axes.bind(self.scope, &self.site.grid, self.point);
        let value = self.evaluator.eval(expr, &bound);
        if let Some(known) = self.site.memo.borrow_mut().get_mut(&place) {
            known.values.insert(at, value.clone());
        }
        value
    }

    /// Whether an expression mentions an axis.
    pub(super) fn mentions_axis(&self, expr: &Expr) -> bool {
        let names = Names::of_expr(expr, self.scope.lets);
        !self.axes.named(&names).is_empty()
    }

    /// Reads the fields of the job at this point.
    pub(super) fn read<T>(&self, read: impl FnOnce(Given<'_>) -> T) -> T {
        read(Given {
            fields: &self.site.fields,
            kind: &self.site.block.kind.text,
            name: self.site.block.name.span,
            evaluator: self.evaluator,
            eval: &|expr| self.eval(expr),
        })
    }

    /// The label of a part of this job: `experiment/job.part[axis=value,…]`.
    pub(super) fn part(&self, part: &str) -> Arc<str> {
        let at = self.label.find('[').unwrap_or(self.label.len());
        let (job, point) = self.label.split_at(at);
        [job, ".", part, point].concat().into()
    }
}
