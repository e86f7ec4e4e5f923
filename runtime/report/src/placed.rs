//! The tables and rankings of a plan, and what each is about.

use vpc_compiler::plan::{Experiment, Plan, Ranking, Report, Table};

/// A table of a plan, with what it is about.
#[derive(Debug)]
pub struct Placed<'p> {
    /// The experiment it stands in; the report's name for one across experiments.
    pub place: &'p str,
    /// The report it stands in.
    pub report: &'p Report,
    /// The table.
    pub table: &'p Table,
    /// The experiments it is about.
    pub experiments: Vec<&'p Experiment>,
}

/// A ranking of a plan, with what it is about.
#[derive(Debug)]
pub struct PlacedRanking<'p> {
    /// The experiment it stands in; the report's name for one across experiments.
    pub place: &'p str,
    /// The report it stands in.
    pub report: &'p Report,
    /// The ranking.
    pub ranking: &'p Ranking,
    /// The experiments it is about.
    pub experiments: Vec<&'p Experiment>,
}

/// Returns the tables of a plan: those of each experiment, then those across experiments.
pub fn tables(plan: &Plan) -> Vec<Placed<'_>> {
    let mut placed = Vec::new();
    for (place, report, own) in reports(plan) {
        placed.extend(report.tables.iter().map(|table| Placed {
            place,
            report,
            table,
            experiments: about(plan, own, &table.over),
        }));
    }
    placed
}

/// Returns the rankings of a plan, in the same order.
pub fn rankings(plan: &Plan) -> Vec<PlacedRanking<'_>> {
    let mut placed = Vec::new();
    for (place, report, own) in reports(plan) {
        placed.extend(report.rankings.iter().map(|ranking| PlacedRanking {
            place,
            report,
            ranking,
            experiments: about(plan, own, &ranking.over),
        }));
    }
    placed
}

/// Place, report, and the experiment that it stands in.
type Standing<'p> = (&'p str, &'p Report, Option<&'p Experiment>);

fn reports(plan: &Plan) -> impl Iterator<Item = Standing<'_>> {
    let within = plan.experiments.iter().flat_map(|experiment| {
        let reports = experiment.reports.iter();
        reports.map(move |report| (experiment.name.as_str(), report, Some(experiment)))
    });
    let across = plan.reports.iter();
    within.chain(across.map(|report| (report.name.as_str(), report, None)))
}

/// The experiments that are taken together, or the one that it stands in.
fn about<'p>(
    plan: &'p Plan,
    own: Option<&'p Experiment>,
    over: &'p [String],
) -> Vec<&'p Experiment> {
    let named = over
        .iter()
        .filter_map(|name| plan.experiments.iter().find(|one| one.name == *name));
    named.chain(own.filter(|_| over.is_empty())).collect()
}
