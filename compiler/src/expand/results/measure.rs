//! Measures such as `fit.web`, `vqa.overall` or `vqa.general.soundness`.

use vpc_grammar::tree::{Expr, ExprKind};
use vpc_grammar::{Code, Problem};

use super::{About, Results, elements};
use crate::eval::Given;
use crate::nearest::advice;
use crate::plan::{Cell, Experiment, Item, Metric};

/// What the mean over all held-out text is called.
const ALL: &str = "mean";

impl Results<'_> {
    /// The measures of a field.
    pub(super) fn cells(
        &self,
        given: &Given<'_>,
        name: &str,
        about: &About<'_>,
    ) -> Option<Vec<Cell>> {
        let exprs = elements(given.fields.get(name)?);
        if exprs.is_empty() {
            let problem = Problem::error(
                Code("V0214"),
                given.at(name),
                "the list of measures is empty",
            );
            self.evaluator
                .report(problem.help("name at least one, such as `fit.web`"));
            return None;
        }
        let cells = exprs.into_iter().map(|expr| self.cell(expr, about));
        // Every wrong one is told, not only the first.
        cells.collect::<Vec<_>>().into_iter().collect()
    }

    /// A measure that every experiment has.
    pub(super) fn cell(&self, expr: &Expr, about: &About<'_>) -> Option<Cell> {
        let path = path(expr);
        let mut found = None;
        for experiment in about.experiments() {
            match cell(&path, experiment) {
                Ok(cell) => found = Some(cell),
                Err(_)
                    if path
                        .first()
                        .is_some_and(|job| self.is_lost(experiment, job)) =>
                {
                    return None;
                }
                Err((message, help)) => {
                    let problem = Problem::error(Code("V0502"), expr.span, message);
                    self.evaluator.report(problem.help(help));
                    return None;
                }
            }
        }
        found
    }
}

/// Reads a path as a measure of an experiment; the error is a message and a help.
fn cell(path: &[String], experiment: &Experiment) -> Result<Cell, (String, String)> {
    let Some((job, rest)) = path.split_first() else {
        return Err((
            "a measure is written `evaluation.item`".to_owned(),
            "for example `fit.web`, `vqa.overall` or `fit.web.perplexity`".to_owned(),
        ));
    };
    let mut measured = experiment.runs.iter().filter(|run| !run.items.is_empty());
    let Some(run) = measured.find(|run| *run.job == **job) else {
        let mut known: Vec<&str> = Vec::new();
        for run in experiment.runs.iter().filter(|run| !run.items.is_empty()) {
            if known.last() != Some(&&*run.job) {
                known.push(&run.job);
            }
        }
        let message = format!(
            "the experiment `{}` has no evaluation `{job}`",
            experiment.name
        );
        return Err((message, advice(job, "its evaluations", known)));
    };
    let (name, metric) = match rest {
        [] if run.items.len() == 1 => (run.items.first().map(|item| item.name.as_ref()), None),
        [name] => (Some(name.as_str()), None),
        [name, metric] => (Some(name.as_str()), Some(metric)),
        _ => {
            return Err((
                format!("a measure of `{job}` names what it measures"),
                advice("", "it measures", item_names(&run.items)),
            ));
        }
    };
    let name = name.unwrap_or_default();
    let item = run.items.iter().find(|item| *item.name == *name);
    let first = run.items.first();
    let held_out = first.is_some_and(|item| item.metric == Metric::BitsPerByte);
    let all = item.is_none() && held_out && name == ALL;
    if item.is_none() && !all {
        let message = format!("`{job}` does not measure `{name}`");
        return Err((message, advice(name, "it measures", item_names(&run.items))));
    }
    let usual = item.or(first);
    let judged = usual.is_some_and(|item| item.judged);
    let usual = usual.map_or(Metric::Score, |item| item.metric);
    let metric = match metric {
        None => usual,
        Some(word) => known_metrics(usual, judged)
            .iter()
            .copied()
            .find(|metric| metric.word() == word)
            .ok_or_else(|| {
                let known = known_metrics(usual, judged)
                    .iter()
                    .map(|metric| metric.word());
                let message = format!("`{word}` is not measured here");
                (message, advice(word, "metrics", known))
            })?,
    };
    Ok(Cell {
        job: job.clone(),
        item: (!all).then(|| name.to_owned()),
        metric,
    })
}

fn item_names(items: &[Item]) -> impl Iterator<Item = &str> {
    let held_out = items
        .first()
        .filter(|item| item.metric == Metric::BitsPerByte);
    let all = held_out.map(|_| ALL);
    items.iter().map(|item| item.name.as_ref()).chain(all)
}

/// What is measured where one thing is.
fn known_metrics(usual: Metric, judged: bool) -> &'static [Metric] {
    match usual {
        Metric::BitsPerByte => &[Metric::BitsPerByte, Metric::Perplexity],
        Metric::Perplexity => &[Metric::Perplexity],
        Metric::Score | Metric::Soundness | Metric::Depth if !judged => &[Metric::Score],
        Metric::Score | Metric::Soundness | Metric::Depth => {
            &[Metric::Score, Metric::Soundness, Metric::Depth]
        }
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
