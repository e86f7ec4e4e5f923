//! How often runs go through the text of their categories.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use vpc_compiler::plan::{Demand, Fraction, Job, Key, Plan, Task};

use super::experiments::Looked;
use crate::output::rounded;

/// More categories than this are counted, not listed.
const LISTED: usize = 8;

/// The categories of a plan, by the `tokens` job that encodes each.
pub(super) struct Categories<'p>(BTreeMap<Key, &'p str>);

/// What the runs of one declaration ask of a category.
struct Asked {
    epochs: (Fraction, Fraction),
    supply: u64,
    counted: bool,
}

impl<'p> Categories<'p> {
    pub(super) fn of(plan: &'p Plan) -> Self {
        let tokens = plan.jobs.iter();
        let tokens = tokens.filter(|job| matches!(job.task, Task::Tokens));
        Self(tokens.map(|job| (job.key, name(job))).collect())
    }

    fn name(&self, tokens: Key) -> &'p str {
        self.0.get(&tokens).copied().unwrap_or_default()
    }

    /// What a training run asks of its categories, as JSON: by category.
    pub(super) fn demand(&self, plan: &Plan, run: &Job) -> Value {
        let one = |demand: Demand| {
            let value = json!({
                "job": demand.job,
                "tokens": demand.tokens,
                "epoch_tokens": demand.epoch,
                "epochs": demand.epochs().map(Fraction::to_f64),
                "unique_tokens": demand.unique(),
            });
            (self.name(demand.job).to_owned(), value)
        };
        Value::Object(plan.demands(run).map(one).collect())
    }
}

/// `code` of `tokens/code@bpe`.
fn name(tokens: &Job) -> &str {
    let name = tokens.name();
    let name = name.strip_prefix("tokens/").unwrap_or(name);
    name.split('@').next().unwrap_or(name)
}

/// The least and the most epochs of each category, over the runs with these keys. Those gone
/// through most stand first; nothing where no supply is known.
pub(super) fn epochs_text(looked: &Looked<'_>, runs: &[Key]) -> String {
    let plan = looked.plan;
    let mut asked: BTreeMap<Key, Asked> = BTreeMap::new();
    let mut unknown: BTreeSet<Key> = BTreeSet::new();
    let runs = runs.iter().filter_map(|key| looked.runs.get(*key));
    for demand in runs.flat_map(|run| plan.demands(run)) {
        let (Some(epochs), Some(supply)) = (demand.epochs(), plan.supply.get(&demand.job)) else {
            unknown.insert(demand.job);
            continue;
        };
        let one = asked.entry(demand.job).or_insert_with(|| Asked {
            epochs: (epochs, epochs),
            supply: supply.tokens,
            counted: supply.counted,
        });
        one.epochs = (one.epochs.0.min(epochs), one.epochs.1.max(epochs));
    }
    if asked.is_empty() {
        return String::new();
    }
    let mut asked: Vec<(Key, Asked)> = asked.into_iter().collect();
    asked.sort_by_key(|one| Reverse(one.1.epochs.1));
    let mut words: Vec<String> = asked
        .iter()
        .take(LISTED)
        .map(|(key, one)| {
            let (least, most) = (shown(one.epochs.0), shown(one.epochs.1));
            let range = if least == most {
                most
            } else {
                format!("{least}–{most}")
            };
            let supply = rounded(one.supply);
            let source = if one.counted { "" } else { " declared" };
            format!(
                "{} {range} of {supply}{source}",
                looked.categories.name(*key)
            )
        })
        .collect();
    match asked.len().saturating_sub(LISTED) {
        0 => {}
        more => words.push(format!("and {more} more")),
    }
    if !unknown.is_empty() {
        words.push(format!("{} not counted yet", unknown.len()));
    }
    format!("    epochs: {}\n", words.join(", "))
}

/// Epochs for people: three digits that count.
fn shown(epochs: Fraction) -> String {
    let number = epochs.to_f64();
    let places = match number {
        _ if number >= 99.95 => 0,
        _ if number >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{number:.places$}");
    if text == "0.00" && number > 0.0 {
        "<0.01".to_owned()
    } else {
        text
    }
}
