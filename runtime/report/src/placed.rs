//! The tables of a plan, and what each is about.

use vpc_compiler::plan::{Experiment, Plan, Report, Table};

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

/// Returns the tables of a plan: those of each experiment, then those across experiments.
pub fn tables(plan: &Plan) -> Vec<Placed<'_>> {
    let mut placed = Vec::new();
    let reports = plan.experiments.iter().flat_map(|experiment| {
        let reports = experiment.reports.iter();
        reports.map(move |report| (experiment.name.as_str(), report, Some(experiment)))
    });
    let across = plan
        .reports
        .iter()
        .map(|report| (report.name.as_str(), report, None));
    for (place, report, own) in reports.chain(across) {
        for table in &report.tables {
            let over = table.over.iter();
            let named =
                over.filter_map(|name| plan.experiments.iter().find(|one| one.name == *name));
            let mut experiments: Vec<&Experiment> = named.collect();
            experiments.extend(own.filter(|_| table.over.is_empty()));
            placed.push(Placed {
                place,
                report,
                table,
                experiments,
            });
        }
    }
    placed
}
