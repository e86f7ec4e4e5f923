//! Experiments to jobs.

mod amend;
mod axes;
mod lower;
mod names;
mod report;

use std::collections::BTreeMap;

use vpc_grammar::tree::{Binary, Block, Body, Entry, Expr, ExprKind, Let};
use vpc_grammar::{Code, Problem, Severity, Span};

use crate::eval::{Evaluator, Scope};
use crate::limits;
use crate::modules::{Declared, ModuleId, twice};
use crate::plan::{self, Experiment, Jobs, Run};
use crate::schema::{self, Place};
use crate::value::Value;

use axes::Axes;
use lower::Made;
use names::Names;

/// Expands experiments one after the other into one list of jobs.
pub(crate) struct Expander<'e, 'a> {
    evaluator: &'e Evaluator<'a>,
    module: ModuleId,
    jobs: Jobs,
}

/// A job block and what it depends on.
struct Declaration<'b> {
    block: &'b Block,
    /// Axis groups, by number, in the order declared.
    groups: Vec<usize>,
    /// What was made at each point of those groups.
    made: BTreeMap<Vec<usize>, Made>,
}

/// One job at one point of the axes it depends on.
struct Spot<'s> {
    block: &'s Block,
    /// `experiment/job[axis=value,…]`.
    label: String,
    /// The scope, with the axes bound.
    scope: Scope<'s>,
    /// Axis and value, as written.
    named: Vec<(String, String)>,
    /// Axis groups, by number.
    groups: &'s [usize],
    /// The number of the value in each of those groups.
    point: &'s [usize],
}

/// An experiment sorted by kind of entry.
struct Parts<'b> {
    lets: Vec<Let>,
    blocks: Vec<&'b Block>,
    reports: Vec<&'b Block>,
    conditions: Vec<&'b Expr>,
    checks: Vec<&'b Expr>,
}

impl<'e, 'a> Expander<'e, 'a> {
    pub(crate) fn new(evaluator: &'e Evaluator<'a>, module: ModuleId) -> Self {
        Self {
            evaluator,
            module,
            jobs: Jobs::default(),
        }
    }

    pub(crate) fn into_jobs(self) -> Vec<plan::Job> {
        self.jobs.into_list()
    }

    /// Expands one experiment of the main file.
    pub(crate) fn experiment(&mut self, name: &str) -> Option<Experiment> {
        let Some(Declared::Block(block)) = self.evaluator.module(self.module)?.declared.get(name)
        else {
            return None;
        };
        let body = self.body(block)?;
        let parts = self.parts(&body);
        let scope = Scope {
            lets: &parts.lets,
            ..Scope::of_module(self.module)
        };
        let axes = Axes::read(self.evaluator, &body, &scope)?;
        let order = self.order(&parts, &axes)?;
        self.bounded(&parts, &axes, &order)?;
        let allowed = axes.allowed(self.evaluator, &parts.conditions, &scope)?;
        let mut declarations: Vec<Declaration<'_>> = Vec::new();
        let mut runs = Vec::new();
        for (block, groups) in order {
            let points = axes.points(&groups, allowed.as_deref());
            let mut made = BTreeMap::new();
            for point in points {
                let named = axes.point(&groups, &point);
                let spot = Spot {
                    block,
                    label: label(name, &block.name.text, &named),
                    scope: axes.bind(&scope, &groups, &point),
                    named,
                    groups: &groups,
                    point: &point,
                };
                let Some((one, run)) = self.run(&spot, &declarations) else {
                    continue;
                };
                made.insert(point, one);
                runs.push(run);
            }
            declarations.push(Declaration {
                block,
                groups,
                made,
            });
        }
        if body.whole {
            self.warn_unused(&axes, &declarations);
        }
        self.checks(&parts, &axes, &declarations, allowed.as_deref());
        let reports = self.reports(&parts, &axes, &declarations);
        let doc = block
            .doc
            .as_ref()
            .map_or(String::new(), |doc| doc.value.clone());
        Some(Experiment {
            name: name.to_owned(),
            doc,
            axes: axes.shown(),
            runs,
            reports,
        })
    }

    /// Returns the entries of an experiment, amended where it is `other with { … }`.
    fn body(&self, block: &Block) -> Option<Body> {
        if let Some(first) = block.params.first() {
            let message = "an `experiment` takes no parameters";
            self.evaluator.report(
                Problem::error(Code("V0208"), first.name.span, message)
                    .help("use `vary`, or `experiment name = other with { … }`"),
            );
            return None;
        }
        match (&block.body, &block.value) {
            (Some(body), _) => Some(body.clone()),
            (None, Some(value)) => amend::amended(self.evaluator, self.module, value, 0),
            (None, None) => None,
        }
    }

    /// Sorts the entries by kind and reports those that do not belong.
    fn parts<'b>(&self, body: &'b Body) -> Parts<'b> {
        let mut parts = Parts {
            lets: Vec::new(),
            blocks: Vec::new(),
            reports: Vec::new(),
            conditions: Vec::new(),
            checks: Vec::new(),
        };
        for entry in &body.entries {
            match entry {
                Entry::Let(item) => parts.lets.push(item.clone()),
                Entry::Where(expr) => parts.conditions.push(expr),
                Entry::Check(expr) => parts.checks.push(expr),
                Entry::Vary(_) => {}
                Entry::Field(field) => {
                    let message = "an `experiment` has no fields of its own";
                    self.evaluator.report(
                        Problem::error(Code("V0210"), field.span, message)
                            .help("put the field into a job such as `pretrain base { … }`"),
                    );
                }
                Entry::Block(block) => match schema::kind(&block.kind.text) {
                    Some(kind) if kind.name == "report" => parts.reports.push(block),
                    Some(kind) if kind.place == Place::Experiment => self.job(block, &mut parts),
                    found => self.evaluator.report(crate::eval::misplaced(
                        block,
                        found,
                        Place::Experiment,
                    )),
                },
            }
        }
        parts
    }

    fn job<'b>(&self, block: &'b Block, parts: &mut Parts<'b>) {
        match parts
            .blocks
            .iter()
            .find(|known| known.name.text == block.name.text)
        {
            Some(first) => self.evaluator.report(twice(&block.name, first.name.span)),
            None => parts.blocks.push(block),
        }
    }

    /// Orders the jobs so that inputs come first, with the axis groups each depends on.
    fn order<'b>(&self, parts: &Parts<'b>, axes: &Axes) -> Option<Vec<(&'b Block, Vec<usize>)>> {
        let names: Vec<Names> = parts
            .blocks
            .iter()
            .map(|block| Names::of_block(block, &parts.lets))
            .collect();
        let mut done: Vec<(&Block, Vec<usize>)> = Vec::new();
        let mut left: Vec<usize> = (0..parts.blocks.len()).collect();
        while !left.is_empty() {
            let before = left.len();
            left.retain(|&at| {
                let (Some(&block), Some(names)) = (parts.blocks.get(at), names.get(at)) else {
                    return false;
                };
                let needs = |other: &&Block| names.has(&other.name.text);
                let waits = parts
                    .blocks
                    .iter()
                    .filter(|other| needs(other))
                    .any(|other| {
                        !done
                            .iter()
                            .any(|known| known.0.name.text == other.name.text)
                    });
                if waits {
                    return true;
                }
                let mut groups = axes.named(names);
                for (other, more) in &done {
                    if needs(other) {
                        groups.extend(more);
                    }
                }
                groups.sort_unstable();
                groups.dedup();
                done.push((block, groups));
                false
            });
            if left.len() == before {
                self.ring(
                    &left
                        .iter()
                        .filter_map(|&at| parts.blocks.get(at).copied())
                        .collect::<Vec<_>>(),
                );
                return None;
            }
        }
        // Listed as written, computed in order of need: stable, since `done` respects both.
        Some(done)
    }

    fn ring(&self, blocks: &[&Block]) {
        let names: Vec<&str> = blocks
            .iter()
            .map(|block| block.name.text.as_str())
            .collect();
        let Some(first) = blocks.first() else { return };
        let message = format!("jobs need each other in a ring: {}", names.join(", "));
        self.evaluator
            .report(Problem::error(Code("V0204"), first.name.span, message));
    }

    /// Lowers one job at one point.
    fn run(&mut self, job: &Spot<'_>, before: &[Declaration<'_>]) -> Option<(Made, Run)> {
        let made = self.lower(job, before)?;
        let run = Run {
            job: job.block.name.text.clone(),
            label: job.label.clone(),
            point: job.named.clone(),
            key: made.key,
            items: made.items.clone(),
        };
        Some((made, run))
    }

    /// Refuses products that are too large, before anything is laid out.
    fn bounded(
        &self,
        parts: &Parts<'_>,
        axes: &Axes,
        order: &[(&Block, Vec<usize>)],
    ) -> Option<()> {
        let filtered = parts
            .conditions
            .first()
            .map(|expr| (expr.span, axes.size(0..axes.len())));
        let jobs = order
            .iter()
            .map(|(block, groups)| (block.name.span, axes.size(groups.iter().copied())));
        let Some((span, size)) = filtered
            .into_iter()
            .chain(jobs)
            .find(|(_, size)| *size > limits::RUNS)
        else {
            return Some(());
        };
        let message = format!(
            "the axes have {size} points here, more than {}",
            limits::RUNS
        );
        self.evaluator.report(
            Problem::error(Code("V0405"), span, message)
                .help("shorten an axis, or split the experiment"),
        );
        None
    }

    fn warn_unused(&self, axes: &Axes, declarations: &[Declaration<'_>]) {
        for (at, name) in axes.names() {
            if !declarations.iter().any(|job| job.groups.contains(&at)) {
                let message = format!(
                    "the axis `{}` changes nothing: no job depends on it",
                    name.text
                );
                let mut problem = Problem::error(Code("V0402"), name.span, message)
                    .help("use it in a field of a job, or take it out");
                problem.severity = Severity::Warning;
                self.evaluator.report(problem);
            }
        }
    }

    fn checks(
        &self,
        parts: &Parts<'_>,
        axes: &Axes,
        declarations: &[Declaration<'_>],
        allowed: Option<&[Vec<usize>]>,
    ) {
        let counts: Vec<(String, usize)> = declarations
            .iter()
            .map(|job| {
                (
                    job.block.name.text.clone(),
                    axes.points(&job.groups, allowed).len(),
                )
            })
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

    fn place(&self, span: Span) -> String {
        self.evaluator.sources.place(span)
    }
}

/// `experiment/job[axis=value,…]`.
fn label(experiment: &str, job: &str, point: &[(String, String)]) -> String {
    let axes: Vec<String> = point
        .iter()
        .map(|(axis, value)| format!("{axis}={value}"))
        .collect();
    match axes.as_slice() {
        [] => format!("{experiment}/{job}"),
        axes => format!("{experiment}/{job}[{}]", axes.join(",")),
    }
}
