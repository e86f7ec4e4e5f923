//! Supply and demand: how much text there is, and how much of it a run asks for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Fraction, Job, Key, Plan, PretrainTask, Task};

/// How many tokens there are to train on in a category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supply {
    /// The tokens.
    pub tokens: u64,
    /// Whether they were counted; else the study declares them.
    pub counted: bool,
}

/// What a training run asks of one category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The `tokens` job.
    pub job: Key,
    /// The tokens that are read of it, over and over where there are fewer. The stream of sequences
    /// keeps to this at every prefix within a few sequences.
    pub tokens: u64,
    /// Tokens in one pass through the category: whole sequences; where that is known.
    pub epoch: Option<u64>,
}

impl Supply {
    /// Returns the tokens of one epoch: a token file of `n` tokens holds `⌊(n − 1) / context⌋`
    /// sequences, since the last token of a sequence is predicted too.
    pub const fn epoch(self, context: u64) -> u64 {
        match self.tokens.saturating_sub(1).checked_div(context) {
            Some(sequences) => sequences * context,
            None => 0,
        }
    }
}

impl Demand {
    /// Returns how often the category is gone through, where its supply is known.
    pub fn epochs(&self) -> Option<Fraction> {
        Fraction::new(self.tokens, self.epoch?)
    }

    /// Returns how many different tokens are read, where the supply is known.
    pub fn unique(&self) -> Option<u64> {
        Some(self.tokens.min(self.epoch?))
    }
}

impl PretrainTask {
    /// Returns what the run asks of each of its categories, which are its `tokens` inputs in order.
    pub fn demands<'t>(
        &'t self,
        inputs: impl Iterator<Item = Key> + 't,
        supply: &'t BTreeMap<Key, Supply>,
    ) -> impl Iterator<Item = Demand> + 't {
        inputs.zip(&self.shares).map(|(job, share)| Demand {
            job,
            tokens: share.of(self.tokens),
            epoch: supply
                .get(&job)
                .map(|supply| supply.epoch(self.model.context)),
        })
    }
}

impl Plan {
    /// Returns what a training run asks of each of its categories; nothing for other jobs.
    pub fn demands<'p>(&'p self, job: &'p Job) -> impl Iterator<Item = Demand> + 'p {
        let task = match &job.task {
            Task::Pretrain(task) => Some(&**task),
            _ => None,
        };
        task.into_iter()
            .flat_map(|task| task.demands(job.inputs_as("tokens"), &self.supply))
    }

    /// Returns what is known of the text that these jobs encode.
    pub(super) fn supply_of(&self, jobs: &BTreeSet<Key>) -> BTreeMap<Key, Supply> {
        let known = self.supply.iter().filter(|(key, _)| jobs.contains(key));
        known.map(|(key, supply)| (*key, *supply)).collect()
    }
}
