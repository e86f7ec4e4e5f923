//! What a part of a plan can still say of the results.

use std::collections::BTreeSet;

use crate::plan::{Cell, Experiment, Plan, Report, Table};

/// The evaluations none of whose runs are left out, by experiment.
pub(super) struct Complete<'p>(BTreeSet<(&'p str, &'p str)>);

impl<'p> Complete<'p> {
    /// Compares the runs of a plan with those of a part of it.
    pub(super) fn new(whole: &'p Plan, part: &[Experiment]) -> Self {
        let runs = |experiments: &'p [Experiment]| {
            let runs = experiments.iter();
            runs.flat_map(|one| one.runs.iter().map(|run| (one.name.as_str(), run)))
        };
        let kept = part.iter().flat_map(|one| &one.runs);
        let kept: BTreeSet<&str> = kept.map(|run| &*run.label).collect();
        let all = runs(&whole.experiments).map(|(of, run)| (of, run.job.as_ref()));
        let mut complete: BTreeSet<_> = all.collect();
        for (of, run) in runs(&whole.experiments) {
            if !kept.contains(&*run.label) {
                complete.remove(&(of, run.job.as_ref()));
            }
        }
        Self(complete)
    }

    /// Whether all runs behind some measures are there, in the experiments named or in one.
    fn has(&self, own: &str, over: &[String], cells: &[Cell]) -> bool {
        let in_one = |of: &str| cells.iter().all(|cell| self.0.contains(&(of, &cell.job)));
        if over.is_empty() {
            in_one(own)
        } else {
            over.iter().all(|of| in_one(of))
        }
    }

    /// The hypotheses and reports of an experiment that stay. A plain table says itself how much it
    /// is of; everything else would be misread.
    pub(super) fn trim(&self, experiment: &mut Experiment) {
        let name = experiment.name.clone();
        let claims = &mut experiment.hypotheses;
        claims.retain(|claim| self.has(&name, &[], std::slice::from_ref(&claim.measure)));
        let runs = &experiment.runs;
        let has_runs = |cell: &Cell| runs.iter().any(|run| *run.job == *cell.job);
        let plain = |table: &Table| {
            table.relative_to.is_none() && table.over.is_empty() && table.cells.iter().all(has_runs)
        };
        for report in &mut experiment.reports {
            self.trim_report(&name, report, &plain);
        }
        experiment.reports.retain(|report| !report.is_empty());
    }

    /// The reports across experiments that stay.
    pub(super) fn across(&self, reports: &[Report]) -> Vec<Report> {
        let mut reports = reports.to_vec();
        for report in &mut reports {
            self.trim_report("", report, &|_| false);
        }
        reports.retain(|report| !report.is_empty());
        reports
    }

    fn trim_report(&self, own: &str, report: &mut Report, plain: &dyn Fn(&Table) -> bool) {
        let has = |over: &[String], cells: &[Cell]| self.has(own, over, cells);
        let tables = &mut report.tables;
        tables.retain(|table| plain(table) || has(&table.over, &table.cells));
        report.plots.retain(|plot| has(&plot.over, &plot.y));
        report.trends.retain(|trend| has(&trend.over, &trend.of));
        report.rankings.retain(|one| has(&one.over, &one.of));
        report.correlations.retain(|one| has(&one.over, &one.of));
    }
}

impl Report {
    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
            && self.plots.is_empty()
            && self.trends.is_empty()
            && self.rankings.is_empty()
            && self.correlations.is_empty()
    }
}
