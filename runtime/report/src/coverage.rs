//! How much of a table there is, where a part of a study was selected.

use std::fmt;

use vpc_compiler::plan::{Cell, Experiment};

/// Runs of the evaluations that a part of a report shows: those there, of how many, by evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage(Vec<(String, usize, usize)>);

impl Coverage {
    /// Compares a part of an experiment with the whole one.
    pub fn of(cells: &[Cell], part: &Experiment, whole: &Experiment) -> Self {
        let count = |experiment: &Experiment, job: &str| {
            let runs = experiment.runs.iter();
            runs.filter(|run| *run.job == *job).count()
        };
        let mut jobs: Vec<(String, usize, usize)> = Vec::new();
        for cell in cells {
            if !jobs.iter().any(|known| known.0 == cell.job) {
                let (there, of) = (count(part, &cell.job), count(whole, &cell.job));
                jobs.push((cell.job.clone(), there, of));
            }
        }
        Self(jobs)
    }

    /// Whether nothing is left out.
    pub fn is_whole(&self) -> bool {
        self.0.iter().all(|(_, there, of)| there == of)
    }
}

impl fmt::Display for Coverage {
    /// Writes `2 of 8 runs of fit`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|(job, there, of)| format!("{there} of {of} runs of `{job}`"))
            .collect();
        write!(f, "{}", parts.join(", "))
    }
}
