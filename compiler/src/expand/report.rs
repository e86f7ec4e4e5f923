//! Reports of an experiment.

use vpc_grammar::tree::{Block, Entry, Expr, ExprKind};
use vpc_grammar::{Code, Problem};

use super::axes::Axes;
use super::{Declaration, Expander, Parts};
use crate::eval::{entry_span, misplaced};
use crate::nearest::advice;
use crate::plan::{Cell, Metric, Report, Table};
use crate::schema::{self, Place};

impl Expander<'_, '_> {
    pub(super) fn reports(
        &self,
        parts: &Parts<'_>,
        axes: &Axes,
        jobs: &[Declaration<'_>],
    ) -> Vec<Report> {
        let report = |block: &&Block| Report {
            name: block.name.text.clone(),
            doc: doc(block),
            tables: self.tables(block, axes, jobs),
        };
        parts.reports.iter().map(report).collect()
    }

    fn tables(&self, block: &Block, axes: &Axes, jobs: &[Declaration<'_>]) -> Vec<Table> {
        let mut tables = Vec::new();
        for entry in block.body.iter().flat_map(|body| &body.entries) {
            match entry {
                Entry::Block(block) => match schema::kind(&block.kind.text) {
                    Some(kind) if kind.name == "table" => {
                        tables.extend(self.table(block, axes, jobs));
                    }
                    found => self
                        .evaluator
                        .report(misplaced(block, found, Place::Report)),
                },
                other => self.evaluator.report(
                    Problem::error(Code("V0208"), entry_span(other), "a `report` holds tables")
                        .help("write `table name { cells: […], rows: axis }`"),
                ),
            }
        }
        tables
    }

    fn table(&self, block: &Block, axes: &Axes, jobs: &[Declaration<'_>]) -> Option<Table> {
        let fields = self.evaluator.fields(block, block.body.as_ref()?)?;
        let cells = elements(fields.get("cells")?);
        let cells: Option<Vec<Cell>> = cells.iter().map(|expr| self.cell(expr, jobs)).collect();
        let mut sides = Vec::new();
        for side in ["rows", "columns"] {
            let names = fields.get(side).map(elements).unwrap_or_default();
            let names: Option<Vec<String>> =
                names.iter().map(|expr| self.axis(expr, axes)).collect();
            sides.push(names);
        }
        let columns = sides.pop()??;
        let rows = sides.pop()??;
        let name = block.name.text.clone();
        Some(Table {
            name,
            doc: doc(block),
            cells: cells?,
            rows,
            columns,
        })
    }

    fn axis(&self, expr: &Expr, axes: &Axes) -> Option<String> {
        let name = self.evaluator.sources.slice(expr.span);
        if axes.names().any(|axis| axis.1.text == name) {
            return Some(name.to_owned());
        }
        let known = axes.names().map(|axis| axis.1.text.as_str());
        let message = format!("this experiment has no axis `{name}`");
        self.evaluator.report(
            Problem::error(Code("V0501"), expr.span, message).help(advice(name, "its axes", known)),
        );
        None
    }

    /// Reads `evaluation.item` or `evaluation.item.metric`.
    fn cell(&self, expr: &Expr, jobs: &[Declaration<'_>]) -> Option<Cell> {
        let path = path(expr);
        let fail = |problem: Problem| {
            self.evaluator.report(problem);
            None
        };
        let [job, item, metric @ ..] = path.as_slice() else {
            let message = "a measure is written `evaluation.item`";
            return fail(
                Problem::error(Code("V0502"), expr.span, message)
                    .help("for example `fit.web`, `fit.mean` or `fit.web.perplexity`"),
            );
        };
        let evals = || jobs.iter().filter(|known| known.block.kind.text == "eval");
        let Some(found) = evals().find(|known| known.block.name.text == *job) else {
            let known = evals().map(|known| known.block.name.text.as_str());
            let message = format!("this experiment has no evaluation `{job}`");
            return fail(
                Problem::error(Code("V0502"), expr.span, message).help(advice(
                    job,
                    "its evaluations",
                    known,
                )),
            );
        };
        let items: Vec<&str> = found
            .made
            .values()
            .next()
            .map(|made| made.items.iter().map(|item| item.name.as_str()).collect())
            .unwrap_or_default();
        if item != "mean" && !items.is_empty() && !items.contains(&item.as_str()) {
            let message = format!("`{job}` does not measure `{item}`");
            let known = items.into_iter().chain(["mean"]);
            return fail(
                Problem::error(Code("V0502"), expr.span, message).help(advice(
                    item,
                    "it measures",
                    known,
                )),
            );
        }
        let metric = match metric {
            [] => Some(Metric::BitsPerByte),
            [one] => Metric::from_word(one),
            _ => None,
        };
        let Some(metric) = metric else {
            let message = "there is no such metric of held-out text";
            return fail(
                Problem::error(Code("V0502"), expr.span, message)
                    .help("metrics: `bits_per_byte` (also without a word), `perplexity`"),
            );
        };
        let item = Some(item.clone()).filter(|item| item != "mean");
        Some(Cell {
            job: job.clone(),
            item,
            metric,
        })
    }
}

fn doc(block: &Block) -> String {
    block
        .doc
        .as_ref()
        .map_or(String::new(), |doc| doc.value.clone())
}

/// The elements of a list, or the expression as the only one.
fn elements(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::List(exprs) => exprs.iter().collect(),
        _ => vec![expr],
    }
}

/// `a.b.c` as its words; empty for anything else.
fn path(expr: &Expr) -> Vec<String> {
    match &expr.kind {
        ExprKind::Name(name) => vec![name.clone()],
        ExprKind::Member(of, name) => {
            let mut words = path(of);
            if !words.is_empty() {
                words.push(name.text.clone());
            }
            words
        }
        _ => Vec::new(),
    }
}
