//! Hypotheses and reports: what is read out of the results of experiments.

mod hypothesis;
mod measure;
mod report;
mod view;

use std::cell::RefCell;

use vpc_grammar::tree::{Block, Expr, ExprKind};
use vpc_grammar::{Code, Problem};

use super::Expanded;
use crate::confounds::{Design, View};
use crate::eval::{Evaluator, Given, Scope};
use crate::modules::{Declared, ModuleId};
use crate::nearest::{advice, choices};
use crate::plan::{Experiment, Report};
use crate::schema::{self, Place};

/// Reads hypotheses and reports, once all experiments are expanded.
pub(crate) struct Results<'e> {
    evaluator: &'e Evaluator<'e>,
    module: ModuleId,
    /// Experiments by name, as far as they could be expanded.
    experiments: &'e [Experiment],
    /// For each of them, jobs that could not be expanded.
    lost: &'e [Vec<String>],
    /// What is compared.
    views: RefCell<Vec<View>>,
}

/// The experiments that a hypothesis or a part of a report is about.
struct About<'e> {
    /// The one it stands in.
    own: Option<&'e Experiment>,
    /// Those it names itself; empty where it does not.
    over: Vec<&'e Experiment>,
}

impl<'e> About<'e> {
    fn experiments(&self) -> impl Iterator<Item = &'e Experiment> {
        let own = if self.over.is_empty() { self.own } else { None };
        self.over.iter().copied().chain(own)
    }

    fn names(&self) -> Vec<String> {
        self.over.iter().map(|one| one.name.clone()).collect()
    }
}

impl<'e> Results<'e> {
    /// Fills in the hypotheses and reports of experiments; returns the reports across them, and
    /// what all of them compare.
    pub(crate) fn read(
        evaluator: &Evaluator<'_>,
        module: ModuleId,
        expanded: Vec<Expanded>,
    ) -> (Vec<Experiment>, Vec<Report>, Design) {
        let (mut experiments, mut blocks, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let mut design = Design::default();
        for one in expanded {
            experiments.push(one.experiment);
            blocks.push(one.results);
            lost.push(one.lost);
            design.said.push(one.said);
            design.uses.push(one.uses);
        }
        let results = Results {
            evaluator,
            module,
            experiments: &experiments,
            lost: &lost,
            views: RefCell::default(),
        };
        let mut read = Vec::new();
        for (experiment, blocks) in experiments.iter().zip(&blocks) {
            let of_kind = |kind: &'static str| blocks.iter().filter(move |b| b.kind.text == kind);
            let hypotheses = of_kind("hypothesis");
            let hypotheses: Vec<_> = hypotheses
                .filter_map(|block| results.hypothesis(block, experiment))
                .collect();
            let reports = of_kind("report");
            let reports: Vec<_> = reports
                .map(|block| results.report(block, Some(experiment)))
                .collect();
            read.push((hypotheses, reports));
        }
        let across = results.across();
        design.views = results.views.into_inner();
        for (experiment, (hypotheses, reports)) in experiments.iter_mut().zip(read) {
            experiment.hypotheses = hypotheses;
            experiment.reports = reports;
        }
        (experiments, across, design)
    }

    /// Reads the reports in column 0.
    fn across(&self) -> Vec<Report> {
        let module = self.evaluator.module(self.module);
        let declared = module
            .into_iter()
            .flat_map(|module| module.declared.values());
        let mut blocks: Vec<&Block> = declared
            .filter_map(|declared| match declared {
                Declared::Block(block) if block.kind.text == "report" => Some(block),
                _ => None,
            })
            .collect();
        blocks.sort_by_key(|block| block.span.start);
        blocks
            .into_iter()
            .map(|block| self.report(block, None))
            .collect()
    }

    /// Reads the fields of a block that stands in no particular point of the axes.
    fn reading<T>(&self, block: &Block, read: impl FnOnce(Given<'_>) -> Option<T>) -> Option<T> {
        let evaluator = self.evaluator;
        let body = block.body.as_ref()?;
        let fields = evaluator.fields(block, body)?;
        let scope = Scope::of_module(self.module);
        let made = read(Given {
            fields: &fields,
            kind: &block.kind.text,
            name: block.name.span,
            evaluator,
            eval: &|expr| evaluator.eval(expr, &scope),
        });
        made.filter(|_| fields.sound)
    }

    /// Which experiments a part of a report is about.
    fn about(&self, given: &Given<'_>, own: Option<&'e Experiment>) -> Option<About<'e>> {
        let Some(over) = given.fields.get("over") else {
            if own.is_none() {
                let message = "a report in column 0 says which experiments it is about";
                self.evaluator.report(
                    Problem::error(Code("V0212"), given.name, message)
                        .help("add `over: [experiment, …]`"),
                );
                return None;
            }
            return Some(About {
                own,
                over: Vec::new(),
            });
        };
        let mut found: Vec<&Experiment> = Vec::new();
        for expr in elements(over) {
            let experiment = self.experiment(expr)?;
            if found.iter().any(|known| known.name == experiment.name) {
                let message = format!("the experiment `{}` is listed twice", experiment.name);
                self.evaluator
                    .report(Problem::error(Code("V0404"), expr.span, message));
                return None;
            }
            found.push(experiment);
        }
        if found.is_empty() {
            let message = "the list of experiments is empty";
            self.evaluator
                .report(Problem::error(Code("V0214"), over.span, message));
            return None;
        }
        Some(About { own, over: found })
    }

    /// Whether a job of an experiment could not be expanded.
    fn is_lost(&self, experiment: &Experiment, job: &str) -> bool {
        let all = self.experiments.iter().zip(self.lost);
        let mut own = all.filter(|(one, _)| one.name == experiment.name);
        own.any(|(_, lost)| lost.iter().any(|lost| lost == job))
    }

    fn experiment(&self, expr: &Expr) -> Option<&'e Experiment> {
        let name = self.evaluator.sources.slice(expr.span);
        if let Some(found) = self.experiments.iter().find(|one| one.name == name) {
            return Some(found);
        }
        let written = self.evaluator.module(self.module)?;
        // One that could not be expanded was reported already.
        if !written.experiments.iter().any(|known| known == name) {
            let known = written.experiments.iter().map(String::as_str);
            let message = format!("there is no experiment `{name}` in this file");
            self.evaluator.report(
                Problem::error(Code("V0201"), expr.span, message).help(advice(
                    name,
                    "experiments",
                    known,
                )),
            );
        }
        None
    }

    /// An axis that every experiment has; `experiment` itself is one where there are several.
    fn axis(&self, expr: &Expr, about: &About<'_>) -> Option<String> {
        let name = self.evaluator.sources.slice(expr.span);
        if name == "experiment" && about.over.len() > 1 {
            return Some(name.to_owned());
        }
        for experiment in about.experiments() {
            if !experiment.axes.iter().any(|axis| axis.name == name) {
                let known = experiment.axes.iter().map(|axis| axis.name.as_str());
                let message = format!("the experiment `{}` has no axis `{name}`", experiment.name);
                let help = advice(name, "its axes", known);
                self.evaluator
                    .report(Problem::error(Code("V0501"), expr.span, message).help(help));
                return None;
            }
        }
        Some(name.to_owned())
    }

    /// The axes of a field; none where it is left out.
    fn axes(&self, given: &Given<'_>, name: &str, about: &About<'_>) -> Option<Vec<String>> {
        let exprs = given.fields.get(name).map(elements).unwrap_or_default();
        let axes = exprs.into_iter().map(|expr| self.axis(expr, about));
        // Every wrong one is told, not only the first.
        axes.collect::<Vec<_>>().into_iter().collect()
    }

    /// A value of an axis, as written there.
    fn on_axis(&self, expr: &Expr, axis: &str, about: &About<'_>) -> Option<String> {
        let text: String = self
            .evaluator
            .sources
            .slice(expr.span)
            .split_whitespace()
            .collect();
        for experiment in about.experiments() {
            let own = experiment.axes.iter().find(|own| own.name == axis)?;
            if !own.values.contains(&text) {
                let known: Vec<&str> = own.values.iter().map(String::as_str).collect();
                let message = format!("`{text}` is not on the axis `{axis}`");
                // Every number is near to some other number, and meant by none.
                let help = if text.starts_with(char::is_alphabetic) {
                    advice(&text, "its values", known)
                } else {
                    choices("its values", &known)
                };
                self.evaluator
                    .report(Problem::error(Code("V0501"), expr.span, message).help(help));
                return None;
            }
        }
        Some(text)
    }
}

fn doc(block: &Block) -> String {
    let doc = block.doc.as_ref().map(|doc| doc.value.clone());
    doc.unwrap_or_default()
}

/// The elements of a list, or the expression as the only one.
pub(crate) fn elements(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::List(exprs) => exprs.iter().collect(),
        _ => vec![expr],
    }
}

/// Whether a block may stand inside a report.
fn in_report(block: &Block) -> bool {
    schema::kind(&block.kind.text).is_some_and(|kind| kind.stands(Place::Report))
}
