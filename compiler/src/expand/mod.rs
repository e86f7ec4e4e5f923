//! Experiments to jobs.

mod amend;
mod axes;
mod check;
mod grid;
mod lower;
mod names;
mod order;
mod results;
mod settings;
mod spot;
mod uses;

use std::collections::BTreeMap;
use std::sync::Arc;

use vpc_grammar::tree::{Block, Body, Entry, Expr, Let};
use vpc_grammar::{Code, Problem, Span};

use crate::confounds::Said;
use crate::eval::{Evaluator, Scope};
use crate::limits;
use crate::modules::{Declared, ModuleId, twice};
use crate::plan::{self, Experiment, Jobs, Run};
use crate::schema::{self, Place};

use axes::Axes;
use grid::{Grid, Points};
use lower::{Made, Shared};
pub(crate) use results::{Results, elements};
use spot::{Site, Spot};
pub(crate) use uses::Uses;

/// Expands experiments one after the other into one list of jobs.
pub(crate) struct Expander<'e, 'a> {
    evaluator: &'e Evaluator<'a>,
    module: ModuleId,
    jobs: Jobs,
    shared: Shared,
}

/// A job block and what was made of it.
struct Declaration<'b> {
    block: &'b Block,
    /// The axes it depends on.
    grid: Grid,
    /// How many points it stands at.
    count: usize,
    /// The models that were made, by point.
    made: BTreeMap<usize, Made>,
}

/// An experiment with what is to be read out of its results.
pub(crate) struct Expanded {
    pub(crate) experiment: Experiment,
    /// Its hypotheses and reports.
    pub(crate) results: Vec<Block>,
    /// Jobs that could not be expanded at every point, which was said.
    pub(crate) lost: Vec<String>,
    /// What it says of differences between runs.
    pub(crate) said: Said,
    /// What is set along which axis.
    pub(crate) uses: Uses,
}

/// An experiment sorted by kind of entry.
struct Parts<'b> {
    lets: Vec<Let>,
    blocks: Vec<&'b Block>,
    results: Vec<&'b Block>,
    conditions: Vec<&'b Expr>,
    checks: Vec<&'b Expr>,
    /// Its own fields.
    fields: Vec<Entry>,
}

impl<'e, 'a> Expander<'e, 'a> {
    pub(crate) fn new(evaluator: &'e Evaluator<'a>, module: ModuleId, build: Option<&str>) -> Self {
        Self {
            evaluator,
            module,
            jobs: Jobs::bound_to(build),
            shared: Shared::default(),
        }
    }

    /// Returns the jobs made so far, and what is known of the text they encode.
    pub(crate) fn made(&self) -> (&Jobs, &BTreeMap<plan::Key, plan::Supply>) {
        (&self.jobs, &self.shared.supply)
    }

    /// Returns the jobs, and what is known of the text they encode.
    pub(crate) fn finish(self) -> (Vec<plan::Job>, BTreeMap<plan::Key, plan::Supply>) {
        (self.jobs.into_list(), self.shared.supply)
    }

    /// Expands one experiment of the main file.
    pub(crate) fn experiment(&mut self, name: &str) -> Option<Expanded> {
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
        let (axes, sound) = Axes::read(self.evaluator, &body, &scope);
        let order = self.order(&parts, &axes)?;
        self.bounded(&parts, &axes, &order)?;
        let allowed = if sound {
            axes.allowed(self.evaluator, &parts.conditions, &scope)?
        } else {
            None
        };
        let mut points = Points::new(&axes, allowed);
        let mut declarations: Vec<Declaration<'_>> = Vec::new();
        let mut runs = Vec::new();
        let mut lost = Vec::new();
        let empty = Body {
            entries: Vec::new(),
            whole: true,
            span: block.span,
        };
        for (job, groups) in order {
            let fields = self
                .evaluator
                .fields(job, job.body.as_ref().unwrap_or(&empty))?;
            let place = self.place(job.name.span);
            let site = Site::new(job, fields, axes.grid().part(&groups), place);
            let job_name: Arc<str> = job.name.text.as_str().into();
            let points = points.of(&site.grid);
            let (before, mut made) = (runs.len(), BTreeMap::new());
            runs.reserve(points.len());
            self.jobs.reserve(points.len());
            for point in &*points {
                let label = label(name, &job.name.text, &point.shown);
                let spot = Spot {
                    site: &site,
                    evaluator: self.evaluator,
                    axes: &axes,
                    scope: &scope,
                    point: point.number,
                    label: &label,
                };
                let Some(mut one) = self.lower(&spot, &declarations) else {
                    continue;
                };
                runs.push(Run {
                    job: Arc::clone(&job_name),
                    key: one.key,
                    items: std::mem::take(&mut one.items),
                    point: Arc::clone(&point.shown),
                    label,
                });
                if one.makes_model() {
                    made.insert(point.number, one);
                }
            }
            if runs.len() - before < points.len() {
                lost.push(job.name.text.clone());
            }
            declarations.push(Declaration {
                block: job,
                grid: site.grid,
                count: points.len(),
                made,
            });
        }
        self.tell_excess();
        let settings = self.settings(block, parts.fields.clone(), &scope);
        if !sound {
            return None;
        }
        if body.whole {
            self.warn_unused(&axes, &declarations);
        }
        self.checks(&parts, &declarations);
        let doc = block.doc.as_ref().map(|doc| doc.value.clone());
        let results = parts.results.iter().map(|block| (*block).clone());
        Some(Expanded {
            lost,
            results: results.collect(),
            said: settings.said,
            uses: uses::uses(&axes, &parts.blocks, &parts.lets),
            experiment: Experiment {
                name: name.to_owned(),
                doc: doc.unwrap_or_default(),
                axes: axes.shown(&parts.blocks),
                runs,
                budget: settings.budget,
                hypotheses: Vec::new(),
                reports: Vec::new(),
            },
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
            results: Vec::new(),
            conditions: Vec::new(),
            checks: Vec::new(),
            fields: Vec::new(),
        };
        for entry in &body.entries {
            match entry {
                Entry::Let(item) => parts.lets.push(item.clone()),
                Entry::Where(expr) => parts.conditions.push(expr),
                Entry::Check(expr) => parts.checks.push(expr),
                Entry::Vary(_) => {}
                Entry::Field(_) => parts.fields.push(entry.clone()),
                Entry::Block(block) => match schema::kind(&block.kind.text) {
                    Some(kind) if matches!(kind.name, "report" | "hypothesis") => {
                        let same = |known: &&&Block| {
                            known.kind.text == block.kind.text && known.name.text == block.name.text
                        };
                        match parts.results.iter().find(same) {
                            Some(first) => {
                                let problem = twice(&block.name, first.name.span);
                                self.evaluator.report(problem);
                            }
                            None => parts.results.push(block),
                        }
                    }
                    Some(kind) if kind.stands(Place::Experiment) => self.job(block, &mut parts),
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
            .map(|expr| (expr.span, axes.grid().len()));
        let jobs = order
            .iter()
            .map(|(block, groups)| (block.name.span, axes.grid().part(groups).len()));
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

    fn place(&self, span: Span) -> Arc<str> {
        self.evaluator.sources.place(span).into()
    }
}

/// `experiment/job[axis=value,…]`.
fn label(experiment: &str, job: &str, point: &[(Arc<str>, Arc<str>)]) -> Arc<str> {
    let pairs = point
        .iter()
        .map(|(axis, value)| axis.len() + value.len() + 2);
    let length = experiment.len() + job.len() + pairs.sum::<usize>() + 2;
    let mut label = String::with_capacity(length);
    label.push_str(experiment);
    label.push('/');
    label.push_str(job);
    for (at, (axis, value)) in point.iter().enumerate() {
        label.push(if at == 0 { '[' } else { ',' });
        label.push_str(axis);
        label.push('=');
        label.push_str(value);
    }
    if !point.is_empty() {
        label.push(']');
    }
    label.into()
}
