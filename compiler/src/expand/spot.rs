//! One job at one point of the axes it depends on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use vpc_grammar::tree::{Block, Expr};

use super::axes::Axes;
use super::names::Names;
use crate::eval::{Evaluator, Fields, Given, Scope};
use crate::value::Value;

/// A job block with its fields, and what is already known of their values.
pub(super) struct Site<'s> {
    pub(super) block: &'s Block,
    pub(super) fields: Fields<'s>,
    /// Axis groups the job depends on, by number, in the order declared.
    pub(super) groups: Vec<usize>,
    /// Where it is declared: `path:line:column`.
    pub(super) place: Arc<str>,
    memo: RefCell<Memo>,
}

/// Values of expressions, by where they stand and by the points of just the axes they mention.
#[derive(Default)]
struct Memo {
    mentioned: BTreeMap<usize, Vec<usize>>,
    values: BTreeMap<(usize, Vec<usize>), Value>,
}

/// One job at one point.
#[derive(Clone, Copy)]
pub(super) struct Spot<'s> {
    pub(super) site: &'s Site<'s>,
    pub(super) evaluator: &'s Evaluator<'s>,
    pub(super) axes: &'s Axes,
    /// The scope of the experiment, without axes.
    pub(super) scope: &'s Scope<'s>,
    /// The number of the value in each of the job's groups.
    pub(super) point: &'s [usize],
    /// `experiment/job[axis=value,…]`.
    pub(super) label: &'s str,
}

impl<'s> Site<'s> {
    pub(super) fn new(
        block: &'s Block,
        fields: Fields<'s>,
        groups: Vec<usize>,
        place: Arc<str>,
    ) -> Self {
        Self {
            block,
            fields,
            groups,
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
        let mentioned = memo.mentioned.entry(place).or_insert_with(|| {
            let names = Names::of_expr(expr, self.scope.lets);
            self.axes.named(&names)
        });
        let rows = mentioned.iter().filter_map(|group| self.row(*group));
        let key = (place, rows.collect::<Vec<usize>>());
        if let Some(value) = memo.values.get(&key) {
            return value.clone();
        }
        drop(memo);
        let bound = self.axes.bind(self.scope, &self.site.groups, self.point);
        let value = self.evaluator.eval(expr, &bound);
        self.site
            .memo
            .borrow_mut()
            .values
            .insert(key, value.clone());
        value
    }

    /// The number of the value of an axis group at this point.
    pub(super) fn row(&self, group: usize) -> Option<usize> {
        let at = self.site.groups.iter().position(|own| *own == group)?;
        self.point.get(at).copied()
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
    pub(super) fn part(&self, part: &str) -> String {
        match self.label.split_once('[') {
            Some((job, point)) => format!("{job}.{part}[{point}"),
            None => format!("{}.{part}", self.label),
        }
    }
}
