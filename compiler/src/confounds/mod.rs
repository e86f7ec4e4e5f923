//! Confounds: what differs between the arms of a comparison besides what is compared.
//!
//! After expansion, each hypothesis and each part of a report is a [`View`]: it compares runs along
//! axes. For each of them, runs are laid side by side that differ in nothing but the axis, and in
//! what moves along with it. What they are made of is read from the plan's jobs, as a value for each
//! [`Trait`]. Arms may differ in one trait; what else differs is told, unless the study accepts it.

mod balance;
mod judge;
mod judgement;
mod lengths;
mod measure;
mod runs;
mod stage;
mod stages;
mod strata;
mod table;
mod tell;
mod text;
mod values;
mod view;

use std::collections::BTreeMap;

use crate::eval::Evaluator;
use crate::expand::Uses;
use crate::plan::{Comparison, Experiment, Jobs, Key, Supply};

use judge::Judge;
pub(crate) use view::{Compared, Said, View};

/// What a study compares and says of differences.
#[derive(Default)]
pub(crate) struct Design {
    pub(crate) views: Vec<View>,
    /// What each experiment says, in their order.
    pub(crate) said: Vec<Said>,
    /// What each sets along which axis.
    pub(crate) uses: Vec<Uses>,
}

impl Design {
    /// Warns of what differs between arms besides what is compared; returns all comparisons.
    pub(crate) fn comparisons(
        mut self,
        evaluator: &Evaluator<'_>,
        experiments: &[Experiment],
        jobs: &Jobs,
        supply: &BTreeMap<Key, Supply>,
    ) -> Vec<Comparison> {
        // In the order of the text, so that what several views share is said at the first one.
        let first = |view: &View| view.compared.iter().map(|one| one.span).next();
        self.views
            .sort_by_key(|view| first(view).map(|span| (span.source, span.start)));
        let mut judge = Judge::new(evaluator, experiments, &self, (jobs, supply));
        for said in &self.said {
            judge.note(said);
        }
        for view in &self.views {
            judge.note(&view.said);
            for at in 0..view.compared.len() {
                judge.axis(view, at);
            }
        }
        judge.finish()
    }
}
