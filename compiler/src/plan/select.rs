//! Parts of a plan, selected by name.

mod glob;
mod miss;
mod parse;
mod results;

use std::collections::BTreeSet;
use std::fmt;

use super::{Axis, Experiment, Key, Name, Plan, Report, Run};

use glob::Glob;
use parse::bare;
use results::Complete;

pub use miss::NothingFits;
pub use parse::NotASelection;

/// Names runs: `experiment`, `experiment/job` or `experiment/job[axis=value,…]`.
///
/// In place of the experiment stands `corpus`, `tokenizer` or `tokens` for shared data, as in
/// `tokens/web@bpe`. Brackets may name some of the axes, in any order. `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// As written.
    text: String,
    group: Glob,
    job: Option<Glob>,
    /// Axes with their values, without blanks and quotes.
    point: Vec<(String, Glob)>,
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Selection {
    /// Whether a name is meant; a name written out in full always is.
    fn fits(&self, name: &Name<'_>) -> bool {
        let at = |(axis, value): &(String, Glob)| {
            let own = name.point.iter().find(|own| *own.0 == **axis);
            own.is_some_and(|own| value.fits(&bare(&own.1)))
        };
        let fits = self.group.fits(name.group)
            && self.job.as_ref().is_none_or(|job| job.fits(name.job))
            && self.point.iter().all(at);
        fits || self.text == name.label
    }
}

impl Plan {
    /// Returns the jobs that a selection names, without what they need.
    pub fn selected(&self, selection: &Selection) -> Result<BTreeSet<Key>, NothingFits> {
        let names = self.names();
        let fitting = names.iter().filter(|name| selection.fits(name));
        let keys: BTreeSet<Key> = fitting.map(|name| name.key).collect();
        if keys.is_empty() {
            return Err(miss::nothing_fits(selection, &names));
        }
        Ok(keys)
    }

    /// Returns the plan of just the selected runs and what they need, however far back; the whole
    /// plan where nothing is selected. Every selection must fit something.
    ///
    /// Kept are: the jobs, unchanged and in order; the experiments with a selected run, with those
    /// of their runs that the jobs compute, and the values of axes that these runs have; the
    /// tables all of whose evaluations still have runs.
    pub fn only(&self, selections: &[Selection]) -> Result<Self, NothingFits> {
        if selections.is_empty() {
            return Ok(self.clone());
        }
        let names = self.names();
        let mut wanted = BTreeSet::new();
        let mut groups = BTreeSet::new();
        for selection in selections {
            let fits = |name: &&Name<'_>| selection.fits(name);
            let fitting: Vec<&Name<'_>> = names.iter().filter(fits).collect();
            if fitting.is_empty() {
                return Err(miss::nothing_fits(selection, &names));
            }
            wanted.extend(fitting.iter().map(|name| name.key));
            let runs = fitting.iter().filter(|name| !name.shared);
            groups.extend(runs.map(|name| name.group));
        }
        let kept = self.with_inputs(wanted);
        let jobs = self.jobs.iter().filter(|job| kept.contains(&job.key));
        let experiments = self.experiments.iter();
        let mut experiments: Vec<Experiment> = experiments
            .filter(|experiment| groups.contains(experiment.name.as_str()))
            .map(|experiment| experiment.part(&kept))
            .filter(|experiment| !experiment.runs.is_empty())
            .collect();
        let complete = Complete::new(self, &experiments);
        let reports = complete.across(&self.reports);
        for experiment in &mut experiments {
            complete.trim(experiment);
            experiment.trim_axes();
        }
        let plan = Self {
            schema: self.schema,
            study: self.study.clone(),
            build: self.build.clone(),
            supply: self.supply_of(&kept),
            jobs: jobs.cloned().collect(),
            comparisons: self.comparisons_of(&experiments),
            experiments,
            reports,
        };
        // With all jobs and experiments there, nothing was left out of any of them.
        let whole =
            plan.jobs.len() == self.jobs.len() && plan.experiments.len() == self.experiments.len();
        Ok(if whole { self.clone() } else { plan })
    }

    /// Adds what jobs need, however far back.
    fn with_inputs(&self, mut keys: BTreeSet<Key>) -> BTreeSet<Key> {
        // Inputs come before their users.
        for job in self.jobs.iter().rev() {
            if keys.contains(&job.key) {
                keys.extend(job.inputs.iter().map(|input| input.key));
            }
        }
        keys
    }
}

impl Experiment {
    /// The part of an experiment that some jobs compute, with all its results.
    fn part(&self, keys: &BTreeSet<Key>) -> Self {
        let runs = self.runs.iter().filter(|run| keys.contains(&run.key));
        Self {
            name: self.name.clone(),
            doc: self.doc.clone(),
            axes: self.axes.clone(),
            runs: runs.cloned().collect(),
            budget: self.budget.clone(),
            hypotheses: self.hypotheses.clone(),
            reports: self.reports.clone(),
        }
    }

    /// Leaves out the values of axes that no run has.
    fn trim_axes(&mut self) {
        let axes = std::mem::take(&mut self.axes);
        let parts = axes.iter();
        let parts = parts.filter_map(|axis| axis.part(&self.runs, &self.reports));
        self.axes = parts.collect();
    }
}

impl Axis {
    /// The axis with the values that runs have. Where no run depends on it, it stays as it is for
    /// the tables that are laid out along it.
    fn part(&self, runs: &[Run], reports: &[Report]) -> Option<Self> {
        let points = runs.iter().flat_map(|run| &*run.point);
        let own = points.filter(|own| *own.0 == *self.name);
        let used: BTreeSet<&str> = own.map(|own| own.1.as_ref()).collect();
        if used.is_empty() {
            let mut tables = reports.iter().flat_map(|report| &report.tables);
            let shown = tables
                .any(|table| table.rows.contains(&self.name) || table.columns.contains(&self.name));
            return shown.then(|| self.clone());
        }
        let values = self.values.iter();
        Some(Self {
            name: self.name.clone(),
            values: values
                .filter(|value| used.contains(value.as_str()))
                .cloned()
                .collect(),
            seeds: self.seeds.clone(),
        })
    }
}
