//! What must be true of an expanded experiment.

use vpc_grammar::tree::{Binary, Expr, ExprKind};
use vpc_grammar::{Code, Problem};

use super::axes::Axes;
use super::{Declaration, Expander, Parts};
use crate::eval::Scope;
use crate::value::Value;

impl Expander<'_, '_> {
    pub(super) fn warn_unused(&self, axes: &Axes, declarations: &[Declaration<'_>]) {
        for (at, name) in axes.names() {
            if !declarations
                .iter()
                .any(|job| job.grid.groups().any(|group| group == at))
            {
                let message = format!(
                    "the axis `{}` changes nothing: no job depends on it",
                    name.text
                );
                let problem = Problem::warning(Code("V0402"), name.span, message)
                    .help("use it in a field of a job, or take it out");
                self.evaluator.report(problem);
            }
        }
    }

    pub(super) fn checks(&self, parts: &Parts<'_>, declarations: &[Declaration<'_>]) {
        let counts: Vec<(String, usize)> = declarations
            .iter()
            .map(|job| (job.block.name.text.clone(), job.count))
            .collect();
        let scope = Scope {
            lets: &parts.lets,
            counts: &counts,
            ..Scope::of_module(self.module)
        };
        for check in &parts.checks {
            match self.evaluator.eval(check, &scope) {
                Value::Flag(true) | Value::Unknown => {}
                Value::Flag(false) => {
                    let problem = Problem::error(Code("V0403"), check.span, "this check fails");
                    self.evaluator.report(match self.sides(check, &scope) {
                        Some(sides) => problem.label(sides),
                        None => problem,
                    });
                }
                other => {
                    self.evaluator
                        .mismatch(check.span, "a condition after `check`", &other);
                }
            }
        }
    }

    /// The values on both sides of a comparison.
    fn sides(&self, check: &Expr, scope: &Scope<'_>) -> Option<String> {
        let ExprKind::Binary(op, left, right) = &check.kind else {
            return None;
        };
        if matches!(op, Binary::And | Binary::Or) {
            return None;
        }
        let show = |expr: &Expr| match self.evaluator.eval(expr, scope) {
            Value::Number(number) => Some(number.show()),
            _ => None,
        };
        Some(format!(
            "left is {}, right is {}",
            show(left)?,
            show(right)?
        ))
    }
}
